"""A real OTLP receiver for tests: it keeps the bytes as they came and decodes them when asked.

Flow: a program with our package -> HTTP -> `Receiver.requests` -> the official protobuf classes ->
`spans()`, `logs()`, `points()`. Nothing here knows our code.
"""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue

REQUESTS: dict[str, type[Message]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}

LIMIT_SECONDS = 30.0
"""For a machine under heavy load; what is waited for takes well under a second."""

HEALTH = "oxitel"
"""The scope under which the engine tells how it is doing."""

Pairs = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @cached_property
    def message(self) -> Any:
        """The body, decoded by the official class of its signal; any invalid byte raises."""
        zipped = self.headers.get("content-encoding") == "gzip"
        body = gzip.decompress(self.body) if zipped else self.body
        return REQUESTS[self.path].FromString(body)

    @cached_property
    def resources(self) -> list[Resource]:
        """Who sent it, once for each part."""
        [(_, parts)] = self.message.ListFields()
        return [_resource(part) for part in parts]

    @cached_property
    def spans(self) -> list[Span]:
        """The spans in it."""
        return list(_spans(self.message)) if self.path == "/v1/traces" else []

    @cached_property
    def logs(self) -> list[Log]:
        """The log records in it."""
        return list(_logs(self.message)) if self.path == "/v1/logs" else []

    @cached_property
    def points(self) -> list[Point]:
        """The points in it, the engine's own health among them."""
        return list(_points(self.message)) if self.path == "/v1/metrics" else []


@dataclass(frozen=True)
class Resource:
    """Who sent something."""

    attributes: Pairs
    dropped_attributes: int
    entities: list[str]
    schema_url: str


@dataclass(frozen=True)
class Scope:
    """Who recorded it."""

    name: str
    version: str
    schema_url: str
    attributes: Pairs
    dropped_attributes: int


@dataclass(frozen=True)
class Event:
    """What happened during a span."""

    name: str
    time_ns: int
    attributes: Pairs
    dropped_attributes: int


@dataclass(frozen=True)
class Link:
    """What a span points at."""

    trace_id: str
    span_id: str
    trace_state: str
    attributes: Pairs
    dropped_attributes: int
    flags: int


