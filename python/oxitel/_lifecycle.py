"""Telemetry's life in a process: started once, ended once, and started again if somebody likes.

Flow: `_resolve` makes a plan -> **lifecycle** starts the engine, makes our providers the API's and
listens to `logging` -> at exit what is left is sent, within two seconds.

A forked child needs nothing of this: the engine builds itself anew at its first record there.
"""

from __future__ import annotations

import atexit
import os
import sys
from typing import Any

from oxitel import _celery, _globals, _native, _signals
from oxitel._fork import ForkLock, load
from oxitel._provider import end_all
from oxitel._resolve import Plan
from oxitel._said import logger, warn

SHUTDOWN_SECONDS = 1.8
"""How long the end of a program waits for telemetry: the process is to be over within two seconds,
whatever the network does."""

_lock = ForkLock()
_running: Plan | None = None
_is_registered = False
_knows_multiprocessing = False


def start(plan: Plan) -> bool:
    """Starts telemetry; whether anything is recorded now. What runs already stays as it is."""
    global _running
    # Outside of the lock: they come from packages, and are loaded now.
    deciders = None if _native.is_running() else _deciders(plan)
    with _lock:
        if deciders is None or _native.is_running():
            _tell_that_it_runs(plan)
            return True
        is_running = _start_engine(plan, deciders)
        _running = plan
        for provider, is_wanted in (
            (_globals.TRACES, plan.traces),
            (_globals.METRICS, plan.metrics),
            (_globals.LOGS, plan.logs),
        ):
            if is_wanted:
                _globals.install(provider)
        if is_running:
            _end_at_exit()
            if plan.listens:
                _listen(plan)
    for remark in plan.remarks:
        logger.log(remark.level, remark.text)
    return is_running


class _Deciders:
    """The program's sampler and generator of ids, and the variables that this leaves."""

    def __init__(self, sampler: Any, ids: Any, variables: dict[str, str]) -> None:
        self.sampler, self.ids, self.variables = sampler, ids, variables


def _start_engine(plan: Plan, deciders: _Deciders) -> bool:
    _native.set_deciders(deciders.sampler, deciders.ids)
    is_running = False
    try:
        is_running = _native.start(
            {name: _repaired(value) for name, value in deciders.variables.items()},
            [(key, _repaired(value)) for key, value in plan.resource.items()],
            shutdown_timeout=SHUTDOWN_SECONDS,
            keep=plan.keep,
            page=plan.page,
        )
    except ValueError as error:
        warn("start", f"telemetry stays off: {error}")
    if not is_running:
        _native.set_deciders(None, None)
    return is_running


def _deciders(plan: Plan) -> _Deciders:
    sampler, ids = plan.sampler, plan.id_generator
    variables = dict(plan.variables)
    seen = os.environ | variables
    if seen.get("OTEL_TRACES_SAMPLER") or seen.get("OTEL_PYTHON_ID_GENERATOR"):
        chosen = load("oxitel._chosen")
        sampler = chosen.sampler(seen) if sampler is None else sampler
        if sampler is not None and not chosen.is_engines_own(seen):
            # The engine does not know this name, and need not.
            variables |= dict.fromkeys((chosen.SAMPLER, chosen.SAMPLER_ARGUMENT), "")
        ids = chosen.id_generator(seen) if ids is None else ids
    return _Deciders(sampler, ids, variables)


def _repaired(text: str) -> str:
    """A surrogate without its other half is no text anywhere else."""
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _listen(plan: Plan) -> None:
    from oxitel import _root

    _root.install(plan.log_level, as_events=plan.logs_become_events)


def _listen_no_more() -> None:
    root = sys.modules.get("oxitel._root")
    if root is not None:
        root.remove()


def _tell_that_it_runs(plan: Plan) -> None:
    """Asking twice for the same is harmless."""
    if not plan.asks_for_the_same(_running):
        warn(
            "runs",
            "telemetry runs already, so this call changes nothing: shutdown_telemetry() first",
        )


def shutdown_telemetry(timeout: float = SHUTDOWN_SECONDS) -> bool:
    """Sends what is left, at most for `timeout` seconds, and ends telemetry. Whether everything
    was delivered.

    Providers, tracers and instruments that were taken stay usable: they record again after the
    next `enable_telemetry()` or `configure_telemetry()`.
    """
    global _running
    # Outside of the lock: what the program has added may wait for threads that want it.
    _end_processors()
    with _lock:
        _running = None
        _listen_no_more()
        is_delivered = _native.shutdown(timeout) is None
        # Last: such a signal may come in the middle of it.
        _signals.watch_no_more()
        _native.set_deciders(None, None)
        return is_delivered


def _end_processors() -> None:
    """Those of the program, which may still have something to record."""
    for signal in (_globals.TRACES, _globals.LOGS):
        provider = _globals.made(signal)
        if provider is not None:
            end_all(provider.take_processors())


def is_running() -> bool:
    """Whether anything is recorded in this process."""
    return _native.is_running()


def stats(signal: str | None = None) -> dict[str, Any]:
    """The ledger of this process: what was recorded, and what became of it. Of all signals, or of
    `traces`, `metrics` or `logs`."""
    return _native.stats(signal)


def _end_at_exit() -> None:
    global _is_registered
    if not _is_registered:
        _is_registered = True
        atexit.register(_at_exit)
        if hasattr(os, "register_at_fork"):
            # `multiprocessing` may have been loaded since.
            os.register_at_fork(after_in_child=_end_with_multiprocessing)
    _end_with_multiprocessing()
    _celery.follow()
    _signals.watch(SHUTDOWN_SECONDS)


def _at_exit() -> None:
    """What finalizers record after this is sent when the interpreter is gone."""
    # Outside of the lock, as above.
    _end_processors()
    with _lock:
        # What fails here was told, and nobody is left to act on it.
        _native.last_flush(SHUTDOWN_SECONDS)


def _at_exit_of_child() -> None:
    shutdown_telemetry()


def _end_with_multiprocessing() -> None:
    """Children of `multiprocessing` leave by `os._exit`, which passes over `atexit`. They forget
    all finalizers when they begin, and run what is registered for after a fork then."""
    global _knows_multiprocessing
    util = sys.modules.get("multiprocessing.util")
    if util is not None and not _knows_multiprocessing:
        _knows_multiprocessing = True
        util.register_after_fork(_lock, _begin_child)
        util.Finalize(None, _at_exit, exitpriority=-100)


def _begin_child(_: object) -> None:
    util = sys.modules["multiprocessing.util"]
    util.Finalize(None, _at_exit_of_child, exitpriority=-100)
    # Its workers are such children. It may have been loaded since, and have set up its logging.
    _celery.follow_in_worker()
