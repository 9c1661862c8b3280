"""Sets up a library, as its users do, and flushes it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

SIGNALS = ("traces", "metrics", "logs")


def set_up(library: str, signals: tuple[str, ...]) -> Callable[[], Any]:
    """Makes `library` record `signals`; returns what flushes them."""
    return {"none": _api, "oxitel": _oxitel, "sdk": _sdk}[library](signals)


def _api(signals: tuple[str, ...]) -> Callable[[], Any]:
    if "traces" in signals:
        from opentelemetry import trace  # noqa: F401
    if "metrics" in signals:
        from opentelemetry import metrics  # noqa: F401
    if "logs" in signals:
        from opentelemetry import _logs  # noqa: F401
    return lambda: None


def _oxitel(signals: tuple[str, ...]) -> Callable[[], Any]:
    import oxitel

    oxitel.enable_telemetry(
        traces="traces" in signals,
        metrics="metrics" in signals,
        logs="logs" in signals,
        endpoint=os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"],
        service_name="bench",
    )
    from oxitel import _native

    return lambda: _native.flush(60.0)


def _sdk(signals: tuple[str, ...]) -> Callable[[], Any]:
    from opentelemetry.sdk.resources import Resource

    resource = Resource.create({"service.name": "bench"})
    providers = [_SDK[signal](resource) for signal in signals]

    def flush() -> None:
        for provider in providers:
            provider.force_flush(60_000)

    return flush


def _sdk_traces(resource: Any) -> Any:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def _sdk_metrics(resource: Any) -> Any:
    from opentelemetry import metrics
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    reader = PeriodicExportingMetricReader(OTLPMetricExporter())
    provider = MeterProvider(resource=resource, metric_readers=[reader])
    metrics.set_meter_provider(provider)
    return provider


def _sdk_logs(resource: Any) -> Any:
    import logging

    from opentelemetry import _logs
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.instrumentation.logging.handler import LoggingHandler
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider(resource=resource)
    provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
    _logs.set_logger_provider(provider)
    logging.getLogger().addHandler(LoggingHandler(logger_provider=provider))
    return provider


_SDK = {"traces": _sdk_traces, "metrics": _sdk_metrics, "logs": _sdk_logs}
