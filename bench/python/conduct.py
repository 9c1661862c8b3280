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
from cases import CASES, PEERS, SDK_QUEUES, SENDS, Case, python_of

FOLDER = Path(__file__).resolve().parent
LIMIT_SECONDS = 300


@dataclass(frozen=True)
class Places:
    """Who runs what, and where it is sent."""

    pythons: dict[str, str]
    """The interpreters, each with an environment of its own."""
    left_out: dict[str, str]
    """The peers that are not measured, and why."""
    package: str
    """Where our wheel was unpacked."""
    receivers: dict[str, str]

    def candidates(self, case: Case) -> list[str]:
        """Those of a case that can be measured."""
        return [name for name in case.candidates if name not in self.left_out]


def main() -> int:
    """Runs all cases and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", required=True, help="where the wheel was unpacked")
    parser.add_argument("--python", action="append", type=pair, metavar="NAME=PATH")
    parser.add_argument("--left-out", action="append", type=pair, default=[], metavar="NAME=WHY")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", help="some cases, with commas between them")
    arguments = parser.parse_args()
    names = [case.name for case in CASES]
    wanted: list[str] = arguments.only.split(",") if arguments.only else names
    if unknown := [name for name in wanted if name not in names]:
        parser.error(f"there is no case {unknown[0]!r}; there are: {', '.join(names)}")
    chosen = [case for case in CASES if case.name in wanted]
    report.begin()
    pythons, left_out = dict(arguments.python), dict(arguments.left_out)
    # With grpcio, it takes gRPC as well.
    with receivers(pythons.get("grpc", pythons["sdk"])) as addresses:
        places = Places(pythons, left_out, arguments.package, addresses)
        results = [(case, measured(case, places, arguments.quick)) for case in chosen]
    report.table(results, left_out)
    report.lines(results, pythons, left_out)
    return 0


def pair(text: str) -> tuple[str, str]:
    """A name and what belongs to it."""
    name, _, value = text.partition("=")
    return name, value


class Failed(Exception):
    """A candidate that did not do what it is measured for."""


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
        turn = places.candidates(case)
        for candidate in turn if number % 2 == 0 else turn[::-1]:
            try:
                costs = run(case, candidate, count, places)
            except Failed as failure:
                if candidate not in PEERS:
                    raise SystemExit(str(failure)) from None
                places.left_out[candidate] = str(failure)
                results.pop(candidate, None)
                continue
            for metric, cost in costs.items():
                results[candidate][metric].append(cost)
    report.progress(case)
    return results


def run(case: Case, candidate: str, count: int, places: Places) -> dict[str, float]:
    """One process of one candidate."""
    address = places.receivers["grpc" if candidate == "grpc" else case.receiver]
    python = places.pythons[python_of(case, candidate)]
    variables = {name: value for name, value in os.environ.items() if not name.startswith(STEERS)}
    variables |= case.variables | {"OTEL_EXPORTER_OTLP_ENDPOINT": address}
    if candidate == "oxitel":
        variables["PYTHONPATH"] = places.package
    elif candidate == "ddtrace":
        variables |= {"DD_TRACE_AGENT_URL": address} | DDTRACE
    elif not case.has_defaults:
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
            raise Failed(f"{case.name}/{candidate} did not end") from None
    exit_s = time.monotonic() - said_at
    if process.returncode != 0 or not line:
        raise Failed(f"{case.name}/{candidate} failed:\n{errors}")
    cost: dict[str, float] = json.loads(line)
    if case.name.startswith("exit"):
        cost["exit_s"] = exit_s
    if case.receiver == "counting":
        cost |= checked(case, candidate, count, places.receivers["counting"])
    return cost


STEERS = ("OTEL_", "OXITEL_", "PYTHON", "DD_")

DDTRACE = {"DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false", "DD_REMOTE_CONFIG_ENABLED": "false"}
"""Without its telemetry about itself, and nobody asked for settings."""


def checked(case: Case, candidate: str, count: int, address: str) -> dict[str, float]:
    """A cost means nothing when the records did not arrive."""
    with urlopen(f"{address}/count") as answer:
        arrived = json.load(answer)
    if case.name == "burst":
        return {"lost": count - count % case.group - arrived["spans"]}
    if case.arrives and candidate in SENDS:
        wanted = sum(part - part % case.group for part in (count, count // 10))
        if arrived[case.arrives] != wanted:
            raise Failed(
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
        counting, grpc = sink.stdout.readline().split()
        ports = {
            "counting": counting,
            "grpc": grpc,
            "silent": silent.getsockname()[1],
            "dead": dead,
        }
        yield {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}


if __name__ == "__main__":
    sys.exit(main())
