"""Activity: what was changed, held or decided, as the ledger's records tell it, in the order in which it happened.

Lives here: which records are worth an entry, and what an entry says. It points at its record (key and sequence), which
has the rest. Pure, and for people's eyes: nothing is decided by it. Ids, and no names.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.history.checks import CheckBody, Ended, LeaverTimes, Step
from shared.domain.history.records import (
    AdoptBody,
    DecidedHold,
    DecisionBody,
    Record,
    RolesBody,
    UnmanagedBody,
    Verb,
)
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code, Reason
from shared.domain.work import CauseKind

WHY_CHARACTERS: Final = 500
"""The longest text in an entry's reason; its record has the whole."""


class ActivityKind(StrEnum):
    """What happened."""

    GIVEN = "given"
    REMOVED = "removed"
    MAIL_ON = "mail-on"
    """Invoice mail was turned on."""
    HELD = "held"
    """An action waits for a decision from now on."""
    DECIDED = "decided"
    """An operator released, dismissed or proposed."""
    ADOPTED = "adopted"
    PAUSED = "paused"
    RESUMED = "resumed"
    NOT_FOUND = "not-found"
    """An event named somebody whom nobody knows: yet, or at all."""
    GAVE_UP = "gave-up"
    """A check ended without having come to its end: a person has to act."""
    BY_OTHERS = "by-others"
    """Somebody else changed who gets or may see invoices, as a sweep found it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that a record tells: what happened to a person, on profiles, and why.

    `person` is an object id, "" where it is about nobody. `where` is an account or group where it is about no profile.
    `what` is the step that is held, the verb that was decided, the scope of a pause, how something that others did
    appeared or went, or `unverified` of what was sent and did not show yet.
    """

    kind: ActivityKind
    person: str = ""
    profiles: tuple[ProfileKey, ...] = ()
    where: str = ""
    what: str = ""
    why: Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """What one record tells: when, which record, why somebody looked, who acted, and what happened.

    `cause` is a check's (`event`, `sweep`, ...), "" of any other record; `origin` finds its beginning again. `by` is
    the object id of who decided. `leaver` is there where access of somebody who left was removed.
    """

    at: datetime
    key: str
    sequence: int
    items: tuple[Item, ...]
    cause: str = ""
    origin: str = ""
    by: str = ""
    leaver: LeaverTimes | None = None


def noted(record: Record) -> Noted | None:
    """What a record is worth telling; None for one that changed, held and decided nothing."""
    match record.body:
        case CheckBody() as body:
            items = tuple(_of_check(record.key, body))
            return _entry(record, items, body) if items or body.leaver is not None else None
        case AdoptBody() as body:
            return _entry(record, (_adopted(record.key, body),), by=body.by)
        case DecisionBody() as body:
            return _entry(record, tuple(_of_decision(body)), by=body.by)
        case UnmanagedBody() as body:
            items = tuple(_of_unmanaged(body))
        case RolesBody() as body:
            items = tuple(_of_roles(body))
        case _:
            return None
    return _entry(record, items) if items else None


def _entry(record: Record, items: tuple[Item, ...], check: CheckBody | None = None, *, by: str = "") -> Noted:
    return Noted(
        at=record.at,
        key=record.key,
        sequence=record.sequence,
        items=items,
        cause="" if check is None else check.cause.value,
        origin="" if check is None else check.origin,
        by=by,
        leaver=None if check is None else check.leaver,
    )


_DONE: Final[Mapping[Step, ActivityKind]] = {
    Step.GRANT: ActivityKind.GIVEN,
    Step.REVOKE: ActivityKind.REMOVED,
    Step.OPT_IN: ActivityKind.MAIL_ON,
}


def _of_check(key: str, body: CheckBody) -> Iterator[Item]:
    """Actions that were taken, or are held from now on; and a check that somebody has to see to."""
    person = _person_of(key)
    together: dict[tuple[ActivityKind, str, Reason], list[ProfileKey]] = {}
    for ended in body.actions:
        kind = _kind_of(ended)
        if kind is not None and ended.profile is not None:
            what = _what(ended)
            together.setdefault((kind, what, ended.why.shortened(WHY_CHARACTERS)), []).append(ended.profile)
    for (kind, what, why), profiles in together.items():
        yield Item(kind=kind, person=person, profiles=tuple(profiles), what=what, why=why)
    why_not = None if body.why is None else body.why.shortened(WHY_CHARACTERS)
    if key.startswith("identity:") and _is_first_or_last_look(body):
        yield Item(kind=ActivityKind.NOT_FOUND, what=body.outcome.value, why=why_not)
    elif body.outcome is Outcome.GAVE_UP:
        profile = _profile_of(key)
        yield Item(
            kind=ActivityKind.GAVE_UP, person=person, profiles=() if profile is None else (profile,), why=why_not
        )


