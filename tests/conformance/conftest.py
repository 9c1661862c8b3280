"""Programs that are run once, and recorded for all tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from receiver import LIMIT_SECONDS, Run, quiet_environment, receiver

ORDERS = 3


def program_of(variable: str) -> Path:
    """The program that the front door built."""
    program = os.environ.get(variable)
    if not program:
        pytest.fail(f"{variable} names no program; run `cargo xtask test --only python`")
    return Path(program)


@pytest.fixture(scope="session")
def run() -> Run:
    """The sample sends its orders; both services have ended when this returns."""
    program = program_of("OXITEL_FIRST_LIGHT")
    recorded = Run()
    with receiver(recorded.requests) as endpoint:
        send_orders(program, endpoint)
    recorded.ended_ns = time.time_ns()
    return recorded


def send_orders(program: Path, endpoint: str) -> None:
    """Starts `back`, lets `front` send its orders, and ends `back`."""
    environment = quiet_environment() | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
    with subprocess.Popen(
        [program, "back", "--listen", "127.0.0.1:0"],
        env=environment | {"OTEL_SERVICE_NAME": "back"},
        stdout=subprocess.PIPE,
        text=True,
    ) as back:
        try:
            address = json.loads(back.stdout.readline())["http"]
            subprocess.run(
                [program, "front", "--back", address, "--orders", str(ORDERS), "--rate", "20"],
                env=environment | {"OTEL_SERVICE_NAME": "front"},
                stdout=subprocess.DEVNULL,
                timeout=LIMIT_SECONDS,
                check=True,
            )
            back.send_signal(signal.SIGTERM)
            back.communicate(timeout=LIMIT_SECONDS)
        finally:
            back.kill()
    assert back.returncode == 0, f"`back` ended with {back.returncode}"
