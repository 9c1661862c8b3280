"""A program, run on the SDK and on our engine, and what both sent, field by field.

Flow: `both` runs the program in two environments at once, each with a receiver of its own -> `told`
says of each record everything that two runs share, under a name for its place -> `compare` finds
what differs, but for what `differential/allowed.py` allows.
"""

from __future__ import annotations

import copy
import dataclasses
import difflib
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from differential.allowed import Allowed, Fields
from program import environment
from receiver import HEALTH, Log, Point, Receiver, Request, Span, closed_port

HERE = Path(__file__).parent
LIBRARY = HERE / "differential"
"""Where programs find `provider`."""

OF_OLD = 1_750_000_000_000_000_000
"""Times before it were given by the program."""

ABOUT_ITSELF = (HEALTH, "opentelemetry.sdk")
"""Scopes of measurements of the implementation."""

Told = dict[str, Fields]
"""Records by their places."""


@dataclass(frozen=True)
class Environment:
    """A Python with an implementation of OpenTelemetry."""

    variable: str
    what: str
    paths: tuple[Path, ...]

    @property
    def python(self) -> str:
        """The interpreter; without one the test is left out."""
        python = os.environ.get(self.variable)
        if python is None:
            pytest.skip(f"{self.variable} names no Python with {self.what}")
        return python


THEIRS = Environment("OXITEL_SDK_PYTHON", "opentelemetry-sdk", (LIBRARY,))
OURS = Environment(
    "OXITEL_PACKAGES_PYTHON", "instrumentation packages and no SDK", (LIBRARY, HERE.parent)
)


@dataclass(frozen=True)
class Run:
    """What a program sent, and what it had for itself."""

    requests: list[Request]
    words: dict[str, str]
    """For what no two runs share: where Python is, and the port on which the program may serve."""
    ports: set[int]
    """On which somebody serves."""

    @property
    def spans(self) -> list[Span]:
        """All that came."""
        return [span for request in self.requests for span in request.spans]

    @property
    def logs(self) -> list[Log]:
        """All that came."""
        return [log for request in self.requests for log in request.logs]

    @property
    def points(self) -> list[Point]:
        """All that came from the program."""
        return own([point for request in self.requests for point in request.points])


def own(points: list[Point]) -> list[Point]:
    """Those of the program, without what an implementation says about itself."""
    return [point for point in points if not point.scope.name.startswith(ABOUT_ITSELF)]


def both(program: Path, *arguments: str, **variables: str) -> tuple[Run, Run]:
    """The program's runs, on the SDK and on our engine."""
    pythons = [(side, side.python) for side in (THEIRS, OURS)]
    with ThreadPoolExecutor() as pool:
        theirs, ours = pool.map(
            lambda side: run(side[1], side[0].paths, [str(program), *arguments], variables), pythons
        )
    return theirs, ours


