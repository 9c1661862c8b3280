"""What `opentelemetry-instrument` takes for the distribution of OpenTelemetry in a program."""

from __future__ import annotations

import os
from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro

from oxitel import _root


class Distro(BaseDistro):
    """Ours: it leaves the start of telemetry to our `Configurator`."""

    def _configure(self, **kwargs: Any) -> None:
        # The SDK's configurator may be installed too, and the first one found would win.
        os.environ.setdefault("OTEL_PYTHON_CONFIGURATOR", "oxitel")

    def load_instrumentor(self, entry_point: Any, **kwargs: Any) -> None:
        """Called for each package, after telemetry has started."""
        # Of the package for `logging` that is all but the handler: ours is there.
        if entry_point.name == "logging" and _root.is_installed():
            kwargs.setdefault("enable_log_auto_instrumentation", False)
        super().load_instrumentor(  # pyright: ignore[reportUnknownMemberType]
            entry_point, **kwargs
        )
