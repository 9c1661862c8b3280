"""The page that Prometheus scrapes, for a server of the program's own: a WSGI and an ASGI app.

They answer while telemetry runs with `prometheus` among the exporters of metrics.

    app.mount("/metrics", metrics_asgi)  # Starlette, FastAPI
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/metrics": metrics_wsgi})  # Flask
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from oxitel import _native

_TEXT = "text/plain; charset=utf-8"
_REASONS = {
    200: "OK",
    405: "Method Not Allowed",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True)
class _Answer:
    status: int
    content_type: str
    body: bytes

    def headers(self) -> list[tuple[str, str]]:
        headers = [("Content-Type", self.content_type), ("Content-Length", str(len(self.body)))]
        return [*headers, ("Allow", "GET, HEAD")] if self.status == 405 else headers


def _answer(method: str, accept: str) -> _Answer:
    if method not in ("GET", "HEAD"):
        return _Answer(405, _TEXT, b"GET or HEAD\n")
    try:
        page = _native.prometheus_page(accept)
    except RuntimeError:
        # What it was is said where it happened, and is nobody's business outside.
        return _Answer(500, _TEXT, b"the collection failed\n")
    if page is None:
        return _Answer(503, _TEXT, b"metrics are not for Prometheus here\n")
    content_type, body = page
    return _Answer(200, content_type, body)


def metrics_wsgi(
    environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], Any]
) -> Iterable[bytes]:
    """A WSGI app: the page under any path."""
    method = environ["REQUEST_METHOD"]
    answer = _answer(method, environ.get("HTTP_ACCEPT", ""))
    start_response(f"{answer.status} {_REASONS[answer.status]}", answer.headers())
    return [] if method == "HEAD" else [answer.body]


Message = MutableMapping[str, Any]


async def metrics_asgi(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """An ASGI app: the page under any path. Callbacks of instruments are waited for on another
    thread, so the loop (asyncio's) goes on."""
    if scope["type"] == "lifespan":
        await _live(receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close"})
    else:
        method, accept = scope["method"], _accepted(scope["headers"])
        answer = await asyncio.to_thread(_answer, method, accept)
        headers = [
            (name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers()
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if method == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})


def _accepted(headers: Iterable[tuple[bytes, bytes]]) -> str:
    return ",".join(value.decode("latin-1") for name, value in headers if name == b"accept")


async def _live(
    receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """When it is an app by itself, there is nothing to prepare and nothing to end."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