@dataclass(frozen=True)
class Span:
    """A span that arrived. Ids are hexadecimal; a root has "" as its parent."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    trace_state: str
    flags: int
    kind: str
    """`INTERNAL`, `SERVER`, …"""
    start_ns: int
    end_ns: int
    attributes: Pairs
    events: list[Event]
    links: list[Link]
    status: str
    """`UNSET`, `OK` or `ERROR`."""
    status_message: str
    dropped_attributes: int
    dropped_events: int
    dropped_links: int
    scope: Scope
    resource: Pairs


@dataclass(frozen=True)
class Log:
    """A log record that arrived."""

    body: Any
    severity: int
    severity_text: str
    event_name: str
    time_ns: int
    observed_ns: int
    attributes: Pairs
    dropped_attributes: int
    trace_id: str
    span_id: str
    flags: int
    scope: Scope
    resource: Pairs


@dataclass(frozen=True)
class Exemplar:
    """A measurement that stands for others."""

    value: float
    trace_id: str
    span_id: str
    time_ns: int
    attributes: Pairs


@dataclass(frozen=True)
class Point:
    """A point of a metric that arrived."""

    name: str
    kind: str
    """`sum`, `gauge`, `histogram`, `exponential_histogram` or `summary`."""
    unit: str
    description: str
    temporality: str
    """`CUMULATIVE`, `DELTA` or, of a gauge, ""."""
    is_monotonic: bool
    attributes: Pairs
    value: float | None
    """Of a sum or a gauge."""
    count: int
    sum: float | None
    least: float | None
    most: float | None
    bounds: list[float]
    buckets: list[int]
    start_ns: int
    time_ns: int
    exemplars: list[Exemplar]
    flags: int
    metadata: Pairs
    """Of the metric."""
    scope: Scope
    resource: Pairs
    data: Any = field(repr=False, compare=False)
    """The point itself, in the official class."""


class Receiver:
    """Accepts everything on a free port of 127.0.0.1, as long as its `with` block lasts."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        """What came, in order; what was refused is not in it."""
        self.connections = 0
        """How many were opened."""
        self.refused = 0
        self.status = 200
        """What the next requests are answered with."""
        self.headers: dict[str, str] = {}
        """Headers of the next answers, such as `retry-after`."""
        self._arrived = threading.Condition()
        self._open = threading.Event()
        self._open.set()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def endpoint(self) -> str:
        """For `OTEL_EXPORTER_OTLP_ENDPOINT`."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.answer()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def hold(self) -> None:
        """From now on requests are taken and not answered, until `answer`."""
        self._open.clear()

    def answer(self) -> None:
        """Answers what is held, and everything after it."""
        self._open.set()

    def take(self, request: Request) -> tuple[int, dict[str, str]]:
        """Keeps a request; returns what to answer."""
        self._open.wait()
        with self._arrived:
            status = self.status
            if status == 200:
                self.requests.append(request)
            else:
                self.refused += 1
            self._arrived.notify_all()
            return status, dict(self.headers)

    def clear(self) -> None:
        """Forgets what came."""
        with self._arrived:
            self.requests.clear()

    def wait_for(
        self, condition: Callable[[Receiver], bool], seconds: float = LIMIT_SECONDS
    ) -> None:
        """Returns when `condition` holds; it is asked after each request."""
        limit = time.monotonic() + seconds
        with self._arrived:
            while not condition(self):
                left = limit - time.monotonic()
                if left <= 0:
                    names = sorted({span.name for span in self.spans()})
                    raise AssertionError(
                        f"not within {seconds} s; {len(self.requests)} requests came,"
                        f" spans {names}, {len(self.logs())} logs,"
                        f" {self.refused} requests refused"
                    )
                self._arrived.wait(left)

    def wait_for_spans(self, count: int) -> list[Span]:
        """The spans, as soon as there are `count`."""
        self.wait_for(lambda receiver: len(receiver.spans()) >= count)
        return self.spans()

    def wait_for_logs(self, count: int) -> list[Log]:
        """The log records, as soon as there are `count`."""
        self.wait_for(lambda receiver: len(receiver.logs()) >= count)
        return self.logs()

    def wait_for_points(self, name: str) -> list[Point]:
        """The points of the metric `name`, as soon as there is one."""
        self.wait_for(lambda receiver: bool(receiver.points(name)))
        return self.points(name)

    def spans(self, name: str | None = None) -> list[Span]:
        """Every span that arrived, or those called `name`."""
        found = [span for request in list(self.requests) for span in request.spans]
        return [span for span in found if name is None or span.name == name]

    def span(self, name: str) -> Span:
        """The one span called `name`."""
        [span] = self.spans(name)
        return span

    def logs(self) -> list[Log]:
        """Every log record that arrived."""
        return [record for request in list(self.requests) for record in request.logs]

    def points(self, name: str | None = None, *, health: bool = False) -> list[Point]:
        """Every point that arrived, or those of the metric `name`, oldest first; the engine's own
        health only with `health`."""
        found = [point for request in list(self.requests) for point in request.points]
        return [
            point
            for point in found
            if (health or point.scope.name != HEALTH) and (name is None or point.name == name)
        ]

    def last_points(self, name: str) -> dict[tuple[tuple[str, Any], ...], Point]:
        """The newest point of each series of `name`, by its sorted attributes."""
        return {tuple(sorted(point.attributes.items())): point for point in self.points(name)}

    def tree(self) -> str:
        """The names of all spans, children indented below their parents, siblings by start time."""
        spans = sorted(self.spans(), key=lambda span: (span.start_ns, span.name))
        known = {span.span_id for span in spans}
        lines: list[str] = []

        def draw(span: Span, depth: int) -> None:
            lines.append("  " * depth + span.name)
            for child in spans:
                if child.parent_id == span.span_id and child.trace_id == span.trace_id:
                    draw(child, depth + 1)

        for span in spans:
            if span.parent_id not in known:
                draw(span, 0)
        return "\n".join(lines)


