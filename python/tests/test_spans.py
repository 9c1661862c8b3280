"""Spans as programs and instrumentation packages use them."""

from __future__ import annotations

import asyncio
import gc
import inspect
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from opentelemetry import context, trace
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from oxitel._trace import TracerProvider
from program import run_program
from receiver import Receiver

Start = Callable[..., bool]


@pytest.fixture
def tracer() -> trace.Tracer:
    return TracerProvider().get_tracer("tests", "1.0")


def test_a_span_is_one_of_the_api_and_the_current_one_is_the_same_object(
    start: Start, tracer: trace.Tracer
) -> None:
    start()
    with tracer.start_as_current_span("work") as span:
        assert isinstance(span, trace.Span)
        assert isinstance(tracer, trace.Tracer)
        assert trace.get_current_span() is span
        assert span.is_recording()
        found = span.get_span_context()
        assert isinstance(found, SpanContext)
        assert found is span.get_span_context()
        assert found.is_valid and not found.is_remote
        assert found.trace_flags == TraceFlags.SAMPLED | TraceFlags.RANDOM_TRACE_ID
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert not span.is_recording()


def test_what_is_recorded_can_be_read_while_the_span_lives_and_after(
    start: Start, tracer: trace.Tracer
) -> None:
    start()
    span: Any = tracer.start_span("first", kind=SpanKind.CLIENT, attributes={"a": 1})
    span.set_attribute("list", ["x", 2])
    span.add_event("happened", {"n": 1.5}, timestamp=17)
    link = SpanContext(5, 6, True, TraceFlags(1), TraceState([("k", "v")]))
    span.add_link(link, {"why": "batch"})
    span.set_status(StatusCode.ERROR, "broken")
    span.update_name("second")

    def check() -> None:
        assert span.name == "second"
        assert span.kind is SpanKind.CLIENT
        assert span.parent is None
        assert span.attributes == {"a": 1, "list": ("x", 2)}
        [event] = span.events
        assert (event.name, event.attributes, event.timestamp) == ("happened", {"n": 1.5}, 17)
        [found] = span.links
        assert found.context == link and found.attributes == {"why": "batch"}
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == "broken"
        assert span.resource.attributes["service.name"] == "tests"
        assert span.resource.attributes["telemetry.sdk.language"] == "python"
        assert span.instrumentation_scope.name == "tests"
        assert span.instrumentation_scope.version == "1.0"
        assert span.context is span.get_span_context()
        assert (span.dropped_attributes, span.dropped_events, span.dropped_links) == (0, 0, 0)

    check()
    assert span.end_time is None
    span.end()
    check()
    assert span.end_time >= span.start_time
    with trace.use_span(span), tracer.start_as_current_span("below") as child:
        below: Any = child
        assert below.parent == span.context


def test_a_span_that_is_not_sampled_can_be_asked_all_the_same(
    start: Start, tracer: trace.Tracer, receiver: Receiver
) -> None:
    start(OTEL_TRACES_SAMPLER="always_off")
    with tracer.start_as_current_span("unsampled", kind=SpanKind.SERVER) as span:
        asked: Any = span
        assert not span.is_recording()
        assert not span.get_span_context().trace_flags.sampled
        assert (asked.name, asked.kind, asked.parent) == ("unsampled", SpanKind.SERVER, None)
        assert dict(asked.attributes) == {} and asked.events == () and asked.links == ()
        assert asked.status.status_code is StatusCode.UNSET
        span.set_attribute("a", 1)
        span.record_exception(ValueError("x"))
        with tracer.start_as_current_span("below") as child:
            assert child.get_span_context().trace_id == span.get_span_context().trace_id
    flush(receiver)
    assert receiver.spans() == []


def test_without_telemetry_the_callers_context_passes_through(tracer: trace.Tracer) -> None:
    caller = SpanContext(1, 2, True, TraceFlags(1))
    parent = trace.set_span_in_context(trace.NonRecordingSpan(caller))
    with tracer.start_as_current_span("off", context=parent) as span:
        assert span.get_span_context() == caller
        assert not span.is_recording()


def flush(receiver: Receiver) -> None:
    assert TracerProvider().force_flush()


