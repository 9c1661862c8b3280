"""Servers and workers that fork, as they are started in production: each span once, counters that
add up over all processes, and nothing lost when they are told to end."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.request import urlopen

import pytest
from program import environment, run_program
from receiver import LIMIT_SECONDS, Point, Receiver, closed_port
from test_services import served

REQUESTS = 40

WSGI = """
import os
import oxitel

oxitel.enable_telemetry(service_name="shop")
shop = oxitel.get_telemetry("shop")
with shop.trace("load"):
    pass

def application(environ, start_response):
    with shop.trace("request", {"pid": os.getpid()}):
        shop.log_info("working")
        shop.counter("requests_total").add(1)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done"]
"""


READY = """
def post_worker_init(worker):
    open(f"ready.{worker.pid}", "w").close()
"""


def adds_up(receiver: Receiver, span: str, counter: str, count: int) -> None:
    """`count` spans, each with a log record and a count, in the processes that made them."""
    spans = receiver.spans(span)
    assert len({span.span_id for span in spans}) == len(spans) == count
    assert all(span.resource["process.pid"] == span.attributes["pid"] for span in spans)
    records = [record for record in receiver.logs() if record.body == "working"]
    assert sorted(record.span_id for record in records) == sorted(span.span_id for span in spans)
    last: dict[str, Point] = {}
    for point in receiver.points(counter):
        last[point.resource["service.instance.id"]] = point
    assert sum(point.value or 0 for point in last.values()) == count


def wait_until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + LIMIT_SECONDS
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["", "preload"])
@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent"])
def test_gunicorn(receiver: Receiver, tmp_path: Path, kind: str, preload: list[str]) -> None:
    (tmp_path / "app.py").write_text(WSGI)
    (tmp_path / "gunicorn.conf.py").write_text(READY)
    port = closed_port()
    command = ["gunicorn", "-w", "2", "-k", kind, "app:application", "-b", f"127.0.0.1:{port}"]
    with served([*command, *preload], tmp_path, receiver, port):
        # A worker that still begins does not hear that it is to end, with or without us.
        wait_until(lambda: len(list(tmp_path.glob("ready.*"))) == 2)
        with ThreadPoolExecutor(4) as pool:
            address = f"http://127.0.0.1:{port}/"
            answers = pool.map(lambda _: urlopen(address, timeout=30).read(), range(REQUESTS))
            assert list(answers) == [b"done"] * REQUESTS
    adds_up(receiver, "request", "requests_total", REQUESTS)


TASKS = """
import os
{first}
oxitel.enable_telemetry(service_name="tasks")
from celery import Celery

shop = oxitel.get_telemetry("shop")
folder = os.path.dirname(__file__)
app = Celery("tasks", broker="filesystem://", backend=f"file://{{folder}}/results")
app.conf.broker_transport_options = {{
    "data_folder_in": f"{{folder}}/queue",
    "data_folder_out": f"{{folder}}/queue",
    "control_folder": f"{{folder}}/control",
}}

@app.task
def work(number):
    with shop.trace("work", {{"pid": os.getpid()}}):
        shop.log_info("working")
        shop.counter("tasks_total").add(1)
    return number
"""

CALLER = f"""
from tasks import work
results = [work.delay(number) for number in range({REQUESTS})]
assert [result.get(timeout=30) for result in results] == list(range({REQUESTS}))
"""


@pytest.mark.parametrize(
    ("pool", "first"),
    [
        # As the guide says it: celery is loaded when telemetry starts, or forks its workers.
        ("threads", "import celery.signals, oxitel"),
        ("prefork", "import oxitel"),
    ],
)
def test_celery(receiver: Receiver, tmp_path: Path, pool: str, first: str) -> None:
    (tmp_path / "tasks.py").write_text(TASKS.format(first=first))
    for name in ("queue", "results", "control"):
        (tmp_path / name).mkdir()
    path = environment()["PYTHONPATH"] + f":{tmp_path}"
    command = ["celery", "-A", "tasks", "worker", "--concurrency", "2", "--loglevel", "INFO"]
    worker = subprocess.Popen(
        [sys.executable, "-m", *command, "--pool", pool],
        cwd=tmp_path,
        # Nothing leaves by the clock: what arrives was sent at the end.
        env=environment(receiver, PYTHONPATH=path, OTEL_BSP_SCHEDULE_DELAY="3600000"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        run_program(CALLER, PYTHONPATH=path)
    finally:
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=LIMIT_SECONDS)
        print(said, time.monotonic() - began)
    assert worker.returncode == 0
    adds_up(receiver, "work", "tasks_total", REQUESTS)


@pytest.mark.parametrize("first", ["", "import oxitel._native"], ids=["before", "after"])
def test_gevent(receiver: Receiver, first: str) -> None:
    """Every greenlet has a current span of its own, and a callback stops none of them."""
    run_program(
        f"""
        {first}
        from gevent import monkey
        monkey.patch_all()
        import gevent, os, oxitel
        from opentelemetry import metrics
        oxitel.enable_telemetry()
        shop = oxitel.get_telemetry("shop")
        shop.gauge("waiting", lambda: 7)
        def request(number):
            with shop.trace(f"request {{number}}"):
                gevent.sleep(0.01)
                with shop.trace(f"step {{number}}"):
                    gevent.sleep(0.01)
                    shop.log_info("working")
        gevent.joinall([gevent.spawn(request, number) for number in range(20)], raise_error=True)
        assert metrics.get_meter_provider().force_flush(20_000)
        child = os.fork()
        request("child" if child == 0 else "parent")
        assert child == 0 or os.waitpid(child, 0)[1] == 0
        """,
        receiver,
    )
    assert len(receiver.spans()) == 2 * len(receiver.logs()) == 44
    for step in (span for span in receiver.spans() if span.name.startswith("step")):
        request = receiver.span(step.name.replace("step", "request"))
        assert (step.trace_id, step.parent_id) == (request.trace_id, request.span_id)
    assert receiver.points("waiting")


def test_greenlets_meet_the_processors_one_by_one(receiver: Receiver) -> None:
    """Also while the record of another one is with them."""
    run_program(
        """
        from gevent import monkey
        monkey.patch_all()
        import gevent, logging, oxitel
        from opentelemetry import _logs
        class WithoutAddresses:
            def on_emit(self, record):
                gevent.sleep(0.01)
                record.log_record.attributes.pop("address", None)
                logging.info("of the processor")
            def shutdown(self): ...
        oxitel.enable_telemetry()
        _logs.get_logger_provider().add_log_record_processor(WithoutAddresses())
        order = lambda number: logging.info("order %d", number, extra={"address": "Main Street"})
        gevent.joinall([gevent.spawn(order, number) for number in range(8)], raise_error=True)
        """,
        receiver,
    )
    orders = [log for log in receiver.logs() if str(log.body).startswith("order")]
    assert len(orders) == 8 and len(receiver.logs()) == 16
    assert not [log for log in orders if "address" in log.attributes]


def test_a_celery_that_is_half_loaded_holds_nothing_up(receiver: Receiver) -> None:
    """Another thread may be loading it."""
    run_program(
        """
        import logging, sys, types
        sys.modules["celery.signals"] = types.ModuleType("celery.signals")
        import oxitel
        oxitel.enable_telemetry()
        logging.info("all is there")
        """,
        receiver,
    )
    assert "all is there" in [log.body for log in receiver.logs()]
