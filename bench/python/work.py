"""What candidates do, and what they look at meanwhile.

Times are CPU times: of the thread that records, and of the whole process with its export and one
flush at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable
from typing import Any

import libraries

Cost = dict[str, float]


def timed(work: Callable[[int], Any], flush: Callable[[], Any], count: int) -> Cost:
    """The cost of one of `count` times, after a tenth of them for warming up."""
    work(count // 10)
    flush()
    process, thread = time.process_time_ns(), time.thread_time_ns()
    work(count)
    thread = time.thread_time_ns() - thread
    flush()
    process = time.process_time_ns() - process
    return {"thread_ns": thread / count, "process_ns": process / count}


def attributes(span: Any) -> None:
    """The four that every span has."""
    span.set_attribute("http.request.method", "GET")
    span.set_attribute("http.route", "/users/{id}")
    span.set_attribute("http.response.status_code", 200)
    span.set_attribute("cache.hit", True)


def nested(tracer: Any, count: int) -> None:
    """`count` spans, always three in each other."""
    current = tracer.start_as_current_span
    for _ in range(count // 3):
        with current("outer") as outer:
            attributes(outer)
            with current("middle") as middle:
                attributes(middle)
                with current("inner") as inner:
                    attributes(inner)


def spans(library: str, count: int) -> Cost:
    """Tracer and provider in the usual order."""
    flush = libraries.set_up(library, ("traces",))
    if library == "ddtrace":
        return timed(nested_by_ddtrace, flush, count)
    from opentelemetry import trace

    tracer = trace.get_tracer("bench")
    return timed(lambda count: nested(tracer, count), flush, count)


def nested_by_ddtrace(count: int) -> None:
    """The same by an API of its own, which costs it less than ours."""
    from ddtrace.trace import tracer

    def attributes(span: Any) -> None:
        span.set_tag("http.request.method", "GET")
        span.set_tag("http.route", "/users/{id}")
        span.set_metric("http.response.status_code", 200)
        span.set_tag("cache.hit", "true")

    current = tracer.trace
    for _ in range(count // 3):
        with current("outer") as outer:
            attributes(outer)
            with current("middle") as middle:
                attributes(middle)
                with current("inner") as inner:
                    attributes(inner)


def proxy(library: str, count: int) -> Cost:
    """The tracer is taken first, as modules do that are imported before the program begins."""
    from opentelemetry import trace

    tracer = trace.get_tracer("bench")
    flush = libraries.set_up(library, ("traces",))
    return timed(lambda count: nested(tracer, count), flush, count)


def use_span(library: str, count: int) -> Cost:
    """As many instrumentation packages do it."""
    flush = libraries.set_up(library, ("traces",))
    from opentelemetry import trace

    tracer = trace.get_tracer("bench")
    use = trace.use_span

    def work(count: int) -> None:
        for _ in range(count // 3):
            with use(tracer.start_span("outer"), end_on_exit=True) as outer:
                attributes(outer)
                with use(tracer.start_span("middle"), end_on_exit=True) as middle:
                    attributes(middle)
                    with use(tracer.start_span("inner"), end_on_exit=True) as inner:
                        attributes(inner)

    return timed(work, flush, count)


def events(library: str, count: int) -> Cost:
    """Two events in each span."""
    flush = libraries.set_up(library, ("traces",))
    from opentelemetry import trace

    tracer = trace.get_tracer("bench")

    def work(count: int) -> None:
        for number in range(count):
            with tracer.start_as_current_span("work") as span:
                span.add_event("began", {"number": number, "by": "bench"})
                span.add_event("ended", {"number": number, "by": "bench"})

    return timed(work, flush, count)


def exception(library: str, count: int) -> Cost:
    """An exception leaves each span."""
    flush = libraries.set_up(library, ("traces",))
    from opentelemetry import trace

    tracer = trace.get_tracer("bench")

    def work(count: int) -> None:
        for _ in range(count):
            with contextlib.suppress(ValueError), tracer.start_as_current_span("work"):
                raise ValueError("no such user")

    return timed(work, flush, count)


def log(library: str, count: int) -> Cost:
    """`logging`, with the handler of a library, of nobody, or a stream's."""
    root = logging.getLogger()
    flush: Callable[[], Any] = lambda: None  # noqa: E731
    if library == "null":
        root.addHandler(logging.NullHandler())
    elif library == "stream":
        handler = logging.StreamHandler(open(os.devnull, "w"))  # noqa: SIM115
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        root.addHandler(handler)
    else:
        flush = libraries.set_up(library, ("logs",))
    logger = logging.getLogger("bench")
    logger.setLevel(logging.INFO)

    def work(count: int) -> None:
        extra = {"tenant": "acme"}
        for number in range(count):
            logger.info("user %s logged in from %s", number, "10.0.0.1", extra=extra)

    return timed(work, flush, count)


LABELS = {"http.request.method": "GET", "http.route": "/users/{id}", "status": 200}


def counter(library: str, count: int) -> Cost:
    """A counter with three attributes."""
    flush = libraries.set_up(library, ("metrics",))
    from opentelemetry import metrics

    add = metrics.get_meter("bench").create_counter("requests").add

    def work(count: int) -> None:
        for _ in range(count):
            add(1, LABELS)

    return timed(work, flush, count)


def histogram(library: str, count: int) -> Cost:
    """A histogram with three attributes."""
    flush = libraries.set_up(library, ("metrics",))
    from opentelemetry import metrics

    record = metrics.get_meter("bench").create_histogram("duration").record

    def work(count: int) -> None:
        for number in range(count):
            record(number & 1023, LABELS)

    return timed(work, flush, count)


def queued(library: str, count: int) -> Cost:
    """Memory of spans that nobody takes."""
    libraries.set_up(library, ("traces",))
    from opentelemetry import trace

    tracer = trace.get_tracer("bench")
    nested(tracer, 3_000)
    before = resident_bytes()
    nested(tracer, count)
    cost = (resident_bytes() - before) / count
    # The end of this program is not what is measured.
    print(f'{{"span_bytes": {cost}}}', flush=True)
    os._exit(0)


def resident_bytes() -> int:
    """What the process has in memory now."""
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def burst(library: str, count: int) -> Cost:
    """As fast as it goes; what was lost, the receiver knows."""
    flush = libraries.set_up(library, ("traces",))
    from opentelemetry import trace

    nested(trace.get_tracer("bench"), count)
    flush()
    return {}


def one_span(library: str, _count: int) -> Cost:
    """One span, then the end."""
    libraries.set_up(library, ("traces",))
    from opentelemetry import trace

    trace.get_tracer("bench").start_span("last").end()
    return {}


def late(library: str, count: int) -> Cost:
    """How late an event loop wakes up, while its spans are exported."""
    libraries.set_up(library, ("traces",))
    from opentelemetry import trace

    tracer = trace.get_tracer("bench")

    async def ticks() -> list[float]:
        seen = []
        for _ in range(count):
            nested(tracer, 6)
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            seen.append(time.perf_counter() - before - 0.001)
        return sorted(seen)

    seen = asyncio.run(ticks())
    return {"p99_ms": seen[len(seen) * 99 // 100] * 1e3, "median_ms": seen[len(seen) // 2] * 1e3}


WORK: dict[str, Callable[[str, int], Cost]] = {
    "spans": spans,
    "sampled-out": spans,
    "proxy": proxy,
    "use-span": use_span,
    "events": events,
    "exception": exception,
    "log": log,
    "counter": counter,
    "histogram": histogram,
    "queued": queued,
    "burst": burst,
    "exit-dead": one_span,
    "exit-silent": one_span,
    "late": late,
}
