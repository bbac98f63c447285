"""Keeps the profile catalogue at hand: from the store, or read anew where the stored one is too old to trust."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.near_misses import Vocabulary
from shared.domain.policy import Policy
from shared.domain.rules import managed_accounts
from shared.domain.selectors import pick
from shared.ports import Billing, State

_NEVER: Final = datetime.min.replace(tzinfo=UTC)

_MEMORY: Final = timedelta(seconds=30)
"""How long a process trusts its own copy before it asks the store again: a sweep may have run elsewhere."""


async def read_profiles(
    billing: Billing, policy: Policy
) -> tuple[tuple[BillingAccount, ...], tuple[BillingProfile, ...]]:
    """Reads every account, and every profile of the managed ones (with their raw properties)."""
    accounts = tuple(await billing.accounts())
    managed = managed_accounts(policy, accounts)
    profiles: list[BillingProfile] = []
    for account in accounts:
        if account.name.lower() in managed:
            profiles += await billing.profiles(account.name)
    return accounts, tuple(profiles)


def enforced_profiles(policy: Policy, catalogue: Catalogue) -> frozenset[ProfileKey]:
    """The profiles on which the policy says `enforce`; everywhere else the app only observes."""
    return frozenset(profile.key for profile in pick(policy.enforce, catalogue.profiles).profiles)


@dataclass(slots=True)
class CatalogueShelf:
    """One process's copy of the catalogue."""

    state: State
    billing: Billing
    policy: Policy
    max_age: timedelta
    _copy: Catalogue | None = None
    _vocabulary: tuple[Policy, Catalogue, Vocabulary] | None = None
    _taken_at: datetime = _NEVER

    async def current(self, now: datetime, *, not_before: datetime | None = None) -> Catalogue:
        """The catalogue, at most `max_age` old.

        `not_before` asks the store again if the copy was taken before then (a sweep's own findings must not be looked
        at through an older catalogue). A catalogue that is missing or too old is replaced by a fresh read of accounts
        and profiles, of which no rule is known: grants go on, what a rule gave stays until the rules are judged.
        """
        copy = self._copy
        if copy is None or self._is_stale(now, not_before):
            copy = await self.state.catalogue()
        # Either way round: another instance's clock may be ahead of ours.
        if copy is None or abs(now - copy.read_at) > self.max_age:
            accounts, profiles = await read_profiles(self.billing, self.policy)
            copy = Catalogue(read_at=now, accounts=accounts, profiles=profiles)
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
