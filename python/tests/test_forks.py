"""Forks under load: in fresh processes, while other threads record their first spans, log records
and measurements.

Only what is used for the first time can be half made at a fork, so many small processes show more
than one that forks for long. `OXITEL_TEST_FORKS=1000` asks for more than the usual number.
"""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from extension import guest_folder
from program import environment, run_program
from receiver import Point, Receiver

FORKS = int(os.environ.get("OXITEL_TEST_FORKS", "80"))
FORKS_OF_EACH = 5
AT_ONCE = 4
"""Twice as many as a small machine has cores: they are to be interrupted anywhere."""

PROGRAM = """
import json, os, signal, sys, threading
import oxitel
from opentelemetry import _logs, metrics, trace

process, forks, extension = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "guest"
if extension:
    import guest
sys.setswitchinterval(1e-4)
# Whoever hangs is killed, which is seen.
signal.alarm(100)
oxitel.enable_telemetry()

begin = threading.Barrier(4)
stop = threading.Event()
made = [0, 0, 0]

def record(name, scope):
    # A scope, a logger, a meter and an instrument that nobody has used before.
    with trace.get_tracer(scope).start_as_current_span(name):
        _logs.get_logger(scope).emit(body=name)
        metrics.get_meter(scope).create_counter("made").add(1)

def firsts(thread):
    begin.wait()
    while not stop.is_set():
        record("first", f"first.{thread}.{made[thread]}")
        made[thread] += 1
        stop.wait(0.001)

def fork(number):
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        record(f"child.{process}.{number}", f"first.child.{number}")
        # In a thread there is no other way out, and it passes over all that is done at an exit.
        if number % 2:
            os._exit(0 if oxitel.shutdown_telemetry(50) else 3)
        sys.exit(0)
    return child

def fork_in_thread(number):
    children = []
    thread = threading.Thread(target=lambda: children.append(fork(number)))
    thread.start()
    thread.join()
    return children[0]

threads = [threading.Thread(target=firsts, args=(thread,)) for thread in range(3)]
[thread.start() for thread in threads]
if extension:
    # Threads that never hold the interpreter's lock: a fork finds them anywhere.
    guest.background(2, 50)
begin.wait()
children = [(fork_in_thread if number % 2 else fork)(number) for number in range(forks)]
ends = [os.waitpid(child, 0)[1] for child in children]
assert ends == [0] * forks, ends
stop.set()
[thread.join() for thread in threads]
of_guest = guest.stop(2) if extension else 0
delivered = oxitel.shutdown_telemetry(50)
print(json.dumps({
    "pid": os.getpid(), "made": sum(made), "of_guest": of_guest, "delivered": delivered,
    "traces": oxitel.stats("traces"), "logs": oxitel.stats("logs"),
}))
"""


@dataclass(frozen=True)
class Told:
    """What a program says of itself at its end."""

    pid: int
    made: int
    of_guest: int
    delivered: bool
    traces: dict[str, int]
    logs: dict[str, int]


def run(process: int, receiver: Receiver) -> Told:
    """One fresh process with its children; every other one has an extension of its own."""
    extension = "guest" if process % 2 else ""
    path = f"{environment()['PYTHONPATH']}{os.pathsep}{guest_folder()}"
    ended = run_program(
        PROGRAM,
        receiver,
        arguments=[str(process), str(FORKS_OF_EACH), extension],
        timeout=120,
        PYTHONPATH=path,
    )
    return Told(**json.loads(ended.stdout))


def test_no_child_hangs_and_every_record_arrives_once(receiver: Receiver) -> None:
    guest_folder()
    processes = range(max(1, FORKS // FORKS_OF_EACH))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = list(pool.map(lambda process: run(process, receiver), processes))
    children = [f"child.{process}.{fork}" for process in processes for fork in range(FORKS_OF_EACH)]

    spans = receiver.spans()
    of_children = [span for span in spans if span.name.startswith("child")]
    assert sorted(span.name for span in of_children) == sorted(children)
    assert len({span.resource["service.instance.id"] for span in of_children}) == len(children)
    assert len({span.span_id for span in spans}) == len(spans)
    records = [str(record.body) for record in receiver.logs()]
    assert sorted(body for body in records if body != "first") == sorted(children)

    for parent in told:
        its = [span.name for span in spans if span.resource["process.pid"] == parent.pid]
        assert its.count("first") == parent.made
        assert its.count("background") == parent.of_guest
        assert len(its) == parent.made + parent.of_guest, "nothing of its children"
        assert parent.delivered
        # The ledger of an extension's records is its own, and the host's as well.
        for ledger, recorded in ((parent.traces, len(its)), (parent.logs, parent.made)):
            assert (ledger["recorded"], ledger["delivered"]) == (recorded, recorded)
            assert (ledger["queued"], ledger["rejected"], ledger["live"]) == (0, 0, 0)

    measured = sum(parent.made for parent in told) + len(children)
    last: dict[tuple[str, str], Point] = {}
    for point in receiver.points("made"):
        last[point.resource["service.instance.id"], point.scope.name] = point
    assert sum(point.value or 0 for point in last.values()) == measured