def test_a_trace_from_elsewhere_goes_on_with_its_state(
    start: Start, tracer: trace.Tracer, receiver: Receiver
) -> None:
    start()
    caller = SpanContext(0xABC, 0xDEF, True, TraceFlags(1), TraceState([("a", "1"), ("b", "2")]))
    parent = trace.set_span_in_context(trace.NonRecordingSpan(caller))
    with tracer.start_as_current_span("server", context=parent) as span:
        assert span.get_span_context().trace_state.to_header() == "a=1,b=2"
    flush(receiver)
    arrived = receiver.span("server")
    assert arrived.trace_id == f"{0xABC:032x}"
    assert arrived.parent_id == f"{0xDEF:016x}"
    assert arrived.trace_state == "a=1,b=2"
    assert arrived.flags & 0x300 == 0x300


def test_a_decorated_function_has_a_span_at_each_call_and_stays_what_it_is(
    start: Start, tracer: trace.Tracer, receiver: Receiver
) -> None:
    start()

    @tracer.start_as_current_span("plain")
    def plain(number: int) -> int:
        """Doubles."""
        return number * 2

    @tracer.start_as_current_span("coroutine")
    async def coroutine() -> str:
        await asyncio.sleep(0.001)
        return trace.get_current_span().name  # type: ignore[attr-defined]

    def current() -> str:
        return getattr(trace.get_current_span(), "name", "none")

    @tracer.start_as_current_span("generator")
    def generator() -> Iterator[str]:
        yield current()
        with tracer.start_as_current_span("inside"):
            yield current()
            yield current()
        yield current()

    @tracer.start_as_current_span("async generator")
    async def async_generator() -> AsyncIterator[str]:
        yield current()
        with tracer.start_as_current_span("inside async"):
            yield current()

    async def consume() -> list[tuple[str, str]]:
        return [(value, current()) async for value in async_generator()]

    assert [plain(1), plain(2)] == [2, 4]
    assert plain.__name__ == "plain" and plain.__doc__ == "Doubles."
    assert inspect.iscoroutinefunction(coroutine)
    assert asyncio.run(coroutine()) == "coroutine"
    assert inspect.isgeneratorfunction(generator)
    assert [(value, current()) for value in generator()] == [
        ("generator", "none"),
        ("inside", "none"),
        ("inside", "none"),
        ("generator", "none"),
    ]
    assert inspect.isasyncgenfunction(async_generator)
    assert asyncio.run(consume()) == [("async generator", "none"), ("inside async", "none")]
    closed = generator()
    next(closed)
    closed.close()  # type: ignore[attr-defined]
    flush(receiver)
    assert len(receiver.spans("plain")) == 2
    assert [span.status for span in receiver.spans("generator")] == ["UNSET", "UNSET"]
    [whole, _] = receiver.spans("generator")
    assert receiver.span("inside").parent_id == whole.span_id
    assert receiver.span("inside async").parent_id == receiver.span("async generator").span_id
    [span] = receiver.spans("coroutine")
    assert span.end_ns - span.start_ns >= 1_000_000


