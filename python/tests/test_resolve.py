"""Arguments before variables before defaults: what telemetry would be started with."""

from __future__ import annotations

import logging

import pytest
from oxitel._resolve import Plan, by_entry_point, configure, enable, runtime

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
METRICS_ENDPOINT = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
LOGS_ENDPOINT = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"


def said(plan: Plan) -> list[str]:
    return [f"{logging.getLevelName(remark.level)}: {remark.text}" for remark in plan.remarks]


def own(plan: Plan) -> dict[str, str]:
    """The resource without what is said of Python."""
    return {key: text for key, text in plan.resource.items() if (key, text) not in runtime()}


def seen(plan: Plan, environment: dict[str, str]) -> dict[str, str]:
    """The variables as the engine finds them; empty is unset."""
    both = environment | dict(plan.variables)
    return {name: text for name, text in both.items() if text}


def test_without_arguments_the_environment_alone_holds() -> None:
    plan = enable({"OTEL_SERVICE_NAME": "shop", ENDPOINT: "http://h:4318"})
    assert plan.variables == {}
    assert own(plan) == {}
    assert (plan.traces, plan.metrics, plan.logs, plan.listens) == (True, True, True, True)
    assert plan.log_level == logging.INFO
    assert plan.keep is None


def test_each_argument_stands_in_front_of_its_variable() -> None:
    environment = {
        "OTEL_SERVICE_NAME": "theirs",
        ENDPOINT: "http://theirs:4318",
        TRACES_ENDPOINT: "http://traces:4318/v1/traces",
        "OTEL_TRACES_SAMPLER": "always_off",
    }
    before = dict(environment)
    plan = enable(
        environment,
        service_name="ours",
        endpoint="http://ours:4318",
        sampler="always_on",
        log_level=logging.ERROR,
    )
    assert own(plan) == {"service.name": "ours"}
    assert seen(plan, environment) == {
        "OTEL_SERVICE_NAME": "theirs",
        ENDPOINT: "http://ours:4318",
        TRACES_ENDPOINT: "http://traces:4318/v1/traces",
        "OTEL_TRACES_SAMPLER": "always_on",
    }
    assert plan.log_level == logging.ERROR
    assert environment == before


def test_false_switches_a_signal_off_and_true_follows_the_environment() -> None:
    environment = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_LOGS_EXPORTER": "none"}
    plan = enable(environment, traces=False, metrics=False)
    assert seen(plan, environment) == {
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }
    assert (plan.traces, plan.metrics, plan.logs) == (False, False, True)
    assert not plan.listens, "nobody takes log records"
    assert not enable({}, logs=False).listens


@pytest.mark.parametrize(
    ("sampler", "named", "share"),
    [
        ("ratio:0.1", "parentbased_traceidratio", "0.1"),
        ("traceidratio", "traceidratio", "0.5"),
        ("parentbased_traceidratio", "parentbased_traceidratio", "0.5"),
        ("always_on", "always_on", None),
        ("parentbased_always_off", "parentbased_always_off", None),
        ("nonsense", "nonsense", None),
        ("", None, "0.5"),
    ],
)
def test_a_sampler_is_a_name_of_the_standard_or_a_ratio(
    sampler: str, named: str | None, share: str | None
) -> None:
    environment = {"OTEL_TRACES_SAMPLER_ARG": "0.5"}
    found = seen(enable(environment, sampler=sampler), environment)
    assert found.get("OTEL_TRACES_SAMPLER") == named
    assert found.get("OTEL_TRACES_SAMPLER_ARG") == share


def test_python_is_named_unless_the_environment_names_another() -> None:
    assert dict(enable({}).resource)["process.runtime.name"] == "cpython"
    environment = {"OTEL_RESOURCE_ATTRIBUTES": "process.runtime.name=mine,a%2Eb=c"}
    assert "process.runtime.name" not in enable(environment).resource


