"""The tracer provider: the API's, on the engine."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace
from opentelemetry.util.types import Attributes

from oxitel import _native
from oxitel._end import end
from oxitel._readable import Resource
from oxitel._said import logger, warn

trace.Span.register(_native.Span)
trace.Tracer.register(_native.Tracer)


class TracerProvider(trace.TracerProvider):
    """Makes tracers whose spans are recorded by the engine. All of them share its one state."""

    _processors: tuple[Any, ...] = ()

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
        """From now on `span_processor` sees each recorded span, at its start and at its end.

        One of the SDK's that would send the spans where the engine sends them already is left out.
        """
        exporter = _otlp_exporter(span_processor)
        if exporter is not None and _is_ours(exporter):
            logger.info(
                "%s for %s is left out: the engine sends there already",
                type(span_processor).__name__,
                _address(exporter),
            )
            span_processor.shutdown()
            return
        _native.add_processor(span_processor)
        self._processors += (span_processor,)

    def take_processors(self) -> list[Any]:
        """Those of the program, which see nothing from now on."""
        taken, self._processors = self._processors, ()
        _native.clear_processors()
        return list(taken)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Whether everything that was recorded before the call was delivered."""
        theirs = [processor.force_flush(timeout_millis) for processor in self._processors]
        ours = _native.flush(timeout_millis / 1000) is None
        return ours and all(answer is not False for answer in theirs)

    def shutdown(self) -> None:
        """Sends what is left and ends telemetry, for the whole process."""
        for processor in self.take_processors():
            processor.shutdown()
        end()


def _otlp_exporter(processor: Any) -> Any | None:
    """The exporter of a processor of the SDK, if it speaks OTLP."""
    if not type(processor).__module__.startswith("opentelemetry.sdk."):
        return None
    exporter = getattr(processor, "span_exporter", None)
    is_otlp = type(exporter).__module__.startswith("opentelemetry.exporter.otlp.")
    return exporter if is_otlp else None


def _is_ours(exporter: Any) -> bool:
    return _host(_address(exporter)) in map(_host, _native.receivers("traces"))


def _address(exporter: Any) -> str:
    return str(getattr(exporter, "_endpoint", ""))


def _host(url: str) -> tuple[str, int | None]:
    """Where a URL leads; one of gRPC may come without a scheme."""
    # Here, because few programs come here, and all of them would start later.
    from urllib.parse import urlsplit

    split = urlsplit(url if "://" in url else f"//{url}")
    host = (split.hostname or "").lower()
    return "127.0.0.1" if host == "localhost" else host, split.port
