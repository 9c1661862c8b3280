"""Flush and end, as the three providers and programs reach them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from oxitel import _native
from oxitel._logs import LoggerProvider
from oxitel._metrics import MeterProvider
from oxitel._trace import TracerProvider
from program import run_program
from receiver import Receiver

Start = Callable[..., bool]

PROVIDERS: list[Any] = [TracerProvider, MeterProvider, LoggerProvider]


def record_all(number: int = 1) -> None:
    """One record of each signal."""
    TracerProvider().get_tracer("t").start_span(f"span {number}").end()
    MeterProvider().get_meter("t").create_counter("counter").add(1)
    LoggerProvider().get_logger("t").emit(body=f"log {number}")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_flush_of_any_provider_brings_all_signals(
    start: Start, receiver: Receiver, provider: Any
) -> None:
    start()
    record_all()
    assert provider().force_flush() is True
    assert len(receiver.spans()) == len(receiver.logs()) == 1 and receiver.points("counter")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("timeout", [10_000, 10_000.5, None, float("inf"), float("nan"), "soon"])
def test_a_flush_takes_any_time_and_may_be_repeated(
    start: Start, receiver: Receiver, provider: Any, timeout: Any
) -> None:
    start()
    assert provider().force_flush(timeout_millis=timeout)
    record_all()
    assert provider().force_flush(timeout)


class _Bad:
    """A reader that fails when it is told to be quiet, and a processor without any method."""

    def _set_collect_callback(self, _callback: object) -> None:
        raise RuntimeError("no")


def test_what_makes_no_sense_to_add_or_to_end_with_is_told_and_harms_nobody(
    start: Start, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    start()
    tracers = TracerProvider()
    tracers.add_span_processor(_Bad())
    MeterProvider().add_metric_reader(_Bad())
    assert [it for it in caplog.messages if "add_span_processor() has no effect" in it]
    assert tracers.processors() == ()
    record_all()
    LoggerProvider().shutdown(timeout_millis="soon")  # type: ignore[arg-type]
    assert len(receiver.spans()) == len(receiver.logs()) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_flush_without_time_says_whether_anything_was_left(
    start: Start, receiver: Receiver, provider: Any
) -> None:
    start()
    receiver.hold()
    record_all()
    began = time.monotonic()
    assert provider().force_flush(50) is False
    assert provider().force_flush(0) is False
    assert provider().force_flush(-1) is False
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_an_engine_there_is_nothing_to_flush_and_nothing_to_end(provider: Any) -> None:
    assert not _native.is_running()
    assert provider().force_flush() is True
    assert provider().shutdown() is None


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_end_sends_what_is_left_and_may_be_repeated(
    start: Start, receiver: Receiver, provider: Any
) -> None:
    start()
    record_all()
    assert provider().shutdown() is None
    assert len(receiver.spans()) == len(receiver.logs()) == 1 and receiver.points("counter")
    assert provider().shutdown() is None
    assert provider().force_flush() is True
    record_all(2)
    assert not TracerProvider().get_tracer("t").start_span("after").is_recording()
    assert len(receiver.spans()) == 1


def test_an_end_may_be_given_a_time(start: Start, receiver: Receiver) -> None:
    start()
    receiver.hold()
    record_all()
    began = time.monotonic()
    MeterProvider().shutdown(timeout_millis=50)
    assert time.monotonic() - began < 1.5
    assert not _native.is_running()


class Processor:
    """A processor of the program, of both kinds."""

    def __init__(self, answer: Any = True) -> None:
        self.answer = answer
        self.asked: list[int] = []
        self.ended = 0

    def on_start(self, span: Any, parent_context: Any = None) -> None: ...

    def on_end(self, span: Any) -> None: ...

    def on_emit(self, record: Any) -> None: ...

    def force_flush(self, timeout_millis: int = 30_000) -> Any:
        self.asked.append(timeout_millis)
        if isinstance(self.answer, Exception):
            raise self.answer
        if callable(self.answer):
            return self.answer()
        return self.answer

    def shutdown(self) -> None:
        self.ended += 1
        if isinstance(self.answer, Exception):
            raise self.answer


ADD: list[tuple[Any, str]] = [
    (TracerProvider, "add_span_processor"),
    (LoggerProvider, "add_log_record_processor"),
]


@pytest.mark.parametrize(("make", "add"), ADD)
def test_processors_answer_for_the_flush_and_one_that_fails_harms_nobody(
    start: Start, receiver: Receiver, make: Any, add: str, caplog: pytest.LogCaptureFixture
) -> None:
    start()
    provider = make()
    silent, broken, last = Processor(None), Processor(RuntimeError("broken flush")), Processor()
    getattr(provider, add)(silent)
    assert provider.force_flush(float("inf")) is True
    assert provider.force_flush(5_000) is True
    assert 0 < silent.asked[1] <= 5_000
    getattr(provider, add)(broken)
    getattr(provider, add)(last)
    record_all()
    with caplog.at_level(logging.WARNING, "oxitel"):
        assert provider.force_flush(5_000) is False
    assert len(receiver.spans()) == 1 and len(last.asked) == 1
    assert "broken flush" in caplog.text
    provider.shutdown()
    assert [it.ended for it in (silent, broken, last)] == [1, 1, 1]
    provider.shutdown()
    assert last.ended == 1 and not _native.is_running()


@pytest.mark.parametrize(("make", "add"), ADD)
def test_what_processors_take_of_the_time_is_gone(
    start: Start, receiver: Receiver, make: Any, add: str
) -> None:
    start()
    provider = make()
    last = Processor()
    getattr(provider, add)(Processor(lambda: time.sleep(0.2)))
    getattr(provider, add)(last)
    provider.force_flush(1_000)
    assert last.asked[0] <= 800
    provider.shutdown()


def test_flushes_while_telemetry_ends_neither_hang_nor_raise(
    start: Start, receiver: Receiver
) -> None:
    start()
    for number in range(100):
        record_all(number)
    receiver.hold()
    answers: list[Any] = []

    def flush() -> None:
        answers.append(TracerProvider().force_flush(5_000))

    threads = [threading.Thread(target=flush) for _ in range(4)]
    threads += [threading.Thread(target=TracerProvider().shutdown) for _ in range(2)]
    for thread in threads:
        thread.start()
    time.sleep(0.1)
    receiver.answer()
    for thread in threads:
        thread.join(20.0)
        assert not thread.is_alive()
    assert len(answers) == 4
    assert not _native.is_running()


def test_a_processor_may_wait_for_a_thread_that_ends_telemetry(receiver: Receiver) -> None:
    run_program(
        """
        import threading
        import oxitel
        from opentelemetry import trace

        class Waiting:
            def on_start(self, span, parent_context=None): ...
            def on_end(self, span): ...
            def force_flush(self, millis=30000): return True
            def shutdown(self):
                thread = threading.Thread(target=oxitel.shutdown_telemetry)
                thread.start()
                thread.join(10)
                assert not thread.is_alive()

        oxitel.enable_telemetry()
        trace.get_tracer_provider().add_span_processor(Waiting())
        trace.get_tracer("shop").start_span("order").end()
        trace.get_tracer_provider().shutdown()
        """,
        receiver,
    )
    assert len(receiver.spans("order")) == 1


def test_a_forked_child_flushes_what_is_its_own(receiver: Receiver) -> None:
    run_program(
        """
        import os
        import oxitel
        from opentelemetry import metrics, trace, _logs

        oxitel.enable_telemetry()
        tracer = trace.get_tracer("shop")
        tracer.start_span("parent").end()
        child = os.fork()
        if child == 0:
            provider = trace.get_tracer_provider()
            assert provider.force_flush() is True  # nothing yet
            tracer.start_span("child").end()
            for get in (trace.get_tracer_provider, metrics.get_meter_provider,
                        _logs.get_logger_provider):
                assert get().force_flush() is True
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        """,
        receiver,
    )
    assert sorted(span.name for span in receiver.spans()) == ["child", "parent"]
    ids = {span.resource["service.instance.id"] for span in receiver.spans()}
    assert len(ids) == 2
