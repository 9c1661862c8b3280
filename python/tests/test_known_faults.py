"""What has gone wrong with telemetry in Python elsewhere, each fault a test under its number: K11
to K17. Here they stand together; `test_exits`, `test_forks`, `test_logs` go further."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from program import run_program
from receiver import Receiver, closed_port

BEGIN = """
import atexit, faulthandler, gc, importlib, logging, os, signal, sys, threading, time
# Whoever hangs says where, and fails.
faulthandler.dump_traceback_later(25, exit=True)
import oxitel
from opentelemetry import _logs, metrics, trace

shop = oxitel.get_telemetry("shop")

def record(name):
    with shop.trace(name):
        pass
"""

SECONDS = 2.0
"""How long the end of a program may take, whatever the network does."""


@pytest.mark.parametrize("way", ["nobody listens", "nobody answers", "nobody takes it"])
def test_k11_the_end_of_a_program_waits_for_no_collector(receiver: Receiver, way: str) -> None:
    """From the last line of the program to the end of the process, finalizers included."""
    receiver.hold()
    # A full backlog: connecting itself waits.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        clients = [socket.socket() for _ in range(4)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(address)
        there = {
            "nobody listens": f"http://127.0.0.1:{closed_port()}",
            "nobody answers": receiver.endpoint,
            "nobody takes it": f"http://127.0.0.1:{address[1]}",
        }
        ended = run_program(
            BEGIN
            + """
oxitel.enable_telemetry()
atexit.register(record, "late")
for _ in range(1100):
    record("span")
shop.counter("orders").add(1)
shop.log_warning("last")
print(time.monotonic())
""",
            there[way],
        )
        took = time.monotonic() - float(ended.stdout)
        for client in clients:
            client.close()
    print(f"{way}: the end took {took:.2f} s, the whole program {ended.seconds:.2f} s")
    assert took < 3 * SECONDS


def test_k12_logging_that_comes_back_to_us_neither_recurs_nor_locks_up(receiver: Receiver) -> None:
    ended = run_program(
        BEGIN
        + """
class Chatty(logging.Handler):
    # Holds its lock while it records, logs and flushes.
    def emit(self, line):
        # A circle of the program's own would be one without us as well.
        if line.name in ("chatty", "processor"):
            return
        with shop.trace("handler"):
            logging.getLogger("chatty").info("a line about a line")
            _logs.get_logger("chatty").emit(body="by the API")
            metrics.get_meter_provider().force_flush(1)

class Talkative:
    def __str__(self):
        logging.getLogger("talkative").info("asked for a text")
        return "text"
    __repr__ = __str__

class Processor:
    def on_start(self, span, parent_context=None):
        logging.getLogger("processor").info("starts")
    def on_end(self, span):
        logging.getLogger("processor").info("ends")
    def shutdown(self):
        logging.getLogger("processor").info("is over")
    def force_flush(self, timeout_millis=0):
        return True

logging.basicConfig(level=logging.DEBUG, handlers=[Chatty()])
oxitel.enable_telemetry(log_level=logging.DEBUG)
trace.get_tracer_provider().add_span_processor(Processor())
def work():
    for _ in range(20):
        with shop.trace("order", {"of": Talkative()}) as span:
            span.set_attribute("also", [Talkative()])
            logging.getLogger("shop").info("%s", Talkative(), extra={"more": Talkative()})
threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
""",
        receiver,
    )
    assert len(receiver.spans("order")) == 80, ended.stderr
    bodies = [record.body for record in receiver.logs()]
    assert bodies.count("text") == 80
    assert bodies.count("is over") == 1
    assert "Traceback" not in ended.stderr


def test_k13_a_fork_copies_no_lock_no_thread_no_count_and_no_name(receiver: Receiver) -> None:
    run_program(
        BEGIN
        + """
oxitel.enable_telemetry()
counter = shop.counter("orders")
counter.add(6)
record("parent")
# Another thread is inside of each lock that we have at the moment of the fork.
inside, forked = threading.Event(), threading.Event()
def hold():
    from oxitel import _lifecycle
    logging.getLogger().handlers[0].acquire()
    with _lifecycle._lock:
        inside.set()
        forked.wait()
threading.Thread(target=hold).start()
inside.wait()
children = []
# Its watch is a thread, for which the children would wait.
faulthandler.cancel_dump_traceback_later()
for number in range(5):
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        counter.add(1)
        record(f"child {number}")
        shop.log_info("child")
        sys.exit(0)
    children.append(child)
ends = [os.waitpid(child, 0)[1] for child in children]
forked.set()
assert ends == [0] * 5, ends
""",
        receiver,
    )
    names = sorted(span.name for span in receiver.spans())
    assert names == [*(f"child {number}" for number in range(5)), "parent"]
    last = {
        point.resource["service.instance.id"]: point.value for point in receiver.points("orders")
    }
    assert sorted(last.values()) == [1, 1, 1, 1, 1, 6]
    assert len({span.resource["service.instance.id"] for span in receiver.spans()}) == 6


def test_k14_a_fork_in_the_middle_of_an_export_leaves_the_child_a_sender(
    receiver: Receiver,
) -> None:
    ended = run_program(
        BEGIN
        + """
