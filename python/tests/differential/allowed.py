"""What our engine may send in another way than the SDK: the whole list, each with its reason.

Each takes the difference from the fields of one record, and is applied to both sides. A program
names those that it needs; one that is not needed any more fails its test.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Fields = dict[str, Any]


@dataclass(frozen=True)
class Allowed:
    """A difference on purpose."""

    of: str
    """The records that it is about: how their places begin."""
    forgive: Callable[[Fields], None]
    by_chance: bool
    """Whether it is there in some runs alone."""

    @property
    def __name__(self) -> str:
        return self.forgive.__name__


def of(records: str, *, by_chance: bool = False) -> Callable[[Callable[[Fields], None]], Allowed]:
    """Makes a function such a difference."""
    return lambda forgive: Allowed(records, forgive, by_chance)


@of("resource")
def without_names_of_the_implementation(fields: Fields) -> None:
    """Who implements OpenTelemetry is for each to say of itself."""
    for key in list(fields["attributes"]):
        if key.startswith(("telemetry.sdk.", "telemetry.distro.")):
            del fields["attributes"][key]


@of("resource")
def without_what_we_detect(fields: Fields) -> None:
    """We say which process it was and where it ran; the SDK does when asked to."""
    for key in list(fields["attributes"]):
        if key.startswith(("process.", "host.", "os.", "service.instance.")):
            del fields["attributes"][key]


@of("span")
def without_flags(fields: Fields) -> None:
    """The SDK leaves out the W3C flags of spans and links, which OTLP has room for."""
    fields["flags"] &= ~0xFF
    fields["links"] = [
        dataclasses.replace(link, flags=link.flags & ~0xFF) for link in fields["links"]
    ]


@of("span")
def without_states_of_links(fields: Fields) -> None:
    """The SDK leaves out the trace state of links, which the protocol has a field for."""
    fields["links"] = [dataclasses.replace(link, trace_state="") for link in fields["links"]]


OF_API = re.compile(
    r'  File "[^"]*/opentelemetry/(sdk/)?trace/__init__[.]py".*\n    .*\n(    [ ~^]+\n)?'
)


@of("")
def without_frames_of_the_api(fields: Fields) -> None:
    """The SDK is part of the tracebacks that it records; we are not."""
    for attributes in [fields["attributes"], *(it.attributes for it in fields.get("events", ()))]:
        if stack := attributes.get("exception.stacktrace"):
            attributes["exception.stacktrace"] = OF_API.sub("", stack)


IN_STATEMENTS = (
    (re.compile(r"/[*].*?[*]/|--[^\n]*", re.DOTALL), ""),
    (re.compile(r"""'[^']*'|"[^"]*"|(?<![$\w.])\d+\b"""), "?"),
    (re.compile(r"\s+(?=\n|$)"), ""),
)


@of("span")
def without_values_in_statements(fields: Fields) -> None:
    """Values and remarks leave statements to databases before we send them, for privacy."""
    for key in ("db.statement", "db.query.text"):
        if key in fields["attributes"]:
            for pattern, instead in IN_STATEMENTS:
                fields["attributes"][key] = pattern.sub(instead, fields["attributes"][key])


@of("log")
def without_what_python_says(fields: Fields) -> None:
    """Where a record was made, its level's number and its thread, which nobody else tells."""
    for key in ("python.module", "python.line", "python.levelno", "thread.name", "thread.id"):
        fields["attributes"].pop(key, None)


@of("log")
def without_spans_that_are_not_sampled(fields: Fields) -> None:
    """A span that is not sampled takes over the ids above it, so that it costs next to nothing. A
    record in one names what is above; that of the SDK names a span that nobody gets."""
    if fields["trace_id"] and not fields["flags"] & 1:
        fields["span_id"] = "not sampled"


@of("log")
def without_fatal(fields: Fields) -> None:
    """`CRITICAL` of `logging` is an error here, and keeps its name."""
    if fields["severity_text"] in ("CRITICAL", "FATAL"):
        fields["severity"], fields["severity_text"] = 17, "CRITICAL"


@of("log")
def without_short_exceptions(fields: Fields) -> None:
    """The handler of opentelemetry-instrumentation-logging names a type without its module, and
    takes the first argument for the message. We tell both as everywhere else."""
    attributes = fields["attributes"]
    if attributes.get("exception.type") == "Broken":
        attributes["exception.type"] = "__main__.Broken"
        attributes["exception.message"] = str((attributes["exception.message"], "two"))


@of("point", by_chance=True)
def without_choice_of_examples(fields: Fields) -> None:
    """Which of many measurements stands for them is left to chance by us. The SDK throws a dice
    for sums alone, and takes the last one of a histogram's bucket."""
    of_many = sum(fields["buckets"]) != len([count for count in fields["buckets"] if count])
    if of_many or fields["kind"] == "sum":
        fields["exemplars"] = len(fields["exemplars"])


def take_repeated_gauges(theirs: dict[str, Fields], ours: dict[str, Fields]) -> None:
    """With deltas, the SDK repeats a gauge that nobody has set since the last collection; we do
    not, as the SDKs of other languages. Such a point may be on their side alone."""
    for place in theirs.keys() - ours.keys():
        if theirs[place]["kind"] == "gauge":
            del theirs[place]


RESOURCES = (without_names_of_the_implementation, without_what_we_detect)
SPANS = (*RESOURCES, without_flags)
LOGS = (*RESOURCES, without_what_python_says)
