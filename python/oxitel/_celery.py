"""Two of celery's habits: its workers leave by `os._exit`, which passes over every exit handler,
and its setup of logging throws all handlers of the root logger away.

Celery says when it does either. Nothing here loads it: who does not use it pays nothing.
"""

from __future__ import annotations

import sys
from typing import Any

from oxitel._said import failed


def follow() -> bool:
    """Listens to celery, if it is loaded; more than once is once."""
    signals: Any = sys.modules.get("celery.signals")
    if signals is None:
        return False
    try:
        for signal, listener in (
            (signals.worker_process_shutdown, _end),
            (signals.after_setup_logger, _put_back),
        ):
            signal.connect(listener, weak=False, dispatch_uid=f"oxitel.{listener.__name__}")
    # It may be half loaded, by another thread or in a circle.
    except Exception as error:
        failed("listening to celery", error)
        return False
    return True


def follow_in_worker() -> None:
    """In a child that begins. Celery may have been loaded since telemetry began, and have set up
    its logging."""
    if follow():
        _put_back()


def _end(**_: Any) -> None:
    # Later than this module: it follows from there.
    from oxitel import _lifecycle

    _lifecycle.shutdown_telemetry()


def _put_back(**_: Any) -> None:
    root = sys.modules.get("oxitel._root")
    if root is not None:
        root.put_back()
