"""To do: everything that needs a person: pauses, decisions, mail, findings."""

from itertools import groupby
from typing import Any, Final

from shared.answers.overview import need_facts
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page
from shared.desk.frame import Frame
from shared.desk.visitor import Visitor
from shared.domain.guards.holds import Status

_PARTS: Final = {
    "pause": "pause",
    "decision": "decision",
    "will-not-mail": "will-not-mail",
    "rejected-events": "watch",
    "dead-letters": "watch",
    "record-broken": "watch",
}
"""Which part of the page tells of a kind; of any other kind, the findings."""

DEEDS: Final = frozenset({"release", "dismiss", "resume", "pause"})
"""What somebody may just have done, as the page says it after a form."""


async def show(_desk: Desk, _visitor: Visitor, frame: Frame, asked: Asked) -> Page:
    """The page."""
    needs = [{"kind": need.kind, **need_facts(frame.seen.sight, need)} for need in frame.needs]
    parts: dict[str, list[dict[str, Any]]] = {part: [] for part in (*_PARTS.values(), "finding")}
    for kind, of_kind in groupby(needs, key=lambda need: str(need["kind"])):
        parts[_PARTS.get(kind, "finding")] += of_kind
    body = {
        "needs": needs,
        "dismissed": sum(hold.status is Status.DISMISSED for hold in frame.seen.holds),
        "released": sum(hold.status is Status.RELEASED for hold in frame.seen.holds),
    }
    did = asked.query.get("did", "")
    extra = {
        "parts": parts,
        "did": did if did in DEEDS else "",
        "proposed": asked.query.get("proposed") == "1",
        "count": asked.whole("count", least=0),
    }
    return Page("todo.html", "todo", body, extra=extra)
