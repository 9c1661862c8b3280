"""Meters, and the instruments that callbacks answer for.

Loaded with the first meter: a program that measures nothing starts without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast

from opentelemetry import metrics
from opentelemetry.metrics import CallbackT
from opentelemetry.util.types import Attributes

from oxitel import _native
from oxitel._observe import keep
from oxitel._said import failed, warn

metrics.Counter.register(_native.Counter)
metrics.UpDownCounter.register(_native.UpDownCounter)
metrics.Histogram.register(_native.Histogram)
metrics._Gauge.register(_native.Gauge)

Made = TypeVar("Made")


class _Observed:
    """What the observable instruments are: somebody to ask, and nothing to call."""

    def __init__(self, name: str, unit: str, description: str) -> None:
        self.name, self.unit, self.description = name, unit, description
        self.callbacks: list[Any] = []


class ObservableCounter(_Observed, metrics.ObservableCounter):
    """Is asked for a sum that only grows."""


class ObservableUpDownCounter(_Observed, metrics.ObservableUpDownCounter):
    """Is asked for a sum that grows and shrinks."""


class ObservableGauge(_Observed, metrics.ObservableGauge):
    """Is asked for a value."""


class Meter(metrics.Meter):
    """Makes the instruments of a scope. The same words give the same instrument."""

    def __init__(
        self, name: str, version: str | None, schema_url: str | None, attributes: Attributes
    ) -> None:
        super().__init__(name, version, schema_url)
        self._native = _native.Meter(name, version, schema_url, attributes)
        # Without a lock, which a forked child might find locked: each step of it is one of dict's.
        self._made: dict[tuple[str, str, str, str], Any] = {}

    def _once(
        self, kind: str, make: Callable[..., Made], name: str, unit: str, description: str
    ) -> Made:
        key = (kind, name.strip().lower(), unit, description)
        made = self._made.get(key)
        if made is None:
            made = self._made.setdefault(key, make(name.strip(), unit, description))
        return made

    def create_counter(self, name: str, unit: str = "", description: str = "") -> metrics.Counter:
        """An instrument that counts what only grows."""
        unit, description = unit or "", description or ""
        return self._once("counter", self._native.counter, name, unit, description)

    def create_up_down_counter(
        self, name: str, unit: str = "", description: str = ""
    ) -> metrics.UpDownCounter:
        """An instrument that counts what grows and shrinks."""
        unit, description = unit or "", description or ""
        return self._once("up down", self._native.up_down_counter, name, unit, description)

    def create_gauge(self, name: str, unit: str = "", description: str = "") -> metrics._Gauge:
        """An instrument that keeps the last value."""
        unit, description = unit or "", description or ""
        return self._once("gauge", self._native.gauge, name, unit, description)

    def create_histogram(
        self,
        name: str,
        unit: str = "",
        description: str = "",
        *,
        explicit_bucket_boundaries_advisory: Sequence[float] | None = None,
    ) -> metrics.Histogram:
        """An instrument that keeps a distribution of values. The boundaries are used unless a view
        says otherwise."""
        unit, description = unit or "", description or ""
        bounds = _bounds(name, explicit_bucket_boundaries_advisory)

        def make(name: str, unit: str, description: str) -> Any:
            return self._native.histogram(name, unit, description, bounds), bounds

        made, first = self._once("histogram", make, name, unit, description)
        if first != bounds:
            warn(
                f"boundaries {name}",
                f"there is a histogram {name} with other boundaries already, which is used",
            )
        return made

    def create_observable_counter(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
    ) -> metrics.ObservableCounter:
        """An instrument that is asked for a sum that only grows."""
        return self._observable("counter", ObservableCounter, name, callbacks, unit, description)

    def create_observable_up_down_counter(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
    ) -> metrics.ObservableUpDownCounter:
        """An instrument that is asked for a sum that grows and shrinks."""
        made = ObservableUpDownCounter
        return self._observable("up_down_counter", made, name, callbacks, unit, description)

    def create_observable_gauge(
        self,
        name: str,
        callbacks: Sequence[CallbackT] | None = None,
        unit: str = "",
        description: str = "",
    ) -> metrics.ObservableGauge:
        """An instrument that is asked for a value."""
        return self._observable("gauge", ObservableGauge, name, callbacks, unit, description)

    def _observable(
        self,
        kind: str,
        make: Callable[[str, str, str], Any],
        name: str,
        callbacks: Sequence[CallbackT] | None,
        unit: str,
        description: str,
    ) -> Any:
        unit, description = unit or "", description or ""
        made = self._once(f"observable {kind}", make, name, unit, description)
        for callback in callbacks or ():
            # An instrumentation that is taken out and put in again brings the same ones.
            if callback in made.callbacks:
                continue
            made.callbacks.append(callback)
            try:
                number = keep(made.name, callback)
            except Exception as error:
                failed(f"a callback of {made.name}", error)
                continue
            self._native.observe(kind, made.name, unit, description, number)
        return made


def _bounds(name: str, advised: Any) -> list[float] | None:
    if advised is None:
        return None
    if isinstance(advised, Sequence):
        given = cast("Sequence[Any]", advised)
        if all(isinstance(it, (int, float)) for it in given):
            return [float(it) for it in given]
    warn(f"boundaries {name}", f"the boundaries of {name} are left out: they are no numbers")
    return None
