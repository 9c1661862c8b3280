"""Several Rust extensions in one process: one trace over all of them.

`guest` is a second extension, with another PyO3 and another allocator than ours.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from extension import guest_folder
from program import PACKAGE, Ended, run_program
from receiver import Receiver

pytestmark = pytest.mark.skipif(shutil.which("cargo") is None, reason="the guest needs cargo")

CHAIN = """
def chain(name):
    "Python -> Rust -> Python -> Rust"
    def callback():
        with tracer.start_as_current_span(f"{name}.callback"):
            guest.leaf(f"{name}.leaf")
    before = trace.get_current_span()
    with tracer.start_as_current_span(f"{name}.python"):
        guest.call(f"{name}.call", callback)
    assert trace.get_current_span() is before
    assert not guest.left_over()
"""

BEGIN = (
    """
import guest
import oxitel
from opentelemetry import trace
tracer = trace.get_tracer("python")
oxitel.enable_telemetry()
"""
    + CHAIN
)


def run(code: str, receiver: Receiver, begin: str = BEGIN, **options: Any) -> Ended:
    """Runs a program that can import `guest`."""
    program = begin + "\n" + code
    return run_program(program, receiver, PYTHONPATH=_path(PACKAGE, guest_folder()), **options)


def _path(*folders: Path) -> str:
    return os.pathsep.join(map(str, folders))


def assert_chain(receiver: Receiver, name: str) -> None:
    """The four spans of a chain are one below the other."""
    names = [f"{name}.{part}" for part in ("python", "call", "callback", "leaf")]
    spans = [receiver.span(name) for name in names]
    parents = ["", *(span.span_id for span in spans)]
    for span, parent in zip(spans, parents, strict=False):
        assert (span.parent_id, span.trace_id) == (parent, spans[0].trace_id), span.name
