"""Overview: will each invoice be mailed, when, to how many, and what needs a person."""

from typing import Final

from shared.answers.activity import entry_json
from shared.answers.known import Known
from shared.answers.overview import overview_body
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page
from shared.desk.frame import Frame
from shared.desk.visitor import Visitor
from shared.domain.history.activity import ActivityKind
from shared.services.operate import activity
from shared.services.operate.activity import read_activity

_LATEST: Final = 5
_CHANGES: Final = (ActivityKind.GIVEN, ActivityKind.REMOVED, ActivityKind.MAIL_ON, ActivityKind.ADOPTED)


async def show(desk: Desk, _visitor: Visitor, frame: Frame, _asked: Asked) -> Page:
    """The page."""
    sight = frame.seen.sight
    known = Known(sight.names, {one.key: one.name for one in sight.view.profiles})
    latest = await read_activity(desk.ledger, activity.Asked(kinds=_CHANGES), most=_LATEST)
    changes = {"latest": [entry_json(one, known) for one in latest.entries]}
    return Page("overview.html", "status", overview_body(frame.seen, frame.needs) | changes)
