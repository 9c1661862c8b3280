"""One run of the sample against a plain HTTP receiver, recorded for all tests.

The receiver knows nothing of our code: it keeps the bytes as they came. Decoding and judging is
left to the official protobuf classes in the tests.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

REQUESTS: dict[str, type[Message]] = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
}

ORDERS = 3
LIMIT_SECONDS = 30
"""For a machine under heavy load; the run itself takes about a second."""


@dataclass(frozen=True)
class Request:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    def message(self) -> Message:
        """The body, decoded by the official class of its signal; any invalid byte raises."""
        zipped = self.headers.get("content-encoding") == "gzip"
        body = gzip.decompress(self.body) if zipped else self.body
        return REQUESTS[self.path].FromString(body)


@dataclass
class Run:
    """What arrived while the sample sent its orders, and when that was."""

    requests: list[Request] = field(default_factory=list)
    started_ns: int = field(default_factory=time.time_ns)
    ended_ns: int = 0


@pytest.fixture(scope="session")
def run() -> Run:
    """The sample sends its orders; both services have ended when this returns."""
    program = os.environ.get("OXITEL_FIRST_LIGHT")
    if not program:
        pytest.fail("OXITEL_FIRST_LIGHT names no program; run `cargo xtask test --only python`")
    recorded = Run()
    with receiver(recorded.requests) as endpoint:
        send_orders(Path(program), endpoint)
    recorded.ended_ns = time.time_ns()
    return recorded


@contextmanager
def receiver(requests: list[Request]) -> Iterator[str]:
    """A server on a free port of 127.0.0.1 that accepts everything and keeps it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            requests.append(Request(self.path, headers, body))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: object) -> None:
            """Requests are kept, not logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def send_orders(program: Path, endpoint: str) -> None:
    """Starts `back`, lets `front` send its orders, and ends `back`."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("OTEL_")
    } | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    with subprocess.Popen(
        [program, "back", "--listen", "127.0.0.1:0"],
        env=environment | {"OTEL_SERVICE_NAME": "back"},
        stdout=subprocess.PIPE,
        text=True,
    ) as back:
        try:
            address = json.loads(back.stdout.readline())["http"]
            subprocess.run(
                [program, "front", "--back", address, "--orders", str(ORDERS), "--rate", "20"],
                env=environment | {"OTEL_SERVICE_NAME": "front"},
                stdout=subprocess.DEVNULL,
                timeout=LIMIT_SECONDS,
                check=True,
            )
            back.send_signal(signal.SIGTERM)
            back.communicate(timeout=LIMIT_SECONDS)
        finally:
            back.kill()
    assert back.returncode == 0, f"`back` ended with {back.returncode}"
