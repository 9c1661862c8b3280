"""Logs: records of `logging` and of the API, as a receiver gets them."""

from __future__ import annotations

import gc
import inspect
import logging
import logging.config
import logging.handlers
import pickle
import queue
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry import context, trace
from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from oxitel import _native, _root
from oxitel._logs import LoggerProvider, LogHandler, TraceFormatter
from oxitel._trace import TracerProvider
from program import run_program
from receiver import Log, Receiver

Start = Callable[..., bool]

NEAR = 50_000_000
"""How far, in nanoseconds, the engine's clock may be from Python's, whose `created` is rounded."""


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger of this test's own, with our handler and no other."""
    logger = logging.Logger("shop.orders")
    logger.addHandler(LogHandler())
    yield logger
    logger.handlers.clear()


def logged(receiver: Receiver) -> list[Log]:
    assert _native.flush(10.0) is None
    return receiver.logs()


def one(receiver: Receiver) -> Log:
    [record] = logged(receiver)
    return record


def line_of(function: Callable[..., Any], text: str) -> int:
    """The line of this file on which `function` says `text`."""
    lines, first = inspect.getsourcelines(function)
    return first + next(index for index, line in enumerate(lines) if text in line)


def test_a_record_arrives_with_everything_that_it_says_of_itself(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    assert start()
    before = time.time_ns()
    logger.warning(
        "order %d of %s", 7, "me", extra={"user.id": "u-1", "sizes": [1, 2.5], "vip": True}
    )
    after = time.time_ns()

    record = one(receiver)
    assert record.body == "order 7 of me"
    assert (record.severity, record.severity_text) == (13, "WARN")
    assert (record.scope.name, record.scope.version) == ("shop.orders", "")
    me = threading.current_thread()
    here = test_a_record_arrives_with_everything_that_it_says_of_itself
    assert record.attributes == {
        "python.module": "test_logs",
        "python.line": line_of(here, "logger.warning("),
        "python.levelno": 30,
        "thread.name": me.name,
        "thread.id": me.ident,
        "user.id": "u-1",
        "sizes": [1, 2.5],
        "vip": True,
    }
    assert before - NEAR <= record.time_ns <= after + NEAR
    assert before - NEAR <= record.observed_ns <= after + NEAR
    assert (record.trace_id, record.span_id, record.flags) == ("", "", 0)


def test_a_level_becomes_the_nearest_severity_that_is_not_above_it(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    assert start()
    logging.addLevelName(25, "NOTICE")
    for level in (5, 10, 20, 25, 30, 40, 50):
        logger.log(level, "level")
    told = [
        (record.attributes["python.levelno"], record.severity, record.severity_text)
        for record in logged(receiver)
    ]
    assert told == [
        (5, 1, "Level 5"),
        (10, 5, "DEBUG"),
        (20, 9, "INFO"),
        (25, 9, "NOTICE"),
        (30, 13, "WARN"),
        (40, 17, "ERROR"),
        (50, 17, "CRITICAL"),
    ]


def test_a_record_carries_the_span_in_which_it_was_made(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    assert start()
    tracer = TracerProvider().get_tracer("tests")
    with tracer.start_as_current_span("outer") as outer:
        logger.info("outer")
        with tracer.start_as_current_span("inner") as inner:
            logger.info("inner")
    foreign = trace.SpanContext(0xA1, 0xB2, True, trace.TraceFlags(1))
    with trace.use_span(trace.NonRecordingSpan(foreign)):
        logger.info("foreign")

    def ids(of: trace.SpanContext) -> tuple[str, str]:
        return (f"{of.trace_id:032x}", f"{of.span_id:016x}")

    found = {record.body: (record.trace_id, record.span_id) for record in logged(receiver)}
    assert found == {
        "outer": ids(outer.get_span_context()),
        "inner": ids(inner.get_span_context()),
        "foreign": ids(foreign),
    }


def test_an_exception_is_told_with_its_traceback(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    class Broken(ValueError):
        pass

    assert start()
    try:
        raise Broken("no", "stock")
    except Broken:
        logger.exception("failed")
    record = one(receiver)
    assert record.body == "failed"
    name = "test_logs.test_an_exception_is_told_with_its_traceback.<locals>.Broken"
    assert record.attributes["exception.type"] == name
    assert record.attributes["exception.message"] == "('no', 'stock')"
    stack = record.attributes["exception.stacktrace"]
    assert stack.startswith("Traceback (most recent call last):")
    assert 'raise Broken("no", "stock")' in stack


def test_no_exception_and_a_wanted_stack(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    assert start()
    logger.error("nothing was raised", exc_info=True, stack_info=True)
    attributes = one(receiver).attributes
    assert not [key for key in attributes if key.startswith("exception.")]
    assert attributes["code.stacktrace"].startswith("Stack (most recent call last):")


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("cannot")


class Structured:
    """A message that is not a text."""

    def __str__(self) -> str:
        return "structured"


def test_what_cannot_be_formatted_arrives_as_it_was_written_and_nothing_is_raised(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    assert start()
    logger.info("%d of %d", 1)
    logger.info("%d", "no number")
    logger.info("%s", Unprintable())
    logger.info(Unprintable())
    logger.info(Structured())
    logger.info({"a": 1})
    logger.info("100 %")
    logger.info("%(a)s", {"a": 2})
    logger.info("lone \ud800 surrogate", extra={"\ud800": "\udfff"})
    assert [record.body for record in logged(receiver)] == [
        "%d of %d",
        "%d",
        "%s",
        "<Unprintable that cannot be printed>",
        "structured",
        "{'a': 1}",
        "100 %",
        "2",
        "lone \ufffd\ufffd\ufffd surrogate",
    ]


def test_a_record_of_a_class_of_the_program_makes_its_message_itself(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    class Braces(logging.LogRecord):
        def getMessage(self) -> str:
            return str(self.msg).format(*self.args)  # type: ignore[misc]

    assert start()
    record = Braces("n", logging.INFO, "/p/file.py", 3, "{} {}", ("a", "b"), None)
    logger.handle(record)
    arrived = one(receiver)
    assert arrived.body == "a b"
    assert (arrived.attributes["python.module"], arrived.attributes["python.line"]) == ("file", 3)


def test_an_interrupt_while_a_message_is_made_is_not_swallowed(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    class Interrupted:
        def __str__(self) -> str:
            raise KeyboardInterrupt

    assert start()
    with pytest.raises(KeyboardInterrupt):
        logger.info("%s", Interrupted())
    logger.info("after")
    assert one(receiver).body == "after"


def test_extras_stay_as_they_were_and_win_over_what_a_record_says_of_itself(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    assert start()
    extra = {"python.module": "mine", "nested": {"a": [1]}, "object": Structured(), "none": None}
    kept = dict(extra)
    seen: list[dict[str, Any]] = []

    class Keep(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:
            seen.append(dict(vars(record)))
            return True

    logger.handlers.insert(0, Keep())
    logger.addHandler(Keep())
    logger.info("said", extra=extra)
    assert extra == kept
    before, after = seen
    assert before == after
    attributes = one(receiver).attributes
    assert attributes["python.module"] == "mine"
    assert (attributes["nested"], attributes["object"]) == ({"a": [1]}, "structured")
    assert attributes["none"] is None


def test_secrets_in_extras_are_redacted(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    assert start()
    logger.info("https://me:word@example.com/", extra={"password": "hush"})
    record = one(receiver)
    assert record.attributes["password"] == "[redacted]"
    assert "word" not in record.body


def test_an_extra_may_name_the_event(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    assert start()
    logger.info("a", extra={"event.name": "old"})
    logger.info("b", extra={"event.name": "old", "otel.event.name": "new"})
    logger.info("c", extra={"event.name": 7})
    records = logged(receiver)
    assert [record.event_name for record in records] == ["old", "new", ""]
    assert [record.attributes.get("event.name") for record in records] == [None, None, 7]


def test_a_record_that_travelled_keeps_its_thread_line_and_traceback(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    assert start()
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    source = logging.Logger("elsewhere")
    source.addHandler(logging.handlers.QueueHandler(waiting))
    thread = threading.Thread(target=source.error, args=("from %s", "afar"), name="far-away")
    thread.start()
    thread.join()
    logger.handle(waiting.get())
    # As `SocketHandler` sends it: its keys are other objects than those of a record made here.
    sent = {
        "name": "socket",
        "msg": "m",
        "levelno": 40,
        "levelname": "ERROR",
        "exc_text": "Traceback …",
    }
    logger.handle(logging.makeLogRecord(pickle.loads(pickle.dumps(sent))))

    queued, socket = logged(receiver)
    assert (queued.body, queued.scope.name) == ("from afar", "elsewhere")
    assert queued.attributes["thread.name"] == "far-away"
    assert (socket.scope.name, socket.severity) == ("socket", 17)
    assert socket.attributes["exception.stacktrace"] == "Traceback …"
    assert "exc_text" not in socket.attributes


def test_loggers_of_telemetry_and_suppressed_contexts_are_not_forwarded(
    receiver: Receiver, start: Start
) -> None:
    assert start()
    handler = LogHandler()
    names = ["oxitel", "oxitel.x", "opentelemetry.sdk.trace", "opentelemetry.exporter.otlp"]
    allowed = ["oxitelist", "opentelemetry.instrumentation", "opentelemetry.sdks", "urllib3"]
    for name in names + allowed:
        handler.handle(logging.makeLogRecord({"name": name, "msg": "m"}))
    suppressed = context.set_value(context._SUPPRESS_INSTRUMENTATION_KEY, True)
    token = context.attach(suppressed)
    handler.handle(logging.makeLogRecord({"name": "urllib3", "msg": "while sending"}))
    context.detach(token)
    assert [record.scope.name for record in logged(receiver)] == allowed


def test_logging_inside_of_logging_ends(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    class Talkative:
        """Logs itself whenever it is printed."""

        def __str__(self) -> str:
            logger.info("inside: %s", self)
            return "talkative"

    assert start()
    logger.info("%s", Talkative())
    bodies = [record.body for record in logged(receiver)]
    assert bodies == ["inside: talkative"] * 7 + ["talkative"]


def test_filters_and_formatters_of_the_handler_are_asked(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    assert start()
    [handler] = logger.handlers
    handler.addFilter(lambda record: "secret" not in record.msg)
    handler.setFormatter(logging.Formatter("<%(levelname)s %(message)s>"))
    logger.info("secret")
    logger.info("open")
    assert one(receiver).body == "<INFO open>"


def test_a_filter_may_replace_the_record(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    assert start()
    other = logging.makeLogRecord({"name": "n", "msg": "other"})
    logger.handlers[0].addFilter(lambda record: other)
    logger.info("one")
    # Filters answer with records since 3.12.
    assert one(receiver).body == ("other" if sys.version_info >= (3, 12) else "one")


def test_a_class_of_the_program_may_change_what_is_emitted(
    receiver: Receiver, start: Start
) -> None:
    class Loud(LogHandler):
        def emit(self, record: logging.LogRecord) -> None:
            record.msg = str(record.msg).upper()
            super().emit(record)

    assert start()
    logger = logging.Logger("loud")
    logger.addHandler(Loud(logging.WARNING))
    logger.info("not this")
    logger.warning("this")
    assert one(receiver).body == "THIS"


def test_records_of_a_span_become_its_events_where_that_is_asked_for(
    receiver: Receiver, start: Start
) -> None:
    assert start()
    logger = logging.Logger("shop")
    logger.addHandler(LogHandler(as_events=True))
    with TracerProvider().get_tracer("tests").start_as_current_span("order"):
        logger.error("in it", extra={"k": 1})
    logger.info("outside")
    assert one(receiver).body == "outside"
    [event] = receiver.span("order").events
    assert event.name == "in it"
    told = ("level", "target", "python.module", "python.levelno", "k")
    assert [event.attributes[key] for key in told] == ["ERROR", "shop", "test_logs", 40, 1]


def test_records_of_many_threads_all_arrive_once(
    receiver: Receiver, start: Start, logger: logging.Logger
) -> None:
    assert start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [
            threading.Thread(
                target=lambda start: [logger.info("%d", start + n) for n in range(200)],
                args=(index * 200,),
            )
            for index in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert sorted(int(record.body) for record in logged(receiver)) == list(range(1600))


def test_a_record_is_not_kept_alive(start: Start, logger: logging.Logger) -> None:
    assert start()
    gone = Structured()
    watch = weakref.ref(gone)
    logger.info("%s", gone, extra={"it": gone})
    del gone
    gc.collect()
    assert watch() is None


def test_without_an_engine_nothing_happens(receiver: Receiver, logger: logging.Logger) -> None:
    logger.info("%s", Unprintable())
    api = LoggerProvider().get_logger("api")
    api.emit(body="nobody hears it")
    assert not api.enabled()
    assert receiver.requests == []


# The root logger.


@contextmanager
def fresh_root() -> Iterator[None]:
    """The root logger as a new program has it, without the handlers that pytest puts there for
    each test; it is as it was afterwards."""
    root = logging.getLogger()
    before = (root.handlers, root.level)
    root.handlers = []
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        _root.remove()
        root.handlers = before[0]
        root.setLevel(before[1])


@fresh_root()
def test_the_handler_of_the_root_logger_takes_what_is_not_below_its_level(
    receiver: Receiver, start: Start
) -> None:
    assert start()
    handler = _root.install(logging.INFO)
    assert _root.install() is handler
    logging.getLogger("a.b").debug("below")
    logging.getLogger("a.b").info("taken")
    assert one(receiver).body == "taken"
    _root.remove()
    assert (logging.root.handlers, logging.root.level) == ([], logging.WARNING)
    assert not {"addHandler", "removeHandler"} & set(vars(logging.root))


@fresh_root()
def test_a_root_logger_that_is_configured_keeps_its_level() -> None:
    logging.root.setLevel(logging.ERROR)
    _root.install(logging.INFO)
    assert logging.root.level == logging.ERROR
    _root.remove()
    assert logging.root.level == logging.ERROR


CONSOLE = {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}


@fresh_root()
def test_the_handler_stays_when_logging_is_configured_anew(
    receiver: Receiver, start: Start, tmp_path: Any
) -> None:
    assert start()
    _root.install(logging.INFO)
    log = logging.getLogger("shop")
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"console": CONSOLE},
            "root": {"handlers": ["console"], "level": "INFO"},
        }
    )
    log.info("after dictConfig")
    file = tmp_path / "logging.ini"
    file.write_text(
        "[loggers]\nkeys=root\n[handlers]\nkeys=h\n[formatters]\nkeys=\n"
        "[logger_root]\nlevel=INFO\nhandlers=h\n"
        "[handler_h]\nclass=StreamHandler\nargs=(sys.stdout,)\n"
    )
    logging.config.fileConfig(file, disable_existing_loggers=False)
    log.info("after fileConfig")
    logging.basicConfig(level=logging.INFO, force=True, stream=sys.stdout)
    log.info("after basicConfig")
    assert (
        len([handler for handler in logging.root.handlers if isinstance(handler, LogHandler)]) == 1
    )
    assert [record.body for record in logged(receiver)] == [
        "after dictConfig",
        "after fileConfig",
        "after basicConfig",
    ]


@fresh_root()
def test_basic_config_works_though_our_handler_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    _root.install(logging.INFO)
    logging.basicConfig(format="%(levelname)s|%(message)s", stream=sys.stdout)
    logging.getLogger("shop").info("hello")
    assert capsys.readouterr().out == "INFO|hello\n"


@fresh_root()
def test_a_handler_that_the_program_configures_takes_the_place_of_ours(
    receiver: Receiver, start: Start
) -> None:
    assert start()
    _root.install(logging.INFO)
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"otel": {"class": "oxitel._logs.LogHandler", "level": "WARNING"}},
            "root": {"handlers": ["otel"]},
        }
    )
    logging.getLogger("fresh").info("not this")
    logging.getLogger("fresh").warning("once")
    assert one(receiver).body == "once"


@fresh_root()
def test_a_handler_of_the_root_logger_can_be_taken_away_by_hand() -> None:
    handler = _root.install(logging.INFO)
    logging.root.removeHandler(handler)
    assert handler not in logging.root.handlers


def test_warnings_that_nobody_else_hears_still_go_to_standard_error(receiver: Receiver) -> None:
    ended = run_program(
        """
        import logging
        from oxitel import _native, _root

        assert _native.start({})
        _root.install(logging.INFO)
        logging.getLogger("a").warning("unheard")
        logging.getLogger("a").info("quiet")
        logging.getLogger("b").addHandler(logging.NullHandler())
        logging.getLogger("b").warning("heard")
        logging.warning("root")
        assert _native.shutdown(10.0) is None
        """,
        receiver,
    )
    assert ended.stderr == "unheard\nroot\n"
    assert [record.body for record in receiver.logs()] == ["unheard", "quiet", "heard", "root"]


def test_an_exit_with_a_receiver_that_is_silent_is_quick(receiver: Receiver) -> None:
    receiver.hold()
    ended = run_program(
        """
        import logging
        from oxitel import _native, _root

        assert _native.start({})
        _root.install(logging.INFO)
        logging.getLogger("a").warning("last words")
        logging.shutdown()
        """,
        receiver,
    )
    # Nothing of `logging` waits for the network; three times the bound of an exit.
    assert ended.seconds < 6
    receiver.answer()


def test_a_forked_child_logs_and_the_parent_too(receiver: Receiver) -> None:
    run_program(
        """
        import logging, os
        from oxitel import _native, _root

        assert _native.start({})
        _root.install(logging.INFO)
        log = logging.getLogger("shop")
        log.info("before")
        child = os.fork()
        log.info("child" if child == 0 else "parent")
        ended = _native.shutdown(10.0)
        if child == 0:
            os._exit(0 if ended is None else 1)
        assert ended is None
        assert os.waitpid(child, 0)[1] == 0
        """,
        receiver,
    )
    assert sorted(record.body for record in receiver.logs()) == ["before", "child", "parent"]


# The formatter.


def test_a_line_shows_the_first_letters_of_its_ids(start: Start) -> None:
    assert start()
    formatter = TraceFormatter()
    record = logging.makeLogRecord({"msg": "Processing %s", "args": ("it",), "levelname": "INFO"})
    assert formatter.format(record) == "INFO - Processing it"
    place = trace.SpanContext(0x5F8A3B2C << 96, 0xABCDEF12 << 32, False)
    with trace.use_span(trace.NonRecordingSpan(place)):
        line = "INFO - Processing it [trace:5f8a3b2c...] [span:abcdef12...]"
        assert formatter.format(record) == line
        try:
            raise ValueError("x")
        except ValueError:
            record.exc_info = sys.exc_info()
        first, second, *_ = formatter.format(record).split("\n")
        assert (first, second) == (line, "Traceback (most recent call last):")
        assert TraceFormatter("{message}", style="{").format(record).startswith("Processing it [tr")


# The API.


def test_a_record_of_the_api_arrives_with_each_of_its_parts(
    receiver: Receiver, start: Start
) -> None:
    assert start()
    logger = LoggerProvider().get_logger("api", "1.2", "https://s.example/1", {"scope": "yes"})
    assert logger.enabled(severity_number=SeverityNumber.INFO)
    assert isinstance(logger, Logger)
    with TracerProvider().get_tracer("tests").start_as_current_span("current") as span:
        logger.emit(
            timestamp=1_000,
            observed_timestamp=2_000,
            severity_number=SeverityNumber.FATAL2,
            severity_text="fatal",
            body={"list": [1, "a", None, b"\x00", {"deep": 1.5}]},
            attributes={"k": (1, 2), "exception.message": "mine"},
            event_name="device.lost",
            exception=LookupError("theirs"),
        )
    record = one(receiver)
    assert (record.time_ns, record.observed_ns) == (1_000, 2_000)
    assert (record.severity, record.severity_text) == (22, "fatal")
    assert record.body == {"list": [1, "a", None, b"\x00", {"deep": 1.5}]}
    assert record.event_name == "device.lost"
    assert record.attributes == {
        "k": [1, 2],
        "exception.type": "LookupError",
        "exception.message": "mine",
        "exception.stacktrace": "LookupError: theirs\n",
    }
    place = span.get_span_context()
    assert record.trace_id == f"{place.trace_id:032x}"
    assert record.span_id == f"{place.span_id:016x}"
    assert (record.scope.name, record.scope.version) == ("api", "1.2")
    assert (record.scope.schema_url, record.scope.attributes) == (
        "https://s.example/1",
        {"scope": "yes"},
    )


def test_a_record_of_the_api_may_be_an_object_and_may_say_nothing(
    receiver: Receiver, start: Start
) -> None:
    assert start()
    logger = LoggerProvider().get_logger("api")
    place = trace.SpanContext(0xA1, 0xB2, False, trace.TraceFlags(1))
    given = trace.set_span_in_context(trace.NonRecordingSpan(place), context.Context())
    before = time.time_ns()
    logger.emit(LogRecord(context=given, body="in", severity_number=SeverityNumber.INFO))
    logger.emit(context=given, body="too")
    logger.emit()
    after = time.time_ns()
    whole, parts, empty = logged(receiver)
    for record in (whole, parts):
        assert (record.trace_id, record.span_id, record.flags) == (
            f"{0xA1:032x}",
            f"{0xB2:016x}",
            1,
        )
    assert (whole.body, whole.severity, whole.severity_text) == ("in", 9, "")
    assert (empty.body, empty.severity, empty.trace_id, empty.attributes) == (None, 0, "", {})
    for record in (whole, parts, empty):
        assert before - NEAR <= record.time_ns <= after + NEAR
        assert before - NEAR <= record.observed_ns <= after + NEAR


def test_nothing_that_is_given_to_a_logger_raises(receiver: Receiver, start: Start) -> None:
    assert start()
    logger: Any = LoggerProvider().get_logger("api")
    logger.emit(severity_number="no number", severity_text=7, timestamp="x", event_name=3)
    logger.emit(severity_number=99, body=Unprintable(), attributes=[1], exception="no exception")
    logger.emit(object())
    assert len(logged(receiver)) == 3


def test_a_provider_flushes_and_ends(receiver: Receiver, start: Start) -> None:
    assert start()
    provider = LoggerProvider()
    provider.get_logger("api").emit(body="flushed")
    assert provider.force_flush()
    assert receiver.logs()[0].body == "flushed"
    assert provider.resource.attributes["service.name"] == "tests"
    provider.get_logger("api").emit(body="last")
    provider.shutdown()
    assert [record.body for record in receiver.logs()] == ["flushed", "last"]
    provider.get_logger("api").emit(body="late")
    assert not provider.get_logger("api").enabled()
