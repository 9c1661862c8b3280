"""What all tests of the package share: a receiver, and one engine for each test that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import servers
from oxitel import _native, _said
from receiver import Receiver


@pytest.fixture(autouse=True)
def unsaid() -> None:
    """What is said once a minute can be said again in each test, also after a `dictConfig`."""
    _said._last.clear()
    _said.logger.disabled = False


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of this test's own."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def redis() -> Iterator[str]:
    """The address of a real Redis."""
    with servers.redis() as url:
        yield url


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a real database."""
    with servers.postgresql() as url:
        yield url


@pytest.fixture
def start(receiver: Receiver) -> Iterator[Callable[..., bool]]:
    """Starts the engine of this process: `start(OTEL_…="…")`. It sends to `receiver` and ends with
    the test.

    The API's globals can be set once in a process; a test that needs them runs a program of its
    own, by `program.run_program`.
    """

    def started(**variables: str) -> bool:
        defaults = {
            "OTEL_SERVICE_NAME": "tests",
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        }
        return _native.start(defaults | variables)

    yield started
    receiver.status = 200
    receiver.answer()
    _native.clear_processors()
    _native.shutdown(10.0)
