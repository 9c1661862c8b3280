"""Samplers and generators of ids that a program brings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags, TraceState
from oxitel import _native
from oxitel._trace import TracerProvider
from program import run_program
from receiver import Receiver

Start = Callable[..., bool]


class Decision:
    """What the SDK's enumeration of this name answers."""

    def __init__(self, *, sampled: bool, recording: bool) -> None:
        self._sampled, self._recording = sampled, recording

    def is_sampled(self) -> bool:
        return self._sampled

    def is_recording(self) -> bool:
        return self._recording


DROP = Decision(sampled=False, recording=False)
RECORD_ONLY = Decision(sampled=False, recording=True)
RECORD_AND_SAMPLE = Decision(sampled=True, recording=True)


class Result:
    """What a sampler of the SDK answers with."""

    def __init__(self, decision: Any, attributes: Any = None, trace_state: Any = None) -> None:
        self.decision, self.attributes, self.trace_state = decision, attributes, trace_state


class ByName:
    """Decides by the beginning of a span's name."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def should_sample(
        self,
        parent_context: Any,
        trace_id: int,
        name: str,
        kind: Any = None,
        attributes: Any = None,
        links: Any = None,
        trace_state: Any = None,
    ) -> Result:
        self.asked.append(name)
        decision = {"drop": DROP, "read": RECORD_ONLY}.get(name.split()[0], RECORD_AND_SAMPLE)
        return Result(decision, {"by": "sampler"}, TraceState([("s", "1")]))

    def get_description(self) -> str:
        return "ByName"


class Watching:
    """A span processor."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, bool, dict[str, Any]]] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        span.set_attribute("started", True)

    def on_end(self, span: Any) -> None:
        sampled = bool(span.context.trace_flags.sampled)
        self.seen.append(("end", span.name, sampled, dict(span.attributes)))

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


@pytest.fixture
def sampler() -> Iterator[ByName]:
    """One that decides about all spans of the test."""
    sampler = ByName()
    _native.set_deciders(sampler, None)
    yield sampler
    _native.set_deciders(None, None)


def test_a_span_that_is_only_recorded_is_seen_here_and_not_sent(
    start: Start, sampler: ByName, receiver: Receiver
) -> None:
    start()
    recorded = _native.stats("traces")["recorded"]
    provider = TracerProvider()
    watching = Watching()
    provider.add_span_processor(watching)
    tracer = provider.get_tracer("tests")
    with tracer.start_as_current_span("read only", attributes={"a": 1}) as span:
        assert span.is_recording()
        place = span.get_span_context()
        assert not place.trace_flags.sampled and place.trace_flags & TraceFlags.RANDOM_TRACE_ID
        assert place.trace_state.to_header() == "s=1"
        span.add_event("happened")
        with tracer.start_as_current_span("sent below") as child:
            assert child.get_span_context().trace_id == place.trace_id
    asked: Any = span
    assert not span.is_recording()
    assert [event.name for event in asked.events] == ["happened"]
    assert ("end", "read only", False, {"by": "sampler", "started": True}) in watching.seen
    assert _native.stats("traces")["live"] == 0
    assert provider.force_flush()
    [sent] = receiver.spans()
    assert sent.name == "sent below" and sent.attributes == {"by": "sampler", "started": True}
    assert sent.trace_state == "s=1"
    assert _native.stats("traces")["recorded"] == recorded + 1


def test_many_spans_that_are_only_recorded_take_no_room(start: Start, sampler: ByName) -> None:
    start()
    dropped = _native.stats("traces")["dropped"]
    tracer = TracerProvider().get_tracer("tests")
    # As live spans they would fill the room for those.
    kept = [tracer.start_span("read") for _ in range(100)]
    for _ in range(90_000):
        span = tracer.start_span("read")
        span.end()
        kept.append(span)
    stats = _native.stats("traces")
    assert stats["live"] == 100 and stats["dropped"] == dropped
    kept.clear()
    assert _native.stats("traces")["live"] == 0


def test_a_sampler_is_asked_below_a_parent_that_is_not_sampled(
    start: Start, sampler: ByName, receiver: Receiver
) -> None:
    start()
    caller = SpanContext(1, 2, True, TraceFlags(0))
    context = trace.set_span_in_context(trace.NonRecordingSpan(caller))
    tracer = TracerProvider().get_tracer("tests")
    with (
        tracer.start_as_current_span("sent", context=context),
        tracer.start_as_current_span("drop"),
        tracer.start_as_current_span("sent again"),
    ):
        pass
    assert sampler.asked == ["sent", "drop", "sent again"]
    assert TracerProvider().force_flush()
    assert sorted(span.name for span in receiver.spans()) == ["sent", "sent again"]


def test_a_generator_of_ids_leaves_the_decision_to_the_engines_sampler(
    start: Start, receiver: Receiver
) -> None:
    class Ones:
        def generate_span_id(self) -> int:
            return 1

        def generate_trace_id(self) -> int:
            return 1

    start(OTEL_TRACES_SAMPLER="always_off")
    _native.set_deciders(None, Ones())
    try:
        with TracerProvider().get_tracer("tests").start_as_current_span("off") as span:
            assert not span.is_recording()
            assert span.get_span_context().trace_id == 1
    finally:
        _native.set_deciders(None, None)
    assert TracerProvider().force_flush()
    assert receiver.spans() == []


