"""Starting and ending telemetry: once, from anywhere, again, across forks and at exit."""

from __future__ import annotations

import inspect
import json
import logging
from pathlib import Path

import oxitel
import pytest
from program import run_program
from receiver import Receiver


def test_importing_starts_nothing(receiver: Receiver) -> None:
    ended = run_program(
        """
        import sys
        import oxitel
        assert "opentelemetry" not in sys.modules
        from oxitel import *
        assert not oxitel._native.is_running()
        tracer = get_telemetry("shop")
        with tracer.trace("before"):
            print(get_current_trace_id(), get_current_span_id())
        """,
        receiver,
    )
    assert ended.stdout == "None None\n"
    assert receiver.requests == []


def test_every_public_name_is_there() -> None:
    run_program(
        """
        import oxitel
        from oxitel import *
        for name in oxitel.__all__:
            assert globals()[name] is getattr(oxitel, name), name
            assert getattr(oxitel, name).__doc__, name
        assert set(oxitel.__all__) <= set(dir(oxitel))
        """
    )


def test_the_calls_take_what_they_are_said_to_take() -> None:
    enable = inspect.signature(oxitel.enable_telemetry)
    assert {parameter.kind for parameter in enable.parameters.values()} == {
        inspect.Parameter.KEYWORD_ONLY
    }
    assert {name: parameter.default for name, parameter in enable.parameters.items()} == {
        "traces": True,
        "metrics": True,
        "logs": True,
        "endpoint": None,
        "service_name": None,
        "log_level": logging.INFO,
        "sampler": None,
    }
    assert enable.return_annotation == "None"
    configure = inspect.signature(oxitel.configure_telemetry)
    assert {name: parameter.default for name, parameter in configure.parameters.items()} == {
        "service_name": None,
        "service_version": None,
        "environment": None,
        "jaeger_endpoint": None,
        "otlp_endpoint": None,
        "enable_prometheus": True,
        "enable_console": False,
    }


def test_one_call_and_spans_arrive(receiver: Receiver) -> None:
    run_program(
        """
        import oxitel
        from opentelemetry import trace
        tracer = trace.get_tracer("early")
        oxitel.enable_telemetry(service_name="shop")
        with tracer.start_as_current_span("order"), oxitel.get_telemetry("mine").trace("pack"):
            pass
        """,
        receiver,
    )
    assert receiver.tree() == "order\n  pack"
    assert receiver.span("order").scope.name == "early"
    resource = receiver.span("order").resource
    assert resource["service.name"] == "shop"
    assert resource["telemetry.sdk.language"] == "python"
    assert resource["process.runtime.name"] == "cpython"


def test_without_an_endpoint_nothing_is_recorded_and_nothing_fails() -> None:
    ended = run_program(
        """
        import oxitel
        oxitel.enable_telemetry()
        with oxitel.get_telemetry("shop").trace("order") as span:
            assert not span.is_recording()
        assert oxitel.stats()["recorded"] == 0
        assert oxitel.shutdown_telemetry()
        """
    )
    assert ended.stderr == ""


def test_a_service_without_an_endpoint_has_ids() -> None:
    ended = run_program(
        """
        import oxitel
        oxitel.configure_telemetry(service_name="shop", enable_prometheus=False)
        shop = oxitel.get_telemetry("shop")
        with shop.trace("order"):
            ids = shop.get_current_trace_id(), shop.get_current_span_id()
        assert list(map(len, ids)) == [32, 16], ids
        """
    )
    assert ended.stderr == ""


def test_what_cannot_be_followed_is_one_warning(receiver: Receiver) -> None:
    ended = run_program(
        """
        import oxitel
        oxitel.enable_telemetry(endpoint="ftp://somewhere")
        with oxitel.get_telemetry("shop").trace("order"):
            pass
        """
    )
    assert ended.stderr.count("\n") == 1
    assert "telemetry stays off" in ended.stderr


