"""What a span shows of itself, in the shapes that the SDK's readable spans have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.trace import SpanContext, format_span_id, format_trace_id
from opentelemetry.util.types import AnyValue


@dataclass(frozen=True)
class Event:
    """Something that happened during a span."""

    name: str
    attributes: Mapping[str, AnyValue] = field(hash=False)
    timestamp: int
    """Nanoseconds since 1970."""
    dropped_attributes: int = 0
    """Left out because of a limit."""


@dataclass(frozen=True)
class Link:
    """A span that another one points at."""

    context: SpanContext
    attributes: Mapping[str, AnyValue] = field(hash=False)
    dropped_attributes: int = 0
    """Left out because of a limit."""


@dataclass(frozen=True)
class InstrumentationScope:
    """Who recorded a span."""

    name: str
    version: str = ""
    schema_url: str = ""
    attributes: Mapping[str, AnyValue] = field(default_factory=dict[str, AnyValue], hash=False)


@dataclass(frozen=True)
class Resource:
    """What describes this process."""

    attributes: Mapping[str, AnyValue] = field(hash=False)
    schema_url: str = ""

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
