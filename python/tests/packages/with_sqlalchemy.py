"""Queries by SQLAlchemy: to a file, and to PostgreSQL in tasks."""

import asyncio
import contextlib
import os

import provider
from begin import begin

begin()

import sqlalchemy  # noqa: E402
from opentelemetry import trace  # noqa: E402
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor  # noqa: E402
from sqlalchemy import orm  # noqa: E402
from sqlalchemy.ext.asyncio import create_async_engine  # noqa: E402

SQLAlchemyInstrumentor().instrument(enable_commenter=True, enable_attribute_commenter=True)
tracer = trace.get_tracer("shop")


class Base(orm.DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    what: orm.Mapped[str]


def to_a_file() -> None:
    engine = sqlalchemy.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with orm.Session(engine) as session, tracer.start_as_current_span("work"):
        session.add_all([Order(what="book"), Order(what="pen")])
        session.commit()
        assert len(session.scalars(sqlalchemy.select(Order)).all()) == 2
        session.execute(sqlalchemy.update(Order).values(what="box"))
        session.rollback()
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT 1 /* with words */"))
        with contextlib.suppress(sqlalchemy.exc.OperationalError):
            connection.execute(sqlalchemy.text("SELECT * FROM nothing"))


async def to_a_server() -> None:
    url = os.environ["POSTGRES_URL"].replace("postgresql:", "postgresql+asyncpg:")
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        with tracer.start_as_current_span("in a task"):
            await connection.execute(sqlalchemy.text("SELECT 1"))
            await connection.execute(sqlalchemy.text("SELECT :a"), {"a": "b"})
        with contextlib.suppress(sqlalchemy.exc.DBAPIError):
            await connection.execute(sqlalchemy.text("SELECT nothing"))
    await engine.dispose()


to_a_file()
asyncio.run(to_a_server())
provider.finish()
