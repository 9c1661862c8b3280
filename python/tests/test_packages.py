"""Instrumentation packages send the same on our engine as on the SDK, with nothing of the SDK
installed: every field of every span, log record and metric, with real servers behind them.

Each program of `packages/` runs in both environments at once; `same` compares.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from differential import allowed
from differential.allowed import Allowed
from receiver import closed_port
from same import Run, both, compare, told

FOLDER = Path(__file__).parent / "packages"

NEW_NAMES = "http,database"
"""The stable names of the conventions, which the packages take when asked to."""

BOTH_NAMES = "http/dup,database/dup"


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    """The address of a service that answers with the headers that it got."""
    server = Server(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that lost its patience is part of the tests."""


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        status = 200
        if self.path.startswith("/status/"):
            status = int(self.path.rpartition("/")[2])
        if self.path == "/moved":
            status = 302
        if self.path == "/slow":
            time.sleep(0.5)
        got = {name.lower(): value for name, value in self.headers.items()}
        body = json.dumps(got).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("location", "/items/1")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_POST = do_HEAD = do_PURGE = answer

    def log_message(self, format: str, *arguments: object) -> None:
        """Nobody reads it."""


def same(program: str, *also: Allowed, names: str = "", **variables: str) -> Run:
    """Our run of a program, with the old or the new names, if it is as theirs."""
    theirs, ours = both(FOLDER / program, OTEL_SEMCONV_STABILITY_OPT_IN=names, **variables)
    compare(told(theirs), told(ours), *allowed.SPANS, allowed.without_choice_of_examples, *also)
    return ours


@pytest.mark.parametrize("names", ["", NEW_NAMES])
def test_asyncpg_sends_the_same(postgresql: str, names: str) -> None:
    ours = same(
        "with_asyncpg.py",
        allowed.without_frames_of_the_api,
        allowed.without_values_in_statements,
        names=names,
        POSTGRES_URL=postgresql,
    )
    assert len(ours.spans) == 22


@pytest.mark.parametrize("names", ["", NEW_NAMES])
def test_redis_sends_the_same(redis: str, names: str) -> None:
    ours = same(
        "with_redis.py",
        allowed.without_frames_of_the_api,
        names=names,
        REDIS_URL=redis,
        NOBODY_URL=f"redis://127.0.0.1:{closed_port()}",
    )
    assert len(ours.spans) == 19


@pytest.mark.parametrize("names", ["", NEW_NAMES])
def test_sqlalchemy_sends_the_same(postgresql: str, names: str) -> None:
    ours = same(
        "with_sqlalchemy.py",
        allowed.without_values_in_statements,
        names=names,
        POSTGRES_URL=postgresql,
    )
    assert len(ours.spans) == 16
    assert ours.points


@pytest.mark.parametrize("names", ["", NEW_NAMES])
@pytest.mark.parametrize(("client", "count"), [("requests", 11), ("httpx", 17), ("aiohttp", 8)])
def test_clients_send_the_same(upstream: str, client: str, count: int, names: str) -> None:
    # aiohttp's package records no exception itself.
    also = () if client == "aiohttp" else (allowed.without_frames_of_the_api,)
    ours = same(
        f"with_{client}.py",
        *also,
        names=names,
        UPSTREAM_URL=upstream,
        NOBODY_URL=f"http://127.0.0.1:{closed_port()}/",
    )
    assert len(ours.spans) == count
    assert ours.points


@pytest.mark.parametrize("names", ["", NEW_NAMES, BOTH_NAMES])
def test_fastapi_and_its_package_send_the_same(names: str) -> None:
    ours = same("with_fastapi.py", allowed.without_what_python_says, names=names)
    assert ours.spans and ours.logs and ours.points


def test_fastapi_alone_sends_the_same() -> None:
    ours = same(
        "with_fastapi_alone.py",
        allowed.without_what_python_says,
        allowed.without_spans_that_are_not_sampled,
    )
    assert ours.spans and ours.logs and ours.points


def test_the_handler_of_the_logging_package_sends_the_same() -> None:
    ours = same("with_logging.py")
    assert len(ours.logs) == 6
