"""Installs what a lock file names. A file whose hash is none of those in it is installed nowhere.

`python -m deploy.install requirements-dev.lock` (`make setup`). Lives here: pip's words for it. Needs nothing but
Python: it is what brings everything else.

Nothing runs code of a package to install it: only wheels are taken. What is published as source alone is built, without
the network, by setuptools of the same lock file (https://pip.pypa.io/en/stable/topics/secure-installs/).
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

NEEDS_BUILDING: Final = frozenset({"sly"})
"""Packages that are published as source alone."""

_NAME: Final = re.compile(r"([A-Za-z0-9._-]+)==")


def main(arguments: Sequence[str] | None = None) -> int:
    """Installs into this interpreter's environment; returns the exit status: pip's, which has said why."""
    parser = argparse.ArgumentParser(prog="python -m deploy.install", description=__doc__.partition("\n")[0])
    parser.add_argument("lock", type=Path, metavar="FILE", help="a lock file")
    try:
        install(parser.parse_args(arguments).lock)
    except subprocess.CalledProcessError as failed:
        return failed.returncode
    return 0


def install(lock: Path, *, target: Path | None = None, platform: Sequence[str] = ()) -> None:
    """Installs all of a lock file: here, or into a folder, where `platform` are pip's words for another machine.

    Raises `subprocess.CalledProcessError` when pip cannot, after its own words.
    """
    where = [] if target is None else ["--target", str(target), "--no-compile", *platform]
    ready, source = split(lock.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="invoice-access-install-") as made:
        folder = Path(made)
        (folder / "ready.txt").write_text(ready, encoding="utf-8")
        (folder / "source.txt").write_text(source, encoding="utf-8")
        _pip("install", *_LOCKED, *where, "--only-binary", ":all:", "--requirement", str(folder / "ready.txt"))
        if source:
            wheels = folder / "wheels"
            _pip(
                *("wheel", *_LOCKED, "--no-build-isolation", "--no-binary", ",".join(sorted(NEEDS_BUILDING))),
                *("--wheel-dir", str(wheels), "--requirement", str(folder / "source.txt")),
            )
            _pip("install", "--no-deps", "--no-index", *where, *_if_elsewhere(where), *map(str, wheels.glob("*.whl")))


_LOCKED: Final = ("--no-deps", "--require-hashes")
"""A lock file names everything, so that whatever a package asks for beside it is not fetched."""


def _if_elsewhere(where: Sequence[str]) -> Sequence[str]:
    """What pip wants to hear where it installs for another machine."""
    return ("--only-binary", ":all:") if "--platform" in where and "--only-binary" not in where else ()


def split(lock: str) -> tuple[str, str]:
    """The entries of a lock file: those with wheels, and those that have to be built."""
    entries = re.split(r"\n(?=\S)", "".join(f"{line}\n" for line in lock.splitlines() if not line.startswith("#")))
    groups: dict[bool, list[str]] = {False: [], True: []}
    for entry in entries:
        if (name := _NAME.match(entry)) is not None:
            groups[re.sub(r"[-_.]+", "-", name[1]).lower() in NEEDS_BUILDING].append(entry.rstrip("\n") + "\n")
    return "".join(groups[False]), "".join(groups[True])


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments]
    subprocess.run(command, check=True)  # noqa: S603 - this interpreter, with our own arguments


if __name__ == "__main__":
    sys.exit(main())
