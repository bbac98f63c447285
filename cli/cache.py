"""What one command leaves for the next: a folder of this user's, with files that may be gone at any time.

Lives here: where that is, and reading and writing it. Whatever fails with it is as if there were nothing: an answer
never waits for it, and is never wrong by it. No names of people are kept here.
"""

import json
import os
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any


def folder() -> Path:
    """Where this system's users keep what can be made again."""
    if sys.platform == "win32":
        place = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    else:
        # https://specifications.freedesktop.org/basedir-spec: a path that is not absolute is to be ignored.
        named = os.environ.get("XDG_CACHE_HOME", "")
        place = named if Path(named).is_absolute() else str(Path.home() / ".cache")
    return Path(place) / "invoice-access"


def read(name: str) -> Any:
    """What was left under a name, as JSON has it; None where there is nothing that can be read."""
    try:
        return json.loads((folder() / name).read_bytes())
    except (OSError, ValueError, RuntimeError):  # RuntimeError: nobody knows this user's home
        return None


def leave(name: str, document: object) -> None:
    """Leaves JSON under a name, for this user's eyes alone; whoever reads meanwhile finds the old or the new one."""
    with suppress(OSError, RuntimeError):
        place = folder()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        file, fresh = tempfile.mkstemp(dir=place, prefix=f".{name}-")
        try:
            with os.fdopen(file, "w", encoding="utf-8") as writing:
                json.dump(document, writing, ensure_ascii=False)
            Path(fresh).replace(place / name)
        except BaseException:
            Path(fresh).unlink(missing_ok=True)
            raise
