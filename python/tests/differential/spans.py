"""Spans in all shapes, by the API alone; run on the SDK and on ours."""

from __future__ import annotations

import asyncio
import builtins
import collections
import contextlib
import decimal
import enum
import threading
from collections.abc import AsyncIterator, Iterator

import provider
from opentelemetry import context, trace
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)

provider.install()
tracer = trace.get_tracer(
    "shop", "1.2", schema_url="https://example.com/schema", attributes={"team": "a", "level": 3}
)
plain = trace.get_tracer("plain")

REMOTE = SpanContext(
    0x0123456789ABCDEF0123456789ABCDEF,
    0x0123456789ABCDEF,
    True,
    TraceFlags(1),
    TraceState([("a", "1"), ("b", "2")]),
)


class Colour(str, enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


class Loud:
    def __str__(self) -> str:
        return "loud"


class Mute:
    pass


def values() -> None:
    with tracer.start_as_current_span("values", kind=SpanKind.SERVER) as span:
        span.set_attribute("text", "ü \U0001f600")
        span.set_attribute("empty", "")
        span.set_attribute("true", True)
        span.set_attribute("int", -5)
        span.set_attribute("large", 2**62)
        span.set_attribute("float", 0.1)
        span.set_attribute("infinite", float("inf"))
        span.set_attribute("bytes", b"\x00\xff")
        span.set_attribute("none", None)
        span.set_attribute("list", ["a", "b"])
        span.set_attribute("tuple", (1, 2))
        span.set_attribute("mixed", [1, "a", None, 2.5, True, b"x"])
        span.set_attribute("nested", {"a": [1, {"b": "c"}], "d": {}})
        span.set_attribute("range", range(3))
        span.set_attribute("deque", collections.deque([1, 2]))
        span.set_attribute("ordered", collections.OrderedDict(x=1, y=2))
        span.set_attribute("colour", Colour.RED)
        span.set_attribute("size", Size.LARGE)
        span.set_attribute("decimal", decimal.Decimal("1.50"))
        span.set_attribute("loud", Loud())
        span.set_attribute("mute", Mute())
        span.set_attribute("error", ValueError("no"))
        span.set_attributes({"one": 1, "two": "2"})
        span.set_attribute("text", "again")
        span.set_attribute("", "no key")


def tree() -> None:
    with tracer.start_as_current_span("root", attributes={"a": 1}) as root:
        with plain.start_as_current_span("child", kind=SpanKind.CLIENT):
            with tracer.start_as_current_span("leaf"):
                pass
        root.add_event("happened", {"n": 1, "list": [1, 2]}, timestamp=1_700_000_000_000_000_000)
        detached = tracer.start_span("detached")
        detached.end()
        with trace.use_span(tracer.start_span("used"), end_on_exit=True):
            with tracer.start_as_current_span("below used"):
                pass
        with tracer.start_span("not current"):
            with tracer.start_as_current_span("sibling"):
                pass
    elsewhere = trace.set_span_in_context(root)
    with tracer.start_as_current_span("below by context", context=elsewhere):
        pass
    with tracer.start_as_current_span("fresh root", context=context.Context()):
        pass


def remote() -> None:
    parent = trace.set_span_in_context(NonRecordingSpan(REMOTE))
    with tracer.start_as_current_span("from afar", context=parent, kind=SpanKind.CONSUMER):
        with tracer.start_as_current_span("below afar", kind=SpanKind.PRODUCER):
            pass
    links = [Link(REMOTE, {"why": "batch"}), Link(trace.INVALID_SPAN_CONTEXT)]
    span = tracer.start_span("linked", links=links)
    span.add_link(REMOTE)
    span.add_link(trace.INVALID_SPAN_CONTEXT)
    span.add_link(trace.INVALID_SPAN_CONTEXT, {"kept": True})
    span.end()


def times() -> None:
    span = tracer.start_span("timed", start_time=1_700_000_000_000_000_000)
    span.add_event("later", timestamp=1_700_000_000_500_000_000)
    span.end(end_time=1_700_000_001_000_000_000)
    span.end()
    span.set_attribute("late", True)
    span.add_event("late")
    span.update_name("late")
    span.set_status(StatusCode.ERROR, "late")


def statuses() -> None:
    for name, steps in {
        "unset": [(StatusCode.UNSET, None)],
        "ok": [(StatusCode.OK, None)],
        "ok stays": [(StatusCode.OK, None), (StatusCode.ERROR, "no")],
        "error": [(StatusCode.ERROR, "broken")],
        "error without a word": [(StatusCode.ERROR, None)],
        "error twice": [(StatusCode.ERROR, "first"), (StatusCode.ERROR, "second")],
        "error then unset": [(StatusCode.ERROR, "broken"), (StatusCode.UNSET, None)],
        "error then ok": [(StatusCode.ERROR, "broken"), (StatusCode.OK, None)],
        "ok with words": [(StatusCode.OK, "ignored")],
    }.items():
        with tracer.start_as_current_span(name) as span:
            for code, description in steps:
                span.set_status(code, description)
    with tracer.start_as_current_span("status object") as span:
        span.set_status(Status(StatusCode.ERROR, "as an object"))
        span.update_name("status object, renamed")


def errors() -> None:
    with contextlib.suppress(ValueError), tracer.start_as_current_span("outer"):
        with tracer.start_as_current_span("inner"):
            raise ValueError("broken ü")
    with contextlib.suppress(KeyError):
        with tracer.start_as_current_span(
            "quiet", record_exception=False, set_status_on_exception=False
        ):
            raise KeyError("k")
    with contextlib.suppress(OSError), tracer.start_span("by itself"):
        raise OSError(2, "gone")
    with contextlib.suppress(KeyboardInterrupt), tracer.start_as_current_span("stopped"):
        raise KeyboardInterrupt
    with tracer.start_as_current_span("noted") as span:
        try:
            # Python 3.10 has none.
            many = getattr(builtins, "ExceptionGroup", Exception)
            raise many("many", [ValueError("a"), TypeError("b")])
        except Exception as error:
            span.record_exception(error, {"extra": 1}, escaped=True)
            span.record_exception(error, {"exception.message": "mine"}, timestamp=17)


@tracer.start_as_current_span("decorated")
def decorated() -> str:
    """It keeps its words."""
    return trace.get_current_span().name  # type: ignore[attr-defined]


@tracer.start_as_current_span("async decorated")
async def async_decorated() -> None:
    await asyncio.sleep(0)
    with tracer.start_as_current_span("in async"):
        await asyncio.sleep(0)


def generator() -> Iterator[int]:
    with tracer.start_as_current_span("generator"):
        yield 1
        yield 2


async def tasks() -> None:
    async def task(number: int) -> None:
        with tracer.start_as_current_span(f"task {number}"):
            await asyncio.sleep(0)
            with tracer.start_as_current_span(f"step {number}"):
                await asyncio.sleep(0)

    with tracer.start_as_current_span("gather"):
        await asyncio.gather(*(task(number) for number in range(3)))
    await asyncio.gather(task(10), task(11))
    await async_decorated()


async def async_generator() -> AsyncIterator[int]:
    with tracer.start_as_current_span("async generator"):
        yield 1


async def consume() -> None:
    async for _ in async_generator():
        pass


def threads() -> None:
    def work(name: str) -> None:
        with tracer.start_as_current_span(name):
            pass

    with tracer.start_as_current_span("spawner"):
        carried = context.get_current()

        def carrying() -> None:
            token = context.attach(carried)
            work("carried")
            context.detach(token)

        for target, arguments in ((work, ("alone",)), (carrying, ())):
            thread = threading.Thread(target=target, args=arguments)
            thread.start()
            thread.join()


values()
tree()
remote()
times()
statuses()
errors()
assert decorated() == "decorated" == decorated()
assert decorated.__doc__ == "It keeps its words."
list(generator())
asyncio.run(tasks())
asyncio.run(consume())
threads()
provider.finish()
