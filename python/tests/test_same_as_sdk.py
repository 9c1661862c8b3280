"""Programs send the same on our engine as on the SDK: every field of every record.

Each program of `differential/` runs twice, in an environment with opentelemetry-sdk
(`OXITEL_SDK_PYTHON`) and in one without it, and both send to a receiver.
"""

from __future__ import annotations

import pytest
from differential import allowed
from same import LIBRARY, both, compare, told


def test_spans_are_the_same_in_every_field() -> None:
    theirs, ours = both(LIBRARY / "spans.py")
    compare(
        told(theirs),
        told(ours),
        *allowed.SPANS,
        allowed.without_states_of_links,
        allowed.without_frames_of_the_api,
    )


def test_log_records_are_the_same_in_every_field() -> None:
    theirs, ours = both(LIBRARY / "logs.py")
    assert len(theirs.logs) == 26
    compare(
        told(theirs),
        told(ours),
        *allowed.LOGS,
        allowed.without_fatal,
        allowed.without_short_exceptions,
    )


@pytest.mark.parametrize("preference", ["cumulative", "delta", "lowmemory"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_metrics_are_the_same_in_every_field(seed: int, preference: str) -> None:
    theirs, ours = both(
        LIBRARY / "metrics.py",
        str(seed),
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=preference,
    )
    one, two = told(theirs), told(ours)
    if preference == "delta":
        allowed.take_repeated_gauges(one, two)
    compare(one, two, *allowed.RESOURCES)
