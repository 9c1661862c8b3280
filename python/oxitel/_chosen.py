"""Samplers and generators of ids that variables name, from packages that offer them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oxitel._said import warn

SAMPLER = "OTEL_TRACES_SAMPLER"
SAMPLER_ARGUMENT = "OTEL_TRACES_SAMPLER_ARG"
ID_GENERATOR = "OTEL_PYTHON_ID_GENERATOR"

_STANDARD = ("always_on", "always_off", "traceidratio")
ENGINES_OWN = ("", *_STANDARD, *(f"parentbased_{name}" for name in _STANDARD))
"""The engine has these samplers itself; the SDK's package offers them, too."""

USUAL_IDS = ("", "random")


def sampler(variables: Mapping[str, str]) -> Any | None:
    """The sampler of another package that the variables name. What nobody offers, the engine
    tells."""
    name = variables.get(SAMPLER, "").strip()
    if is_engines_own(variables):
        return None
    factory = _found("opentelemetry_traces_sampler", name)
    return _made(SAMPLER, name, factory, variables.get(SAMPLER_ARGUMENT)) if factory else None


def is_engines_own(variables: Mapping[str, str]) -> bool:
    """Whether the sampler that the variables name is one of the engine's."""
    return variables.get(SAMPLER, "").strip().lower() in ENGINES_OWN


def id_generator(variables: Mapping[str, str]) -> Any | None:
    """The generator of ids that a variable names."""
    name = variables.get(ID_GENERATOR, "").strip()
    if name.lower() in USUAL_IDS:
        return None
    factory = _found("opentelemetry_id_generator", name)
    if factory is None:
        warn(ID_GENERATOR, f"{ID_GENERATOR}={name}: no installed package offers it")
        return None
    return _made(ID_GENERATOR, name, factory)


def _found(group: str, name: str) -> Any | None:
    # Here, because few programs come here, and all of them would start later.
    from importlib.metadata import entry_points

    return next(iter(entry_points(group=group, name=name)), None)


def _made(variable: str, name: str, found: Any, *arguments: Any) -> Any | None:
    try:
        return found.load()(*arguments)
    except Exception as error:
        warn(variable, f"{variable}={name} cannot be made, and has no effect", error)
        return None
