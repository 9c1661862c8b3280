"""Whole requests: an app is called in its own process, and a client without a network.

What a request costs with telemetry is mostly the libraries' own Python; cases compare what each
candidate adds to a request without telemetry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import libraries
from work import Cost, timed

SIGNALS = ("traces", "metrics")

TRACEPARENT = "00-5b8aa5a2d2c872e8321cf37308d69df2-051581bf3cb55c13-01"
"""Of a caller that is traced, and sampled."""

HEADERS = [(b"host", b"shop.example"), (b"traceparent", TRACEPARENT.encode())]


def fastapi(library: str, count: int) -> Cost:
    """FastAPI traces and counts its requests by itself, as soon as there are providers."""
    flush = libraries.set_up(library, SIGNALS)
    return served(app(), flush, count)


def fastapi_contrib(library: str, count: int) -> Cost:
    """The package does it, with its spans for what is received and sent."""
    flush = libraries.set_up(library, SIGNALS)
    served_app = app()
    if library != "without":
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

        FastAPIInstrumentor.instrument_app(served_app)
    return served(served_app, flush, count)


def app() -> Any:
    """An app with one route."""
    from fastapi import FastAPI

    made = FastAPI()

    @made.get("/users/{user_id}")
    async def user(user_id: int) -> dict[str, int]:
        return {"id": user_id}

    return made


def served(app: Any, flush: Callable[[], Any], count: int) -> Cost:
    """The cost of one request, without a server and its sockets."""

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        # Whoever answers something else is not what is measured.
        assert message.get("status", 200) == 200

    async def request() -> None:
        await app(scope(), receive, send)

    return repeated(request, flush, count)


def scope() -> dict[str, Any]:
    """What a server hands to an app."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/users/17",
        "raw_path": b"/users/17",
        "query_string": b"",
        "root_path": "",
        "headers": HEADERS,
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
    }


def httpx(library: str, count: int) -> Cost:
    """httpx, as far as the transport, which answers at once."""
    flush = libraries.set_up(library, SIGNALS)
    import httpx

    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"id": 17}))
    client = httpx.AsyncClient(transport=transport)
    if library != "without":
        from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

        HTTPXClientInstrumentor().instrument_client(client)

    async def request() -> None:
        await client.get("http://shop.example/users/17")

    return repeated(request, flush, count)


def repeated(request: Callable[[], Awaitable[None]], flush: Callable[[], Any], count: int) -> Cost:
    """One request after the other, on one loop."""

    async def requests(count: int) -> None:
        for _ in range(count):
            await request()

    loop = asyncio.new_event_loop()
    try:
        return timed(lambda count: loop.run_until_complete(requests(count)), flush, count)
    finally:
        loop.close()


WORK: dict[str, Callable[[str, int], Cost]] = {
    "fastapi": fastapi,
    "fastapi-contrib": fastapi_contrib,
    "httpx": httpx,
}
