"""Variables that a Python program with OpenTelemetry knows."""

from __future__ import annotations

import os
import subprocess
import textwrap
from pathlib import Path

import pytest
from program import PACKAGE, environment, run_program
from receiver import LIMIT_SECONDS, Receiver

ALL_SIGNALS = """
    import logging
    import oxitel
    oxitel.enable_telemetry()
    shop = oxitel.get_telemetry("shop")
    with shop.trace("order") as span:
        shop.counter("orders").add(1)
        shop.log_warning("taken")
        print(span.is_recording(), oxitel.get_current_trace_id() is not None)
    print(oxitel.stats()["recorded"], oxitel.stats()["delivered"])
    assert oxitel.shutdown_telemetry(10)
"""


def test_a_disabled_sdk_records_nothing_and_passes_traces_on(receiver: Receiver) -> None:
    ended = run_program(
        textwrap.dedent(ALL_SIGNALS)
        + """
headers = {"traceparent": f"00-{17:032x}-{5:016x}-01"}
token = oxitel.attach_trace_context(oxitel.extract_trace_context(headers))
with shop.trace("below"):
    assert oxitel.inject_trace_context({}) == headers
""",
        receiver,
        OTEL_SDK_DISABLED="true",
    )
    assert ended.stdout.startswith("False False\n0 0\n")
    assert receiver.requests == []


@pytest.mark.parametrize("value", ["TRUE", " true "])
def test_disabled_counts_in_any_case(receiver: Receiver, value: str) -> None:
    run_program(ALL_SIGNALS, receiver, OTEL_SDK_DISABLED=value)
    assert receiver.requests == []


def test_no_exporter_at_all_is_no_request(receiver: Receiver) -> None:
    exporters = {f"OTEL_{it}_EXPORTER": "none" for it in ("TRACES", "METRICS", "LOGS")}
    ended = run_program(ALL_SIGNALS, receiver, **exporters)
    assert receiver.requests == []
    assert ended.stderr in ("", "taken\n")


@pytest.mark.parametrize(("share", "kept"), [("0.0", 0), ("0.1", 100), ("1.0", 1000)])
def test_the_variables_of_the_sampler_say_how_many_are_kept(
    receiver: Receiver, share: str, kept: int
) -> None:
    run_program(
        """
        import oxitel
        oxitel.enable_telemetry()
        shop = oxitel.get_telemetry("shop")
        for _ in range(1000):
            with shop.trace("order"):
                pass
        """,
        receiver,
        OTEL_TRACES_SAMPLER="traceidratio",
        OTEL_TRACES_SAMPLER_ARG=share,
    )
    arrived = len(receiver.spans())
    # Six times the deviation to be expected.
    assert abs(arrived - kept) <= (60 if 0 < kept < 1000 else 0)


def test_the_endpoint_alone_and_a_call_without_arguments(receiver: Receiver) -> None:
    ended = run_program(ALL_SIGNALS, receiver)
    assert ended.stdout.startswith("True True\n")
    assert len(receiver.spans("order")) == len(receiver.logs()) == 1
    assert receiver.points("orders")


def test_the_console_stands_beside_the_receiver(receiver: Receiver) -> None:
    ended = run_program(ALL_SIGNALS, receiver, OTEL_TRACES_EXPORTER="otlp,console")
    assert "order" in ended.stdout and len(receiver.spans("order")) == 1


OTHER_CONTEXT = '''
from opentelemetry.context.context import Context, _RuntimeContext


class Stack(_RuntimeContext):
    """A context that lies in a list."""

    def __init__(self):
        self.stack = [Context()]

    def attach(self, context):
        self.stack.append(context)
        return len(self.stack) - 1

    def get_current(self):
        return self.stack[-1]

    def detach(self, token):
        del self.stack[token:]
'''


