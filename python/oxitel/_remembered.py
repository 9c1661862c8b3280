"""Objects of a scope, made once: a provider is asked for the same ones over and over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.util.types import Attributes

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
