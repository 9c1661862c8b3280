"""What a span shows of itself, in the shapes that the SDK's readable spans have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from opentelemetry.trace import SpanContext
from opentelemetry.util.types import AnyValue


@dataclass(frozen=True)
class Event:
    """Something that happened during a span."""

    name: str
    attributes: Mapping[str, AnyValue]
    timestamp: int
    """Nanoseconds since 1970."""


@dataclass(frozen=True)
class Link:
    """A span that another one points at."""

    context: SpanContext
    attributes: Mapping[str, AnyValue]


@dataclass(frozen=True)
class InstrumentationScope:
    """Who recorded a span."""

    name: str
    version: str = ""
    schema_url: str = ""
    attributes: Mapping[str, AnyValue] = field(default_factory=dict)


@dataclass(frozen=True)
class Resource:
    """What describes this process."""

    attributes: Mapping[str, AnyValue]
    schema_url: str = ""
