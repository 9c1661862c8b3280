"""How each program here begins: nothing of the SDK is there when it is ours, and time stands still
but for 1/64 s at each look, so that durations can be compared as well.
"""

from __future__ import annotations

import importlib.util
import threading
import time
import timeit

import provider


class _Clock(threading.local):
    """One for each thread: no thread sees how often another looked."""

    seconds = 1000.0

    def look(self) -> float:
        self.seconds += 1 / 64
        return self.seconds


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def begin(*, listening: bool = False) -> None:
    """Before any library is loaded."""
    if provider.IS_OURS:
        there = [it for it in ("opentelemetry.sdk", "google.protobuf", "grpc") if _is_there(it)]
        assert not there, f"{there} should not be in this environment"
    timeit.default_timer = time.perf_counter = _Clock().look
    provider.install(listening=listening)