oxitel.enable_telemetry()
record("parent")
provider = trace.get_tracer_provider()
# The runtime of the parent's sender waits for an answer that does not come.
assert not provider.force_flush(300)
child = os.fork()
if child == 0:
    record("child")
    assert not trace.get_tracer_provider().force_flush(300)
    record("child, later")
    assert not oxitel.shutdown_telemetry(0.3)
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""",
        _held(receiver),
    )
    assert ended.stdout == "7\n"
    receiver.answer()
    # What the child had on its way came in full, though nobody told it so.
    receiver.wait_for(lambda receiver: bool(receiver.spans("parent")))
    assert len(receiver.spans("parent")) == 1


def _held(receiver: Receiver) -> Receiver:
    receiver.hold()
    return receiver


def test_k15_threads_that_import_construct_record_and_log_lock_nobody_up(
    receiver: Receiver, tmp_path: Path
) -> None:
    ended = run_program(
        BEGIN
        + """
faulthandler.dump_traceback_later(80, exit=True)
sys.setswitchinterval(1e-6)
sys.path.insert(0, sys.argv[1])
begin, end = threading.Barrier(65), threading.Event()
done = [0] * 64
for number in range(64):
    with open(f"{sys.argv[1]}/module{number}.py", "w") as module:
        module.write("import json, decimal")
def work(number):
    begin.wait()
    while not end.is_set():
        name = f"scope.{number}.{done[number] % 50}"
        with trace.get_tracer(name).start_as_current_span("span") as span:
            span.set_attribute("number", number)
            logging.getLogger(name).info("line %s", number)
            metrics.get_meter("shop").create_counter("rounds").add(1)
            sys.modules.pop(f"module{number}", None)
            importlib.import_module(f"module{number}")
            gc.collect(0)
        done[number] += 1
threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
[thread.start() for thread in threads]
# While they run for the first time.
begin.wait()
oxitel.enable_telemetry()
time.sleep(3)
while not all([*done, *(oxitel.stats(kind)["recorded"] for kind in ("traces", "logs"))]):
    time.sleep(0.1)
end.set()
[thread.join() for thread in threads]
sys.setswitchinterval(0.005)
assert oxitel.shutdown_telemetry(20)
for kind in ("traces", "logs"):
    stats = oxitel.stats(kind)
    assert 0 < stats["recorded"] == stats["delivered"] <= sum(done), (kind, stats, sum(done))
""",
        receiver,
        arguments=[str(tmp_path)],
        timeout=90,
    )
    assert ended.stderr == "", ended.stderr
    assert receiver.spans("span")


@pytest.mark.parametrize("switch", ["0.005", "1e-6"])
def test_k16_threads_may_record_until_python_takes_them_down(
    receiver: Receiver, switch: str
) -> None:
    code = f"""
oxitel.enable_telemetry()
sys.setswitchinterval({switch})
shop.gauge("asked", lambda: 1)
def for_ever():
    while True:
        with shop.trace("round") as span:
            span.set_attribute("key", "value")
            shop.counter("rounds").add(1)
            shop.log_info("round")
for _ in range(4):
    threading.Thread(target=for_ever, daemon=True).start()
class Late:
    def __del__(self):
        record("late")
late = Late()
late.itself = late
record("last")
time.sleep(0.05)
"""
    for _ in range(3):
        ended = run_program(BEGIN + code, receiver)
        assert ended.stderr == ""
    assert len(receiver.spans("last")) == 3
    assert receiver.spans("round")


def test_k17_a_bad_string_costs_nothing_but_itself(receiver: Receiver) -> None:
    run_program(
        BEGIN
        + r"""
oxitel.enable_telemetry(service_name="sh\ud800op")
bad = "a\udfffb"
with trace.get_tracer(bad, bad).start_as_current_span(bad, attributes={bad: bad}) as span:
    span.set_attribute("list", ["good", bad])
    span.set_attribute("good", 1)
    span.add_event(bad, {bad: bad})
    span.set_status(trace.StatusCode.ERROR, bad)
    logging.getLogger("shop").info(bad, extra={"key": bad})
    _logs.get_logger(bad).emit(body={bad: bad})
    metrics.get_meter(bad).create_counter("orders").add(1, {"key": bad})
record("good")
""",
        receiver,
    )
    repaired = "a\ufffd\ufffd\ufffdb"
    spans = {span.name: span for span in receiver.spans()}
    assert sorted(spans) == sorted([repaired, "good"])
    bad = spans[repaired]
    assert bad.resource["service.name"] == "sh\ufffd\ufffd\ufffdop"
    assert bad.attributes == {repaired: repaired, "list": ["good", repaired], "good": 1}
    assert (bad.scope.name, bad.events[0].name, bad.status_message) == (repaired,) * 3
    assert [record.body for record in receiver.logs()] == [repaired, {repaired: repaired}]
    assert receiver.logs()[0].attributes["key"] == repaired
    assert receiver.points("orders")[0].attributes == {"key": repaired}
