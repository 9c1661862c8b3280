"""Makes our providers those of the OpenTelemetry API, one row for each signal.

The API takes a provider once in a process. Ours share the engine's one state, so one object of
each serves for ever: before a start, after an end, and in a forked child.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from oxitel._fork import ForkLock
from oxitel._said import warn


class Provider:
    """How the provider of a signal becomes the global one. Its modules are loaded when it is
    asked for: what a program does without costs it nothing."""

    def __init__(self, what: str, module: str, kind: str, api: str, stand_in: str) -> None:
        self.what = what
        self.module = module
        """Ours, and the class in it."""
        self.kind = kind
        self.api = api
        """The API's module, which has `get_…` and `set_…` for it."""
        self.stand_in = stand_in
        """The class that the API answers with until there is one."""

    def make(self) -> Any:
        """Ours."""
        return getattr(import_module(self.module), self.kind)()

    def get(self) -> Any:
        """The global one."""
        return getattr(import_module(self.api), f"get_{self._name}")()

    def set(self, provider: Any) -> None:
        """Makes this one global."""
        getattr(import_module(self.api), f"set_{self._name}")(provider)

    @property
    def _name(self) -> str:
        return self.what.replace(" ", "_")


TRACES = Provider(
    what="tracer provider",
    module="oxitel._trace",
    kind="TracerProvider",
    api="opentelemetry.trace",
    stand_in="ProxyTracerProvider",
)
METRICS = Provider(
    what="meter provider",
    module="oxitel._metrics",
    kind="MeterProvider",
    api="opentelemetry.metrics",
    stand_in="_ProxyMeterProvider",
)
LOGS = Provider(
    what="logger provider",
    module="oxitel._logs",
    kind="LoggerProvider",
    api="opentelemetry._logs",
    stand_in="ProxyLoggerProvider",
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