def test_a_call_takes_a_sampler_of_the_program_until_telemetry_ends(receiver: Receiver) -> None:
    run_program(
        """
        import oxitel
        from opentelemetry import trace

        class Decision:
            def __init__(self, sampled): self.sampled = sampled
            def is_sampled(self): return self.sampled
            def is_recording(self): return self.sampled

        class Result:
            attributes, trace_state = {"rate": 0.5}, None
            def __init__(self, sampled): self.decision = Decision(sampled)

        class NoHealthChecks:
            def should_sample(self, parent, trace_id, name, kind=None, attributes=None,
                              links=None):
                return Result(name != "health")

        import gc, weakref
        sampler = NoHealthChecks()
        gone = weakref.ref(sampler)
        oxitel.enable_telemetry(sampler=sampler)
        del sampler
        tracer = trace.get_tracer("shop")
        tracer.start_span("health").end()
        tracer.start_span("order").end()
        assert gone() is not None
        assert oxitel.shutdown_telemetry(10)
        gc.collect()
        assert gone() is None
        oxitel.enable_telemetry()
        tracer.start_span("health").end()
        """,
        receiver,
    )
    assert {span.name: span.attributes for span in receiver.spans()} == {
        "order": {"rate": 0.5},
        "health": {},
    }


OFFERED = """
import sys
from importlib import metadata

class Offered:
    def __init__(self, make): self.make = make
    def load(self): return self.make

def offers(**made):
    found = metadata.entry_points
    def entry_points(**which):
        name = which.get("name")
        if which.get("group") in GROUPS and name in made:
            return [Offered(made[name])]
        return found(**which)
    metadata.entry_points = entry_points

GROUPS = ("opentelemetry_traces_sampler", "opentelemetry_id_generator")
"""


def test_variables_name_samplers_and_generators_of_other_packages(receiver: Receiver) -> None:
    run_program(
        OFFERED
        + """
class Decision:
    def is_sampled(self): return True
    def is_recording(self): return True

class Result:
    decision, trace_state = Decision(), None
    def __init__(self, text): self.attributes = {"argument": text}

class Mine:
    def __init__(self, text): self.text = text
    def should_sample(self, *given, **named): return Result(self.text)

class Sevens:
    def generate_span_id(self): return 7
    def generate_trace_id(self): return 77

offers(mine=Mine, sevens=Sevens)
import oxitel
oxitel.enable_telemetry()
from opentelemetry import trace
trace.get_tracer("shop").start_span("order").end()
""",
        receiver,
        OTEL_TRACES_SAMPLER="mine",
        OTEL_TRACES_SAMPLER_ARG="a,b",
        OTEL_PYTHON_ID_GENERATOR="sevens",
    )
    order = receiver.span("order")
    assert order.attributes == {"argument": "a,b"}
    assert (order.trace_id, order.span_id) == (f"{77:032x}", f"{7:016x}")


def test_names_that_nobody_offers_are_told_and_harm_nobody(receiver: Receiver) -> None:
    ended = run_program(
        """
        import logging
        logging.basicConfig()
        import oxitel
        oxitel.enable_telemetry()
        from opentelemetry import trace
        trace.get_tracer("shop").start_span("order").end()
        """,
        receiver,
        OTEL_TRACES_SAMPLER="nobodys",
        OTEL_PYTHON_ID_GENERATOR="nobodys",
    )
    assert len(receiver.spans("order")) == 1
    assert "OTEL_TRACES_SAMPLER" in ended.stderr
    assert "OTEL_PYTHON_ID_GENERATOR=nobodys: no installed package offers it" in ended.stderr


def test_a_sampler_that_fails_is_as_if_there_were_none(
    start: Start, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def should_sample(self, *given: Any) -> Any:
            raise RuntimeError("broken sampler")

    start(OTEL_TRACES_SAMPLER="always_off")
    _native.set_deciders(Broken(), None)
    try:
        with caplog.at_level(logging.WARNING, "oxitel"):
            TracerProvider().get_tracer("tests").start_span("work").end()
    finally:
        _native.set_deciders(None, None)
    assert TracerProvider().force_flush()
    assert receiver.spans() == []
    assert "broken sampler" in caplog.text


def test_a_sampler_that_cannot_be_compared_is_one_like_any_other(receiver: Receiver) -> None:
    """Nor does a variable that names another one matter beside it."""
    ended = run_program(
        """
        import oxitel
        from opentelemetry import trace
        class Odd:
            def __eq__(self, other):
                raise ValueError("not to be compared")
            __hash__ = None
            def should_sample(self, *parts, **named):
                raise RuntimeError("asked")
        odd = Odd()
        oxitel.enable_telemetry(sampler=odd)
        oxitel.enable_telemetry(sampler=odd)
        trace.get_tracer("t").start_span("seen").end()
        """,
        receiver,
        OTEL_TRACES_SAMPLER="jaeger_remote",
    )
    assert "jaeger_remote" not in ended.stderr and "this build does not have" not in ended.stderr
    assert [span.name for span in receiver.spans()] == ["seen"]
