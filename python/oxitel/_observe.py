"""Callbacks of observable instruments: kept by number, and run on a thread of their own.

The thread begins with the first callback, in a forked child with the first collection. Nobody
waits for it when the program ends.
"""

from __future__ import annotations

import _thread
import itertools
import types
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import Any, cast

from opentelemetry.metrics import CallbackOptions, CallbackT, Observation

from oxitel._said import failed

Callback = Callable[[CallbackOptions], Iterable[Observation]]

PATIENCE_MILLIS = 5_000
"""What all callbacks of one collection have together."""

start_thread: Callable[..., int] = _thread.start_new_thread
"""What begins a thread of the system. gevent and eventlet put theirs in its place, whose threads
are none: the first that waits here would stop all of them."""

if not isinstance(start_thread, types.BuiltinFunctionType):
    start_thread = getattr(_thread, "start_new", start_thread)

_callbacks: dict[int, tuple[str, Callback]] = {}
_numbers = itertools.count()


def keep(name: str, callback: CallbackT) -> int:
    """Keeps a callback of the instrument `name`; returns its number.

    A generator is advanced to its first `yield`, which gets the options from then on.
    """
    if isinstance(callback, Generator):
        generator = cast("Generator[Iterable[Observation], CallbackOptions, None]", callback)
        next(generator)
        callback = _sending(generator)
    number = next(_numbers)
    _callbacks[number] = (name, callback)
    return number


def _sending(generator: Generator[Iterable[Observation], CallbackOptions, None]) -> Callback:
    def callback(options: CallbackOptions) -> Iterable[Observation]:
        try:
            return generator.send(options)
        except StopIteration:
            return []

    return callback


def _answer() -> None:
    """What the thread does, for ever."""
    from oxitel import _native

    while True:
        name, callback = _callbacks[_native.next_question()]
        observations: list[tuple[Any, Any]] = []
        error = _ask(callback, observations)
        # What it said before it failed counts.
        _native.told(name, observations)
        if error is not None:
            _tell(name, error)


begin_to_answer = partial(start_thread, _answer, ())
"""Begins the thread. No function of Python: the engine's threads call it, and whoever runs bytecode
there dies in it when the interpreter ends."""


def _ask(callback: Callback, observations: list[tuple[Any, Any]]) -> BaseException | None:
    try:
        for observation in callback(CallbackOptions(PATIENCE_MILLIS)):
            observations.append((observation.value, observation.attributes))
    # Also what ends threads: this one answers for all the others as well.
    except BaseException as error:
        return error
    return None


def _tell(name: str, error: BaseException) -> None:
    try:
        failed(f"a callback of {name}", error)
    except BaseException:
        # A handler of the program's loggers failed: there is nobody left to tell.
        return
