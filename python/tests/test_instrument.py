"""Libraries with their instrumentation packages, on our provider."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator

import oxitel
import pytest
from oxitel import _instrument, _said
from program import run_program
from receiver import Receiver, Span

APP = """
        import httpx, oxitel, socket, threading, time, uvicorn
        oxitel.configure_telemetry(service_name="shop", enable_prometheus=False)
        shop = oxitel.get_telemetry("shop")
        {before}
        from fastapi import FastAPI, Request
        app = FastAPI()

        @app.get("/process/{{number}}")
        async def process(number: int, request: Request):
            with shop.trace("validate_data"):
                return dict(request.headers)

        {after}
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        with httpx.Client(timeout=30) as client, shop.trace("caller"):
            answer = client.get(f"http://127.0.0.1:{{listener.getsockname()[1]}}/process/7")
        assert answer.status_code == 200, answer.text
        server.should_exit = True
        thread.join()
        """


def servers(receiver: Receiver) -> list[Span]:
    return [span for span in receiver.spans() if span.kind == "SERVER"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "oxitel.instrument_fastapi(app); oxitel.instrument_fastapi(app)"),
        ("oxitel.instrument_fastapi(); oxitel.instrument_fastapi()", ""),
        ("oxitel.instrument_all()", "oxitel.instrument_all()"),
        ("", "oxitel.instrument_all(app)"),
    ],
)
def test_each_request_is_one_server_span(receiver: Receiver, before: str, after: str) -> None:
    ended = run_program(APP.format(before=before, after=after), receiver)
    assert ended.stderr == ""
    [server] = servers(receiver)
    assert server.name == "GET /process/{number}"
    assert server.attributes["http.route"] == "/process/{number}"
    inner = receiver.span("validate_data")
    assert inner.trace_id == server.trace_id
    by_id = {span.span_id: span for span in receiver.spans()}
    above = []
    while inner.parent_id:
        inner = by_id[inner.parent_id]
        above.append(inner.name)
    assert server.name in above


def test_the_trace_goes_on_from_client_to_server(receiver: Receiver) -> None:
    code = APP.format(before="oxitel.instrument_httpx(); oxitel.instrument_all()", after="")
    run_program(code, receiver)
    [client] = [span for span in receiver.spans() if span.kind == "CLIENT"]
    [server] = servers(receiver)
    assert client.parent_id == receiver.span("caller").span_id
    assert server.parent_id == client.span_id
    assert len({span.trace_id for span in receiver.spans()}) == 1


def test_an_app_without_the_package_is_traced_by_fastapi_itself(receiver: Receiver) -> None:
    hide = "import sys; sys.modules['opentelemetry.instrumentation.fastapi'] = None"
    code = APP.format(before=hide, after="assert oxitel.instrument_fastapi(app)")
    ended = run_program(code, receiver)
    assert ended.stderr == ""
    assert len(servers(receiver)) == 1


def test_databases_and_clients_are_traced(receiver: Receiver) -> None:
    ended = run_program(
        """
        import json, oxitel
        oxitel.enable_telemetry(service_name="shop")
        print(json.dumps(oxitel.instrument_all()))
        assert oxitel.instrument_all() == oxitel.instrument_all()
        shop = oxitel.get_telemetry("shop")
        import redis, requests, sqlalchemy
        with shop.trace("work"):
            with sqlalchemy.create_engine("sqlite://").connect() as connection:
                connection.execute(sqlalchemy.text("SELECT 1"))
            for attempt in (
                lambda: requests.get("http://127.0.0.1:1/"),
                lambda: redis.Redis(port=1, retry=None).get("key"),
            ):
                try:
                    attempt()
                except Exception:
                    pass
        """,
        receiver,
    )
    assert ended.stderr == "", "the second time is not told"
    expected = ["fastapi", "httpx", "requests", "asyncpg", "sqlalchemy", "redis", "aiohttp"]
    assert json.loads(ended.stdout) == expected
    work = receiver.span("work")
    below = [span for span in receiver.spans() if span.parent_id == work.span_id]
    assert {span.scope.name.rpartition(".")[2] for span in below} == {
        "sqlalchemy",
        "requests",
        "redis",
    }
    assert {span.kind for span in below} == {"CLIENT"}


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    _said._last.clear()
    with caplog.at_level(logging.INFO, "oxitel"):
        yield lambda: [record.getMessage() for record in caplog.records]


CALLS = {
    "fastapi": oxitel.instrument_fastapi,
    "httpx": oxitel.instrument_httpx,
    "requests": oxitel.instrument_requests,
    "asyncpg": oxitel.instrument_asyncpg,
    "sqlalchemy": oxitel.instrument_sqlalchemy,
    "redis": oxitel.instrument_redis,
    "aiohttp": oxitel.instrument_aiohttp,
}


@pytest.mark.parametrize("name", CALLS)
def test_a_library_that_is_not_there_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]], name: str
) -> None:
    monkeypatch.setattr(_instrument, "find_spec", lambda module: None)
    assert not CALLS[name]()
    assert not CALLS[name]()
    assert said() == [f"{name} is not installed, so it is not instrumented: pip install {name}"]
    assert oxitel.instrument_all() == [], "what is not there is no concern of this one"
    assert len(said()) == 1


@pytest.mark.parametrize("name", CALLS)
def test_a_package_that_is_not_there_is_one_warning_with_its_line(
    monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]], name: str
) -> None:
    monkeypatch.setattr(_instrument, "_is_there_in", lambda package, module: False)
    for library in (_instrument.FASTAPI, *_instrument.CLIENTS):
        module = f"opentelemetry.instrumentation.{library.module}"
        monkeypatch.setitem(sys.modules, module, None)  # type: ignore[arg-type]
    assert not CALLS[name]()
    assert not CALLS[name]()
    [line] = said()
    assert line.endswith(f"pip install 'oxitel[{name}]'")


def test_a_package_for_other_versions_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]]
) -> None:
    from opentelemetry.instrumentation.redis import RedisInstrumentor

    monkeypatch.setattr(
        RedisInstrumentor, "instrumentation_dependencies", lambda self: ("redis < 1.0",)
    )
    assert not oxitel.instrument_redis()
    assert not oxitel.instrument_redis()
    [line] = said()
    assert "redis < 1.0" in line


def test_an_instrumentor_that_fails_is_one_warning(
    monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]]
) -> None:
    from opentelemetry.instrumentation.redis import RedisInstrumentor

    def fail(self: object, **options: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(RedisInstrumentor, "_instrument", fail)
    assert not oxitel.instrument_redis()
    assert said() == ["redis is not instrumented"]
