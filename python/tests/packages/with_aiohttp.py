"""Requests by aiohttp's client."""

import asyncio
import contextlib
import os

import provider
from begin import begin

begin()

import aiohttp  # noqa: E402
from opentelemetry import trace  # noqa: E402
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor  # noqa: E402

AioHttpClientInstrumentor().instrument()
tracer = trace.get_tracer("shop")
URL = os.environ["UPSTREAM_URL"]


async def main() -> None:
    async with aiohttp.ClientSession() as session:
        with tracer.start_as_current_span("work"):
            async with session.get(f"{URL}/items/7?q=1", headers={"User-Agent": "a"}) as answer:
                assert "traceparent" in await answer.json()
            for method, path in (
                ("POST", "/items"),
                ("GET", "/status/404"),
                ("GET", "/status/503"),
                ("GET", "/moved"),
            ):
                async with session.request(method, URL + path, data=b"{}") as answer:
                    await answer.read()
        with contextlib.suppress(aiohttp.ClientError):
            await session.get(os.environ["NOBODY_URL"])
        with contextlib.suppress(asyncio.TimeoutError):
            await session.get(f"{URL}/slow", timeout=aiohttp.ClientTimeout(0.05))


asyncio.run(main())
provider.finish()
