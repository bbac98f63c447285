"""Asks for a check of people now, as an operator: the check does what the policy says, under every limit and hold.

Nothing is written to Azure from here, and nothing in what is sent says what anybody should have.
"""

from collections.abc import Sequence
from typing import Protocol

from shared.domain.keys import PersonKey
from shared.domain.work import Cause, CauseKind, WorkItem, at_once
from shared.ports import Queues
from shared.services.app import unique_id
from shared.services.shared_row import StoreOnly


class Asking(StoreOnly, Protocol):
    """What asking is given. Every `App` is one, and so is the page's desk."""

    @property
    def queues(self) -> Queues:
        """Where checks go."""


async def ask_for_checks(app: Asking, people: Sequence[PersonKey], *, by: str) -> str:
    """Asks for one check of each person; the origin that all of them have, by which their records are found.

    `by` is the object id of who asks. Raises where the queue cannot be reached: then a part may have been asked for,
    and to ask again is safe.
    """
    unique = unique_id(app.random)
    origin, now = f"operator#{unique}:{by}", app.clock.now()
    cause = Cause(CauseKind.OPERATOR, origin)
    await app.queues.send_work([at_once(WorkItem(key, cause, first_asked=now), unique) for key in people])
    return origin
