"""Real servers for tests: each on a free port, with its files in a folder that ends with it.

Where their programs are is said by variables that `cargo xtask test` sets. Without them the test is
left out.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from receiver import LIMIT_SECONDS, closed_port

NOBODY = 65534


def program(variable: str, what: str) -> str:
    """The program that a variable names."""
    path = os.environ.get(variable)
    if path is None:
        pytest.skip(f"{variable} names no {what}")
    return path


@contextmanager
def redis() -> Iterator[str]:
    """The address of an empty Redis."""
    server, port = program("OXITEL_REDIS_SERVER", "redis-server"), closed_port()
    with _folder() as folder:
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
        with _running([server, *options], lambda: _listens(port)):
            yield f"redis://127.0.0.1:{port}/0"


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty database."""
    initdb, server = program("OXITEL_INITDB", "initdb"), program("OXITEL_POSTGRES", "postgres")
    with _folder() as folder:
        files, user, port = folder / "data", _as_user(folder), closed_port()
        make = [initdb, "--pgdata", str(files), "--username", "shop", "--auth", "trust"]
        make += ["--encoding", "UTF8", "--no-locale", "--no-sync"]
        made = subprocess.run(
            [*user, *make], capture_output=True, text=True, check=False, cwd=folder
        )
        assert made.returncode == 0, made.stdout + made.stderr
        options = ["-D", str(files), "-p", str(port), "-k", str(folder), "-F"]
        options += ["-c", "listen_addresses=127.0.0.1", "-c", "jit=off"]
        with _running([*user, server, *options], lambda: _is_ready(port)):
            yield f"postgresql://shop@127.0.0.1:{port}/postgres"


def _as_user(folder: Path) -> list[str]:
    """What stands before a command that refuses root. The right to pass by permissions stays, also
    when asked for with `access`: the programs may lie in root's own folder."""
    if os.geteuid() != 0:
        return []
    os.chown(folder, NOBODY, NOBODY)
    right = "+dac_override"
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    keeps = [f"--inh-caps={right}", f"--ambient-caps={right}", "--securebits=+no_setuid_fixup"]
    return [*user, *keeps]


@contextmanager
def _folder() -> Iterator[Path]:
    # Not below pytest's own: names of sockets are short.
    folder = Path(tempfile.mkdtemp(prefix="oxitel-server-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def _running(command: list[str], is_ready: Callable[[], bool]) -> Iterator[None]:
    with tempfile.TemporaryFile("w+") as said:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        try:
            limit = time.monotonic() + LIMIT_SECONDS
            while not is_ready():
                if server.poll() is not None or time.monotonic() > limit:
                    said.seek(0)
                    raise AssertionError(f"{command[-1]} is not ready:\n{said.read()}")
                time.sleep(0.05)
            yield
        finally:
            # PostgreSQL ends the connections that are still open by it.
            server.send_signal(2)
            server.wait(LIMIT_SECONDS)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_ready(port: int) -> bool:
    """Whether PostgreSQL answers: it listens before it takes anybody in."""
    if not _listens(port):
        return False
    with socket.create_connection(("127.0.0.1", port)) as connection:
        parameters = b"user\0shop\0database\0postgres\0\0"
        connection.sendall((len(parameters) + 8).to_bytes(4, "big") + b"\0\3\0\0" + parameters)
        # `R`: it asks for nothing more, or says how to authenticate; `E`: not yet.
        return connection.recv(1) == b"R"
