"""Decisions that take two people: what one proposed, and whether it is still that which another one confirms.

Lives here: when two are needed, what a proposal is about, and how that moved. Pure. `services.operate.two_people`
stores proposals.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.access.plan import StoppedBy
from shared.domain.guards.hold_listing import Difference
from shared.domain.guards.holds import Hold, Status
from shared.domain.guards.pauses import Pause, Setting
from shared.domain.keys import PersonKey
from shared.domain.policy.model import Always, TwoPeople
from shared.domain.reasons import Code, Reason

STANDS: Final = timedelta(days=7)
"""How long a proposal waits for another operator: a week, in which somebody else is at work for certain."""


class Deed(StrEnum):
    """What may be proposed. A pause needs one person only."""

    RELEASE = "release"
    DISMISS = "dismiss"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class Item:
    """A part of what a decision is about, as it is now: the digest of what an operator saw, since when, and what."""

    digest: str
    since: datetime
    what: Reason


@dataclass(frozen=True, slots=True)
class Proposal:
    """What an operator proposed. `by` is their object id.

    `names` are the holds and groups that were named, or the part whose pauses are to end; None is everything. `listed`
    has the digest of each item that it is about, by the hold's id or the pause's name.
    """

    deed: Deed
    names: tuple[str, ...] | None
    listed: Mapping[str, str]
    by: str
    at: datetime
    why: str = ""

    @property
    def ends(self) -> datetime:
        """When it ends by itself."""
        return self.at + STANDS

    @property
    def digest(self) -> str:
        """The SHA-256 over the deed and what it is about."""
        return _sha256([self.deed.value, sorted(self.listed.items())])


@dataclass(frozen=True, slots=True)
class Proposals:
    """The proposals that nobody confirmed yet; one that ended may be among them."""

    all: tuple[Proposal, ...] = ()

    def standing(self, now: datetime) -> tuple[Proposal, ...]:
        """Those that did not end."""
        return tuple(one for one in self.all if now < one.ends)

    def having(self, proposal: Proposal, now: datetime) -> "Proposals":
        """These and another one, without what ended."""
        return Proposals((*self.without(proposal).standing(now), proposal))

    def without(self, proposal: Proposal) -> "Proposals":
        """These without one of them."""
        return Proposals(tuple(one for one in self.all if (one.deed, one.digest) != (proposal.deed, proposal.digest)))

    def of(self, made: Proposal, now: datetime) -> Proposal | None:
        """The standing proposal of the same: the very same, else of the same deed about the same names."""
        same = [one for one in self.standing(now) if one.deed is made.deed]
        exact = [one for one in same if one.digest == made.digest]
        named = [one for one in same if one.names == made.names]
        return next(iter([*exact, *named]), None)


def needs_two(rule: TwoPeople | None, deed: Deed, holds: Collection[Hold] = (), every: Collection[Hold] = ()) -> bool:
    """Whether a decision takes two people: `holds` are those that it changes, `every` all that there are.

    Of a group everything counts that still waits: whoever decides about one after the other decides about all of it.
    """
    if rule is None:
        return False
    if deed is Deed.RESUME:
        return Always.RESUME in rule.always
    groups = {hold.group for hold in holds if hold.group}
    beside = {hold.id for hold in every if hold.group in groups and hold.status is Status.OPEN}
    many = rule.above is not None and len(beside.union(hold.id for hold in holds)) > rule.above
    return many or (Always.POLICY in rule.always and any(hold.stopped_by is StoppedBy.POLICY for hold in holds))


def about_oneself(holds: Iterable[Hold], by: str) -> list[Difference]:
    """The holds of somebody's own access, about which they do not decide."""
    return [
        Difference(hold.id, Code.OWN_ACCESS(profile=str(hold.profile)))
        for hold in holds
        if isinstance(hold.key, PersonKey) and hold.key.object_id == by.lower()
    ]


def of_holds(holds: Iterable[Hold]) -> dict[str, Item]:
    """What a decision about holds is about. That one is wanted once more changes nothing of it."""
    return {
        hold.id: Item(
            _sha256([hold.since.isoformat(), None if hold.basis is None else hold.basis.as_json()])[:16],
            hold.since,
            Code.HELD(kind=hold.kind.value, profile=str(hold.profile), because=hold.basis or hold.why),
        )
        for hold in holds
    }


def about_all(holds: Iterable[Hold], proposals: Iterable[Proposal]) -> Proposal | None:
    """The proposal that is about all of these holds."""
    ids = {hold.id for hold in holds}
    return next((one for one in proposals if one.deed is not Deed.RESUME and ids <= one.listed.keys()), None)


def of_pauses(pauses: Mapping[Pause, Setting]) -> dict[str, Item]:
    """What a resume is about: each pause, since when it stands, and how many people it says there are."""
    return {
        str(pause): Item(_sha256([one.since.isoformat(), one.seen])[:16], one.since, one.why)
        for pause, one in pauses.items()
    }


def listed(items: Mapping[str, Item]) -> dict[str, str]:
    """What a proposal keeps of what it is about."""
    return {name: item.digest for name, item in items.items()}


def moved(proposal: Proposal, items: Mapping[str, Item], done: Collection[str] = ()) -> list[Difference]:
    """How what is there differs from what was proposed. What this very decision has done is left out."""
    found = [Difference(name, Code.HOLD_GONE()) for name in proposal.listed if name not in items and name not in done]
    for name, item in items.items():
        if name not in proposal.listed:
            found.append(Difference(name, Code.NOT_PROPOSED(since=item.since.isoformat(), held=item.what)))
        elif proposal.listed[name] != item.digest:
            found.append(Difference(name, Code.HOLD_CHANGED(since=item.since.isoformat(), held=item.what)))
    return found


def _sha256(meaning: object) -> str:
    return hashlib.sha256(json.dumps(meaning).encode()).hexdigest()
