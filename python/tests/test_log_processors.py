"""Log record processors of a program: what they see, and that what they change is what is sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from oxitel._logs import LoggerProvider, LogHandler
from oxitel._trace import TracerProvider
from program import run_program
from receiver import Receiver

Start = Callable[..., bool]


class Watching:
    """A processor that notes what it sees."""

    def __init__(self, change: Callable[[Any], None] = lambda record: None) -> None:
        self.change = change
        self.seen: list[Any] = []

    def on_emit(self, log_record: Any) -> None:
        self.change(log_record)
        self.seen.append(log_record)

    def shutdown(self) -> None: ...

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


@pytest.fixture
def provider() -> Iterator[LoggerProvider]:
    """One whose processors go with the test."""
    provider = LoggerProvider()
    yield provider
    provider.take_processors()


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger with our handler."""
    logger = logging.getLogger("shop.orders")
    handler = LogHandler()
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield logger
    logger.removeHandler(handler)


def test_a_processor_sees_a_record_of_the_api_and_changes_what_is_sent(
    start: Start, provider: LoggerProvider, receiver: Receiver
) -> None:
    def change(record: Any) -> None:
        record.log_record.body = "changed"
        record.log_record.attributes["added"] = 1
        del record.log_record.attributes["secret"]

    start()
    watching = Watching(change)
    provider.add_log_record_processor(watching)
    with TracerProvider().get_tracer("tests").start_as_current_span("work") as span:
        provider.get_logger("scope", "1.0").emit(
            timestamp=17,
            severity_number=SeverityNumber.WARN2,
            severity_text="careful",
            body="said",
            attributes={"secret": "x", "kept": 2},
            event_name="happened",
        )
    [seen] = watching.seen
    assert seen.resource.attributes["service.name"] == "tests"
    assert (seen.instrumentation_scope.name, seen.instrumentation_scope.version) == ("scope", "1.0")
    assert seen.log_record.severity_number is SeverityNumber.WARN2
    assert seen.log_record.trace_id == span.get_span_context().trace_id
    assert provider.force_flush()
    [sent] = receiver.logs()
    assert (sent.body, sent.attributes) == ("changed", {"kept": 2, "added": 1})
    assert (sent.severity, sent.severity_text) == (14, "careful")
    assert (sent.event_name, sent.time_ns, sent.scope.name) == ("happened", 17, "scope")
    assert sent.span_id == f"{span.get_span_context().span_id:016x}"


def test_a_record_that_the_program_made_stays_as_it_was(
    start: Start, provider: LoggerProvider, receiver: Receiver
) -> None:
    def change(record: Any) -> None:
        record.log_record.severity_number = SeverityNumber.ERROR
        record.log_record.attributes["added"] = True

    start()
    provider.add_log_record_processor(Watching(change))
    given = {"a": 1}
    record = LogRecord(body="said", attributes=given, exception=ValueError("broken"))
    provider.get_logger("scope").emit(record)
    assert record.attributes is given and given == {"a": 1}
    assert record.exception is not None and record.severity_number is None
    assert provider.force_flush()
    [sent] = receiver.logs()
    assert sent.severity == SeverityNumber.ERROR.value
    assert sent.attributes["a"] == 1 and sent.attributes["added"] is True
    assert sent.attributes["exception.message"] == "broken"


def test_what_was_raised_can_be_taken_out(
    start: Start, provider: LoggerProvider, receiver: Receiver
) -> None:
    def change(record: Any) -> None:
        for key in ("exception.message", "exception.stacktrace"):
            del record.log_record.attributes[key]

    start()
    provider.add_log_record_processor(Watching(change))
    provider.get_logger("scope").emit(body="failed", exception=ValueError("a secret"))
    assert provider.force_flush()
    [sent] = receiver.logs()
    assert sent.attributes == {"exception.type": "ValueError"}


def test_records_of_logging_come_by_with_all_they_have(
    start: Start, provider: LoggerProvider, receiver: Receiver, logger: logging.Logger
) -> None:
    start()
    logger.info("plain %s", 1, extra={"order": 17, "list": [1, "x"]})
    watching = Watching()
    provider.add_log_record_processor(watching)
    with TracerProvider().get_tracer("tests").start_as_current_span("work"):
        try:
            raise ValueError("broken")
        except ValueError:
            extra = {"order": 17, "list": [1, "x"], "event.name": "failed"}
            logger.exception("failed %s", 2, extra=extra)
    [seen] = watching.seen
    assert seen.log_record.body == "failed 2"
    assert seen.log_record.severity_number is SeverityNumber.ERROR
    assert seen.instrumentation_scope.name == "shop.orders"
    assert provider.force_flush()
    before, after = receiver.logs()
    assert before.body == "plain 1" and after.body == "failed 2"
    assert after.scope == before.scope
    assert after.event_name == "failed" and after.severity_text == "ERROR"
    new = set(after.attributes) - set(before.attributes)
    assert new == {"exception.type", "exception.message", "exception.stacktrace"}
    same = set(before.attributes) - {"python.line", "python.levelno"}
    assert {key: after.attributes[key] for key in same} == {
        key: before.attributes[key] for key in same
    }
    assert after.span_id and after.time_ns > before.time_ns


def test_a_processor_that_fails_or_logs_harms_nobody(
    start: Start,
    provider: LoggerProvider,
    receiver: Receiver,
    logger: logging.Logger,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def change(record: Any) -> None:
        logger.warning("a processor logs")
        raise RuntimeError("broken processor")

    start()
    after = Watching()
    provider.add_log_record_processor(Watching(change))
    provider.add_log_record_processor(after)
    logger.info("work")
    assert len(after.seen) == 1
    assert provider.force_flush()
    assert sorted(record.body for record in receiver.logs()) == ["a processor logs", "work"]
    assert "broken processor" in caplog.text


def test_what_makes_no_sense_is_still_sent(
    start: Start, provider: LoggerProvider, receiver: Receiver
) -> None:
    def change(record: Any) -> None:
        record.log_record.attributes = 17
        record.log_record.severity_number = "high"
        record.log_record.timestamp = "now"

    start()
    provider.add_log_record_processor(Watching(change))
    scope: Any = provider.get_logger("scope")
    scope.emit(body="said", attributes="none", severity_number="x", timestamp=-1)
    scope.emit(17)
    assert provider.force_flush()
    assert [record.body for record in receiver.logs()] == ["said", None]


def test_processors_flush_and_end_with_the_provider(receiver: Receiver) -> None:
    ended = run_program(
        """
        import logging
        import oxitel
        from opentelemetry import _logs

        class Late:
            def on_emit(self, record): print("saw", record.log_record.body)
            def force_flush(self, millis=30000): print("flush", millis > 0); return True
            def shutdown(self): print("shutdown"); logging.getLogger("late").warning("last words")

        oxitel.enable_telemetry()
        provider = _logs.get_logger_provider()
        provider.add_log_record_processor(Late())
        logging.getLogger("shop").info("work")
        assert provider.force_flush()
        """,
        receiver,
    )
    assert ended.stdout.split("\n")[:3] == ["saw work", "flush True", "shutdown"]
    assert [record.body for record in receiver.logs()] == ["work", "last words"]
