"""A program that measures: everything that its receivers get is compared, collection by collection.

It runs under our engine and under the SDK, with the seed of its argument.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable
from typing import Any

import provider
from opentelemetry import context, metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation


def attributes(chance: random.Random) -> dict[str, Any] | None:
    """Some attributes of all types, in any order."""
    pairs: list[tuple[str, Any]] = [
        ("method", chance.choice(["GET", "PUT"])),
        ("status", chance.choice([200, 404])),
        ("cached", chance.choice([True, False])),
        ("ratio", chance.choice([0.5, 2.0])),
        ("tags", chance.choice([("a", "b"), (1, 2)])),
    ]
    chosen = chance.sample(pairs, chance.randrange(4))
    return dict(chosen) if chosen else chance.choice([None, {}])


def amount(chance: random.Random) -> int | float:
    """A number whose sums are exact. (No `True`: a gauge with it costs the SDK the whole batch.)"""
    return chance.choice([chance.randrange(2000), chance.randrange(-8000, 8000) / 4, 0])


def measured(chance: random.Random, meter: metrics.Meter) -> list[Callable[[], None]]:
    """Measurements by all kinds of instruments."""
    counter = meter.create_counter("shop.orders", "{order}", "orders so far")
    whole = meter.create_counter("shop.items")
    open_ = meter.create_up_down_counter("shop.carts", description="open ones")
    duration = meter.create_histogram("shop.duration", "ms")
    size = meter.create_histogram(
        "shop.size", "By", explicit_bucket_boundaries_advisory=[0, 10, 100.5, 1000]
    )
    level = meter.create_gauge("shop.level", "1", "how full")

    def one() -> None:
        given = attributes(chance)
        number = amount(chance)
        counter.add(number, given)
        whole.add(abs(int(number)), given)
        open_.add(number, given)
        duration.record(number, attributes=given)
        size.record(number, given, context.get_current())
        level.set(number, given)

    return [one] * chance.randrange(1, 60)


def observed(chance: random.Random, meter: metrics.Meter) -> None:
    """Instruments that are asked; what they say changes with each collection."""

    def some(options: CallbackOptions) -> Iterable[Observation]:
        assert isinstance(options, CallbackOptions)
        for device in chance.sample(["a", "b", "c"], 2):
            yield Observation(chance.choice([chance.randrange(99), 0.5]), {"device": device})

    def grows() -> Any:
        total = 0
        options = yield []
        while True:
            assert isinstance(options, CallbackOptions)
            total += 7
            options = yield [Observation(total), Observation(total / 2, {"half": True})]

    def fails(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(1, {"before": "it failed"})
        raise ValueError("on purpose")

    meter.create_observable_counter("pool.bytes", [grows()], "By", "sent")
    meter.create_observable_up_down_counter("pool.used", [lambda _: [Observation(-3)], some])
    meter.create_observable_gauge("pool.level", [some, fails], "1")


def examples(meter: metrics.Meter) -> None:
    """Measurements inside of spans: one for each place."""
    histogram = meter.create_histogram("example", explicit_bucket_boundaries_advisory=[1, 2, 3])
    counter = meter.create_counter("example.counted")
    sampled = trace.SpanContext(0xABC, 0xDEF, True, trace.TraceFlags(1))
    not_sampled = trace.SpanContext(0xABC, 0xDEF, True, trace.TraceFlags(0))
    within = trace.set_span_in_context(trace.NonRecordingSpan(sampled))
    without = trace.set_span_in_context(trace.NonRecordingSpan(not_sampled))
    histogram.record(0.5, {"a": 1})
    histogram.record(0.75, {"a": 1}, without)
    histogram.record(1.5, {"a": 1}, within)
    token = context.attach(within)
    histogram.record(3, {"a": 1})
    counter.add(3)
    context.detach(token)
    counter.add(4)


def main() -> None:
    chance = random.Random(int(sys.argv[1]))
    provider.install()
    everything: Any = metrics.get_meter_provider()
    meter = metrics.get_meter("shop", "1.0", schema_url="https://schema", attributes={"team": "a"})
    other = metrics.get_meter("other")
    observed(chance, meter)
    examples(other)
    for _ in range(4):
        for measure in measured(chance, meter):
            measure()
        other.create_counter("same.name", "s").add(1)
        other.create_counter("same.name", "s").add(1)
        assert everything.force_flush()
    provider.finish()


main()
