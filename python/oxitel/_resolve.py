"""From arguments and environment to what the engine is started with. Nothing here has an effect.

Flow: `enable_telemetry`, `configure_telemetry` or an entry point -> **resolve** -> `_lifecycle` ->
the engine. The engine reads the standard variables by itself. Arguments become variables that
stand in front of the process's, so its rules hold for both, and nobody's environment is changed.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Any

SIGNALS = ("TRACES", "METRICS", "LOGS")

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
JAEGER = "OTEL_EXPORTER_JAEGER_ENDPOINT"
ENVIRONMENT = "OTEL_ENVIRONMENT"

JAEGER_PORTS = ("6831", "14268", "14250")
"""Of protocols that Jaeger has given up. OTLP is at 4317."""

ENVIRONMENT_KEYS = ("deployment.environment.name", "deployment.environment")
"""The name of today and the one before it. The engine fills the other with the value of one."""


class Remark:
    """Something to tell people."""

    def __init__(self, level: int, text: str) -> None:
        self.level, self.text = level, text


class Plan:
    """What telemetry is started with.

    A class by hand: to have it made by `dataclasses` takes a hundred times as long, at the start
    of every program.
    """

    def __init__(
        self,
        variables: Mapping[str, str],
        resource: Mapping[str, str],
        *,
        traces: bool = True,
        metrics: bool = True,
        logs: bool = True,
        listens: bool = True,
        log_level: int = logging.INFO,
        logs_become_events: bool = False,
        keep: str | None = None,
        page: bool = False,
        sampler: Any = None,
        id_generator: Any = None,
        remarks: tuple[Remark, ...] = (),
    ) -> None:
        self.variables = variables
        """They stand in front of the environment's; an empty one hides the environment's."""
        self.resource = resource
        """What the program says about itself; it wins over every variable."""
        self.traces = traces
        """Whether ours becomes the API's global tracer provider."""
        self.metrics = metrics
        """The same for the meter provider."""
        self.logs = logs
        """The same for the logger provider."""
        self.listens = listens
        """Whether records of `logging` are taken."""
        self.log_level = log_level
        """Records of `logging` below it are not taken."""
        self.logs_become_events = logs_become_events
        """Records of `logging` become events of the current span, and no log records."""
        self.keep = keep
        """`nowhere`: spans are recorded although nobody takes them, so that there are ids."""
        self.page = page
        """Whether the program serves the page for Prometheus itself."""
        self.sampler = sampler
        """An object of the program that decides about spans in place of the engine's sampler."""
        self.id_generator = id_generator
        """An object of the program that makes ids in place of the engine."""
        self.remarks = remarks
        """What to tell people about it."""

    def asks_for_the_same(self, other: Plan | None) -> bool:
        """Whether telemetry would be the same."""
        if other is None:
            return False
        # Objects of the program: two that call themselves equal may still decide differently.
        if self.sampler is not other.sampler or self.id_generator is not other.id_generator:
            return False
        own = ("sampler", "id_generator", "remarks")
        mine, theirs = vars(self), vars(other)
        return all(theirs[name] == mine[name] for name in mine if name not in own)


