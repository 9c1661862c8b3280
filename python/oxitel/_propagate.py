"""Context that travels in headers, for those who carry it by hand.

The formats are those of the OpenTelemetry API: `OTEL_PROPAGATORS` names them, and those beside
`tracecontext` and `baggage` come with packages such as `opentelemetry-propagator-b3`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextvars import Token
from typing import Any, cast

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import TextMapPropagator

from oxitel._said import detach_failed, warn

Headers = Mapping[Any, Any] | Iterable[tuple[Any, Any]]


def inject_trace_context(headers: Headers | None = None) -> dict[str, str]:
    """The headers, and the current trace context among them. What is given stays as it is."""
    carrier = {_text(name): _text(value) for name, value in _pairs(headers)}
    fresh: dict[str, str] = {}
    _propagator().inject(fresh)  # pyright: ignore[reportArgumentType]  # the API's own default
    is_fresh = {name.lower() for name in fresh}
    kept = {name: value for name, value in carrier.items() if name.lower() not in is_fresh}
    return kept | fresh


def extract_trace_context(headers: Headers | None) -> Context:
    """The context that came with a request. Names of headers count in any case; headers that make
    no sense begin a new trace."""
    carrier: dict[str, str] = {}
    for name, value in _pairs(headers):
        key, text = _text(name).lower(), _text(value)
        # As HTTP joins what comes twice.
        carrier[key] = f"{carrier[key]},{text}" if key in carrier else text
    return _propagator().extract(carrier, context=Context())


def attach_trace_context(ctx: Context) -> Token[Context]:
    """Makes a context the current one; what it gives back ends that."""
    return context.attach(ctx)


def detach_trace_context(token: Token[Context]) -> None:
    """Makes the context before the current one again."""
    # Not by the API's `detach`, which logs a traceback for what is no one's fault.
    try:
        context._RUNTIME_CONTEXT.detach(token)  # pyright: ignore[reportPrivateUsage]
    except Exception as error:
        detach_failed(error)


def get_current_trace_id() -> str | None:
    """32 hexadecimal digits, or `None` outside of any span."""
    place = trace.get_current_span().get_span_context()
    return trace.format_trace_id(place.trace_id) if place.is_valid else None


def get_current_span_id() -> str | None:
    """16 hexadecimal digits, or `None` outside of any span."""
    place = trace.get_current_span().get_span_context()
    return trace.format_span_id(place.span_id) if place.is_valid else None


def _propagator() -> TextMapPropagator:
    try:
        from opentelemetry import propagate
    except ValueError as error:
        # The API refuses to load with a format that is not installed.
        warn(
            "propagators",
            f"OTEL_PROPAGATORS: {error} tracecontext and baggage are used here; other formats come"
            " with packages such as opentelemetry-propagator-b3 or opentelemetry-propagator-jaeger",
        )
        return _usual()
    return propagate.get_global_textmap()


def _usual() -> TextMapPropagator:
    from opentelemetry.baggage.propagation import W3CBaggagePropagator
    from opentelemetry.propagators.composite import CompositePropagator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])


def _pairs(headers: Headers | None) -> Iterable[tuple[Any, Any]]:
    if headers is None:
        return ()
    if isinstance(headers, Mapping):
        return cast("Mapping[Any, Any]", headers).items()
    return headers


def _text(part: Any) -> str:
    """Servers hand over bytes as they came."""
    return part.decode("latin-1") if isinstance(part, bytes) else str(part)
