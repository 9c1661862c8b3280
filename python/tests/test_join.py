"""Several Rust extensions in one process: one trace over all of them.

`guest` is a second extension, with another PyO3 and another allocator than ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any

import pytest
from extension import guest_folder
from program import PACKAGE, Ended, environment, run_program
from receiver import Receiver, closed_port

pytestmark = pytest.mark.skipif(shutil.which("cargo") is None, reason="the guest needs cargo")

CHAIN = """
def chain(name):
    "Python -> Rust -> Python -> Rust"
    def callback():
        with tracer.start_as_current_span(f"{name}.callback"):
            guest.leaf(f"{name}.leaf")
    before = trace.get_current_span()
    with tracer.start_as_current_span(f"{name}.python"):
        guest.call(f"{name}.call", callback)
    assert trace.get_current_span() is before
    assert not guest.left_over()
"""

BEGIN = (
    """
import guest
import oxitel
from opentelemetry import trace
assert guest.joined() == "host", guest.joined()
tracer = trace.get_tracer("python")
oxitel.enable_telemetry()
"""
    + CHAIN
)


def run(code: str, receiver: Receiver, begin: str = BEGIN, **options: Any) -> Ended:
    """Runs a program that can import `guest`."""
    program = textwrap.dedent(begin) + textwrap.dedent(code)
    return run_program(program, receiver, PYTHONPATH=_path(PACKAGE, guest_folder()), **options)


def _path(*folders: Path) -> str:
    return os.pathsep.join(map(str, folders))


def assert_chain(receiver: Receiver, name: str) -> None:
    """The four spans of a chain are one below the other."""
    names = [f"{name}.{part}" for part in ("python", "call", "callback", "leaf")]
    spans = [receiver.span(name) for name in names]
    parents = ["", *(span.span_id for span in spans)]
    for span, parent in zip(spans, parents, strict=False):
        assert (span.parent_id, span.trace_id) == (parent, spans[0].trace_id), span.name


def test_python_and_two_extensions_are_one_trace_from_one_engine(receiver: Receiver) -> None:
    ended = run("chain('0')", receiver)
    assert_chain(receiver, "0")
    spans = receiver.spans()
    assert len(spans) == 4
    assert {span.scope.name for span in spans} == {"python", "guest"}
    assert len({span.resource["service.instance.id"] for span in spans}) == 1
    assert {span.resource["service.name"] for span in spans} == {"program"}
    # Spans and metrics are sent side by side.
    assert receiver.connections == len({request.path for request in receiver.requests})
    assert ended.stderr == ""


def test_the_trace_holds_across_threads_and_where_the_interpreter_is_let_go(
    receiver: Receiver,
) -> None:
    run(
        """
        import threading
        def work(n):
            for k in range(20):
                chain(f"{n}.{k}")
                with tracer.start_as_current_span(f"{n}.{k}.thread"):
                    guest.call_in_thread("call", lambda: guest.leaf(f"{n}.{k}.deep"))
                guest.leaf_free(f"{n}.{k}.free")
        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
        """,
        receiver,
    )
    spans = {span.span_id: span for span in receiver.spans()}
    assert len(spans) == 4 * 20 * 10
    for name in (f"{n}.{k}" for n in range(4) for k in range(20)):
        assert_chain(receiver, name)
        above = receiver.span(f"{name}.deep")
        for expected in ("in thread", "call", f"{name}.thread"):
            above = spans[above.parent_id]
            assert above.name == expected
        assert receiver.span(f"{name}.free").parent_id == ""
    inner = receiver.spans("inner")
    assert len(inner) == 80
    assert all(spans[span.parent_id].name.endswith(".free") for span in inner)


def test_each_task_keeps_its_own_place(receiver: Receiver) -> None:
    run(
        """
        import asyncio
        async def task(n):
            with tracer.start_as_current_span(f"{n}.outer"):
                await asyncio.sleep(0.001 * (n % 7))
                chain(str(n))
                with guest.Hold(f"{n}.hold"):
                    await asyncio.sleep(0.001 * (n % 5))
                    guest.leaf(f"{n}.inside")
                    async def below(k):
                        await asyncio.sleep(0)
                        guest.leaf(f"{n}.below{k}")
                    await asyncio.gather(below(0), below(1))
                guest.leaf(f"{n}.after")
        async def main():
            await asyncio.gather(*map(task, range(50)))
        asyncio.run(main())
        """,
        receiver,
    )
    names = {span.span_id: span.name for span in receiver.spans()}
    assert len(names) == 50 * 10
    assert len({span.trace_id for span in receiver.spans()}) == 50
    for n in range(50):
        for name, parent in {
            "python": "outer",
            "call": "python",
            "callback": "call",
            "leaf": "callback",
            "hold": "outer",
            "inside": "hold",
            "below0": "hold",
            "below1": "hold",
            "after": "outer",
        }.items():
            assert names[receiver.span(f"{n}.{name}").parent_id] == f"{n}.{parent}"


def test_an_extension_that_is_there_before_the_package_and_its_start(receiver: Receiver) -> None:
    run(
        BEGIN + "chain('0')",
        receiver,
        begin="""
        import os, sys
        import guest
        assert "oxitel._native" in sys.modules, "joining imports an installed host"
        assert len(os.listdir("/proc/self/task")) == 1, "importing starts nothing"
        assert guest.joined() == "host"
        guest.leaf("before")
        guest.count(1)
        """,
    )
    assert_chain(receiver, "0")
    assert len(receiver.spans()) == 4


def test_a_flush_brings_what_lies_in_chunks_of_extensions_alone(receiver: Receiver) -> None:
    ended = run(
        """
        import threading
        recorded, done = threading.Event(), threading.Event()
        def work():
            guest.leaf("of a thread")
            recorded.set()
            done.wait()
        thread = threading.Thread(target=work)
        thread.start()
        recorded.wait()
        guest.leaf("of this one")
        print(*oxitel._native.guests("traces"), guest.stats())
        print(oxitel._native.flush(10.0), oxitel.stats("traces")["delivered"])
        print(*oxitel._native.guests("traces"), guest.stats())
        done.set()
        thread.join()
        guest.leaf("later")
        print(guest.flush(10.0), oxitel.stats("traces")["delivered"])
        """,
        receiver,
        OTEL_BSP_SCHEDULE_DELAY="3600000",
    )
    assert ended.stdout.splitlines() == [
        "{'name': 'guest', 'recorded': 2, 'handed': 0, 'lost': 0, 'open': 2} (2, 0, 0, 2)",
        "None 2",
        "{'name': 'guest', 'recorded': 2, 'handed': 2, 'lost': 0, 'open': 0} (2, 2, 0, 0)",
        "True 3",
    ]
    assert {span.name for span in receiver.spans()} == {"of a thread", "of this one", "later"}


def test_records_of_all_kinds_leave_by_the_one_engine(receiver: Receiver) -> None:
    run(
        """
        with tracer.start_as_current_span("python"):
            guest.traced("hello")
            guest.count(3)
        guest.count(4)
        """,
        receiver,
    )
    assert receiver.tree() == "python\n  traced"
    [log] = receiver.logs()
    assert (log.body, log.span_id) == ("said", receiver.span("traced").span_id)
    [point] = receiver.last_points("guest.calls").values()
    assert (point.value, point.scope.name) == (7, "guest")
    instances = {request.resource["service.instance.id"] for request in [log, point]}
    assert len(instances) == 1


def test_a_lot_of_records_arrive_whole_and_the_ledger_balances(receiver: Receiver) -> None:
    ended = run(
        """
        for _ in range(20_000):
            guest.leaf("one of many")
        flushed = oxitel._native.flush(30.0)
        stats = oxitel.stats("traces")
        print(flushed, stats["recorded"], stats["delivered"], stats["queued"], guest.stats())
        """,
        receiver,
    )
    assert ended.stdout == "None 20000 20000 0 (20000, 20000, 0, 0)\n"
    assert len({span.span_id for span in receiver.spans()}) == 20_000


def test_what_no_memory_is_left_for_is_counted_once(receiver: Receiver) -> None:
    ended = run(
        """
        for _ in range(1000):
            guest.leaf("one of many")
        print(oxitel._native.flush(30.0)[0])
        print(oxitel.stats("traces")["recorded"], guest.stats())
        """,
        receiver,
        OTEL_BSP_MAX_QUEUE_SIZE="100",
        OTEL_BSP_SCHEDULE_DELAY="3600000",
    )
    lost, stats = ended.stdout.splitlines()
    taken, _, counted = stats.partition(" ")
    recorded, handed, dropped, _ = map(int, counted.strip("()").split(", "))
    assert recorded == 1000
    assert handed == int(taken) == len(receiver.spans())
    assert dropped == int(lost) == 1000 - handed


def test_an_extension_records_as_the_host_is_told_to(receiver: Receiver) -> None:
    run(
        """
        guest.leaf("root")
        assert "00" == guest.headers().get("traceparent", "-00")[-2:]
        """,
        receiver,
        OTEL_TRACES_SAMPLER="always_off",
    )
    assert receiver.spans() == []
    run("guest.leaf('long')", receiver, OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT="5")
    assert receiver.span("long").attributes == {"allocated": "xxxxx"}
    receiver.clear()
    run("guest.leaf('none'); guest.traced('x')", receiver, OTEL_TRACES_EXPORTER="none")
    assert receiver.spans() == []
    assert len(receiver.logs()) == 1


def test_the_end_and_another_start(receiver: Receiver) -> None:
    ended = run(
        """
        guest.leaf("first")
        assert oxitel.shutdown_telemetry()
        guest.leaf("between")
        oxitel.enable_telemetry(service_name="again")
        chain("0")
        assert not guest.start("http://localhost:1"), "it has joined"
        oxitel.shutdown_telemetry()
        print(guest.stats())
        """,
        receiver,
    )
    assert receiver.span("first").resource["service.name"] == "program"
    assert receiver.span("0.leaf").resource["service.name"] == "again"
    assert_chain(receiver, "0")
    assert len(receiver.spans()) == 5
    assert ended.stdout == "(3, 3, 0, 0)\n"


def test_trace_state_and_baggage_cross_both_borders(receiver: Receiver) -> None:
    ended = run(
        """
        from opentelemetry import baggage, context
        state = trace.TraceState([("v", "1")])
        remote = trace.SpanContext(0xabc, 0xdef, True, trace.TraceFlags(1), state)
        place = trace.set_span_in_context(trace.NonRecordingSpan(remote))
        place = baggage.set_baggage("user", "u 1", place)
        token = context.attach(place)
        headers = guest.headers()
        print(headers["traceparent"], headers["tracestate"], headers["baggage"])
        def show():
            here = trace.get_current_span().get_span_context()
            print(f"{here.trace_id:x}", here.trace_state.to_header(), dict(baggage.get_all()))
        guest.call("call", show)
        guest.call_in_thread("thread", show)
        context.detach(token)
        print(guest.headers())
        """,
        receiver,
    )
    assert ended.stdout.splitlines() == [
        f"00-{0xABC:032x}-{0xDEF:016x}-01 v=1 user=u%201",
        "abc v=1 {'user': 'u 1'}",
        "abc v=1 {'user': 'u 1'}",
        "{}",
    ]
    assert receiver.span("call").parent_id == f"{0xDEF:016x}"
    assert receiver.span("call").trace_state == "v=1"


@pytest.mark.parametrize("delay", ["3600000", "10"])
def test_forks_with_a_chunk_half_full(receiver: Receiver, delay: str) -> None:
    ended = run(
        """
        import os, sys
        guest.background(2, 200)
        for i in range(30):
            guest.leaf(f"parent.{i}")
            with tracer.start_as_current_span(f"open.{i}"), guest.Hold(f"held.{i}"):
                child = os.fork()
                if child == 0:
                    guest.leaf(f"child.{i}")
                    if i % 2:
                        os._exit(0 if oxitel._native.flush(20.0) is None else 3)
                    sys.exit(0)
            _, status = os.waitpid(child, 0)
            assert status == 0, status
        made = guest.stop(2)
        assert oxitel._native.flush(20.0) is None
        print(os.getpid(), made, guest.stats())
        """,
        receiver,
        timeout=120,
        OTEL_BSP_SCHEDULE_DELAY=delay,
    )
    pid, made = map(int, ended.stdout.split()[:2])
    assert len(receiver.spans("background")) == made
    for i in range(30):
        for name in ("parent", "open", "held"):
            assert receiver.span(f"{name}.{i}").resource["process.pid"] == pid
        child = receiver.span(f"child.{i}")
        assert child.resource["process.pid"] != pid
        assert child.parent_id == receiver.span(f"held.{i}").span_id, "the place crosses the fork"
    assert len(receiver.spans()) == made + 30 * 4


def test_an_extension_that_is_first_imported_in_a_forked_child(receiver: Receiver) -> None:
    run(
        """
        import os, sys
        import oxitel
        from opentelemetry import trace
        tracer = trace.get_tracer("python")
        oxitel.enable_telemetry()
        with tracer.start_as_current_span("parent"):
            child = os.fork()
            if child == 0:
                import guest
                assert guest.joined() == "host"
                guest.leaf("child")
                grandchild = os.fork()
                if grandchild == 0:
                    guest.leaf("grandchild")
                    guest.count(1)
                    sys.exit(0)
                sys.exit(os.waitpid(grandchild, 0)[1])
        assert os.waitpid(child, 0)[1] == 0
        """,
        receiver,
        begin="",
    )
    assert receiver.tree() == "parent\n  child\n  grandchild"
    assert len({span.resource["process.pid"] for span in receiver.spans()}) == 3
    assert [point.value for point in receiver.points("guest.calls")] == [1]


def test_the_end_of_the_program_loses_nothing_and_waits_for_nobody(receiver: Receiver) -> None:
    ended = run(
        """
        import atexit, sys, threading
        atexit.register(lambda: guest.leaf("at exit"))
        def for_ever(record):
            while True:
                record()
        def held():
            with guest.Hold("held"):
                pass
        def below():
            with tracer.start_as_current_span("below"):
                guest.leaf("leaf")
        guest.background(1, 300)
        for record in (lambda: guest.leaf("leaf"), held, below):
            threading.Thread(target=for_ever, args=(record,), daemon=True).start()
        guest.leaf("one")
        """,
        receiver,
    )
    assert receiver.spans("one") and receiver.spans("at exit")
    assert set(ended.stderr.splitlines()) <= {"oxitel: a span ended after shutdown and was dropped"}


def test_when_the_program_ends_other_threads_leave_python_alone(receiver: Receiver) -> None:
    ended = run(
        """
        import atexit, threading
        asked, answered = threading.Event(), threading.Event()
        def see(where):
            print(where, "traceparent" in guest.headers(), flush=True)
        def last():
            # The package records nothing any more, and the extension's own engine does.
            here = trace.SpanContext(1, 2, False, trace.TraceFlags(1))
            with trace.use_span(trace.NonRecordingSpan(here)):
                see("main thread")
            asked.set()
            answered.wait()
        # Before the package's own, so that it runs after them.
        atexit.register(last)
        import oxitel._native, os
        from opentelemetry import trace
        tracer = trace.get_tracer("python")
        del oxitel._native.engine_v1
        import guest
        guest.start(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"])
        oxitel.enable_telemetry()
        def work():
            with tracer.start_as_current_span("thread"):
                see("thread")
                ready.set()
                asked.wait()
                see("thread")
                answered.set()
        ready = threading.Event()
        threading.Thread(target=work, daemon=True).start()
        ready.wait()
        """,
        receiver,
        begin="",
    )
    assert ended.stdout.splitlines() == ["thread True", "main thread True", "thread False"]


ORDINARY = """
import sys
sys.modules["oxitel"] = None  # not installed
import os
import guest
from opentelemetry import trace
"""


def test_without_the_package_an_extension_works_alone_and_joins_the_trace_of_the_api(
    receiver: Receiver,
) -> None:
    ended = run(
        """
        print(guest.joined(), guest.start(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]))
        state = trace.TraceState([("v", "1")])
        remote = trace.SpanContext(0xabc, 0xdef, True, trace.TraceFlags(1), state)
        def show():
            print(trace.get_current_span().get_span_context())
            guest.leaf("leaf")
        with trace.use_span(trace.NonRecordingSpan(remote)):
            guest.call("call", show)
            guest.call_in_thread("other", show)
        print(trace.get_current_span().get_span_context().is_valid, guest.left_over())
        print(guest.flush(10.0))
        """,
        receiver,
        begin=ORDINARY,
    )
    call = receiver.span("call")
    assert (call.trace_id, call.parent_id, call.trace_state) == (
        f"{0xABC:032x}",
        f"{0xDEF:016x}",
        "v=1",
    )
    assert receiver.tree() == "call\n  leaf\nother\n  in thread\n    leaf"
    first, shown, _, *last = ended.stdout.splitlines()
    assert first == "Own(NoHost) True"
    assert f"trace_id=0x{0xABC:032x}, span_id=0x{call.span_id}" in shown
    assert "is_remote=False" in shown
    assert last == ["False False", "True"]
    assert ended.stderr == ""


def test_without_the_api_there_is_no_current_span(receiver: Receiver) -> None:
    run(
        """
        assert not any(name.startswith("opentelemetry") for name in sys.modules)
        guest.start(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"])
        guest.call("call", lambda: guest.leaf("leaf"))
        assert not any(name.startswith("opentelemetry") for name in sys.modules)
        """,
        receiver,
        begin=ORDINARY.replace("from opentelemetry import trace", ""),
    )
    assert receiver.tree() == "call\nleaf"


DAEMON = """
import threading, time
def for_ever():
    while True:
        guest.leaf("background")
        time.sleep(0.001)
threading.Thread(target=for_ever, daemon=True).start()
"""


# A daemon thread keeps the module alive, so that nothing in it is deleted.
@pytest.mark.parametrize(("threads", "last"), [("", "deleted"), (DAEMON, "at exit")])
def test_without_the_package_the_end_of_the_program_delivers(
    receiver: Receiver, threads: str, last: str
) -> None:
    ended = run(
        """
        import atexit
        atexit.register(lambda: guest.leaf("at exit"))
        class Deleted:
            def __del__(self, leaf=guest.leaf):
                leaf("deleted")
        kept = Deleted()
        guest.leaf("one")
        """,
        receiver,
        begin=ORDINARY + 'assert guest.start(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"])' + threads,
    )
    for name in ("one", "at exit", last):
        assert len(receiver.spans(name)) == 1, name
    assert ended.stderr == ""


def test_without_the_package_other_threads_leave_python_alone_at_the_end(
    receiver: Receiver,
) -> None:
    ended = run(
        """
        import atexit, threading
        asked, answered, ready = threading.Event(), threading.Event(), threading.Event()
        here = trace.NonRecordingSpan(trace.SpanContext(1, 2, False, trace.TraceFlags(1)))
        def see(where):
            with trace.use_span(here):
                print(where, "traceparent" in guest.headers(), flush=True)
        def last():
            see("main thread")
            asked.set()
            answered.wait()
        # Before the extension's own, so that it runs after it.
        atexit.register(last)
        import guest
        guest.start(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"])
        def work():
            see("thread")
            ready.set()
            asked.wait()
            see("thread")
            answered.set()
        threading.Thread(target=work, daemon=True).start()
        ready.wait()
        """,
        receiver,
        begin=ORDINARY.replace("import guest\n", ""),
    )
    assert ended.stdout.splitlines() == ["thread True", "main thread True", "thread False"]


def test_without_the_package_the_trace_of_the_ordinary_sdk_is_joined(receiver: Receiver) -> None:
    sdk = os.environ.get("OXITEL_SDK_PYTHON")
    if sdk is None:
        pytest.skip("OXITEL_SDK_PYTHON names no Python with opentelemetry-sdk")
    program = """
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
endpoint = os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"{endpoint}/v1/traces")))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("python")
assert guest.start(endpoint)
chain("0")
"""
    variables = environment(receiver)
    variables["PYTHONPATH"] = str(guest_folder())
    program = ORDINARY + CHAIN + program
    subprocess.run([sdk, "-c", program], env=variables, check=True, timeout=60)
    assert_chain(receiver, "0")
    services = {span.scope.name: span.resource["service.name"] for span in receiver.spans()}
    assert services == {"python": "program", "guest": "guest"}
    assert receiver.tree() == "0.python\n  0.call\n    0.callback\n      0.leaf"


TABLES = """
import ctypes
import oxitel._native as native
kept = []

