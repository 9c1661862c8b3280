"""The bytes that the engine sends, judged by PyPI's opentelemetry-proto."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from conftest import ORDERS
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, SpanFlags
from receiver import REQUESTS, Run

SPANS_OF_AN_ORDER = 6


@dataclass(frozen=True)
class Arrived:
    """A span and the service it came from."""

    service: str
    span: Span


def text_attributes(attributes: list[KeyValue]) -> dict[str, str]:
    return {entry.key: entry.value.string_value for entry in attributes}


def resources(run: Run) -> Iterator[ResourceSpans]:
    for request in run.requests:
        message = request.message()
        if isinstance(message, ExportTraceServiceRequest):
            yield from message.resource_spans


@pytest.fixture(scope="session")
def spans(run: Run) -> list[Arrived]:
    """Every span that arrived."""
    arrived = []
    for resource in resources(run):
        service = text_attributes(resource.resource.attributes)["service.name"]
        for scope in resource.scope_spans:
            arrived += [Arrived(service, span) for span in scope.spans]
    return arrived


@pytest.fixture(scope="session")
def by_id(spans: list[Arrived]) -> dict[bytes, Arrived]:
    """Every span by its own id."""
    return {arrived.span.span_id: arrived for arrived in spans}


def messages_in(message: Message) -> Iterator[Message]:
    """The message and everything inside it."""
    yield message
    for description, value in message.ListFields():
        if description.message_type is not None:
            for part in value if description.is_repeated else [value]:
                yield from messages_in(part)


def test_requests_are_otlp_over_http(run: Run) -> None:
    # The engine's own health is among them.
    assert {"/v1/traces", "/v1/metrics"} <= {request.path for request in run.requests}
    for request in run.requests:
        assert request.path in REQUESTS
        assert request.headers["content-type"] == "application/x-protobuf"


def test_bodies_hold_no_field_that_the_schema_does_not_know(run: Run) -> None:
    for request in run.requests:
        for message in messages_in(request.message()):
            unknown = [part.field_number for part in UnknownFieldSet(message)]
            assert unknown == [], f"{message.DESCRIPTOR.full_name} has unknown fields"


def test_bodies_mean_the_same_after_a_round_trip(run: Run) -> None:
    for request in run.requests:
        message = request.message()
        assert type(message).FromString(message.SerializeToString()) == message


def test_each_order_is_one_trace_over_both_services(spans: list[Arrived]) -> None:
    sizes = Counter(arrived.span.trace_id for arrived in spans)
    assert sorted(sizes.values()) == [SPANS_OF_AN_ORDER] * ORDERS
    for trace in sizes:
        services = {arrived.service for arrived in spans if arrived.span.trace_id == trace}
        assert services == {"front", "back"}


def test_ids_have_their_length_and_occur_once(
    spans: list[Arrived], by_id: dict[bytes, Arrived]
) -> None:
    for arrived in spans:
        assert len(arrived.span.trace_id) == 16
        assert any(arrived.span.trace_id)
        assert len(arrived.span.span_id) == 8
        assert any(arrived.span.span_id)
        assert len(arrived.span.parent_span_id) in (0, 8)
    assert len(by_id) == len(spans)


def test_each_trace_has_one_root_and_every_other_parent_arrived(
    spans: list[Arrived], by_id: dict[bytes, Arrived]
) -> None:
    roots = Counter()
    for arrived in spans:
        if not arrived.span.parent_span_id:
            roots[arrived.span.trace_id] += 1
            continue
        parent = by_id[arrived.span.parent_span_id]
        assert parent.span.trace_id == arrived.span.trace_id
    assert sorted(roots.values()) == [1] * ORDERS


def test_only_a_server_span_has_its_parent_in_another_service(
    spans: list[Arrived], by_id: dict[bytes, Arrived]
) -> None:
    borders = 0
    for arrived in spans:
        parent = by_id.get(arrived.span.parent_span_id)
        if parent is None or parent.service == arrived.service:
            assert arrived.span.kind != Span.SPAN_KIND_SERVER
            continue
        borders += 1
        assert arrived.span.kind == Span.SPAN_KIND_SERVER
        assert parent.span.kind == Span.SPAN_KIND_CLIENT
    assert borders == ORDERS


def test_kinds_are_always_said(spans: list[Arrived]) -> None:
    kinds = {arrived.span.kind for arrived in spans}
    assert Span.SPAN_KIND_UNSPECIFIED not in kinds
    assert kinds <= set(Span.SpanKind.values())


def test_times_lie_within_the_run_and_in_order(run: Run, spans: list[Arrived]) -> None:
    for span in (arrived.span for arrived in spans):
        assert run.started_ns <= span.start_time_unix_nano
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= run.ended_ns
        for event in span.events:
            assert span.start_time_unix_nano <= event.time_unix_nano <= span.end_time_unix_nano


def test_flags_say_sampled_and_whether_the_parent_was_remote(
    spans: list[Arrived], by_id: dict[bytes, Arrived]
) -> None:
    sampled = 1
    known = SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
    remote = SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
    for arrived in spans:
        parent = by_id.get(arrived.span.parent_span_id)
        is_remote = parent is not None and parent.service != arrived.service
        assert arrived.span.flags & sampled
        assert arrived.span.flags & known
        assert bool(arrived.span.flags & remote) == is_remote


def test_names_and_attribute_keys_are_there_and_unique(run: Run, spans: list[Arrived]) -> None:
    for resource in resources(run):
        assert all(scope.scope.name for scope in resource.scope_spans)
        keys = [entry.key for entry in resource.resource.attributes]
        assert len(keys) == len(set(keys))
    for arrived in spans:
        assert arrived.span.name
        keys = [entry.key for entry in arrived.span.attributes]
        assert all(keys)
        assert len(keys) == len(set(keys)), arrived.span.name


def test_resources_name_the_service_and_the_sdk(run: Run) -> None:
    services = set()
    for resource in resources(run):
        attributes = text_attributes(resource.resource.attributes)
        services.add(attributes["service.name"])
        assert attributes["telemetry.sdk.language"] == "rust"
        assert attributes["telemetry.sdk.name"] == "oxitel"
        assert attributes["telemetry.sdk.version"]
    assert services == {"front", "back"}
