"""What is measured, of whom, and how good is good enough."""

from __future__ import annotations

from dataclasses import dataclass, field

SDK_QUEUES = {
    "OTEL_BSP_MAX_QUEUE_SIZE": "1048576",
    "OTEL_BLRP_MAX_QUEUE_SIZE": "1048576",
}
"""The SDK's queues hold 2,048 records, and drop the rest of a measurement."""


@dataclass(frozen=True)
class Case:
    """One program, run by several candidates in turn."""

    name: str
    does: str
    candidates: tuple[str, ...]
    count: int = 0
    """How often it does what is measured."""
    variables: dict[str, str] = field(default_factory=dict)
    arrives: str | None = None
    """What the receiver must have got, `count` times, from those who send."""
    receiver: str = "counting"
    """`counting`, `dead` (nothing listens) or `silent` (nothing is answered)."""
    rounds: int | None = None
    """Fewer than usual, for what takes long and varies little."""
    has_defaults: bool = False
    """Whether the SDK keeps its usual queues."""
    group: int = 1
    """How many it does at once; a rest that makes no group is left out."""
    environment: str | None = None
    """`web`: with the libraries of whole requests; none: nothing but what is measured."""


SENDS = ("sdk", "oxitel", "grpc", "logfire", "ddtrace", "honeycomb")
"""Those whose records must arrive."""

PEERS = ("grpc", "logfire", "ddtrace", "honeycomb")
"""Those that are left out, with the reason, where they cannot be installed or do not work."""


def python_of(case: Case, candidate: str) -> str:
    """The environment that a candidate runs in."""
    if case.environment:
        return f"{case.environment}-sdk" if candidate == "sdk" else case.environment
    return candidate if candidate == "sdk" or candidate in PEERS else "api"


ALL = ("none", "sdk", "oxitel")
BOTH = ("sdk", "oxitel")
WITH_BARE = ("bare", "none", "sdk", "oxitel")
REQUESTS = ("without", "noop", "sdk", "oxitel")

CASES = (
    Case(
        "spans",
        "three nested spans with four attributes each",
        (*ALL, *PEERS),
        30_000,
        arrives="spans",
        group=3,
    ),
    Case(
        "sampled-out",
        "the same, and the sampler keeps nothing",
        BOTH,
        30_000,
        {"OTEL_TRACES_SAMPLER": "parentbased_always_off"},
        group=3,
    ),
    Case(
        "proxy",
        "the same, by a tracer older than the provider",
        BOTH,
        30_000,
        arrives="spans",
        group=3,
    ),
    Case(
        "use-span",
        "the same, by start_span and use_span",
        BOTH,
        30_000,
        arrives="spans",
        group=3,
    ),
    Case("events", "a span with two events of two attributes", BOTH, 15_000, arrives="spans"),
    Case("exception", "a span that an exception leaves", BOTH, 3_000, arrives="spans"),
    Case(
        "log",
        "logger.info with two arguments and one extra",
        ("null", "stream", "sdk", "oxitel"),
        20_000,
        arrives="logs",
    ),
    Case("counter", "counter.add with three attributes", ALL, 50_000, arrives="measurements"),
    Case(
        "histogram", "histogram.record with three attributes", ALL, 50_000, arrives="measurements"
    ),
    Case("start", "imports and starts three signals", WITH_BARE),
    Case(
        "queued",
        "20,000 spans that wait, because the receiver does not answer",
        BOTH,
        20_000,
        receiver="silent",
        rounds=3,
    ),
    Case("burst", "20,000 spans at once", BOTH, 20_000, rounds=3, has_defaults=True, group=3),
    Case("exit-dead", "ends with a span and nobody listening", BOTH, receiver="dead", rounds=1),
    Case("exit-silent", "ends with a span and nobody answering", BOTH, receiver="silent", rounds=1),
    Case("late", "an asyncio loop that sleeps 1 ms and records 6 spans", ALL, 3_000, rounds=3),
    Case(
        "fastapi",
        "a request to FastAPI, which traces and counts it by itself",
        ("without", "sdk", "oxitel"),
        2_000,
        arrives="requests",
        environment="web",
    ),
    Case(
        "fastapi-contrib",
        "the same by OpenTelemetry's package for FastAPI",
        REQUESTS,
        2_000,
        arrives="requests",
        environment="web",
    ),
    Case(
        "httpx",
        "a request by httpx, with OpenTelemetry's package and nothing sent",
        REQUESTS,
        2_000,
        arrives="requests",
        environment="web",
    ),
)


@dataclass(frozen=True)
class Comparison:
    """Ours and another's; all metrics are costs."""

    case: str
    metric: str
    peer: str
    ratio: float | None = None
    """The largest share of the peer's cost that is good enough."""
    over: str | None = None
    """Whose cost both have in common; it is taken away first."""
    most: float | None = None
    """The largest cost of ours that is good enough, whatever the peer's is."""


COMPARISONS = (
    Comparison("spans", "thread_ns", "sdk", 1 / 15),
    Comparison("spans", "process_ns", "sdk", 1 / 25),
    Comparison("spans", "thread_ns", "none", 0.35),
    Comparison("sampled-out", "thread_ns", "sdk", 1 / 8),
    Comparison("proxy", "thread_ns", "sdk", 1 / 7),
    Comparison("use-span", "thread_ns", "sdk", 1 / 7),
    Comparison("events", "thread_ns", "sdk", 1 / 12),
    Comparison("exception", "thread_ns", "sdk", 1 / 3),
    Comparison("log", "thread_ns", "sdk", 1 / 8, over="null"),
    Comparison("log", "process_ns", "sdk", 1 / 12, over="null"),
    Comparison("log", "thread_ns", "stream", 0.5, over="null"),
    Comparison("counter", "thread_ns", "sdk", 1 / 20),
    Comparison("histogram", "thread_ns", "sdk", 1 / 20),
    Comparison("start", "cpu_ms", "none", 1.1),
    Comparison("start", "cpu_ms", "sdk"),
    Comparison("start", "peak_mb", "sdk", 1 / 3, over="bare"),
    Comparison("queued", "span_bytes", "sdk", 1 / 4),
    Comparison("burst", "lost", "sdk", most=0),
    Comparison("exit-dead", "exit_s", "sdk", most=2.0),
    Comparison("exit-silent", "exit_s", "sdk", most=2.0),
    Comparison("late", "p99_ms", "none", 1.2),
    Comparison("late", "p99_ms", "sdk"),
    Comparison("fastapi", "process_ns", "sdk", 1 / 4, over="without"),
    Comparison("fastapi", "thread_ns", "sdk", over="without"),
    Comparison("fastapi-contrib", "process_ns", "sdk", 1 / 3, over="without"),
    Comparison("fastapi-contrib", "thread_ns", "sdk", over="without"),
    Comparison("httpx", "process_ns", "sdk", 1 / 2, over="without"),
    Comparison("httpx", "thread_ns", "sdk", over="without"),
    *(
        Comparison("spans", metric, peer, ratio)
        for peer, metric, ratio in (
            ("grpc", "thread_ns", None),
            ("grpc", "process_ns", None),
            ("logfire", "thread_ns", None),
            ("logfire", "process_ns", None),
            ("ddtrace", "thread_ns", None),
            ("ddtrace", "process_ns", None),
            ("honeycomb", "thread_ns", 1 / 8),
            ("honeycomb", "process_ns", None),
        )
    ),
)
