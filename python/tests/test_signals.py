"""SIGTERM, and what a program does with signals beside us: its handlers stay its own, and it finds
everything as if we were not there."""

from __future__ import annotations

import pytest
from program import Ended, run_program
from receiver import Receiver

BEGIN = """
import asyncio, faulthandler, os, signal, subprocess, sys, threading, time
import oxitel

def record(name):
    with oxitel.get_telemetry("shop").trace(name):
        pass

def taken():
    # Whether SIGTERM has a handler, below Python.
    [line] = [line for line in open("/proc/self/status") if line.startswith("SigCgt")]
    return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
"""

START = "oxitel.enable_telemetry()\n"


def run(code: str, receiver: Receiver, expected_code: int = 0) -> Ended:
    lines = code.splitlines()
    margin = min(len(line) - len(line.lstrip()) for line in lines if line.strip())
    text = BEGIN + "\n".join(line[margin:] for line in lines)
    return run_program(text, receiver, expected_code=expected_code)


def test_who_asks_is_told_the_programs_own_handler(receiver: Receiver) -> None:
    run(
        """
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        oxitel.enable_telemetry()
        assert taken() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        for handler in (print, signal.SIG_IGN):
            assert signal.signal(signal.SIGTERM, handler) is signal.SIG_DFL
            assert signal.getsignal(signal.SIGTERM) is handler
            assert signal.signal(signal.SIGTERM, signal.SIG_DFL) is handler
            assert taken()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        """,
        receiver,
    )


def test_signal_signal_is_that_of_python_in_all_but_one_case(receiver: Receiver) -> None:
    ended = run(
        """
        class Handler:
            # Code of the program, which nobody but the program may run.
            def __eq__(self, other): raise RuntimeError("compared")
            def __call__(self, *_): print("called")
        before = signal.signal
        oxitel.enable_telemetry()
        assert signal.signal is before
        signal.signal(signal.SIGTERM, Handler())
        signal.raise_signal(signal.SIGTERM)
        for wrong in ((signal.SIGKILL, print), (signal.SIGTERM, "no handler"), (0, print), ()):
            errors = []
            for set_handler in (before, signal.signal):
                try:
                    set_handler(*wrong)
                except Exception as error:
                    errors.append((type(error), str(error)))
            assert len(errors) == 2 and errors[0] == errors[1], errors
        def elsewhere():
            try:
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
            except ValueError:
                print("only in the main thread")
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        """,
        receiver,
    )
    assert ended.stdout == "called\nonly in the main thread\n"


def test_after_the_end_of_telemetry_everything_is_as_before(receiver: Receiver) -> None:
    run(
        """
        before = signal.signal
        for _ in range(2):
            oxitel.enable_telemetry()
            assert taken()
            oxitel.shutdown_telemetry()
            assert signal.signal is before and not taken()
        oxitel.enable_telemetry()
        signal.signal(signal.SIGTERM, print)
        # As gevent and test tools do: somebody else on top of us, who stays there.
        ours = signal.signal
        theirs = signal.signal = lambda *arguments: ours(*arguments)
        oxitel.shutdown_telemetry()
        assert signal.signal is theirs and signal.getsignal(signal.SIGTERM) is print
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        assert not taken()
        oxitel.enable_telemetry()
        assert taken()
        """,
        receiver,
    )


@pytest.mark.parametrize(
    "way",
    [
        "threading.Thread(target=oxitel.enable_telemetry).start()",
        START + "signal.signal(signal.SIGTERM, print); signal.signal(signal.SIGTERM, 0)",
        START + "signal.siginterrupt(signal.SIGTERM, False)",
        START + "faulthandler.enable(); faulthandler.register(signal.SIGUSR1)",
    ],
    ids=["a thread starts it", "by number", "siginterrupt", "faulthandler"],
)
def test_sigterm_sends_what_is_left(receiver: Receiver, way: str) -> None:
    code = f"{way}\nwhile not taken(): time.sleep(0.01)\nrecord('last')\n"
    run(code + "signal.raise_signal(signal.SIGTERM)\ntime.sleep(30)", receiver, -15)
    assert len(receiver.spans("last")) == 1