def test_a_second_start_changes_nothing_and_says_so_once(receiver: Receiver) -> None:
    ended = run_program(
        """
        import oxitel, threading
        oxitel.enable_telemetry(service_name="first")
        oxitel.enable_telemetry(service_name="first")
        for name in ("second", "third"):
            oxitel.enable_telemetry(service_name=name)
            oxitel.configure_telemetry(service_name=name)
        with oxitel.get_telemetry("shop").trace("order"):
            pass
        """,
        receiver,
    )
    assert receiver.span("order").resource["service.name"] == "first"
    [line] = ended.stderr.splitlines()
    assert "changes nothing" in line


def test_many_threads_may_start_it(receiver: Receiver) -> None:
    run_program(
        """
        import oxitel, threading
        barrier = threading.Barrier(16)
        def run(number):
            barrier.wait()
            oxitel.enable_telemetry(service_name="shop")
            with oxitel.get_telemetry("shop").trace(f"order {number}"):
                pass
        threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        """,
        receiver,
    )
    assert len({span.name for span in receiver.spans()}) == 16


def test_after_its_end_it_can_start_again(receiver: Receiver) -> None:
    with Receiver() as other:
        run_program(
            f"""
            import oxitel
            shop = oxitel.get_telemetry("shop")
            oxitel.enable_telemetry(service_name="first")
            with shop.trace("one"):
                pass
            assert oxitel.shutdown_telemetry()
            assert oxitel.shutdown_telemetry()
            with shop.trace("between") as span:
                assert not span.is_recording()
            oxitel.enable_telemetry(service_name="second", endpoint="{other.endpoint}")
            with shop.trace("two"):
                pass
            """,
            receiver,
        )
        assert [span.name for span in receiver.spans()] == ["one"]
        [two] = other.spans()
        assert (two.name, two.resource["service.name"]) == ("two", "second")


def test_another_global_provider_is_told_with_what_to_do(receiver: Receiver) -> None:
    ended = run_program(
        """
        from opentelemetry import trace
        trace.set_tracer_provider(trace.NoOpTracerProvider())
        import oxitel
        oxitel.enable_telemetry()
        """,
        receiver,
    )
    lines = [line for line in ended.stderr.splitlines() if "tracer provider" in line]
    assert len(lines) == 1
    assert "NoOpTracerProvider" in lines[0]
    assert "Start oxitel before" in lines[0]


def test_unwanted_signals_are_left_to_others(receiver: Receiver) -> None:
    ended = run_program(
        """
        import logging
        from opentelemetry import _logs, metrics, trace
        trace.set_tracer_provider(trace.NoOpTracerProvider())
        metrics.set_meter_provider(metrics.NoOpMeterProvider())
        _logs.set_logger_provider(_logs.NoOpLoggerProvider())
        import oxitel
        oxitel.enable_telemetry(traces=False, metrics=False, logs=False)
        assert not oxitel._native.is_running()
        assert logging.getLogger().handlers == []
        """,
        receiver,
    )
    assert ended.stderr == ""


def test_all_three_signals_arrive_from_one_call(receiver: Receiver) -> None:
    run_program(
        """
        import logging, oxitel
        from opentelemetry import _logs, metrics
        oxitel.enable_telemetry(service_name="shop")
        with oxitel.get_telemetry("shop").trace("order"):
            logging.getLogger("theirs").info("taken")
            logging.getLogger("theirs").debug("too small")
        metrics.get_meter("theirs").create_counter("orders").add(1)
        _logs.get_logger("bridge").emit(body="by the API")
        """,
        receiver,
    )
    span = receiver.span("order")
    taken, bridged = sorted(receiver.logs(), key=lambda record: str(record.body), reverse=True)
    assert (taken.body, taken.scope.name) == ("taken", "theirs")
    assert (taken.trace_id, taken.span_id) == (span.trace_id, span.span_id)
    assert bridged.body == "by the API"
    [point] = receiver.points("orders")
    assert (point.value, point.resource) == (1, span.resource)


def test_records_of_logging_below_the_level_are_not_taken(receiver: Receiver) -> None:
    run_program(
        """
        import logging, oxitel
        logging.getLogger().setLevel(logging.DEBUG)
        oxitel.enable_telemetry(log_level=logging.ERROR)
        for level in (10, 20, 30, 40, 50):
            logging.getLogger("shop").log(level, str(level))
        """,
        receiver,
    )
    assert sorted(record.body for record in receiver.logs()) == ["40", "50"]


