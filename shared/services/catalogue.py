"""Keeps the profile catalogue at hand: from the store, or read anew where the stored one is too old to trust."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.domain.access.near_misses import Vocabulary
from shared.domain.access.rules import managed_accounts
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.policy.model import Policy
from shared.errors import AccessLost
from shared.ports import Billing, State

_NEVER: Final = datetime.min.replace(tzinfo=UTC)

_MEMORY: Final = timedelta(seconds=30)
"""How long a process trusts its own copy before it asks the store again: a sweep may have run elsewhere."""


@dataclass(frozen=True, slots=True)
class ListedProfiles:
    """What one bulk read of billing listed: every account, and the profiles of the managed ones with raw properties.

    `lost` are the accounts, lower-case, of which our role lets us list no profile any more, each with the refusal.
    """

    accounts: tuple[BillingAccount, ...]
    profiles: tuple[BillingProfile, ...]
    lost: Mapping[str, str] = field(default_factory=dict)

    @property
    def in_sight(self) -> frozenset[str]:
        """The accounts, lower-case, of which profiles were listed."""
        return frozenset(profile.key.account.lower() for profile in self.profiles)

    def catalogue(self, read_at: datetime, before: Catalogue | None) -> Catalogue:
        """The catalogue of it, of which no rule is known. Of lost accounts it keeps what was known `before`.

        They are there all the same: who could not check has not seen that something is gone.
        """
        if before is None or not self.lost:
            return Catalogue(read_at, self.accounts, self.profiles)
        listed = {account.name.lower() for account in self.accounts}
        seen = {profile.key for profile in self.profiles}
        kept = [one for one in before.profiles if one.key.account.lower() in self.lost and one.key not in seen]
        accounts = [one for one in before.accounts if one.name.lower() in self.lost.keys() - listed]
        roles = {one.key: before.other_roles[one.key] for one in kept if one.key in before.other_roles}
        return Catalogue(read_at, (*self.accounts, *accounts), (*self.profiles, *kept), other_roles=roles)


async def read_profiles(billing: Billing, policy: Policy) -> ListedProfiles:
    """Reads every account, and every profile of the managed ones. Raises what a read does, but not for a lost role."""
    accounts = tuple(await billing.accounts())
    managed = managed_accounts(policy, accounts)
    profiles: list[BillingProfile] = []
    lost: dict[str, str] = {}
    for account in accounts:
        if account.name.lower() in managed:
            try:
                profiles += await billing.profiles(account.name)
            except AccessLost as failure:
                lost[account.name.lower()] = str(failure)
    return ListedProfiles(accounts, tuple(profiles), lost)


def enforced_profiles(policy: Policy, catalogue: Catalogue) -> frozenset[ProfileKey]:
    """The profiles on which the policy says `enforce`; everywhere else the app only observes."""
    return catalogue.index.keys(policy.enforce)


@dataclass(slots=True)
class CatalogueStore:
    """One process's copy of the catalogue."""

    state: State
    billing: Billing
    policy: Policy
    max_age: timedelta
    _copy: Catalogue | None = None
    _vocabulary: tuple[Policy, Catalogue, Vocabulary] | None = None
    _taken_at: datetime = _NEVER
    """When the copy was taken out of the store, or read: using it makes it no younger."""

    async def current(self, now: datetime, *, not_before: datetime | None = None) -> Catalogue:
        """The catalogue, at most `max_age` old.

        `not_before` asks the store again if the copy was taken before then (a sweep's own findings must not be checked
        at through an older catalogue). A catalogue that is missing or too old is replaced by a fresh read of accounts
        and profiles, of which no rule is known: grants go on, what a rule gave stays until the rules are judged.
        """
        copy = self._copy
        if copy is None or self._is_stale(now, not_before):
            copy = await self.state.catalogue()
            self._copy, self._taken_at = copy, now
        # Either way round: another instance's clock may be ahead of ours.
        if copy is None or abs(now - copy.read_at) > self.max_age:
            copy = (await read_profiles(self.billing, self.policy)).catalogue(now, copy)
            await self.state.put_catalogue(copy)
            self._copy, self._taken_at = copy, now
        return copy

    def vocabulary(self, policy: Policy, catalogue: Catalogue) -> Vocabulary:
        """The texts with which a policy compares people; made once for a catalogue."""
        kept = self._vocabulary
        if kept is None or kept[0] is not policy or kept[1] is not catalogue:
            kept = self._vocabulary = (policy, catalogue, Vocabulary.of(policy, catalogue))
        return kept[2]

    async def put(self, catalogue: Catalogue, now: datetime) -> None:
        """Stores a catalogue whose rules were judged."""
        await self.state.put_catalogue(catalogue)
        self._copy, self._taken_at = catalogue, now

    def _is_stale(self, now: datetime, not_before: datetime | None) -> bool:
        if not_before is not None and self._taken_at < not_before:
            return True
        return not timedelta(0) <= now - self._taken_at < _MEMORY
