"""What a test reads of a reason: its English, also where it is still a record's JSON."""

from shared.domain.reasons import Reason
from shared.wording.say import say


def english(reason: object) -> str:
    """The English of a reason, "" for none. Raises ValueError for what is none."""
    if reason is None:
        return ""
    return say(reason if isinstance(reason, Reason) else Reason.read(reason))
