"""What the engine has to say to people: once a minute for each cause, to the logger `oxitel`.

No handler of ours forwards what this logger says, so nothing here can feed itself.
"""

from __future__ import annotations

import logging
import time

logger = logging.getLogger("oxitel")

_INTERVAL = 60.0
_last: dict[str, float] = {}


def warn(cause: str, text: str, error: BaseException | None = None) -> None:
    """Writes a warning, unless this cause had one within the last minute."""
    # No lock: a forked child could not take one that another thread held. Two threads at once may
    # both say it.
    now = time.monotonic()
    last = _last.get(cause)
    if last is not None and now - last < _INTERVAL:
        return
    _last[cause] = now
    logger.warning(text, exc_info=error)


def inform(text: str) -> None:
    """Writes what is rare and of interest."""
    logger.info(text)


def detach_failed(error: BaseException) -> None:
    """A span is left in another context than the one it was entered in."""
    warn(
        "detach",
        "a span was left in another context than the one it was entered in, as an async"
        " generator does when it is closed elsewhere; the current span there stays what it was"
        f" ({error})",
    )


def ended(what: str) -> None:
    """Somebody used a span after its end."""
    warn(f"ended {what}", f"{what}() on a span that has ended: ignored")


def refused(name: str) -> None:
    """A measurement cannot be recorded."""
    warn(
        f"refused {name}",
        f"a measurement of {name} is left out: it is no finite number, or it is negative where only"
        " what is not can be measured",
    )


def failed(what: str, error: BaseException) -> None:
    """Code of the program failed where nobody can answer for it."""
    warn(f"failed {what}", f"{what} of the program failed", error)
