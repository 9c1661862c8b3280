"""Small services, as people write them: each a program of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from program import environment, run_program
from receiver import LIMIT_SECONDS, Receiver, closed_port

APP = """
import os
import oxitel

oxitel.configure_telemetry(service_name="orchestrator")

from fastapi import FastAPI, Request

app = FastAPI()
telemetry = oxitel.get_telemetry("orchestrator")
with telemetry.trace("load"):
    pass

@app.post("/process")
async def process(request: Request):
    token = oxitel.attach_trace_context(oxitel.extract_trace_context(dict(request.headers)))
    try:
        with telemetry.trace("do_work", {"pid": os.getpid()}):
            telemetry.log_info("working")
            telemetry.counter("requests_total").add(1)
            return {"pid": os.getpid(), "trace": telemetry.get_current_trace_id()}
    finally:
        oxitel.detach_trace_context(token)
"""

CALLER = """
import httpx, json, oxitel
oxitel.configure_telemetry(service_name="gateway")
telemetry = oxitel.get_telemetry("gateway")
pids = set()
with telemetry.trace("call"):
    for _ in range(40):
        headers = {{"Content-Type": "application/json"}}
        headers = oxitel.inject_trace_context(headers)
        answer = httpx.post("http://127.0.0.1:{port}/process", headers=headers, timeout=30)
        assert answer.json()["trace"] == telemetry.get_current_trace_id()
        pids.add(answer.json()["pid"])
"""


@contextmanager
def served(command: list[str], folder: Path, receiver: Receiver, port: int) -> Iterator[None]:
    """A server for as long as the block lasts; then it is asked to end."""
    server = subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        # gunicorn leaves files there.
        env=environment(receiver, HOME=str(folder)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        wait_for(port, server)
        yield
    finally:
        server.terminate()
        said, _ = server.communicate(timeout=LIMIT_SECONDS)
        print(said)
    assert server.returncode in (0, -15), said


def wait_for(port: int, server: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < limit:
        assert server.poll() is None, server.communicate()[0]
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server does not listen")


UVICORN = ["uvicorn", "--log-level", "warning", "app:app", "--port"]
GUNICORN = ["gunicorn", "-w", "2", "-k", "uvicorn_worker.UvicornWorker", "app:app", "-b"]


@pytest.mark.parametrize(
    "command",
    [
        [*UVICORN, "{port}"],
        [*UVICORN, "{port}", "--workers", "2"],
        [*GUNICORN, "127.0.0.1:{port}"],
        [*GUNICORN, "127.0.0.1:{port}", "--preload"],
    ],
    ids=["one process", "uvicorn workers", "gunicorn", "gunicorn preload"],
)
def test_a_trace_goes_on_in_every_worker_of_a_server(
    receiver: Receiver, tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "app.py").write_text(APP)
    port = closed_port()
    with served([word.format(port=port) for word in command], tmp_path, receiver, port):
        run_program(CALLER.format(port=port), receiver)
    call = receiver.span("call")
    work = receiver.spans("do_work")
    assert len(work) == 40, "each once, also what was on its way when the server ended"
    assert {(span.trace_id, span.parent_id) for span in work} == {(call.trace_id, call.span_id)}
    assert all(span.resource["process.pid"] == span.attributes["pid"] for span in work)
    records = [record for record in receiver.logs() if record.body == "working"]
    assert {record.span_id for record in records} == {span.span_id for span in work}
    last = {point.resource["process.pid"]: point for point in receiver.points("requests_total")}
    assert sum(point.value or 0 for point in last.values()) == 40


def test_the_page_for_prometheus_is_mounted(receiver: Receiver, tmp_path: Path) -> None:
    mount = '\napp.mount("/metrics", oxitel.metrics_asgi)\n'
    (tmp_path / "app.py").write_text(APP + mount)
    port = closed_port()
    with served([*UVICORN, str(port)], tmp_path, receiver, port):
        run_program(CALLER.format(port=port), receiver)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            page = answer.read().decode()
    assert 'requests_total{otel_scope_name="orchestrator"} 40' in page.splitlines()


def test_the_quick_start_runs(receiver: Receiver) -> None:
    run_program(
        """
        import asyncio
        from oxitel import configure_telemetry, get_telemetry

        configure_telemetry(
            service_name="orchestrator",
            service_version="1.0.0",
            environment="production",
            enable_prometheus=True,
        )

        class MyService:
            def __init__(self):
                self.telemetry = get_telemetry("my_service")

            async def _do_work(self, data):
                return data

            async def process_request(self, data):
                with self.telemetry.trace("process_request"):
                    self.telemetry.log_info("Processing started")
                    self.telemetry.counter("requests_total").add(1)
                    result = await self._do_work(data)
                    return result

        assert asyncio.run(MyService().process_request({"a": 1})) == {"a": 1}
        """,
        receiver,
    )
    span = receiver.span("process_request")
    [record] = receiver.logs()
    assert (record.body, record.span_id) == ("Processing started", span.span_id)
    assert [point.value for point in receiver.points("requests_total")] == [1]
