"""Instruments of the API on the engine, judged by what a receiver got."""

from __future__ import annotations

import logging
import textwrap
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from opentelemetry import context, metrics, trace
from opentelemetry.metrics import CallbackOptions, Observation
from oxitel import _native
from oxitel._metrics import MeterProvider
from oxitel._trace import TracerProvider
from program import run_program
from receiver import Point, Receiver

Start = Callable[..., bool]


@pytest.fixture
def meter() -> metrics.Meter:
    """A meter of ours."""
    return MeterProvider().get_meter("tests.metrics", "1.2", "https://schema", {"part": "a"})


def sent(receiver: Receiver, name: str) -> dict[str, Point]:
    """The newest point of each series of `name` after a flush, by its attributes."""
    assert _native.flush(30.0) is None
    return {shown(dict(key)): point for key, point in receiver.last_points(name).items()}


def shown(attributes: dict[str, Any]) -> str:
    return ",".join(f"{key}={value}" for key, value in attributes.items())


def test_each_instrument_sends_what_it_measured(
    start: Start, receiver: Receiver, meter: metrics.Meter
) -> None:
    start()
    requests = meter.create_counter("each.requests", "{request}", "requests so far")
    requests.add(2, {"method": "GET"})
    requests.add(1, {"method": "GET"})
    requests.add(0.5, {"method": "PUT"})
    meter.create_up_down_counter("each.open").add(-3)
    duration = meter.create_histogram("each.duration", "s", "how long")
    duration.record(0.25)
    duration.record(7)
    level = meter.create_gauge("each.level")
    level.set(1.5)
    level.set(-4)

    counted = sent(receiver, "each.requests")
    assert [counted["method=GET"].value, counted["method=PUT"].value] == [3, 0.5]
    assert [type(point.value) for point in counted.values()] == [int, float]
    point = counted["method=GET"]
    assert (point.kind, point.is_monotonic, point.temporality) == ("sum", True, "CUMULATIVE")
    assert (point.unit, point.description) == ("{request}", "requests so far")
    scope = point.scope
    assert (scope.name, scope.version, scope.schema_url) == (
        "tests.metrics",
        "1.2",
        "https://schema",
    )
    assert scope.attributes == {"part": "a"}
    assert point.resource["service.name"] == "tests"

    opened = sent(receiver, "each.open")[""]
    assert (opened.value, opened.is_monotonic) == (-3, False)
    durations = sent(receiver, "each.duration")[""]
    assert (durations.count, durations.sum) == (2, 7.25)
    assert (durations.least, durations.most) == (0.25, 7)
    assert {100, 500} <= set(durations.bounds)
    levels = sent(receiver, "each.level")[""]
    assert (levels.kind, levels.value) == ("gauge", -4)


def test_values_of_all_types_are_attributes(
    start: Start, receiver: Receiver, meter: metrics.Meter
) -> None:
    start()

    class Text(str):
        pass

    counter = meter.create_counter("attributes.all")
    many = {f"key{number}": number for number in range(12)}
    given: list[Any] = [
        {"text": "ä", "whole": 3, "flag": True, "float": 0.5, "big": 2**70},
        {"derived": Text("x"), "list": [1, "a", None], "map": {"a": {"b": 1}}, "bytes": b"\0"},
        many,
        {"surrogate": "a\ud800b"},
        {7: "a key that is no text"},
        None,
        {},
    ]
    for attributes in given:
        counter.add(1, attributes)
    expected = [
        given[0] | {"big": str(2**70)},
        given[1] | {"derived": "x"},
        many,
        {"surrogate": "a\ufffd\ufffd\ufffdb"},
        {"7": "a key that is no text"},
        {},
    ]
    assert _native.flush(30.0) is None
    points = receiver.points("attributes.all")
    assert [point.attributes for point in points] == expected
    assert [point.value for point in points] == [1, 1, 1, 1, 1, 2]


def test_the_order_of_attributes_makes_no_difference(
    start: Start, receiver: Receiver, meter: metrics.Meter
) -> None:
    start()
    counter = meter.create_counter("attributes.order")
    counter.add(1, {"a": 1, "b": 2})
    counter.add(1, {"b": 2, "a": 1})
    assert [point.value for point in sent(receiver, "attributes.order").values()] == [2]


