"""A plan for the whole estate: what the next sweep would do, or what another policy would do in its place.

Lives here: the values of the answer, and what is worked out of an estate's actions alone. Nobody acts on a plan; it has
names, so that it is shown and not stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from shared.domain.access.plan import Strength
from shared.domain.billing import Assignment
from shared.domain.guards.holds import Hold, Status
from shared.domain.guards.pauses import Pauses, stops
from shared.domain.guards.sweep_holds import SweepAction, changed_rules, is_stopped
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.load import rule_digests
from shared.domain.policy.model import ActionKind, Policy, Room
from shared.domain.reasons import Code, Reason
from shared.domain.recipients import is_recipient


class Do(StrEnum):
    """What a change does."""

    GIVE = "give"
    REMOVE = "remove"
    TURN_ON = "turn_on"
    """Invoice mail of a profile."""


DOES: Final[Mapping[ActionKind, Do]] = {
    ActionKind.GRANTS: Do.GIVE,
    ActionKind.MOVER_REVOKES: Do.REMOVE,
    ActionKind.LEAVER_REVOKES: Do.REMOVE,
    ActionKind.PROFILE_UPDATES: Do.TURN_ON,
}


class WaitKind(StrEnum):
    """What a change waits for."""

    HOLD = "hold"
    """A person's decision."""
    PAUSE = "pause"
    OBSERVED = "observe"
    """A policy that enforces the profile: nothing is written there."""
    GRACE = "grace"
    """The end of a mover's period of grace."""
    DISMISSED = "dismissed"
    """Nothing: a person decided that it is not done."""


@dataclass(frozen=True, slots=True)
class Wait:
    """What a change waits for: the group or the id of a hold, the pause, or the moment until which there is grace.

    `why` is a hold's or a pause's, None where nothing has one yet.
    """

    kind: WaitKind
    on: str = ""
    why: Reason | None = None

    def __str__(self) -> str:
        return self.on if self.kind is WaitKind.HOLD else f"{self.kind}: {self.on}" if self.on else self.kind.value


@dataclass(frozen=True, slots=True)
class Change:
    """One change to billing. `rules` give it, or gave what it takes away; none where nobody remembers.

    `id` is the action's, which its hold has as well. `basis` is what it rests on, None where only a check can tell.
    """

    id: str
    kind: ActionKind
    key: PersonKey | ProfileKey
    profile: ProfileKey
    why: Reason
    rules: tuple[str, ...] = ()
    waits: Wait | None = None
    basis: Reason | None = None

    @property
    def do(self) -> Do:
        """What it does."""
        return DOES[self.kind]

    @property
    def is_open(self) -> bool:
        """Whether it is done sooner or later, unless somebody decides otherwise."""
        return self.waits is None or self.waits.kind is not WaitKind.DISMISSED

    @property
    def is_observed(self) -> bool:
        """Whether it is on a profile where nothing is written."""
        return self.waits is not None and self.waits.kind is WaitKind.OBSERVED


