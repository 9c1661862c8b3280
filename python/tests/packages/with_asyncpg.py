"""Queries of all sorts by asyncpg."""

import asyncio
import contextlib
import os

import provider
from begin import begin

begin()

import asyncpg  # noqa: E402
from opentelemetry import trace  # noqa: E402
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor  # noqa: E402

AsyncPGInstrumentor(capture_parameters=True).instrument()
tracer = trace.get_tracer("shop")


async def queries(connection: asyncpg.Connection) -> None:
    await connection.execute("CREATE TEMPORARY TABLE orders (id int PRIMARY KEY, what text)")
    await connection.execute("INSERT INTO orders VALUES ($1, $2)", 1, "book")
    await connection.executemany("INSERT INTO orders VALUES ($1, $2)", [(2, "pen"), (3, None)])
    with tracer.start_as_current_span("reads", kind=trace.SpanKind.SERVER):
        assert len(await connection.fetch("SELECT * FROM orders")) == 3
        assert await connection.fetchval("SELECT what FROM orders WHERE id = $1", 2) == "pen"
        await connection.fetchrow("SELECT what FROM orders WHERE id = $1 -- by key", 9)
    async with connection.transaction():
        async for _ in connection.cursor("SELECT id FROM orders"):
            pass
    prepared = await connection.prepare("SELECT $1::int + 1")
    assert await prepared.fetchval(41) == 42
    for broken in ("SELECT nothing", "INSERT INTO orders VALUES (1)", "not SQL"):
        with contextlib.suppress(asyncpg.PostgresError), tracer.start_as_current_span("fails"):
            await connection.execute(broken)


async def main() -> None:
    connection = await asyncpg.connect(os.environ["POSTGRES_URL"])
    await queries(connection)
    await connection.close()
    async with asyncpg.create_pool(os.environ["POSTGRES_URL"], min_size=1, max_size=1) as pool:
        await pool.fetch("SELECT 1")


asyncio.run(main())
provider.finish()
