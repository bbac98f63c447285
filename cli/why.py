"""`why`: asks for the facts of one person, and makes the answer of what follows from them.

Lives here: whom to ask, and the form for programs. What is said to people is `why_headline`'s and `why_steps`'.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cli.answer import Answer, Line, Table
from cli.called import Names
from cli.faults import UsageError
from cli.lookup import find_profile, person_among, profile_among
from cli.operating import StoreDesk, on_app, on_store
from cli.policy_cache import read_policy
from cli.sighted import doubts
from cli.why_headline import caveats, headline, name_of, what_if
from cli.why_steps import steps
from shared.answers.documents import Rows
from shared.answers.known import profile_json
from shared.answers.why import why_body
from shared.domain.access.changed_facts import Change, read_change
from shared.domain.access.why import Effect, Facts, effects
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.keys import NameKey, NameKind
from shared.domain.people import Person
from shared.domain.policy.model import Policy
from shared.domain.view import Called
from shared.errors import Permanent
from shared.services.operate.sight import NO_VIEW, read_sight
from shared.services.operate.why import Why, explain_person, seen_facts
from shared.settings import TrialSettings

if TYPE_CHECKING:
    from shared.services.app import App

_DAY_CHARACTERS: Final = len("2026-04-01")
_A: Final = {PrincipalKind.GROUP: "a group", PrincipalKind.APP: "an app"}
_DAY_REMEDY: Final = "give a day such as 2026-04-01, or a moment with its offset such as 2026-04-01T09:00+02:00"


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked. `changes` and `on` are what is otherwise than it is, where anything is."""

    person: str
    profile: str = ""
    changes: tuple[Change, ...] = ()
    on: datetime | None = None


def answer_of(person: str, profile: str, sets: Sequence[str], on: str, snapshot: Path | None = None) -> Answer:
    """The answer. Raises `UsageError` for what cannot be asked, and the app's errors."""
    policy, settle = read_policy(os.environ), TrialSettings.read(os.environ).settle
    question = Question(person, profile, tuple(map(_change, sets)), _moment(on, policy, datetime.now(UTC)))
    if snapshot is not None:
        return _on_snapshot(snapshot, policy, settle, question)
    found = on_store(lambda desk: as_seen(desk, policy, settle, question))
    if isinstance(found, Answer):
        return found
    return on_app(lambda app: as_read(app, question, found))


def _on_snapshot(file: Path, policy: Policy, settle: timedelta, question: Question) -> Answer:
    """The answer on a snapshot, where nobody is asked about who is not in it."""
    from cli.snapshot_desk import not_in_it, on_snapshot  # noqa: PLC0415 - only where there is one

    snapshot, found = on_snapshot(file, lambda desk: as_seen(desk, policy, settle, question, dated=False))
    if isinstance(found, Unseen):
        near = () if found.unknown is None else found.unknown.nearest
        raise UsageError(
            f"{question.person} is not known: nobody in the snapshot is called so",
            code="not-known",
            nearest=near,
            mend="Without --snapshot, and signed in, the directory is asked.",
        )
    return replace(found, text=[not_in_it(snapshot), *found.text])


def _change(text: str) -> Change:
    try:
        return read_change(text)
    except ValueError as wrong:
        raise UsageError(f"--set: {wrong}") from wrong


def _moment(text: str, policy: Policy, now: datetime) -> datetime | None:
    """The moment of `--on`: a day begins where the policy's days do."""
    if not text:
        return None
    try:
        if len(text) <= _DAY_CHARACTERS:
            at = datetime.combine(date.fromisoformat(text), time.min, policy.time_zone)
        else:
            at = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise UsageError(f"--on: {text!r} is no day and no moment; {_DAY_REMEDY}") from wrong
    if at.tzinfo is None:
        raise UsageError(f"--on: {text!r} does not say of which time zone; {_DAY_REMEDY}")
    if at.astimezone(policy.time_zone).date() < now.astimezone(policy.time_zone).date():
        mend = "`invoice-access who PROFILE --on DAY` says who held it then."
        raise UsageError(f"--on: {text!r} is past; why answers for today and days to come", mend=mend)
    return max(at.astimezone(UTC), now)


# ------------------------------------------------------------------------------------------------ whom to ask


@dataclass(frozen=True, slots=True)
class Unseen:
    """Somebody whom no view has: by their object id, or by a name that the directory may know; else `unknown`."""

    object_id: str | None
    names: tuple[NameKey, ...]
    unknown: UsageError | None


