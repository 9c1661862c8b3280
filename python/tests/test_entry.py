"""Telemetry for programs without a line about it: entry points, `opentelemetry-instrument`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from program import PACKAGE, environment, run_program
from receiver import LIMIT_SECONDS, Receiver


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder in which the package's entry points are found, as after an installation."""
    groups = []
    for line in (PACKAGE / "pyproject.toml").read_text().splitlines():
        group = re.fullmatch(r"\[project\.entry-points\.(\w+)\]", line)
        entry = re.fullmatch(r'(\w+) = "(oxitel\._entry:\w+)"', line)
        if group:
            groups.append(f"[{group[1]}]")
        elif entry:
            groups.append(f"{entry[1]} = {entry[2]}")
    folder = tmp_path / "installed" / "oxitel-0.dist-info"
    folder.mkdir(parents=True)
    (folder / "entry_points.txt").write_text("\n".join(groups))
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: oxitel\nVersion: 0\n")
    return folder.parent


def path(installed: Path) -> str:
    return os.pathsep.join([str(installed), str(PACKAGE)])


def test_a_variable_makes_ours_the_tracer_provider(receiver: Receiver, installed: Path) -> None:
    ended = run_program(
        """
        from opentelemetry import trace
        with trace.get_tracer("shop").start_as_current_span("order"):
            pass
        print(type(trace.get_tracer_provider()).__module__)
        """,
        receiver,
        PYTHONPATH=path(installed),
        OTEL_PYTHON_TRACER_PROVIDER="oxitel",
    )
    assert ended.stdout == "oxitel._trace\n"
    assert ended.stderr == ""
    assert receiver.span("order").resource["service.name"] == "program"


def test_each_signal_has_its_variable(receiver: Receiver, installed: Path) -> None:
    run_program(
        """
        from opentelemetry import _logs, metrics, trace
        metrics.get_meter("shop").create_counter("orders").add(1)
        _logs.get_logger("shop").emit(body="taken")
        assert type(trace.get_tracer_provider()).__name__ == "ProxyTracerProvider"
        """,
        receiver,
        PYTHONPATH=path(installed),
        OTEL_PYTHON_METER_PROVIDER="oxitel",
        OTEL_PYTHON_LOGGER_PROVIDER="oxitel",
    )
    assert [point.value for point in receiver.points("orders")] == [1]
    assert [record.body for record in receiver.logs()] == ["taken"]


def test_a_start_beside_the_variable_takes_the_same_provider(
    receiver: Receiver, installed: Path
) -> None:
    ended = run_program(
        """
        import oxitel
        oxitel.enable_telemetry(service_name="shop")
        from opentelemetry import trace
        with trace.get_tracer("shop").start_as_current_span("order"):
            pass
        """,
        receiver,
        PYTHONPATH=path(installed),
        OTEL_PYTHON_TRACER_PROVIDER="oxitel",
    )
    assert ended.stderr == ""
    assert receiver.span("order").resource["service.name"] == "shop"


def instrument(
    installed: Path, program: Path, receiver: Receiver | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs `program` under `opentelemetry-instrument`."""
    tool = Path(sys.executable).parent / "opentelemetry-instrument"
    return subprocess.run(
        [str(tool), sys.executable, str(program)],
        env=environment(receiver, PYTHONPATH=path(installed)),
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=True,
    )


def test_a_program_without_a_line_about_telemetry_is_traced(
    receiver: Receiver, installed: Path, tmp_path: Path
) -> None:
    program = tmp_path / "app.py"
    program.write_text(
        """
import logging
import sqlalchemy
with sqlalchemy.create_engine("sqlite://").connect() as connection:
    connection.execute(sqlalchemy.text("SELECT 1"))
logging.info("done")
"""
    )
    assert instrument(installed, program, receiver).stderr == ""
    assert [log.body for log in receiver.logs()] == ["done"], "by one handler of two packages"
    scopes = {span.scope.name for span in receiver.spans()}
    assert scopes == {"opentelemetry.instrumentation.sqlalchemy"}
    assert {span.resource["telemetry.sdk.name"] for span in receiver.spans()} == {"oxitel"}


def test_only_there_the_standards_endpoint_holds(installed: Path, tmp_path: Path) -> None:
    asks = "from oxitel import _native; print(_native.receivers('traces'))"
    program = tmp_path / "app.py"
    program.write_text(asks)
    assert instrument(installed, program).stdout == "['http://localhost:4318/v1/traces']\n"
    plain = run_program(f"import oxitel; oxitel.enable_telemetry(); {asks}")
    assert plain.stdout == "[]\n"
