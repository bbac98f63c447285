"""What a sweep finds drifted: decides for everybody as a check would, from the bulk reads alone.

Lives here: the comparison of the whole estate with the policy, person by person and profile by profile. Nothing is
read or written; what becomes of it is `sweep`'s and its guards' business.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.domain.access.decide import decide
from shared.domain.access.evidence import weigh
from shared.domain.access.near_misses import Vocabulary, with_near_misses
from shared.domain.access.ownership import Held, ManagedAssignment
from shared.domain.access.plan import FINDINGS, Employment, Note, NoteKind, Plan, Revoke, Strength
from shared.domain.access.rules import ended, first_unknown
from shared.domain.guards.daily_limits import kind_of
from shared.domain.guards.holds import action_id
from shared.domain.guards.sweep_holds import SweepAction
from shared.domain.keys import Key, PersonKey, ProfileKey
from shared.domain.people import ListedPerson, Person
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from shared.domain.remembered import PersonState
from shared.domain.view import PersonView, person_view, tested_attributes
from shared.services.catalogue import enforced_profiles
from shared.services.estate import Estate
from shared.services.slices import Slices
from shared.services.sweep.empty_handed import EmptyHanded
from shared.services.sweep.judging import Judging
from shared.services.sweep.slips import Slips


@dataclass(frozen=True, slots=True)
class PersonDrift:
    """One way in which one person drifted: on which profiles something is missing, and on which it is too much."""

    kind: str
    key: PersonKey
    missing: frozenset[ProfileKey] = frozenset()
    surplus: frozenset[ProfileKey] = frozenset()


@dataclass(slots=True)
class Drift:
    """Keys to check, each with the profiles to read as well, and how many of each kind there are.

    `soon` are people for whom nothing is wrong yet, with the moment before the next sweep at which something will be.
    `actions` are what the checks would do as far as the sweep can tell; `unsure` the keys of which it cannot tell
    whether they are leavers, so that they are checked whatever is held. `undecided` are the ids of actions about
    which nothing can be concluded, `enforced` the profiles on which there may be such: elsewhere no action waits for
    anything. Nothing at all can be concluded of the `unreadable`. `notes` are what somebody should know, by person;
    `empty_handed` whom a rule matches and gives nothing. `judged` are the listed people whom a rule matches or who have
    anything, as the view shows them.
    """

    enforced: frozenset[ProfileKey]

    leavers: dict[Key, set[ProfileKey]] = field(default_factory=dict)
    others: dict[Key, set[ProfileKey]] = field(default_factory=dict)
    soon: dict[Key, datetime] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    people: list[PersonDrift] = field(default_factory=list)
    actions: dict[Key, list[SweepAction]] = field(default_factory=dict)
    unsure: set[Key] = field(default_factory=set)
    undecided: set[str] = field(default_factory=set)
    unreadable: set[PersonKey] = field(default_factory=set)
    notes: list[tuple[str, Note]] = field(default_factory=list)
    judged: list[PersonView] = field(default_factory=list)
    given: dict[tuple[str, ProfileKey], tuple[str, ...]] = field(default_factory=dict)
    empty_handed: EmptyHanded = field(default_factory=EmptyHanded)

    def add_person(self, found: PersonDrift, *, leaver: bool = False) -> None:
        """Counts a person's drift and remembers their key; what they have too much has to be read as well."""
        self.people.append(found)
        self.add(found.kind, found.key, found.surplus, leaver=leaver)

    def add(self, kind: str, key: Key, profiles: Iterable[ProfileKey] = (), *, leaver: bool = False) -> None:
        """Counts a drift and remembers its key."""
        self.kinds[kind] += 1
        (self.leavers if leaver else self.others).setdefault(key, set()).update(profiles)

    def want(self, action: SweepAction) -> None:
        """Remembers what a check would do."""
        self.actions.setdefault(action.key, []).append(action)

    def leave_open(self, key: PersonKey | ProfileKey, kind: ActionKind, profile: ProfileKey) -> None:
        """Remembers that nothing can be concluded about an action."""
        if profile in self.enforced:
            self.undecided.add(action_id(key, kind, profile))

    def note(self, key: PersonKey, plan: Plan) -> None:
        """Remembers what somebody should know of a person, and what their plan cannot conclude."""
        if plan.employment is Employment.UNREADABLE:
            self.unreadable.add(key)
        self.empty_handed.take(key.object_id, plan)
        for note in plan.notes:
            if note.kind in FINDINGS:
                self.notes.append((key.object_id, note))
            elif note.kind is NoteKind.RULE_NOT_KNOWN and note.profile is not None:
                self.leave_open(key, ActionKind.MOVER_REVOKES, note.profile)

    def forget(self, keys: Iterable[Key]) -> None:
        """Checks none of these keys; they stay counted."""
        for key in keys:
            self.leavers.pop(key, None)
            self.others.pop(key, None)


