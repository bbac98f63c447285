"""What a process has by itself: its machine's clock, and loggers of libraries that talk too much.

Both parts of the app start with it, so that nothing of either may be imported here.
"""

import logging
from datetime import UTC, datetime


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The time now, in UTC."""
        return datetime.now(UTC)


def quiet_libraries() -> None:
    """Keeps libraries' INFO lines out of the log: they carry URLs with people's names."""
    for chatty in ("azure", "httpx", "httpcore", "msal"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
