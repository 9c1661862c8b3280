"""`python -m oxitel cost`: by its command line, on programs as users have them."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from oxitel._cost.receiver import Receiver, records
from program import Ended, environment
from receiver import LIMIT_SECONDS

PROGRAM = """\
import logging
import sys

from opentelemetry import trace

tracer = trace.get_tracer("shop")
for number in range(int(sys.argv[1])):
    with tracer.start_as_current_span("order"):
        logging.getLogger("shop").warning("order %s", number)
"""

# What would be instrumented is not what these tests are about, and takes a second for each start.
BARE = {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}


def cost(*words: str, **variables: str) -> Ended:
    ended = subprocess.run(
        [sys.executable, "-m", "oxitel", "cost", *words],
        env=environment(**BARE | variables),
        capture_output=True,
        text=True,
        timeout=4 * LIMIT_SECONDS,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr, 0.0)


def sdk_python() -> str:
    python = os.environ.get("OXITEL_SDK_PYTHON")
    if python is None:
        pytest.skip("OXITEL_SDK_PYTHON names no Python with opentelemetry-sdk")
    return python


@pytest.fixture
def program(tmp_path: Path) -> str:
    place = tmp_path / "app.py"
    place.write_text(PROGRAM)
    return str(place)


def write(folder: Path, code: str) -> str:
    place = folder / "other.py"
    place.write_text(code)
    return str(place)


def numbers(*words: str, **variables: str) -> dict[str, Any]:
    ended = cost("--json", "--rounds", "1", *words, **variables)
    assert ended.code == 0, ended.stderr
    return json.loads(ended.stdout)


def test_what_each_variant_costs_and_sends_is_told(program: str) -> None:
    words = ("--json", "--rounds", "3", "--", sdk_python(), program, "1000")
    # The SDK takes records of `logging` by one of the packages that instrument.
    ended = cost(*words, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="")
    assert ended.code == 0, ended.stderr
    found = json.loads(ended.stdout)
    variants = found["variants"]
    assert list(variants) == ["without", "sdk", "oxitel"]
    assert variants["without"]["spans"] == [0, 0, 0]
    for name in ("sdk", "oxitel"):
        assert variants[name]["spans"] == [1000] * 3, name
        assert variants[name]["logs"] == [1000] * 3, name
    assert variants["sdk"]["version"]
    for metric in ("wall_s", "cpu_s", "peak_mb"):
        for variant in variants.values():
            assert len(variant[metric]["runs"]) == 3
            assert variant[metric]["median"] > 0
    # A bare Python has about 9 MB, whatever the process that measures it has.
    assert variants["without"]["peak_mb"]["median"] < 40
    assert found["added_cpu_s"]["sdk"] > 0
    assert found["ratio"] is None or found["ratio"] > 0


def test_without_the_sdk_its_column_says_how_to_install_it(program: str) -> None:
    ended = cost("--rounds", "1", "--", sys.executable, program, "10")
    assert ended.code == 0, ended.stderr
    assert "with oxitel" in ended.stdout
    assert "spans sent" in ended.stdout
    assert (
        f"with opentelemetry-sdk: not installed: {sys.executable} -m pip install"
        " opentelemetry-sdk opentelemetry-exporter-otlp-proto-http\n" in ended.stdout
    )


def test_who_sends_less_is_told(tmp_path: Path) -> None:
    code = "import logging\nlogging.getLogger('shop').info('order')\n"
    words = ("--rounds", "1", "--", sdk_python(), write(tmp_path, code))
    ended = cost(*words, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="")
    assert "Not the same log records were sent: " in ended.stdout, ended.stderr
    assert "Not the same spans" not in ended.stdout


def test_settings_of_the_user_hold_but_for_the_address(program: str) -> None:
    found = numbers(
        *("--", sys.executable, program, "10"),
        OTEL_TRACES_SAMPLER="always_off",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_SDK_DISABLED="true",
    )
    assert found["variants"]["oxitel"]["spans"] == [0]
    assert found["variants"]["oxitel"]["logs"] == [10]


def test_a_program_that_starts_telemetry_by_itself_has_none_without(tmp_path: Path) -> None:
    code = """\
import oxitel

oxitel.enable_telemetry()
with oxitel.get_telemetry("shop").trace("order"):
    pass
"""
    found = numbers("--", sys.executable, write(tmp_path, code))
    assert found["variants"]["without"]["spans"] == [0]
    assert found["variants"]["oxitel"]["spans"] == [1]


def test_libraries_are_instrumented(tmp_path: Path) -> None:
    code = """\
