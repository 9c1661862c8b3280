"""The end of a program: what is recorded until the very last is sent."""

from __future__ import annotations

import pytest
from program import run_program
from receiver import Receiver

BEGIN = """
import atexit, logging, os, sys, threading, time
import oxitel
from opentelemetry import _logs, metrics, trace

def record(name):
    with oxitel.get_telemetry("shop").trace(name):
        pass
"""


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
