"""What an event can be: about a person, ignored because it names nobody, or rejected.

A rejection is `shared.errors.Rejected`, as a value.
"""

from dataclasses import dataclass
from datetime import date, datetime

from shared.domain.keys import NameKey, PersonKey
from shared.errors import Rejected


@dataclass(frozen=True, slots=True)
class PersonEvent:
    """An event that says: check this person, and perhaps check again at this time.

    `origin` finds the event again (`<source>#<id>`) and `event_type` is the sender's word for it; neither is judged.
    `effective` is a date, or a moment in UTC if the sender gave a time; None if the sender gave neither.
    """

    key: PersonKey | NameKey
    origin: str
    event_type: str
    effective: date | datetime | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """A well-formed event that names no person; `reason` says what it is.

    `notice` is what an operator should know about it, without anybody's name; None for nothing.
    """

    reason: str
    notice: str | None = None


type Read = PersonEvent | Ignored | Rejected
"""What became of one event."""


def as_value(rejected: Rejected) -> Rejected:
    """A rejection to be kept, without its traceback, which would keep the whole message in memory."""
    rejected.__cause__ = rejected.__context__ = None
    return rejected.with_traceback(None)
