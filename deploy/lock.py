"""Makes the lock files: every package that is installed, with its version and the hashes of its files.

`python -m deploy.lock` (`make lock`), after a pin was changed. requirements.lock is what runs in Azure, and
requirements-dev.lock everything; checkov has an environment and a lock file of its own. Versions are those of the
requirements and of constraints.txt; uv asks the package registry that this machine is set up for, and writes no address
of it.

Hashes are published beside the files. So a lock file does not prove that its packages are good. It proves that what is
installed later, anywhere, is what was there when it was made, and tested.
"""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[1]

LOCKS: Final[Mapping[str, str]] = {
    "requirements.lock": "requirements.txt",
    "requirements-dev.lock": "requirements-dev.txt",
    "requirements-checkov.lock": "requirements-checkov.txt",
}
"""What is locked, by the name of its lock file."""

_HEADER: Final = """\
# Made by `python -m deploy.lock` of {source}: not to be edited. Installed by `python -m deploy.install {name}`.
"""

_UV: Final = (
    *("-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.13", "--generate-hashes"),
    *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--native-tls"),
)


def main() -> int:
    """Writes both files; returns the exit status."""
    for name, source in LOCKS.items():
        command = [sys.executable, *_UV, "--output-file", name, source]
        subprocess.run(command, check=True, cwd=PROJECT, stdout=subprocess.DEVNULL)  # noqa: S603 - our own arguments
        path = PROJECT / name
        path.write_text(_HEADER.format(source=source, name=name) + path.read_text("utf-8"), encoding="utf-8")
        sys.stdout.write(f"{name}: {path.read_text('utf-8').count('==')} packages\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
