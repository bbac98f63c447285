"""Overview: will each invoice be mailed, when, to how many, and what needs a person."""

from shared.answers.overview import overview_body
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page
from shared.desk.frame import Frame
from shared.desk.visitor import Visitor


async def show(_desk: Desk, _visitor: Visitor, frame: Frame, _asked: Asked) -> Page:
    """The page."""
    return Page("overview.html", "status", overview_body(frame.seen, frame.needs))
