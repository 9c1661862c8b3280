"""Programs send the same log records on our engine as on the SDK: every field of every record."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from program import environment
from receiver import Log, Receiver

PROGRAM = Path(__file__).parent / "differential" / "logs.py"

OF_OLD = 1_750_000_000_000_000_000
"""Times before it were given by the program."""


def without_what_python_says(log: dict[str, Any]) -> None:
    """Where a record was made, its level's number and its thread, which nobody else tells."""
    ours = ("python.module", "python.line", "python.levelno", "thread.name", "thread.id")
    for key in ours:
        log["attributes"].pop(key, None)


def without_fatal(log: dict[str, Any]) -> None:
    """`CRITICAL` is an error here, and keeps its name."""
    if log["scope"].name != "api" and log["severity_text"] in ("CRITICAL", "FATAL"):
        log["severity"], log["severity_text"] = 17, "CRITICAL"


def without_short_exceptions(log: dict[str, Any]) -> None:
    """The handler of opentelemetry-instrumentation-logging names a type without its module, and
    takes the first argument for the message. We tell both as everywhere else."""
    attributes = log["attributes"]
    if attributes.get("exception.type") == "Broken":
        attributes["exception.type"] = "__main__.Broken"
        attributes["exception.message"] = str((attributes["exception.message"], "two"))


DIFFERENCES = (without_what_python_says, without_fatal, without_short_exceptions)
"""What differs on purpose, each with its reason; applied to both."""


def run(python: str) -> list[Log]:
    """The records of one run, by their scopes, and in order."""
    with Receiver() as receiver:
        variables = environment(receiver, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")
        if python != sys.executable:
            del variables["PYTHONPATH"]
        subprocess.run([python, PROGRAM], env=variables, check=True, timeout=60)
        return sorted(receiver.logs(), key=lambda log: log.scope.name)


def told(logs: list[Log]) -> list[dict[str, Any]]:
    """Each record, without what no two runs share."""
    found = []
    for log in logs:
        fields = {field.name: getattr(log, field.name) for field in dataclasses.fields(log)}
        for time in ("time_ns", "observed_ns"):
            fields[time] = fields[time] if fields[time] < OF_OLD else "now"
        for forgive in DIFFERENCES:
            forgive(fields)
        del fields["resource"]
        found.append(fields)
    return found


def test_log_records_are_the_same_in_every_field() -> None:
    sdk = os.environ.get("OXITEL_SDK_PYTHON")
    if sdk is None:
        pytest.skip("OXITEL_SDK_PYTHON names no Python with opentelemetry-sdk")
    theirs, ours = told(run(sdk)), told(run(sys.executable))
    assert len(theirs) == 26
    different = [
        (index, field, their[field], our[field])
        for index, (their, our) in enumerate(zip(theirs, ours, strict=True))
        for field in their
        if their[field] != our[field]
    ]
    assert different == []
