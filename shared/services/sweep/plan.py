"""What the next sweep would do, and what another policy would do: read and decided as a sweep does, and nothing more.

Lives here: the reads of a plan, and putting its answer together. It stores nothing, sends nothing and writes nothing to
Azure. What a sweep decides is the domain's and `drift`'s, so that both decide the same.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.background import in_background
from shared.domain.access.ownership import Held, ManagedAssignment
from shared.domain.access.rules import managed_accounts
from shared.domain.billing import BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.daily_limits import Reservations
from shared.domain.guards.holds import KeyHolds
from shared.domain.guards.pauses import Pauses, Setting
from shared.domain.guards.sweep_guard import HoldsAfter, grouped
from shared.domain.guards.sweep_trust import Trust, still_standing
from shared.domain.guids import is_guid
from shared.domain.keys import PersonKey
from shared.domain.people import Person
from shared.domain.planned import (
    Change,
    Compared,
    Planned,
    between,
    change_of,
    policy_differences,
    recipients,
)
from shared.domain.policy.model import ActionKind, Everything, Policy
from shared.services.app import App
from shared.services.estate import Estate, judged, read_estate
from shared.services.identities import app_identities
from shared.services.sweep.drift import Drift, find_drift
from shared.services.sweep.hold_back import every_reservation, wants
from shared.services.sweep.judging import Judging, JudgingSettings, Vocabularies
from shared.services.sweep.sweep import held_by_person
from shared.services.sweep.trust import trust_in

_NO_SWEEP = "plan"
"""Who would set a pause: no sweep, and none is set."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What decides about an estate under one policy."""

    policy: Policy
    settings: JudgingSettings
    catalogues: Vocabularies


@dataclass(frozen=True, slots=True)
class Guards:
    """What is stored of the guards, as it is now, and under which identities the app writes."""

    baseline: Baseline | None
    pauses: Pauses
    holds: Sequence[KeyHolds]
    reserved: Mapping[ActionKind, Reservations]
    swept: str | None
    identities: frozenset[str]
    identities_known: bool


@in_background
async def plan(app: App, *, named: Collection[str] = ()) -> Planned:
    """What the next sweep would do. Raises as `read_estate` does, and where the store cannot be read.

    `named` are object ids whose names are wanted as well.
    """
    estate = await read_estate(app, only_concerned=True)
    guards = await _read_guards(app)
    held = await held_by_person(app, estate, guards.identities)
    found = await _planned(app, estate, held, guards)
    return await _with_names(app, estate, found, found.changes, named)


@in_background
async def compare(app: App, other: Policy) -> Compared:
    """What another policy would do in place of the one in force. What either lists is read once. Raises as `plan`."""
    estate = await read_estate(replace(app, policy=_to_read_for_both(app.policy, other)), only_concerned=True)
    guards = await _read_guards(app)
    held = await held_by_person(app, estate, guards.identities)
    before = await planned_under(Judge(app.policy, app.settings, app.catalogues), estate, held, guards, judged)
    after = await planned_under(Judge(other, app.settings, app.catalogues), estate, held, guards, judged)
    found = compared(app.policy, other, estate, before, after)
    return replace(
        found,
        planned=await _with_names(app, estate, found.planned, (*found.planned.changes, *found.no_longer)),
    )


def compared(policy: Policy, other: Policy, estate: Estate, before: Planned, after: Planned) -> Compared:
    """What differs between what two policies do with one estate."""
    found = between(before.changes, after.changes)
    shown = replace(after, changes=found.new, recipients=recipients(estate.rows, found.new))
    return Compared(
        in_force=policy.digest,
        difference=policy_differences(policy, other),
        planned=shown,
        no_longer=found.no_longer,
        stay=found.stay,
    )


async def planned_under(
    judge: Judge,
    estate: Estate,
    held: Mapping[str, Sequence[Held]],
    guards: Guards,
    judged_by: Callable[[Policy, Estate], Catalogue],
) -> Planned:
    """What a sweep would do under one of two policies, of what was read for both. `judged_by` judges its rules."""
    policy = judge.policy
    managed = managed_accounts(policy, estate.catalogue.manageable)
    own = _in_accounts(estate, managed)
    own.catalogue = judged_by(policy, own)
    its = {
        principal: ones
        for principal, every in held.items()
        if (ones := [one for one in every if one.profile.account.lower() in managed])
    }
    return await _planned(judge, own, its, guards)


def _in_accounts(estate: Estate, managed: frozenset[str]) -> Estate:
    """What of an estate was read in these accounts, as a sweep that reads no other has it."""
    listing, catalogue = estate.listing, estate.catalogue
    return replace(
        estate,
        rows={key: rows for key, rows in estate.rows.items() if key.account.lower() in managed},
        lost={account: why for account, why in estate.lost.items() if not account or account in managed},
        listing=replace(listing, profiles=_among(listing.profiles, managed)),
        catalogue=replace(catalogue, profiles=_among(catalogue.profiles, managed)),
    )


