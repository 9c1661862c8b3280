"""The page for Prometheus, judged by promtool, by a real server, and by PyPI's parser."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import otlp
import pytest
from conftest import program_of
from otlp import Samples
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_server import Prometheus, prometheus, wait_until
from receiver import Run
from shop import OPEN_METRICS, TEXT, Shop, open_shop

ORDERS = 40
DURATION = "shop_order_duration_seconds"


@dataclass(frozen=True)
class Seen:
    """The pages of the shop after its last order, and what it sent until its end."""

    text: str
    open: str
    own: str
    run: Run
    packed: int
    refused: int


@pytest.fixture(scope="session")
def servers() -> Iterator[ExitStack]:
    """What has to end when the tests have."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="session")
def recorded(
    servers: ExitStack, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Seen, Prometheus | None]:
    """The shop has ended; Prometheus, where there is one, still tells what it saw of it."""
    program, scraper = os.environ.get("OXITEL_PROMETHEUS"), None
    with open_shop(program_of("OXITEL_SIGNALS")) as shop:
        shop.order(ORDERS)
        if program:
            folder = tmp_path_factory.mktemp("prometheus")
            scraper = servers.enter_context(prometheus(Path(program), folder, shop))
            order_while_scraped(shop, scraper)
        pages = [shop.page(TEXT), shop.page(OPEN_METRICS), shop.own_page(TEXT)]
    for content_type, _ in [pages[0], pages[2]]:
        assert content_type.startswith("text/plain; version=0.0.4")
    assert pages[1][0].startswith("application/openmetrics-text; version=1.0.0")
    text, opened, own = (page for _, page in pages)
    return Seen(text, opened, own, shop.run, shop.packed, shop.refused), scraper


def order_while_scraped(shop: Shop, scraper: Prometheus) -> None:
    """Some orders between two scrapes of each job; ends when Prometheus has seen them all."""

    def knows_all_orders() -> bool:
        seen = scraper.query('shop_orders_total{outcome="packed"}')
        return [it["value"] for it in seen] == [shop.packed] * 2

    wait_until(knows_all_orders, "the first orders in both jobs")
    shop.order(ORDERS)
    wait_until(knows_all_orders, "the orders between two scrapes")
    scraper.stay_here()


@pytest.fixture
def seen(recorded: tuple[Seen, Prometheus | None]) -> Seen:
    """What there is without any tool."""
    return recorded[0]


@pytest.fixture
def scraper(recorded: tuple[Seen, Prometheus | None]) -> Prometheus:
    """A real Prometheus."""
    if recorded[1] is None:
        pytest.skip("no prometheus")
    return recorded[1]


def samples(families: Iterable[Metric]) -> Samples:
    """The shop's samples of a page; a bound as Python writes that number."""
    found: Samples = {}
    for sample in (sample for family in families for sample in family.samples):
        labels = dict(sample.labels)
        if "le" in labels:
            labels["le"] = str(float(labels["le"]))
        if labels.get("otel_scope_name") == "shop":
            key = sample.name, frozenset(labels.items())
            assert key not in found, key
            found[key] = sample.value
    return found


