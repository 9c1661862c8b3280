"""`get_telemetry`: traces, metrics and logs by name."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import oxitel
import pytest
from oxitel._telemetry import RESERVED
from program import run_program
from receiver import Receiver


def test_one_name_is_one_object() -> None:
    shop = oxitel.get_telemetry("shop")
    assert oxitel.get_telemetry("shop") is shop
    assert oxitel.get_telemetry("other") is not shop
    assert isinstance(shop, oxitel.UnifiedTelemetry)
    assert repr(shop) == "UnifiedTelemetry('shop')"


def test_instruments_are_made_once() -> None:
    shop = oxitel.get_telemetry("instruments")
    assert shop.counter("requests_total") is shop.counter("requests_total")
    assert shop.counter("requests_total") is not shop.counter("others_total")
    assert shop.histogram("request_duration_ms") is shop.histogram("request_duration_ms")
    assert shop.gauge("connections", lambda: 1) is shop.gauge("connections", lambda: 2)


def test_a_span_is_current_across_awaits_and_keeps_its_attributes(receiver: Receiver) -> None:
    run_program(
        """
        import asyncio
        from oxitel import *
        early = get_telemetry("shop")

        async def step(name):
            with early.trace(name, {"table": "users", "rows": 3, "share": 0.5}):
                await asyncio.sleep(0.001)
                with early.trace(name + ".inner"):
                    await asyncio.sleep(0.001)

        async def main():
            with early.trace("main"):
                await asyncio.gather(step("a"), step("b"))

        @early.trace("decorated")
        async def decorated():
            with early.trace("below"):
                pass

        configure_telemetry(service_name="shop", enable_prometheus=False)
        asyncio.run(main())
        asyncio.run(decorated())
        """,
        receiver,
    )
    assert receiver.tree().splitlines() == [
        "main",
        "  a",
        "    a.inner",
        "  b",
        "    b.inner",
        "decorated",
        "  below",
    ]
    assert receiver.span("a").attributes == {"table": "users", "rows": 3, "share": 0.5}
    assert receiver.span("a").scope.name == "shop"


def test_an_exception_is_recorded_once_and_goes_on(receiver: Receiver) -> None:
    run_program(
        """
        from oxitel import *
        configure_telemetry(service_name="shop", enable_prometheus=False)
        shop = get_telemetry("shop")
        try:
            with shop.trace("order"):
                raise KeyError("no such item")
        except KeyError:
            print("caught")
        """,
        receiver,
    )
    span = receiver.span("order")
    [event] = span.events
    assert (span.status, event.name) == ("ERROR", "exception")
    assert event.attributes["exception.type"] == "KeyError"


class Kept(logging.Handler):
    """Keeps records."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def kept() -> Any:
    logger, handler = logging.getLogger("logging tests"), Kept()
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler.records
    logger.removeHandler(handler)


LEVELS = ["debug", "info", "warning", "error", "critical"]


@pytest.mark.parametrize("level", LEVELS)
def test_each_level_logs_as_its_caller(kept: list[logging.LogRecord], level: str) -> None:
    log = getattr(oxitel.get_telemetry("logging tests"), f"log_{level}")
    log("100 % of %s", extra={"user_id": "123"})
    line = sys._getframe().f_lineno - 1
    [record] = kept
    assert record.levelname == level.upper()
    assert record.getMessage() == "100 % of %s"
    assert (record.funcName, record.lineno) == ("test_each_level_logs_as_its_caller", line)
    assert record.pathname == __file__
    assert record.__dict__["user_id"] == "123"


def test_extra_stays_as_it_is_and_no_key_raises(kept: list[logging.LogRecord]) -> None:
    extra = dict.fromkeys(RESERVED, "theirs") | {"mine": 1}
    before = dict(extra)
    oxitel.get_telemetry("logging tests").log_info("hello", extra=extra)
    assert extra == before
    [record] = kept
    assert record.getMessage() == "hello"
    assert record.__dict__["mine"] == 1
    assert record.__dict__["extra.message"] == "theirs"
    assert record.__dict__["extra.name"] == "theirs"


def test_an_exception_is_kept_with_its_traceback(kept: list[logging.LogRecord]) -> None:
    try:
        raise ValueError("no")
    except ValueError:
        oxitel.get_telemetry("logging tests").log_error("failed", exc_info=True)
    [record] = kept
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError


def test_what_nobody_wants_costs_no_record(kept: list[logging.LogRecord]) -> None:
    logging.getLogger("logging tests").setLevel(logging.ERROR)
    oxitel.get_telemetry("logging tests").log_info("hello")
    assert kept == []


def test_ids_are_those_of_the_api() -> None:
    shop = oxitel.get_telemetry("shop")
    assert (shop.get_current_trace_id(), shop.get_current_span_id()) == (None, None)
    assert asyncio.run(_ids(shop)) == (None, None)


async def _ids(shop: oxitel.UnifiedTelemetry) -> tuple[str | None, str | None]:
    return shop.get_current_trace_id(), shop.get_current_span_id()
