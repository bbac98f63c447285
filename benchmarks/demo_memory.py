"""How much memory the app's worker processes need at most while the demo is played.

Run it alone with `python -m benchmarks.demo_memory`; it takes as long as the demo, about a minute and a half.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from subprocess import DEVNULL
from typing import Final

from benchmarks.figures import Figure, show

MOST_MEGABYTES: Final = 150.0
_BETWEEN_SECONDS: Final = 0.2
_WORKER: Final = b"sandbox.host.worker"


async def measure(folder: Path) -> list[Figure]:
    """Plays the demo and watches its workers: one observes, one enforces and is killed and started anew."""
    report = folder / "report.json"
    arguments = ("-m", "sandbox", "demo", "--report", str(report))
    demo = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=DEVNULL, stderr=DEVNULL)
    peaks: dict[int, int] = {}
    ended = asyncio.create_task(demo.wait())
    while not ended.done():
        peaks |= {pid: max(peaks.get(pid, 0), peak) for pid, peak in _workers_of(demo.pid).items()}
        await asyncio.wait([ended], timeout=_BETWEEN_SECONDS)
    if not report.exists():
        raise RuntimeError(f"the demo did not come to its end (exit status {ended.result()})")
    remark = "" if ended.result() == 0 else "a step of the demo differed"
    most = max(peaks.values()) / 2**20
    what = f"peak memory of the app in the demo ({len(peaks)} workers, the largest)"
    return [Figure(what, most, "MB", MOST_MEGABYTES, remark)]


def _workers_of(parent: int) -> dict[int, int]:
    """The peak resident bytes of each worker process that `parent` has now, by process id."""
    found = {}
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)
            is_worker = _WORKER in (process / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we checked
        if is_worker and int(status["PPid"]) == parent and "VmHWM" in status:
            found[int(process.name)] = int(status["VmHWM"].split()[0]) * 1024
    return found


async def main() -> None:
    """Prints the figure."""
    with tempfile.TemporaryDirectory() as folder:
        show("Memory in the demo", await measure(Path(folder)))


if __name__ == "__main__":
    asyncio.run(main())
