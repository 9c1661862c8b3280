"""OpenTelemetry for Python on an engine in Rust.

Importing starts nothing, and loads nothing but this page: each name below comes from its module
when it is first used.
"""

from __future__ import annotations

import _thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oxitel._enable import configure_telemetry, enable_telemetry
    from oxitel._instrument import (
        instrument_aiohttp,
        instrument_all,
        instrument_asyncpg,
        instrument_fastapi,
        instrument_httpx,
        instrument_redis,
        instrument_requests,
        instrument_sqlalchemy,
    )
    from oxitel._lifecycle import shutdown_telemetry, stats
    from oxitel._logs import LogHandler, TraceFormatter
    from oxitel._metrics_page import metrics_asgi, metrics_wsgi
    from oxitel._propagate import (
        attach_trace_context,
        detach_trace_context,
        extract_trace_context,
        get_current_span_id,
        get_current_trace_id,
        inject_trace_context,
    )
    from oxitel._telemetry import UnifiedTelemetry, get_telemetry

__all__ = [
    "LogHandler",
    "TraceFormatter",
    "UnifiedTelemetry",
    "attach_trace_context",
    "configure_telemetry",
    "detach_trace_context",
    "enable_telemetry",
    "extract_trace_context",
    "get_current_span_id",
    "get_current_trace_id",
    "get_telemetry",
    "inject_trace_context",
    "instrument_aiohttp",
    "instrument_all",
    "instrument_asyncpg",
    "instrument_fastapi",
    "instrument_httpx",
    "instrument_redis",
    "instrument_requests",
    "instrument_sqlalchemy",
    "metrics_asgi",
    "metrics_wsgi",
    "shutdown_telemetry",
    "stats",
]

_MODULES = {
    "_enable": ["configure_telemetry", "enable_telemetry"],
    "_instrument": [name for name in __all__ if name.startswith("instrument_")],
    "_lifecycle": ["shutdown_telemetry", "stats"],
    "_logs": ["LogHandler", "TraceFormatter"],
    "_metrics_page": ["metrics_asgi", "metrics_wsgi"],
    "_propagate": [name for name in __all__ if name.endswith(("_context", "_id"))],
    "_telemetry": ["UnifiedTelemetry", "get_telemetry"],
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def _is_main_interpreter() -> bool:
    try:
        return _thread._is_main_interpreter()  # pyright: ignore
    except AttributeError:
        pass
    try:
        # Where there is no such name: Python 3.12 and before.
        import _xxsubinterpreters as interpreters  # pyright: ignore
    except ImportError:
        return True
    return interpreters.get_current() == interpreters.get_main()  # pyright: ignore


# Here, as a later import would fail with words that help nobody, or work until the main
# interpreter imports the same.
if not _is_main_interpreter():
    raise ImportError(
        "oxitel cannot be used in a subinterpreter: its engine is one for the whole process and"
        " belongs to the main interpreter. Import it there; for mod_wsgi that is"
        " `WSGIApplicationGroup %{GLOBAL}`, for uWSGI `single-interpreter = true`"
    )


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
