"""What another policy would do, on a snapshot: decided as a sweep decides, and read nowhere.

Lives here: an estate as a snapshot shows it, and the comparison on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from shared.domain.access.near_misses import Vocabulary
from shared.domain.access.ownership import Held, ManagedAssignment
from shared.domain.access.plan import Employment
from shared.domain.access.rules import addresses, unknown_rules
from shared.domain.billing import Assignment
from shared.domain.catalogue import Catalogue
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.daily_limits import Reservations
from shared.domain.guards.pauses import Pauses
from shared.domain.guards.sweep_holds import changed_rules
from shared.domain.keys import ProfileKey
from shared.domain.people import UnreadablePerson
from shared.domain.planned import Compared
from shared.domain.policy.load import rule_digests
from shared.domain.policy.model import ActionKind, Policy
from shared.domain.reasons import Code
from shared.domain.seen import held_as_seen
from shared.domain.snapshot import Snapshot, as_read
from shared.services.catalogue import ListedProfiles
from shared.services.estate import Estate
from shared.services.sweep.judging import JudgingSettings
from shared.services.sweep.plan import Guards, Judge, compared, planned_under


@dataclass(frozen=True, slots=True)
class _Vocabularies:
    """Texts of policies, made anew."""

    def vocabulary(self, policy: Policy, catalogue: Catalogue) -> Vocabulary:
        """The texts with which a policy compares people."""
        return Vocabulary.of(policy, catalogue)


async def compare_on(snapshot: Snapshot, policy: Policy, other: Policy, settings: JudgingSettings) -> Compared:
    """What another policy would do in place of the one in force, to the people of a snapshot."""
    estate, held = _estate(snapshot)
    guards = _guards(snapshot, policy, held)
    changed = changed_rules(rule_digests(policy), rule_digests(other))
    judges = [Judge(_protecting(one, snapshot), settings, _Vocabularies()) for one in (policy, other)]
    as_it_was = partial(_judged, snapshot, frozenset[str]())
    before = await planned_under(judges[0], estate, held, guards, as_it_was)
    after = await planned_under(judges[1], estate, held, guards, partial(_judged, snapshot, changed))
    found = compared(policy, other, estate, before, after)
    names = {one.id: one.name for one in snapshot.people}
    return replace(found, planned=replace(found.planned, names=names))


def _protecting(policy: Policy, snapshot: Snapshot) -> Policy:
    """A policy that protects whom it did when the snapshot was taken, where ids are pseudonyms."""
    if snapshot.named:
        return policy
    return replace(policy, protected=frozenset(one.id for one in snapshot.people if one.protected))


def _judged(snapshot: Snapshot, changed: frozenset[str], policy: Policy, estate: Estate) -> Catalogue:
    """The catalogue with the rules judged: those that did not change as they were, the others by who is there.

    Whom a named grant means is looked for among those who are there; where they are pseudonyms, it is not known.
    """
    people, now = estate.people.values(), estate.read_at
    found = dict(unknown_rules(policy, estate.catalogue, people, frozenset(), now))
    kept = {rule.name for rule in policy.rules if rule.grant is None} - changed
    known = {rule: why for rule, why in found.items() if rule not in kept}
    known |= {rule: why for rule, why in snapshot.unknown_rules.items() if rule in kept}
    if not snapshot.named:
        known |= {rule.name: (Code.NOBODY_SEEN_IS_MEANT(),) for rule in policy.grants if rule.name in found}
    whose = addresses(policy, people, now)
    return replace(estate.catalogue, policy_digest=policy.digest, unknown_rules=known, addresses=whose)


def _guards(snapshot: Snapshot, policy: Policy, held: Mapping[str, Sequence[Held]]) -> Guards:
    """Nothing reserved, held or paused: none of that is in a snapshot."""
    managed = sum(isinstance(one, ManagedAssignment) for ones in held.values() for one in ones)
    baseline = Baseline(
        at=snapshot.as_of,
        managed=managed,
        profiles=len(snapshot.profiles),
        population=0,
        policy_digest=policy.digest,
        rules=rule_digests(policy),
    )
    reserved = {kind: Reservations(kind) for kind in ActionKind}
    return Guards(baseline, Pauses(), (), reserved, snapshot.policy, frozenset(), identities_known=True)


def _estate(snapshot: Snapshot) -> tuple[Estate, dict[str, list[Held]]]:
    rows: dict[ProfileKey, list[Assignment]] = {profile.key: [] for profile in snapshot.profiles}
    held: dict[str, list[Held]] = {}
    for row in snapshot.rows:
        one = held_as_seen(row.profile, row.as_seen)
        rows.setdefault(row.profile, []).append(one.assignment)
        if one.assignment.is_invoice_manager:
            held.setdefault(row.principal, []).append(one)
    estate = Estate(
        snapshot.as_of,
        Catalogue(snapshot.as_of, snapshot.accounts, snapshot.profiles),
        people={
            one.id: as_read(one, snapshot.as_of)
            for one in snapshot.people
            if one.employment is not Employment.UNREADABLE
        },
        unreadable={
            one.id: UnreadablePerson(one.id, None, ("the snapshot says no more",))
            for one in snapshot.people
            if one.employment is Employment.UNREADABLE
        },
        people_complete=snapshot.complete,
        rows={key: tuple(ones) for key, ones in rows.items()},
        listing=ListedProfiles(snapshot.accounts, snapshot.profiles),
    )
    return estate, held