def _among(profiles: Iterable[BillingProfile], managed: frozenset[str]) -> tuple[BillingProfile, ...]:
    return tuple(one for one in profiles if one.key.account.lower() in managed)


def _to_read_for_both(policy: Policy, other: Policy) -> Policy:
    """A policy for which a sweep would read whatever it reads for one of the two. Nothing is decided by it."""
    accounts: Everything | frozenset[str]
    if isinstance(policy.accounts, Everything) or isinstance(other.accounts, Everything):
        accounts = Everything.ALL
    else:
        accounts = policy.accounts | other.accounts
    return replace(
        policy,
        rules=(*policy.rules, *other.rules),
        accounts=accounts,
        enforce=other.enforce if policy.enforce is Everything.NONE else policy.enforce,
    )


async def _read_guards(app: App) -> Guards:
    catalogue = await app.state.catalogue()
    return Guards(
        (await app.state.baseline()).value,
        (await app.state.pauses()).value,
        [row.value async for row in app.state.holds()],
        await every_reservation(app.state),
        None if catalogue is None else catalogue.policy_digest,
        *await app_identities(app),
    )


async def _planned(app: Judging, estate: Estate, held: Mapping[str, Sequence[Held]], guards: Guards) -> Planned:
    """What a sweep under the app's policy would do that has read this estate."""
    drift = await find_drift(app, estate, held)
    managed = sum(isinstance(one, ManagedAssignment) for ones in held.values() for one in ones)
    standing = trust_in(app, _NO_SWEEP, estate.read_at, estate, managed, guards.baseline)
    wanted = wants(estate, drift)
    holds = {id_: hold for row in guards.holds for id_, hold in row.holds.items()}
    found = grouped(app.policy, standing, wanted, holds, guards.reserved, estate.read_at)
    leaves = HoldsAfter(app.policy, standing, wanted, found.groups)
    rows = [*guards.holds, *map(KeyHolds, leaves.new_keys({row.key for row in guards.holds}))]
    then_held = {id_: hold for row in rows for id_, hold in leaves.of(row, estate.read_at).holds.items()}
    pauses = _pauses_then(guards.pauses, standing)
    changes = tuple(
        sorted(
            (
                change_of(action, drift.enforced, then_held, pauses)
                for actions in drift.actions.values()
                for action in actions
            ),
            key=lambda one: (one.profile.folded, one.key.canonical),
        )
    )
    return Planned(
        as_of=estate.read_at,
        policy=app.policy.digest,
        swept=guards.swept,
        identities_known=guards.identities_known,
        complete=standing.complete and not standing.lost,
        failures=tuple(estate.all_failures),
        people=len(estate.people.keys() | estate.unreadable.keys() | estate.passed_over),
        profiles=len(estate.catalogue.profiles),
        changes=changes,
        soon=_soon(drift),
        rooms=found.rooms,
        would_hold=found.would_hold,
        pauses=pauses,
        unknown_rules=estate.catalogue.unknown_rules or {},
        recipients=recipients(estate.rows, changes),
        names={},
        profile_names={one.key: one.display_name for one in estate.catalogue.profiles},
    )


def _pauses_then(pauses: Pauses, standing: Trust) -> Pauses:
    """The pauses that stand once a sweep has ended what is over and set what it found."""
    active = dict(still_standing(pauses, standing).active)
    for pause, why in standing.pauses.items():
        active.setdefault(pause, Setting(standing.started, standing.sweep_id, why))
    return Pauses(active)


def _soon(drift: Drift) -> tuple[tuple[PersonKey, datetime], ...]:
    found = [(key, at) for key, at in drift.soon.items() if isinstance(key, PersonKey)]
    return tuple(sorted(found, key=lambda one: (one[1], one[0].object_id)))


async def _with_names(
    app: App, estate: Estate, planned: Planned, changes: Iterable[Change], named: Collection[str] = ()
) -> Planned:
    """The plan with the names of everybody in it: as the directory says now, or as a view last showed them."""
    keys = (*(one.key for one in changes), *(key for key, _ in planned.soon))
    ids = {*named, *(key.object_id for key in keys if isinstance(key, PersonKey))}
    ids |= {setting.by for setting in planned.pauses.active.values() if is_guid(setting.by)}
    names = {one: name for one in ids & estate.people.keys() if (name := _name(estate.people[one])) is not None}
    if names.keys() != ids:
        names |= {one: called.best for one, called in (await app.state.names()).items() if one in ids - names.keys()}
    return replace(planned, names=names)


def _name(person: Person) -> str | None:
    return person.display_name or person.user_principal_name
