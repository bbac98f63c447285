"""Programs of Node.js that tests run: installed when they are first asked for, from the lock file in their folder.

Where npm is missing, or cannot install, such tests are skipped, except under CI=true.
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest


def installed(folder: Path, program: str) -> Path:
    """The file of a package that a folder's package.json names, such as `azurite/dist/src/table/main.js`."""
    found = folder / "node_modules" / program
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        _without(folder, "npm or node is missing")
    else:
        _install(folder, npm, found)
    return found


def _install(folder: Path, npm: str, program: Path) -> None:
    """Installs it where it is not there yet, for whoever of several test processes comes first."""
    with (folder / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program.exists():
            return
        done = subprocess.run(  # noqa: S603 - our own command line
            [npm, "ci", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, check=False
        )
    if done.returncode:
        _without(folder, f"'npm ci' failed: {done.stderr.strip()[-300:]}")


def _without(folder: Path, reason: str) -> None:
    said = f"{reason} in tests/{folder.name}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{said}; under CI=true these tests are required", pytrace=False)
    pytest.skip(said)