def test_what_cannot_be_measured_is_told_once_and_never_raises(
    start: Start, receiver: Receiver, meter: metrics.Meter, caplog: pytest.LogCaptureFixture
) -> None:
    start()
    counter = meter.create_counter("refused.counter")
    histogram = meter.create_histogram("refused.histogram")
    wrong: list[Any] = [-1, -0.5, float("nan"), float("inf"), "3", None, [], 10**400]
    with caplog.at_level(logging.WARNING, logger="oxitel"):
        for amount in wrong:
            counter.add(amount)
            histogram.record(amount)
    counter.add(True)
    counter.add(1, ["no mapping"])  # type: ignore[arg-type]
    counter.add(1, {"a": 1}, "no context")  # type: ignore[arg-type]
    said = [record.getMessage().split(" is left out")[0] for record in caplog.records]
    assert said == ["a measurement of refused.counter", "a measurement of refused.histogram"]
    assert sent(receiver, "refused.counter")[""].value == 2
    assert sent(receiver, "refused.histogram") == {}


def test_whole_numbers_stay_whole_and_exact(
    start: Start, receiver: Receiver, meter: metrics.Meter
) -> None:
    start()
    counter = meter.create_up_down_counter("whole.exact")
    counter.add(2**60)
    counter.add(1)
    assert sent(receiver, "whole.exact")[""].value == 2**60 + 1
    counter.add(0.0)
    value = sent(receiver, "whole.exact")[""].value
    assert isinstance(value, float)


def test_boundaries_that_were_advised_are_used(
    start: Start, receiver: Receiver, meter: metrics.Meter, caplog: pytest.LogCaptureFixture
) -> None:
    start()
    advised = meter.create_histogram("advised", explicit_bucket_boundaries_advisory=[1, 2.5])
    advised.record(2)
    assert meter.create_histogram("advised", explicit_bucket_boundaries_advisory=[1, 2.5])
    assert caplog.records == []
    again = meter.create_histogram("advised", explicit_bucket_boundaries_advisory=[3])
    assert again is advised
    meter.create_histogram("advised.wrong", explicit_bucket_boundaries_advisory="ab")  # type: ignore[arg-type]
    assert len(caplog.records) == 2
    assert sent(receiver, "advised")[""].bounds == [1, 2.5]


def test_the_same_words_give_the_same_instrument(meter: metrics.Meter) -> None:
    assert meter.create_counter("same", "s") is meter.create_counter("Same ", "s")
    assert meter.create_counter("same", "s") is not meter.create_counter("same", "ms")
    for made, kind in [
        (meter.create_counter("c"), metrics.Counter),
        (meter.create_up_down_counter("u"), metrics.UpDownCounter),
        (meter.create_histogram("h"), metrics.Histogram),
        (meter.create_gauge("g"), metrics._Gauge),
        (meter.create_observable_counter("oc"), metrics.ObservableCounter),
        (meter.create_observable_up_down_counter("ou"), metrics.ObservableUpDownCounter),
        (meter.create_observable_gauge("og"), metrics.ObservableGauge),
    ]:
        assert isinstance(made, kind)


def test_a_measurement_is_an_example_of_the_span_it_was_made_in(
    start: Start, receiver: Receiver, meter: metrics.Meter
) -> None:
    start()
    tracer = TracerProvider().get_tracer("tests")
    histogram = meter.create_histogram("example.h", explicit_bucket_boundaries_advisory=[1, 2, 3])
    remote = trace.SpanContext(7, 9, True, trace.TraceFlags(1))
    not_sampled = trace.SpanContext(7, 9, True, trace.TraceFlags(0))
    histogram.record(0.5)
    with tracer.start_as_current_span("current") as current:
        histogram.record(1.5)
        far = trace.set_span_in_context(trace.NonRecordingSpan(remote))
        histogram.record(2.5, context=far)
        near = trace.set_span_in_context(trace.NonRecordingSpan(not_sampled))
        histogram.record(2.75, context=near)
        histogram.record(5, context=context.Context())
    ids = current.get_span_context()
    examples = sent(receiver, "example.h")[""].exemplars
    assert [(it.value, it.trace_id, it.span_id) for it in examples] == [
        (1.5, f"{ids.trace_id:032x}", f"{ids.span_id:016x}"),
        (2.5, f"{7:032x}", f"{9:016x}"),
    ]


@pytest.mark.parametrize(("choice", "expected"), [("always_off", []), ("always_on", [1])])
def test_the_filter_of_examples_is_obeyed(
    start: Start, receiver: Receiver, meter: metrics.Meter, choice: str, expected: list[int]
) -> None:
    start(OTEL_METRICS_EXEMPLAR_FILTER=choice)
    meter.create_counter(f"filter.{choice}").add(1)
    examples = sent(receiver, f"filter.{choice}")[""].exemplars
    assert [(it.value, it.trace_id) for it in examples] == [(it, "") for it in expected]


