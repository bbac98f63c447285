"""As of a date: who could see which invoices then, by whose authority, how sure that is; as a file to take away."""

import logging
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any, Final

from shared.answers.access_on import COLUMNS, AccessOn, access_body, access_rows, read_access
from shared.answers.documents import Rows, as_csv, as_json
from shared.answers.known import people_candidates
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page, problem
from shared.desk.forms import clean
from shared.desk.frame import Frame
from shared.desk.visitor import Visitor
from shared.domain.history.spells import Window
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.log_line import json_of
from shared.domain.lookup import Lookup, look_up

_log = logging.getLogger(__name__)

_TEXT: Final = 200
_SHOWN: Final = 500
"""Rows on the page; a file has them all."""

_FILES: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


async def show(desk: Desk, visitor: Visitor, frame: Frame, asked: Asked) -> Page:
    """The page, or the file. Who asked for whose access is itself kept, in the log."""
    given = asked.form or {} if asked.method == "POST" else asked.query
    form = {name: clean(given, name, _TEXT) for name in ("on", "at", "profile", "person")}
    extra: dict[str, Any] = {"form": form, "profiles": _named(frame), "person": "", "profile": ""}
    if not form["on"]:
        return Page("as_of.html", "access", {"asked": False}, extra=extra)
    window = _window(form["on"], form["at"], desk, frame)
    if window is None:
        return problem(400, "wrong-date", looked_for=form["on"])
    who = _person(frame, form["person"]) if form["person"] else None
    if who is not None and who.only is None:
        near = who.matches or who.nearest
        nearest = [{"id": one.id, "name": one.best, "about": one.about, "kind": "person"} for one in near[:10]]
        return problem(404, "no-person", looked_for=form["person"], nearest=nearest)
    person = None if who is None or who.only is None else PersonKey(who.only.id)
    profile = _profile(form["profile"])
    if form["profile"] and profile is None:
        return problem(404, "no-profile", looked_for=form["profile"], nearest=[])
    about = {
        "on": form["on"],
        "person": None if person is None else person.object_id,
        "profile": form["profile"] or None,
    }
    _log.info("page: %s", json_of({"asked": "as-of", "by": visitor.actor.object_id, **about}))
    found = await read_access(desk, window, person, profile)
    return _answer(frame, asked, found, window, form | {"person": "" if person is None else person.object_id})


def _answer(frame: Frame, asked: Asked, found: AccessOn, window: Window, form: Mapping[str, str]) -> Page:
    rows = access_rows(found, window, form["on"])
    body = {"asked": True, "on": form["on"], **access_body(found, window, rows)}
    if (wanted := asked.query.get("as", "")) in _FILES:
        text = (
            as_csv(Rows.of(COLUMNS, rows)) if wanted == "csv" else "".join(as_json(one, pretty=False) for one in rows)
        )
        mark = "\ufeff" if wanted == "csv" else ""  # Excel takes a file without it for one of its own code page
        return Page("", "access", body, export=(f"access-{form['on']}.{wanted}", _FILES[wanted], mark + text))
    sight = frame.seen.sight
    extra = {
        "form": form,
        "profiles": sorted(
            ((str(one.key), one.name) for one in frame.view.profiles), key=lambda one: one[1].casefold()
        ),
        "person": sight.called(form["person"]) if form["person"] else "",
        "profile": next((one.name for one in frame.view.profiles if str(one.key) == form["profile"]), form["profile"]),
        "is_recorded": found.roles.is_recorded(window),
        "managers": sum(one["role"] == "Invoice manager" for one in rows),
        "shown": _SHOWN,
    }
    return Page("as_of.html", "access", body, extra=extra)


def _named(frame: Frame) -> list[tuple[str, str]]:
    """Every profile's id and name, by name."""
    return sorted(((str(one.key), one.name) for one in frame.view.profiles), key=lambda one: one[1].casefold())


def _window(on: str, at: str, desk: Desk, frame: Frame) -> Window | None:
    """The day, or the moment of it; None for what is no date, and for what is yet to come."""
    zone = desk.policy.time_zone
    try:
        day = date.fromisoformat(on)
        if at:
            moment = datetime.combine(day, time.fromisoformat(at), zone)
            window = Window.of_moment(moment)
        else:
            window = Window.of_day(day, zone)
    except (ValueError, OverflowError):
        return None
    return window if window.start <= frame.seen.sight.now else None


def _person(frame: Frame, text: str) -> Lookup:
    sight = frame.seen.sight
    return look_up(text, people_candidates(sight.names, sight.people))


def _profile(text: str) -> ProfileKey | None:
    try:
        return ProfileKey.parse(text) if text else None
    except ValueError:
        return None
