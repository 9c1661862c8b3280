"""What a forked child can rely on, whatever another thread of its parent was at: locks, and modules
that are loaded late."""

from __future__ import annotations

import os
import threading
import weakref
from importlib import import_module
from types import TracebackType
from typing import Any


class ForkLock:
    """A lock that the thread that holds it can take again. In a forked child it is free."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        _all.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()

    def renew(self) -> None:
        """In a forked child: whoever held it is not here."""
        self._lock = threading.RLock()


_all: weakref.WeakSet[ForkLock] = weakref.WeakSet()


def _renew_all() -> None:
    for lock in list(_all):
        lock.renew()


_loading = threading.RLock()
_loaded: dict[str, Any] = {}


def load(module: str) -> Any:
    """A module that few programs need, or not at once: it is loaded when it is first asked for, and
    does not hold up the start of the others. Whatever a forked child could load goes through here.

    A fork waits until it is there. The child would wait for ever, for a thread that it has not.
    """
    found = _loaded.get(module)
    if found is None:
        with _loading:
            found = _loaded[module] = import_module(module)
    return found


def _begin_child() -> None:
    global _loading
    # The parent's is held, by the thread that has forked; nobody else is in it.
    _loading = threading.RLock()
    _renew_all()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _loading.acquire(),
        after_in_parent=lambda: _loading.release(),
        after_in_child=_begin_child,
    )
