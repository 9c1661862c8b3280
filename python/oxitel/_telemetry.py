"""Traces, metrics and logs of one part of a program, in one object."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from opentelemetry import metrics, trace
from opentelemetry.metrics import CallbackOptions, Counter, Histogram, ObservableGauge, Observation
from opentelemetry.util.types import AnyValue

from oxitel import _propagate
from oxitel._fork import ForkLock

Observed = float | Iterable[Observation]
"""What a gauge's callback gives: a number, or several with attributes."""

_lock = ForkLock()
_all: dict[str, UnifiedTelemetry] = {}


def get_telemetry(name: str) -> UnifiedTelemetry:
    """The telemetry of this name: the same object each time. It may be taken before telemetry
    starts, and records from then on."""
    known = _all.get(name)
    if known is not None:
        return known
    with _lock:
        return _all.setdefault(name, UnifiedTelemetry(name))


class UnifiedTelemetry:
    """Traces, metrics and logs of one part of a program. `get_telemetry` gives it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._tracer = trace.get_tracer(name)
        self._meter = metrics.get_meter(name)
        self._logger = logging.getLogger(name)
        self._counters: dict[str, Counter] = {}
        self._histograms: dict[str, Histogram] = {}
        self._gauges: dict[str, _Gauge] = {}

    def trace(
        self, name: str, attributes: Mapping[str, AnyValue] | None = None
    ) -> AbstractContextManager[trace.Span]:
        """A span that is current inside of the `with` block, also across `await`. An exception
        that leaves the block is recorded, once. It serves as a decorator too."""
        if isinstance(self._tracer, trace.ProxyTracer):
            # The real one does without a detour at each span.
            self._tracer = trace.get_tracer(self.name)
        return self._tracer.start_as_current_span(name, attributes=attributes)

    def counter(self, name: str) -> Counter:
        """A sum that only grows: the same object for the same name."""
        known = self._counters.get(name)
        if known is not None:
            return known
        with _lock:
            if name not in self._counters:
                self._counters[name] = self._meter.create_counter(name)
            return self._counters[name]

    def histogram(self, name: str) -> Histogram:
        """How values are distributed: the same object for the same name."""
        known = self._histograms.get(name)
        if known is not None:
            return known
        with _lock:
            if name not in self._histograms:
                self._histograms[name] = self._meter.create_histogram(name)
            return self._histograms[name]

    def gauge(self, name: str, callback: Callable[..., Observed]) -> ObservableGauge:
        """A value that is asked for when metrics are collected. `callback` takes nothing, or the
        API's `CallbackOptions`; it gives a number, or `Observation`s. A second callback for the
        same name takes the place of the first."""
        with _lock:
            known = self._gauges.get(name)
            if known is None:
                known = self._gauges[name] = _Gauge(self._meter, name)
            known.replace(callback)
            return known.instrument

    def log_debug(
        self, msg: str, extra: Mapping[str, Any] | None = None, exc_info: Any = False
    ) -> None:
        """Logs at this level, with the ids of the current span."""
        self._log(logging.DEBUG, msg, extra, exc_info)

    def log_info(
        self, msg: str, extra: Mapping[str, Any] | None = None, exc_info: Any = False
    ) -> None:
        """As `log_debug`."""
        self._log(logging.INFO, msg, extra, exc_info)

    def log_warning(
        self, msg: str, extra: Mapping[str, Any] | None = None, exc_info: Any = False
    ) -> None:
        """As `log_debug`."""
        self._log(logging.WARNING, msg, extra, exc_info)

    def log_error(
        self, msg: str, extra: Mapping[str, Any] | None = None, exc_info: Any = False
    ) -> None:
        """As `log_debug`."""
        self._log(logging.ERROR, msg, extra, exc_info)

    def log_critical(
        self, msg: str, extra: Mapping[str, Any] | None = None, exc_info: Any = False
    ) -> None:
        """As `log_debug`."""
        self._log(logging.CRITICAL, msg, extra, exc_info)

    def get_current_trace_id(self) -> str | None:
        """32 hexadecimal digits, or `None` outside of any span."""
        return _propagate.get_current_trace_id()

    def get_current_span_id(self) -> str | None:
        """16 hexadecimal digits, or `None` outside of any span."""
        return _propagate.get_current_span_id()

    def _log(self, level: int, msg: str, extra: Mapping[str, Any] | None, exc_info: Any) -> None:
        if self._logger.isEnabledFor(level):
            # The record is the caller's, two calls up.
            self._logger.log(
                level, msg, exc_info=exc_info, extra=_allowed(extra) or None, stacklevel=3
            )

    def __repr__(self) -> str:
        return f"UnifiedTelemetry({self.name!r})"


class _Gauge:
    """An observable gauge whose callback can change."""

    def __init__(self, meter: metrics.Meter, name: str) -> None:
        self._callback: Callable[..., Observed] = lambda: ()
        self._takes_options = False
        self.instrument = meter.create_observable_gauge(name, [self.observe])

    def replace(self, callback: Callable[..., Observed]) -> None:
        self._callback = callback
        self._takes_options = _takes_an_argument(callback)

    def observe(self, options: CallbackOptions) -> Iterable[Observation]:
        seen = self._callback(options) if self._takes_options else self._callback()
        return seen if isinstance(seen, Iterable) else [Observation(seen)]


def _takes_an_argument(callback: Callable[..., Any]) -> bool:
    try:
        inspect.signature(callback).bind()
    except TypeError:
        return True
    except ValueError:
        # Of something built in, which says nothing of its arguments.
        return False
    return False


RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""Names that belong to a log record itself; `logging` raises when `extra` has one."""


def _allowed(extra: Mapping[str, Any] | None) -> dict[str, Any]:
    """A copy in which a reserved name has `extra.` in front."""
    if not extra:
        return {}
    return {f"extra.{key}" if key in RESERVED else key: value for key, value in extra.items()}
