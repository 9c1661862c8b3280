"""What becomes of values: the table of the guide, and what would break a careless one."""

from __future__ import annotations

import array
import collections
import collections.abc
import datetime
import decimal
import enum
import math
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from oxitel._logs import LoggerProvider
from oxitel._metrics import MeterProvider
from oxitel._trace import TracerProvider
from program import run_program
from receiver import Receiver

Start = Callable[..., bool]


class Colour(enum.Enum):
    RED = 1


class Number(enum.IntEnum):
    FIVE = 5


class Text(str, enum.Enum):
    B = "b"


class Hostile(str):
    def __str__(self) -> str:
        raise ValueError("hostile")

    def __len__(self) -> int:
        raise ValueError("hostile")


class Whole(int):
    def __str__(self) -> str:
        raise ValueError("hostile")


class Plain:
    """What `object` says of it helps nobody."""


class Named:
    def __repr__(self) -> str:
        return "named"


class Silent:
    def __str__(self) -> str:
        raise ValueError("nothing to say")


class Endless:
    def __str__(self) -> str:
        return str(self)


class Leaving:
    def __str__(self) -> str:
        raise SystemExit(3)


class Array:
    """An array or scalar as numpy's look."""

    dtype = "float64"

    def __init__(self, value: Any, size: int) -> None:
        self.value, self.size = value, size

    def tolist(self) -> Any:
        assert self.size <= 10_000
        return self.value

    def __str__(self) -> str:
        return "[0 ... 0]"


class Broken(collections.abc.Mapping[str, int]):
    def __getitem__(self, key: str) -> int:
        raise RuntimeError("broken")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("broken")

    def __len__(self) -> int:
        return 3


Point = collections.namedtuple("Point", "x y")

MIXED = [1, "a", 2.5, True, None, b"x", [2]]

