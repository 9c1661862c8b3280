"""The page for Prometheus, as servers of the program's own serve it."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server
from wsgiref.validate import validator

import pytest
from opentelemetry.metrics import Observation
from oxitel import metrics_asgi, metrics_wsgi
from oxitel._metrics import MeterProvider
from receiver import closed_port

Start = Callable[..., bool]


@pytest.fixture
def counted(start: Start) -> None:
    """Something to see."""
    start(OTEL_METRICS_EXPORTER="prometheus", OTEL_EXPORTER_PROMETHEUS_PORT=str(closed_port()))
    meter = MeterProvider().get_meter("page")
    meter.create_counter("page_requests_total").add(3, {"method": "POST", "status": "200"})
    meter.create_histogram("request_duration_ms").record(150, {"endpoint": "/api"})


@pytest.fixture
def served() -> Iterator[HTTPConnection]:
    """A connection to a WSGI server, which checks the app as it runs."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            """Requests are not logged."""

    with make_server("127.0.0.1", 0, validator(metrics_wsgi), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield HTTPConnection("127.0.0.1", server.server_port, timeout=30)
        server.shutdown()
        thread.join()


def asked(connection: HTTPConnection, method: str, **headers: str) -> tuple[int, Any, str]:
    connection.request(method, "/metrics", headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read().decode()


@pytest.mark.usefixtures("counted")
def test_a_wsgi_server_shows_metrics_under_the_names_they_were_given(
    served: HTTPConnection,
) -> None:
    status, headers, text = asked(served, "GET", Accept="text/plain")
    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = [line for line in text.splitlines() if 'otel_scope_name="page"' in line]
    short = {re.sub(',?otel_scope_name="page"', "", line).replace("{,", "{") for line in samples}
    assert 'page_requests_total{method="POST",status="200"} 3' in short
    assert 'request_duration_ms_bucket{endpoint="/api",le="100"} 0' in short
    assert 'request_duration_ms_bucket{endpoint="/api",le="500"} 1' in short
    assert 'request_duration_ms_count{endpoint="/api"} 1' in short
    assert 'request_duration_ms_sum{endpoint="/api"} 150' in short


@pytest.mark.usefixtures("counted")
def test_it_answers_in_the_format_that_is_asked_for_and_other_methods_not_at_all(
    served: HTTPConnection,
) -> None:
    accept = "application/openmetrics-text; version=1.0.0"
    _, headers, text = asked(served, "GET", Accept=accept)
    assert headers["Content-Type"].startswith("application/openmetrics-text")
    assert text.endswith("# EOF\n")
    status, headers, text = asked(served, "HEAD")
    assert (status, text) == (200, "")
    assert int(headers["Content-Length"]) > 0
    status, headers, _ = asked(served, "POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")


def test_without_prometheus_there_is_no_page(start: Start, served: HTTPConnection) -> None:
    start()
    assert asked(served, "GET")[0] == 503


async def ask_asgi(
    method: str = "GET", accept: str = "text/plain"
) -> tuple[int, dict[Any, Any], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    headers = [(b"host", b"here"), (b"accept", accept.encode())]
    await metrics_asgi({"type": "http", "method": method, "headers": headers}, receive, send)
    begin, body = sent
    assert begin["type"] == "http.response.start"
    assert body["type"] == "http.response.body"
    return begin["status"], dict(begin["headers"]), body["body"]


@pytest.mark.usefixtures("counted")
def test_an_asgi_server_goes_on_while_a_callback_takes_its_time() -> None:
    # Other tests of this process ask it as well.
    waits = [0.5]

    def slow(_: Any) -> list[Observation]:
        if waits:
            time.sleep(waits.pop())
        return [Observation(7)]

    MeterProvider().get_meter("page").create_observable_gauge("page_slow", [slow])

    async def main() -> tuple[int, tuple[int, dict[Any, Any], bytes]]:
        ticks = 0
        page = asyncio.ensure_future(ask_asgi())
        while not page.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return ticks, await page

    ticks, (status, headers, body) = asyncio.run(main())
    assert status == 200
    assert int(headers[b"content-length"]) == len(body)
    assert b"page_slow{" in body
    assert b"page_requests_total{" in body
    assert ticks > 5


@pytest.mark.usefixtures("counted")
def test_an_asgi_server_gets_what_a_wsgi_server_gets() -> None:
    assert asyncio.run(ask_asgi("HEAD"))[2] == b""
    assert asyncio.run(ask_asgi("POST"))[0] == 405


def test_it_can_be_an_app_by_itself() -> None:
    said: list[Any] = []
    heard = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(heard)

    async def send(message: Any) -> None:
        said.append(message["type"])

    asyncio.run(metrics_asgi({"type": "lifespan"}, receive, send))
    asyncio.run(metrics_asgi({"type": "websocket"}, receive, send))
    expected = ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]
    assert said == expected
