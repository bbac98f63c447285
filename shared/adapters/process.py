"""What a process has by itself: its machine's clock, and loggers of libraries that talk too much.

Both parts of the app start with it, so that nothing of either may be imported here.
"""

import logging
from datetime import UTC, datetime

from shared.domain.log_line import whole


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
    for chatty in ("azure", "httpx", "httpcore", "msal"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
