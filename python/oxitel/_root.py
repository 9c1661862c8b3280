"""Our handler on the root logger of `logging`: how it gets there, what keeps it there, and what it
must not change for the others.

Whoever starts and ends telemetry calls `install` and `remove`, one at a time.
"""

from __future__ import annotations

import functools
import logging
import sys
from typing import Any

from oxitel._logs import LoggerProvider, LogHandler
from oxitel._said import warn

_installed: _Installed | None = None


def install(level: int | str = logging.INFO, *, as_events: bool = False) -> LogHandler:
    """Puts a handler on the root logger, or returns the one that is there.

    It takes no records below `level`. A root logger that nobody has configured lets pass what the
    handler takes; one that somebody has configured is left as it is.
    """
    global _installed
    if _installed is None:
        _installed = _Installed(LogHandler(level, as_events=as_events))
    return _installed.handler


def remove() -> None:
    """Takes that handler from the root logger, and leaves `logging` as it was."""
    global _installed
    if _installed is not None:
        _installed.undo()
        _installed = None


def put_back() -> None:
    """Puts that handler on the root logger again, where somebody has taken all handlers away."""
    if _installed is not None:
        _installed.put_back()


class _Installed:
    """A handler on the root logger, until `undo`.

    `dictConfig` and `fileConfig` take every handler from the root logger, and `basicConfig` does
    nothing when there is one. Neither is meant for ours.
    """

    def __init__(self, handler: LogHandler) -> None:
        self.handler = handler
        self.root = root = logging.getLogger()
        self._ours: list[logging.Handler] = [handler, _LastResort(handler)]
        self._lowered = self._let_pass(handler.level)
        for other in [other for other in root.handlers if _feeds_us(other)]:
            root.removeHandler(other)
            _said_twice()
        root.handlers.extend(self._ours)
        self._basic_config = logging.basicConfig
        logging.basicConfig = self._configure = self._around(logging.basicConfig)
        root.addHandler = self._add  # type: ignore[method-assign]
        root.removeHandler = self._remove  # type: ignore[method-assign]

    def undo(self) -> None:
        """Leaves everything as it was before, unless somebody has changed it since."""
        root = self.root
        self._take_out()
        for name in ("addHandler", "removeHandler"):
            root.__dict__.pop(name, None)
        if logging.basicConfig is self._configure:
            logging.basicConfig = self._basic_config
        if self._lowered is not None and root.level == self._lowered:
            root.setLevel(logging.WARNING)

    def put_back(self) -> None:
        """Unless it is there, or one of the program's stands in for it."""
        handlers = self.root.handlers
        if not any(isinstance(handler, LogHandler) for handler in handlers):
            self._take_out()
            handlers.extend(self._ours)

    def _let_pass(self, level: int) -> int | None:
        """Lowers the level of a root logger as `logging` makes it. Nothing else is written to
        standard error by that: there are no handlers yet."""
        root = self.root
        if root.handlers or root.level != logging.WARNING or level >= logging.WARNING:
            return None
        root.setLevel(level)
        return root.level

    def _take_out(self) -> list[logging.Handler]:
        handlers = self.root.handlers
        there = [handler for handler in self._ours if handler in handlers]
        for handler in there:
            handlers.remove(handler)
        return there

    def _around(self, configure: Any) -> Any:
        @functools.wraps(configure)
        def basicConfig(*args: Any, **kwargs: Any) -> None:
            there = self._take_out()
            try:
                configure(*args, **kwargs)
            finally:
                self.root.handlers.extend(there)

        return basicConfig

    def _add(self, handler: logging.Handler) -> None:
        """Adds a handler of somebody else. Two of ours would send each record twice, so that one
        that the program has configured takes the place of this one."""
        if _feeds_us(handler) and self.handler in self.root.handlers:
            _said_twice()
            return
        if isinstance(handler, LogHandler) and handler is not self.handler:
            self._take_out()
        logging.Logger.addHandler(self.root, handler)

    def _remove(self, handler: logging.Handler) -> None:
        """Removes a handler, but ours not on behalf of a configuration that does not know it."""
        caller = sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        is_configured_anew = caller.f_globals.get("__name__") == "logging.config"
        if is_configured_anew and handler in self._ours:
            return
        logging.Logger.removeHandler(self.root, handler)
        # One of the program's has stood in for ours.
        was_in_the_way = isinstance(handler, LogHandler) and handler is not self.handler
        if was_in_the_way and not any(isinstance(it, LogHandler) for it in self.root.handlers):
            self.root.handlers.extend(self._ours)


class _LastResort(logging.Handler):
    """What nobody listens to but us goes to standard error from a warning on, as it would without
    us: `logging` does that by itself only as long as there is no handler at all."""

    def __init__(self, ours: LogHandler) -> None:
        super().__init__(logging.WARNING)
        self._ours = ours

    def createLock(self) -> None:
        """There is nothing to lock."""
        self.lock = None

    def _at_fork_reinit(self) -> None:
        """Nor to renew."""

    def handle(self, record: logging.LogRecord) -> bool:
        last = logging.lastResort
        if last is not None and record.levelno >= last.level and not self._is_heard(record.name):
            last.handle(record)
        return True

    def _is_heard(self, name: str) -> bool:
        """Whether a record of this logger came by another handler on its way here."""
        root = logging.getLogger()
        logger = root.manager.loggerDict.get(name)
        there: logging.Logger | None = logger if isinstance(logger, logging.Logger) else root
        while there is not None:
            if any(handler not in (self, self._ours) for handler in there.handlers):
                return True
            there = there.parent
        return False


def _feeds_us(handler: logging.Handler) -> bool:
    """Whether it is a handler of OpenTelemetry's packages whose records come to our provider."""
    kind = type(handler)
    if kind.__name__ != "LoggingHandler" or not kind.__module__.startswith("opentelemetry."):
        return False
    provider = getattr(handler, "_logger_provider", None)
    # The API's stand-in until there is a provider.
    return isinstance(provider, LoggerProvider) or type(provider).__name__ == "ProxyLoggerProvider"


def _said_twice() -> None:
    warn(
        "two handlers",
        "the root logger does without the handler of opentelemetry-instrumentation-logging: with"
        " that of oxitel each record would be sent twice",
    )
