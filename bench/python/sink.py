"""The receiver, in a process of its own: keeps bodies, and counts them when it is asked.

Prints its port, and that of gRPC, or 0 where grpcio is not installed. `GET /count` answers what
came since the last time, as JSON.
"""

from __future__ import annotations

import gzip
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

kept: list[tuple[str, bytes]] = []
lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """Takes everything, answers at once, and decodes nothing meanwhile."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if count := self.headers.get("x-datadog-trace-count"):
            # Of a format of its own; the header says what is needed of it.
            body = count.encode()
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        with lock:
            kept.append((self.path, body))
        is_agent = self.path.startswith("/v0.")
        self.answer(b"{}" if is_agent else b"", "application/x-protobuf")

    do_PUT = do_POST

    def do_GET(self) -> None:
        if self.path != "/count":
            # An agent of Datadog would say here what it can do.
            self.answer(b"{}", "application/json")
            return
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


OF_REQUESTS = (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)

SPANS_OF_A_TRACE = 3
"""Of the one case that is measured with ddtrace."""


def count(taken: list[tuple[str, bytes]]) -> dict[str, int]:
    """How many spans, requests (spans of a server or a client), log records and measurements there
    are in these bodies."""
    spans = requests = logs = measurements = 0
    for path, body in taken:
        if path == "/v1/traces":
            for whole in ExportTraceServiceRequest.FromString(body).resource_spans:
                for part in whole.scope_spans:
                    spans += len(part.spans)
                    requests += sum(span.kind in OF_REQUESTS for span in part.spans)
        elif path in ("/v0.4/traces", "/v0.5/traces"):
            spans += int(body) * SPANS_OF_A_TRACE
        elif path == "/v1/logs":
            for whole in ExportLogsServiceRequest.FromString(body).resource_logs:
                logs += sum(len(part.log_records) for part in whole.scope_logs)
        elif path == "/v1/metrics":
            message = ExportMetricsServiceRequest.FromString(body)
            # Each report holds everything since the start.
            measurements = max(measurements, measured(message))
    return {"spans": spans, "requests": requests, "logs": logs, "measurements": measurements}


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


def listen_to_grpc() -> int:
    """The port of a door for gRPC; what comes in there is counted as the rest."""
    try:
        import grpc
    except ImportError:
        return 0

    def take(body: bytes, _: Any) -> bytes:
        with lock:
            kept.append(("/v1/traces", body))
        return b""

    # Without a serializer messages are bytes.
    handler = grpc.unary_unary_rpc_method_handler(take)
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    door = grpc.server(ThreadPoolExecutor(1))
    door.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(service, {"Export": handler})]
    )
    port = door.add_insecure_port("127.0.0.1:0")
    door.start()
    doors.append(door)
    return port


doors: list[Any] = []
server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, listen_to_grpc(), flush=True)
server.serve_forever()
