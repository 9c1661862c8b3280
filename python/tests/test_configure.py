"""`configure_telemetry`: a service with Jaeger, Prometheus, a console, or nobody to send to."""

from __future__ import annotations

import json

from program import run_program
from receiver import Receiver

SERVICE = """
        import oxitel
        oxitel.configure_telemetry({arguments})
        shop = oxitel.get_telemetry("shop")
        with shop.trace("order", {{"table": "users"}}):
            shop.log_info("taken", extra={{"user_id": "123"}})
            try:
                with shop.trace("charge"):
                    raise OSError("card declined")
            except OSError:
                shop.log_error("failed", exc_info=True)
        shop.counter("requests_total").add(2, {{"method": "POST", "status": "200"}})
        for milliseconds in (50, 400, 900):
            shop.histogram("request_duration_ms").record(milliseconds)
        shop.gauge("connections", lambda: 7)
        """


def test_a_described_service_sends_everything_to_one_endpoint(receiver: Receiver) -> None:
    arguments = f"""service_name="orchestrator", service_version="1.0.0",
            environment="production", otlp_endpoint="127.0.0.1:{receiver.port}" """
    run_program(
        SERVICE.format(arguments=arguments),
        "http://127.0.0.1:1",
        OTEL_RESOURCE_ATTRIBUTES="deployment.environment=theirs,tenant=a",
        OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
    )
    resource = receiver.span("order").resource
    assert resource["service.name"] == "orchestrator"
    assert resource["service.version"] == "1.0.0"
    assert resource["deployment.environment.name"] == "production"
    assert resource["deployment.environment"] == "production"
    assert resource["tenant"] == "a"
    assert len(receiver.logs()) == 2
    [requests] = receiver.points("requests_total")
    assert (requests.value, requests.is_monotonic) == (2, True)
    [duration] = receiver.points("request_duration_ms")
    assert (duration.count, duration.sum) == (3, 1350)
    assert {100.0, 500.0} <= set(duration.bounds)
    assert [point.value for point in receiver.points("connections")] == [7]


def test_logs_have_the_ids_of_their_span_and_keep_what_was_given(receiver: Receiver) -> None:
    run_program(SERVICE.format(arguments="enable_prometheus=False"), receiver)
    order = receiver.span("order")
    taken, failed = receiver.logs()
    for record in (taken, failed):
        assert (record.trace_id, record.span_id) == (order.trace_id, order.span_id)
    assert (taken.body, taken.severity_text) == ("taken", "INFO")
    assert taken.attributes["user_id"] == "123"
    assert failed.attributes["exception.type"] == "OSError"
    assert "card declined" in failed.attributes["exception.stacktrace"]
    assert order.events == [], "never both"


def test_jaeger_alone_gets_log_records_as_events(receiver: Receiver) -> None:
    run_program(
        SERVICE.format(arguments=f'jaeger_endpoint="127.0.0.1:{receiver.port}"'),
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf",
    )
    assert {request.path for request in receiver.requests} == {"/v1/traces"}
    order, charge = receiver.span("order"), receiver.span("charge")
    assert [event.name for event in order.events] == ["taken", "failed"]
    assert order.events[0].attributes["user_id"] == "123"
    assert [event.name for event in charge.events] == ["exception"]
    assert charge.status == "ERROR"


def test_without_an_endpoint_there_are_ids_and_a_page() -> None:
    ended = run_program(
        SERVICE.format(arguments='service_name="shop"')
        + """
        import json
        from oxitel import _native
        kind, page = _native.prometheus_page("")
        with shop.trace("order"):
            print(json.dumps([kind, page.decode(), shop.get_current_trace_id()]))
        """
    )
    kind, page, trace_id = json.loads(ended.stdout)
    assert kind.startswith("text/plain")
    assert len(trace_id) == 32
    lines = page.splitlines()
    for expected in (
        'requests_total{method="POST",status="200"',
        'request_duration_ms_bucket{le="100"',
        'request_duration_ms_bucket{le="500"',
        "request_duration_ms_count",
        "request_duration_ms_sum",
    ):
        start, _, label = expected.partition("{")
        found = [
            line
            for line in lines
            if line.startswith(start) and all(part in line for part in label.split(","))
        ]
        assert found, f"{expected} is not in\n{page}"


def test_the_console_shows_all_three_signals() -> None:
    ended = run_program(
        SERVICE.format(arguments='service_name="shop", enable_console=True'),
    )
    assert "order" in ended.stdout
    assert "└─ charge" in ended.stdout
    assert "taken" in ended.stdout
    assert "requests_total" in ended.stdout


def test_a_negative_amount_is_ignored_with_one_warning(receiver: Receiver) -> None:
    ended = run_program(
        """
        import oxitel
        oxitel.configure_telemetry(enable_prometheus=False)
        requests = oxitel.get_telemetry("shop").counter("requests_total")
        requests.add(3)
        requests.add(-1)
        requests.add(-1)
        """,
        receiver,
    )
    assert [point.value for point in receiver.points("requests_total")] == [3]
    assert len(ended.stderr.splitlines()) == 1


def test_both_endpoints_in_one_call(receiver: Receiver) -> None:
    arguments = f"""service_name="my-service", service_version="1.2.3", environment="staging",
            jaeger_endpoint="jaeger:6831", otlp_endpoint="{receiver.endpoint}",
            enable_prometheus=True, enable_console=False"""
    run_program(SERVICE.format(arguments=arguments))
    paths = {request.path for request in receiver.requests}
    assert paths == {"/v1/traces", "/v1/logs", "/v1/metrics"}


def test_a_number_for_a_sampler_is_its_share(receiver: Receiver) -> None:
    ended = run_program(
        """
        import oxitel
        oxitel.configure_telemetry(enable_prometheus=False)
        for _ in range(100):
            with oxitel.get_telemetry("shop").trace("order"):
                pass
        """,
        receiver,
        OTEL_TRACES_SAMPLER="0.0",
    )
    assert receiver.spans() == []
    assert "belongs into OTEL_TRACES_SAMPLER_ARG" in ended.stderr
