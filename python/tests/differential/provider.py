"""Makes the providers of this environment the API's globals: ours where the package is installed,
else the SDK's with its exporters. Programs that are compared begin and end here.
"""

from __future__ import annotations

import importlib.util
import logging

from opentelemetry import _logs, metrics, trace

FOREVER_MILLIS = 3_600_000

IS_OURS = importlib.util.find_spec("oxitel") is not None


def install(*, listening: bool = False) -> None:
    """Sets the three; what they take leaves at `finish`. With `listening`, so does what goes to
    `logging`, by the handler that users of each have."""
    if IS_OURS:
        _install_ours(listening)
    else:
        _install_sdk(listening)


def _install_ours(listening: bool) -> None:
    import oxitel
    from oxitel import _root

    oxitel.enable_telemetry()
    if not listening:
        _root.remove()


def _install_sdk(listening: bool) -> None:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    traces = TracerProvider()
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(traces)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(), FOREVER_MILLIS)
    metrics.set_meter_provider(MeterProvider([reader]))
    logs = LoggerProvider()
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    _logs.set_logger_provider(logs)
    if listening:
        from opentelemetry.instrumentation.logging import LoggingInstrumentor

        logging.getLogger().setLevel(logging.INFO)
        LoggingInstrumentor().instrument()


def finish() -> None:
    """Sends what was taken."""
    if IS_OURS:
        import oxitel

        assert oxitel.shutdown_telemetry(30)
        return
    trace.get_tracer_provider().shutdown()  # type: ignore[attr-defined]
    metrics.get_meter_provider().shutdown()  # type: ignore[attr-defined]
    _logs.get_logger_provider().shutdown()  # type: ignore[attr-defined]
