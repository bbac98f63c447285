"""What reading a message can come to: an event about a person, something that names nobody, or a rejection.

The third is `shared.errors.Rejected`, as a value. Only these shapes live here.
"""

from dataclasses import dataclass
from datetime import date, datetime

from shared.domain.keys import IdentityKey, PersonKey
from shared.errors import Rejected


@dataclass(frozen=True, slots=True)
class PersonEvent:
    """Somebody says: check this person, and check again at this time.

    `origin` finds the event again (`<source>#<id>`) and `event_type` is the sender's own word for it; neither
    is judged. `effective` is a date, or a moment in UTC where the sender gave a time; None where it gave
    neither.
    """

    key: PersonKey | IdentityKey
    origin: str
    event_type: str
    effective: date | datetime | None = None


@dataclass(frozen=True, slots=True)
class Ignored:
    """Well-formed, but it names no person; `reason` says what it is instead.

    `notice` is what an operator should know of it, without anybody's name; None where that is nothing.
    """

    reason: str
    notice: str | None = None


type Read = PersonEvent | Ignored | Rejected
"""What one event came to."""


def as_value(rejected: Rejected) -> Rejected:
    """A rejection to be kept: without the stack it was raised through, which holds on to the whole message."""
    rejected.__cause__ = rejected.__context__ = None
    return rejected.with_traceback(None)
