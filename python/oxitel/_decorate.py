"""Makes a decorator of a span, for functions of every kind.

A coroutine is inside of its span from its first step to its last. A generator is so while it
runs: between its steps the caller's span is current again, and whatever the generator has entered
waits for its next step.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from types import TracebackType
from typing import Any

from opentelemetry import context
from opentelemetry.trace import Span, set_span_in_context


def decorate(manager: Any, function: Callable[..., Any]) -> Callable[..., Any]:
    """Returns `function` inside of a fresh span at each call, begun as `manager` would begin it."""
    fresh = manager._recreate_cm

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with fresh():
                return await function(*args, **kwargs)

        return coroutine

    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def async_generator(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
            inner: AsyncGenerator[Any, Any] = function(*args, **kwargs)
            with _Whole(fresh()._begin()) as step:
                try:
                    with step:
                        value = await anext(inner)
                    while True:
                        try:
                            sent = yield value
                        except GeneratorExit:
                            with step:
                                await inner.aclose()
                            raise
                        except BaseException as error:
                            with step:
                                value = await inner.athrow(error)
                        else:
                            with step:
                                value = await inner.asend(sent)
                except StopAsyncIteration:
                    return

        return async_generator

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            with _Whole(fresh()._begin()) as step:
                return (yield from _Steps(step, function(*args, **kwargs)))

        return generator

    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        with fresh():
            return function(*args, **kwargs)

    return plain


class _Step:
    """The context of a generator, current while it runs."""

    def __init__(self, span: Span) -> None:
        self._context = set_span_in_context(span)

    def __enter__(self) -> None:
        self._token = context.attach(self._context)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._context = context.get_current()
        context.detach(self._token)


class _Whole:
    """The whole life of a generator, from its first step to its last."""

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> _Step:
        return _Step(self._span)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # A generator that is closed early is no error.
        if isinstance(error, Exception):
            self._span.__exit__(kind, error, traceback)
        else:
            self._span.end()


class _Steps(Generator[Any, Any, Any]):
    """Runs each step of a generator inside of its context."""

    def __init__(self, step: _Step, inner: Generator[Any, Any, Any]) -> None:
        self._step = step
        self._inner = inner

    def send(self, value: Any) -> Any:
        with self._step:
            return self._inner.send(value)

    def throw(self, *error: Any) -> Any:
        with self._step:
            return self._inner.throw(*error)

    def close(self) -> None:
        with self._step:
            self._inner.close()