async def find_drift(app: Judging, estate: Estate, held: Mapping[str, Sequence[Held]]) -> Drift:
    """Compares the estate with the policy. `held` is every Invoice manager assignment by principal, each proved.

    It waits for nothing, and lets others run meanwhile: an HTTP answer is due within seconds, however many people
    there are.
    """
    slices = Slices()
    drift = Drift(enforced_profiles(app.policy, estate.catalogue))
    await slices.rest()
    vocabulary = app.catalogues.vocabulary(app.policy, estate.catalogue)
    slips = Slips(app.policy, estate.catalogue, vocabulary, estate.people.values())
    await slices.rest()
    listed: dict[str, ListedPerson] = {**estate.people, **estate.unreadable}
    tested = tested_attributes(app.policy)
    for object_id, person in listed.items():
        rows = held.get(object_id, ())
        plan = _judge(app, estate, person, rows, vocabulary, drift)
        if isinstance(person, Person):
            plan = replace(plan, notes=(*plan.notes, *slips.of(person, plan)))
        drift.note(PersonKey(object_id), plan)
        seen = person_view(person, plan, app.policy, tested, estate.read_at)
        if seen.rules or rows:
            drift.judged.append(seen)
        drift.given |= {
            (object_id, one.profile): plan.wanted[one.profile] for one in rows if one.profile in plan.wanted
        }
        await slices.took(1 + len(rows) + len(plan.wanted))
    if estate.people_complete:
        for object_id in sorted(held.keys() - listed.keys() - app.policy.protected):
            managed = [one for one in held[object_id] if isinstance(one, ManagedAssignment)]
            if managed:
                _add_outsider(app, estate, PersonKey(object_id), managed, drift)
                await slices.took(len(managed))
    for profile in estate.catalogue.index.pick(app.policy.opt_in).profiles:
        if profile.invoice_email_opt_in is None or profile.key.account.lower() in estate.lost:
            drift.leave_open(profile.key, ActionKind.PROFILE_UPDATES, profile.key)
        elif profile.invoice_email_opt_in is False and profile.is_active:
            drift.add("opted-out", profile.key)
            drift.want(SweepAction(profile.key, ActionKind.PROFILE_UPDATES, profile.key, None))
    return drift


def _judge(
    app: Judging, estate: Estate, person: ListedPerson, held: Sequence[Held], vocabulary: Vocabulary, drift: Drift
) -> Plan:
    """Decides for one person as a check would, now and at a moment before the next sweep that changes the answer."""
    key = PersonKey(person.object_id)
    plan = decide(person, app.policy, estate.catalogue, held, estate.read_at)
    plan = with_near_misses(plan, person, app.policy, estate.catalogue, vocabulary, estate.read_at)
    if missing := _missing(estate, plan):
        drift.add_person(PersonDrift("missing", key, missing=missing))
        for grant in plan.grants:
            if grant.profile in missing:
                rules = frozenset(grant.rules)
                drift.want(SweepAction(key, kind_of(plan, grant), grant.profile, grant.reason, rules=rules))
    if plan.revokes:
        leaver = plan.employment is Employment.LEAVER
        surplus = frozenset(revoke.profile for revoke in plan.revokes)
        kind = "leaver-holds" if leaver else "no-longer-given"
        drift.add_person(PersonDrift(kind, key, surplus=surplus), leaver=leaver)
        _want_revokes(app, estate, key, plan, drift)
    change = plan.next_change
    if change is not None and change <= _next_sweep(app, estate):
        then = decide(person, app.policy, estate.catalogue, held, change)
        if then.revokes or _missing(estate, then):
            drift.soon[key] = change
    return plan


def _add_outsider(
    app: Judging, estate: Estate, key: PersonKey, managed: Sequence[ManagedAssignment], drift: Drift
) -> None:
    """Somebody whom no rule lists has managed access: a mover or a leaver, which nobody has read.

    Counted as a mover, whose daily limit is the smaller one; whether they left stays undecided. What a rule gave that
    is not known would stay with a mover.
    """
    drift.add_person(
        PersonDrift("holder-outside-every-rule", key, surplus=frozenset(one.profile for one in managed)),
    )
    drift.unsure.add(key)
    known: list[ManagedAssignment] = []
    for one in managed:
        # What a check found out of a leaver, and a person decided about, is nothing that this sweep can judge.
        drift.leave_open(key, ActionKind.LEAVER_REVOKES, one.profile)
        if first_unknown(one.rules, app.policy, estate.catalogue, estate.read_at) is not None:
            drift.leave_open(key, ActionKind.MOVER_REVOKES, one.profile)
        else:
            known.append(one)
    moved = tuple(Revoke(one, _strength(app, estate, one), Code.NO_RULE_GIVES_IT()) for one in known)
    _want_revokes(app, estate, key, Plan(Employment.EMPLOYED, Code.EMPLOYED(), revokes=moved), drift, can_tell=False)


def _strength(app: Judging, estate: Estate, own: ManagedAssignment) -> Strength:
    """How much the sweep alone proves of something that no rule gives: the end of a named grant is in the policy."""
    return Strength.STRONG if ended(own.rules, app.policy, estate.read_at) else Strength.WEAK


def _want_revokes(
    app: Judging, estate: Estate, key: PersonKey, plan: Plan, drift: Drift, *, can_tell: bool = True
) -> None:
    """The revokes of a plan, each due unless its evidence has to wait beyond the next sweep.

    What they rest on is left open where nobody `can_tell` it before a check.
    """
    state = estate.states.get(key.object_id) or PersonState(key.object_id)
    weighed = weigh(
        plan,
        state.sightings,
        estate.read_at,
        settle=app.settings.settle,
        grace=timedelta(hours=app.policy.mover_grace_hours),
    )
    waits = {one.revoke.profile: one.due for one in weighed.wait if one.due > _next_sweep(app, estate)}
    for revoke in plan.revokes:
        until = waits.get(revoke.profile)
        rules = revoke.assignment.rules or frozenset()
        asks = revoke.ask_first is not None
        kind, basis = kind_of(plan, revoke), revoke.reason if can_tell else None
        drift.want(SweepAction(key, kind, revoke.profile, basis, until=until, rules=rules, asks_first=asks))


def _missing(estate: Estate, plan: Plan) -> frozenset[ProfileKey]:
    """Where a plan grants anything; on a profile whose list could not be read it may be there already."""
    return frozenset(grant.profile for grant in plan.grants if grant.profile in estate.rows)


def _next_sweep(app: Judging, estate: Estate) -> datetime:
    return estate.read_at + timedelta(hours=app.settings.sweep_hours)
