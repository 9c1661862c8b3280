"""The tracer provider: the API's, on the engine."""

from __future__ import annotations

import threading
from typing import Any

from opentelemetry import trace
from opentelemetry.util.types import Attributes

from oxitel import _native
from oxitel._readable import Resource
from oxitel._said import warn

trace.Span.register(_native.Span)
trace.Tracer.register(_native.Tracer)


class TracerProvider(trace.TracerProvider):
    """Makes tracers whose spans are recorded by the engine. All of them share its one state."""

    def __init__(self) -> None:
        self._processors: list[Any] = []
        self._lock = threading.Lock()

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

    @property
    def resource(self) -> Resource:
        """What describes this process."""
        return Resource(_native.resource())

    def add_span_processor(self, span_processor: Any) -> None:
        """From now on `span_processor` sees each recorded span, at its start and at its end."""
        with self._lock:
            processors = [*self._processors, span_processor]
            _native.set_processors(processors)
            self._processors = processors

    def take_processors(self) -> list[Any]:
        """Those of the program, which see nothing from now on."""
        with self._lock:
            taken, self._processors = self._processors, []
            _native.set_processors([])
        return taken

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Whether everything that was recorded before the call was delivered."""
        theirs = [processor.force_flush(timeout_millis) for processor in self._processors]
        return _native.flush(timeout_millis / 1000) is None and all(
            answer is not False for answer in theirs
        )

    def shutdown(self) -> None:
        """Sends what is left and ends telemetry, for the whole process."""
        for processor in self._processors:
            processor.shutdown()
        _native.shutdown(2.0)