def capsule(name, table):
    "A capsule with this table in it"
    kept.append((name, table))
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return new(ctypes.addressof(table), name, None)

def table_of(capsule, name):
    get = ctypes.pythonapi.PyCapsule_GetPointer
    get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return get(capsule, name)

def of_minor_zero(address, size):
    "A copy of a table as the first version has it; behind it is nothing of use"
    table = ctypes.create_string_buffer(b"\\xff" * 256, 256)
    ctypes.memmove(table, address, size)
    ctypes.c_uint32.from_buffer(table, 4).value = 0
    ctypes.c_size_t.from_buffer(table, 8).value = size
    return table
"""

OLD_HOST = """
engine = b"oxitel._native.engine_v1"
native.engine_v1 = capsule(engine, of_minor_zero(table_of(native.engine_v1, engine), 64))
context = b"oxitel._native.context_v1"
native.context_v1 = capsule(context, of_minor_zero(table_of(native.context_v1, context), 48))
"""

OLD_GUEST = """
engine = b"oxitel._native.engine_v1"
table = ctypes.create_string_buffer(ctypes.string_at(table_of(native.engine_v1, engine), 72), 72)
function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
place = ctypes.c_void_p.from_buffer(table, 24)
own = function(place.value)

@function
def register(guest):
    old = of_minor_zero(guest, 72)
    kept.append(old)
    return own(ctypes.addressof(old))

