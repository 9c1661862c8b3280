"""What the three providers have in common: the engine behind them, its flush and its end, and what
the program adds to them, and the objects that they make once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from oxitel import _native
from oxitel._fork import load
from oxitel._said import failed, logger

if TYPE_CHECKING:
    from opentelemetry.util.types import Attributes

    from oxitel._readable import Resource

FLUSH_MILLIS = 30_000.0
"""What a flush may take, unless it is told."""

_LONGEST_SECONDS = 3_600.0


class OnEngine:
    """A provider whose records the engine takes. All of them share its one state."""

    @property
    def resource(self) -> Resource:
        """What describes this process."""
        return load("oxitel._readable").Resource(_native.resource())

    def processors(self) -> Sequence[Any]:
        """What the program has added."""
        return ()

    def take_processors(self) -> list[Any]:
        """Those, which see nothing from now on."""
        return []

    def force_flush(self, timeout_millis: float | None = FLUSH_MILLIS) -> bool:
        """Whether everything that was recorded before the call was delivered, by the engine and
        by what the program has added, within this time. Of all signals: they go together."""
        until = time.monotonic() + _seconds(timeout_millis, FLUSH_MILLIS / 1000)
        theirs = [_flushed(processor, until) for processor in self.processors()]
        ours = _native.flush(max(until - time.monotonic(), 0.0)) is None
        return ours and all(theirs)

    def shutdown(self, timeout_millis: float | None = None) -> None:
        """Sends what is left and ends telemetry, for the whole process."""
        end_all(self.take_processors())
        # Which makes the providers, and is there before any of them.
        lifecycle = load("oxitel._lifecycle")
        lifecycle.shutdown_telemetry(_seconds(timeout_millis, lifecycle.SHUTDOWN_SECONDS))


def _seconds(millis: Any, usual: float) -> float:
    """What was asked for, or the usual time when it is no number."""
    try:
        seconds = float(millis) / 1000
    except (TypeError, ValueError, OverflowError):
        return usual
    if seconds != seconds:
        return usual
    # For ever is no number of processors of the SDK.
    return min(max(seconds, 0.0), _LONGEST_SECONDS)


def _flushed(processor: Any, until: float) -> bool:
    millis = max(int((until - time.monotonic()) * 1000), 0)
    return _called(processor, "force_flush", millis) is not False


def end_all(processors: Sequence[Any]) -> None:
    """Ends what the program has added: it may still have something to record."""
    for processor in processors:
        _called(processor, "shutdown")


def _called(processor: Any, name: str, *arguments: Any) -> Any:
    """What a method answers; `False` if it fails. Not every processor has both."""
    try:
        method = getattr(processor, name, None)
        return None if method is None else method(*arguments)
    except Exception as error:
        failed(name, error)
        return False


def is_absorbed(added: Any, signal: str) -> bool:
    """Whether it is one of the SDK's that would send a signal where the engine sends it already.
    Then it is ended."""
    exporter = _otlp_exporter(added)
    if exporter is None or _host(_address(exporter)) not in map(_host, _native.receivers(signal)):
        return False
    logger.info(
        "%s for %s is left out: the engine sends there already",
        type(added).__name__,
        _address(exporter),
    )
    end_all([added])
    return True


def _otlp_exporter(added: Any) -> Any | None:
    """The exporter of a processor or reader of the SDK, if it speaks OTLP."""
    if not type(added).__module__.startswith("opentelemetry.sdk."):
        return None
    batch = getattr(added, "_batch_processor", None)
    for owner, name in ((added, "span_exporter"), (added, "_exporter"), (batch, "_exporter")):
        exporter = getattr(owner, name, None)
        if type(exporter).__module__.startswith("opentelemetry.exporter.otlp."):
            return exporter
    return None


def _address(exporter: Any) -> str:
    return str(getattr(exporter, "_endpoint", ""))


def _host(url: str) -> tuple[str, int | None]:
    """Where a URL leads; one of gRPC may come without a scheme."""
    # Here, because few programs come here, and all of them would start later.
    from urllib.parse import urlsplit

    try:
        split = urlsplit(url if "://" in url else f"//{url}")
        host, port = (split.hostname or "").lower(), split.port
    except ValueError:
        return url, None
    return "127.0.0.1" if host == "localhost" else host, port


_MOST = 1000
"""Scopes are a few dozen; of names without an end each further one is made anew."""


class Remembered:
    """Makes an object for a scope, and finds it again. One with attributes is made each time."""

    def __init__(self, make: Callable[[str, str | None, str | None, Attributes], Any]) -> None:
        self._make = make
        # Without a lock, which a forked child might find locked: each step of it is one of dict's.
        self._made: dict[tuple[str, str | None, str | None], Any] = {}

    def get(
        self, name: str, version: str | None, schema_url: str | None, attributes: Attributes
    ) -> Any:
        """The one of this scope."""
        if attributes:
            return self._make(name, version, schema_url, attributes)
        scope = (name, version, schema_url)
        known = self._made.get(scope)
        if known is not None:
            return known
        made = self._make(name, version, schema_url, None)
        return self._made.setdefault(scope, made) if len(self._made) < _MOST else made
