"""Sets the global tracer provider: ours where it is installed, else the SDK's."""

from __future__ import annotations

import importlib.util

from opentelemetry import trace


def install() -> None:
    """Makes the provider of this environment the global one; its spans leave at `finish`."""
    if importlib.util.find_spec("oxitel") is not None:
        from oxitel import _native
        from oxitel._trace import TracerProvider

        _native.start({})
        trace.set_tracer_provider(TracerProvider())
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider as Sdk
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = Sdk()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def finish() -> None:
    """Sends what was recorded."""
    trace.get_tracer_provider().force_flush()  # type: ignore[attr-defined]
    trace.get_tracer_provider().shutdown()  # type: ignore[attr-defined]