place.value = ctypes.cast(register, ctypes.c_void_p).value
native.engine_v1 = capsule(engine, table)
"""

OF_BOTH_VERSIONS = pytest.mark.parametrize(
    "version",
    ["", TABLES + OLD_HOST, TABLES + OLD_GUEST],
    ids=["same version", "older host", "older extension"],
)


@OF_BOTH_VERSIONS
def test_versions_of_one_major_work_together(receiver: Receiver, version: str) -> None:
    ended = run(
        """
        chain("0")
        guest.traced("hello")
        guest.count(3)
        guest.leaf("open")
        print(*oxitel._native.guests("traces"))
        child = os.fork()
        if child == 0:
            guest.leaf("child")
            sys.exit(0)
        assert os.waitpid(child, 0)[1] == 0
        assert oxitel._native.flush(10.0) is None
        print(guest.stats()[2:])
        """,
        receiver,
        begin=version + BEGIN + "import os, sys",
        OTEL_BSP_SCHEDULE_DELAY="3600000",
    )
    assert_chain(receiver, "0")
    assert len(receiver.spans()) == 4 + 3
    assert len(receiver.logs()) == 1
    assert [point.value for point in receiver.last_points("guest.calls").values()] == [3]
    counts, left = ended.stdout.splitlines()
    assert counts == "{'name': 'guest', 'recorded': 4, 'handed': 0, 'lost': 0, 'open': 4}"
    assert left == "(0, 0)"


@OF_BOTH_VERSIONS
def test_an_extension_that_is_short_of_memory_wakes_the_sender(
    receiver: Receiver, version: str
) -> None:
    ended = run(
        """
        import time
        # More than half of the extension's memory, and nobody flushes.
        guest.large("large", 9 << 20)
        until = time.monotonic() + patience
        while time.monotonic() < until and not oxitel.stats("traces")["delivered"]:
            time.sleep(0.01)
        print(oxitel.stats("traces")["delivered"], guest.stats())
        # It can ask more than once.
        oxitel._native.flush(10.0)
        guest.large("large", 9 << 20)
        while time.monotonic() < until and guest.stats()[1] < 2:
            time.sleep(0.01)
        print(guest.stats())
        """,
        receiver,
        begin=version + BEGIN + f"patience = {1 if version == TABLES + OLD_HOST else 30}",
        OTEL_BSP_SCHEDULE_DELAY="3600000",
    )
    if version == TABLES + OLD_HOST:
        # It cannot be woken: its records wait for the schedule delay, as before.
        assert ended.stdout.splitlines() == ["0 (1, 0, 0, 1)", "(2, 1, 0, 1)"]
    else:
        assert ended.stdout.splitlines() == ["1 (1, 1, 0, 0)", "(2, 2, 0, 0)"]
    assert len(receiver.spans("large")) == 2


PAGE = """
from oxitel import metrics_wsgi
def page():
    said = metrics_wsgi({"REQUEST_METHOD": "GET"}, lambda *_: None)
    return b"".join(said).decode()