def closed_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class _Server(ThreadingHTTPServer):
    # Many processes may connect at once.
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A program that ends in the middle of a request is part of some tests."""


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body of an answer would wait for each other otherwise.
        disable_nagle_algorithm = True

        def setup(self) -> None:
            receiver.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, extra = receiver.take(Request(self.path, headers, body))
            answer = ExportTraceServiceResponse().SerializeToString() if status == 200 else b""
            self.send_response(status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            for name, value in extra.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:
            """Requests are kept, not logged."""

    return Handler


def _value(value: AnyValue) -> Any:
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_value(item) for item in value.array_value.values]
        case "kvlist_value":
            return _pairs(value.kvlist_value.values)
        case name:
            return getattr(value, name)


def _pairs(pairs: Any) -> Pairs:
    found: Pairs = {}
    pair: KeyValue
    for pair in pairs:
        assert pair.key not in found, f"the key {pair.key!r} came twice"
        found[pair.key] = _value(pair.value)
    return found


def _resource(part: Any) -> Resource:
    resource = part.resource
    entities = [str(entity) for entity in resource.entity_refs]
    pairs = _pairs(resource.attributes)
    return Resource(pairs, resource.dropped_attributes_count, entities, part.schema_url)


def _scope(scope: InstrumentationScope, schema_url: str) -> Scope:
    pairs = _pairs(scope.attributes)
    return Scope(scope.name, scope.version, schema_url, pairs, scope.dropped_attributes_count)


def _enum(message: Any, field: str, prefix: str) -> str:
    values = message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
    return str(values[getattr(message, field)].name).removeprefix(prefix)


def _spans(message: Any) -> Iterator[Span]:
    for whole in message.resource_spans:
        resource = _pairs(whole.resource.attributes)
        for part in whole.scope_spans:
            scope = _scope(part.scope, part.schema_url)
            yield from (_span(span, scope, resource) for span in part.spans)


def _logs(message: Any) -> Iterator[Log]:
    for whole in message.resource_logs:
        resource = _pairs(whole.resource.attributes)
        for part in whole.scope_logs:
            scope = _scope(part.scope, part.schema_url)
            yield from (_log(record, scope, resource) for record in part.log_records)


def _points(message: Any) -> Iterator[Point]:
    for whole in message.resource_metrics:
        resource = _pairs(whole.resource.attributes)
        for part in whole.scope_metrics:
            scope = _scope(part.scope, part.schema_url)
            for metric in part.metrics:
                yield from _points_of(metric, scope, resource)


def _span(span: Any, scope: Scope, resource: Pairs) -> Span:
    return Span(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        trace_state=span.trace_state,
        flags=span.flags,
        kind=_enum(span, "kind", "SPAN_KIND_"),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_pairs(span.attributes),
        events=[
            Event(
                event.name,
                event.time_unix_nano,
                _pairs(event.attributes),
                event.dropped_attributes_count,
            )
            for event in span.events
        ],
        links=[
            Link(
                link.trace_id.hex(),
                link.span_id.hex(),
                link.trace_state,
                _pairs(link.attributes),
                link.dropped_attributes_count,
                link.flags,
            )
            for link in span.links
        ],
        status=_enum(span.status, "code", "STATUS_CODE_"),
        status_message=span.status.message,
        dropped_attributes=span.dropped_attributes_count,
        dropped_events=span.dropped_events_count,
        dropped_links=span.dropped_links_count,
        scope=scope,
        resource=resource,
    )


def _log(record: Any, scope: Scope, resource: Pairs) -> Log:
    return Log(
        body=_value(record.body),
        severity=record.severity_number,
        severity_text=record.severity_text,
        event_name=record.event_name,
        time_ns=record.time_unix_nano,
        observed_ns=record.observed_time_unix_nano,
        attributes=_pairs(record.attributes),
        dropped_attributes=record.dropped_attributes_count,
        trace_id=record.trace_id.hex(),
        span_id=record.span_id.hex(),
        flags=record.flags,
        scope=scope,
        resource=resource,
    )


def _points_of(metric: Any, scope: Scope, resource: Pairs) -> Iterator[Point]:
    kind = metric.WhichOneof("data")
    data = getattr(metric, kind)
    has_temporality = "aggregation_temporality" in data.DESCRIPTOR.fields_by_name
    for point in data.data_points:
        yield Point(
            name=metric.name,
            kind=kind,
            unit=metric.unit,
            description=metric.description,
            temporality=_enum(data, "aggregation_temporality", "AGGREGATION_TEMPORALITY_")
            if has_temporality
            else "",
            is_monotonic=getattr(data, "is_monotonic", False),
            attributes=_pairs(point.attributes),
            value=_number(point),
            count=getattr(point, "count", 0),
            sum=_given(point, "sum"),
            least=_given(point, "min"),
            most=_given(point, "max"),
            bounds=list(getattr(point, "explicit_bounds", [])),
            buckets=list(getattr(point, "bucket_counts", [])),
            start_ns=point.start_time_unix_nano,
            time_ns=point.time_unix_nano,
            exemplars=[_exemplar(exemplar) for exemplar in getattr(point, "exemplars", [])],
            flags=point.flags,
            metadata=_pairs(metric.metadata),
            scope=scope,
            resource=resource,
            data=point,
        )


def _exemplar(exemplar: Any) -> Exemplar:
    return Exemplar(
        value=_number(exemplar) or 0,
        trace_id=exemplar.trace_id.hex(),
        span_id=exemplar.span_id.hex(),
        time_ns=exemplar.time_unix_nano,
        attributes=_pairs(exemplar.filtered_attributes),
    )


def _number(point: Any) -> float | None:
    """The number in it, an integer or not."""
    if "as_int" not in point.DESCRIPTOR.fields_by_name:
        return None
    name = point.WhichOneof("value")
    return None if name is None else getattr(point, name)


def _given(point: Any, field: str) -> float | None:
    described = point.DESCRIPTOR.fields_by_name.get(field)
    if described is None:
        return None
    if described.has_presence and not point.HasField(field):
        return None
    return float(getattr(point, field))