@dataclass(frozen=True, slots=True)
class Recipients:
    """How many people receive a profile's invoices, now and once every change is made."""

    before: int
    after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What the next sweep would have done.

    `failures` are the reads that failed: then it is not `complete`. `people` and `profiles` count what was read. `soon`
    are people for whom the answer changes by itself before the sweep after, with the moment. `rooms` say for each kind
    what is wanted, left and allowed in 24 h; `would_hold` what enforcing everything would hold. `pauses` are those that
    stand then. `unknown_rules` are not known, each with why. `recipients` are of the profiles that change. `names` are
    of everybody in it as far as anybody knows them, `profile_names` of every profile. `policy` is the digest of the
    policy that this is planned by, `swept` of the one that the latest sweep which could judge its rules went by.
    `identities_known` is whether a sweep said under which identity the app works; else it is whoever plans.
    """

    as_of: datetime
    policy: str
    swept: str | None
    identities_known: bool
    complete: bool
    failures: tuple[Reason, ...]
    people: int
    profiles: int
    changes: tuple[Change, ...]
    soon: tuple[tuple[PersonKey, datetime], ...]
    rooms: Mapping[ActionKind, Room]
    would_hold: Mapping[ActionKind, Room]
    pauses: Pauses
    unknown_rules: Mapping[str, tuple[Reason, ...]]
    recipients: Mapping[ProfileKey, Recipients]
    names: Mapping[str, str]
    profile_names: Mapping[ProfileKey, str]

    def now(self) -> list[Change]:
        """The changes that wait for nothing."""
        return [one for one in self.changes if one.waits is None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDifference:
    """How one policy differs from another: names of rules, and other keys as the file has them."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()

    @property
    def is_none(self) -> bool:
        """Whether both mean the same."""
        return not (self.added or self.removed or self.changed or self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What another policy would do in place of the one in force, whose digest is `in_force`.

    `planned` has what only the other one does, also what waits under one of them alone; `stay` what both do alike,
    `no_longer` what only the one in force does.
    """

    in_force: str
    difference: PolicyDifference
    planned: Planned
    no_longer: tuple[Change, ...]
    stay: tuple[Change, ...]


def change_of(
    action: SweepAction, enforced: AbstractSet[ProfileKey], holds: Mapping[str, Hold], pauses: Pauses
) -> Change:
    """An action of a sweep as a change, with the holds and the pauses that there are then."""
    # Only a check can say of somebody whom no rule lists whether they left; and only of them there is no reason yet.
    unsaid = Code.OPTED_OUT() if action.kind is ActionKind.PROFILE_UPDATES else Code.NO_RULE_LISTS_THEM()
    return Change(
        action.id,
        action.kind,
        action.key,
        action.profile,
        action.basis or unsaid,
        tuple(sorted(action.rules)),
        _wait(action, enforced, holds.get(action.id), pauses),
        action.basis,
    )


def _wait(action: SweepAction, enforced: AbstractSet[ProfileKey], hold: Hold | None, pauses: Pauses) -> Wait | None:
    if action.profile not in enforced:
        return Wait(WaitKind.OBSERVED)
    if hold is not None and is_stopped(action, hold):
        is_over = hold.status is Status.DISMISSED
        return Wait(WaitKind.DISMISSED, hold.by) if is_over else Wait(WaitKind.HOLD, hold.group or hold.id, hold.why)
    # Whom a listing shows as a leaver is one on strong evidence.
    strength = Strength.STRONG if action.kind is ActionKind.LEAVER_REVOKES else None
    paused = stops(pauses, action.kind, strength, action.profile)
    if paused is not None:
        return Wait(WaitKind.PAUSE, str(paused[0]), paused[1].why)
    if action.until is not None:
        return Wait(WaitKind.GRACE, action.until.isoformat())
    if action.asks_first and (hold is None or hold.status is not Status.RELEASED):
        return Wait(WaitKind.HOLD, action.id)  # the check makes this hold
    return None


def recipients(
    rows: Mapping[ProfileKey, Sequence[Assignment]], changes: Iterable[Change]
) -> dict[ProfileKey, Recipients]:
    """How many people receive the invoices of each profile that changes, before and after all that is not dismissed."""
    gives: dict[ProfileKey, set[str]] = {}
    takes: dict[ProfileKey, set[str]] = {}
    for change in changes:
        if change.is_open and isinstance(change.key, PersonKey):
            to = gives if change.do is Do.GIVE else takes
            to.setdefault(change.profile, set()).add(change.key.object_id)
    found: dict[ProfileKey, Recipients] = {}
    for profile in sorted(gives.keys() | takes.keys()):
        people = [row for row in rows.get(profile, ()) if is_recipient(row)]
        managers = {row.principal_id for row in people if row.is_invoice_manager}
        others = {row.principal_id for row in people if not row.is_invoice_manager}
        after = managers - takes.get(profile, set()) | gives.get(profile, set()) | others
        found[profile] = Recipients(len(managers | others), len(after))
    return found


def policy_differences(before: Policy, now: Policy) -> PolicyDifference:
    """How a policy differs from the one before, by its meaning."""
    old, new = rule_digests(before), rule_digests(now)
    keys = {
        "accounts": (before.accounts, now.accounts),
        "enforce": (before.enforce, now.enforce),
        "email_invoicing.opt_in": (before.opt_in, now.opt_in),
        "email_invoicing.min_recipients": (before.min_recipients, now.min_recipients),
        "email_invoicing.check_days": (before.check_days, now.check_days),
        "employment.lead_days": (before.lead_days, now.lead_days),
        "employment.mover_grace_hours": (before.mover_grace_hours, now.mover_grace_hours),
        "employment.stale_leave_days": (before.stale_leave_days, now.stale_leave_days),
        "employment.time_zone": (before.time_zone, now.time_zone),
        "employment.date_zones": (before.date_zones, now.date_zones),
        "protected": (before.protected, now.protected),
        "daily_limits": (dict(before.daily_limits), dict(now.daily_limits)),
        "decisions.two_people": (before.two_people, now.two_people),
    }
    both = old.keys() & new.keys()
    return PolicyDifference(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=tuple(sorted(both & changed_rules(old, new))),
        keys=tuple(key for key, (was, is_now) in keys.items() if was != is_now),
    )


@dataclass(frozen=True, slots=True)
class Differences:
    """What differs between two plans of an estate: what the second does anew or otherwise, what both do, what it drops.

    A change is another one where it waits under one of them and not under the other, or is only observed there.
    """

    new: tuple[Change, ...]
    stay: tuple[Change, ...]
    no_longer: tuple[Change, ...]


def between(before: Iterable[Change], after: Sequence[Change]) -> Differences:
    """What differs between the changes of two plans. Those that stay are as the second has them."""
    was = {one.id: one for one in before}
    is_now = {one.id: one for one in after}
    alike = {one.id for one in after if one.id in was and _state(was[one.id]) == _state(one)}
    return Differences(
        new=tuple(one for one in after if one.id not in alike),
        stay=tuple(one for one in after if one.id in alike),
        no_longer=tuple(
            one for one in was.values() if one.id not in is_now or (is_now[one.id].is_observed and not one.is_observed)
        ),
    )


def _state(change: Change) -> str:
    """Whether it is made by itself, waits for whatever it is, is only observed or was dismissed."""
    if change.waits is None:
        return "now"
    return "waits" if change.is_open and not change.is_observed else change.waits.kind.value