def test_callbacks_are_asked_at_each_collection(
    start: Start, receiver: Receiver, meter: metrics.Meter
) -> None:
    start()
    asked = 0

    def bytes_so_far(options: CallbackOptions) -> Iterable[Observation]:
        nonlocal asked
        asked += 1
        assert options.timeout_millis > 0
        yield Observation(100 * asked, {"device": "a"})
        yield Observation(0.5, {"device": "b"})

    def by_generator() -> Any:
        options = yield []
        for level in (3, 4):
            assert isinstance(options, CallbackOptions)
            options = yield [Observation(level)]

    meter.create_observable_counter("asked.bytes", [bytes_so_far], "By", "so far")
    meter.create_observable_up_down_counter("asked.open", [lambda _: [Observation(-2)]])
    meter.create_observable_gauge(
        "asked.level", [by_generator(), lambda _: [Observation(9, {"a": 1})]]
    )

    first = sent(receiver, "asked.bytes")
    assert [first["device=a"].value, first["device=b"].value] == [100, 0.5]
    assert (first["device=a"].unit, first["device=a"].is_monotonic) == ("By", True)
    assert sent(receiver, "asked.bytes")["device=a"].value == 200
    assert sent(receiver, "asked.open")[""].value == -2
    assert [point.value for point in receiver.points("asked.level")] == [3, 9, 4, 9, 9]


def test_a_callback_that_fails_harms_nobody(
    start: Start, receiver: Receiver, meter: metrics.Meter, caplog: pytest.LogCaptureFixture
) -> None:
    start()

    def fails(_: CallbackOptions) -> Iterable[Observation]:
        yield Observation(1, {"before": True})
        raise SystemExit("on purpose")

    strange: list[Any] = [Observation("x"), Observation(float("nan")), Observation(2)]  # type: ignore[arg-type]
    meter.create_observable_gauge("fails.first", [fails, lambda _: strange])
    meter.create_observable_gauge("fails.none", [lambda _: None, 7])  # type: ignore[list-item,return-value]
    meter.create_observable_gauge("fails.not", [lambda _: [Observation(5)]])
    assert sent(receiver, "fails.first")["before=True"].value == 1
    assert sent(receiver, "fails.first")[""].value == 2
    assert sent(receiver, "fails.none") == {}
    assert sent(receiver, "fails.not")[""].value == 5
    said = {record.getMessage().split(" left out:")[0] for record in caplog.records}
    assert said == {
        "a callback of fails.first of the program failed",
        "a callback of fails.none of the program failed",
        "a measurement of fails.first is",
    }


def test_a_callback_may_record_and_take_the_interpreter_for_itself(
    start: Start, receiver: Receiver, meter: metrics.Meter
) -> None:
    start()
    counter = meter.create_counter("inside.calls")
    # A callback stays for the life of the process, and so for the tests to come.
    is_over = threading.Event()

    def records(_: CallbackOptions) -> Iterable[Observation]:
        if is_over.is_set():
            return []
        counter.add(1)
        with TracerProvider().get_tracer("tests").start_as_current_span("inside of a callback"):
            return [Observation(sum(range(1000)))]

    meter.create_observable_gauge("inside", [records])
    assert sent(receiver, "inside")[""].value == 499500
    sent(receiver, "inside")
    assert sent(receiver, "inside.calls")[""].value >= 1
    is_over.set()


def test_deltas_say_what_came_since_the_last_one(
    start: Start, receiver: Receiver, meter: metrics.Meter
) -> None:
    start(OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="delta")
    counter = meter.create_counter("delta.requests")
    counter.add(2)
    assert sent(receiver, "delta.requests")[""].value == 2
    counter.add(0.5)
    counter.add(1)
    point = sent(receiver, "delta.requests")[""]
    assert (point.value, point.temporality) == (1.5, "DELTA")


def test_nothing_is_recorded_before_the_start_and_after_the_end(
    start: Start, receiver: Receiver, meter: metrics.Meter
) -> None:
    counter = meter.create_counter("life.requests")
    counter.add(1)
    start()
    counter.add(1)
    assert sent(receiver, "life.requests")[""].value == 1
    _native.shutdown(10.0)
    counter.add(1)
    start()
    counter.add(5)
    assert sent(receiver, "life.requests")[""].value == 5


