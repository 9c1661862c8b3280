"""SIGTERM ends Python at once, with what is queued and without `atexit`. Here the engine sends
what it has first, on a thread of its own, and then the signal does what it does by default.

A program or server that handles the signal keeps it. Some give it back before they end: uvicorn
puts the default in its place again and raises the signal once more. That is why `signal.signal` is
looked at: where the default comes back, the engine does, too.
"""

from __future__ import annotations

import functools
import signal
from typing import Any

from oxitel import _native
from oxitel._said import warn

_seconds: float | None = None
"""How long the end may take; `None` until somebody watches."""


def watch(seconds: float) -> None:
    """From now on, and in a forked child when it is called there."""
    global _seconds
    if _seconds is None and hasattr(signal, "SIGTERM"):
        signal.signal = _looked_at(signal.signal)
    _seconds = seconds
    _arm()


def watch_again() -> None:
    """In a child, if its parent watches."""
    if _seconds is not None:
        _arm()


def _arm() -> None:
    try:
        _native.end_by_signals(_seconds or 0.0)
    except OSError as error:
        warn("signals", f"SIGTERM ends this process before everything is sent: {error}")


def _looked_at(set_handler: Any) -> Any:
    @functools.wraps(set_handler)
    def signal(signalnum: int, handler: Any) -> Any:
        before = set_handler(signalnum, handler)
        if handler == _DEFAULT and signalnum in _ENDING and _native.is_running():
            _arm()
        return before

    return signal


_DEFAULT = signal.SIG_DFL
_ENDING = (signal.SIGTERM, signal.SIGINT)