def run(
    python: str, paths: Iterable[Path], arguments: Sequence[str], variables: dict[str, str]
) -> Run:
    """One run; a program that fails fails the test with what it said."""
    with Receiver() as receiver:
        port = closed_port()
        given = environment(receiver, OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf", **variables)
        given["PYTHONPATH"] = os.pathsep.join(map(str, paths))
        given["SERVED_PORT"] = str(port)
        ended = subprocess.run(
            [python, *arguments],
            env=given,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, f"{python}:\n{ended.stdout}{ended.stderr}"
        # As whole words: digits of a port may stand in an id.
        words = {re.escape(str(Path(python).parent.parent)): "PREFIX", rf"\b{port}\b": "PORT"}
        served = " ".join([*arguments, *variables.values()])
        return Run(receiver.requests, words, {int(it) for it in re.findall(r":(\d+)", served)})


def told(run: Run) -> Told:
    """Everything that a run sent, without what no two runs share."""
    names = _Names(run)
    found: Told = {}
    for place in sorted(names.spans):
        found[f"span {place}"] = _span(names.spans[place], names)
    count: dict[str, int] = {}
    # Records of several threads come in any order.
    for log in sorted(run.logs, key=lambda log: log.time_ns or log.observed_ns):
        scope = log.scope.name
        count[scope] = count.get(scope, 0) + 1
        found[f"log {count[scope]} of {scope}"] = _log(log, names)
    collections = collected(run.points)
    for number, collection in enumerate(collections):
        before = collections[number - 1] if number else {}
        for series, point in collection.items():
            found[f"point {number} {names.told(series)}"] = _point(point, before.get(series), names)
    for request in run.requests:
        # Who says something about itself alone.
        if request.points and not own(request.points):
            continue
        for resource in request.resources:
            found[f"resource of {request.path}"] = names.told(fields_of(resource))
    return found


def collected(points: list[Point]) -> list[dict[str, Point]]:
    """The points of each collection, by their series."""
    by_time: dict[int, dict[str, Point]] = {}
    for point in points:
        series = f"{point.scope.name} {point.name} {sorted(point.attributes.items())}"
        collection = by_time.setdefault(point.time_ns, {})
        assert series not in collection
        collection[series] = point
    return [by_time[time] for time in sorted(by_time)]


def compare(theirs: Told, ours: Told, *allowed: Allowed) -> None:
    """Fails with every field that differs, and with what is allowed without need."""
    apart = _different(theirs, ours, allowed)
    assert apart == [], "\n".join(["", *apart])
    needless = [
        one.__name__
        for one in allowed
        if not one.by_chance and not _different(theirs, ours, [it for it in allowed if it != one])
    ]
    assert needless == [], "these differences are not there any more"


def _different(theirs: Told, ours: Told, allowed: Sequence[Allowed]) -> list[str]:
    found = []
    for place in sorted(theirs.keys() ^ ours.keys()):
        found.append(f"{place}: only {'ours' if place in ours else 'theirs'}")
    for place in sorted(theirs.keys() & ours.keys()):
        one, two = copy.deepcopy(theirs[place]), copy.deepcopy(ours[place])
        for allow in allowed:
            if place.startswith(allow.of):
                allow.forgive(one)
                allow.forgive(two)
        found += differences(one, two, place)
    return found


def differences(one: Any, two: Any, at: str) -> Iterator[str]:
    """Where two values differ, or are of two types. The order of keys says nothing."""
    if type(one) is not type(two):
        yield f"{at}: {one!r}, ours {two!r}"
    elif isinstance(one, dict):
        for key in sorted(one.keys() ^ two.keys()):
            yield f"{at}.{key}: {one.get(key, 'nothing')!r}, ours {two.get(key, 'nothing')!r}"
        for key in sorted(one.keys() & two.keys()):
            yield from differences(one[key], two[key], f"{at}.{key}")
    elif isinstance(one, list) and len(one) == len(two):
        for index, (first, second) in enumerate(zip(one, two, strict=True)):
            yield from differences(first, second, f"{at}[{index}]")
    elif dataclasses.is_dataclass(one):
        yield from differences(fields_of(one), fields_of(two), at)
    elif isinstance(one, str) and one != two:
        lines = difflib.ndiff(one.splitlines(), two.splitlines())
        yield "\n".join([f"{at}:", *(line for line in lines if not line.startswith(" "))])
    elif one != two:
        yield f"{at}: {one!r}, ours {two!r}"


def fields_of(record: Any) -> Fields:
    """A record's fields, but for whose it is: that is compared once."""
    return {
        field.name: getattr(record, field.name)
        for field in dataclasses.fields(record)
        if field.name not in ("resource", "data")
    }


class _Names:
    """Places of spans for their ids, and words for what a run has of its own."""

    def __init__(self, run: Run) -> None:
        self.spans = _placed(run.spans)
        self._ids = {span.span_id: f"span {place}" for place, span in self.spans.items()}
        for place, span in self.spans.items():
            self._ids.setdefault(span.trace_id, f"trace of {place}")
        self._words = run.words
        self._ports = run.ports

    def told(self, value: Any, key: str = "") -> Any:
        """The value with these names in it, however deep."""
        if isinstance(value, str):
            for own, word in self._words.items():
                value = re.sub(own, word, value)
            return self._ids.get(value, value)
        if isinstance(value, dict):
            return {key: self.told(item, key) for key, item in value.items()}
        if isinstance(value, list):
            return [self.told(item) for item in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return dataclasses.replace(value, **self.told(fields_of(value)))
        if key.endswith(".port") and isinstance(value, int):
            return self._words.get(str(value), value if value in self._ports else "of a client")
        return value


def _placed(spans: list[Span]) -> dict[str, Span]:
    """Spans by their places in the tree; siblings of one name by their starts."""
    by_id = {span.span_id: span for span in spans}
    places: dict[str, str] = {}
    found: dict[str, Span] = {}

    def place(span: Span) -> str:
        if span.span_id not in places:
            above = by_id.get(span.parent_id)
            here = span.name if above is None else f"{place(above)} > {span.name}"
            while here in found:
                here += "'"
            places[span.span_id] = here
            found[here] = span
        return places[span.span_id]

    for span in sorted(spans, key=lambda span: span.start_ns):
        place(span)
    return found


def _time(time_ns: int) -> int | str:
    return time_ns if time_ns < OF_OLD else "now"


def _span(span: Span, names: _Names) -> Fields:
    fields = names.told(fields_of(span))
    fields |= {name: _time(fields[name]) for name in ("start_ns", "end_ns")}
    fields["lasts"] = span.end_ns >= span.start_ns
    fields["times of events"] = [_time(event.time_ns) for event in span.events]
    fields["events"] = [dataclasses.replace(event, time_ns=0) for event in fields["events"]]
    return fields


def _log(log: Log, names: _Names) -> Fields:
    fields = names.told(fields_of(log))
    return fields | {name: _time(fields[name]) for name in ("time_ns", "observed_ns")}


def _point(point: Point, before: Point | None, names: _Names) -> Fields:
    fields = names.told(fields_of(point))
    del fields["time_ns"], fields["start_ns"]
    fields["exemplars"] = [dataclasses.replace(it, time_ns=0) for it in fields["exemplars"]]
    fields["begins"] = (
        "never"
        if point.start_ns == 0
        else "before"
        if before is None or point.start_ns < before.time_ns
        else "where the one before ends"
    )
    return fields
