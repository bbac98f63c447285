"""Activity: everything that was changed, held or decided, with its reason and its record."""

import logging
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final

from shared.answers.activity import entry_json
from shared.answers.documents import Rows, as_csv
from shared.answers.known import Known, people_candidates, profile_candidates, read_known
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page, problem
from shared.desk.forms import clean
from shared.desk.frame import Frame
from shared.desk.visitor import Role, Visitor
from shared.domain.guids import is_guid
from shared.domain.history.activity import ActivityKind
from shared.domain.history.spells import Window
from shared.domain.keys import ProfileKey
from shared.domain.log_line import json_of
from shared.domain.lookup import Lookup, look_up
from shared.services.operate import activity
from shared.services.operate.activity import every_activity, read_activity
from shared.wording.say import say

_log = logging.getLogger(__name__)

_TEXT: Final = 200
_DAYS: Final = 30
"""Days that are shown where nobody asks for others."""

KINDS: Final = {
    "given": (ActivityKind.GIVEN,),
    "removed": (ActivityKind.REMOVED,),
    "mail": (ActivityKind.MAIL_ON,),
    "decided": (ActivityKind.HELD, ActivityKind.DECIDED),
    "adopted": (ActivityKind.ADOPTED,),
    "paused": (ActivityKind.PAUSED, ActivityKind.RESUMED),
    "others": (ActivityKind.BY_OTHERS,),
    "failed": (ActivityKind.NOT_FOUND, ActivityKind.GAVE_UP),
}
"""What the list is narrowed to, by name."""

_COLUMNS: Final = ("at", "kind", "person_id", "person", "profiles", "why", "by", "cause", "key", "record")


async def show(desk: Desk, visitor: Visitor, frame: Frame, asked: Asked) -> Page:
    """The page, or the file, which has all that is asked for. Who takes one is itself kept, in the log."""
    given = asked.form or {} if asked.method == "POST" else asked.query
    form = {name: clean(given, name, _TEXT) for name in ("q", "what", "from", "until", "person", "profile")}
    if form["q"]:
        found = _meant(frame, form["q"])
        if found.only is None:
            near = found.matches or found.nearest
            nearest = [{"id": one.id, "name": one.best, "about": one.about} for one in near[:10]]
            nearest = [one | ({"kind": "person"} if is_guid(str(one["id"])) else {}) for one in nearest]
            return problem(404, "nothing-called", looked_for=form["q"], nearest=nearest)
        form |= {"person" if is_guid(found.only.id) else "profile": found.only.id}
    wanted = _wanted(desk, frame, form)
    if wanted is None:
        return problem(400, "wrong-date", looked_for=form["from"] or form["until"])
    known = await read_known(desk.state)
    if asked.query.get("as") == "csv":
        return await _file(desk, visitor, wanted, known, form)
    page = await read_activity(desk.ledger, wanted, before=asked.query.get("before", ""))
    entries = [entry_json(one, known) for one in page.entries]
    body = {"entries": entries, "older": page.older or None}
    extra = {
        "form": form | {"q": ""},
        "about": _about(form, known),
        "days": [(day, list(of_day)) for day, of_day in groupby(entries, key=lambda one: _day(frame, one))],
        "kinds": list(KINDS),
        "query": {name: form[name] for name in ("what", "from", "until", "person", "profile") if form[name]},
        "first": wanted.start,
    }
    return Page("activity.html", "activity", body, extra=extra)


async def _file(desk: Desk, visitor: Visitor, wanted: activity.Asked, known: Known, form: dict[str, str]) -> Page:
    if not visitor.may(Role.AUDITOR):
        return problem(403, "role-missing", role=Role.AUDITOR.value)
    about = {name: form[name] or None for name in ("from", "until", "person", "profile")}
    _log.info("page: %s", json_of({"asked": "activity", "by": visitor.actor.object_id, **about}))
    entries = [entry_json(entry, known) async for entry in every_activity(desk.ledger, wanted)]
    rows = [one | item for one in entries for item in map(_flat, one["items"])]
    for row in rows:
        row["by"] = row["by"]["name"] if row["by"] else None
    text = as_csv(Rows.of(_COLUMNS, rows))
    name = f"activity-{form['from'] or 'latest'}.csv"
    return Page("", "activity", {}, export=(name, "text/csv; charset=utf-8", f"\ufeff{text}"))


def _flat(item: dict[str, Any]) -> dict[str, Any]:
    person = item["person"] or {}
    return {
        "kind": item["kind"],
        "person_id": person.get("id"),
        "person": person.get("name"),
        "profiles": "; ".join(one["name"] for one in item["profiles"]),
        "why": None if item["why"] is None else say(item["why"]),
    }


def _meant(frame: Frame, text: str) -> Lookup:
    """The person or profile that is called so."""
    sight = frame.seen.sight
    people = people_candidates(sight.names, sight.people)
    return look_up(text, [*people, *profile_candidates({one.key: one.name for one in sight.view.profiles})])


def _wanted(desk: Desk, frame: Frame, form: dict[str, str]) -> activity.Asked | None:
    """What is asked for; None where a date is none."""
    zone, now = desk.policy.time_zone, frame.seen.sight.now
    try:
        start = Window.of_day(date.fromisoformat(form["from"]), zone).start if form["from"] else _days_ago(frame)
        end = Window.of_day(date.fromisoformat(form["until"]), zone).end if form["until"] else None
        profile = ProfileKey.parse(form["profile"]) if form["profile"] else None
    except (ValueError, OverflowError):
        return None
    if start > now:
        return None
    person = form["person"].lower() or None
    kinds = KINDS.get(form["what"], ())
    return activity.Asked(start=start, end=end, person=person, profile=profile, kinds=kinds)


def _days_ago(frame: Frame) -> datetime:
    return frame.seen.sight.now - timedelta(days=_DAYS)


def _day(frame: Frame, entry: dict[str, Any]) -> date:
    return datetime.fromisoformat(entry["at"]).astimezone(frame.seen.sight.zone).date()


def _about(form: dict[str, str], known: Known) -> str:
    """What the person or profile is called that was asked for."""
    if form["person"]:
        return known.person(form["person"])["name"]
    return known.of(ProfileKey.parse(form["profile"])) if form["profile"] else ""
