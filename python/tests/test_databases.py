"""Databases and caches that are really there, traced by one line of ours."""

from __future__ import annotations

import pytest
from program import run_program
from receiver import Receiver, Span

LATE = "sqlalchemy.ext.asyncio.create_async_engine(early.url)"

QUERIES = """
        import asyncio, asyncpg, oxitel, sqlalchemy.ext.asyncio
        oxitel.enable_telemetry(service_name="shop")
        early = sqlalchemy.ext.asyncio.create_async_engine({url!r}.replace(":", "+asyncpg:", 1))
        {switch}
        shop = oxitel.get_telemetry("shop")

        async def main():
            with shop.trace("work"):
                connection = await asyncpg.connect({url!r})
                assert await connection.fetchval("SELECT 40 + $1::int", 2) == 42
                await connection.close()
                engine = {engine}
                async with engine.connect() as connection:
                    await connection.execute(sqlalchemy.text("SELECT now()"))
                await engine.dispose()

        asyncio.run(main())
        """

COMMANDS = """
        import asyncio, oxitel, redis, redis.asyncio
        oxitel.enable_telemetry(service_name="shop")
        {switch}
        shop = oxitel.get_telemetry("shop")

        async def main():
            with shop.trace("work"):
                with redis.Redis.from_url({url!r}) as client:
                    client.set("book", 7)
                    assert client.get("book") == b"7"
                async with redis.asyncio.Redis.from_url({url!r}) as client:
                    await client.delete("book")

        asyncio.run(main())
        """


def below_work(receiver: Receiver) -> list[Span]:
    """What libraries recorded: spans of clients, directly below that of the program."""
    work = receiver.span("work")
    spans = [span for span in receiver.spans() if span is not work]
    assert {(span.kind, span.trace_id) for span in spans} <= {("CLIENT", work.trace_id)}
    return [span for span in spans if span.parent_id == work.span_id]


def by(package: str, spans: list[Span]) -> list[Span]:
    return [span for span in spans if span.scope.name.endswith(f".{package}")]


@pytest.mark.parametrize(
    ("switch", "engine", "packages"),
    [
        ("oxitel.instrument_asyncpg()", "early", {"asyncpg"}),
        ("oxitel.instrument_sqlalchemy(); oxitel.instrument_sqlalchemy()", LATE, {"sqlalchemy"}),
        ("oxitel.instrument_sqlalchemy(engine=early.sync_engine)", "early", {"sqlalchemy"}),
        ("oxitel.instrument_all()", LATE, {"asyncpg", "sqlalchemy"}),
    ],
)
def test_each_query_to_a_database_is_a_span(
    receiver: Receiver, postgresql: str, switch: str, engine: str, packages: set[str]
) -> None:
    code = QUERIES.format(switch=switch, engine=engine, url=postgresql)
    ended = run_program(code, receiver)
    assert ended.stderr == ""
    spans = below_work(receiver)
    assert {span.scope.name.rpartition(".")[2] for span in spans} == packages
    assert {span.attributes["db.system"] for span in spans} == {"postgresql"}
    queries = {
        package: [
            span.attributes["db.statement"]
            for span in by(package, spans)
            if span.name == "SELECT" and "now()" in span.attributes["db.statement"]
        ]
        for package in packages
    }
    assert queries == {package: ["SELECT now()"] for package in packages}, "each once"
    own = [span for span in by("asyncpg", spans) if "$1" in span.attributes["db.statement"]]
    assert len(own) == ("asyncpg" in packages)


@pytest.mark.parametrize(
    "switch", ["oxitel.instrument_redis(); oxitel.instrument_redis()", "oxitel.instrument_all()"]
)
def test_each_command_to_redis_is_a_span(receiver: Receiver, redis: str, switch: str) -> None:
    ended = run_program(COMMANDS.format(switch=switch, url=redis), receiver)
    assert ended.stderr == ""
    spans = below_work(receiver)
    assert [span.name for span in sorted(spans, key=lambda span: span.start_ns)] == [
        "SET",
        "GET",
        "DEL",
    ]
    assert {span.scope.name for span in spans} == {"opentelemetry.instrumentation.redis"}
    assert {span.attributes["db.system"] for span in spans} == {"redis"}
    assert spans[0].attributes["db.statement"] == "SET ? ?"


ORDERS = """
        import asyncpg, httpx, oxitel, redis.asyncio, socket, threading, uvicorn
        from fastapi import FastAPI

        oxitel.enable_telemetry(service_name="orders")
        app = FastAPI()

        @app.get("/price/{{book}}")
        async def price(book: int):
            return 9.5

        @app.get("/orders/{{number}}")
        async def order(number: int):
            async with redis.asyncio.Redis.from_url({redis!r}) as cache:
                await cache.get(str(number))
            connection = await asyncpg.connect({postgresql!r})
            book = await connection.fetchval("SELECT $1::int", number)
            await connection.close()
            async with httpx.AsyncClient(base_url=url) as client:
                return (await client.get(f"/price/{{book}}")).json()

        oxitel.instrument_all(app)
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{{listener.getsockname()[1]}}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        assert httpx.get(f"{{url}}/orders/7", timeout=30).json() == 9.5
        server.should_exit = True
        thread.join()
        """


def test_one_call_traces_a_request_and_everything_behind_it(
    receiver: Receiver, redis: str, postgresql: str
) -> None:
    ended = run_program(ORDERS.format(redis=redis, postgresql=postgresql), receiver)
    assert ended.stderr == ""
    assert {span.trace_id for span in receiver.spans()} == {receiver.spans()[0].trace_id}
    places = {span.span_id: span for span in receiver.spans()}
    told = {
        (span.name, span.kind, places[span.parent_id].name if span.parent_id else "")
        for span in receiver.spans()
        if span.kind != "INTERNAL"
    }
    assert told == {
        ("GET", "CLIENT", ""),
        ("GET /orders/{number}", "SERVER", "GET"),
        ("GET", "CLIENT", "GET /orders/{number}"),
        ("SELECT", "CLIENT", "GET /orders/{number}"),
        ("GET /price/{book}", "SERVER", "GET"),
    }
