"""One engine for a process: a second interpreter in it is told so, and the first goes on."""

from __future__ import annotations

import pytest
from program import run_program
from receiver import Receiver

PROGRAM = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

def in_another(code):
    # Once with a lock of its own, where Python has that, once with ours.
    for kind in ("isolated", "legacy"):
        try:
            other = interpreters.create(kind)
        except (TypeError, ValueError):
            other = interpreters.create(isolated=kind == "isolated")
        code = f"import sys; sys.path[:] = {sys.path!r}\\n" + code
        try:
            failed = interpreters.run_string(other, code)
            print(failed.formatted if failed else "no failure")
        except Exception as error:
            print(error)
        interpreters.destroy(other)
"""


@pytest.mark.parametrize("line", ["import oxitel", "from oxitel import _native"])
@pytest.mark.parametrize("is_first", [True, False], ids=["first", "later"])
def test_a_subinterpreter_is_told_what_to_do(receiver: Receiver, line: str, is_first: bool) -> None:
    attempt = f"in_another({line!r})\n"
    rest = """
import oxitel
oxitel.enable_telemetry()
with oxitel.get_telemetry("shop").trace("order"):
    pass
"""
    program = PROGRAM + (attempt + rest if is_first else rest + attempt)
    said = run_program(program, receiver).stdout.splitlines()
    assert len(said) == 2
    for words in said:
        assert "oxitel cannot be used in a subinterpreter" in words
        assert "single-interpreter = true" in words
    assert len(receiver.spans("order")) == 1