def _kind_of(ended: Ended) -> ActivityKind | None:
    """What a step came to; None where nothing happened. What was sent is told, also where it does not show yet."""
    if ended.outcome is Outcome.DONE or (ended.outcome is Outcome.UNVERIFIED and ended.why.code is not Code.ON_ITS_WAY):
        return _DONE.get(ended.action)
    return ActivityKind.HELD if ended.outcome is Outcome.HELD and ended.is_new else None


def _what(ended: Ended) -> str:
    if ended.outcome is Outcome.HELD:
        return ended.action.value
    return "" if ended.outcome is Outcome.DONE else ended.outcome.value


def _is_first_or_last_look(body: CheckBody) -> bool:
    """Whether a name begins to be looked for, or is not any more: between the two nothing happens."""
    begins = body.outcome is Outcome.WAITING and body.cause is not CauseKind.WAIT
    return begins or body.outcome in {Outcome.REJECTED, Outcome.GAVE_UP}


def _adopted(key: str, body: AdoptBody) -> Item:
    return Item(
        kind=ActivityKind.ADOPTED,
        person=_person_of(key),
        profiles=(body.profile,),
        why=body.shown.shortened(WHY_CHARACTERS),
    )


def _of_decision(body: DecisionBody) -> Iterator[Item]:
    """A decision, by the person whom it is about; one that was refused is told as well."""
    why = Code.SAID(said=body.why).shortened(WHY_CHARACTERS) if body.why else None
    if body.verb in {Verb.PAUSE, Verb.RESUME}:
        kind = ActivityKind.PAUSED if body.verb is Verb.PAUSE else ActivityKind.RESUMED
        yield Item(kind=kind, what=body.scope, why=why)
        return
    what = f"{body.verb.value} {body.deed}" if body.deed else body.verb.value
    together: dict[str, list[ProfileKey]] = {}
    for hold in body.holds:
        together.setdefault(_held_by(hold), []).append(hold.profile)
    if not together:
        yield Item(kind=ActivityKind.DECIDED, what=what, why=why)
    for person, profiles in together.items():
        yield Item(kind=ActivityKind.DECIDED, person=person, profiles=tuple(profiles), what=what, why=why)


def _held_by(hold: DecidedHold) -> str:
    return hold.key.object_id if isinstance(hold.key, PersonKey) else ""


def _of_unmanaged(body: UnmanagedBody) -> Iterator[Item]:
    for one in body.appeared:
        yield Item(
            kind=ActivityKind.BY_OTHERS, person=one.principal, profiles=(one.profile,), what="appeared", why=one.why
        )
    for gone in body.left:
        yield Item(
            kind=ActivityKind.BY_OTHERS,
            person=gone.principal,
            profiles=(gone.profile,),
            what=gone.left.value,
            why=gone.why,
        )


def _of_roles(body: RolesBody) -> Iterator[Item]:
    for what, seen in (*(("appeared", one) for one in body.appeared), *((one.left.value, one) for one in body.left)):
        profile = _profile_key(seen.where)
        why = Code.HAS_ROLE(role=seen.role)
        yield Item(
            kind=ActivityKind.BY_OTHERS,
            person=seen.principal,
            profiles=() if profile is None else (profile,),
            where="" if profile is not None else seen.where,
            what=what,
            why=why,
        )
    for changed in body.settings:
        if not changed.ours:
            yield Item(kind=ActivityKind.BY_OTHERS, profiles=(changed.profile,), what="settings")


def _person_of(key: str) -> str:
    kind, _, rest = key.partition(":")
    return rest if kind == "person" else ""


def _profile_of(key: str) -> ProfileKey | None:
    kind, _, rest = key.partition(":")
    return ProfileKey.parse(rest) if kind == "profile" else None


def _profile_key(text: str) -> ProfileKey | None:
    try:
        return ProfileKey.parse(text)
    except ValueError:
        return None
