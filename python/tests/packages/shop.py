"""A small service of FastAPI and those who call it: what both programs of it share."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import uvicorn
from fastapi import BackgroundTasks, Depends, FastAPI, HTTPException, WebSocket
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient
from opentelemetry import trace
from pydantic import BaseModel

PLACE = "00-0123456789abcdef0123456789abcdef-0123456789abcdef"
REMOTE = {"tracestate": "a=1,b=2", "baggage": "user=seven"}

tracer = trace.get_tracer("shop")
logger = logging.getLogger("shop")


class Item(BaseModel):
    what: str
    price: float


def who(user: str = "nobody") -> str:
    return user


async def tidy() -> None:
    """It ends before the next request is read: the package for ASGI keeps the length of an answer
    for one request at a time."""


def serve(app: FastAPI) -> None:
    """Adds the routes."""

    @app.get("/items/{number}")
    async def read(number: int, user: Annotated[str, Depends(who)]) -> dict[str, object]:
        with tracer.start_as_current_span("look up") as span:
            span.set_attribute("user", user)
            logger.info("item %d", number)
        if number > 100:
            raise HTTPException(404, "no such item")
        return {"number": number}

    @app.post("/items", status_code=201)
    def create(item: Item, later: BackgroundTasks) -> Item:
        later.add_task(tidy)
        return item

    @app.get("/broken")
    async def broken() -> None:
        raise ValueError("on purpose")

    @app.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"one"
            yield b"two"

        return StreamingResponse(parts(), media_type="text/plain")

    @app.websocket("/talk")
    async def answer(socket: WebSocket) -> None:
        await socket.accept()
        said = await socket.receive_text()
        if said == "no":
            raise ValueError("on purpose")
        await socket.send_text(said)
        await socket.close()


async def call(url: str) -> None:
    """Asks for everything, one after the other."""
    async with httpx.AsyncClient(base_url=url, headers={"User-Agent": "caller/1"}) as client:
        with tracer.start_as_current_span("caller"):
            await client.get("/items/7?user=seven")
            await client.get("/items/700")
        await client.get("/items/word")
        await client.post("/items", json={"what": "book", "price": 9.5})
        await client.post("/items", json={"what": "book"})
        await client.get("/broken")
        await client.get("/stream")
        await client.get("/nothing/here")
        await client.request("PURGE", "/items/7", headers={"X-Forwarded-For": "10.0.0.9"})
        for sampled in ("01", "00"):
            await client.get("/items/1", headers=REMOTE | {"traceparent": f"{PLACE}-{sampled}"})


def talk(app: FastAPI) -> None:
    """By a socket, in this process."""
    client = TestClient(app)
    with client.websocket_connect("/talk") as socket:
        socket.send_text("hello")
        assert socket.receive_text() == "hello"
    with contextlib.suppress(ValueError), client.websocket_connect("/talk") as socket:
        socket.send_text("no")
        socket.receive_text()


async def main(app: FastAPI) -> None:
    """The service, for as long as it is called."""
    # It says which process it is.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    port = int(os.environ["SERVED_PORT"])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    await call(f"http://127.0.0.1:{port}")
    server.should_exit = True
    with contextlib.suppress(asyncio.CancelledError):
        await serving
