"""What was measured, for people and for programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from oxitel._cost.run import OXITEL, SDK, WITHOUT, Used

TITLES = {
    WITHOUT: "without telemetry",
    SDK: "with opentelemetry-sdk",
    OXITEL: "with oxitel",
}

WIDTH = 26


@dataclass
class Variant:
    """The runs of one of the three."""

    name: str
    version: str = ""
    left_out: str | None = None
    """Why it was not measured."""
    used: list[Used] = field(default_factory=list[Used])
    spans: list[int] = field(default_factory=list[int])
    logs: list[int] = field(default_factory=list[int])

    def add(self, used: Used, arrived: Mapping[str, int]) -> None:
        """One more run."""
        self.used.append(used)
        self.spans.append(arrived["spans"])
        self.logs.append(arrived["logs"])

    def leave_out(self, why: str) -> None:
        """Forgets what it did so far."""
        self.left_out = why
        for kept in (self.used, self.spans, self.logs):
            kept.clear()

    def of(self, metric: Callable[[Used], float]) -> list[float]:
        """One cost of all runs."""
        return [metric(used) for used in self.used]


@dataclass(frozen=True)
class Measured:
    """Everything."""

    command: str
    rounds: int
    variants: list[Variant]
    instruments: bool
    """Whether packages that instrument libraries were there."""

    def variant(self, name: str) -> Variant:
        """One of the three."""
        return next(variant for variant in self.variants if variant.name == name)

    def added_cpu(self, name: str) -> float | None:
        """What a variant adds to the program's CPU time; `None` where it was not measured."""
        costs = self.variant(name).of(_cpu)
        return median(costs) - median(self.variant(WITHOUT).of(_cpu)) if costs else None

    def differs(self, sent: str) -> bool:
        """Whether the SDK and we sent another number of something."""
        ours, theirs = (getattr(self.variant(name), sent) for name in (OXITEL, SDK))
        return bool(ours and theirs) and median(ours) != median(theirs)

    @property
    def ratio(self) -> float | None:
        """Our added CPU time over the SDK's; `None` where that drowns in the program's own ups and
        downs."""
        ours, theirs = self.added_cpu(OXITEL), self.added_cpu(SDK)
        costs = self.variant(WITHOUT).of(_cpu)
        noise = max(costs) - min(costs)
        return None if ours is None or theirs is None or theirs <= noise else ours / theirs


def _wall(used: Used) -> float:
    return used.wall_s


def _cpu(used: Used) -> float:
    return used.cpu_s


def _memory(used: Used) -> float:
    return used.peak_mb


METRICS: tuple[tuple[str, str, Callable[[Used], float], str], ...] = (
    ("wall_s", "time", _wall, "s"),
    ("cpu_s", "CPU time", _cpu, "s"),
    ("peak_mb", "memory at most", _memory, "MB"),
)
"""Name, title, value and unit."""


def table(measured: Measured) -> str:
    """A table and what it means."""
    shown = [variant for variant in measured.variants if variant.used]
    lines = [
        f"{measured.command}: medians of {measured.rounds} rounds (least..most)",
        "",
        _row("", [TITLES[variant.name] for variant in shown]),
        _row("", [variant.version for variant in shown]),
    ]
    for _, title, metric, unit in METRICS:
        lines.append(_row(title, [_cell(variant.of(metric), unit) for variant in shown]))
    lines.append(_row("added CPU time", [_added(measured, variant.name) for variant in shown]))
    lines.append(_row("spans sent", [_count(variant.spans) for variant in shown]))
    lines.append(_row("log records sent", [_count(variant.logs) for variant in shown]))
    return "\n".join([*lines, "", *_remarks(measured)])


def _remarks(measured: Measured) -> list[str]:
    remarks = [
        f"{TITLES[variant.name]}: {variant.left_out}"
        for variant in measured.variants
        if variant.left_out
    ]
    ours = measured.added_cpu(OXITEL)
    if measured.ratio is not None:
        remarks.append(
            f"oxitel adds {measured.ratio:.3f} of the CPU time that opentelemetry-sdk adds."
        )
    elif ours is not None and measured.added_cpu(SDK) is not None:
        remarks.append(
            "What telemetry adds is less than the program's own ups and downs: let it do more, or"
            " --rounds more often."
        )
    if measured.differs("spans"):
        remarks.append(
            "Not the same spans were sent: the SDK drops what does not fit into its queue of 2,048"
            " spans, unless OTEL_BSP_MAX_QUEUE_SIZE says more."
        )
    if measured.differs("logs"):
        remarks.append(
            "Not the same log records were sent: with oxitel a root logger that nobody has"
            " configured lets INFO pass; with the SDK it keeps WARNING, and its queue is short."
        )
    if not measured.instruments:
        remarks.append(
            "Libraries are not instrumented: the program's Python has no"
            " opentelemetry-instrumentation."
        )
    return remarks


def _row(title: str, cells: list[str]) -> str:
    return (f"{title:18}" + "".join(f"{cell:>{WIDTH}}" for cell in cells)).rstrip()


def _cell(costs: list[float], unit: str) -> str:
    middle, least, most = (_number(cost) for cost in (median(costs), min(costs), max(costs)))
    return f"{middle} {unit} ({least}..{most})"


def _added(measured: Measured, name: str) -> str:
    added = measured.added_cpu(name)
    return "" if name == WITHOUT or added is None else f"{added:+.3f} s"


def _count(counts: list[int]) -> str:
    least, most = min(counts), max(counts)
    return str(least) if least == most else f"{least}..{most}"


def _number(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def as_json(measured: Measured) -> dict[str, Any]:
    """Every run, the medians and the ratio."""
    return {
        "command": measured.command,
        "rounds": measured.rounds,
        "instruments_libraries": measured.instruments,
        "variants": {variant.name: _variant_as_json(variant) for variant in measured.variants},
        "added_cpu_s": {name: measured.added_cpu(name) for name in (SDK, OXITEL)},
        "ratio": measured.ratio,
    }


def _variant_as_json(variant: Variant) -> dict[str, Any]:
    if not variant.used:
        return {"left_out": variant.left_out}
    found: dict[str, Any] = {"version": variant.version}
    for name, _, metric, _ in METRICS:
        costs = variant.of(metric)
        found[name] = {"median": median(costs), "runs": costs}
    return found | {"spans": variant.spans, "logs": variant.logs}
