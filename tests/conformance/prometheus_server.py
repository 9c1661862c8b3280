"""A real Prometheus that scrapes the shop, in both formats."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from receiver import LIMIT_SECONDS, free_port
from shop import TEXT, Shop

CONFIGURATION = """\
global:
  scrape_interval: 300ms
  scrape_timeout: 300ms
scrape_configs:
  - job_name: open
    static_configs: [{{targets: ["{open}"]}}]
  - job_name: text
    static_configs: [{{targets: ["{text}"]}}]
"""


@dataclass
class Prometheus:
    """A running server."""

    address: str
    moment: float | None = None

    def stay_here(self) -> None:
        """From here on all questions are about this moment, also when the shop is closed."""
        self.moment = time.time()

    def query(self, expression: str) -> list[dict]:
        """The series of an instant query: labels in `metric`, a number in `value`."""
        data = self._ask("query", query=expression, time=self.moment or time.time())
        series = data["result"]
        return [{"metric": it["metric"], "value": float(it["value"][1])} for it in series]

    def exemplars(self, expression: str) -> list[dict]:
        """The series that have exemplars, and these."""
        end = self.moment or time.time()
        return self._ask("query_exemplars", query=expression, start=end - 300, end=end)

    def _ask(self, what: str, **parameters: object) -> object:
        query = urllib.parse.urlencode(parameters)
        url = f"{self.address}/api/v1/{what}?{query}"
        with urllib.request.urlopen(url, timeout=LIMIT_SECONDS) as answer:
            said = json.load(answer)
        assert said["status"] == "success", said
        return said["data"]


@contextmanager
def prometheus(program: Path, folder: Path, shop: Shop) -> Iterator[Prometheus]:
    """A server that scrapes the engine's page as it likes, and the shop's own as text."""
    with page_as_text(shop) as text:
        configuration = folder / "prometheus.yml"
        configuration.write_text(CONFIGURATION.format(open=f"127.0.0.1:{shop.port}", text=text))
        address = f"127.0.0.1:{free_port()}"
        arguments = [
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={address}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ]
        with subprocess.Popen([program, *arguments]) as process:
            try:
                yield Prometheus(f"http://{address}")
            finally:
                process.kill()


@contextmanager
def page_as_text(shop: Shop) -> Iterator[str]:
    """The shop's own page, asked for as text whatever the scraper would like better."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                content_type, page = shop.own_page(TEXT)
            except OSError:
                self.send_error(502, "the shop is closed")
                return
            self.send_response(200)
            self.send_header("content-type", content_type)
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *arguments: object) -> None:
            """Scrapes are answered, not logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Asks again and again; a server that does not answer yet does not hold either."""
    give_up = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < give_up:
        try:
            if holds():
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"not within {LIMIT_SECONDS} s: {what}")
