"""Entry points: telemetry for programs that have no line about it.

`OTEL_PYTHON_TRACER_PROVIDER=oxitel` and its sisters load the providers when the API is first
asked for one; `opentelemetry-instrument` loads `Distro` and `Configurator`. Only on this way the
standard's usual endpoint, `localhost`, holds when none is named.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from oxitel import _globals, _lifecycle, _resolve

if TYPE_CHECKING:
    from oxitel._distro import Distro as Distro


def tracer_provider() -> Any:
    """The tracer provider, started."""
    return _provider(_globals.TRACES)


def meter_provider() -> Any:
    """The meter provider, started."""
    return _provider(_globals.METRICS)


def logger_provider() -> Any:
    """The logger provider, started."""
    return _provider(_globals.LOGS)


def _provider(provider: _globals.Provider) -> Any:
    # The API is asking for its global at this moment, and takes the answer for it.
    mine = _globals.ours(provider)
    if not _lifecycle.is_running():
        plan = _resolve.by_entry_point(os.environ)
        # Which signals are ours, the variables say, one by one.
        plan.traces = plan.metrics = plan.logs = plan.listens = False
        _lifecycle.start(plan)
    return mine


class Configurator:
    """Starts telemetry for `opentelemetry-instrument`."""

    def configure(self, **_: Any) -> None:
        """Called before any library is instrumented."""
        _lifecycle.start(_resolve.by_entry_point(os.environ))


def __getattr__(name: str) -> Any:
    # Its base class comes with a package that programs without `opentelemetry-instrument` miss.
    if name == "Distro":
        from oxitel._distro import Distro

        return Distro
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