class Draft:
    """A plan while it is made: what was asked for so far, in front of the environment."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.variables: dict[str, str] = {}
        described = described_keys(environment.get("OTEL_RESOURCE_ATTRIBUTES", ""))
        self.described = described
        self.resource = {key: text for key, text in runtime() if key not in described}
        self.remarks: list[Remark] = []

    def text(self, name: str) -> str:
        """A variable as the engine will see it; empty is unset."""
        return self.variables.get(name, self.environment.get(name, "")).strip()

    def warn(self, text: str) -> None:
        self.remarks.append(Remark(logging.WARNING, text))

    def inform(self, text: str) -> None:
        self.remarks.append(Remark(logging.INFO, text))

    def describe(self, key: str, text: str | None) -> None:
        """Adds an attribute of the resource, if there is one."""
        if text:
            self.resource[key] = str(text)

    def exporters(self, signal: str) -> list[str] | None:
        """Who exports a signal; `None` when nobody said anything."""
        names = [name.strip().lower() for name in self.text(f"OTEL_{signal}_EXPORTER").split(",")]
        return [name for name in names if name] or None

    def is_off(self, signal: str) -> bool:
        return "none" in (self.exporters(signal) or [])

    def has_place(self, signal: str) -> bool:
        """Whether the signal has a receiver."""
        return bool(self.text(own_endpoint(signal)) or self.text(ENDPOINT))


def own_endpoint(signal: str) -> str:
    return f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"


def enable(
    environment: Mapping[str, str],
    *,
    traces: bool = True,
    metrics: bool = True,
    logs: bool = True,
    endpoint: str | None = None,
    service_name: str | None = None,
    log_level: int = logging.INFO,
    sampler: Any = None,
) -> Plan:
    """What `enable_telemetry` starts with."""
    draft = Draft(environment)
    draft.describe("service.name", service_name)
    if endpoint:
        draft.variables[ENDPOINT] = endpoint
    decider = sampler if hasattr(sampler, "should_sample") else None
    if sampler and decider is None:
        draft.variables |= sampler_variables(str(sampler))
    for signal, is_wanted in zip(SIGNALS, (traces, metrics, logs), strict=True):
        # What is wanted follows the environment.
        if not is_wanted:
            draft.variables[f"OTEL_{signal}_EXPORTER"] = "none"
    return Plan(
        draft.variables,
        draft.resource,
        traces=traces,
        metrics=metrics,
        logs=logs,
        listens=logs and not draft.is_off("LOGS"),
        log_level=log_level,
        sampler=decider,
    )


def sampler_variables(sampler: str) -> dict[str, str]:
    """The two variables of a sampler. `ratio:0.1` is short for `parentbased_traceidratio` and its
    share."""
    name, _, share = sampler.strip().partition(":")
    if name == "ratio" and share:
        return {
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": share.strip(),
        }
    if sampler.strip().lower().endswith("traceidratio"):
        # The share is the environment's.
        return {"OTEL_TRACES_SAMPLER": sampler}
    return {"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": ""}


def configure(
    environment: Mapping[str, str],
    *,
    service_name: str | None = None,
    service_version: str | None = None,
    deployment: str | None = None,
    jaeger_endpoint: str | None = None,
    otlp_endpoint: str | None = None,
    enable_prometheus: bool = True,
    enable_console: bool = False,
) -> Plan:
    """What `configure_telemetry` starts with."""
    draft = Draft(environment)
    draft.describe("service.name", service_name)
    draft.describe("service.version", service_version)
    draft.describe(ENVIRONMENT_KEYS[0], deployment or alias_of_deployment(draft))
    jaeger = jaeger_endpoint or alias_of_jaeger(draft, otlp_endpoint)
    tell_aliases(draft)
    if otlp_endpoint:
        if jaeger_endpoint:
            draft.inform("otlp_endpoint carries all signals; jaeger_endpoint is not used")
        # What a program says wins over the environment, also over that of one signal.
        draft.variables |= {own_endpoint(signal): "" for signal in SIGNALS}
        draft.variables[ENDPOINT] = otlp_endpoint
    elif jaeger:
        send_traces_to_jaeger(draft, jaeger)
    logs_become_events = bool(jaeger) and not otlp_endpoint and is_undecided(draft, "LOGS")
    page = serves_page(draft, enable_prometheus)
    for signal in SIGNALS:
        name_exporters(draft, signal, enable_console)
    if logs_become_events:
        draft.variables["OTEL_LOGS_EXPORTER"] = "none"
    return Plan(
        draft.variables,
        draft.resource,
        listens=logs_become_events or not draft.is_off("LOGS"),
        logs_become_events=logs_become_events,
        keep="nowhere" if goes_nowhere(draft) else None,
        page=page,
        remarks=tuple(draft.remarks),
    )


def is_undecided(draft: Draft, signal: str) -> bool:
    """Nobody named an exporter, and there is no receiver."""
    return draft.exporters(signal) is None and not draft.has_place(signal)


def goes_nowhere(draft: Draft) -> bool:
    """Nobody takes spans, and nobody said that there be none."""
    is_shown = "console" in (draft.exporters("TRACES") or [])
    return not (draft.is_off("TRACES") or draft.has_place("TRACES") or is_shown)


def serves_page(draft: Draft, is_wanted: bool) -> bool:
    """Whether metrics are kept for a page of the program's own. Where a variable asks for the page,
    the engine opens a port for it, and the program can serve it all the same."""
    named = draft.exporters("METRICS") or []
    if "prometheus" in named and not is_wanted:
        others = [name for name in named if name != "prometheus"]
        draft.variables["OTEL_METRICS_EXPORTER"] = ",".join(others or ["none"])
    return is_wanted and not draft.is_off("METRICS") and "prometheus" not in named


def name_exporters(draft: Draft, signal: str, has_console: bool) -> None:
    """Says who exports a signal, where that differs from what holds by itself."""
    if draft.is_off(signal):
        return
    names = draft.exporters(signal) or (["otlp"] if draft.has_place(signal) else [])
    if has_console and "console" not in names:
        draft.variables[f"OTEL_{signal}_EXPORTER"] = ",".join([*names, "console"])
    elif not names and signal != "TRACES":
        # Spans are recorded all the same, for their ids.
        draft.variables[f"OTEL_{signal}_EXPORTER"] = "none"


def alias_of_deployment(draft: Draft) -> str | None:
    """`OTEL_ENVIRONMENT`, unless the standard's variable says it."""
    is_said = any(key in draft.described for key in ENVIRONMENT_KEYS)
    return None if is_said else draft.text(ENVIRONMENT)


