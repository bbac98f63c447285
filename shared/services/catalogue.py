"""Keeps the profile catalogue at hand: from the store, or read anew where the stored one is too old to trust."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.domain.access.near_misses import Vocabulary
from shared.domain.access.rules import managed_accounts
from shared.domain.billing import BillingAccount, BillingProfile, manageable_of
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.policy.model import Policy
from shared.domain.reasons import Code, Reason
from shared.errors import AccessLost, Conflict
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
    lost: Mapping[str, Reason] = field(default_factory=dict)

    @property
    def in_sight(self) -> frozenset[str]:
        """The accounts, lower-case, of which profiles were listed."""
        return frozenset(profile.key.account.lower() for profile in self.profiles)

    def catalogue(self, read_at: datetime, before: Catalogue | None) -> Catalogue:
        """The catalogue of it, of which no rule is known. Of lost accounts it keeps what was known `before`.

        They are there all the same: a sweep that could not look has not seen that something is gone.
        """
        # A catalogue is kept for hours, and only an update sends raw properties back: of a profile that it read itself.
        profiles = tuple(replace(profile, properties={}) for profile in self.profiles)
        if before is None or not self.lost:
            return Catalogue(read_at, self.accounts, profiles)
        listed = {account.name.lower() for account in self.accounts}
        seen = {profile.key for profile in self.profiles}
        kept = [one for one in before.profiles if one.key.account.lower() in self.lost and one.key not in seen]
        accounts = [one for one in before.accounts if one.name.lower() in self.lost.keys() - listed]
        roles = {one.key: before.other_roles[one.key] for one in kept if one.key in before.other_roles}
        return Catalogue(read_at, (*self.accounts, *accounts), (*profiles, *kept), other_roles=roles)


async def read_profiles(billing: Billing, policy: Policy) -> ListedProfiles:
    """Reads every account, and every profile of the managed ones. Raises what a read does, but not for a lost role."""
    accounts = tuple(await billing.accounts())
    managed = managed_accounts(policy, manageable_of(accounts))
    profiles: list[BillingProfile] = []
    lost: dict[str, Reason] = {}
    for account in accounts:
        if account.name.lower() in managed:
            try:
                profiles += await billing.profiles(account.name)
            except AccessLost as failure:
                lost[account.name.lower()] = Code.SAID(said=str(failure))
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
    _reading: tuple[datetime, asyncio.Task[Catalogue]] | None = None
    """Since when somebody reads it, and that read: everybody who needs it meanwhile waits for the same one."""

    async def current(self, now: datetime, *, not_before: datetime | None = None) -> Catalogue:
        """The catalogue, at most `max_age` old.

        `not_before` asks the store again if the copy was taken before then (a sweep's own findings must not be checked
        at through an older catalogue). A catalogue that is missing or too old is replaced by a fresh read of accounts
        and profiles, of which no rule is known: grants go on, what a rule gave stays until the rules are judged.

        One read serves everybody who waits for it, and goes on when one of them is cancelled. Its failure is raised to
        all of them, and kept for nobody else.
        """
        copy = self._copy
        if copy is not None and not self._is_stale(now, not_before) and not self._is_too_old(copy, now):
            return copy
        reading = self._reading
        if reading is None or (not_before is not None and reading[0] < not_before):
            reading = self._reading = now, asyncio.create_task(self._read(now))
            reading[1].add_done_callback(self._have_read)
        return await asyncio.shield(reading[1])

    async def _read(self, now: datetime) -> Catalogue:
        taken_at = self._taken_at
        found = await self.state.catalogue()
        if found is None or self._is_too_old(found, now):
            fresh = (await read_profiles(self.billing, self.policy)).catalogue(now, found)
            try:
                await self.state.put_catalogue_over(found, fresh)
                found = fresh
            except Conflict:
                # Another instance was faster, or a sweep, which knows the rules as well.
                found = await self.state.catalogue()
                if found is None or self._is_too_old(found, now):
                    raise
        if self._taken_at == taken_at or self._taken_at < now:  # else a sweep here stored what is newer
            self._copy, self._taken_at = found, now
        return found

    def _have_read(self, task: asyncio.Task[Catalogue]) -> None:
        if self._reading is not None and self._reading[1] is task:
            self._reading = None
        if not task.cancelled():
            task.exception()  # whoever waits has it; where nobody does any more, it is nobody's

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

    def _is_too_old(self, catalogue: Catalogue, now: datetime) -> bool:
        # Either way round: another instance's clock may be ahead of ours.
        return abs(now - catalogue.read_at) > self.max_age

    def _is_stale(self, now: datetime, not_before: datetime | None) -> bool:
        if not_before is not None and self._taken_at < not_before:
            return True
        return not timedelta(0) <= now - self._taken_at < _MEMORY
