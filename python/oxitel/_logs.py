"""Logs: a handler for `logging`, a formatter that shows where in a trace it is, and the API's
logger provider."""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry import _logs, trace
from opentelemetry.util.types import Attributes

from oxitel import _native
from oxitel._end import end
from oxitel._readable import Resource
from oxitel._remembered import Remembered
from oxitel._said import warn

_logs.Logger.register(_native.Logger)


class LogHandler(_native.LogSink, logging.Handler):
    """Sends the records of `logging` as log records, in the span in which they were made.

    `enable_telemetry` puts one on the root logger. Whoever configures `logging` in another way
    puts it there themselves: `"class": "oxitel.LogHandler"`.

    A record keeps its level, message, module, line and thread, what was raised, and everything
    from `extra`. With a formatter the message is what that makes of it. The handler has no lock,
    changes no record, and raises nothing. It skips what the loggers `oxitel`, `opentelemetry.sdk`
    and `opentelemetry.exporter` say, and whatever is said while telemetry is being sent: otherwise
    each export would be a reason for another.
    """

    def __init__(self, level: int | str = logging.NOTSET, *, as_events: bool = False) -> None:
        super().__init__()
        logging.Handler.__init__(self, level)
        self.as_events = as_events
        """Whether a record becomes an event of its span, if that is recorded, instead of a log
        record."""

    def createLock(self) -> None:
        """There is none: the engine takes records of many threads at once."""
        self.lock = None

    def _at_fork_reinit(self) -> None:
        """`logging` renews locks in a forked child; this handler has none."""

    def flush(self) -> None:
        """Does not wait. `logging` calls it when it is configured anew and at the end of the
        program, where a receiver that is not there would hold up both; the engine sends what it
        has by itself. To wait for it is what `LoggerProvider.force_flush` is for."""


class TraceFormatter(logging.Formatter):
    """Adds the current span to each line.

    `INFO - Order taken` becomes `INFO - Order taken [trace:5f8a3b2c...] [span:9d0e41b7...]`.
    Outside of a span a line stays as it is.
    """

    def __init__(self, fmt: str | None = "%(levelname)s - %(message)s", *rest: Any, **more: Any):
        super().__init__(fmt, *rest, **more)

    def formatMessage(self, record: logging.LogRecord) -> str:
        """The line, without what was raised."""
        line = super().formatMessage(record)
        span = trace.get_current_span().get_span_context()
        if not span.is_valid:
            return line
        trace_id, span_id = f"{span.trace_id:032x}", f"{span.span_id:016x}"
        return f"{line} [trace:{trace_id[:8]}...] [span:{span_id[:8]}...]"


class LoggerProvider(_logs.LoggerProvider):
    """Makes loggers whose records the engine takes. All of them share its one state."""

    def __init__(self) -> None:
        # Bridges ask again for each record.
        self._loggers = Remembered(_native.Logger)

    def get_logger(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> _logs.Logger:
        """The logger of a scope."""
        if not name:
            name = ""
            warn(
                "no logger name",
                "get_logger() without a name: its records have a scope without one",
            )
        return self._loggers.get(  # type: ignore[return-value]  # registered above
            name, version, schema_url, attributes
        )

    @property
    def resource(self) -> Resource:
        """What describes this process."""
        return Resource(_native.resource())

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Whether everything that was recorded before the call was delivered."""
        return _native.flush(timeout_millis / 1000) is None

    def shutdown(self) -> None:
        """Sends what is left and ends telemetry, for the whole process."""
        end()
