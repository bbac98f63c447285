"""Profiles: every billing profile, by account; which will mail, and which differ from the policy."""

from collections.abc import Callable, Mapping
from typing import Final

from shared.answers.roster import profile_listed_json
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page
from shared.desk.frame import Frame
from shared.desk.visitor import Visitor
from shared.domain.alike import likeness
from shared.domain.roster import ListedProfile, every_profile

PAGE_ROWS: Final = 200
"""Rows of a list on one page."""

_QUERY_CHARACTERS: Final = 100

FILTERS: Final[Mapping[str, Callable[[ListedProfile], bool]]] = {
    "all": lambda one: True,  # noqa: ARG005
    "off": lambda one: one.profile.is_active and not one.receiving.will_mail,
    "differs": lambda one: one.differs,
    "unmanaged": lambda one: bool(one.unmanaged),
    "left": lambda one: bool(one.left),
}
"""What the list is narrowed to, by name."""

_SORTS: Final[Mapping[str, Callable[[ListedProfile], tuple[object, ...]]]] = {
    "name": lambda one: (one.profile.name.casefold(),),
    "day": lambda one: (one.day is None, one.day or "", one.profile.name.casefold()),
    "recipients": lambda one: (one.receiving.people, one.profile.name.casefold()),
}


async def show(desk: Desk, _visitor: Visitor, frame: Frame, asked: Asked) -> Page:
    """The page."""
    every = every_profile(frame.seen.sight, frame.seen.holds, await desk.state.mail_verdicts())
    narrowed = asked.query.get("show", "all")
    keeps = FILTERS.get(narrowed, FILTERS["all"])
    text = asked.query.get("q", "").strip()[:_QUERY_CHARACTERS]
    wanted = likeness(text)
    found = [one for one in every if keeps(one) and _is_called(one, wanted)]
    order = asked.query.get("sort", "name")
    found.sort(key=_SORTS.get(order.removeprefix("-"), _SORTS["name"]), reverse=order.startswith("-"))
    number = asked.whole("page")
    rows = found[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]
    accounts = {account.name.lower(): account for account in frame.view.accounts}
    body = {
        "profiles": [profile_listed_json(one) for one in rows],
        "found": len(found),
        "all": len(every),
        "active": sum(one.profile.is_active for one in every),
        "will_mail": sum(one.receiving.will_mail for one in every),
    }
    extra = {
        "narrowed": narrowed if narrowed in FILTERS else "all",
        "text": text,
        "order": order,
        "page": number,
        "pages": -(-len(found) // PAGE_ROWS),
        "counts": {name: sum(map(keep, every)) for name, keep in FILTERS.items()},
        "accounts": accounts,
        "not_managed": [account for account in frame.view.accounts if not account.managed],
    }
    return Page("profiles.html", "profiles", body, extra=extra)


def _is_called(one: ListedProfile, wanted: str) -> bool:
    return not wanted or any(wanted in likeness(label) for label in (one.profile.name, one.profile.key.profile))
