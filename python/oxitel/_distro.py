"""What `opentelemetry-instrument` takes for the distribution of OpenTelemetry in a program."""

from __future__ import annotations

import os
from typing import Any

from opentelemetry.instrumentation.distro import BaseDistro


class Distro(BaseDistro):
    """Ours: it leaves the start of telemetry to our `Configurator`."""

    def _configure(self, **kwargs: Any) -> None:
        # The SDK's configurator may be installed too, and the first one found would win.
        os.environ.setdefault("OTEL_PYTHON_CONFIGURATOR", "oxitel")
