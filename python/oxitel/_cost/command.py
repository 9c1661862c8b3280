"""The command line: who runs, how often, and what is said about it."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

from oxitel._cost import report
from oxitel._cost.receiver import Receiver
from oxitel._cost.report import Measured, Variant
from oxitel._cost.run import (
    OXITEL,
    SDK,
    VARIANTS,
    WITHOUT,
    Program,
    ProgramFailed,
    environment_of,
    once,
    prepare,
)

ROUNDS = 5
LIMIT_SECONDS = 600.0


class CannotMeasure(Exception):
    """Why, and what to do about it."""


def main(words: Sequence[str]) -> int:
    """Measures, and reports; the exit code. 2: it was asked for wrongly; 1: it cannot be done."""
    options, command = _read(words)
    program = Program(command, options.limit)
    try:
        measured = measure(program, options.rounds)
    except CannotMeasure as trouble:
        print(f"oxitel cost: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("oxitel cost: interrupted", file=sys.stderr)
        return 130
    print(
        json.dumps(report.as_json(measured), indent=2) if options.json else report.table(measured)
    )
    return 0


def _read(words: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="oxitel cost",
        usage="oxitel cost [--rounds N] [--limit SECONDS] [--json] -- python app.py [ARGUMENT ...]",
        description="What telemetry costs a program: it runs several times in turns, without"
        " telemetry, with opentelemetry-sdk where it is installed, and with oxitel. Nothing in it"
        " is changed, and what it records goes to a receiver of this command's own.",
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"default {ROUNDS}")
    parser.add_argument(
        "--limit", type=float, default=LIMIT_SECONDS, help="seconds that one run may take"
    )
    parser.add_argument("--json", action="store_true", help="numbers for programs")
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args(list(words))
    command: list[str] = options.command
    if command[:1] == ["--"]:
        command = command[1:]
    _refuse_what_makes_no_sense(parser, options.rounds, command)
    return options, command


def _refuse_what_makes_no_sense(
    parser: argparse.ArgumentParser, rounds: int, command: Sequence[str]
) -> None:
    def refuse(text: str) -> NoReturn:
        parser.error(text)

    if not command:
        refuse("which program? for example: oxitel cost -- python app.py")
    if rounds < 1:
        refuse("--rounds is at least 1")
    if shutil.which(command[0]) is None:
        refuse(f"there is no program {command[0]!r}")
    if Path(command[0]).name == "opentelemetry-instrument":
        refuse("give the program alone, without opentelemetry-instrument: this starts telemetry")


@dataclass(frozen=True)
class Found:
    """What the program's interpreter has."""

    python: str
    has_oxitel: bool
    oxitel: str
    """Its version."""
    sdk: str
    """The same."""
    missing: list[str]
    """Packages without which the SDK cannot send."""
    instruments: bool


def measure(program: Program, rounds: int) -> Measured:
    """Runs everything."""
    with TemporaryDirectory(prefix="oxitel-cost-") as name, Receiver() as receiver:
        folder = Path(name)
        found = _probe(program, folder)
        variants = {name: Variant(name) for name in VARIANTS}
        variants[OXITEL].version, variants[SDK].version = found.oxitel, found.sdk
        if found.missing:
            packages = " ".join(found.missing)
            variants[SDK].left_out = f"not installed: {found.python} -m pip install {packages}"
        conductor = Conductor(program, folder, receiver, variants)
        conductor.run(rounds)
        return Measured(
            shlex.join(program.command), rounds, list(variants.values()), found.instruments
        )


class Conductor:
    """Lets the variants run in turns."""

    def __init__(
        self, program: Program, folder: Path, receiver: Receiver, variants: Mapping[str, Variant]
    ) -> None:
        self._program = program
        self._receiver = receiver
        self._variants = variants
        self._folders = {name: prepare(folder, name) for name in (SDK, OXITEL)}

    def run(self, rounds: int) -> None:
        """All rounds, after one that is not counted: it compiles what Python compiles once."""
        warm = self._once(self._variants[WITHOUT], counts=False)
        names = [name for name in VARIANTS if not self._variants[name].left_out]
        _say(f"{rounds} times {len(names)} runs, each of {warm:.1f} s or more")
        for number in range(rounds):
            # There and back: nobody always runs after the same one.
            for name in names if number % 2 == 0 else names[::-1]:
                if not self._variants[name].left_out:
                    self._once(self._variants[name])
            _say(f"round {number + 1} of {rounds}")

    def _once(self, variant: Variant, *, counts: bool = True) -> float:
        folder = self._folders.get(variant.name)
        environment = environment_of(variant.name, os.environ, folder, self._receiver.endpoint)
        self._receiver.take()
        try:
            used = once(self._program, environment)
        except ProgramFailed as failure:
            raise CannotMeasure(f"{report.TITLES[variant.name]}: {failure}") from None
        if counts:
            variant.add(used, self._receiver.take())
        if folder is not None:
            self._ask_whether_it_started(variant, folder)
        return used.wall_s

    def _ask_whether_it_started(self, variant: Variant, folder: Path) -> None:
        if (folder / "started").exists():
            return
        failed = folder / "failed"
        why = failed.read_text() if failed.exists() else "the program did not let it start"
        if variant.name == OXITEL:
            raise CannotMeasure(f"oxitel does not start in the program: {why}")
        variant.leave_out(f"it does not start: {why}")


def _probe(program: Program, folder: Path) -> Found:
    """Asks the program's interpreter; the program itself does not begin."""
    place = prepare(folder, "probe")
    environment = environment_of(WITHOUT, os.environ, place, "")
    try:
        once(program, environment)
    except ProgramFailed as failure:
        raise CannotMeasure(f"the program's Python does not start: {failure}") from None
    answer = place / "probe"
    if not answer.exists():
        raise CannotMeasure(
            f"{program.command[0]!r} runs no Python that reads PYTHONPATH, so telemetry cannot be"
            " started in it: give the command that starts Python, without -I and -E"
        )
    found: dict[str, Any] = json.loads(answer.read_text())
    if not found["has_oxitel"]:
        raise CannotMeasure(
            f"the program's Python has no oxitel: {found['python']} -m pip install oxitel"
        )
    return Found(**found)


def _say(text: str) -> None:
    """How far it is; the result alone goes to the standard output."""
    print(text, file=sys.stderr, flush=True)
