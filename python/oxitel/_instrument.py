"""Switches on what OpenTelemetry's instrumentation packages do for a library.

Flow: the library and its package are looked for -> the package's instrumentor runs -> its spans
come to the engine by the API's global provider. What is missing is one warning with the line that
installs it. Nothing here raises, and doing it twice is doing it once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from oxitel._said import inform, warn


@dataclass(frozen=True)
class Library:
    """A library, and the package that instruments it."""

    name: str
    """The library's module, and the extra of `oxitel` that brings the package."""
    module: str
    """The package's module below `opentelemetry.instrumentation`."""
    instrumentor: str


FASTAPI = Library("fastapi", "fastapi", "FastAPIInstrumentor")
HTTPX = Library("httpx", "httpx", "HTTPXClientInstrumentor")
REQUESTS = Library("requests", "requests", "RequestsInstrumentor")
ASYNCPG = Library("asyncpg", "asyncpg", "AsyncPGInstrumentor")
SQLALCHEMY = Library("sqlalchemy", "sqlalchemy", "SQLAlchemyInstrumentor")
REDIS = Library("redis", "redis", "RedisInstrumentor")
AIOHTTP = Library("aiohttp", "aiohttp_client", "AioHttpClientInstrumentor")

CLIENTS = (HTTPX, REQUESTS, ASYNCPG, SQLALCHEMY, REDIS, AIOHTTP)


def instrument_fastapi(app: Any = None, **options: Any) -> bool:
    """A server span for each request to `app`, or to each app that is made from now on. Whether
    requests are traced; `options` are those of `FastAPIInstrumentor`.

    Newer versions of FastAPI do it by themselves, and need no package.
    """
    if not _is_there(FASTAPI):
        return False
    if _instrumentor(FASTAPI, said=False) is None and _is_there_in("fastapi", "telemetry"):
        inform("fastapi traces its requests by itself")
        return True
    if app is None:
        return _instrument(FASTAPI, options)
    return _instrument_app(app, options)


def instrument_httpx(**options: Any) -> bool:
    """A client span for each request by httpx, and the trace in its headers. Whether it is so
    now; `options` are those of the package's `instrument()`."""
    return _instrument(HTTPX, options)


def instrument_requests(**options: Any) -> bool:
    """The same for requests."""
    return _instrument(REQUESTS, options)


def instrument_asyncpg(**options: Any) -> bool:
    """A client span for each query by asyncpg."""
    return _instrument(ASYNCPG, options)


def instrument_sqlalchemy(**options: Any) -> bool:
    """A client span for each query by SQLAlchemy."""
    return _instrument(SQLALCHEMY, options)


def instrument_redis(**options: Any) -> bool:
    """A client span for each command by redis."""
    return _instrument(REDIS, options)


def instrument_aiohttp(**options: Any) -> bool:
    """A client span for each request by aiohttp's client, and the trace in its headers."""
    return _instrument(AIOHTTP, options)


def instrument_all(app: Any = None) -> list[str]:
    """Everything that is installed, each by itself; the names of what is traced now. Without
    `app`, apps of FastAPI that are made from now on are traced.

    A library that is not installed is no concern here; one without its package is a warning. What
    `OTEL_PYTHON_DISABLED_INSTRUMENTATIONS` names is left out.
    """
    there = [library for library in CLIENTS if _is_asked_for(library)]
    done = [library.name for library in there if _instrument(library, {})]
    if _is_asked_for(FASTAPI) and instrument_fastapi(app):
        done.insert(0, FASTAPI.name)
    return done


def _is_asked_for(library: Library) -> bool:
    """Whether it is installed, and the variable does not switch it off, by the name that
    `opentelemetry-instrument` has for it."""
    listed = os.environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").split(",")
    off = {name.strip() for name in listed}
    is_off = "*" in off or library.module.replace("_", "-") in off
    return not is_off and find_spec(library.name) is not None


def _instrument(library: Library, options: dict[str, Any]) -> bool:
    instrumentor = _instrumentor(library) if _is_there(library) else None
    if instrumentor is None:
        return False
    if instrumentor.is_instrumented_by_opentelemetry:
        return True
    if _is_unfit(library, instrumentor):
        return False
    try:
        instrumentor.instrument(skip_dep_check=True, **options)
    except Exception as error:
        warn(f"instrument {library.name}", f"{library.name} is not instrumented", error)
        return False
    return True


def _instrument_app(app: Any, options: dict[str, Any]) -> bool:
    instrumentor = _instrumentor(FASTAPI)
    if instrumentor is None:
        return False
    if getattr(app, "_is_instrumented_by_opentelemetry", False):
        return True
    if _is_unfit(FASTAPI, instrumentor):
        return False
    try:
        instrumentor.instrument_app(app, **options)
    except Exception as error:
        warn("instrument fastapi", "the app is not instrumented", error)
        return False
    return True


def _is_there(library: Library) -> bool:
    if find_spec(library.name) is not None:
        return True
    name = library.name
    warn(f"no {name}", f"{name} is not installed, so it is not instrumented: pip install {name}")
    return False


def _is_there_in(package: str, module: str) -> bool:
    return find_spec(f"{package}.{module}") is not None


def _instrumentor(library: Library, *, said: bool = True) -> Any | None:
    """The package's instrumentor, if it can be loaded."""
    try:
        module = import_module(f"opentelemetry.instrumentation.{library.module}")
        return getattr(module, library.instrumentor)()
    except ImportError as error:
        if said:
            warn(
                f"no package for {library.name}",
                f"{library.name} is not instrumented ({error}):"
                f" pip install 'oxitel[{library.name}]'",
            )
        return None


def _is_unfit(library: Library, instrumentor: Any) -> bool:
    """Whether the package is for other versions of the library."""
    from opentelemetry.instrumentation.dependencies import get_dependency_conflicts

    conflict = get_dependency_conflicts(instrumentor.instrumentation_dependencies())
    if conflict is None:
        return False
    warn(
        f"unfit package for {library.name}",
        f"{library.name} is not instrumented: {conflict};"
        f" pip install -U {library.name} 'oxitel[{library.name}]'",
    )
    return True
