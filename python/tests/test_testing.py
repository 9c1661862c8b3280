"""`oxitel.testing`: a program's telemetry as plain objects."""

from __future__ import annotations

import oxitel
import pytest
from opentelemetry.trace import SpanKind
from oxitel._metrics import MeterProvider
from oxitel._trace import TracerProvider
from oxitel.testing import Captured, capture, telemetry

__all__ = ["telemetry"]

TRACER = TracerProvider().get_tracer("shop", "1.0")


def order() -> None:
    """The program under test."""
    with TRACER.start_as_current_span("order", attributes={"items": 2, "tags": ["a", "b"]}) as span:
        span.add_event("taken", {"by": "me"})
        with TRACER.start_as_current_span("charge", kind=SpanKind.CLIENT):
            raise OSError("card declined")


def attempt() -> None:
    with pytest.raises(OSError, match="declined"):
        order()


def test_spans_are_plain_objects(telemetry: Captured) -> None:
    attempt()
    span, charge = telemetry.spans()
    assert span is not telemetry.span("order")
    assert span == telemetry.span("order")
    assert (span.name, span.kind, span.status, span.scope) == ("order", "internal", "error", "shop")
    assert span.attributes == {"items": 2, "tags": ["a", "b"]}
    assert span.parent_id is None
    assert (charge.trace_id, charge.parent_id) == (span.trace_id, span.span_id)
    assert [event.name for event in span.events] == ["taken", "exception"]
    assert span.events[0].attributes == {"by": "me"}
    assert span.resource["telemetry.sdk.language"] == "python"
    assert span.start_ns <= charge.start_ns <= charge.end_ns <= span.end_ns


def test_spans_are_a_tree(telemetry: Captured) -> None:
    attempt()
    declined = "[error: OSError: card declined]"
    assert telemetry.tree() == f"order {declined}\n  charge (client) {declined}"
    assert telemetry.tree(attributes=True, events=True).splitlines() == [
        f"order {declined} items=2 tags=['a', 'b']",
        "  · taken",
        "  · exception",
        f"  charge (client) {declined}",
        "    · exception",
    ]


def test_each_test_begins_with_nothing(telemetry: Captured) -> None:
    assert telemetry.spans() == []
    with TRACER.start_as_current_span("one"):
        pass
    assert telemetry.tree() == "one"
    telemetry.clear()
    with TRACER.start_as_current_span("two"):
        pass
    assert telemetry.tree() == "two"


def test_what_is_not_there_is_said_with_what_is(telemetry: Captured) -> None:
    attempt()
    with pytest.raises(AssertionError, match="0 times span 'other'; there are: order, charge"):
        telemetry.span("other")


def test_with_fixed_ids_and_times_two_runs_are_the_same() -> None:
    runs = []
    for _ in range(2):
        with capture(fixed=True) as captured:
            attempt()
            runs.append(captured.spans())
    first, second = runs
    assert [(s.trace_id, s.span_id, s.parent_id, s.start_ns, s.end_ns) for s in first] == [
        (f"{1:032x}", f"{1:016x}", None, 10**9, 7 * 10**9),
        (f"{1:032x}", f"{2:016x}", f"{1:016x}", 3 * 10**9, 5 * 10**9),
    ]
    for one, other in zip(first, second, strict=True):
        assert (one.start_ns, one.span_id) == (other.start_ns, other.span_id)
        assert one.events == other.events


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    with capture() as captured:
        attempt()
        assert len(captured.spans()) == 2
        assert oxitel.stats()["rejected"] == 0


def test_a_program_that_starts_telemetry_itself_is_captured_all_the_same() -> None:
    oxitel.enable_telemetry(endpoint="http://127.0.0.1:1", traces=False)
    with capture() as captured:
        oxitel.enable_telemetry(endpoint="http://127.0.0.1:1", traces=False)
        attempt()
        assert len(captured.spans()) == 2


def test_log_records_are_plain_objects_with_their_place(telemetry: Captured) -> None:
    shop = oxitel.get_telemetry("captured")
    with TRACER.start_as_current_span("order"):
        shop.log_info("taken", extra={"user_id": 7})
    shop.log_warning("outside")
    [taken] = telemetry.logs("taken")
    order = telemetry.span("order")
    assert (taken.trace_id, taken.span_id) == (order.trace_id, order.span_id)
    assert (taken.severity, taken.scope) == ("INFO", "captured")
    assert taken.attributes["user_id"] == 7
    assert [record.body for record in telemetry.logs()] == ["taken", "outside"]
    assert telemetry.logs("outside")[0].span_id is None
    assert telemetry.tree(logs=True) == "order\n  - INFO taken"


def test_metrics_are_plain_objects(telemetry: Captured) -> None:
    meter = MeterProvider().get_meter("captured")
    meter.create_counter("captured.orders").add(2, {"kind": "tea"})
    meter.create_counter("captured.orders").add(3, {"kind": "tea"})
    meter.create_histogram("captured.size").record(12.5)
    assert telemetry.value("captured.orders", kind="tea") == 5
    [size] = telemetry.points("captured.size")
    assert (size.kind, size.count, size.sum) == ("histogram", 1, 12.5)
    assert sum(size.buckets) == 1
    with pytest.raises(AssertionError, match="0 times point of"):
        telemetry.value("captured.orders", kind="coffee")
