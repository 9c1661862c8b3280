"""Programs send the same metrics on our engine as on the SDK: every field of every point.

The program `differential/metrics.py` runs twice, in this environment and in one with
opentelemetry-sdk (`OXITEL_SDK_PYTHON`), and both send to a receiver.
"""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from program import environment
from receiver import Point, Receiver

PROGRAM = Path(__file__).parent / "differential" / "metrics.py"

Collections = list[dict[str, Point]]


def run(python: str, seed: int, preference: str) -> Collections:
    """The points of one run, collection by collection."""
    with Receiver() as receiver:
        variables = environment(
            receiver,
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
            OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=preference,
        )
        if python != sys.executable:
            del variables["PYTHONPATH"]
        arguments = [python, PROGRAM, str(seed)]
        subprocess.run(arguments, env=variables, check=True, timeout=60, stderr=subprocess.DEVNULL)
        collections: dict[int, dict[str, Point]] = {}
        for point in receiver.points():
            place = f"{point.scope.name} {point.name} {sorted(point.attributes.items())}"
            collected = collections.setdefault(point.time_ns, {})
            assert place not in collected
            collected[place] = point
        return [collections[time] for time in sorted(collections)]


def told(collections: Collections, number: int, place: str) -> dict[str, Any]:
    """What a point says, without what no two runs share."""
    point = collections[number][place]
    fields = {name: getattr(point, name) for name in (f.name for f in dataclasses.fields(point))}
    for name in ("data", "resource", "time_ns", "start_ns"):
        del fields[name]
    fields["type"] = type(point.value)
    fields["exemplars"] = [
        (type(it.value), dataclasses.replace(it, time_ns=0)) for it in point.exemplars
    ]
    before = collections[number - 1].get(place) if number > 0 else None
    fields["begins"] = (
        "never"
        if point.start_ns == 0
        else "before"
        if before is None or point.start_ns < before.time_ns
        else "where the one before ends"
    )
    return fields


def is_forgiven(place: str, preference: str) -> bool:
    """Whether one side alone may have this point: with deltas, the SDK repeats a gauge that nobody
    has set since the last collection; we do not, as the SDKs of other languages."""
    return preference == "delta" and place.startswith("shop shop.level ")


@pytest.mark.parametrize("preference", ["cumulative", "delta", "lowmemory"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_metrics_are_the_same_in_every_field(seed: int, preference: str) -> None:
    sdk = os.environ.get("OXITEL_SDK_PYTHON")
    if sdk is None:
        pytest.skip("OXITEL_SDK_PYTHON names no Python with opentelemetry-sdk")
    theirs, ours = run(sdk, seed, preference), run(sys.executable, seed, preference)
    assert len(ours) == len(theirs)
    for number, (one, two) in enumerate(zip(theirs, ours, strict=True)):
        apart = {place for place in one.keys() ^ two.keys() if not is_forgiven(place, preference)}
        assert apart == set(), f"collection {number}"
    different = {}
    for number, collected in enumerate(theirs):
        for place in collected.keys() & ours[number].keys():
            one, two = told(theirs, number, place), told(ours, number, place)
            for field in one:
                if one[field] != two[field]:
                    different[number, place, field] = (one[field], two[field])
    assert different == {}
