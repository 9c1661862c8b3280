"""Log records as processors of the program see them, and how these are asked.

Flow: a record is made -> the engine calls `process` -> each processor sees it and may change it ->
the engine records what they made of it.
"""

from __future__ import annotations

import copy
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from opentelemetry import _logs, context, trace

from oxitel import _native
from oxitel._fork import ForkLock
from oxitel._readable import InstrumentationScope, Resource
from oxitel._said import failed

_processors: list[Any] = []
_changes = ForkLock()
_asking: set[tuple[int, int]] = set()
"""Who asks the processors: of which process, and which thread, or greenlet where these are patched
in."""


class LogRecord(_logs.LogRecord):
    """A log record of the API, whatever version of that is installed."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self.context = parts.get("context") or context.get_current()
        place = trace.get_current_span(self.context).get_span_context()
        self.trace_id = place.trace_id
        self.span_id = place.span_id
        self.trace_flags = place.trace_flags
        self.timestamp = parts.get("timestamp")
        seen = parts.get("observed_timestamp")
        self.observed_timestamp = time.time_ns() if seen is None else seen
        self.severity_text = parts.get("severity_text")
        self.severity_number = _severity(parts.get("severity_number"))
        self.body = parts.get("body")
        self.attributes = parts.get("attributes")
        self.event_name = parts.get("event_name")
        self.exception = parts.get("exception")


@dataclass
class ReadWriteLogRecord:
    """A log record on its way, in the shape of the SDK's. What is changed here is recorded so."""

    log_record: Any
    resource: Resource
    instrumentation_scope: InstrumentationScope
    limits: Any = None
    """The engine's own hold."""

    @property
    def dropped_attributes(self) -> int:
        """None: limits hold later."""
        return 0


def _severity(number: Any) -> Any:
    return _logs.SeverityNumber(number) if type(number) is int and 1 <= number <= 24 else number


def add(processor: Any) -> None:
    """From now on `processor` sees each log record before it is recorded."""
    with _changes:
        _processors.append(processor)
        _native.process_logs(process)


def take() -> list[Any]:
    """The processors, which see nothing from now on."""
    global _processors
    with _changes:
        taken, _processors = _processors, []
        _native.process_logs(None)
    return taken


def all_of_them() -> tuple[Any, ...]:
    """The processors, in the order in which they came."""
    return tuple(_processors)


def process(scope: InstrumentationScope, record: Any, parts: Mapping[str, Any]) -> Any:
    """What the processors make of a record: of this object, or of these parts. `None`: they log it
    themselves."""
    # Looked up each time, as gevent may put its own there later.
    here = (os.getpid(), threading.get_ident())
    if here in _asking:
        return None
    _asking.add(here)
    try:
        return _asked(scope, record, parts)
    finally:
        _asking.discard(here)


def _asked(scope: InstrumentationScope, record: Any, parts: Mapping[str, Any]) -> Any:
    record = LogRecord(parts) if record is None else copy.copy(record)
    # What was raised stands in the attributes already, as far as it is sent.
    record.attributes = {**parts.get("raised", {}), **_pairs(record.attributes)}
    record.exception = None
    shown = ReadWriteLogRecord(record, Resource(_native.resource()), scope)
    for processor in tuple(_processors):
        try:
            processor.on_emit(shown)
        except Exception as error:
            failed("on_emit", error)
    return shown.log_record


def _pairs(attributes: Any) -> dict[str, Any]:
    given = cast("Mapping[str, Any]", attributes)
    return dict(given) if isinstance(attributes, Mapping) else {}
