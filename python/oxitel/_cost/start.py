"""Starts telemetry in a program, before its first line, as `opentelemetry-instrument` does.

This file is copied as `sitecustomize.py` to a folder on the program's path, with a last line that
calls one of its functions. So it runs inside of the program's interpreter, beside an `oxitel` of
any version, and imports nothing of it at its top.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
import os
import sys
from typing import Any

SDK = {
    "opentelemetry-sdk": "opentelemetry.sdk.trace",
    "opentelemetry-exporter-otlp-proto-http": "opentelemetry.exporter.otlp.proto.http",
}
INSTRUMENTATION = "opentelemetry.instrumentation.auto_instrumentation"
LOGGING = "opentelemetry.instrumentation.logging.handler"


def probe(folder: str) -> None:
    """Writes down what the interpreter has. The program does not begin."""
    found = {
        "python": sys.executable,
        "has_oxitel": _has("oxitel._native"),
        "oxitel": _version("oxitel"),
        "sdk": _version("opentelemetry-sdk"),
        "missing": [package for package, module in SDK.items() if not _has(module)],
        "instruments": _has(INSTRUMENTATION),
    }
    _write(folder, "probe", json.dumps(found))
    os._exit(0)


def oxitel(folder: str) -> None:
    """Starts ours."""
    _start(folder, lambda: importlib.import_module("oxitel._entry").Configurator().configure())


def sdk(folder: str) -> None:
    """Starts the SDK, by what its own distribution calls."""

    def configure() -> None:
        if not _has(LOGGING):
            # Else the SDK has a handler of its own.
            os.environ.setdefault("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", "true")
        module = importlib.import_module("opentelemetry.sdk._configuration")
        module._OTelSDKConfigurator().configure()

    _start(folder, configure)


def _start(folder: str, configure: Any) -> None:
    _begin_others(folder)
    try:
        configure()
        if _has(INSTRUMENTATION):
            _instrument()
    except Exception as error:
        _write(folder, "failed", f"{type(error).__name__}: {error}")
        return
    _write(folder, "started", "")


def _instrument() -> None:
    """Everything that is installed for the program's libraries, in the same way for both."""
    names = ("OTEL_PYTHON_DISTRO", "OTEL_PYTHON_CONFIGURATOR")
    before = {name: os.environ.get(name) for name in names}
    # Nobody has such a name: telemetry was started already.
    os.environ.update(dict.fromkeys(names, "none"))
    # It would warn that nobody has it, and that would be sent.
    logger = logging.getLogger(f"{INSTRUMENTATION}._load")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        importlib.import_module(INSTRUMENTATION).initialize(swallow_exceptions=False)
    finally:
        logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _begin_others(folder: str) -> None:
    """Another `sitecustomize` that this one stands in front of."""
    mine = sys.modules.pop("sitecustomize", None)
    sys.path[:] = [path for path in sys.path if path != folder]
    try:
        importlib.import_module("sitecustomize")
    except ModuleNotFoundError:
        if mine is not None:
            sys.modules["sitecustomize"] = mine


def _has(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def _version(package: str) -> str:
    """Empty where it lies on the path without having been installed."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _write(folder: str, name: str, text: str) -> None:
    """In one step: somebody may be reading. The first process of a program says it for all."""
    place = os.path.join(folder, name)
    if not os.path.exists(place):
        draft = f"{place}.{os.getpid()}"
        with open(draft, "w") as file:
            file.write(text)
        os.replace(draft, place)
