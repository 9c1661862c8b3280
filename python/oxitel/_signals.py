"""SIGTERM ends Python at once, with what is queued and without `atexit`. Here the engine sends
what it has first, on a thread of its own, and then the signal does what it does by default.

Only a signal that nobody handles is taken, below Python: `signal.getsignal` says `SIG_DFL` as
before, so that libraries that ask before they install a handler of theirs do, and those that call
the handler before theirs have none to call. A handler of the program or of a server stays its own.

Some give the signal back before they end: uvicorn puts the default in its place again and raises
the signal once more. No other sign of it reaches us than the call of `signal.signal`, which
therefore has a successor that calls it and looks at nothing else, until telemetry ends.
"""

from __future__ import annotations

import functools
import signal
from typing import Any

from oxitel import _native
from oxitel._said import warn

_seconds = 0.0
"""How long the end may take."""

_theirs: Any = None
_ours: Any = None
"""`signal.signal` before us, and what stands in for it; `None` as long as nobody watches."""


def watch(seconds: float) -> None:
    """From now on, in this process and in those that are forked from it."""
    global _seconds, _theirs, _ours
    _seconds = seconds
    if _ours is None:
        _theirs = signal.signal
        signal.signal = _ours = _successor(_theirs)
    _arm()


def watch_no_more() -> None:
    """Leaves everything as it was, but what somebody else has put on top of it."""
    global _ours
    if _ours is None:
        return
    if signal.signal is _ours:
        signal.signal = _theirs
        _ours = None
    _native.let_signals_go()


def _arm() -> None:
    try:
        _native.end_by_signals(_seconds)
    except OSError as error:
        warn("signals", f"SIGTERM ends this process before everything is sent: {error}")


def _successor(set_handler: Any) -> Any:
    @functools.wraps(set_handler)
    def signal(signalnum: int, handler: Any) -> Any:
        before = set_handler(signalnum, handler)
        # Not `==`, which would be code of the program.
        is_default = isinstance(handler, int) and handler == _DEFAULT
        if is_default and signalnum in _ENDING and _native.is_running():
            _arm()
        return before

    return signal


_DEFAULT = signal.SIG_DFL
_ENDING = (signal.SIGTERM, signal.SIGINT)
