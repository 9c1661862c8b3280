"""Context in headers, by hand."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator

import oxitel
import pytest
from opentelemetry import baggage, trace
from oxitel import _native, _said
from oxitel._trace import TracerProvider
from program import run_program
from receiver import Receiver

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"

Start = Callable[..., bool]


@pytest.fixture
def tracer(start: Start) -> trace.Tracer:
    start()
    return TracerProvider().get_tracer("tests")


@pytest.fixture
def attached() -> Iterator[Callable[[object], None]]:
    tokens = []
    yield lambda headers: tokens.append(
        oxitel.attach_trace_context(oxitel.extract_trace_context(headers))
    )
    for token in reversed(tokens):
        oxitel.detach_trace_context(token)


def test_what_goes_out_has_the_trace_and_what_was_there(tracer: trace.Tracer) -> None:
    given = {"Content-Type": "application/json", "Traceparent": "old", "n": 1}
    with tracer.start_as_current_span("call"):
        headers = oxitel.inject_trace_context(given)
        trace_id, span_id = oxitel.get_current_trace_id(), oxitel.get_current_span_id()
    assert headers.pop("traceparent").startswith(f"00-{trace_id}-{span_id}-")
    assert headers == {"Content-Type": "application/json", "n": "1"}
    assert given == {"Content-Type": "application/json", "Traceparent": "old", "n": 1}


def test_outside_of_a_span_headers_stay_as_they_are() -> None:
    assert oxitel.inject_trace_context() == {}
    assert oxitel.inject_trace_context({"a": "b"}) == {"a": "b"}
    assert oxitel.get_current_trace_id() is None
    assert oxitel.get_current_span_id() is None


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": TRACEPARENT},
        {"TraceParent": TRACEPARENT},
        [("Host", "h"), ("TRACEPARENT", TRACEPARENT)],
        [(b"host", b"h"), (b"traceparent", TRACEPARENT.encode())],
    ],
)
def test_what_comes_in_goes_on_whatever_the_case_of_its_name(
    receiver: Receiver,
    tracer: trace.Tracer,
    attached: Callable[[object], None],
    headers: object,
) -> None:
    attached(headers)
    with tracer.start_as_current_span("request"):
        assert oxitel.get_current_trace_id() == TRACE
    _native.flush(10.0)
    [span] = receiver.spans()
    assert (span.trace_id, span.parent_id) == (TRACE, SPAN)


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"traceparent": "nonsense"},
        {"traceparent": f"00-{'0' * 32}-{SPAN}-01"},
        {"traceparent": f"ff-{TRACE}-{SPAN}-01"},
        [("traceparent", TRACEPARENT), ("traceparent", TRACEPARENT)],
    ],
)
def test_headers_that_make_no_sense_begin_a_trace(
    receiver: Receiver, tracer: trace.Tracer, headers: object
) -> None:
    with tracer.start_as_current_span("another"):
        token = oxitel.attach_trace_context(oxitel.extract_trace_context(headers))  # type: ignore[arg-type]
        with tracer.start_as_current_span("request"):
            pass
        oxitel.detach_trace_context(token)
    _native.flush(10.0)
    request = receiver.span("request")
    assert request.parent_id == ""
    assert request.trace_id not in (TRACE, receiver.span("another").trace_id)


def test_what_was_current_is_so_again(tracer: trace.Tracer) -> None:
    with tracer.start_as_current_span("outer"):
        outer = oxitel.get_current_span_id()
        token = oxitel.attach_trace_context(
            oxitel.extract_trace_context({"traceparent": TRACEPARENT})
        )
        assert oxitel.get_current_span_id() == SPAN
        oxitel.detach_trace_context(token)
        assert oxitel.get_current_span_id() == outer


def test_a_token_of_another_context_is_told_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    _said._last.clear()

    async def attach() -> object:
        return oxitel.attach_trace_context(
            oxitel.extract_trace_context({"traceparent": TRACEPARENT})
        )

    token = asyncio.run(attach())
    with caplog.at_level(logging.WARNING, "oxitel"):
        oxitel.detach_trace_context(token)  # type: ignore[arg-type]
    assert "was left in another context" in caplog.text


def test_baggage_travels_too(attached: Callable[[object], None]) -> None:
    attached({"Baggage": "tenant=a"})
    assert baggage.get_baggage("tenant") == "a"
    assert oxitel.inject_trace_context({})["baggage"] == "tenant=a"


def test_each_task_and_each_thread_has_its_own_current_span(tracer: trace.Tracer) -> None:
    async def task() -> tuple[str | None, str | None]:
        with tracer.start_as_current_span("task"):
            before = oxitel.get_current_span_id()
            await asyncio.sleep(0.01)
            return before, oxitel.get_current_span_id()

    async def both() -> list[tuple[str | None, str | None]]:
        return await asyncio.gather(*(task() for _ in range(8)))

    seen = asyncio.run(both())
    assert all(before == after for before, after in seen)
    assert len({before for before, _ in seen}) == 8

    found: list[str | None] = []
    with tracer.start_as_current_span("main"):
        thread = threading.Thread(target=lambda: found.append(oxitel.get_current_span_id()))
        thread.start()
        thread.join()
    assert found == [None]


def test_a_format_that_is_not_installed_is_told_with_what_to_install() -> None:
    ended = run_program(
        f"""
        import oxitel
        for _ in range(3):
            context = oxitel.extract_trace_context({{"traceparent": "{TRACEPARENT}"}})
            token = oxitel.attach_trace_context(context)
            print(oxitel.inject_trace_context()["traceparent"])
            oxitel.detach_trace_context(token)
        """,
        OTEL_PROPAGATORS="jaeger,tracecontext",
    )
    assert ended.stdout.splitlines() == [TRACEPARENT] * 3
    [line] = ended.stderr.splitlines()
    assert "opentelemetry-propagator-jaeger" in line
