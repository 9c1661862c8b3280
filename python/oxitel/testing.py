"""Tests that look at a program's own telemetry: spans, log records and metrics as plain objects.

```python
from oxitel.testing import telemetry

def test_an_order_is_one_trace(telemetry):
    shop.order("tea")
    assert telemetry.tree() == "order\\n  reserve\\n  charge (client)"
```

`telemetry` is a fixture of pytest; `capture` does the same as a `with` block. Nothing is sent,
whatever the environment says, and telemetry that runs already ends before.
"""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

from oxitel import _captured, _lifecycle, _native
from oxitel._captured import Event, Link, LogRecord, Point, Span
from oxitel._resolve import SIGNALS, Plan, own_endpoint

__all__ = ["Captured", "Event", "Link", "LogRecord", "Point", "Span", "capture"]


class Captured:
    """What was recorded since the start of a capture, or since `clear`."""

    def __init__(self, *, has_fixed_times: bool = False) -> None:
        self._has_fixed_times = has_fixed_times

    def spans(self, name: str | None = None) -> list[Span]:
        """The spans that have ended, by their start; all, or those called `name`."""
        found = _captured.spans(self._requests())
        if self._has_fixed_times:
            found = _with_fixed_times(found)
        return [span for span in found if name is None or span.name == name]

    def span(self, name: str) -> Span:
        """The one span of this name."""
        return _only(self.spans(name), f"span {name!r}", [span.name for span in self.spans()])

    def logs(self, body: Any = None) -> list[LogRecord]:
        """The log records, by their time; all, or those with this body."""
        found = _captured.logs(self._requests())
        return [record for record in found if body is None or record.body == body]

    def points(self, name: str | None = None) -> list[Point]:
        """The newest point of each series; of all metrics, or of `name`."""
        found = _captured.points(self._requests())
        return [point for point in found if name is None or point.name == name]

    def value(self, name: str, **attributes: Any) -> float | None:
        """The number of the one series of `name` with these attributes."""
        found = [point for point in self.points(name) if point.attributes == attributes]
        there = [f"{point.name} {point.attributes}" for point in self.points()]
        return _only(found, f"point of {name!r} with {attributes}", there).value

    def tree(self, *, attributes: bool = False, events: bool = False, logs: bool = False) -> str:
        """The spans as indented lines, children below their parents and by their start; a line is
        `name (kind) [error: message]`. On request with `key=value`, with events as `· name`, and
        with log records as `- LEVEL body`."""
        records = self.logs() if logs else []
        return _Tree(self.spans(), records, attributes, events).text()

    def clear(self) -> None:
        """Forgets what was recorded so far."""
        self._requests()
        _native.forget_kept()

    def _requests(self) -> list[tuple[str, str]]:
        _native.flush(PATIENCE_SECONDS)
        return _native.kept()


PATIENCE_SECONDS = 30.0
"""Far beyond what a flush into memory takes."""


@contextmanager
def capture(
    *, log_level: int = logging.INFO, fixed: bool = False
) -> Generator[Captured, None, None]:
    """Captures what is recorded inside of the `with` block, and log records from `log_level` on.

    With `fixed`, ids count from one, and times are whole seconds in the order in which things
    happened: two runs of one program then give the same objects.
    """
    _lifecycle.shutdown_telemetry(0.0)
    hidden = [own_endpoint(signal) for signal in SIGNALS]
    hidden += [f"OTEL_{signal}_EXPORTER" for signal in SIGNALS]
    hidden += ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED", "OTEL_TRACES_SAMPLER"]
    plan = Plan(
        dict.fromkeys(hidden, ""),
        {},
        keep="memory",
        log_level=log_level,
        id_generator=_Counting() if fixed else None,
    )
    root = logging.getLogger()
    level = root.level
    root.setLevel(min(level, log_level))
    try:
        _lifecycle.start(plan)
        yield Captured(has_fixed_times=fixed)
    finally:
        _lifecycle.shutdown_telemetry(PATIENCE_SECONDS)
        root.setLevel(level)


if "pytest" in sys.modules:
    import pytest

    @pytest.fixture
    def telemetry() -> Generator[Captured]:
        """What the test records."""
        with capture() as captured:
            yield captured

    __all__ += ["telemetry"]


class _Counting:
    """Ids that count from one."""

    def __init__(self) -> None:
        self._traces, self._spans = itertools.count(1), itertools.count(1)

    def generate_trace_id(self) -> int:
        return next(self._traces)

    def generate_span_id(self) -> int:
        return next(self._spans)


def _with_fixed_times(spans: list[Span]) -> list[Span]:
    """The same spans with seconds that say what came before what."""
    from dataclasses import replace

    times = {time for span in spans for time in (span.start_ns, span.end_ns)}
    times |= {event.time_ns for span in spans for event in span.events}
    second = {time: number * 10**9 for number, time in enumerate(sorted(times), 1)}
    return [
        replace(
            span,
            start_ns=second[span.start_ns],
            end_ns=second[span.end_ns],
            events=[replace(event, time_ns=second[event.time_ns]) for event in span.events],
        )
        for span in spans
    ]


def _only(found: list[Any], what: str, there: Iterable[str]) -> Any:
    assert len(found) == 1, f"{len(found)} times {what}; there are: {', '.join(there) or 'none'}"
    return found[0]


class _Tree:
    """Spans as lines."""

    def __init__(
        self, spans: list[Span], records: list[LogRecord], attributes: bool, events: bool
    ) -> None:
        self._spans, self._records = spans, records
        self._has_attributes, self._has_events = attributes, events
        self._lines: list[str] = []

    def text(self) -> str:
        known = {(span.trace_id, span.span_id) for span in self._spans}
        for span in self._spans:
            if (span.trace_id, span.parent_id) not in known:
                self._write(span, "")
        return "\n".join(self._lines)

    def _write(self, span: Span, margin: str) -> None:
        self._lines.append(margin + self._line(span))
        inner = margin + "  "
        if self._has_events:
            self._lines += [f"{inner}· {event.name}" for event in span.events]
        place = (span.trace_id, span.span_id)
        for record in self._records:
            if (record.trace_id, record.span_id) == place:
                self._lines.append(f"{inner}- {record.severity} {record.body}")
        for child in self._spans:
            if (child.trace_id, child.parent_id) == place:
                self._write(child, inner)

    def _line(self, span: Span) -> str:
        parts = [span.name]
        if span.kind != "internal":
            parts.append(f"({span.kind})")
        if span.status == "error":
            parts.append(f"[error: {span.status_message}]" if span.status_message else "[error]")
        if self._has_attributes:
            parts += [f"{key}={value}" for key, value in span.attributes.items()]
        return " ".join(parts)