def test_a_service_is_described_by_arguments() -> None:
    environment = {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=theirs"}
    plan = configure(
        environment, service_name="shop", service_version="1.2.3", deployment="staging"
    )
    assert own(plan) == {
        "service.name": "shop",
        "service.version": "1.2.3",
        "deployment.environment.name": "staging",
    }


@pytest.mark.parametrize(
    ("attributes", "deployment"),
    [
        ("", "production"),
        ("service.name=x", "production"),
        ("deployment.environment=theirs", None),
        ("deployment%2Eenvironment%2Ename=theirs", None),
        ("deployment.environment=theirs,broken", "production"),
    ],
)
def test_otel_environment_is_read_last_of_all(attributes: str, deployment: str | None) -> None:
    environment = {"OTEL_ENVIRONMENT": "production", "OTEL_RESOURCE_ATTRIBUTES": attributes}
    plan = configure(environment)
    assert plan.resource.get("deployment.environment.name") == deployment
    [line] = said(plan)
    assert line.startswith("WARNING: not in the standard, and read last of all: OTEL_ENVIRONMENT;")
    assert "deployment.environment.name" not in enable(environment).resource


def test_without_an_endpoint_spans_have_ids_and_metrics_are_scraped() -> None:
    plan = configure({})
    assert plan.keep == "nowhere"
    assert plan.page
    assert plan.variables == {"OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none"}
    assert not configure({}, enable_prometheus=False).page
    assert configure({"OTEL_TRACES_EXPORTER": "none"}).keep is None
    assert configure({"OTEL_TRACES_EXPORTER": "otlp"}).keep == "nowhere"


def test_a_port_for_prometheus_is_opened_when_a_variable_asks_for_it() -> None:
    asks = {"OTEL_METRICS_EXPORTER": "prometheus"}
    plan = configure(asks)
    assert not plan.page
    assert seen(plan, asks)["OTEL_METRICS_EXPORTER"] == "prometheus"
    unwanted = configure(asks, enable_prometheus=False)
    assert seen(unwanted, asks)["OTEL_METRICS_EXPORTER"] == "none"
    both = {"OTEL_METRICS_EXPORTER": "otlp,prometheus", ENDPOINT: "http://h:4318"}
    unwanted = configure(both, enable_prometheus=False)
    assert seen(unwanted, both)["OTEL_METRICS_EXPORTER"] == "otlp"
    assert not configure({"OTEL_METRICS_EXPORTER": "none"}).page


def test_the_console_is_beside_what_there_is() -> None:
    alone = configure({}, enable_console=True)
    assert alone.keep is None
    assert alone.variables == {
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "console",
        "OTEL_LOGS_EXPORTER": "console",
    }
    environment = {ENDPOINT: "http://h:4318", "OTEL_LOGS_EXPORTER": "none"}
    plan = configure(environment, enable_console=True, enable_prometheus=False)
    assert seen(plan, environment) == {
        ENDPOINT: "http://h:4318",
        "OTEL_TRACES_EXPORTER": "otlp,console",
        "OTEL_METRICS_EXPORTER": "otlp,console",
        "OTEL_LOGS_EXPORTER": "none",
    }


def test_an_otlp_endpoint_takes_all_signals_whatever_the_environment_says() -> None:
    environment = {ENDPOINT: "http://theirs:4318", METRICS_ENDPOINT: "http://m:4318/v1/metrics"}
    plan = configure(environment, otlp_endpoint="otlp:4317", enable_prometheus=False)
    assert seen(plan, environment) == {ENDPOINT: "otlp:4317"}
    assert said(plan) == []
    assert not plan.logs_become_events


def test_beside_an_otlp_endpoint_jaegers_is_not_used() -> None:
    plan = configure({}, otlp_endpoint="otlp:4317", jaeger_endpoint="jaeger:6831")
    assert plan.variables[ENDPOINT] == "otlp:4317"
    assert TRACES_ENDPOINT not in seen(plan, {})
    assert said(plan) == ["INFO: otlp_endpoint carries all signals; jaeger_endpoint is not used"]
    assert not plan.logs_become_events


@pytest.mark.parametrize(
    ("given", "used", "is_warned"),
    [
        ("localhost:6831", "localhost:4317", True),
        ("http://jaeger:14268/api/traces", "http://jaeger:4317", True),
        ("jaeger:14250", "jaeger:4317", True),
        ("jaeger", "jaeger:4317", False),
        ("jaeger:4317", "jaeger:4317", False),
        ("jaeger:4318", "jaeger:4318/v1/traces", False),
        ("https://jaeger:443/otlp", "https://jaeger:443/otlp", False),
        ("[::1]:6831", "[::1]:4317", True),
        ("[::1]", "[::1]:4317", False),
    ],
)
def test_jaeger_gets_otlp(given: str, used: str, is_warned: bool) -> None:
    plan = configure({}, jaeger_endpoint=given)
    assert plan.variables[TRACES_ENDPOINT] == used
    assert bool(said(plan)) == is_warned
    assert plan.keep is None


def test_jaeger_alone_gets_traces_alone_and_logs_become_events() -> None:
    plan = configure({}, jaeger_endpoint="jaeger:4317")
    assert seen(plan, {}) == {
        TRACES_ENDPOINT: "jaeger:4317",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "none",
    }
    assert plan.logs_become_events
    assert plan.listens
    assert plan.page, "metrics stay there to be scraped"
    beside = configure({LOGS_ENDPOINT: "http://logs:4318/v1/logs"}, jaeger_endpoint="jaeger:4317")
    assert not beside.logs_become_events, "log records have a receiver of their own"
    off = configure({"OTEL_LOGS_EXPORTER": "none"}, jaeger_endpoint="jaeger:4317")
    assert not off.logs_become_events
    assert not off.listens


def test_jaegers_variable_is_read_last_of_all() -> None:
    environment = {"OTEL_EXPORTER_JAEGER_ENDPOINT": "jaeger:4317"}
    plan = configure(environment)
    assert plan.variables[TRACES_ENDPOINT] == "jaeger:4317"
    [line] = said(plan)
    assert line.endswith("OTEL_EXPORTER_JAEGER_ENDPOINT; set OTEL_EXPORTER_OTLP_ENDPOINT")
    other = configure(environment | {ENDPOINT: "http://h:4318"})
    assert TRACES_ENDPOINT not in other.variables
    assert configure(environment, otlp_endpoint="o:4317").variables[TRACES_ENDPOINT] == ""
    assert enable(environment).variables == {}


def test_both_aliases_are_one_warning() -> None:
    environment = {"OTEL_EXPORTER_JAEGER_ENDPOINT": "jaeger:4317", "OTEL_ENVIRONMENT": "dev"}
    [line] = said(configure(environment))
    assert "OTEL_ENVIRONMENT and OTEL_EXPORTER_JAEGER_ENDPOINT" in line


def test_only_an_entry_point_takes_the_standards_endpoint() -> None:
    assert enable({}).variables == {}
    assert by_entry_point({}).variables == {
        TRACES_ENDPOINT: "http://localhost:4318/v1/traces",
        METRICS_ENDPOINT: "http://localhost:4318/v1/metrics",
        LOGS_ENDPOINT: "http://localhost:4318/v1/logs",
    }
    mixed = by_entry_point(
        {
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/protobuf",
            METRICS_ENDPOINT: "http://m:4317",
        }
    )
    assert mixed.variables == {
        TRACES_ENDPOINT: "http://localhost:4317",
        LOGS_ENDPOINT: "http://localhost:4318/v1/logs",
    }
    assert by_entry_point({ENDPOINT: "http://h:4318"}).variables == {}
