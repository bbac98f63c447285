"""Why one person has or has not something: the facts of a decision, what it says, and what stands in its way.

Lives here: the facts as a sweep saw them, and putting together what the store knows besides. What is decided is
`shared.domain.access.why`'s; nothing is written. Facts that are read when somebody asks are `why_live`'s.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared.domain.access.evidence import sighting_on, weigh
from shared.domain.access.explain import RuleVerdict
from shared.domain.access.ownership import Held
from shared.domain.access.plan import Employment, Grant, Plan, Revoke, Strength
from shared.domain.access.why import Effect, Facts, Flip, effects, flips, verdicts
from shared.domain.billing import OTHER_RECIPIENT_ROLES
from shared.domain.catalogue import Catalogue
from shared.domain.guards.daily_limits import kind_of, left, limit, percentage_base
from shared.domain.guards.holds import Hold, action_id
from shared.domain.guards.pauses import Pause, Setting, stops
from shared.domain.history.checks import CheckBody, LeaverTimes
from shared.domain.history.fold import PersonFold
from shared.domain.history.spells import Spell
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.people import AbsentPerson, DeletedPerson, PersonRead, UnreadablePerson
from shared.domain.policy.model import ActionKind, Policy
from shared.domain.reasons import Code
from shared.domain.receiving import Sight
from shared.domain.remembered import PersonState
from shared.domain.seen import held_as_seen
from shared.domain.view import PersonView
from shared.errors import Permanent
from shared.ports import Ledger, State
from shared.services.catalogue import enforced_profiles

_RECENT: Final = 20
"""Records of a person in which evidence that was seen again is looked for."""


@dataclass(frozen=True, slots=True)
class Found:
    """The facts about one person, when they were so, and whether they are whole.

    `live` says that directory and billing were asked for this answer; else it is what the sweep of `as_of` saw, and
    what the directory said of the person when they were `read`.
    """

    facts: Facts
    as_of: datetime
    complete: bool
    read: datetime
    live: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """Weak evidence for taking something away: when it was seen, and from when on a check may act on it."""

    seen: tuple[datetime, ...]
    due: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """What stands in the way of a wanted action: nothing, where all of it is None and it is enforced.

    `left` of `most` is what the daily limit of its `kind` has room for.
    """

    kind: ActionKind
    enforced: bool
    hold: Hold | None
    pause: tuple[Pause, Setting] | None
    left: int
    most: int


@dataclass(frozen=True, slots=True)
class There:
    """What is so on one profile: what becomes of it, what is there, how that came, and what the action waits for.

    `others` are the roles besides Invoice manager by which they receive its invoices. `spell` is what the ledger knows
    of what is managed. `evidence` is there where it has to be seen twice, `limits` where anything is to be done.
    """

    profile: ProfileKey
    effect: Effect
    held: Held | None
    others: tuple[str, ...]
    spell: Spell | None
    evidence: Evidence | None
    limits: Limits | None


@dataclass(frozen=True, slots=True)
class Gone:
    """When access of somebody who left was last taken away, by which record, and since when that was due."""

    at: datetime
    record: int
    times: LeaverTimes

    @property
    def seconds(self) -> float:
        """How long it took from when the app had heard and it was true."""
        since = self.times.heard if self.times.left is None else max(self.times.heard, self.times.left)
        return max(0.0, (self.at - since).total_seconds())


@dataclass(frozen=True, slots=True)
class Why:
    """The answer about one person: in the order in which a check goes, and what would change it.

    `gone` is there where they left and lost access by it.
    """

    object_id: str
    found: Found
    plan: Plan
    profile: ProfileKey | None
    verdicts: tuple[RuleVerdict, ...]
    there: tuple[There, ...]
    flips: tuple[Flip, ...]
    gone: Gone | None = None


def seen_facts(sight: Sight, catalogue: Catalogue, policy: Policy, object_id: str) -> Found | None:
    """The facts as the latest sweep saw them; None for somebody of whom its view cannot say how they stand."""
    shown = sight.people.get(object_id)
    if shown is None or shown.employment_why.code is Code.NOT_IN_DIRECTORY:  # a sweep does not look among the deleted
        return None
    held = [held_as_seen(profile, row) for profile, row in sight.view.held.get(object_id, ())]
    facts = Facts.of(_read(shown), held, policy, catalogue, sight.now)
    return Found(facts, sight.view.as_of, sight.view.complete, shown.seen or sight.view.as_of, live=False)


def _read(shown: PersonView) -> PersonRead:
    """What the directory said of somebody, by what the view keeps of it."""
    if shown.person is not None:
        return shown.person
    match shown.employment_why.code:
        case Code.DELETED:
            return DeletedPerson(shown.object_id)
        case Code.ACCOUNT_DISABLED:
            return UnreadablePerson(shown.object_id, False, ())
        case Code.PERSON_UNREADABLE:
            return UnreadablePerson(shown.object_id, None, (str(shown.employment_why.facts["said"]),))
        case _:
            return AbsentPerson(shown.object_id)


async def explain_person(
    state: State, ledger: Ledger, found: Found, profile: ProfileKey | None, *, settle: timedelta
) -> Why:
    """Puts the answer together, of one profile or of all that the person has anything to do with.

    `settle` is how long weak evidence has to last. Reads the person's chain, what is remembered of them, their holds,
    the pauses and the daily limits.
    """
    facts, object_id = found.facts, found.facts.person.object_id
    plan = facts.plan()
    does = effects(plan, facts.held)
    others = _other_roles(facts)
    concerned = sorted(does.keys() | others.keys()) if profile is None else [profile]
    spells, gone = await _history(ledger, object_id)
    evidence = await _evidence(state, ledger, facts, plan, settle)
    limits = await _limits(state, facts, plan)
    held = {one.profile: one for one in facts.held if one.assignment.is_invoice_manager}
    there = tuple(
        There(
            key,
            does.get(key, Effect.NOTHING),
            held.get(key),
            tuple(sorted(others.get(key, ()))),
            spells.get(key),
            evidence.get(key),
            limits.get(key),
        )
        for key in concerned
    )
    has_left = plan.employment is Employment.LEAVER
    told, would = verdicts(facts, profile), flips(facts, profile)
    return Why(object_id, found, plan, profile, told, there, would, gone if has_left else None)


def _other_roles(facts: Facts) -> Mapping[ProfileKey, set[str]]:
    """The other roles by which the person receives invoices, by name: of the facts, and as the last sweep saw them."""
    found: dict[ProfileKey, set[str]] = {}
    for profile, role in facts.catalogue.others.get(facts.person.object_id, ()):
        found.setdefault(profile, set()).add(OTHER_RECIPIENT_ROLES.get(role, role))
    for one in facts.held:
        if not one.assignment.is_invoice_manager:
            role = one.assignment.role
            found.setdefault(one.profile, set()).add(OTHER_RECIPIENT_ROLES.get(role, role))
    return found


async def _history(ledger: Ledger, object_id: str) -> tuple[Mapping[ProfileKey, Spell], Gone | None]:
    """What is managed now, and the last time that access was taken as they had left, as the ledger knows both.

    Of a chain that cannot be read nothing is said.
    """
    fold, gone = PersonFold(), None
    try:
        async for record in ledger.read(PersonKey(object_id).canonical):
            fold.take(record)
            if isinstance(record.body, CheckBody) and record.body.leaver is not None:
                gone = Gone(record.at, record.sequence, record.body.leaver)
    except (Permanent, ValueError):
        return {}, None
    return {spell.profile: spell for spell in fold.spells() if spell.ended is None}, gone


async def _evidence(
    state: State, ledger: Ledger, facts: Facts, plan: Plan, settle: timedelta
) -> Mapping[ProfileKey, Evidence]:
    """The weak evidence of a plan's revokes, with every check that saw it among the latest."""
    weak = [revoke for revoke in plan.revokes if revoke.strength is Strength.WEAK]
    if not weak:
        return {}
    remembered: PersonState = (await state.person(facts.person.object_id)).value
    grace = timedelta(hours=facts.policy.mover_grace_hours)
    weighed = weigh(plan, remembered.sightings, facts.now, settle=settle, grace=grace)
    due = {one.revoke.profile: one.due for one in weighed.wait}
    latest = await ledger.latest(PersonKey(facts.person.object_id).canonical, _RECENT)
    checks = [(record.at, record.body) for record in latest if isinstance(record.body, CheckBody)]
    found = {}
    for revoke in weak:
        first = remembered.sightings.get(sighting_on(plan, revoke.profile))
        again = [at for at, body in checks if first is not None and at >= first and _saw(body, revoke.profile)]
        seen = [] if first is None else [first, *again[1:]]  # the first check's record is of the first sight
        found[revoke.profile] = Evidence(tuple(dict.fromkeys(seen)), due.get(revoke.profile, facts.now))
    return found


