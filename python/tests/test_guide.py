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
