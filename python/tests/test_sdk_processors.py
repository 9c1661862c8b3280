"""Processors of the SDK on our provider: in a Python that has both (`OXITEL_SDK_PYTHON`)."""

from __future__ import annotations

import os
import subprocess
import textwrap

import pytest
from program import environment
from receiver import Receiver

BEGIN = """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor, ConsoleSpanExporter, SimpleSpanProcessor,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry import trace
from oxitel import _native
from oxitel._trace import TracerProvider
_native.start({})
provider = TracerProvider()
tracer = provider.get_tracer("tests")
"""


def run(code: str, receiver: Receiver, **variables: str) -> str:
    """Runs a program that has the SDK, too; returns what it printed."""
    sdk = os.environ.get("OXITEL_SDK_PYTHON")
    if sdk is None:
        pytest.skip("OXITEL_SDK_PYTHON names no Python with opentelemetry-sdk")
    ended = subprocess.run(
        [sdk, "-c", BEGIN + textwrap.dedent(code)],
        env=environment(receiver, **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.parametrize("processor", ["BatchSpanProcessor", "SimpleSpanProcessor"])
def test_an_otlp_exporter_for_our_receiver_is_absorbed_and_doubles_nothing(
    receiver: Receiver, processor: str
) -> None:
    run(
        f"""
        provider.add_span_processor({processor}(OTLPSpanExporter()))
        with tracer.start_as_current_span("once"):
            pass
        assert provider.force_flush()
        provider.shutdown()
        """,
        receiver,
    )
    assert len(receiver.spans("once")) == 1


def test_an_exporter_for_another_receiver_gets_each_span_too(receiver: Receiver) -> None:
    with Receiver() as second:
        run(
            f"""
            other = OTLPSpanExporter(endpoint="{second.endpoint}/v1/traces")
            provider.add_span_processor(BatchSpanProcessor(other))
            with tracer.start_as_current_span("twice", attributes={{"a": [1, "x"]}}) as span:
                span.add_event("happened")
            assert provider.force_flush()
            provider.shutdown()
            """,
            receiver,
        )
        [ours], [theirs] = receiver.spans("twice"), second.spans("twice")
        assert ours.span_id == theirs.span_id and ours.trace_id == theirs.trace_id
        assert theirs.attributes == ours.attributes == {"a": [1, "x"]}
        assert [event.name for event in theirs.events] == ["happened"]
        assert (ours.start_ns, ours.end_ns) == (theirs.start_ns, theirs.end_ns)
        assert theirs.resource["service.name"] == "program"


def test_exporters_in_the_process_see_spans_as_the_sdks_own(receiver: Receiver) -> None:
    said = run(
        """
        memory = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(memory))
        provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter()))
        with tracer.start_as_current_span("outer"):
            with tracer.start_as_current_span("inner", attributes={"a": 1}):
                pass
        inner, outer = memory.get_finished_spans()
        assert inner.name == "inner" and dict(inner.attributes) == {"a": 1}
        assert inner.parent.span_id == outer.context.span_id
        assert outer.end_time >= inner.end_time
        """,
        receiver,
    )
    assert '"name": "inner"' in said and '"status_code": "UNSET"' in said


LOGS = """
import logging
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs.export import (
    BatchLogRecordProcessor, ConsoleLogRecordExporter, InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from oxitel._logs import LoggerProvider, LogHandler
logs = LoggerProvider()
logger = logging.getLogger("shop")
logger.addHandler(LogHandler())
logger.setLevel(logging.INFO)
"""


@pytest.mark.parametrize("processor", ["BatchLogRecordProcessor", "SimpleLogRecordProcessor"])
def test_an_exporter_of_log_records_for_our_receiver_doubles_nothing(
    receiver: Receiver, processor: str
) -> None:
    run(
        LOGS
        + f"""
logs.add_log_record_processor({processor}(OTLPLogExporter()))
logger.info("once")
assert logs.force_flush()
logs.shutdown()
""",
        receiver,
    )
    assert [record.body for record in receiver.logs()] == ["once"]


def test_an_exporter_of_log_records_for_another_receiver_gets_each_too(receiver: Receiver) -> None:
    with Receiver() as second:
        run(
            LOGS
            + f"""
other = OTLPLogExporter(endpoint="{second.endpoint}/v1/logs")
logs.add_log_record_processor(BatchLogRecordProcessor(other))
with tracer.start_as_current_span("work"):
    logger.warning("order %s", 17, extra={{"list": [1, "x"]}})
    logs.get_logger("scope", "1.0").emit(body={{"a": 1}}, attributes={{"b": True}})
assert logs.force_flush()
logs.shutdown()
""",
            receiver,
        )
        assert len(receiver.logs()) == 2
        for ours, theirs in zip(receiver.logs(), second.logs(), strict=True):
            assert (ours.body, ours.attributes) == (theirs.body, theirs.attributes)
            assert (ours.severity, ours.severity_text) == (theirs.severity, theirs.severity_text)
            assert (ours.trace_id, ours.span_id) == (theirs.trace_id, theirs.span_id)
            assert ours.scope == theirs.scope
            # One that does not say when it happened is sent without a time by the SDK.
            assert theirs.time_ns in (ours.time_ns, 0)


def test_exporters_in_the_process_see_log_records_as_the_sdks_own(receiver: Receiver) -> None:
    said = run(
        LOGS
        + """
memory = InMemoryLogRecordExporter()
logs.add_log_record_processor(SimpleLogRecordProcessor(memory))
logs.add_log_record_processor(SimpleLogRecordProcessor(ConsoleLogRecordExporter()))
logger.info("said", extra={"a": 1})
[record] = memory.get_finished_logs()
assert record.log_record.body == "said" and record.log_record.attributes["a"] == 1
assert record.resource.attributes["service.name"] == "program"
""",
        receiver,
    )
    assert '"body": "said"' in said


METRICS = """
import logging, sys, threading
logging.basicConfig(level=logging.INFO, stream=sys.stdout)
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter, InMemoryMetricReader, PeriodicExportingMetricReader,
)
from oxitel._metrics import MeterProvider
meters = MeterProvider()
"""


def test_a_reader_of_metrics_is_absorbed_or_told_and_leaves_no_thread(receiver: Receiver) -> None:
    said = run(
        METRICS
        + """
meters.add_metric_reader(PeriodicExportingMetricReader(OTLPMetricExporter()))
print("absorbed")
meters.add_metric_reader(InMemoryMetricReader())
meters.add_metric_reader(PeriodicExportingMetricReader(ConsoleMetricExporter()))
meters.add_metric_reader(reader := object())
meters.remove_metric_reader(reader)
assert not [it for it in threading.enumerate() if "Metric" in it.name], threading.enumerate()
meters.get_meter("m").create_counter("orders").add(1)
assert meters.force_flush()
meters.shutdown()
""",
        receiver,
    )
    assert {point.value for point in receiver.points("orders")} == {1}
    absorbed, told = said.split("absorbed\n")
    assert "is left out: the engine sends there already" in absorbed
    assert told.count("WARNING") == 1, told
    assert "add_metric_reader(InMemoryMetricReader) has no effect" in told


def test_samplers_and_generators_of_the_sdk_decide(receiver: Receiver) -> None:
    run(
        """
        from opentelemetry.sdk.trace import sampling
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
        memory = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(memory))

        class Reading(sampling.Sampler):
            def should_sample(self, parent_context, trace_id, name, kind=None, attributes=None,
                              links=None, trace_state=None):
                return sampling.SamplingResult(sampling.Decision.RECORD_ONLY, {"by": "reading"})
            def get_description(self):
                return "Reading"

        _native.set_deciders(Reading(), RandomIdGenerator())
        with tracer.start_as_current_span("read") as span:
            assert span.is_recording() and dict(span.attributes) == {"by": "reading"}
            assert not span.get_span_context().trace_flags.sampled
        _native.set_deciders(sampling.ParentBased(sampling.ALWAYS_ON), None)
        with tracer.start_as_current_span("root"):
            tracer.start_span("child").end()
        with tracer.start_as_current_span("below", context=trace.set_span_in_context(span)) as it:
            assert not it.is_recording()
        _native.set_deciders(sampling.TraceIdRatioBased(0.5), None)
        kept = 0
        for _ in range(1000):
            half = tracer.start_span("half")
            kept += half.is_recording()
            half.end()
        assert 400 < kept < 600, kept
        _native.set_deciders(sampling.ALWAYS_OFF, None)
        tracer.start_span("off").end()
        assert provider.force_flush()
        assert {it.name for it in memory.get_finished_spans()} == {"root", "child", "half"}
        provider.shutdown()
        """,
        receiver,
    )
    assert {span.name for span in receiver.spans()} == {"root", "child", "half"}