def test_a_program_that_does_not_let_go_of_the_interpreter_is_ended(receiver: Receiver) -> None:
    """No handler of Python's would run here."""
    ended = run(
        """
        oxitel.enable_telemetry()
        record("last")
        subprocess.Popen(["sh", "-c", f"sleep 0.3; kill {os.getpid()}"])
        sum(range(10**10))
        """,
        receiver,
        -15,
    )
    assert len(receiver.spans("last")) == 1
    assert ended.seconds < 15


def test_a_dump_of_all_threads_comes_first(receiver: Receiver) -> None:
    ended = run(
        """
        oxitel.enable_telemetry()
        faulthandler.register(signal.SIGTERM, chain=True)
        record("last")
        signal.raise_signal(signal.SIGTERM)
        time.sleep(30)
        """,
        receiver,
        -15,
    )
    assert "most recent call first" in ended.stderr
    assert len(receiver.spans("last")) == 1


def test_a_second_signal_neither_hurries_nor_delays_the_end(receiver: Receiver) -> None:
    receiver.hold()
    ended = run(
        """
        oxitel.enable_telemetry()
        record("last")
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(30)
        """,
        receiver,
        -15,
    )
    assert 1.0 < ended.seconds < 3 * 2.0


def test_the_program_that_leaves_meanwhile_ends_by_the_signal(receiver: Receiver) -> None:
    """The status is what a parent reads; it does not depend on who is first."""
    run(
        """
        oxitel.enable_telemetry()
        record("last")
        signal.raise_signal(signal.SIGTERM)
        """,
        receiver,
        -15,
    )
    assert len(receiver.spans("last")) == 1


@pytest.mark.parametrize(
    "wait", ["signal.sigwait([signal.SIGTERM])", "signal.sigtimedwait([signal.SIGTERM], 20)"]
)
def test_a_program_may_wait_for_the_signal_itself(receiver: Receiver, wait: str) -> None:
    ended = run(
        f"""
        oxitel.enable_telemetry()
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        record("last")
        os.kill(os.getpid(), signal.SIGTERM)
        assert {wait}
        print("mine")
        """,
        receiver,
    )
    assert ended.stdout == "mine\n"
    assert len(receiver.spans("last")) == 1


def test_a_loop_of_asyncio_keeps_its_handler(receiver: Receiver) -> None:
    ended = run(
        """
        oxitel.enable_telemetry()
        async def serve():
            asked = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGTERM, asked.set)
            loop.call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)
            await asked.wait()
            record("last")
            print("asked")
        asyncio.run(serve())
        assert taken(), "the loop has given it back"
        """,
        receiver,
    )
    assert ended.stdout == "asked\n"
    assert len(receiver.spans("last")) == 1


def test_programs_that_are_started_know_nothing_of_it(receiver: Receiver) -> None:
    run(
        """
        oxitel.enable_telemetry()
        look = "import signal; print(signal.getsignal(signal.SIGTERM).name)"
        for options in ({}, {"preexec_fn": lambda: None}, {"close_fds": False}):
            said = subprocess.run([sys.executable, "-c", look], capture_output=True, **options)
            assert said.stdout == b"SIG_DFL\\n", said
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"])
        child.terminate()
        assert child.wait() == -signal.SIGTERM
        """,
        receiver,
    )


def test_a_forked_child_sends_what_it_has_and_its_parent_goes_on(receiver: Receiver) -> None:
    run(
        """
        oxitel.enable_telemetry()
        def fork(name):
            reader, writer = os.pipe()
            child = os.fork()
            if child == 0:
                if name:
                    record(name)
                os.write(writer, b"x")
                time.sleep(30)
            os.read(reader, 1)
            return child
        # One has nothing to send, and dies at once.
        children = [fork("child"), fork("other"), fork(None)]
        for child in children:
            os.kill(child, signal.SIGTERM)
        for child in children:
            assert os.waitpid(child, 0)[1] == signal.SIGTERM
        record("parent")
        """,
        receiver,
    )
    assert sorted(span.name for span in receiver.spans()) == ["child", "other", "parent"]


def test_ctrl_c_is_left_to_python(receiver: Receiver) -> None:
    ended = run(
        """
        oxitel.enable_telemetry()
        try:
            with oxitel.get_telemetry("shop").trace("interrupted"):
                signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            print("mine")
        record("last")
        signal.raise_signal(signal.SIGINT)
        """,
        receiver,
        -2,
    )
    assert ended.stdout == "mine\n"
    assert sorted(span.name for span in receiver.spans()) == ["interrupted", "last"]
