"""Commands of all sorts to Redis, and to one that is not there."""

import asyncio
import contextlib
import os

import provider
from begin import begin

begin()

import redis  # noqa: E402
import redis.asyncio  # noqa: E402
from opentelemetry import trace  # noqa: E402
from opentelemetry.instrumentation.redis import RedisInstrumentor  # noqa: E402


def name_after_key(span: trace.Span, _: object, arguments: tuple[object, ...], __: object) -> None:
    if span.is_recording() and arguments[0] == "GET":
        span.update_name(f"{span.name} key")


RedisInstrumentor().instrument(request_hook=name_after_key)
tracer = trace.get_tracer("shop")
URL = os.environ["REDIS_URL"]


def commands() -> None:
    with redis.Redis.from_url(URL) as client, tracer.start_as_current_span("work"):
        client.set("text", "ü" * 10)
        assert client.get("text") == ("ü" * 10).encode()
        client.get("missing")
        client.hset("hash", mapping={"a": 1, "b": 0.5})
        client.set("long", "x" * 3000)
        client.delete("list")
        client.lpush("list", *range(3))
        with client.pipeline() as pipeline:
            pipeline.set("one", 1).incr("one").get("one").expire("one", 60)
            pipeline.execute()
        with client.pipeline(transaction=False) as pipeline, contextlib.suppress(Exception):
            pipeline.incr("text").get("text")
            pipeline.execute()
        with contextlib.suppress(redis.ResponseError):
            client.incr("text")
        with contextlib.suppress(redis.ResponseError):
            client.execute_command("NO SUCH", "thing")
        client.eval("return redis.call('GET', KEYS[1])", 1, "text")


async def asynchronously() -> None:
    async with redis.asyncio.Redis.from_url(URL) as client:
        await client.set("text", "value")
        with tracer.start_as_current_span("in a task"):
            await client.get("text")
        async with client.pipeline() as pipeline:
            await pipeline.get("text").get("missing").execute()
        with contextlib.suppress(redis.ResponseError):
            await client.incr("text")


def nobody() -> None:
    with contextlib.suppress(redis.ConnectionError):
        redis.Redis.from_url(os.environ["NOBODY_URL"], retry=None).get("text")


commands()
asyncio.run(asynchronously())
nobody()
provider.finish()
