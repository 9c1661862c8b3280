"""One run of the program, and what it used."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

WITHOUT, SDK, OXITEL = "without", "sdk", "oxitel"
VARIANTS = (WITHOUT, SDK, OXITEL)

LAST_LINES = 15


@dataclass(frozen=True)
class Program:
    """The user's program."""

    command: Sequence[str]
    limit_seconds: float


@dataclass(frozen=True)
class Used:
    """What one run used."""

    wall_s: float
    cpu_s: float
    """Of all its processes that it waited for."""
    peak_mb: float
    """Of the largest of its processes."""


class ProgramFailed(Exception):
    """The program did not end well; the text says how."""


def once(program: Program, environment: Mapping[str, str]) -> Used:
    """Runs the program to its end."""
    end, start = os.pipe()
    measure = [sys.executable, "-I", "-S", "-c", _MEASURE, str(start), *program.command]
    with TemporaryFile() as said:
        process = subprocess.Popen(
            measure,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
            pass_fds=[start],
            # All that it starts can be ended with it.
            start_new_session=True,
        )
        os.close(start)
        try:
            process.wait(program.limit_seconds)
        except subprocess.TimeoutExpired:
            raise ProgramFailed(
                f"it did not end within {program.limit_seconds:g} s; `oxitel cost` needs a program"
                " that ends by itself (--limit SECONDS waits longer)"
            ) from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            with open(end) as pipe:
                answer = pipe.read()
        said.seek(0)
        return _used(answer, said.read().decode(errors="replace"))


def _used(answer: str, said: str) -> Used:
    if not answer:
        raise ProgramFailed(_with_last_lines("it could not be started", said))
    found = json.loads(answer)
    if found["code"] != 0:
        raise ProgramFailed(_with_last_lines(f"it ended with {_in_words(found['code'])}", said))
    return Used(found["wall_s"], found["cpu_s"], found["peak_kb"] / 1024)


def _in_words(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"signal {-code} ({signal.Signals(-code).name})"


def _with_last_lines(what: str, said: str) -> str:
    lines = said.rstrip().splitlines()[-LAST_LINES:]
    return "\n".join(
        [what + (", and said at last:" if lines else ""), *("  " + it for it in lines)]
    )


# In a small process of its own: the system counts the memory of the one that starts a program in.
_MEASURE = """
import os, sys, time
out, command = int(sys.argv[1]), sys.argv[2:]
started = time.monotonic()
child = os.fork()
if child == 0:
    os.close(out)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        os.write(2, f"{command[0]}: {error}".encode())
    os._exit(127)
_, status, used = os.wait4(child, 0)
wall = time.monotonic() - started
os.write(out, (
    f'{{"wall_s": {wall}, "cpu_s": {used.ru_utime + used.ru_stime},'
    f' "peak_kb": {used.ru_maxrss}, "code": {os.waitstatus_to_exitcode(status)}}}'
).encode())
"""


def prepare(folder: Path, function: str) -> Path:
    """A folder that makes each Python, which has it on its path, call a function of `start`."""
    place = folder / function
    place.mkdir()
    source = Path(__file__).with_name("start.py").read_text()
    call = f"\n\n{function}({str(place)!r})\n"
    (place / "sitecustomize.py").write_text(source + call)
    return place


_OURS_TO_SAY = (
    "OTEL_EXPORTER_OTLP",
    "OTEL_SDK_DISABLED",
    "OTEL_CONFIG_FILE",
    "OTEL_PYTHON_CONFIGURATOR",
    "OTEL_PYTHON_DISTRO",
    "OTEL_PYTHON_TRACER_PROVIDER",
    "OTEL_PYTHON_METER_PROVIDER",
    "OTEL_PYTHON_LOGGER_PROVIDER",
)
"""Where telemetry goes and who makes it; samplers, limits and names stay the user's."""


def environment_of(
    variant: str, user: Mapping[str, str], folder: Path | None, endpoint: str
) -> dict[str, str]:
    """The user's environment, with telemetry that goes to our receiver, or without any."""
    variables = {name: value for name, value in user.items() if not name.startswith(_OURS_TO_SAY)}
    if folder is not None:
        path = [str(folder), variables.get("PYTHONPATH", "")]
        variables["PYTHONPATH"] = os.pathsep.join(part for part in path if part)
    if variant == WITHOUT:
        # Programs that start telemetry by themselves know it.
        return variables | {"OTEL_SDK_DISABLED": "true"}
    for signals in ("TRACES", "METRICS", "LOGS"):
        name = f"OTEL_{signals}_EXPORTER"
        if variables.get(name) != "none":
            variables[name] = "otlp"
    return variables | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
    }
