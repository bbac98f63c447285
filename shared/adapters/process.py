"""What a process has by itself: its machine's clock, its log and stderr.

Both parts of the app start with it, so that nothing of either may be imported here.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from shared.domain.log_line import whole
from shared.errors import Misconfigured

_log = logging.getLogger(__name__)


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time now, in UTC."""
        return datetime.now(UTC)


class _WholeRecord(logging.LogRecord):
    """A log record whose message fits what Application Insights keeps of one."""

    def getMessage(self) -> str:  # noqa: N802 - logging's own name
        return whole(super().getMessage())


def quiet_libraries() -> None:
    """Keeps libraries' INFO lines out of the log, as they carry URLs with people's names, and every line whole."""
    logging.setLogRecordFactory(_WholeRecord)
    for chatty in ("azure", "msal"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@contextmanager
def said_aloud() -> Iterator[None]:
    """Says each mistake of the configuration in a line of its own, in the log and on stderr, before it is raised.

    In Azure nobody sees the exception: an app that fails while it is loaded is one without functions, and no word why
    (Azure/azure-functions-host#9679). Which of log and stderr reaches an operator depends on the plan.
    """
    try:
        yield
    except Misconfigured as wrong:
        for mistake in wrong.mistakes:
            line = whole(f"invoice-access does not start: {mistake}")
            _log.error("%s", line)
            sys.stderr.write(f"ERROR {line}\n")
        raise
