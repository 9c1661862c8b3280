"""The end of telemetry, as the providers' `shutdown` reaches it."""

from __future__ import annotations


def end(timeout: float | None = None) -> None:
    """Ends telemetry for the whole process, as `shutdown_telemetry` does."""
    # Later than this module: it makes the providers.
    from oxitel import _lifecycle

    if timeout is None:
        _lifecycle.shutdown_telemetry()
    else:
        _lifecycle.shutdown_telemetry(timeout)
