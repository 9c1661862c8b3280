"""Makes a decorator of a context manager, for functions of every kind."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any


def decorate(manager: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns `function` inside of a fresh copy of `manager`, at each call.

    A coroutine is inside of it from its first step to its last, and so is a generator.
    """
    fresh = manager._recreate_cm

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with fresh():
                return await function(*args, **kwargs)

        return coroutine

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        with fresh():
            return function(*args, **kwargs)

    return plain
