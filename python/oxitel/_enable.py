"""The two calls that start telemetry."""

from __future__ import annotations

import logging
import os
from typing import Any, Protocol

from oxitel import _lifecycle, _resolve


class Sampler(Protocol):
    """Decides about spans, as the SDK's samplers do."""

    def should_sample(self, *args: Any, **kwargs: Any) -> Any:
        """An object with `decision`, `attributes` and `trace_state`."""
        ...


def enable_telemetry(
    *,
    traces: bool = True,
    metrics: bool = True,
    logs: bool = True,
    endpoint: str | None = None,
    service_name: str | None = None,
    log_level: int = logging.INFO,
    sampler: str | Sampler | None = None,
) -> None:
    """Starts telemetry, by arguments first and the standard's variables second.

    Without an endpoint, here or in a variable, nothing is recorded. A call while telemetry runs
    changes nothing.

    Args:
        traces: `False` switches traces off, whatever the environment says.
        metrics: The same for metrics.
        logs: The same for logs, and `logging` is left alone.
        endpoint: The receiver's base URL, such as `http://localhost:4318`.
        service_name: The name of this service.
        log_level: Records of `logging` below it are not taken.
        sampler: Which traces are kept: a name of the standard, such as `always_on`, or
            `ratio:0.1` for a tenth of them. Or an object with the method `should_sample` of the
            SDK's samplers, which is asked for each span.
    """
    plan = _resolve.enable(
        os.environ,
        traces=traces,
        metrics=metrics,
        logs=logs,
        endpoint=endpoint,
        service_name=service_name,
        log_level=log_level,
        sampler=sampler,
    )
    _lifecycle.start(plan)


def configure_telemetry(
    service_name: str | None = None,
    service_version: str | None = None,
    environment: str | None = None,
    jaeger_endpoint: str | None = None,
    otlp_endpoint: str | None = None,
    enable_prometheus: bool = True,
    enable_console: bool = False,
) -> None:
    """Starts telemetry for a service, by arguments first and variables second.

    Without an endpoint nothing is sent, but spans have ids, and metrics can be scraped. A call
    while telemetry runs changes nothing.

    Args:
        service_name: The name of this service.
        service_version: Its version.
        environment: Where it runs, such as `production`.
        jaeger_endpoint: Jaeger's address: it gets traces by OTLP, and log records as events of
            their spans.
        otlp_endpoint: Where all signals go, such as `collector:4317`; Jaeger's is not used then.
        enable_prometheus: Whether metrics can be scraped.
        enable_console: Whether everything is written to standard output as well.
    """
    plan = _resolve.configure(
        os.environ,
        service_name=service_name,
        service_version=service_version,
        deployment=environment,
        jaeger_endpoint=jaeger_endpoint,
        otlp_endpoint=otlp_endpoint,
        enable_prometheus=enable_prometheus,
        enable_console=enable_console,
    )
    _lifecycle.start(plan)
