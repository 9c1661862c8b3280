"""The meter provider: the API's, on the engine."""

from __future__ import annotations

from typing import Any

from opentelemetry import metrics
from opentelemetry.util.types import Attributes

from oxitel._fork import load
from oxitel._provider import OnEngine, Remembered, end_all, is_absorbed
from oxitel._said import failed, warn


class MeterProvider(OnEngine, metrics.MeterProvider):
    """Makes meters whose measurements are recorded by the engine. All of them share its one
    state."""

    def __init__(self) -> None:
        # A meter knows its callbacks: an instrumentation that is put in again brings them again.
        self._meters = Remembered(_meter)

    def get_meter(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> metrics.Meter:
        """The meter of a scope."""
        if not name:
            name = ""
            warn("no meter name", "get_meter() without a name: its metrics are of a scope without")
        return self._meters.get(name, version, schema_url, attributes)

    def add_metric_reader(self, metric_reader: Any) -> None:
        """No reader of Python's reads what is measured: that lies in the engine. One of the SDK's
        that would send where the engine sends already is left out, and any other is told so. Both
        are ended, for their threads would go on."""
        _quieten(metric_reader)
        if not is_absorbed(metric_reader, "metrics"):
            warn(
                "metric reader",
                f"add_metric_reader({type(metric_reader).__name__}) has no effect: metrics are"
                " aggregated and sent by the engine; OTEL_EXPORTER_OTLP_METRICS_ENDPOINT says where"
                " to, and oxitel.metrics_asgi and oxitel.metrics_wsgi show them to Prometheus",
            )
            end_all([metric_reader])

    def remove_metric_reader(self, metric_reader: Any) -> None:
        """There is none to remove."""


def _meter(*scope: Any) -> metrics.Meter:
    return load("oxitel._meter").Meter(*scope)


def _quieten(reader: Any) -> None:
    """A reader of the SDK that nobody has registered complains at each turn, and at its end."""
    register = getattr(reader, "_set_collect_callback", None)
    if callable(register):
        try:
            register(_collects_nothing)
        except Exception as error:
            failed("_set_collect_callback", error)


def _collects_nothing(*_given: Any, **_named: Any) -> None: ...