"""


@pytest.mark.parametrize("exporter", ["prometheus", "otlp,prometheus"])
@OF_BOTH_VERSIONS
def test_extensions_are_on_the_page_for_prometheus(
    receiver: Receiver, version: str, exporter: str
) -> None:
    ended = run(
        """
        from opentelemetry import metrics
        # Both count the same.
        metrics.get_meter("guest").create_counter("guest.calls").add(1)
        guest.count(3)
        print(page())
        guest.count(4)
        print(page())
        """,
        receiver,
        begin=version + BEGIN + PAGE,
        OTEL_METRICS_EXPORTER=exporter,
        OTEL_EXPORTER_PROMETHEUS_PORT=str(closed_port()),
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="delta",
    )
    shown = [line for line in ended.stdout.splitlines() if line.startswith("guest_calls_total")]
    counts = (1, 1) if version == TABLES + OLD_GUEST else (4, 8)
    assert shown == [f'guest_calls_total{{otel_scope_name="guest"}} {count}' for count in counts]


@OF_BOTH_VERSIONS
def test_baggage_crosses_without_a_span(receiver: Receiver, version: str) -> None:
    ended = run(
        """
        from opentelemetry import baggage, context
        token = context.attach(baggage.set_baggage("of", "python"))
        print(guest.headers())
        context.detach(token)
        def show():
            print(dict(baggage.get_all()), trace.get_current_span().is_recording())
        guest.call_with_baggage("of", "rust", show)
        with tracer.start_as_current_span("python"):
            guest.call_with_baggage("of", "rust", show)
            print(dict(baggage.get_all()))
        print(dict(baggage.get_all()), dict(context.get_current()))
        """,
        receiver,
        begin=version + BEGIN,
    )
    of_rust = {} if version == TABLES + OLD_HOST else {"of": "rust"}
    assert ended.stdout.splitlines() == [
        "{'baggage': 'of=python'}",
        f"{of_rust} False",
        f"{of_rust} True",
        "{}",
        "{} {}",
    ]


OTHER_VERSION = """
import ctypes
import oxitel._native as native
def capsule(name, major, size):
    table = ctypes.create_string_buffer(256)
    ctypes.memmove(table, bytes(ctypes.c_uint32(major)) + bytes(ctypes.c_uint32(0)), 8)
    ctypes.memmove(ctypes.addressof(table) + 8, bytes(ctypes.c_size_t(size)), 8)
    tables.append((table, name))
    new = ctypes.pythonapi.PyCapsule_New
    new.restype = ctypes.py_object
    new.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return new(ctypes.addressof(table), name, None)
