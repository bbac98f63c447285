"""Observing: billing whose writes are not sent, but seen by the reads of the same check.

Lives here: the wrapper that decides per profile whether a write goes through. Nothing else keeps a write back. For an
observed one the guard reserves nothing, and whoever makes it remembers nothing before (decision 38). One wrapper lives
for one check: what was not written is forgotten with it, and is never evidence of ownership.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from shared.domain.access.opt_in import FLAG
from shared.domain.access.ownership import ManagedAssignment
from shared.domain.billing import (
    INVOICE_MANAGER,
    AccountAssignments,
    Assignment,
    Assignments,
    BillingAccount,
    BillingProfile,
    Written,
)
from shared.domain.keys import ProfileKey
from shared.ports import Billing


class DryRunBilling:
    """Implements `shared.ports.Billing` over another one.

    Args:
        billing: what reads come from, and where the writes of enforced profiles go.
        enforced: whether writes to a profile are sent.

    The other writes answer `Written.WOULD`, and later reads through this wrapper show them as done: a granted
    assignment as made by us (unless there was one), a revoked one gone, a profile opted in.
    """

    def __init__(self, billing: Billing, enforced: Callable[[ProfileKey], bool]) -> None:
        self._billing = billing
        self._enforced = enforced
        self._granted: dict[tuple[ProfileKey, str], Assignment] = {}
        self._revoked: set[tuple[ProfileKey, str]] = set()
        self._opted_in: set[ProfileKey] = set()

    # -- reads

    async def identities(self) -> frozenset[str]:
        """See `shared.ports.Billing`."""
        return await self._billing.identities()

    async def tenant(self) -> str:
        """See `shared.ports.Billing`."""
        return await self._billing.tenant()

    def service_time(self) -> datetime | None:
        """See `shared.ports.Billing`."""
        return self._billing.service_time()

    async def accounts(self) -> Sequence[BillingAccount]:
        """See `shared.ports.Billing`."""
        return await self._billing.accounts()

    async def profiles(self, account: str) -> Sequence[BillingProfile]:
        """See `shared.ports.Billing`."""
        return [self._as_opted_in(profile) for profile in await self._billing.profiles(account)]

    async def profile(self, key: ProfileKey) -> BillingProfile | None:
        """See `shared.ports.Billing`."""
        profile = await self._billing.profile(key)
        return None if profile is None else self._as_opted_in(profile)

    async def assignment(self, profile: ProfileKey, principal_id: str) -> Assignment | None:
        """See `shared.ports.Billing`."""
        live = await self._billing.assignment(profile, principal_id)
        if live is not None and not self._is_revoked(live):
            return live
        return self._granted.get((profile, principal_id.lower()))

    async def assignments(self, profile: ProfileKey) -> Assignments:
        """See `shared.ports.Billing`."""
        found = await self._billing.assignments(profile)
        live = [row for row in found if not self._is_revoked(row)]
        managers = {row.principal_id for row in live if row.is_invoice_manager}
        granted = [
            row
            for (where, principal_id), row in self._granted.items()
            if where == profile and principal_id not in managers
        ]
        return replace(found, rows=(*live, *granted))

    async def account_assignments(self, account: str) -> AccountAssignments:
        """See `shared.ports.Billing`."""
        return await self._billing.account_assignments(account)

    # -- writes

    async def grant_invoice_manager(self, profile: ProfileKey, principal_id: str) -> Written:
        """See `shared.ports.Billing`."""
        if self._enforced(profile):
            return await self._billing.grant_invoice_manager(profile, principal_id)
        principal_id = principal_id.lower()
        self._granted[profile, principal_id] = Assignment(
            profile=profile,
            name=f"{INVOICE_MANAGER}_{principal_id}",
            role=INVOICE_MANAGER,
            principal_id=principal_id,
            created_by=min(await self._billing.identities(), default=None),
        )
        return Written.WOULD

    async def revoke_invoice_manager(self, assignment: ManagedAssignment) -> Written:
        """See `shared.ports.Billing`."""
        if self._enforced(assignment.profile):
            return await self._billing.revoke_invoice_manager(assignment)
        row = assignment.assignment
        self._revoked.add((row.profile, row.name.lower()))
        self._granted.pop((row.profile, row.principal_id), None)
        return Written.WOULD

    async def opt_in(self, profile: BillingProfile) -> BillingProfile | None:
        """See `shared.ports.Billing`."""
        if self._enforced(profile.key):
            return await self._billing.opt_in(profile)
        self._opted_in.add(profile.key)
        return None

    def _is_revoked(self, row: Assignment) -> bool:
        return (row.profile, row.name.lower()) in self._revoked

    def _as_opted_in(self, profile: BillingProfile) -> BillingProfile:
        if profile.key not in self._opted_in:
            return profile
        return replace(profile, invoice_email_opt_in=True, properties={**profile.properties, FLAG: True})
