"""What telemetry becomes for tests: plain objects, read from OTLP's JSON.

Flow: the engine keeps its requests in memory -> **captured** -> `oxitel.testing`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

KINDS: tuple[str, ...] = ("", "internal", "server", "client", "producer", "consumer")
STATUSES: tuple[str, ...] = ("unset", "ok", "error")

Json = dict[str, Any]
Attributes = dict[str, Any]


@dataclass(frozen=True)
class Event:
    """What happened during a span."""

    name: str
    attributes: Attributes
    time_ns: int


@dataclass(frozen=True)
class Link:
    """What a span points at."""

    trace_id: str
    span_id: str
    attributes: Attributes


@dataclass(frozen=True)
class Span:
    """A span that has ended. Ids are hexadecimal; a root has `None` as its parent."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str | None
    kind: str
    """`internal`, `server`, `client`, `producer` or `consumer`."""
    status: str
    """`unset`, `ok` or `error`."""
    status_message: str
    attributes: Attributes
    events: list[Event]
    links: list[Link]
    start_ns: int
    end_ns: int
    scope: str
    resource: Attributes


@dataclass(frozen=True)
class LogRecord:
    """A log record. Outside of any span its ids are `None`."""

    body: Any
    severity: str
    severity_number: int
    attributes: Attributes
    event_name: str
    trace_id: str | None
    span_id: str | None
    time_ns: int
    scope: str
    resource: Attributes


@dataclass(frozen=True)
class Point:
    """A point of a metric, as it was last collected."""

    name: str
    kind: str
    """`sum`, `gauge`, `histogram` or `exponentialHistogram`."""
    attributes: Attributes
    value: float | None
    """Of a sum or a gauge."""
    count: int
    """Of a histogram: how many values, and their sum."""
    sum: float | None
    bounds: list[float]
    buckets: list[int]
    unit: str
    scope: str
    resource: Attributes


def spans(requests: Iterable[tuple[str, str]]) -> list[Span]:
    """The spans of these requests, by their start."""
    found = [
        _span(span, scope, resource)
        for scope, resource, group in _groups(requests, "traces", "resourceSpans", "scopeSpans")
        for span in _all(group, "spans")
    ]
    return sorted(found, key=lambda span: span.start_ns)


def logs(requests: Iterable[tuple[str, str]]) -> list[LogRecord]:
    """The log records of these requests, by their time."""
    found = [
        _log(record, scope, resource)
        for scope, resource, group in _groups(requests, "logs", "resourceLogs", "scopeLogs")
        for record in _all(group, "logRecords")
    ]
    return sorted(found, key=lambda record: record.time_ns)


def points(requests: Iterable[tuple[str, str]]) -> list[Point]:
    """The newest point of each series in these requests."""
    newest: dict[str, Point] = {}
    for scope, resource, group in _groups(requests, "metrics", "resourceMetrics", "scopeMetrics"):
        for metric in _all(group, "metrics"):
            for point in _points(metric, scope, resource):
                series = json.dumps([scope, point.name, sorted(point.attributes.items())])
                newest[series] = point
    return list(newest.values())


def _groups(
    requests: Iterable[tuple[str, str]], signal: str, outer: str, inner: str
) -> Iterator[tuple[str, Attributes, Json]]:
    """Each group of one scope: its scope's name, its resource and itself."""
    for kind, text in requests:
        if kind == signal:
            for whole in _all(json.loads(text), outer):
                resource = _attributes(whole.get("resource", {}))
                for group in _all(whole, inner):
                    yield group.get("scope", {}).get("name", ""), resource, group


def _span(span: Json, scope: str, resource: Attributes) -> Span:
    status = span.get("status", {})
    return Span(
        name=span.get("name", ""),
        trace_id=span["traceId"],
        span_id=span["spanId"],
        parent_id=span.get("parentSpanId") or None,
        kind=KINDS[int(span.get("kind", 0))],
        status=STATUSES[int(status.get("code", 0))],
        status_message=status.get("message", ""),
        attributes=_attributes(span),
        events=[
            Event(event.get("name", ""), _attributes(event), int(event.get("timeUnixNano", 0)))
            for event in _all(span, "events")
        ],
        links=[
            Link(link["traceId"], link["spanId"], _attributes(link)) for link in _all(span, "links")
        ],
        start_ns=int(span.get("startTimeUnixNano", 0)),
        end_ns=int(span.get("endTimeUnixNano", 0)),
        scope=scope,
        resource=resource,
    )


def _log(record: Json, scope: str, resource: Attributes) -> LogRecord:
    return LogRecord(
        body=_value(record.get("body", {})),
        severity=record.get("severityText", ""),
        severity_number=record.get("severityNumber", 0),
        attributes=_attributes(record),
        event_name=record.get("eventName", ""),
        trace_id=record.get("traceId") or None,
        span_id=record.get("spanId") or None,
        time_ns=int(record.get("timeUnixNano") or record.get("observedTimeUnixNano") or 0),
        scope=scope,
        resource=resource,
    )


def _points(metric: Json, scope: str, resource: Attributes) -> Iterator[Point]:
    for kind in ("sum", "gauge", "histogram", "exponentialHistogram"):
        for point in _all(metric.get(kind, {}), "dataPoints"):
            number = point.get("asDouble", point.get("asInt"))
            yield Point(
                name=metric.get("name", ""),
                kind=kind,
                attributes=_attributes(point),
                value=int(number) if isinstance(number, str) else number,
                count=int(point.get("count", 0)),
                sum=point.get("sum"),
                bounds=point.get("explicitBounds", []),
                buckets=[int(count) for count in point.get("bucketCounts", [])],
                unit=metric.get("unit", ""),
                scope=scope,
                resource=resource,
            )


def _all(owner: Json, key: str) -> list[Json]:
    return owner.get(key, [])


def _attributes(owner: Json) -> Attributes:
    return {pair["key"]: _value(pair.get("value", {})) for pair in _all(owner, "attributes")}


def _value(value: Json) -> Any:
    for kind, inner in value.items():
        if kind == "intValue":
            return int(inner)
        if kind == "doubleValue":
            return float(inner)
        if kind == "bytesValue":
            return base64.b64decode(inner)
        if kind == "arrayValue":
            return [_value(item) for item in _all(inner, "values")]
        if kind == "kvlistValue":
            return {pair["key"]: _value(pair.get("value", {})) for pair in _all(inner, "values")}
        return inner
    return None