tables = []
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("del native.engine_v1", "has no engine_v1"),
        (
            "native.engine_v1 = capsule(b'oxitel._native.engine_v1', 9, 64)",
            "speaks version 9.0, this extension 1.1",
        ),
        (
            "native.engine_v1 = capsule(b'oxitel._native.engine_v1', 1, 24)",
            "speaks version 1.0, this extension 1.1",
        ),
        ("native.engine_v1 = capsule(b'something else', 1, 64)", "offers something else"),
        ("native.engine_v1 = capsule(b'oxitel._native.engine_v1', 1, 64)", "with holes"),
    ],
)
def test_a_package_of_another_version_is_no_host_and_the_trace_is_still_one(
    receiver: Receiver, change: str, said: str
) -> None:
    alone = BEGIN.replace("import guest\n", "").replace(
        'assert guest.joined() == "host", guest.joined()\n',
        "import guest, os\nassert guest.joined() == guest.joined() == 'Own(Unfit)'\n"
        "guest.start(os.environ['OTEL_EXPORTER_OTLP_ENDPOINT'])\n",
    )
    ended = run(
        "chain('0'); assert guest.flush(10.0)", receiver, begin=OTHER_VERSION + change + alone
    )
    assert_chain(receiver, "0")
    services = {span.scope.name: span.resource["service.name"] for span in receiver.spans()}
    assert services == {"python": "program", "guest": "guest"}
    [line] = ended.stderr.splitlines()
    assert said in line and line.endswith("; an extension uses an engine of its own")


def test_an_extension_that_has_started_its_own_engine_keeps_it(receiver: Receiver) -> None:
    run(
        """
        sys.modules.pop("oxitel")
        guest.start(os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"])
        assert guest.joined() == "Own(Running)"
        """,
        receiver,
        begin=ORDINARY,
    )
