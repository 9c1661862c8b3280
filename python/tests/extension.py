"""The second extension of the join tests, `tests/join/guest`: built once a run, by cargo, into the
target folder of everything else."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MANIFEST = ROOT / "tests/join/guest/Cargo.toml"


@cache
def guest_folder() -> Path:
    """A folder with the extension `guest` in it, for `PYTHONPATH`."""
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    cargo = os.environ.get("CARGO", "cargo")
    built = subprocess.run(
        [cargo, "build", "--locked", "--manifest-path", MANIFEST, "--target-dir", target],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    folder = target / "join-tests"
    folder.mkdir(exist_ok=True)
    fresh = folder / "guest.abi3.fresh"
    shutil.copy(target / "debug/libguest.so", fresh)
    fresh.replace(folder / "guest.abi3.so")
    return folder