async def as_seen(
    desk: StoreDesk, policy: Policy, settle: timedelta, question: Question, *, dated: bool = True
) -> Answer | Unseen:
    """The answer from what the latest sweep saw, without asking Azure; or whom to ask it about.

    `dated` is whether that has dates.
    """
    catalogue = await desk.state.catalogue()
    if catalogue is None:
        raise Permanent(NO_VIEW)
    sight = await read_sight(desk.state, desk.clock)
    key = profile_among(catalogue, question.profile, or_id=True)[0] if question.profile else None
    try:
        object_id = person_among(sight.names, sight.people, question.person, or_id=True).id
    except UsageError as unknown:
        names = _names(question.person) if unknown.code == "not-found" else ()
        if not names:
            raise
        return Unseen(None, names, unknown)
    called = sight.names.get(object_id)
    if called is not None and called.kind in {PrincipalKind.GROUP, PrincipalKind.APP}:
        mend = "`invoice-access who PROFILE` says what groups and apps may see."
        raise UsageError(f"{called.best} is {_A[called.kind]}, and rules give to people only", mend=mend)
    found = seen_facts(sight, catalogue, policy, object_id)
    if found is None:
        return Unseen(object_id, (), None)
    why = await explain_person(desk.state, desk.ledger, found, key, settle=settle)
    return _answer(why, _called(why, sight.names), question, doubts(sight), dated=dated)


async def as_read(app: "App", question: Question, unseen: Unseen) -> Answer:
    """The answer from the directory and billing themselves."""
    from shared.services.operate.why_live import live_facts  # noqa: PLC0415 - what only a live answer needs

    object_id = unseen.object_id
    if object_id is None:
        ids = {one.lower() for name in unseen.names for one in await app.directory.find(name)}
        if not ids and unseen.unknown is not None:
            raise unseen.unknown
        if len(ids) > 1:
            said = f"{len(ids)} people are called {question.person}; say which:"
            raise UsageError(said, code="ambiguous", nearest=sorted(ids))
        (object_id,) = ids
    key = (await find_profile(app.state, question.profile, or_id=True))[0] if question.profile else None
    found = await live_facts(app, object_id, key)
    why = await explain_person(app.state, app.ledger, found, key, settle=app.settings.settle)
    return _answer(why, _called(why, await app.state.names()), question, ())


def _names(text: str) -> tuple[NameKey, ...]:
    """What the directory may know somebody by: an address, or an employee number. It is not asked for mere names."""
    text = text.strip()
    kinds = (NameKind.UPN, NameKind.MAIL) if "@" in text else (NameKind.EMPLOYEE_ID,)
    if "@" not in text and not any(character.isdigit() for character in text):
        return ()
    try:
        return tuple(NameKey(kind, text) for kind in kinds)
    except ValueError:
        return ()


def _called(why: Why, principals: Mapping[str, Called]) -> Names:
    facts = why.found.facts
    profiles = {one.key: one.display_name for one in facts.catalogue.profiles}
    return Names(principals, profiles, facts.policy.time_zone, facts.now)


# ------------------------------------------------------------------------------------------------- the answer


def _answer(why: Why, names: Names, question: Question, first: Iterable[Line], *, dated: bool = True) -> Answer:
    text: list[Line | Table] = [*first, *caveats(why.found, names)]
    body = why_body(why, name_of(why, names), names.profiles)
    if not dated:
        body["steps"][0] |= {"reason": None}
    if question.changes or question.on is not None:
        changed = why.found.facts.changed(*question.changes)
        changed = changed if question.on is None else replace(changed, now=question.on)
        if not isinstance(changed.person, Person):
            raise UsageError("the directory has no such person (any more), so that nothing can be set")
        text += what_if(why, changed, question.changes, question.on, names)
        body |= {"what_if": _what_if(why, changed, question, names)}
    else:
        text.append(headline(why, names))
        text.append(Table(("STEP", "WHAT"), [*steps(why, names, dated=dated)], titled=False, indent=2))
    rows = Rows(("step", "says"), [("verdict", headline(why, names)), *steps(why, names, dated=dated)])
    return Answer("why", body, text, rows, as_of=why.found.as_of, complete=why.found.complete)


def _what_if(why: Why, changed: Facts, question: Question, names: Names) -> dict[str, Any]:
    plan, then = changed.plan(), effects(changed.plan(), changed.held)
    keys = sorted(then) if why.profile is None else [why.profile]
    return {
        "if": [str(change) for change in question.changes],
        "on": question.on,
        "employment": plan.employment.value,
        "reason": plan.reason,
        "profiles": [
            {
                "profile": profile_json(key, names.profile(key)),
                "should": key in plan.wanted,
                "rules": list(plan.wanted.get(key, ())),
                "effect": then.get(key, Effect.NOTHING).value,
            }
            for key in keys
        ],
    }
