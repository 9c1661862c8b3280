"""The engine, and the parts of the API that are called most. They are written in Rust."""

import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, TypeVar, final

from opentelemetry import metrics
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import AnyValue, Attributes
from typing_extensions import Self, disjoint_base

from oxitel import _readable

_Function = TypeVar("_Function", bound=Callable[..., Any])

__all__ = [
    "Counter",
    "CurrentSpan",
    "Gauge",
    "Histogram",
    "LogSink",
    "Logger",
    "Meter",
    "Span",
    "Tracer",
    "UpDownCounter",
    "add_processor",
    "clear_processors",
    "end_by_signals",
    "flush",
    "forget_kept",
    "guests",
    "is_running",
    "kept",
    "last_flush",
    "leave",
    "let_signals_go",
    "next_question",
    "prometheus_page",
    "receivers",
    "resource",
    "set_deciders",
    "shutdown",
    "start",
    "stats",
    "told",
]

@final
class Span:
    """A span: that of the API, and readable as the SDK's is."""

    def end(self, end_time: int | None = None) -> None: ...
    def get_span_context(self) -> SpanContext: ...
    def set_attribute(self, key: str, value: AnyValue) -> None: ...
    def set_attributes(self, attributes: Mapping[str, AnyValue]) -> None: ...
    def add_event(
        self, name: str, attributes: Attributes = None, timestamp: int | None = None
    ) -> None: ...
    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None: ...
    def update_name(self, name: str) -> None: ...
    def is_recording(self) -> bool: ...
    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None: ...
    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None: ...
    def to_json(self, indent: int | None = ...) -> str: ...
    def __enter__(self) -> Span: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> bool: ...
    @property
    def name(self) -> str: ...
    @property
    def context(self) -> SpanContext: ...
    @property
    def kind(self) -> SpanKind: ...
    @property
    def parent(self) -> SpanContext | None: ...
    @property
    def start_time(self) -> int | None: ...
    @property
    def end_time(self) -> int | None: ...
    @property
    def status(self) -> Status: ...
    @property
    def attributes(self) -> Mapping[str, AnyValue]: ...
    @property
    def events(self) -> tuple[_readable.Event, ...]: ...
    @property
    def links(self) -> tuple[_readable.Link, ...]: ...
    @property
    def dropped_attributes(self) -> int: ...
    @property
    def dropped_events(self) -> int: ...
    @property
    def dropped_links(self) -> int: ...
    @property
    def resource(self) -> _readable.Resource: ...
    @property
    def instrumentation_scope(self) -> _readable.InstrumentationScope: ...

@final
class CurrentSpan:
    """What `start_as_current_span` returns: a context manager, and a decorator."""

    def __enter__(self) -> Span: ...
    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> bool: ...
    def __call__(self, function: _Function) -> _Function: ...
    def _begin(self) -> Span: ...
    def _recreate_cm(self) -> CurrentSpan: ...