def _saw(body: CheckBody, profile: ProfileKey) -> bool:
    waited = any(one.profile == profile for one in body.waiting)
    return waited or any(one.profile == profile and one.action.value == "revoke" for one in body.actions)


async def _limits(state: State, facts: Facts, plan: Plan) -> Mapping[ProfileKey, Limits]:
    """What stands in the way of each action of a plan."""
    actions: Sequence[Grant | Revoke] = (*plan.grants, *plan.revokes)
    if not actions:
        return {}
    key = PersonKey(facts.person.object_id)
    holds = (await state.key_holds(key)).value.holds
    pauses = (await state.pauses()).value
    room = await _room(state, facts, {kind_of(plan, action) for action in actions})
    enforced = enforced_profiles(facts.policy, facts.catalogue)
    found = {}
    for action in actions:
        kind = kind_of(plan, action)
        strength = action.strength if isinstance(action, Revoke) else None
        found[action.profile] = Limits(
            kind,
            action.profile in enforced,
            holds.get(action_id(key, kind, action.profile)),
            stops(pauses, kind, strength, action.profile),
            *room[kind],
        )
    return found


async def _room(state: State, facts: Facts, kinds: Iterable[ActionKind]) -> Mapping[ActionKind, tuple[int, int]]:
    """What the daily limits have left, and allow."""
    baseline = (await state.baseline()).value
    room = {}
    for kind in kinds:
        reservations = (await state.reservations(kind)).value
        most = limit(facts.policy.daily_limits[kind], percentage_base(reservations, baseline, facts.now))
        room[kind] = left(reservations, most, facts.now), most
    return room
