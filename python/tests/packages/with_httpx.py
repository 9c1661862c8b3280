"""Requests by httpx, waiting and in tasks."""

import asyncio
import contextlib
import os

import provider
from begin import begin

begin()

import httpx  # noqa: E402
from opentelemetry import trace  # noqa: E402
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor  # noqa: E402

HTTPXClientInstrumentor().instrument()
tracer = trace.get_tracer("shop")
URL = os.environ["UPSTREAM_URL"]
NOBODY = os.environ["NOBODY_URL"]


def waiting() -> None:
    with tracer.start_as_current_span("work"), httpx.Client(headers={"User-Agent": "a"}) as client:
        assert "traceparent" in client.get(f"{URL}/items/7", params={"q": "a b"}).json()
        client.post(f"{URL}/items", json={"what": "book"})
        client.get(f"{URL}/status/404")
        client.get(f"{URL}/status/500")
        client.get(f"{URL}/moved", follow_redirects=True)
        client.request("PURGE", f"{URL}/items/7")
        with client.stream("GET", f"{URL}/items/7") as answer:
            assert answer.read()
        for url, patience in ((NOBODY, 5.0), (f"{URL}/slow", 0.05)):
            with contextlib.suppress(httpx.TransportError):
                client.get(url, timeout=patience)


async def in_tasks() -> None:
    async def one(client: httpx.AsyncClient, number: int) -> None:
        with tracer.start_as_current_span(f"task {number}"):
            answer = await client.get(f"{URL}/items/{number}")
            assert (
                format(trace.get_current_span().get_span_context().trace_id, "032x")
                in (answer.json()["traceparent"])
            )

    async with httpx.AsyncClient() as client:
        await one(client, 1)
        await one(client, 2)
        with contextlib.suppress(httpx.ConnectError):
            await client.get(NOBODY)
        await client.get(f"{URL}/status/503")


waiting()
asyncio.run(in_tasks())
provider.finish()
