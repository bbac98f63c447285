"""One worker process as the host sees it: started, spoken to, listened to, ended.

What may live here: the child's life, its socket and its log. Restarting it, and what to run when, is decided
by `host`.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.host import frames
from sandbox.host.frames import Invocation, Outcome

_logger = logging.getLogger(__name__)

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
"""What a worker inherits beside its settings: where programs, temporary files and the language are."""

_SOURCE_ROOT = Path(__file__).resolve().parents[2]
"""Where the `sandbox` package is found, for a worker whose working directory is another app."""

_PACKAGED = Path(".python_packages", "lib", "site-packages")
"""Where a deployed app has its packages; Azure's worker loads them from there."""

_LOG_LINES_KEPT = 5_000
_LOG_LINE_BYTES = 1 << 20
_LAST_LINES_SECONDS = 0.2


class IndexingError(Exception):
    """The app could not be loaded; the text is the worker library's own message."""

    def __init__(self, message: str, trace: str = "") -> None:
        super().__init__(message)
        self.trace = trace


class WorkerGoneError(Exception):
    """The worker process ended while something was asked of it."""


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """A function as the worker library describes it: identity, raw bindings, its own retries in seconds."""

    id: str
    name: str
    bindings: tuple[Mapping[str, Any], ...]
    retry: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that the app wrote, numbered from 1 over all worker processes of this host."""

    number: int
    text: str


class AppLog:
    """What the app wrote to stdout and stderr: a file that keeps everything, and the latest lines in memory.

    `echo`, when given, is called with every line as it comes.
    """

    def __init__(self, path: Path, echo: Callable[[str], None] | None = None) -> None:
        self.path = path
        self._file = path.open("a", encoding="utf-8")
        self._echo = echo
        self._lines: deque[LogLine] = deque(maxlen=_LOG_LINES_KEPT)
        self._count = 0

    def write(self, text: str) -> None:
        """Adds one line, without its line end."""
        self._count += 1
        self._lines.append(LogLine(self._count, text))
        self._file.write(text + "\n")
        self._file.flush()
        if self._echo is not None:
            self._echo(text)

    def since(self, number: int) -> list[LogLine]:
        """The lines after line `number` that are still in memory."""
        return [line for line in self._lines if line.number > number]

    def last(self, count: int) -> list[str]:
        """The texts of the last `count` lines."""
        return [line.text for line in list(self._lines)[-count:]]

    def close(self) -> None:
        """Closes the file; nothing is written afterwards."""
        self._file.close()


class WorkerProcess:
    """A running `sandbox.host.worker`; `start` makes one."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        log: AppLog,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self._log = log
        self._waiting: dict[str, asyncio.Future[Outcome]] = {}
        self._logging = asyncio.create_task(self._copy_log(), name="worker-log")
        self._listening: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._killed = False

    @staticmethod
    async def start(app_directory: Path, settings: Mapping[str, str], log: AppLog) -> "WorkerProcess":
        """Starts a worker on the app in `app_directory`, whose environment is `settings` and little else.

        An app that brings its packages, as a deployed one does, has these and none that are installed here.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        packages = app_directory / _PACKAGED
        is_packaged = packages.is_dir()
        path = os.pathsep.join(map(str, [packages, _SOURCE_ROOT] if is_packaged else [_SOURCE_ROOT]))
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {"PYTHONUNBUFFERED": "1", "PYTHONPATH": path, **settings}
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *(["-S"] if is_packaged else []),  # without `site` no installed package is found
                "-m",
                "sandbox.host.worker",
                str(theirs.fileno()),
                cwd=app_directory,
                env=environment,
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=_LOG_LINE_BYTES,
                # A terminal's Ctrl-C is for the host, which ends its worker in its own order.
                start_new_session=True,
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        reader, writer = await asyncio.open_connection(sock=ours)
        return WorkerProcess(process, reader, writer, log)

    @property
    def pid(self) -> int:
        """The operating system's number for the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process can still be asked to run something."""
        return not self._gone.is_set() and not self._killed

    async def index(self) -> tuple[IndexedFunction, ...]:
        """Waits until the app is loaded and returns its functions.

        Raises:
            IndexingError: the app does not load.
            WorkerGoneError: the process ended first.
        """
        frame = await frames.read(self._reader)
        if frame is None:
            raise WorkerGoneError(f"the worker ended while it loaded the app ({await self._how_it_ended()})")
        if frame["kind"] == "failed":
            raise IndexingError(frame["message"], frame["trace"])
        self._listening = asyncio.create_task(self._listen(), name="worker-answers")
        return tuple(
            IndexedFunction(found["id"], found["name"], tuple(found["bindings"]), found["retry"])
            for found in frame["functions"]
        )

    async def invoke(self, invocation: Invocation) -> Outcome:
        """Runs one function and returns how it ended.

        Raises:
            WorkerGoneError: the process ended before it answered.
        """
        if self._gone.is_set():
            raise WorkerGoneError("the worker process has ended")
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting[invocation.id] = answer
        try:
            self._writer.write(frames.encode(invocation.as_frame()))
            return await answer
        finally:
            self._waiting.pop(invocation.id, None)

    async def gone(self) -> str:
        """Waits until the process has ended and says how."""
        await self._gone.wait()
        return await self._how_it_ended()

    def kill(self) -> None:
        """Ends the process at once, as SIGKILL does; what it ran fails."""
        self._killed = True
        if self._process.returncode is None:
            # The worker leads a group of its own, so that what the app started ends with it.
            os.killpg(self.pid, signal.SIGKILL)

    async def stop(self, grace_seconds: float) -> None:
        """Hangs up, waits up to `grace_seconds` for the process to end by itself, then kills it."""
        self._writer.close()
        try:
            async with asyncio.timeout(grace_seconds):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()
        # A program that the app left behind could hold the log open for ever.
        await asyncio.wait([self._logging], timeout=_LAST_LINES_SECONDS)
        self._logging.cancel()
        if self._listening is not None:
            await self._listening

    def peak_memory_bytes(self) -> int | None:
        """The most resident memory the process has had; None when it has ended."""
        try:
            status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        except (FileNotFoundError, ProcessLookupError):
            return None
        found = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(found[0].split()[1]) * 1024 if found else None

    def cpu_seconds(self) -> float | None:
        """The processor time the process has used, user and system; None when it has ended."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return None
        # proc(5): the command may hold spaces, so count from the parenthesis; utime and stime are fields 14
        # and 15.
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    async def _listen(self) -> None:
        try:
            while (frame := await frames.read(self._reader)) is not None:
                answer = self._waiting.get(frame["id"])
                if answer is not None and not answer.done():
                    answer.set_result(Outcome.of_frame(frame))
        except frames.BrokenStreamError as broken:
            # Only something in the app that writes where it must not can do this; nothing more can be
            # understood.
            _logger.error("the worker process %d is ended: %s", self.pid, broken)  # noqa: TRY400 - said in full
            self.kill()
        finally:
            self._gone.set()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(WorkerGoneError("the worker process ended during the run"))
            self._writer.close()

    async def _how_it_ended(self) -> str:
        code = await self._process.wait()
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"

    async def _copy_log(self) -> None:
        assert self._process.stdout is not None, "the process is started with a pipe"
        while True:
            try:
                line = await self._process.stdout.readuntil(b"\n")
            except asyncio.IncompleteReadError as end:
                if end.partial:
                    self._log.write(end.partial.decode(errors="replace"))
                return
            except asyncio.LimitOverrunError as overrun:
                line = await self._process.stdout.readexactly(overrun.consumed)
            self._log.write(line.decode(errors="replace").rstrip("\n"))