def lines(page: str) -> list[str]:
    return [line for line in page.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("page", ["text", "own"])
def test_promtool_has_nothing_to_say_about_the_page(seen: Seen, page: str) -> None:
    promtool = os.environ.get("OXITEL_PROMTOOL")
    if not promtool:
        pytest.skip("no promtool")
    said = subprocess.run(
        [promtool, "check", "metrics"],
        input=getattr(seen, page),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("page", "parse"), [("text", parse_text), ("own", parse_text), ("open", parse_open)]
)
def test_every_line_is_read_and_has_the_numbers_that_were_sent(seen, page, parse) -> None:
    text = getattr(seen, page)
    families = list(parse(text))
    assert sum(len(family.samples) for family in families) == len(lines(text))
    assert samples(families) == otlp.samples(seen.run)


def test_the_numbers_are_those_of_the_orders(seen: Seen) -> None:
    told = {
        (name, dict(labels).get("outcome")): value
        for (name, labels), value in samples(parse_text(seen.text)).items()
    }
    assert told["shop_orders_total", "packed"] == seen.packed
    assert told["shop_orders_total", "refused"] == seen.refused
    assert told["shop_orders_open", None] == 0
    assert told[f"{DURATION}_count", "packed"] == seen.packed
    assert told["shop_order_size_count", None] == seen.packed + seen.refused


@pytest.mark.parametrize(("page", "parse"), [("text", parse_text), ("open", parse_open)])
def test_one_target_says_who_it_is(seen, page, parse) -> None:
    targets = [
        sample.labels
        for family in parse(getattr(seen, page))
        for sample in family.samples
        if sample.name == "target_info"
    ]
    assert targets == [otlp.resource_labels(seen.run)]
    assert targets[0]["service_name"] == "signals"
    assert targets[0]["deployment_environment_name"] == "test"


def test_exemplars_point_at_spans_that_were_sent(seen: Seen) -> None:
    """Each bucket that holds something has one, from within."""
    spans = {span.span_id.hex(): span for span in otlp.spans(seen.run)}
    buckets = [
        sample
        for family in parse_open(seen.open)
        for sample in family.samples
        if sample.name == f"{DURATION}_bucket" and sample.labels["outcome"] == "packed"
    ]
    below, count, exemplars = float("-inf"), 0, 0
    for bucket in buckets:
        bound = float(bucket.labels["le"])
        if bucket.exemplar is not None:
            exemplars += 1
            span = spans[bucket.exemplar.labels["span_id"]]
            assert span.trace_id.hex() == bucket.exemplar.labels["trace_id"]
            assert span.name == "POST /orders/{kind}"
            assert below < bucket.exemplar.value <= bound
            assert bucket.value > count
        below, count = bound, bucket.value
    assert exemplars > 0
    assert "# {" not in seen.text, "the text format has none"


def test_logs_carry_the_ids_of_spans_that_were_sent(seen: Seen) -> None:
    spans = {(span.trace_id, span.span_id): span.name for span in otlp.spans(seen.run)}
    records = list(otlp.log_records(seen.run))
    assert len(records) == seen.packed + seen.refused
    assert {spans[record.trace_id, record.span_id] for record in records} == {"pack"}


def test_prometheus_scrapes_both_formats(scraper: Prometheus) -> None:
    for job in ("open", "text"):
        scrapes = scraper.query(f'count_over_time(up{{job="{job}"}}[1m])')
        assert [it["value"] >= 2 for it in scrapes] == [True]
        assert [it["value"] for it in scraper.query(f'min_over_time(up{{job="{job}"}}[1m])')] == [1]


def test_prometheus_has_the_numbers_that_were_sent(scraper: Prometheus, seen: Seen) -> None:
    for job in ("open", "text"):
        found: Samples = {}
        for series in scraper.query(f'{{job="{job}",otel_scope_name="shop"}}'):
            labels = dict(series["metric"])
            name = labels.pop("__name__")
            labels = {key: labels[key] for key in labels if key not in ("job", "instance")}
            if "le" in labels:
                labels["le"] = str(float(labels["le"]))
            found[name, frozenset(labels.items())] = series["value"]
        assert found == otlp.samples(seen.run), job


def test_prometheus_answers_with_quantiles(scraper: Prometheus, seen: Seen) -> None:
    for share in (0.5, 0.9):
        buckets = f'{DURATION}_bucket{{job="open",outcome="packed"}}'
        answer = scraper.query(f"histogram_quantile({share}, {buckets})")
        expected = quantile(share, seen.run)
        assert [it["value"] for it in answer] == [pytest.approx(expected)]


def quantile(share: float, run: Run) -> float:
    """By the bounds and counts that were sent, as if each bucket were filled evenly."""
    points = otlp.metrics(run)["shop.order.duration"].histogram.data_points
    (point,) = (it for it in points if otlp.labels_of(it.attributes)["outcome"] == "packed")
    rank, below = share * point.count, 0
    for (low, high), count in zip(
        pairwise([0.0, *point.explicit_bounds]), point.bucket_counts, strict=False
    ):
        if below + count >= rank:
            return low + (high - low) * (rank - below) / count
        below += count
    return point.explicit_bounds[-1]


def test_prometheus_answers_with_rates(scraper: Prometheus, seen: Seen) -> None:
    counted = 'shop_orders_total{job="open",outcome="packed"}'
    (grown,) = scraper.query(f"{counted} - min_over_time({counted}[5m])")
    assert grown["value"] == ORDERS
    (rate,) = scraper.query(f"rate({counted}[1m])")
    assert rate["value"] > 0
    by_bucket = f'sum by (le) (rate({DURATION}_bucket{{job="open"}}[1m]))'
    (answer,) = scraper.query(f"histogram_quantile(0.9, {by_bucket})")
    assert 0 < answer["value"] <= 1


def test_prometheus_keeps_exemplars_of_the_format_that_has_them(
    scraper: Prometheus, seen: Seen
) -> None:
    spans = {span.span_id.hex(): span.trace_id.hex() for span in otlp.spans(seen.run)}
    answer = scraper.exemplars(f"{DURATION}_bucket")
    assert {it["seriesLabels"]["job"] for it in answer} == {"open"}
    labels = [exemplar["labels"] for it in answer for exemplar in it["exemplars"]]
    assert labels
    for label in labels:
        assert spans[label["span_id"]] == label["trace_id"]


def test_prometheus_joins_the_target_to_its_metrics(scraper: Prometheus, seen: Seen) -> None:
    joined = (
        'shop_orders_total{job="open",outcome="packed"} '
        "* on (job, instance) group_left (service_name, service_version) target_info"
    )
    (answer,) = scraper.query(joined)
    assert answer["value"] == seen.packed
    told = {key: answer["metric"][key] for key in ("service_name", "service_version")}
    assert told == {"service_name": "signals", "service_version": "1.0.0"}
