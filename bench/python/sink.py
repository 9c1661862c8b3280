"""The receiver, in a process of its own: keeps bodies, and counts them when it is asked.

Prints its port. `GET /count` answers what came since the last time, as JSON.
"""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

kept: list[tuple[str, bytes]] = []
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """Takes everything, answers at once, and decodes nothing meanwhile."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        with lock:
            kept.append((self.path, body))
        self.answer(b"", "application/x-protobuf")

    def do_GET(self) -> None:
        with lock:
            taken = kept[:]
            kept.clear()
        self.answer(json.dumps(count(taken)).encode(), "application/json")

    def answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Requests are counted, not logged."""


def count(taken: list[tuple[str, bytes]]) -> dict[str, int]:
    """How many spans, log records and measurements there are in these bodies."""
    spans = logs = measurements = 0
    for path, body in taken:
        if path == "/v1/traces":
            for whole in ExportTraceServiceRequest.FromString(body).resource_spans:
                spans += sum(len(part.spans) for part in whole.scope_spans)
        elif path == "/v1/logs":
            for whole in ExportLogsServiceRequest.FromString(body).resource_logs:
                logs += sum(len(part.log_records) for part in whole.scope_logs)
        elif path == "/v1/metrics":
            message = ExportMetricsServiceRequest.FromString(body)
            # Each report holds everything since the start.
            measurements = max(measurements, measured(message))
    return {"spans": spans, "logs": logs, "measurements": measurements}


def measured(message: Any) -> int:
    """The measurements of the benchmark in one report: a counter's sum, a histogram's count."""
    return sum(
        point.as_int if metric.HasField("sum") else point.count
        for whole in message.resource_metrics
        for part in whole.scope_metrics
        if part.scope.name == "bench"
        for metric in part.metrics
        for point in (metric.sum if metric.HasField("sum") else metric.histogram).data_points
    )


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