@pytest.mark.parametrize("off", ["logs=False", "metrics=False", "traces=False"])
def test_a_signal_that_is_off_does_not_leave(receiver: Receiver, off: str) -> None:
    """`False` wins over the environment; what the environment has switched off stays so."""
    signal = off.partition("=")[0]
    others = {"logs", "metrics", "traces"} - {signal}
    program = """
        import oxitel
        oxitel.enable_telemetry({arguments})
        shop = oxitel.get_telemetry("shop")
        with shop.trace("order"):
            shop.counter("orders").add(1)
            shop.log_warning("taken")
        """
    run_program(
        program.format(arguments=off), receiver, **{f"OTEL_{signal.upper()}_EXPORTER": "otlp"}
    )
    assert {request.path.rpartition("/")[2] for request in receiver.requests} == others
    receiver.clear()
    run_program(
        program.format(arguments=f"{signal}=True"),
        receiver,
        **{f"OTEL_{signal.upper()}_EXPORTER": "none"},
    )
    assert {request.path.rpartition("/")[2] for request in receiver.requests} == others


def test_a_forked_child_just_works(receiver: Receiver) -> None:
    """As under a server that loads the app and forks its workers then."""
    run_program(
        """
        import oxitel, os, sys, threading
        oxitel.configure_telemetry(service_name="shop", enable_prometheus=False)
        shop = oxitel.get_telemetry("shop")
        with shop.trace("load"):
            pass
        stop = threading.Event()
        def record():
            while not stop.is_set():
                with shop.trace("background"):
                    stop.wait(0.001)
        thread = threading.Thread(target=record)
        thread.start()
        workers = []
        for number in range(4):
            worker = os.fork()
            if worker == 0:
                # Each way out of a process that is none in a hurry.
                oxitel.configure_telemetry(service_name="shop", enable_prometheus=False)
                with oxitel.get_telemetry("shop").trace(f"request {number}"):
                    pass
                sys.exit(0)
            workers.append(worker)
        for worker in workers:
            assert os.waitpid(worker, 0)[1] == 0
        stop.set()
        thread.join()
        """,
        receiver,
    )
    requests = [span for span in receiver.spans() if span.name.startswith("request")]
    assert sorted(span.name for span in requests) == [f"request {number}" for number in range(4)]
    assert len({span.resource["service.instance.id"] for span in requests}) == 4
    assert len({span.resource["process.pid"] for span in requests}) == 4
    assert len(receiver.spans("load")) == 1


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_send_what_they_have(
    receiver: Receiver, tmp_path: Path, method: str
) -> None:
    app = tmp_path / "app.py"
    app.write_text(
        f"""
import multiprocessing
import oxitel

oxitel.enable_telemetry(service_name="shop")
shop = oxitel.get_telemetry("shop")

def work(number):
    with shop.trace(f"work {{number}}"):
        pass

if __name__ == "__main__":
    context = multiprocessing.get_context("{method}")
    children = [context.Process(target=work, args=(number,)) for number in range(3)]
    [child.start() for child in children]
    [child.join() for child in children]
    assert [child.exitcode for child in children] == [0, 0, 0]
    with shop.trace("done"):
        pass
"""
    )
    run_program(f"import runpy; runpy.run_path({str(app)!r}, run_name='__main__')", receiver) if (
        method == "fork"
    ) else run_file(app, receiver)
    names = sorted(span.name for span in receiver.spans())
    assert names == ["done", "work 0", "work 1", "work 2"]


def run_file(path: Path, receiver: Receiver) -> None:
    """Starts the program by its file, as `spawn` needs it."""
    run_program(
        f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, {str(path)!r}]))",
        receiver,
    )


@pytest.mark.parametrize("way", ["pass", "sys.exit(0)", "raise SystemExit", "1 / 0"])
def test_the_end_of_a_program_sends_what_is_left(receiver: Receiver, way: str) -> None:
    run_program(
        f"""
        import oxitel, sys
        oxitel.enable_telemetry()
        with oxitel.get_telemetry("shop").trace("last"):
            pass
        {way}
        """,
        receiver,
        expected_code=1 if "/" in way else 0,
    )
    assert len(receiver.spans("last")) == 1


