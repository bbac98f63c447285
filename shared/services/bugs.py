"""Bugs of ours: a message that meets one comes back ten times, and then it is put where a person finds it.

Lives here: how often, and what is put there. The queues deliver a message far more often, because they cannot tell an
outage, which passes by itself, from a bug, which does not.
"""

import logging
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from shared.domain.work import RejectedEvent
from shared.errors import InvoiceAccessError, Rejected

BUG_RUNS: Final = 10
"""How often a message is tried that meets a bug: it may be one that passes, such as a race."""

_REMEMBERED: Final = 1000
"""Of how many messages it is known how often they met a bug."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message as it came from access-work. Its sequence number stays the same when it is delivered again."""

    body: bytes
    session: str
    number: int | None = None
    message_id: str | None = None


class BugRuns:
    """How often each message met a bug, as far as this process knows.

    It is not how often it was delivered: that counts outages as well, and after a long one no bug would be tried twice.
    """

    def __init__(self) -> None:
        self._runs: Counter[int | None] = Counter()

    async def guard(self, work: Awaitable[object], message: Delivered) -> RejectedEvent | None:
        """Does the work of a message; returns what goes on rejected-events in its place once it met a bug ten times.

        Before that the bug is raised, as is every error that is none: the message is delivered again.
        """
        try:
            await work
        except InvoiceAccessError:
            raise
        except Exception as bug:
            if not self._was_last(message.number):
                raise
            _log.error("a check met a bug %d times, and goes on rejected-events: %s", BUG_RUNS, type(bug).__name__)
            came_from = {"queue": "access-work", "session-id": message.session}
            return shelved(message.body, bug, message_id=message.message_id, properties=came_from)
        return None

    def _was_last(self, number: int | None) -> bool:
        if len(self._runs) > _REMEMBERED:
            self._runs.clear()
        self._runs[number] += 1
        return self._runs[number] >= BUG_RUNS


def say_bug(bug: Exception) -> Rejected:
    """A bug as a mistake of an event. Its kind alone: its words may be of whomever the event names."""
    return Rejected("event", f"this app has a bug: {type(bug).__name__}", "Send it again after the next release")


def shelved(body: bytes, bug: Exception, *, message_id: str | None = None, properties: dict[str, str]) -> RejectedEvent:
    """A message that met a bug time and again, as it goes on rejected-events; `properties` say where it came from."""
    said = say_bug(bug)
    return RejectedEvent(body, said.field, said.reason, said.remedy, message_id, properties)
