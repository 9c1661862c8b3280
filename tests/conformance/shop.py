"""The example `signals`, asked for some orders: what arrived by OTLP, and its pages."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from receiver import LIMIT_SECONDS, Run, free_port, quiet_environment, receiver

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
TEXT = "text/plain; version=0.0.4"


@dataclass
class Shop:
    """A running shop."""

    address: str
    port: int
    run: Run
    packed: int = 0
    refused: int = 0

    def order(self, count: int) -> None:
        """Orders one to `count` items, and once too many."""
        for items in range(1, count + 1):
            self.ask(f"/orders/film?items={items}")
        self.ask("/orders/film?items=1000")
        self.packed += count
        self.refused += 1

    def ask(self, path: str) -> int:
        request = urllib.request.Request(self.address + path, data=b"", method="POST")
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_SECONDS) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def page(self, accept: str) -> tuple[str, str]:
        """The engine's own page: its content type and its text."""
        return scrape(f"http://127.0.0.1:{self.port}/metrics", accept)

    def own_page(self, accept: str) -> tuple[str, str]:
        """The same on the shop's own server."""
        return scrape(f"{self.address}/metrics", accept)


def scrape(url: str, accept: str) -> tuple[str, str]:
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=LIMIT_SECONDS) as answer:
        return answer.headers["content-type"], answer.read().decode()


@contextmanager
def open_shop(program: Path) -> Iterator[Shop]:
    """A shop that sends to a receiver and has pages; it has ended, and sent all, afterwards."""
    run, port = Run(), free_port()
    with receiver(run.requests) as endpoint:
        environment = quiet_environment() | {
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRICS_EXPORTER": "otlp,prometheus",
            "OTEL_EXPORTER_PROMETHEUS_HOST": "127.0.0.1",
            "OTEL_EXPORTER_PROMETHEUS_PORT": str(port),
            "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.0.0,deployment.environment.name=test",
        }
        with subprocess.Popen(
            [program, "serve"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield Shop(process.stdout.readline().strip(), port, run)
                process.communicate(timeout=LIMIT_SECONDS)
            finally:
                process.kill()
        assert process.returncode == 0, f"`signals` ended with {process.returncode}"