import contextlib

import httpx

with contextlib.suppress(httpx.ConnectError):
    httpx.get("http://127.0.0.1:9/")
"""
    others = "asyncpg,fastapi,redis,requests,sqlalchemy,aiohttp-client"
    words = ("--", sys.executable, write(tmp_path, code))
    found = numbers(*words, OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=others)
    assert found["instruments_libraries"]
    assert found["variants"]["oxitel"]["spans"] == [1]


def test_another_sitecustomize_is_still_run(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    (tmp_path / "sitecustomize.py").write_text(f"open({str(seen)!r}, 'a').write('x')\n")
    path = os.pathsep.join([environment()["PYTHONPATH"], str(tmp_path)])
    program = write(tmp_path, "print('shop')\n")
    numbers("--", sys.executable, program, PYTHONPATH=path)
    # Of the command itself, of the run that warms up, and of one of each variant.
    assert len(seen.read_text()) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "which program? for example: oxitel cost -- python app.py"),
        (("--",), "which program? for example: oxitel cost -- python app.py"),
        (("--", "no-such-program"), "there is no program 'no-such-program'"),
        (("--rounds", "0", "--", sys.executable), "--rounds is at least 1"),
        (("--rounds", "x", "--", sys.executable), "invalid int value: 'x'"),
    ],
)
def test_what_makes_no_sense_is_refused(words: tuple[str, ...], said: str) -> None:
    ended = cost(*words)
    assert ended.code == 2
    assert said in ended.stderr
    assert ended.stdout == ""


def test_a_program_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    ended = cost("--", sys.executable, write(tmp_path, "raise SystemExit('no stock')\n"))
    assert ended.code == 1
    assert "without telemetry: it ended with exit code 1, and said at last:" in ended.stderr
    assert "  no stock" in ended.stderr
    assert ended.stdout == ""


def test_a_program_that_a_signal_ends_is_told(tmp_path: Path) -> None:
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
    ended = cost("--", sys.executable, write(tmp_path, code))
    assert ended.code == 1
    assert "it ended with signal 9 (SIGKILL)" in ended.stderr


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    place = tmp_path / "pid"
    code = f"""\
import os, time
open({str(place)!r}, "w").write(str(os.getpid()))
time.sleep(600)
"""
    ended = cost("--limit", "2", "--", sys.executable, write(tmp_path, code))
    assert ended.code == 1
    assert "it did not end within 2 s" in ended.stderr
    assert not is_running(place.read_text())


def is_running(pid: str) -> bool:
    """What was killed may wait for somebody who takes notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_command_that_is_no_python_is_told() -> None:
    ended = cost("--", "true")
    assert ended.code == 1
    assert "'true' runs no Python that reads PYTHONPATH" in ended.stderr


def test_a_python_that_reads_no_variables_is_told(program: str) -> None:
    ended = cost("--", sys.executable, "-E", program, "1")
    assert ended.code == 1
    assert "runs no Python that reads PYTHONPATH" in ended.stderr


def test_a_python_without_oxitel_is_told(program: str) -> None:
    # Of the path, only the folder that the command puts in front is left.
    shell = ("sh", "-c", 'PYTHONPATH="${PYTHONPATH%%:*}" exec "$0" "$@"')
    ended = cost("--", *shell, sdk_python(), program, "1")
    assert ended.code == 1
    assert "the program's Python has no oxitel: " in ended.stderr
    assert "-m pip install oxitel" in ended.stderr


def test_words_that_do_not_exist_get_the_usage() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "oxitel", "price"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert ended.returncode == 2
    assert "python -m oxitel cost -- python app.py" in ended.stderr


def test_the_receiver_counts_what_the_official_classes_wrote() -> None:
    request = ExportTraceServiceRequest()
    for count in (3, 0, 300):
        resource = request.resource_spans.add(schema_url="https://example.org")
        resource.resource.attributes.add(key="a").value.string_value = "b"
        scope = resource.scope_spans.add()
        scope.scope.name = "shop"
        for number in range(count):
            scope.spans.add(name="order", start_time_unix_nano=number, flags=1)
    body = request.SerializeToString()
    assert records(body) == 303
    assert records(gzip.compress(body)) == 0
    assert records(b"") == 0
    assert records(body[:-1]) <= 303
    with Receiver() as receiver:
        assert receiver.take() == {"spans": 0, "logs": 0}
