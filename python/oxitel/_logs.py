"""Logs: a handler for `logging`, a formatter that shows where in a trace it is, and the API's
logger provider."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any

from opentelemetry import _logs, trace
from opentelemetry.util.types import Attributes

from oxitel import _native
from oxitel._provider import OnEngine, Remembered, is_absorbed
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


class LoggerProvider(OnEngine, _logs.LoggerProvider):
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

    def add_log_record_processor(self, log_record_processor: Any) -> None:
        """From now on `log_record_processor` sees each log record before it is recorded, those of
        `logging`, too, and may change it.

        One of the SDK's that would send the records where the engine sends them already is left
        out.
        """
        if not is_absorbed(log_record_processor, "logs"):
            # Here, because few programs come here.
            from oxitel import _log_record

            _log_record.add(log_record_processor)

    def processors(self) -> Sequence[Any]:
        """What the program has added."""
        module = sys.modules.get("oxitel._log_record")
        return module.all_of_them() if module else ()

    def take_processors(self) -> list[Any]:
        """Those, which see nothing from now on."""
        module = sys.modules.get("oxitel._log_record")
        return module.take() if module else []