FORKS = """
    import os
    from opentelemetry.metrics import Observation
    from oxitel import _native
    from oxitel._metrics import MeterProvider

    _native.start({})
    meter = MeterProvider().get_meter("forks")
    requests = meter.create_counter("fork.requests")
    meter.create_observable_gauge("fork.pid", [lambda _: [Observation(os.getpid())]])
    requests.add(1)
    # The parent's thread for callbacks works before the fork.
    assert _native.flush(20) is None
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            requests.add(10)
            assert _native.flush(20) is None
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    requests.add(2)
    assert _native.flush(20) is None
    print(sorted([os.getpid(), *children]))
    _native.shutdown(5)
"""


def test_a_forked_child_counts_from_zero_and_sums_over_processes_add_up(
    receiver: Receiver,
) -> None:
    ended = run_program(FORKS, receiver)
    last: dict[str, Point] = {}
    pids: set[Any] = set()
    for point in receiver.points():
        if point.name == "fork.requests":
            last[point.resource["service.instance.id"]] = point
        else:
            pids.add(point.value)
    assert sorted(point.value or 0 for point in last.values()) == [3, 10, 10, 10, 10]
    assert str(sorted(pids)) == ended.stdout.strip()


SLOW = """
    import atexit, sys, threading, time
    from opentelemetry.metrics import Observation
    from oxitel import _native
    from oxitel._metrics import MeterProvider

    _native.start({})
    begun = threading.Event()

    def slow(options):
        begun.set()
        {sleep}
        return [Observation(1)]

    meter = MeterProvider().get_meter("slow")
    meter.create_observable_gauge("slow", [slow])
    threading.Thread(target=_native.flush, args=(20.0,), daemon=True).start()
    begun.wait()
    {end}
"""


@pytest.mark.parametrize("sleep", ["time.sleep(1.5)", "[sum(range(2000)) for _ in range(10**9)]"])
@pytest.mark.parametrize("end", ["atexit.register(_native.shutdown, 0.2)", "pass"])
def test_a_callback_that_still_runs_when_the_program_ends_neither_holds_nor_breaks_it(
    receiver: Receiver, sleep: str, end: str
) -> None:
    ended = run_program(SLOW.replace("{sleep}", sleep).replace("{end}", end), receiver)
    assert ended.stderr == ""
    assert ended.seconds < 6


def test_what_was_measured_is_sent_at_the_end_though_nobody_answers_any_more(
    receiver: Receiver,
) -> None:
    ended = run_program(
        """
        from opentelemetry.metrics import Observation
        from oxitel import _native
        from oxitel._metrics import MeterProvider

        _native.start({})
        meter = MeterProvider().get_meter("end")
        meter.create_counter("end.requests").add(3)
        meter.create_observable_gauge("end.level", [lambda _: [Observation(1)]])
        # Without a shutdown: the engine ends when the process does, after the interpreter.
        """,
        receiver,
    )
    assert [point.value for point in receiver.points("end.requests")] == [3]
    assert receiver.points("end.level") == []
    assert ended.stderr == ""


def test_instruments_that_were_made_before_the_provider_was_set_work(receiver: Receiver) -> None:
    run_program(
        """
        from opentelemetry import metrics
        from opentelemetry.metrics import Observation
        from oxitel import _native
        from oxitel._metrics import MeterProvider

        meter = metrics.get_meter("early")
        counter = meter.create_counter("early.requests")
        histogram = meter.create_histogram(
            "early.duration", explicit_bucket_boundaries_advisory=[1.0])
        meter.create_observable_gauge("early.level", [lambda _: [Observation(3)]])
        counter.add(1)
        _native.start({})
        metrics.set_meter_provider(MeterProvider())
        counter.add(2)
        histogram.record(3)
        assert metrics.get_meter_provider().force_flush()
        metrics.get_meter_provider().shutdown()
        """,
        receiver,
    )
    assert [point.value for point in receiver.points("early.requests")][-1] == 2
    assert receiver.points("early.duration")[-1].bounds == [1.0]
    assert receiver.points("early.level")[-1].value == 3


def test_imports_start_no_thread() -> None:
    code = """
        import threading, os
        import oxitel._metrics
        assert len(os.listdir("/proc/self/task")) == 1
    """
    run_program(textwrap.dedent(code))


def test_a_callback_that_is_registered_again_is_asked_once(
    start: Start, receiver: Receiver
) -> None:
    start()
    asked: list[int] = []
    is_over = threading.Event()
    provider = MeterProvider()

    def callback(_: CallbackOptions) -> Iterable[Observation]:
        if is_over.is_set():
            return []
        asked.append(1)
        return [Observation(1)]

    for _ in range(3):
        provider.get_meter("again").create_observable_gauge("again.gauge", [callback])
    assert sent(receiver, "again.gauge")[""].value == 1
    is_over.set()
    assert len(asked) == 1
