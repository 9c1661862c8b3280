"""Makes our providers those of the OpenTelemetry API, one row for each signal.

The API takes a provider once in a process. Ours share the engine's one state, so one object of
each serves for ever: before a start, after an end, and in a forked child.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry import trace

from oxitel._fork import ForkLock
from oxitel._said import warn
from oxitel._trace import TracerProvider


@dataclass(frozen=True)
class Provider:
    """How the provider of a signal becomes the global one."""

    what: str
    make: Callable[[], Any]
    get: Callable[[], Any]
    set: Callable[[Any], None]
    stand_in: str
    """The class that the API answers with until there is one."""


TRACES = Provider(
    what="tracer provider",
    make=TracerProvider,
    get=trace.get_tracer_provider,
    set=trace.set_tracer_provider,
    stand_in="ProxyTracerProvider",
)

_ours: dict[str, Any] = {}
_lock = ForkLock()


def ours(provider: Provider) -> Any:
    """The one of this process; it is made when it is first asked for."""
    with _lock:
        if provider.what not in _ours:
            _ours[provider.what] = provider.make()
        return _ours[provider.what]


def made(provider: Provider) -> Any | None:
    """The one of this process, if there is one already."""
    return _ours.get(provider.what)


def install(provider: Provider) -> None:
    """Makes ours the global one, or says who is in the way."""
    mine = ours(provider)
    # Asking may load the one that a variable names; that can be ours.
    if type(provider.get()).__name__ == provider.stand_in:
        provider.set(mine)
    there = provider.get()
    if there is not mine:
        name = f"{type(there).__module__}.{type(there).__qualname__}"
        warn(
            f"global {provider.what}",
            f"the global {provider.what} is {name}, and the OpenTelemetry API keeps the first one:"
            " what is recorded by it does not come to oxitel. Start oxitel before anything sets"
            " one, or take out what sets it",
        )
