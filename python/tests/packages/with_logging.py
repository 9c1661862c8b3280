"""The handler of opentelemetry-instrumentation-logging on the provider that is there."""

import logging

import provider
from begin import begin

begin()

from opentelemetry import trace  # noqa: E402
from opentelemetry.instrumentation.logging import LoggingInstrumentor  # noqa: E402


def mark(span: trace.Span, record: logging.LogRecord) -> None:
    record.is_sampled = span.get_span_context().trace_flags.sampled
    record.by = getattr(span, "name", None)


LoggingInstrumentor().instrument(inject_trace_context=True, log_hook=mark)
logger = logging.getLogger("shop.orders")
logger.setLevel(logging.DEBUG)
logger.debug("before %s", "everything")
with trace.get_tracer("shop").start_as_current_span("work"):
    logger.info("order %d", 7, extra={"user": "seven", "sizes": [1, 2], "half": 0.5})
    logger.warning("careful")
    logger.critical("event", extra={"event.name": "shop.closed"})
    try:
        raise KeyError("book")
    except KeyError:
        logger.exception("it failed")
logging.getLogger().error("the root")
provider.finish()