@final
class Tracer:
    """Makes the spans of one instrumentation scope."""

    def __new__(
        cls,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer: ...
    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: list[Link] | tuple[Link, ...] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span: ...
    def start_as_current_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: list[Link] | tuple[Link, ...] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> CurrentSpan: ...

@final
class Logger:
    """Makes the log records of one instrumentation scope."""

    def __new__(
        cls,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Logger: ...
    def emit(
        self,
        record: LogRecord | None = None,
        *,
        timestamp: int | None = None,
        observed_timestamp: int | None = None,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        severity_text: str | None = None,
        body: AnyValue = None,
        attributes: Attributes = None,
        event_name: str | None = None,
        exception: BaseException | None = None,
    ) -> None: ...
    def enabled(
        self,
        *,
        context: Context | None = None,
        severity_number: SeverityNumber | None = None,
        event_name: str | None = None,
    ) -> bool: ...

@disjoint_base
class LogSink:
    """What a handler of `logging` does, below its class in Python."""

    def __new__(cls, *_arguments: Any, **_keywords: Any) -> Self: ...
    as_events: bool
    def handle(self, record: logging.LogRecord) -> Any: ...
    def emit(self, record: logging.LogRecord) -> None: ...

@final
class Counter:
    """Counts what only grows."""

    def add(
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def description(self) -> str: ...

@final
class UpDownCounter:
    """Counts what grows and shrinks."""

    def add(
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def description(self) -> str: ...

@final
class Histogram:
    """Keeps a distribution of values."""

    def record(
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def description(self) -> str: ...

@final
class Gauge:
    """Keeps the last value."""

    def set(
        self, amount: float, attributes: Attributes = None, context: Context | None = None
    ) -> None: ...
    @property
    def name(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def description(self) -> str: ...

@final
class Meter:
    """Makes the instruments of one instrumentation scope."""

    def __new__(
        cls,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Meter: ...
    # What these make is registered as the API's.
    def counter(self, name: str, unit: str, description: str) -> metrics.Counter: ...
    def up_down_counter(self, name: str, unit: str, description: str) -> metrics.UpDownCounter: ...
    def histogram(
        self, name: str, unit: str, description: str, bounds: list[float] | None = None
    ) -> metrics.Histogram: ...
    def gauge(self, name: str, unit: str, description: str) -> metrics._Gauge: ...
    def observe(self, kind: str, name: str, unit: str, description: str, callback: int) -> None: ...

def start(
    variables: Mapping[str, str],
    resource: list[tuple[str, str]] = ...,
    shutdown_timeout: float | None = None,
    keep: str | None = None,
    page: bool = False,
) -> bool:
    """Starts the engine; returns whether anything is recorded.

    `variables` stand in front of the environment's; `keep` is where signals go beside their
    exporters, `memory` or `nowhere`. With `page`, the program serves the page for Prometheus.
    """

def end_by_signals(timeout: float) -> int:
    """Ends telemetry before SIGTERM or SIGINT end the process, where nobody handles them now.

    Returns how many of the two that are.
    """

def let_signals_go() -> None:
    """Gives these signals back."""

def is_running() -> bool:
    """Whether the engine runs in this process."""

def flush(timeout: float) -> tuple[int, int, bool] | None:
    """Sends what was recorded so far.

    `None` when all of it was delivered, else how many records were lost, how many wait, and
    whether the time was over.
    """

def last_flush(timeout: float) -> tuple[int, int, bool] | None:
    """Sends what there is, at the beginning of the program's end; answers as `flush` does.

    What finalizers record after this is sent as well, within the same time.
    """

def shutdown(timeout: float) -> tuple[int, int, bool] | None:
    """Flushes and ends telemetry; answers as `flush` does."""

def stats(signal: str | None = None) -> dict[str, Any]:
    """The ledger, of all signals, or of `traces`, `metrics` or `logs`."""

def resource() -> dict[str, AnyValue]:
    """What describes this process, as it is sent."""

def receivers(signal: str) -> list[str]:
    """The URLs where a signal goes."""

def kept() -> list[tuple[str, str]]:
    """The requests that were kept in memory: the signal's name, and OTLP's JSON."""

def leave() -> None:
    """The program is about to end: from now on no other thread has a current span."""

def forget_kept() -> None:
    """Forgets the requests so far."""

def guests(signal: str) -> list[dict[str, Any]]:
    """The extensions that have joined, with what each has recorded of a signal in this process."""

context_v1: Any
"""For other extensions: the current span."""

engine_v1: Any
"""For other extensions: the engine."""

def add_processor(processor: Any) -> None:
    """From now on a span processor of the program sees each recorded span."""

def clear_processors() -> None:
    """The span processors of the program see nothing any more."""

def set_deciders(sampler: Any | None = None, id_generator: Any | None = None) -> None:
    """Objects of the program decide about spans, or nobody does."""

def next_question() -> int:
    """Waits until a callback is to be asked; returns its number."""

def told(name: str, observations: list[tuple[Any, Any]]) -> None:
    """What the callback that was asked said: numbers with their attributes."""

def prometheus_page(accept: str = "") -> tuple[str, bytes] | None:
    """The content type and the text of the page; `None` when there is no such page here."""
