"""A receiver of OTLP over HTTP that only counts, and needs no library for it."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


class Receiver:
    """Listens on a free port of this machine."""

    def __init__(self) -> None:
        self._bodies: list[tuple[str, bytes]] = []
        self._server = _Server(("127.0.0.1", 0), _handler(self._bodies))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def take(self) -> dict[str, int]:
        """How many spans and log records came since the last time."""
        bodies = self._bodies[:]
        self._bodies.clear()
        found = {"spans": 0, "logs": 0}
        for path, body in bodies:
            signal = _SIGNALS.get(path)
            if signal:
                found[signal] += records(body)
        return found


_SIGNALS = {"/v1/traces": "spans", "/v1/logs": "logs"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A program may have many processes.
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A program may end in the middle of a request."""


def _handler(bodies: list[tuple[str, bytes]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body of an answer would wait for each other otherwise.
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            bodies.append((self.path, body))
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Requests are counted, not logged."""

    return Handler


def records(body: bytes) -> int:
    """How many spans, or log records, a request of OTLP holds: in both they are field 2 of field 2
    of field 1. What is no such message counts as none."""
    try:
        return sum(
            1
            for resource in _fields(memoryview(body), 1)
            for scope in _fields(resource, 2)
            for _ in _fields(scope, 2)
        )
    except IndexError:
        return 0


def _fields(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The contents of each field `wanted` that has a length."""
    at = 0
    while at < len(message):
        key, at = _number(message, at)
        kind = key & 7
        if kind == _LENGTH:
            length, at = _number(message, at)
            if key >> 3 == wanted:
                yield message[at : at + length]
            at += length
        elif kind == _VARINT:
            _, at = _number(message, at)
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            raise IndexError("no kind of field")


_VARINT, _LENGTH = 0, 2
_FIXED = {1: 8, 5: 4}


def _number(message: memoryview, at: int) -> tuple[int, int]:
    """A number of variable length, and the place behind it."""
    number = shift = 0
    while True:
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
