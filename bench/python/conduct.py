"""`cargo xtask bench python`: what telemetry costs a Python program, with us and with the SDK.

Flow: `cases` says what -> each candidate is a process of its own, in turns over the rounds ->
`candidate` and `work` -> `sink` counts what arrived -> `report`.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import report
from cases import CASES, SDK_QUEUES, Case

FOLDER = Path(__file__).resolve().parent
LIMIT_SECONDS = 300


@dataclass(frozen=True)
class Places:
    """Who runs what, and where it is sent."""

    api: str
    """A Python with the API alone."""
    sdk: str
    """A Python with the SDK."""
    package: str
    """Where our wheel was unpacked."""
    receivers: dict[str, str]


def main() -> int:
    """Runs all cases and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--api", "--sdk", "--package"):
        parser.add_argument(name, required=True)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", help="one case")
    arguments = parser.parse_args()
    chosen = [case for case in CASES if arguments.only in (None, case.name)]
    if not chosen:
        parser.error(f"there is no case {arguments.only!r}")
    report.begin()
    with receivers(arguments.sdk) as addresses:
        places = Places(arguments.api, arguments.sdk, arguments.package, addresses)
        results = [(case, measured(case, places, arguments.quick)) for case in chosen]
    report.table(results)
    report.lines(results, arguments.sdk)
    return 0


def measured(case: Case, places: Places, is_quick: bool) -> report.Results:
    """Every cost of every candidate, round by round."""
    rounds = min(case.rounds or 9, 3 if is_quick else 9)
    count = (
        case.count // 5
        if is_quick and case.count >= 15_000 and not case.has_defaults
        else case.count
    )
    results: report.Results = defaultdict(lambda: defaultdict(list))
    for number in range(rounds):
        # There and back: nobody always runs after the same one.
        turn = case.candidates if number % 2 == 0 else case.candidates[::-1]
        for candidate in turn:
            for metric, cost in run(case, candidate, count, places).items():
                results[candidate][metric].append(cost)
    report.progress(case)
    return results


def run(case: Case, candidate: str, count: int, places: Places) -> dict[str, float]:
    """One process of one candidate."""
    address = places.receivers[case.receiver]
    python = places.sdk if candidate == "sdk" else places.api
    variables = {name: value for name, value in os.environ.items() if not name.startswith(STEERS)}
    variables |= case.variables | {"OTEL_EXPORTER_OTLP_ENDPOINT": address}
    if candidate == "oxitel":
        variables["PYTHONPATH"] = places.package
    elif candidate == "sdk" and not case.has_defaults:
        variables |= SDK_QUEUES
    command = [python, str(FOLDER / "candidate.py"), case.name, candidate, str(count)]
    with subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        said_at = time.monotonic()
        try:
            _, errors = process.communicate(timeout=LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise SystemExit(f"{case.name}/{candidate} did not end") from None
    exit_s = time.monotonic() - said_at
    if process.returncode != 0 or not line:
        raise SystemExit(f"{case.name}/{candidate} failed:\n{errors}")
    cost: dict[str, float] = json.loads(line)
    if case.name.startswith("exit"):
        cost["exit_s"] = exit_s
    if case.receiver == "counting":
        cost |= checked(case, candidate, count, address)
    return cost


STEERS = ("OTEL_", "OXITEL_", "PYTHON")


def checked(case: Case, candidate: str, count: int, address: str) -> dict[str, float]:
    """A cost means nothing when the records did not arrive."""
    with urlopen(f"{address}/count") as answer:
        arrived = json.load(answer)
    if case.name == "burst":
        # Always three at once.
        return {"lost": count - count % 3 - arrived["spans"]}
    if case.arrives and candidate in ("sdk", "oxitel"):
        group = 3 if case.name in ("spans", "proxy", "use-span") else 1
        wanted = sum(part - part % group for part in (count, count // 10))
        if arrived[case.arrives] != wanted:
            raise SystemExit(
                f"{case.name}/{candidate}: {arrived[case.arrives]} of {wanted} {case.arrives}"
                " arrived"
            )
    return {}


@contextmanager
def receivers(python: str) -> Iterator[dict[str, str]]:
    """The addresses of one that counts, one that never answers, and one that is not there."""
    with ExitStack() as stack:
        sink = stack.enter_context(
            subprocess.Popen([python, FOLDER / "sink.py"], stdout=subprocess.PIPE, text=True)
        )
        stack.callback(sink.kill)
        assert sink.stdout is not None
        silent = stack.enter_context(socket.socket())
        silent.bind(("127.0.0.1", 0))
        # The kernel takes connections in; nobody reads from them.
        silent.listen(128)
        with socket.socket() as gone:
            gone.bind(("127.0.0.1", 0))
            dead = gone.getsockname()[1]
        ports = {
            "counting": int(sink.stdout.readline()),
            "silent": silent.getsockname()[1],
            "dead": dead,
        }
        yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}


if __name__ == "__main__":
    sys.exit(main())
