"""The guide: each of its programs runs as it stands, says nothing it should not, and sends."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from program import PACKAGE, environment, run_program
from receiver import LIMIT_SECONDS, Receiver

GUIDE = PACKAGE.parent / "docs" / "guide" / "python.md"


@dataclass(frozen=True)
class Example:
    """A program in the guide."""

    line: int
    code: str
    output: str | None
    """What the page shows of its output."""
    is_test: bool


def examples() -> list[Example]:
    found: list[Example] = []
    text = GUIDE.read_text()
    block = re.compile(r"^```(\w+)( test)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    for match in block.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match[1] == "python":
            found.append(Example(line, match[3], None, bool(match[2])))
        elif match[1] == "text":
            last = found.pop()
            found.append(Example(last.line, last.code, match[3], last.is_test))
    return found


EXAMPLES = examples()
PROGRAMS = [example for example in EXAMPLES if not example.is_test]
TESTS = [example for example in EXAMPLES if example.is_test]


def test_the_guide_has_examples() -> None:
    assert len(PROGRAMS) > 10
    assert len(TESTS) == 1


@pytest.mark.parametrize("example", PROGRAMS, ids=lambda example: f"line {example.line}")
def test_a_program_of_the_guide_runs(receiver: Receiver, example: Example) -> None:
    # The port that the page names is nobody's here.
    code = example.code.replace("localhost:4317", f"127.0.0.1:{receiver.port}")
    # What Python says of threads and forks since 3.12; the page says so.
    ended = run_program(code, receiver, options=["-W", "ignore:This process:DeprecationWarning"])
    assert ended.stderr == ""
    if example.output is not None:
        assert ended.stdout == example.output
    if ".trace(" in code and "capture" not in code:
        assert receiver.spans()


@pytest.mark.parametrize("example", TESTS, ids=lambda example: f"line {example.line}")
def test_a_test_of_the_guide_passes(tmp_path: Path, example: Example) -> None:
    (tmp_path / "test_shop.py").write_text(example.code)
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        env=environment(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert "1 passed" in ended.stdout, ended.stdout + ended.stderr


def test_every_public_name_is_in_the_guide() -> None:
    import oxitel

    text = GUIDE.read_text()
    missing = [name for name in oxitel.__all__ if not re.search(rf"\b{name}\b", text)]
    assert missing == []


def test_every_option_is_in_the_guide() -> None:
    import inspect

    import oxitel

    text = GUIDE.read_text()
    for call in (oxitel.enable_telemetry, oxitel.configure_telemetry):
        for name in inspect.signature(call).parameters:
            assert re.search(rf"^\| `{name}[`=]", text, re.MULTILINE), name


def section(heading: str) -> str:
    pattern = re.compile(rf"^## {heading}\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    found = pattern.search(GUIDE.read_text())
    assert found, heading
    return found[1]


def run_section(heading: str, receiver: Receiver) -> list[str]:
    """Runs all programs of a section; returns what each of them wrote."""
    programs = re.findall(r"^```python\n(.*?)^```$", section(heading), re.DOTALL | re.MULTILINE)
    assert programs
    return [run_program(code, receiver).stdout for code in programs]


def test_good_names_and_metric_types_stand_beside_bad_ones() -> None:
    text = section("Good habits")
    assert re.search(r"^\| Good \| Bad \| Why \|$", text, re.MULTILINE)
    for row in ("charge_card", "counter", "histogram", "gauge, asked by a callback"):
        assert re.search(rf"^\| `?{row}`? \|", text, re.MULTILINE), row
    assert "print(f" in text and "log_info(" in text


def test_the_example_of_a_request_sends_all_that_it_says(receiver: Receiver) -> None:
    run_section("Good habits", receiver)
    order = receiver.span("handle_order")
    expected = {"order_id": 17, "user_id": "u-5", "amount": 12.5, "is_gift": False}
    assert order.attributes == expected
    [record] = receiver.logs()
    assert record.span_id == order.span_id and record.attributes["order_id"] == 17
    assert receiver.points("orders_total")[0].value == 1
    assert receiver.points("orders_waiting")[0].value == 0
    assert receiver.points("request_duration_ms")[0].attributes == {"route": "/orders"}


def test_the_trace_in_the_guide_is_a_tree_with_times_and_attributes(receiver: Receiver) -> None:
    [shown] = run_section("Reading a trace", receiver)
    lines = shown.splitlines()
    assert [line.strip().split()[0] for line in lines] == [
        "api_gateway.handle_request",
        "orchestrator.process",
        "llm.generate",
        "httpx.post",
        "-",
        "tts.synthesize",
        "redis.get",
    ]
    assert [len(line) - len(line.lstrip()) for line in lines] == [0, 2, 4, 6, 8, 4, 6]
    assert lines[-1].endswith("table=voices op=get")


def test_headers_by_hand_continue_a_trace(receiver: Receiver) -> None:
    """Its programs assert it themselves."""
    assert len(run_section("Headers by hand", receiver)) == 2
    assert "client.post(" in section("Headers by hand")


def test_what_instrument_all_does_is_said_with_its_condition() -> None:
    assert "After it\nthere is no span to write by hand" in section("Libraries")


def test_a_sampler_and_processors_of_the_guide_change_what_is_sent(receiver: Receiver) -> None:
    run_section("Samplers and processors of your own", receiver)
    [span] = receiver.spans()
    assert (span.name, span.attributes) == ("GET /orders", {"tenant": "blue"})
    [record] = receiver.logs()
    assert record.body == "taken" and "address" not in record.attributes


def test_troubles_have_their_commands_and_pages_their_links() -> None:
    troubles = section("What goes wrong, and what to do")
    for said in ("curl http://localhost:16686", "echo $OTEL_EXPORTER_JAEGER_ENDPOINT", "4317"):
        assert said in troubles
    links = section("Where to look further")
    for link in ("https://opentelemetry.io/docs", ":16686", ":9090", ":3000"):
        assert link in links