TABLE: dict[str, tuple[Any, Any]] = {
    "nothing": (None, None),
    "flag": (True, True),
    "text": ("ä", "ä"),
    "empty text": ("", ""),
    "bytes": (b"\xff\x00", b"\xff\x00"),
    "whole": (-(2**63), -(2**63)),
    "beyond 64 bits": (2**63, str(2**63)),
    "far beyond": (-(2**80), str(-(2**80))),
    "infinite": (math.inf, math.inf),
    "mixed": (MIXED, MIXED),
    "tuple": (Point(1, 2), [1, 2]),
    "range": (range(3), [0, 1, 2]),
    "deque": (collections.deque([1, 2]), [1, 2]),
    "array": (array.array("i", [1, 2]), [1, 2]),
    "empty list": ([], []),
    "empty map": ({}, {}),
    "map": ({"a": {"b": [1, {"c": b"x"}]}}, {"a": {"b": [1, {"c": b"x"}]}}),
    "keys": ({1: 2, None: 3, (4,): 5}, {"1": 2, "None": 3, "(4,)": 5}),
    "keys that become one": ({1: "a", "1": "b", "2": "c"}, {"1": "b", "2": "c"}),
    "mapping": (collections.UserDict(a=1), {"a": 1}),
    "enum": (Colour.RED, "Colour.RED"),
    "enum of numbers": (Number.FIVE, 5),
    "enum of texts": (Text.B, "b"),
    "derived text": (Hostile("text"), "text"),
    "derived number": (Whole(7), 7),
    "derived beyond 64 bits": (Whole(2**70), "<Whole that cannot be printed>"),
    "decimal": (decimal.Decimal("1.50"), "1.50"),
    "time": (datetime.datetime(2020, 1, 2, 3, 4), "2020-01-02 03:04:00"),
    "uuid": (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005"),
    "path": (Path("/a"), "/a"),
    "set": ({1}, "{1}"),
    "exception": (ValueError("broken"), "broken"),
    "scalar of numpy": (Array(1.5, 1), 1.5),
    "array of numpy": (Array([[1.0, 0.0], [0.0, 1.0]], 4), [[1.0, 0.0], [0.0, 1.0]]),
    "long array of numpy": (Array([], 10_001), "[0 ... 0]"),
    "plain": (Plain(), None),
    "named": (Named(), "named"),
    "silent": (Silent(), "<Silent that cannot be printed>"),
    "endless": (Endless(), "<Endless that cannot be printed>"),
    "leaving": (Leaving(), "<Leaving that cannot be printed>"),
    "broken": (Broken(), {}),
    "long": ("x" * 1_000_000, "x" * 1_000_000),
}


def test_each_value_arrives_as_the_table_says(start: Start, receiver: Receiver) -> None:
    start()
    tracer = TracerProvider().get_tracer("tests")
    given: Any = {key: value for key, (value, _) in TABLE.items()}
    for key, value in given.items():
        with tracer.start_as_current_span(f"set {key}") as span:
            span.set_attribute("value", value)
            span.add_event("event", {"value": value})
    with tracer.start_as_current_span("begun", attributes=given):
        pass
    LoggerProvider().get_logger("tests").emit(body=given, attributes=given)
    twice: Any = {1: "a", "1": "b"}
    tracer.start_span("twice", attributes=twice).end()
    MeterProvider().get_meter("tests").create_counter("twice").add(1, twice)
    assert TracerProvider().force_flush()
    assert receiver.span("twice").attributes == {"1": "b"}
    assert receiver.points("twice")[0].attributes == {"1": "b"}
    begun, [log] = receiver.span("begun").attributes, receiver.logs()
    for key, (_, expected) in TABLE.items():
        span = receiver.span(f"set {key}")
        [event] = span.events
        arrived = [span.attributes, event.attributes]
        shown = [pairs.get("value", "missing") for pairs in arrived]
        shown += [pairs.get(key, "missing") for pairs in (begun, log.attributes, log.body)]
        assert shown == [expected] * 5, key
        assert {type(value) for value in shown} == {type(expected)}, key


def test_no_number_is_one_too(start: Start, receiver: Receiver) -> None:
    start()
    TracerProvider().get_tracer("tests").start_span("work", attributes={"nan": math.nan}).end()
    assert TracerProvider().force_flush()
    assert math.isnan(receiver.span("work").attributes["nan"])


def test_what_has_no_end_ends(start: Start, receiver: Receiver) -> None:
    class Growing(dict[str, int]):
        def items(self) -> Any:
            return ((f"key {number}", number) for number in iter(int, 1))

    class Long(collections.abc.Sequence[int]):
        def __len__(self) -> int:
            return 10**12

        def __getitem__(self, index: Any) -> Any:
            return index

    within: Any = []
    within.append(within)
    itself: Any = {}
    itself["itself"] = itself
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    start()
    tracer = TracerProvider().get_tracer("tests")
    values: Any = {"long": Long(), "within": within, "itself": itself, "deep": deep}
    values["growing"] = Growing(a=1)
    with tracer.start_as_current_span("work", attributes=Growing(a=1)) as span:
        span.set_attributes(values)
    counter = MeterProvider().get_meter("tests").create_counter("orders")
    counter.add(1, values)
    assert TracerProvider().force_flush()
    attributes = receiver.span("work").attributes
    assert attributes["long"] == list(range(10_000))
    levels = 0
    value = attributes["deep"]
    while value:
        [value], levels = value, levels + 1
    assert levels == 46
    assert len(str(attributes["within"])) == 2 * 47
    assert str(attributes["itself"]).count("itself") == 30
    assert receiver.points("orders")[0].value == 1


def test_a_dict_that_changes_while_it_is_read_is_what_it_was(
    start: Start, receiver: Receiver
) -> None:
    given: dict[str, Any] = {"first": 1}

    class Changing:
        def __str__(self) -> str:
            given.clear()
            given.update({str(number): number for number in range(1000)})
            return "changed"

    given["changing"], given["last"] = Changing(), 2
    start()
    TracerProvider().get_tracer("tests").start_span("work", attributes=given).end()
    assert TracerProvider().force_flush()
    assert receiver.span("work").attributes == {"first": 1, "changing": "changed", "last": 2}


def test_whoever_interrupts_a_text_interrupts_the_program() -> None:
    """The handler of a signal runs wherever the program is: in a `__str__`, too."""
    ended = run_program(
        """
        import os, signal, time
        import oxitel
        oxitel.configure_telemetry(enable_prometheus=False)

        class Slow:
            def __str__(self):
                os.kill(os.getpid(), signal.SIGINT)
                for _ in range(1000): pass
                return "never"

        try:
            with oxitel.get_telemetry("shop").trace("order") as span:
                span.set_attribute("slow", Slow())
                for _ in range(1000): pass
                print("went on")
        except KeyboardInterrupt:
            print("interrupted", span.attributes["slow"])
        """
    )
    assert ended.stdout == "interrupted <Slow that cannot be printed>\n"


GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "python.md"


@pytest.mark.parametrize("type_", ["None", "int", "Sequence", "Mapping", "dtype", "anything else"])
def test_the_table_is_in_the_guide(type_: str) -> None:
    assert re.search(rf"^\| .*{type_}.* \| .* \|$", GUIDE.read_text(), re.MULTILINE), type_