@pytest.mark.parametrize(
    "way",
    [
        "",
        # As uvicorn does: it gives the signal back, and raises it once more.
        "before = signal.signal(signal.SIGTERM, print); signal.signal(signal.SIGTERM, before)",
        "assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL",
        "asyncio.new_event_loop().add_signal_handler(signal.SIGTERM, print)"
        "; signal.signal(signal.SIGTERM, signal.SIG_DFL)",
    ],
)
def test_sigterm_sends_what_is_left_and_ends_the_process(receiver: Receiver, way: str) -> None:
    ended = run_program(
        f"""
        import asyncio, oxitel, signal, time
        oxitel.enable_telemetry()
        {way}
        with oxitel.get_telemetry("shop").trace("last"):
            pass
        signal.raise_signal(signal.SIGTERM)
        time.sleep(30)
        """,
        receiver,
        expected_code=-15,
    )
    assert ended.stderr == ""
    assert len(receiver.spans("last")) == 1


def test_a_handler_of_the_program_stays_its_own(receiver: Receiver) -> None:
    ended = run_program(
        """
        import oxitel, signal, sys
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("mine"))
        oxitel.enable_telemetry()
        with oxitel.get_telemetry("shop").trace("last"):
            pass
        signal.raise_signal(signal.SIGTERM)
        """,
        receiver,
        expected_code=1,
    )
    assert ended.stderr == "mine\n"
    assert len(receiver.spans("last")) == 1


def test_a_pool_of_processes_that_is_terminated_sends_what_it_has(receiver: Receiver) -> None:
    run_program(
        """
        import multiprocessing, oxitel
        oxitel.enable_telemetry()
        def work(number):
            with oxitel.get_telemetry("shop").trace("work"):
                return number
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(work, range(10)) == list(range(10))
        """,
        receiver,
    )
    assert len(receiver.spans("work")) == 10


@pytest.mark.parametrize("way", ["nobody listens", "nobody answers"])
def test_a_dead_receiver_holds_up_no_exit(receiver: Receiver, way: str) -> None:
    receiver.hold()
    there = receiver.endpoint if way == "nobody answers" else "http://127.0.0.1:1"
    ended = run_program(
        """
        import oxitel, time, atexit
        oxitel.enable_telemetry()
        with oxitel.get_telemetry("shop").trace("last"):
            pass
        atexit.register(lambda began=time.monotonic(): None)
        began = time.monotonic()
        delivered = oxitel.shutdown_telemetry()
        print(delivered, time.monotonic() - began)
        """,
        there,
    )
    delivered, seconds = ended.stdout.split()
    assert delivered == "False"
    assert float(seconds) < 3 * 2.0


def test_processors_of_the_program_end_first(receiver: Receiver) -> None:
    ended = run_program(
        """
        import oxitel
        from opentelemetry import trace
        oxitel.enable_telemetry()
        class Processor:
            def on_start(self, span, parent_context=None): pass
            def on_end(self, span): pass
            def force_flush(self, timeout_millis=30000): return True
            def shutdown(self):
                with oxitel.get_telemetry("shop").trace("farewell"):
                    print("ended")
        class Broken(Processor):
            def shutdown(self): raise RuntimeError("no")
        trace.get_tracer_provider().add_span_processor(Broken())
        trace.get_tracer_provider().add_span_processor(Processor())
        """,
        receiver,
    )
    assert ended.stdout == "ended\n"
    assert len(receiver.spans("farewell")) == 1
    assert "shutdown of the program failed" in ended.stderr


def test_the_ledger_adds_up(receiver: Receiver) -> None:
    ended = run_program(
        """
        import json, oxitel
        oxitel.enable_telemetry()
        for _ in range(10):
            with oxitel.get_telemetry("shop").trace("order"):
                pass
        oxitel.shutdown_telemetry()
        print(json.dumps([oxitel.stats(), oxitel.stats("traces")]))
        """,
        receiver,
    )
    for stats in json.loads(ended.stdout):
        assert (stats["recorded"], stats["delivered"], stats["queued"]) == (10, 10, 0)
        assert sum(stats["dropped"].values()) == 0
