"""Runs a small program in a process of its own, as the tests of starts, forks and exits need it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from receiver import LIMIT_SECONDS, Receiver

PACKAGE = Path(__file__).resolve().parent.parent
"""The folder that holds the package `oxitel`."""


@dataclass(frozen=True)
class Ended:
    """How a program ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float


def environment(receiver: Receiver | str | None = None, **variables: str) -> dict[str, str]:
    """This process's environment without what steers telemetry, with the receiver's address and
    with `variables`."""
    steers = ("OTEL_", "OXITEL_")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(steers)}
    clean["OTEL_SERVICE_NAME"] = "program"
    if receiver is not None:
        endpoint = receiver if isinstance(receiver, str) else receiver.endpoint
        clean["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    path = [str(PACKAGE), clean.get("PYTHONPATH", "")]
    clean["PYTHONPATH"] = os.pathsep.join(part for part in path if part)
    clean["PYTHONDONTWRITEBYTECODE"] = "1"
    return clean | variables


def run_program(
    code: str,
    receiver: Receiver | str | None = None,
    *,
    arguments: Sequence[str] = (),
    options: Sequence[str] = (),
    timeout: float = LIMIT_SECONDS,
    expected_code: int | None = 0,
    **variables: str,
) -> Ended:
    """Runs `code` (its common indentation does not matter) and waits for its end.

    `receiver` is where its telemetry goes: a `Receiver`, an address, or nowhere. `options` are the
    interpreter's. Another exit code than `expected_code` fails the test with what the program said.
    """
    started = time.monotonic()
    try:
        ended = subprocess.run(
            [sys.executable, *options, "-c", textwrap.dedent(code), *arguments],
            env=environment(receiver, **variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as expired:
        said = "".join(
            part.decode(errors="replace") if isinstance(part, bytes) else part or ""
            for part in (expired.stdout, expired.stderr)
        )
        raise AssertionError(f"the program did not end within {timeout} s:\n{said}") from None
    seconds = time.monotonic() - started
    if expected_code is not None and ended.returncode != expected_code:
        raise AssertionError(
            f"the program ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
        )
    return Ended(ended.returncode, ended.stdout, ended.stderr, seconds)
