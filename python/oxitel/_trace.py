"""The tracer provider: the API's, on the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from opentelemetry import trace
from opentelemetry.util.types import Attributes

from oxitel import _native
from oxitel._fork import ForkLock
from oxitel._provider import OnEngine, is_absorbed
from oxitel._said import warn

trace.Span.register(_native.Span)
trace.Tracer.register(_native.Tracer)


class TracerProvider(OnEngine, trace.TracerProvider):
    """Makes tracers whose spans are recorded by the engine. All of them share its one state."""

    def __init__(self) -> None:
        self._processors: list[Any] = []
        self._changes = ForkLock()

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> trace.Tracer:
        """The tracer of a scope."""
        if not instrumenting_module_name:
            instrumenting_module_name = ""
            warn("no name", "get_tracer() without a name: its spans belong to a scope without one")
        return _native.Tracer(  # type: ignore[return-value]  # registered above
            instrumenting_module_name, instrumenting_library_version, schema_url, attributes
        )

    def add_span_processor(self, span_processor: Any) -> None:
        """From now on `span_processor` sees each recorded span, at its start and at its end.

        One of the SDK's that would send the spans where the engine sends them already is left out.
        """
        if is_absorbed(span_processor, "traces"):
            return
        try:
            with self._changes:
                _native.add_processor(span_processor)
                self._processors.append(span_processor)
        except AttributeError as error:
            warn("span processor", f"add_span_processor() has no effect: {error}")

    def processors(self) -> Sequence[Any]:
        """What the program has added."""
        return tuple(self._processors)

    def take_processors(self) -> list[Any]:
        """Those, which see nothing from now on."""
        with self._changes:
            taken, self._processors = self._processors, []
            _native.clear_processors()
        return taken
