"""People: a search, and the lists that somebody asks for: who waits, who left, whose access nobody manages."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from shared.answers.known import people_candidates
from shared.answers.roster import listed_json
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page
from shared.desk.forms import clean
from shared.desk.frame import Frame
from shared.desk.pages.profiles import PAGE_ROWS
from shared.desk.visitor import Visitor
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.alike import likeness
from shared.domain.lookup import nearest
from shared.domain.receiving import Sight
from shared.domain.roster import Listed, everybody

_SOON: Final = timedelta(days=30)
_QUERY_CHARACTERS: Final = 200

type _Takes = Callable[[Sight, Listed], bool]


def _is_guest(_: Sight, one: Listed) -> bool:
    person = None if one.person is None else one.person.person
    outside = any(row.elsewhere for _, row in one.held)
    return bool(one.held) and (outside or (person is not None and (person.user_type or "").lower() == "guest"))


def _changes_soon(sight: Sight, one: Listed) -> bool:
    change = None if one.person is None else one.person.next_change
    return change is not None and sight.now <= change <= sight.now + _SOON


FILTERS: Final[Mapping[str, _Takes]] = {
    "access": lambda _, one: bool(one.held),
    "waiting": lambda _, one: bool(one.waits),
    "left": lambda _, one: one.has_left,
    "unmanaged": lambda _, one: bool(one.unmanaged),
    "guests": _is_guest,
    "soon": _changes_soon,
    "others": lambda _, one: one.kind in {PrincipalKind.GROUP, PrincipalKind.APP},
}
"""What the list is narrowed to, by name."""


async def show(_desk: Desk, _visitor: Visitor, frame: Frame, asked: Asked) -> Page:
    """The page. A search is posted, so that no name is in an address, which the platform logs."""
    sight = frame.seen.sight
    every = everybody(sight, frame.seen.holds)
    text = clean(asked.form or {}, "q", _QUERY_CHARACTERS) if asked.method == "POST" else ""
    narrowed = asked.query.get("show", "access")
    near: list[dict[str, str]] = []
    if text:
        wanted = likeness(text)
        candidates = list(people_candidates(sight.names, sight.people))
        ids = {one.id for one in candidates if any(wanted in likeness(label) for label in (*one.labels, one.id))}
        found = [one for one in every if one.principal in ids]
        if not found:
            near = [{"id": one.id, "name": one.best, "about": one.about} for one in nearest(wanted, candidates)]
    else:
        takes = FILTERS.get(narrowed, FILTERS["access"])
        found = [one for one in every if takes(sight, one)]
    number = asked.whole("page")
    rows = found[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]
    body = {
        "looked_for": text or None,
        "people": [listed_json(sight, one) for one in rows],
        "found": len(found),
        "all": len(every),
        "nearest": near,
    }
    extra = {
        "narrowed": narrowed if narrowed in FILTERS else "access",
        "text": text,
        "page": number,
        "pages": -(-len(found) // PAGE_ROWS),
        "counts": {name: sum(takes(sight, one) for one in every) for name, takes in FILTERS.items()},
    }
    return Page("people.html", "people", body, extra=extra)
