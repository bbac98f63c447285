"""A person: what they have, why in five steps, and what would change it."""

from datetime import datetime
from typing import Any, Final

from shared.answers.documents import iso
from shared.answers.roster import listed_json
from shared.answers.why import why_body
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page, problem
from shared.desk.frame import Frame
from shared.desk.keys import forms_of
from shared.desk.visitor import Role, Visitor
from shared.domain.guids import is_guid
from shared.domain.history.checks import CheckBody, Step
from shared.domain.history.records import AdoptBody, Record
from shared.domain.keys import PersonKey
from shared.domain.outcome import Outcome
from shared.domain.people import Person
from shared.domain.receiving import Sight
from shared.domain.roster import Listed, everybody
from shared.errors import Permanent
from shared.services.operate.why import Why, explain_person, seen_facts

_RECORDS: Final = 60
"""Records of a person in which the timeline looks for what was done: a check that did nothing has one as well."""

_ENTRIES: Final = 12


async def show(desk: Desk, visitor: Visitor, frame: Frame, asked: Asked) -> Page:
    """The page."""
    sight = frame.seen.sight
    object_id = "/".join(asked.segments[1:]).lower()
    if not is_guid(object_id):
        return problem(404, "no-person", looked_for=object_id[:200])
    listed = next((one for one in everybody(sight, frame.seen.holds) if one.principal == object_id), None)
    if listed is None and object_id not in sight.names:
        return problem(404, "no-person", looked_for=object_id)
    if listed is None:
        return problem(404, "person-gone", id=object_id, name=sight.called(object_id))
    why = await _why(desk, sight, object_id)
    body: dict[str, Any] = {
        "person": listed_json(sight, listed),
        "why": None if why is None else _why_body(why, sight, visitor),
        "waits": sorted({hold.group or hold.id for hold in listed.waits}),
        "timeline": await _timeline(desk, sight, object_id),
    }
    token = (await forms_of(desk)).token("check", visitor.actor.object_id, object_id)
    asked_for = asked.query.get("asked") == "1"
    extra = {"facts": _facts(listed), "token": token, "asked_for": asked_for}
    return Page("person.html", "person", body, extra=extra)


async def _why(desk: Desk, sight: Sight, object_id: str) -> Why | None:
    """The five steps; None for whom the view cannot say it: a group, an app, somebody of another tenant."""
    catalogue = await desk.state.catalogue()
    found = None if catalogue is None else seen_facts(sight, catalogue, desk.policy, object_id)
    if found is None:
        return None
    return await explain_person(desk.state, desk.ledger, found, None, settle=desk.settings.settle)


def _why_body(why: Why, sight: Sight, visitor: Visitor) -> dict[str, Any]:
    body = why_body(why, sight.called(why.object_id), {one.key: one.name for one in sight.view.profiles})
    body["steps"][0] |= _directory(why.found.facts.person, sight.now, visitor)
    for flip in body["flips"]:
        flip["fact"]["called"] = sight.called(flip["fact"]["text"] or "")
    return body


def _directory(person: object, now: datetime, visitor: Visitor) -> dict[str, Any]:
    """What the directory says. A leave date to come is for operators: others see that something changes on a day."""
    if not isinstance(person, Person):
        return {"enabled": None, "leave_date": None, "hire_date": None, "leave_date_known": False}
    left = person.leave_date
    shown = left is not None and (left <= now or visitor.may(Role.OPERATOR))
    return {
        "enabled": person.account_enabled,
        "hire_date": iso(person.hire_date),
        "leave_date": iso(left) if shown else None,
        "leave_date_known": left is None or shown,
    }


def _facts(listed: Listed) -> list[tuple[str, str]]:
    """The attributes that the policy tests, by Graph's names; of anything else the view keeps nothing."""
    person = None if listed.person is None else listed.person.person
    return [] if person is None else sorted((name, text) for name, text in person.attributes.items() if text)


async def _timeline(desk: Desk, sight: Sight, object_id: str) -> list[dict[str, Any]]:
    """What was done about somebody, the newest first."""
    try:
        records = await desk.ledger.latest(PersonKey(object_id).canonical, _RECORDS)
    except (Permanent, ValueError):  # a chain that cannot be read is told of on Health
        return []
    found: list[dict[str, Any]] = []
    for entry in (entry for record in reversed(records) for entry in _entries(record, sight)):
        if found and _same(found[-1], entry):
            found[-1] = entry  # what is held is found again by every check: the first time is told
        else:
            found.append(entry)
    return found[:_ENTRIES]


def _same(later: dict[str, Any], earlier: dict[str, Any]) -> bool:
    return all(later.get(name) == earlier.get(name) for name in ("did", "on", "why"))


def _entries(record: Record, sight: Sight) -> list[dict[str, Any]]:
    match record.body:
        case AdoptBody(profile=profile, by=by):
            shown = sight.view.by_key.get(profile)
            name = str(profile) if shown is None else shown.name
            entry = {"at": iso(record.at), "did": "adopted", "record": record.sequence, "by": sight.called(by)}
            return [entry | {"on": [name]}]
        case CheckBody() as check:
            return _done(check, record, sight)
        case _:
            return []


def _done(check: CheckBody, record: Record, sight: Sight) -> list[dict[str, Any]]:
    """What a check gave, took away and held: one entry for each, with every profile."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for one in check.actions:
        did = _did(one.action, one.outcome, held=bool(one.hold))
        if did and one.profile is not None:
            shown = sight.view.by_key.get(one.profile)
            entry = found.setdefault(
                (did, one.why.code.value),
                {"at": iso(record.at), "did": did, "record": record.sequence, "why": one.why, "on": []},
            )
            entry["on"].append(str(one.profile) if shown is None else shown.name)
    return list(found.values())


def _did(step: Step, outcome: Outcome, *, held: bool) -> str:
    if held or outcome is Outcome.HELD:
        return "held"
    if outcome in {Outcome.DONE, Outcome.UNVERIFIED}:
        return {Step.GRANT: "given", Step.REVOKE: "removed"}.get(step, "")
    if outcome is Outcome.WOULD:
        return {Step.GRANT: "would-give", Step.REVOKE: "would-remove"}.get(step, "")
    return ""
