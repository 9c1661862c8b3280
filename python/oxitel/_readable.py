"""What a span shows of itself, in the shapes that the SDK's readable spans have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.trace import SpanContext, format_span_id, format_trace_id
from opentelemetry.util.types import AnyValue


class _Shown:
    """Stays as it is, and equals what has the same parts.

    Classes by hand: to have them made by `dataclasses` takes a hundred times as long, at the start
    of every program.
    """

    __slots__ = ()

    def __init__(self, *parts: object) -> None:
        for name, part in zip(self.__slots__, parts, strict=True):
            object.__setattr__(self, name, part)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{name} of {type(self).__name__} cannot be set")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name} of {type(self).__name__} cannot be deleted")

    def _parts(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Shown) or type(self) is not type(other):
            return NotImplemented
        return self._parts() == other._parts()

    def __hash__(self) -> int:
        # Attributes have no hash.
        return hash(tuple(part for part in self._parts() if not isinstance(part, Mapping)))

    def __repr__(self) -> str:
        parts = zip(self.__slots__, self._parts(), strict=True)
        return f"{type(self).__name__}({', '.join(f'{name}={part!r}' for name, part in parts)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._parts()


class Event(_Shown):
    """Something that happened during a span."""

    __slots__ = ("name", "attributes", "timestamp", "dropped_attributes")

    name: str
    attributes: Mapping[str, AnyValue]
    timestamp: int
    """Nanoseconds since 1970."""
    dropped_attributes: int
    """Left out because of a limit."""

    def __init__(
        self,
        name: str,
        attributes: Mapping[str, AnyValue],
        timestamp: int,
        dropped_attributes: int = 0,
    ) -> None:
        super().__init__(name, attributes, timestamp, dropped_attributes)


class Link(_Shown):
    """A span that another one points at."""

    __slots__ = ("context", "attributes", "dropped_attributes")

    context: SpanContext
    attributes: Mapping[str, AnyValue]
    dropped_attributes: int
    """Left out because of a limit."""

    def __init__(
        self,
        context: SpanContext,
        attributes: Mapping[str, AnyValue],
        dropped_attributes: int = 0,
    ) -> None:
        super().__init__(context, attributes, dropped_attributes)


class InstrumentationScope(_Shown):
    """Who recorded a span."""

    __slots__ = ("name", "version", "schema_url", "attributes")

    name: str
    version: str
    schema_url: str
    attributes: Mapping[str, AnyValue]

    def __init__(
        self,
        name: str,
        version: str = "",
        schema_url: str = "",
        attributes: Mapping[str, AnyValue] | None = None,
    ) -> None:
        super().__init__(name, version, schema_url, attributes or {})


class Resource(_Shown):
    """What describes this process."""

    __slots__ = ("attributes", "schema_url")

    attributes: Mapping[str, AnyValue]
    schema_url: str

    def __init__(self, attributes: Mapping[str, AnyValue], schema_url: str = "") -> None:
        super().__init__(attributes, schema_url)

    def to_json(self, indent: int | None = 4) -> str:
        """As the SDK's console exporters print it."""
        # Here, because few programs come here, and all of them would start later.
        import json

        shown = {"attributes": self.attributes, "schema_url": self.schema_url}
        return json.dumps(shown, indent=indent, default=str)


def to_json(span: Any, indent: int | None = 4) -> str:
    """A span as the SDK's console exporter prints it."""
    # Here, because few programs come here, and all of them would start later.
    import json

    status: dict[str, str] = {"status_code": span.status.status_code.name}
    if span.status.description:
        status["description"] = span.status.description
    return json.dumps(
        {
            "name": span.name,
            "context": _context(span.context),
            "kind": str(span.kind),
            "parent_id": f"0x{format_span_id(span.parent.span_id)}" if span.parent else None,
            "start_time": _time(span.start_time),
            "end_time": _time(span.end_time),
            "status": status,
            "attributes": span.attributes,
            "events": [
                {
                    "name": event.name,
                    "timestamp": _time(event.timestamp),
                    "attributes": event.attributes,
                }
                for event in span.events
            ],
            "links": [
                {"context": _context(link.context), "attributes": link.attributes}
                for link in span.links
            ],
            "resource": {
                "attributes": span.resource.attributes,
                "schema_url": span.resource.schema_url,
            },
        },
        indent=indent,
        default=str,
    )


def _context(context: SpanContext) -> dict[str, str]:
    return {
        "trace_id": f"0x{format_trace_id(context.trace_id)}",
        "span_id": f"0x{format_span_id(context.span_id)}",
        "trace_state": repr(context.trace_state),
    }


def _time(time_ns: int | None) -> str | None:
    if time_ns is None:
        return None
    from datetime import datetime, timezone

    seconds, rest = divmod(time_ns, 1_000_000_000)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"
