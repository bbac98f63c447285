"""A company of thousands of billing profiles, cheap enough for a test: billing as a table in memory, with its own pace.

Lives here: `Books`, which is `ports.Billing` without the wire, and a stage on it. Expectations are the tests' own.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.adapters.billing.observed import DryRunBilling
from shared.domain.access.ownership import ManagedAssignment
from shared.domain.billing import (
    INVOICE_MANAGER,
    AccountAssignment,
    AccountAssignments,
    Assignment,
    Assignments,
    BillingAccount,
    BillingProfile,
    Written,
)
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.errors import InvoiceAccessError
from shared.ports import Billing, Clock
from shared.services.catalogue import CatalogueStore
from tests.simulation.small_world import APP, MCA, POLICY, TENANT
from tests.simulation.stage import Stage
from tests.simulation.work_queues import Message

READ_SECONDS: Final = 0.2
WRITE_SECONDS: Final = 0.3

ACCOUNT_OWNER: Final = "50000000-aaaa-bbbb-cccc-100000000000"

AMPLE: Final = "9999/9999/100"

COMPANIES: Final = ("Contoso Nederland", "Contoso Deutschland", "Fabrikam")
"""The companies of the first profiles; all others belong to none."""


def everything(**daily_limits: str) -> str:
    """The usual policy, but Treasury is given every profile; other daily limits than the named ones are ample."""
    names = ("grants", "mover_revokes", "leaver_revokes")
    said = ", ".join(f"{name}: {daily_limits.get(name, AMPLE)}" for name in names)
    policy = POLICY.replace('profiles: [{ name: "Contoso Holding" }]', "profiles: all")
    return f"{policy.replace('opt_in: all', 'opt_in: none')}daily_limits: {{ {said} }}\n"


class Books:
    """`ports.Billing` in memory. Each read and write takes its time.

    `begun` are the times at which writes began, `checks` those of checks; `reads` counts reads of one assignment.
    `fails` says of a profile what reading or writing there raises. `says_who` is whether rows say who made them.
    """

    def __init__(self, clock: Clock, count: int) -> None:
        self._clock = clock
        keys = [ProfileKey(MCA, f"P{number:04}-BG7") for number in range(count)]
        self.listed = {
            key: BillingProfile(
                key,
                f"Profile {number}",
                "Active",
                invoice_email_opt_in=True,
                tags={"company": COMPANIES[number]} if number < len(COMPANIES) else {},
            )
            for number, key in enumerate(keys)
        }
        self.rows: dict[ProfileKey, dict[str, Assignment]] = {key: {} for key in keys}
        self.read_seconds, self.write_seconds = READ_SECONDS, WRITE_SECONDS
        self.begun: list[datetime] = []
        self.checks: list[datetime] = []
        self.written: list[tuple[str, ProfileKey, str]] = []
        self.reads = 0
        self.fails: Callable[[ProfileKey], InvoiceAccessError | None] = lambda _: None
        self.says_who = True

    def give(self, person: str, keys: Iterable[ProfileKey], *, by: str = APP) -> None:
        """Makes somebody Invoice manager, as of now."""
        for key in keys:
            self.rows[key][person] = self._row(key, person, by)

    def held(self, person: str) -> set[ProfileKey]:
        """Where somebody is Invoice manager."""
        return {key for key, rows in self.rows.items() if person in rows}

    def _row(self, key: ProfileKey, person: str, by: str) -> Assignment:
        return Assignment(
            key,
            f"{INVOICE_MANAGER}_{person}",
            INVOICE_MANAGER,
            person,
            "User",
            by if self.says_who else None,
            self._clock.now().replace(microsecond=0),
        )

    # -- ports.Billing

    async def identities(self) -> frozenset[str]:
        return frozenset({APP})

    async def tenant(self) -> str:
        return TENANT

    def service_time(self) -> datetime | None:
        return self._clock.now().replace(microsecond=0)

    async def accounts(self) -> Sequence[BillingAccount]:
        return [BillingAccount(MCA, "Contoso", "MicrosoftCustomerAgreement", "Active")]

    async def profiles(self, account: str) -> Sequence[BillingProfile]:
        return [profile for key, profile in self.listed.items() if key.account == account]

    async def profile(self, key: ProfileKey) -> BillingProfile | None:
        return self.listed.get(key)

    async def assignment(self, profile: ProfileKey, principal_id: str) -> Assignment | None:
        self.reads += 1
        await self._work(profile, self.read_seconds)
        return self.rows[profile].get(principal_id)

    async def assignments(self, profile: ProfileKey) -> Assignments:
        return Assignments(tuple(self.rows[profile].values()))

    async def account_assignments(self, account: str) -> AccountAssignments:
        owner = AccountAssignment(account=account, name=f"{ACCOUNT_OWNER}_{APP}", role=ACCOUNT_OWNER, principal_id=APP)
        return AccountAssignments((owner,))

    async def grant_invoice_manager(self, profile: ProfileKey, principal_id: str) -> Written:
        await self._write("grant", profile, principal_id)
        self.give(principal_id, [profile])
        return Written.DONE

    async def revoke_invoice_manager(self, assignment: ManagedAssignment) -> Written:
        row = assignment.assignment
        await self._write("revoke", row.profile, row.principal_id)
        del self.rows[row.profile][row.principal_id]
        return Written.DONE

    async def opt_in(self, profile: BillingProfile) -> BillingProfile | None:
        raise NotImplementedError(f"{profile.key}: the policy of these tests opts in nothing")

    async def _write(self, verb: str, profile: ProfileKey, person: str) -> None:
        self.begun.append(self._clock.now())
        await self._work(profile, self.write_seconds)
        self.written.append((verb, profile, person))

    async def _work(self, profile: ProfileKey, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if (failure := self.fails(profile)) is not None:
            raise failure


def open_books(stage: Stage, count: int) -> Books:
    """Puts the stage's app on books of that many profiles, in place of the billing stand-in."""
    books = Books(stage.clock, count)
    billing: Billing = books
    deliver = stage.deliver

    async def noted(message: Message) -> Outcome | None:
        books.checks.append(stage.now)
        return await deliver(message)

    stage.deliver = noted  # type: ignore[method-assign] # only notes when

    def for_check(enforced: Callable[[ProfileKey], bool]) -> Billing:
        return DryRunBilling(billing, enforced)

    app = stage.app
    catalogues = CatalogueStore(app.state, billing, app.policy, timedelta(hours=app.settings.catalogue_hours))
    stage.app = replace(app, billing=billing, billing_for_check=for_check, catalogues=catalogues)
    return books
