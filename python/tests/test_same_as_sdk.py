"""Programs send the same on our engine as on the SDK: every field of every record.

Each program of `differential/` runs twice, in this environment and in one with opentelemetry-sdk
(`OXITEL_SDK_PYTHON`), and both send to a receiver.
"""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from program import environment
from receiver import Receiver, Span

FOLDER = Path(__file__).parent / "differential"


def without_flags(span: dict[str, Any]) -> None:
    """The SDK leaves out the W3C flags, which OTLP has room for."""
    span["flags"] &= ~0xFF
    span["links"] = [dataclasses.replace(link, flags=link.flags & ~0xFF) for link in span["links"]]


def without_states_of_links(span: dict[str, Any]) -> None:
    """The SDK leaves out the trace state of links, which the protocol has a field for."""
    span["links"] = [dataclasses.replace(link, trace_state="") for link in span["links"]]


def without_frames_of_the_api(span: dict[str, Any]) -> None:
    """The SDK is part of the tracebacks that it records; we are not."""
    of_api = re.compile(r'  File "[^"]*/opentelemetry/(sdk/)?trace/__init__[.]py".*\n    .*\n')
    for event in span["events"]:
        if stack := event.attributes.get("exception.stacktrace"):
            event.attributes["exception.stacktrace"] = of_api.sub("", stack)


DIFFERENCES = (without_flags, without_states_of_links, without_frames_of_the_api)
"""What differs on purpose, each with its reason; applied to both."""

OF_OLD = 1_750_000_000_000_000_000
"""Times before it were given by the program."""


def run(python: str, program: str) -> list[Span]:
    """The spans of one run."""
    with Receiver() as receiver:
        variables = environment(receiver, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf")
        if python != sys.executable:
            del variables["PYTHONPATH"]
        subprocess.run([python, FOLDER / program], env=variables, check=True, timeout=60)
        return receiver.spans()


def told(spans: list[Span]) -> dict[str, dict[str, Any]]:
    """Each span by its place in the tree, without what no two runs share."""
    by_id = {span.span_id: span for span in spans}
    traces: dict[str, str] = {}

    def path(span: Span) -> str:
        parent = by_id.get(span.parent_id)
        above = path(parent) + " > " if parent is not None else ""
        return above + span.name

    def time(time_ns: int) -> Any:
        return time_ns if time_ns < OF_OLD else "now"

    found: dict[str, dict[str, Any]] = {}
    for span in sorted(spans, key=lambda span: (path(span), span.start_ns)):
        fields = {name: getattr(span, name) for name in (f.name for f in dataclasses.fields(span))}
        is_root = span.parent_id == ""
        fields["trace_id"] = traces.setdefault(span.trace_id, f"trace of {path(span)}")
        fields["span_id"] = len(span.span_id)
        fields["parent_id"] = "" if is_root else by_id.get(span.parent_id, span).name
        fields["start_ns"], fields["end_ns"] = time(span.start_ns), time(span.end_ns)
        fields["lasts"] = span.end_ns >= span.start_ns
        fields["events"] = [
            dataclasses.replace(event, time_ns=0) if event.time_ns >= OF_OLD else event
            for event in span.events
        ]
        for forgive in DIFFERENCES:
            forgive(fields)
        del fields["resource"]
        place = path(span)
        while place in found:
            place += "'"
        found[place] = fields
    return found


@pytest.mark.parametrize("program", ["spans.py"])
def test_spans_are_the_same_in_every_field(program: str) -> None:
    sdk = os.environ.get("OXITEL_SDK_PYTHON")
    if sdk is None:
        pytest.skip("OXITEL_SDK_PYTHON names no Python with opentelemetry-sdk")
    theirs, ours = told(run(sdk, program)), told(run(sys.executable, program))
    assert list(ours) == list(theirs)
    different = {
        (place, field): (theirs[place][field], ours[place][field])
        for place in theirs
        for field in theirs[place]
        if theirs[place][field] != ours[place][field]
    }
    assert different == {}
