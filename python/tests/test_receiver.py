"""The engine's bytes in the hands of a foreign receiver, and the receiver itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from opentelemetry import trace
from oxitel import _native
from oxitel._trace import TracerProvider
from program import run_program
from receiver import Receiver

Start = Callable[..., bool]


def test_a_span_of_this_process_arrives_with_everything_that_was_said(
    receiver: Receiver, start: Start
) -> None:
    assert start()
    tracer = TracerProvider().get_tracer("tests", "1.2", "https://example.com/schema")
    with tracer.start_as_current_span("outer", kind=trace.SpanKind.SERVER) as outer:
        outer.set_attribute("text", "words")
        outer.set_attribute("list", [1, 2])
        with tracer.start_as_current_span("inner") as inner:
            inner.add_event("said", {"by": "me"})
            inner.set_status(trace.StatusCode.ERROR, "broken")
    assert _native.flush(10.0) is None

    assert receiver.tree() == "outer\n  inner"
    span = receiver.span("outer")
    assert (span.kind, span.status, span.parent_id) == ("SERVER", "UNSET", "")
    assert span.attributes == {"text": "words", "list": [1, 2]}
    assert span.trace_id == f"{outer.get_span_context().trace_id:032x}"
    assert (span.scope.name, span.scope.version) == ("tests", "1.2")
    assert span.scope.schema_url == "https://example.com/schema"
    assert span.resource["service.name"] == "tests"
    span = receiver.span("inner")
    assert (span.status, span.status_message) == ("ERROR", "broken")
    assert [(event.name, event.attributes) for event in span.events] == [("said", {"by": "me"})]


def test_the_engine_starts_again_after_its_end(receiver: Receiver, start: Start) -> None:
    tracer = TracerProvider().get_tracer("tests")
    for name in ("first", "second"):
        assert start()
        tracer.start_span(name).end()
        assert _native.shutdown(10.0) is None
    assert [span.name for span in receiver.spans()] == ["first", "second"]


def test_a_program_of_its_own_sends_what_it_recorded(receiver: Receiver) -> None:
    ended = run_program(
        """
        import sys
        from oxitel import _native
        from oxitel._trace import TracerProvider

        assert _native.start({})
        with TracerProvider().get_tracer("program").start_as_current_span(sys.argv[1]):
            print("hello")
        assert _native.shutdown(10.0) is None
        """,
        receiver,
        arguments=["work"],
        OTEL_SERVICE_NAME="named",
    )
    assert ended.stdout == "hello\n"
    assert receiver.span("work").resource["service.name"] == "named"


def test_what_is_refused_is_sent_again_and_what_is_held_waits(
    receiver: Receiver, start: Start
) -> None:
    assert start(OTEL_BSP_SCHEDULE_DELAY="10")
    tracer = TracerProvider().get_tracer("tests")
    receiver.status = 503
    tracer.start_span("kept").end()
    receiver.wait_for(lambda receiver: receiver.refused > 0)
    assert receiver.spans() == []
    receiver.status = 200
    assert receiver.wait_for_spans(1)[0].name == "kept"

    receiver.hold()
    tracer.start_span("held").end()
    lost, queued, is_over = _native.flush(0.2) or (0, 0, False)
    assert lost == 0
    assert queued >= 1
    assert is_over
    receiver.answer()
    assert receiver.wait_for_spans(2)[1].name == "held"


def test_a_program_that_fails_tells_what_it_said() -> None:
    with pytest.raises(AssertionError, match=r"ended with 3(.|\n)*last words"):
        run_program("import sys; print('last words'); sys.exit(3)")
    assert run_program("import sys; sys.exit(3)", expected_code=3).code == 3
