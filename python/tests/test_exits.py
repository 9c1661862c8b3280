"""The end of a program: what is recorded until the very last is sent, and nothing waits for long."""

from __future__ import annotations

import socket
import time

import pytest
from program import run_program
from receiver import Receiver, closed_port

BEGIN = """
import atexit, logging, os, sys, threading, time
import oxitel
from opentelemetry import _logs, metrics, trace

def record(name):
    with oxitel.get_telemetry("shop").trace(name):
        pass
"""

SECONDS = 2.0
"""How long the end of a program may take, whatever the network does."""


def test_what_finalizers_record_is_sent(receiver: Receiver) -> None:
    ended = run_program(
        BEGIN
        + """
class Late:
    def __init__(self, name):
        self.name = name
    def __del__(self):
        # What is taken before is there until the last; modules need not be.
        with tracer.start_as_current_span(self.name) as span:
            span.set_attribute("late", True)

tracer = trace.get_tracer("finalizers")
# In reverse: this one comes after our own.
atexit.register(record, "an exit handler from before")
atexit.register(lambda: logging.getLogger("shop").warning("late"))
oxitel.enable_telemetry()
atexit.register(record, "an exit handler")
# Two that live until modules are taken apart: one in a global, one in a cycle.
late = Late("a global")
cycle = [Late("a cycle")]
cycle.append(cycle)
sys.modules["theirs"] = Late("a module")
""",
        receiver,
    )
    names = ["a cycle", "a global", "a module", "an exit handler", "an exit handler from before"]
    assert sorted(span.name for span in receiver.spans()) == names
    assert [record.body for record in receiver.logs()] == ["late"]
    assert ended.stderr == "late\n"


def test_metrics_are_collected_once_at_the_end(receiver: Receiver) -> None:
    run_program(
        BEGIN
        + """
oxitel.enable_telemetry()
meter = metrics.get_meter("shop")
meter.create_counter("orders").add(1)
meter.create_observable_gauge("waiting", [lambda _: [metrics.Observation(7)]])
""",
        receiver,
    )
    assert [point.value for point in receiver.points("orders")] == [1]
    assert [point.value for point in receiver.points("waiting")] == [7]


@pytest.mark.parametrize(
    ("way", "code", "said"),
    [
        ("def end(): sys.exit(3)\nrun(end)", 0, ""),
        ("def end(): raise SystemExit\nrun(end)", 0, ""),
        ("def end(): 1 / 0\nrun(end)", 0, "ZeroDivisionError"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("raise KeyboardInterrupt", -2, "KeyboardInterrupt"),
        ("sys.exit('no')", 1, "no"),
        ("sys.excepthook = lambda *_: os.write(2, b'hook'); 1 / 0", 1, "hook"),
        # Not a daemon: it is waited for.
        ("threading.Thread(target=lambda: (time.sleep(0.3), record('thread'))).start()", 0, ""),
    ],
    ids=[
        "sys.exit in a thread",
        "SystemExit in a thread",
        "exception in a thread",
        "exception",
        "interrupted",
        "sys.exit",
        "own hook",
        "a thread that is waited for",
    ],
)
def test_every_way_out_sends_what_is_left(
    receiver: Receiver, way: str, code: int, said: str
) -> None:
    run = """
oxitel.enable_telemetry()
def run(end):
    def body():
        record("thread")
        end()
    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
record("last")
"""
    ended = run_program(BEGIN + run + way, receiver, expected_code=code)
    names = {span.name for span in receiver.spans()}
    assert names == ({"last", "thread"} if "hread" in way or "run(" in way else {"last"})
    assert (said in ended.stderr) if said else ended.stderr == ""


def test_os_exit_passes_over_everything_and_does_not_hang(receiver: Receiver) -> None:
    code = BEGIN + "oxitel.enable_telemetry()\nrecord('lost')\n{}os._exit(4)"
    run_program(code.format(""), receiver, expected_code=4)
    assert receiver.spans() == []
    flush = "assert trace.get_tracer_provider().force_flush()\n"
    run_program(code.format(flush), receiver, expected_code=4)
    assert [span.name for span in receiver.spans()] == ["lost"]


@pytest.mark.parametrize("switch", ["0.005", "1e-6"])
def test_daemon_threads_may_record_until_python_takes_them_down(
    receiver: Receiver, switch: str
) -> None:
    code = f"""
oxitel.enable_telemetry()
sys.setswitchinterval({switch})
meter = metrics.get_meter("daemons")
counter = meter.create_counter("rounds")
meter.create_observable_gauge("asked", [lambda _: [metrics.Observation(1)]])
logger = logging.getLogger("daemons")
def for_ever():
    while True:
        with oxitel.get_telemetry("shop").trace("round") as span:
            span.set_attribute("key", "value")
            counter.add(1)
            logger.info("round")
for _ in range(4):
    threading.Thread(target=for_ever, daemon=True).start()
record("last")
time.sleep(0.05)
"""
    for _ in range(5):
        ended = run_program(BEGIN + code, receiver)
        assert ended.stderr == ""
    assert len(receiver.spans("last")) == 5
    assert receiver.spans("round")


@pytest.mark.parametrize("way", ["nobody listens", "nobody answers", "nobody takes it"])
def test_a_program_ends_in_time_whatever_the_network_does(receiver: Receiver, way: str) -> None:
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
metrics.get_meter("shop").create_counter("orders").add(1)
logging.getLogger("shop").warning("last")
print(time.monotonic())
""",
            there[way],
        )
        took = time.monotonic() - float(ended.stdout)
        for client in clients:
            client.close()
    print(f"{way}: the end took {took:.2f} s, the whole program {ended.seconds:.2f} s")
    assert took < 3 * SECONDS