def test_another_context_in_place_of_the_usual_one_is_used(
    receiver: Receiver, tmp_path: Path
) -> None:
    (tmp_path / "stacked.py").write_text(OTHER_CONTEXT)
    (tmp_path / "stacked-0.dist-info").mkdir()
    (tmp_path / "stacked-0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: stacked\nVersion: 0\n"
    )
    (tmp_path / "stacked-0.dist-info" / "entry_points.txt").write_text(
        "[opentelemetry_context]\nstacked = stacked:Stack\n"
    )
    run_program(
        """
        import oxitel
        from opentelemetry import context, trace
        oxitel.enable_telemetry()
        assert type(context._RUNTIME_CONTEXT).__name__ == "Stack"
        shop = oxitel.get_telemetry("shop")
        with shop.trace("order") as order:
            assert trace.get_current_span() is order
            assert context._RUNTIME_CONTEXT.stack[-1]
            with shop.trace("charge"):
                shop.log_warning("charged")
                shop.counter("orders").add(1)
            assert trace.get_current_span() is order
        assert len(context._RUNTIME_CONTEXT.stack) == 1
        assert trace.get_current_span() is trace.INVALID_SPAN
        """,
        receiver,
        OTEL_PYTHON_CONTEXT="stacked",
        PYTHONPATH=os.pathsep.join([str(PACKAGE), str(tmp_path)]),
    )
    assert receiver.span("charge").parent_id == receiver.span("order").span_id
    assert receiver.logs()[0].span_id == receiver.span("charge").span_id


def test_what_is_suppressed_is_left_to_instrumentations_and_log_records(
    receiver: Receiver,
) -> None:
    """As with the SDK a span that is begun by hand is recorded all the same."""
    run_program(
        """
        import logging
        import oxitel
        from opentelemetry import context
        oxitel.enable_telemetry()
        shop = oxitel.get_telemetry("shop")
        key = context._SUPPRESS_INSTRUMENTATION_KEY
        token = context.attach(context.set_value(key, True))
        with shop.trace("by hand"):
            shop.log_warning("not sent")
        context.detach(token)
        shop.log_warning("sent")
        """,
        receiver,
    )
    assert [span.name for span in receiver.spans()] == ["by hand"]
    assert [record.body for record in receiver.logs()] == ["sent"]


@pytest.mark.parametrize(
    ("disabled", "expected"),
    [("", ["httpx", "requests"]), ("httpx, aiohttp-client", ["requests"]), ("*", [])],
)
def test_instrumentations_can_be_switched_off(disabled: str, expected: list[str]) -> None:
    """Those that a program names itself stay."""
    ended = run_program(
        """
        import oxitel
        names = oxitel.instrument_all()
        print([name for name in names if name in ("httpx", "requests", "aiohttp")])
        print(oxitel.instrument_httpx())
        """,
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=disabled,
    )
    there, by_name = ended.stdout.splitlines()
    assert by_name == "True"
    found = [name for name in ("httpx", "requests") if name in there]
    assert found == expected
    assert ("aiohttp" in there) == (disabled == "")


def test_the_variables_of_the_logging_package_are_obeyed(receiver: Receiver) -> None:
    """`opentelemetry-instrumentation-logging` puts ids into the lines that others write."""
    sdk = os.environ.get("OXITEL_SDK_PYTHON")
    if sdk is None:
        pytest.skip("OXITEL_SDK_PYTHON names no Python with opentelemetry-instrumentation-logging")
    program = """
    import logging
    import oxitel
    from opentelemetry.instrumentation.logging import LoggingInstrumentor
    oxitel.enable_telemetry()
    LoggingInstrumentor().instrument()
    shop = oxitel.get_telemetry("shop")
    with shop.trace("order"):
        logging.getLogger("shop").warning("taken")
        print(oxitel.get_current_trace_id())
    """
    ended = subprocess.run(
        [sdk, "-c", textwrap.dedent(program)],
        env=environment(
            receiver,
            OTEL_PYTHON_LOG_CORRELATION="true",
            OTEL_PYTHON_LOG_LEVEL="info",
            OTEL_PYTHON_LOG_FORMAT="%(levelname)s %(otelTraceID)s %(otelServiceName)s %(message)s",
        ),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    trace_id = ended.stdout.strip()
    assert f"WARNING {trace_id} program taken" in ended.stderr
    [record] = receiver.logs()
    assert (record.body, record.trace_id) == ("taken", trace_id)
