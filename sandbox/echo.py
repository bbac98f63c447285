"""Lines to stderr, without ever waiting for whoever reads them.

What may live here: the way out for log lines. A program that starts a sandbox with a pipe for its stderr, and
does not read that, must not bring the sandbox to a halt: lines that find no room in time are dropped and
counted. The app's are all in its log file.
"""

import logging
import os
import queue
import threading

_LINES_WAITING = 10_000


class Echo(logging.Handler):
    """Writes lines to a file descriptor from a thread of its own; also a handler for the logging library."""

    def __init__(self, descriptor: int = 2) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._lines: queue.Queue[str | None] = queue.Queue(_LINES_WAITING)
        self.dropped = 0
        # A daemon: a reader who never reads must not keep the process alive either.
        self._thread = threading.Thread(target=self._write, name="echo", daemon=True)
        self._thread.start()

    def line(self, text: str) -> None:
        """Puts one line in the queue; drops it when that is full."""
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            self.dropped += 1

    def emit(self, record: logging.LogRecord) -> None:
        """Puts a log record in the queue, formatted."""
        self.line(self.format(record))

    def finish(self, seconds: float) -> None:
        """Waits up to `seconds` for the queue to be written out, and ends."""
        try:
            self._lines.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _write(self) -> None:
        while (text := self._lines.get()) is not None:
            # Not through sys.stderr: its lock, held by a write that hangs, would hang the interpreter's end.
            rest = (text + "\n").encode(errors="replace")
            while rest:
                try:
                    rest = rest[os.write(self._descriptor, rest) :]
                except BrokenPipeError:
                    return
