"""Log records in all shapes, by `logging` and by the API; run on the SDK and on ours."""

from __future__ import annotations

import logging

import provider
from opentelemetry import _logs, trace
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context

provider.install()
handler: logging.Handler
if provider.IS_OURS:
    from oxitel import LogHandler

    handler = LogHandler()
else:
    from opentelemetry.instrumentation.logging.handler import LoggingHandler

    handler = LoggingHandler()

PLACE = trace.SpanContext(0x5F8A3B2C << 96, 0xABCDEF12, True, trace.TraceFlags(1))
IN_SPAN = trace.set_span_in_context(trace.NonRecordingSpan(PLACE), Context())


class Printed:
    def __str__(self) -> str:
        return "printed"


class Broken(Exception):
    pass


def by_logging() -> None:
    logger = logging.getLogger("shop.orders")
    logger.propagate = False
    logger.setLevel(1)
    logger.addHandler(handler)
    for level in (10, 20, 30, 40, 50):
        logger.log(level, "level %d", level)
    logger.info("no arguments, 100 %")
    logger.info("%s and %r", Printed(), "text")
    logger.info("%(name)s", {"name": "by name"})
    logger.info(Printed())
    logger.info({"a": [1]})
    logger.info("extras", extra={"text": "t", "n": 1, "f": 0.5, "yes": True, "list": ["a", "b"]})
    logger.info("nested", extra={"map": {"k": [1, {"deep": None}]}, "none": None, "raw": b"\x00"})
    logger.info("named", extra={"event.name": "old", "otel.event.name": "new", "k": 1})
    with trace.use_span(trace.NonRecordingSpan(PLACE)):
        logger.warning("in a span")
    try:
        raise Broken("one", "two")
    except Broken:
        logger.exception("raised %s", "it")
    logger.error("nothing raised", exc_info=True)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logger.info("formatted")
    handler.setFormatter(None)
    handle = logging.makeLogRecord(
        {"name": "made", "msg": "by hand", "created": 1.5, "levelno": 20}
    )
    handler.handle(handle)


def by_api() -> None:
    everything = _logs.get_logger_provider()
    logger = everything.get_logger("api", "1.2", "https://example.com/schema", {"team": "a"})
    logger.emit(
        timestamp=1_000,
        observed_timestamp=2_000,
        context=IN_SPAN,
        severity_number=SeverityNumber.WARN3,
        severity_text="careful",
        body="words",
        attributes={"k": "v", "list": (1, 2), "none": None},
        event_name="device.lost",
    )
    logger.emit(LogRecord(timestamp=3, body=["a", 1, 0.5, True, b"\x01", None, {"k": [2]}]))
    logger.emit(LogRecord(timestamp=4, context=IN_SPAN, body={"a": {"b": 1}}, event_name="e"))
    logger.emit(timestamp=5, body=7, exception=Broken("lost"))
    logger.emit(timestamp=6, exception=ValueError("x"), attributes={"exception.message": "mine"})
    logger.emit(LogRecord(timestamp=7, exception=Broken(), attributes={"k": 1}))
    logger.emit(timestamp=8, severity_number=SeverityNumber.TRACE)
    logger.emit(timestamp=9)


by_logging()
by_api()
provider.finish()