def test_tasks_and_threads_keep_to_their_own_traces(
    start: Start, tracer: trace.Tracer, receiver: Receiver
) -> None:
    start()

    async def task(number: int) -> None:
        with tracer.start_as_current_span(f"root {number}"):
            for _ in range(5):
                await asyncio.sleep(0)
                with tracer.start_as_current_span(f"step {number}"):
                    await asyncio.sleep(0)

    async def tasks() -> None:
        await asyncio.gather(*(task(number) for number in range(50)))

    def thread() -> None:
        asyncio.run(tasks())

    threads = [threading.Thread(target=thread) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    flush(receiver)
    spans = {span.span_id: span for span in receiver.spans()}
    assert len(spans) == 4 * 50 * 6
    for span in spans.values():
        kind, number = span.name.split()
        if kind == "root":
            assert span.parent_id == ""
        else:
            parent = spans[span.parent_id]
            assert parent.name == f"root {number}" and parent.trace_id == span.trace_id


class Recorder:
    """A span processor of a program."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str]] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self.seen.append(("start", span.name))
        span.set_attribute("by.processor", True)

    def on_end(self, span: Any) -> None:
        self.seen.append(("end", f"{span.name} {dict(span.attributes)}"))

    def shutdown(self) -> None:
        self.seen.append(("shutdown", ""))

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


def test_processors_of_the_program_see_the_live_span(start: Start, receiver: Receiver) -> None:
    start()
    provider = TracerProvider()
    recorder = Recorder()
    provider.add_span_processor(recorder)
    with provider.get_tracer("tests").start_as_current_span("work", attributes={"a": 1}):
        pass
    assert recorder.seen == [("start", "work"), ("end", "work {'a': 1, 'by.processor': True}")]
    assert provider.force_flush()
    assert receiver.span("work").attributes == {"a": 1, "by.processor": True}


def test_a_processor_that_fails_harms_nobody(
    start: Start, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(Recorder):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            raise RuntimeError("on_start is broken")

        def on_end(self, span: Any) -> None:
            raise RuntimeError("on_end is broken")

    start()
    provider = TracerProvider()
    provider.add_span_processor(Broken())
    with provider.get_tracer("tests").start_as_current_span("work"):
        pass
    assert provider.force_flush()
    assert receiver.span("work").attributes == {}
    assert "on_end is broken" in caplog.text


class Nasty:
    """An object whose every method fails, or uses the very span it is set on."""

    def __init__(self, span: Any) -> None:
        self.span = span

    def __str__(self) -> str:
        self.span.set_attribute("from.str", True)
        raise ValueError("no text")


def test_values_that_fail_or_use_the_span_harm_nobody(
    start: Start, tracer: trace.Tracer, receiver: Receiver
) -> None:
    start()
    endless: list[Any] = []
    endless.extend([endless, endless])
    with tracer.start_as_current_span("work") as span:
        span.set_attribute("nasty", Nasty(span))  # type: ignore[arg-type]
        span.set_attribute("endless", endless)
        span.set_attribute("huge", 2**80)
        span.set_attribute("surrogate", "a\ud800b")
        span.set_attribute(17, "a number as its key")  # type: ignore[arg-type]
        span.set_attributes(None)  # type: ignore[arg-type]
        span.set_attributes(17)  # type: ignore[arg-type]
        span.add_event(Nasty(span), {"x": Nasty(span)})  # type: ignore[arg-type,dict-item]
        span.add_link(None)  # type: ignore[arg-type]
        span.end("soon")  # type: ignore[arg-type]
    flush(receiver)
    attributes = receiver.span("work").attributes
    assert attributes["nasty"] == "<Nasty that cannot be printed>"
    assert attributes["from.str"] is True
    assert attributes["huge"] == str(2**80)
    assert attributes["surrogate"].startswith("a") and attributes["surrogate"].endswith("b")
    assert attributes["17"] == "a number as its key"
    assert "endless" in attributes


def test_what_makes_no_sense_raises_nothing(start: Start, receiver: Receiver) -> None:
    start()
    tracer: Any = TracerProvider().get_tracer("tests")
    odd: Any = {trace.propagation._SPAN_KEY: "no span"}
    endless = iter(int, 1)
    for wrong in (17, "text", b"x", object(), odd, endless):
        span = tracer.start_span(
            wrong, context=wrong, kind=wrong, attributes=wrong, links=wrong, start_time=wrong
        )
        span.set_status(wrong)
        span.set_status(wrong, wrong)
        span.set_attribute(wrong, wrong)
        span.add_event(wrong, wrong, wrong)
        span.add_link(wrong, wrong)
        span.record_exception(wrong, wrong, wrong)
        span.update_name("work")
        span.end(wrong)
    flush(receiver)
    assert len(receiver.spans("work")) == 6
    assert {span.status for span in receiver.spans()} == {"UNSET"}


def test_an_interrupt_in_a_processor_interrupts_the_program(receiver: Receiver) -> None:
    ended = run_program(
        """
        import os, signal
        import oxitel
        from opentelemetry import trace

        class Slow:
            def on_start(self, span, parent_context=None):
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(1000): pass
            def on_end(self, span): ...
            def force_flush(self, millis=30000): return True
            def shutdown(self): ...

        oxitel.enable_telemetry()
        trace.get_tracer_provider().add_span_processor(Slow())
        try:
            with oxitel.get_telemetry("shop").trace("order"):
                for _ in range(1000): pass
                print("went on")
        except KeyboardInterrupt:
            print("interrupted")
        """,
        receiver,
    )
    assert ended.stdout == "interrupted\n"


def test_a_hundred_thousand_spans_leave_nothing_behind(receiver: Receiver) -> None:
    """Neither plain ones, nor such as an exception with its traceback holds, nor those that nobody
    ends, nor log records and measurements; also while processors of the program look at them."""
    ended = run_program(
        """
        import gc, logging
        import oxitel
        from opentelemetry import trace, _logs

        class Looking:
            def on_start(self, span, parent_context=None): span.set_attribute("seen", True)
            def on_end(self, span): span.attributes
            def on_emit(self, record): record.log_record.attributes["seen"] = True
            def shutdown(self): ...

        def pages():
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1])

        def work(number):
            with tracer.start_as_current_span("plain", attributes={"number": number}) as span:
                orders.add(1, {"kind": number % 5})
            try:
                with tracer.start_as_current_span("failing") as span:
                    raise ValueError(span)
            except ValueError as error:
                kept = error
            tracer.start_span("forgotten")
            ring = {}
            ring["itself"] = tracer.start_as_current_span("ring", attributes=ring)
            if number % 10 == 0:
                logger.info("said %s", number, extra={"list": [number]})

        oxitel.enable_telemetry(metrics=False)
        tracer = trace.get_tracer("shop")
        orders = oxitel.get_telemetry("shop").counter("orders")
        logger = logging.getLogger("shop")
        def rounds(count):
            for number in range(count):
                work(number)
            trace.get_tracer_provider().force_flush()
            gc.collect()
            return pages(), len(gc.get_objects())

        def grown(before, after):
            return (after[0] - before[0]) * 4 // 1024, after[1] - before[1]

        rounds(5_000)
        print(*grown(rounds(5_000), rounds(25_000)))
        trace.get_tracer_provider().add_span_processor(Looking())
        _logs.get_logger_provider().add_log_record_processor(Looking())
        rounds(2_000)
        print(*grown(rounds(2_000), rounds(8_000)))
        assert oxitel.stats("traces")["live"] == 0
        """,
        receiver,
        timeout=180.0,
    )
    for line in ended.stdout.splitlines():
        megabytes, objects = map(int, line.split())
        assert megabytes <= 6 and objects <= 100, ended.stdout


def test_an_exception_is_recorded_once_on_its_span(
    start: Start, tracer: trace.Tracer, receiver: Receiver
) -> None:
    start()
    with pytest.raises(ValueError, match="broken"), tracer.start_as_current_span("work"):
        raise ValueError("broken")
    flush(receiver)
    span = receiver.span("work")
    [event] = span.events
    assert event.attributes["exception.type"] == "ValueError"
    assert event.attributes["exception.message"] == "broken"
    assert "Traceback" in event.attributes["exception.stacktrace"]
    assert (span.status, span.status_message) == ("ERROR", "ValueError: broken")


def test_a_context_that_is_left_elsewhere_is_told_and_harms_nobody(
    start: Start, tracer: trace.Tracer, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    start()
    manager = tracer.start_as_current_span("work")

    async def enter() -> None:
        manager.__enter__()

    asyncio.run(enter())
    manager.__exit__(None, None, None)
    flush(receiver)
    assert receiver.span("work").parent_id == ""
    assert "left in another context" in caplog.text


def test_a_span_that_nobody_ends_is_not_sent_and_not_counted_as_alive(
    start: Start, tracer: trace.Tracer, receiver: Receiver
) -> None:
    from oxitel import _native

    start()
    span = tracer.start_span("forgotten")
    gone = weakref.ref(span)
    assert _native.stats()["live"] == 1
    del span
    gc.collect()
    assert gone() is None
    assert _native.stats()["live"] == 0
    flush(receiver)
    assert receiver.spans() == []


def test_a_span_that_is_entered_twice_stays_the_one_it_is(
    start: Start, tracer: trace.Tracer, receiver: Receiver
) -> None:
    start()
    manager = tracer.start_as_current_span("work")
    with manager as span:
        with pytest.raises(RuntimeError, match="entered already"):
            manager.__enter__()
        assert trace.get_current_span() is span and span.is_recording()
    assert not trace.get_current_span().get_span_context().is_valid
    flush(receiver)
    assert [span.name for span in receiver.spans()] == ["work"]


def test_spans_that_are_kept_after_their_end_take_no_room_of_others(
    start: Start, tracer: trace.Tracer, receiver: Receiver
) -> None:
    from oxitel import _native

    start()
    before = _native.stats("traces")["dropped"]
    kept: list[trace.Span] = []
    # As live spans they would fill the 64 MiB for those.
    for number in range(90_000):
        span = tracer.start_span("kept")
        span.set_attribute("number", number)
        span.end()
        kept.append(span)
    last: Any = kept[-1]
    assert dict(last.attributes) == {"number": 89_999}
    stats = _native.stats("traces")
    assert stats["live"] == 0 and stats["dropped"] == before
    del kept, last, span
    flush(receiver)
    assert len(receiver.spans("kept")) == 90_000


def test_names_and_versions_of_any_type_become_text(start: Start, receiver: Receiver) -> None:
    start()
    odd: Any = TracerProvider().get_tracer("a\udc80", 1.5, schema_url=7)  # type: ignore[arg-type]
    odd.start_span(17).end()
    with odd.start_as_current_span(None):
        pass
    flush(receiver)
    scope = receiver.span("17").scope
    assert scope.name.startswith("a") and (scope.version, scope.schema_url) == ("1.5", "7")
    assert receiver.span("None").scope == scope


def test_a_sampler_of_the_program_decides_and_adds(start: Start, receiver: Receiver) -> None:
    from oxitel import _native

    class Sampled:
        def is_sampled(self) -> bool:
            return True

    class Dropped:
        def is_sampled(self) -> bool:
            return False

    class Result:
        def __init__(self, decision: Any, attributes: Any) -> None:
            self.decision = decision
            self.attributes = attributes
            self.trace_state = TraceState([("sampler", "ours")])

    asked: list[tuple[Any, ...]] = []

    class NoHealthChecks:
        def should_sample(
            self, parent: Any, trace_id: int, name: str, kind: Any, attributes: Any, links: Any
        ) -> Result:
            asked.append((name, trace_id, kind, attributes, links))
            if name == "failing":
                raise RuntimeError("the sampler is broken")
            keep = name != "health"
            return Result(Sampled() if keep else Dropped(), {"rate": 1, **(attributes or {})})

    start()
    _native.set_deciders(NoHealthChecks(), None)
    tracer = TracerProvider().get_tracer("tests")
    try:
        with tracer.start_as_current_span("kept", attributes={"a": 1}) as span:
            assert asked[0][1] == span.get_span_context().trace_id
            with tracer.start_as_current_span("health") as child:
                assert not child.is_recording()
        with tracer.start_as_current_span("failing"):
            pass
    finally:
        _native.set_deciders(None, None)
    flush(receiver)
    assert sorted(span.name for span in receiver.spans()) == ["failing", "kept"]
    assert receiver.span("kept").attributes == {"rate": 1, "a": 1}
    assert receiver.span("kept").trace_state == "sampler=ours"
    assert asked[0][2:] == (SpanKind.INTERNAL, {"a": 1}, None)


def test_ids_come_from_the_programs_generator(start: Start, receiver: Receiver) -> None:
    from oxitel import _native

    class Counting:
        def __init__(self) -> None:
            self.last = 0x100

        def generate_span_id(self) -> int:
            self.last += 1
            return self.last

        def generate_trace_id(self) -> int:
            return 0xAAAA_0000_0000_0000_0000_0000_0000_0001

    start()
    _native.set_deciders(None, Counting())
    tracer = TracerProvider().get_tracer("tests")
    try:
        with tracer.start_as_current_span("root"), tracer.start_as_current_span("child"):
            pass
    finally:
        _native.set_deciders(None, None)
    flush(receiver)
    root, child = receiver.span("root"), receiver.span("child")
    assert root.trace_id == child.trace_id == "aaaa0000000000000000000000000001"
    assert (root.span_id, child.span_id, child.parent_id) == (
        f"{0x101:016x}",
        f"{0x102:016x}",
        root.span_id,
    )
    assert root.flags & 0xFF == 1


def test_limits_hold_and_what_is_left_out_is_counted(
    start: Start, tracer: trace.Tracer, receiver: Receiver
) -> None:
    start(OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT="2", OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT="3")
    with tracer.start_as_current_span("work") as span:
        span.set_attributes({"a": "longer", "b": 1, "c": 2})
        asked: Any = span
        assert asked.dropped_attributes == 1
    flush(receiver)
    arrived = receiver.span("work")
    assert arrived.attributes == {"a": "lon", "b": 1}
    assert arrived.dropped_attributes == 1


def test_a_span_lives_in_the_context_under_the_apis_key(start: Start, tracer: trace.Tracer) -> None:
    start()
    held = context.set_value("baggage", "kept")
    token = context.attach(held)
    try:
        with tracer.start_as_current_span("work") as span:
            assert context.get_value("baggage") == "kept"
            assert trace.get_current_span(context.get_current()) is span
            copied = trace.set_span_in_context(span, context.Context())
            with tracer.start_as_current_span("below", context=copied) as child:
                below: Any = child
                assert below.parent == span.get_span_context()
                assert context.get_value("baggage") == "kept"
    finally:
        context.detach(token)
