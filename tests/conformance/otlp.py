"""What the shop sent over OTLP, in the words of a page for Prometheus.

The names are written down here and not computed: they are what users type into their queries.
"""

from __future__ import annotations

from collections.abc import Iterator

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from receiver import Run

NAMES = {
    "shop.orders": "shop_orders_total",
    "shop.orders.open": "shop_orders_open",
    "shop.items.sold": "shop_items_sold_total",
    "shop.order.duration": "shop_order_duration_seconds",
    "shop.order.size": "shop_order_size",
}
SCOPE_LABELS = {"otel_scope_name": "shop", "otel_scope_version": "1.0.0"}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
"""Values by name and labels; a bound, `le`, as Python writes that number."""


def labels_of(attributes: list[KeyValue]) -> dict[str, str]:
    return {entry.key.replace(".", "_"): text_of(entry.value) for entry in attributes}


def text_of(value: AnyValue) -> str:
    kind = value.WhichOneof("value")
    return str(getattr(value, kind)).lower() if kind == "bool_value" else str(getattr(value, kind))


def spans(run: Run) -> Iterator[Span]:
    for message in messages(run, ExportTraceServiceRequest):
        for resource in message.resource_spans:
            for scope in resource.scope_spans:
                yield from scope.spans


def log_records(run: Run) -> Iterator[LogRecord]:
    for message in messages(run, ExportLogsServiceRequest):
        for resource in message.resource_logs:
            for scope in resource.scope_logs:
                yield from scope.log_records


def messages(run: Run, kind: type) -> Iterator:
    decoded = (request.message() for request in run.requests)
    return (message for message in decoded if isinstance(message, kind))


def resource_labels(run: Run) -> dict[str, str]:
    """The resource, which is the same in every request."""
    last = list(messages(run, ExportMetricsServiceRequest))[-1]
    return labels_of(last.resource_metrics[0].resource.attributes)


def metrics(run: Run) -> dict[str, Metric]:
    """The shop's own, as they were at the end."""
    last = {}
    for message in messages(run, ExportMetricsServiceRequest):
        for resource in message.resource_metrics:
            for scope in resource.scope_metrics:
                if scope.scope.name == "shop":
                    last |= {metric.name: metric for metric in scope.metrics}
    return last


def samples(run: Run) -> Samples:
    """The same as samples of a page."""
    found: Samples = {}
    for name, metric in metrics(run).items():
        for sample, labels, value in points(NAMES[name], metric):
            found[sample, frozenset((SCOPE_LABELS | labels).items())] = value
    return found


def points(name: str, metric: Metric) -> Iterator[tuple[str, dict[str, str], float]]:
    kind = metric.WhichOneof("data")
    for point in getattr(metric, kind).data_points:
        labels = labels_of(point.attributes)
        if kind in ("sum", "gauge"):
            yield name, labels, getattr(point, point.WhichOneof("value"))
            continue
        if kind == "histogram":
            bounds, counts = point.explicit_bounds, point.bucket_counts
        else:
            # Of an exponential histogram a page shows no buckets but the last.
            bounds, counts = [], [point.count]
        count = 0
        for bound, more in zip([*bounds, float("inf")], counts, strict=True):
            count += more
            yield f"{name}_bucket", labels | {"le": str(bound)}, count
        yield f"{name}_sum", labels, point.sum
        yield f"{name}_count", labels, point.count
