"""A table for people on the standard error, JSON lines on the standard output."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from statistics import median

from cases import COMPARISONS, Case, Comparison

Results = dict[str, dict[str, list[float]]]
"""The rounds' costs, by candidate and metric."""

NAMES = {
    "bare": "python",
    "none": "opentelemetry-api",
    "null": "NullHandler",
    "stream": "StreamHandler",
    "sdk": "opentelemetry-sdk",
    "grpc": "opentelemetry-sdk, gRPC",
    "logfire": "logfire",
    "ddtrace": "ddtrace",
    "honeycomb": "honeycomb-pycpp",
    "without": "no telemetry",
    "noop": "opentelemetry-api",
    "oxitel": "oxitel",
}

PACKAGES = {
    "none": "opentelemetry-api",
    "grpc": "opentelemetry-sdk",
    "sdk": "opentelemetry-sdk",
    "logfire": "logfire",
    "ddtrace": "ddtrace",
    "honeycomb": "honeycomb-pycpp",
}
"""Whose versions are told; the others are of the interpreter."""


def begin() -> None:
    """Says on what machine the numbers come to be."""
    say(f"bench python: Python {platform.python_version()}, {os.cpu_count()} cores, load {load()}")


def progress(case: Case) -> None:
    """Says how far it is."""
    say(f"{case.name} measured, load {load()}")


def table(results: list[tuple[Case, Results]], left_out: dict[str, str]) -> None:
    """Every cost, then the goals, then who is missing."""
    for case, costs in results:
        say(f"\n{case.name}: {case.does}")
        metrics = list(dict.fromkeys(metric for of in costs.values() for metric in of))
        say(f"{'':24}" + "".join(f"{metric:>26}" for metric in metrics))
        for candidate in (name for name in case.candidates if name in costs):
            cells = (cell(costs[candidate].get(metric, [])) for metric in metrics)
            say(f"{NAMES[candidate]:24}" + "".join(f"{text:>26}" for text in cells))
    say("\ngoals")
    for comparison, ours, theirs in compared(results):
        of = f"{comparison.case}, {comparison.metric}"
        over = f" over {NAMES[comparison.over]}" if comparison.over else ""
        share = f"{ours / theirs:.3f}" if theirs > 0 else f"{number(ours)} of {number(theirs)}"
        if comparison.most is not None:
            share = number(ours)
        goal = comparison.most if comparison.most is not None else comparison.ratio
        text = "-" if goal is None else f"{goal:.3g}"
        verdict = {True: "✓", False: "✗", None: " "}[is_met(comparison, ours, theirs)]
        say(f"{verdict} {of:26}{share:>10}  goal {text:>6}  {NAMES[comparison.peer]}{over}")
    for name, why in left_out.items():
        say(f"  {NAMES[name]} is left out: {why}")


def lines(
    results: list[tuple[Case, Results]], pythons: dict[str, str], left_out: dict[str, str]
) -> None:
    """One JSON line for each comparison, and for each peer that is left out."""
    versions = {
        name: version_of(package, pythons["api" if name == "none" else name])
        for name, package in PACKAGES.items()
        if name not in left_out
    }
    for comparison, ours, theirs in compared(results):
        line = {
            "case": f"python/{comparison.case}",
            "metric": comparison.metric + ("_added" if comparison.over else ""),
            "ours": round(ours, 3),
            "peer": NAMES[comparison.peer],
            "peer_version": versions.get(comparison.peer, platform.python_version()),
            "theirs": round(theirs, 3),
            "ratio": round(ours / theirs, 4) if theirs > 0 else None,
            "goal": comparison.most if comparison.most is not None else comparison.ratio,
            "ok": is_met(comparison, ours, theirs),
        }
        print(json.dumps(line), flush=True)
    for case, _ in results:
        for name in (name for name in case.candidates if name in left_out):
            line = {"case": f"python/{case.name}", "peer": NAMES[name], "left_out": left_out[name]}
            print(json.dumps(line), flush=True)


def compared(results: list[tuple[Case, Results]]) -> list[tuple[Comparison, float, float]]:
    """The comparisons of what was measured: ours, theirs."""
    by_case = {case.name: costs for case, costs in results}
    found = []
    for comparison in COMPARISONS:
        costs = by_case.get(comparison.case)
        if costs is None or comparison.peer not in costs:
            continue
        metric = comparison.metric
        common = median(costs[comparison.over][metric]) if comparison.over else 0.0
        ours, theirs = (
            median(costs[candidate][metric]) - common for candidate in ("oxitel", comparison.peer)
        )
        found.append((comparison, ours, theirs))
    return found


def is_met(comparison: Comparison, ours: float, theirs: float) -> bool | None:
    """Whether it is good enough; `None` when nothing was asked for."""
    if comparison.most is not None:
        return ours <= comparison.most
    return None if comparison.ratio is None else ours <= comparison.ratio * theirs


def version_of(package: str, python: str) -> str:
    """The version that an environment has."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def cell(costs: list[float]) -> str:
    """The median, and how far the rounds lie apart."""
    if not costs:
        return "-"
    middle, least, most = (number(cost) for cost in (median(costs), min(costs), max(costs)))
    return middle if least == most else f"{middle} ({least}..{most})"


def number(value: float) -> str:
    """Three figures are as many as mean something."""
    if value == 0 or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}"


def load() -> str:
    """How many processes wanted a core over the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def say(text: str) -> None:
    """For people."""
    print(text, file=sys.stderr, flush=True)
