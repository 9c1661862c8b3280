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
