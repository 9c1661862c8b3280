"""Sets up a library, as its users do, and flushes it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIGNALS = ("traces", "metrics", "logs")


def set_up(library: str, signals: tuple[str, ...]) -> Callable[[], Any]:
    """Makes `library` record `signals`; returns what flushes them."""
    return _LIBRARIES[library](signals)


def _nothing(_: tuple[str, ...]) -> Callable[[], Any]:
    return lambda: None


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


def _grpc(_: tuple[str, ...]) -> Callable[[], Any]:
    """The SDK, with its other exporter."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "bench"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return lambda: provider.force_flush(60_000)


def _logfire(_: tuple[str, ...]) -> Callable[[], Any]:
    """Sent where the variable says, and nowhere else. Spans are made by the API: its own ones cost
    more."""
    import logfire

    logfire.configure(
        service_name="bench",
        send_to_logfire=False,
        console=False,
        metrics=False,
        inspect_arguments=False,
    )
    return lambda: logfire.force_flush(60_000)


def _ddtrace(_: tuple[str, ...]) -> Callable[[], Any]:
    from ddtrace.trace import tracer

    return tracer.flush


def _honeycomb(_: tuple[str, ...]) -> Callable[[], Any]:
    """By its distribution's own steps; the file has its template, with a larger queue."""
    from honeycomb.pycpp.distro import OpenTelemetryConfigurator, OpenTelemetryDistro

    os.environ["OTEL_CONFIG_FILE"] = str(Path(__file__).with_name("honeycomb.yaml"))
    OpenTelemetryDistro().configure()
    OpenTelemetryConfigurator().configure()
    # Its provider has no flush. Everything is sent a tenth of a second after it was recorded, and
    # who sleeps uses no CPU.
    return lambda: time.sleep(3)


_LIBRARIES: dict[str, Callable[[tuple[str, ...]], Callable[[], Any]]] = {
    "without": _nothing,
    "noop": _api,
    "none": _api,
    "oxitel": _oxitel,
    "sdk": _sdk,
    "grpc": _grpc,
    "logfire": _logfire,
    "ddtrace": _ddtrace,
    "honeycomb": _honeycomb,
}
