"""What the words mean: the words of the page, and what the record and the command line call the same."""

from shared.desk.app import Desk
from shared.desk.asked import Asked, Page
from shared.desk.frame import Frame
from shared.desk.visitor import Visitor


async def show(_desk: Desk, _visitor: Visitor, _frame: Frame, _asked: Asked) -> Page:
    """The page."""
    return Page("words.html", "words", {})