def alias_of_jaeger(draft: Draft, otlp_endpoint: str | None) -> str | None:
    """`OTEL_EXPORTER_JAEGER_ENDPOINT`, unless traces have a receiver."""
    return None if otlp_endpoint or draft.has_place("TRACES") else draft.text(JAEGER)


def tell_aliases(draft: Draft) -> None:
    """Names what is no standard variable, in one line."""
    instead = {
        ENVIRONMENT: "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=…",
        JAEGER: ENDPOINT,
    }
    found = [name for name in instead if draft.text(name)]
    if found:
        names, others = " and ".join(found), " and ".join(instead[name] for name in found)
        draft.warn(f"not in the standard, and read last of all: {names}; set {others}")


def send_traces_to_jaeger(draft: Draft, endpoint: str) -> None:
    """Jaeger takes OTLP, and of OTLP traces alone."""
    scheme, separator, rest = endpoint.strip().rpartition("://")
    place, slash, path = rest.partition("/")
    host, colon, port = place.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = place, ""
    if port in JAEGER_PORTS:
        draft.warn(
            f"jaeger_endpoint: port {port} is of a protocol that Jaeger has given up;"
            " OTLP at 4317 is used"
        )
    if port in (*JAEGER_PORTS, ""):
        port, slash, path = "4317", "", ""
        draft.variables["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "grpc"
    asked = draft.text("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or draft.text(
        "OTEL_EXPORTER_OTLP_PROTOCOL"
    )
    is_grpc = asked == "grpc" if asked else port == "4317"
    # The endpoint of one signal is used as it stands.
    path = path or ("" if is_grpc else "v1/traces")
    slash = "/" if path else slash
    url = f"{scheme}{separator}{host}:{port}{slash}{path}"
    draft.variables[own_endpoint("TRACES")] = url


def by_entry_point(environment: Mapping[str, str]) -> Plan:
    """What an entry point starts with: the standard's endpoint, where none is named."""
    draft = Draft(environment)
    general = draft.text("OTEL_EXPORTER_OTLP_PROTOCOL")
    if not draft.text(ENDPOINT):
        for signal in SIGNALS:
            protocol = draft.text(f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL") or general
            if not draft.text(own_endpoint(signal)):
                draft.variables[own_endpoint(signal)] = usual_endpoint(signal, protocol)
    return Plan(draft.variables, draft.resource, listens=not draft.is_off("LOGS"))


def usual_endpoint(signal: str, protocol: str) -> str:
    """The standard's, for one signal."""
    if protocol.lower() == "grpc":
        return "http://localhost:4317"
    return f"http://localhost:4318/v1/{signal.lower()}"


def described_keys(attributes: str) -> set[str]:
    """The keys in `OTEL_RESOURCE_ATTRIBUTES`; its values are the engine's business. It discards
    all of them when one is none, and so do we."""
    members = [member.strip() for member in attributes.split(",") if member.strip()]
    if not all("=" in member for member in members):
        return set()
    keys = {member.partition("=")[0].strip() for member in members}
    if not any("%" in key for key in keys):
        return keys
    # Loading it takes a while, and keys hardly ever need it.
    from urllib.parse import unquote

    return {unquote(key) for key in keys}


def runtime() -> list[tuple[str, str]]:
    """Whose program this is: the engine would speak of Rust."""
    info = sys.version_info
    is_final = info.releaselevel == "final" and not info.serial
    version = ".".join(map(str, info[:3] if is_final else info))
    return [
        ("process.runtime.name", sys.implementation.name),
        ("process.runtime.version", version),
        ("process.runtime.description", sys.version),
    ]
