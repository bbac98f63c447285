"""Observing writes nothing, and yet the same check sees what it would have done."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from shared.adapters.billing.observed import DryRunBilling
from shared.domain.access.opt_in import FLAG, differences
from shared.domain.access.ownership import ManagedAssignment, prove
from shared.domain.billing import (
    INVOICE_MANAGER,
    AccountAssignment,
    AccountAssignments,
    Assignment,
    Assignments,
    BillingAccount,
    BillingProfile,
    UnreadRow,
    Written,
)
from shared.domain.keys import ProfileKey
from shared.ports import Billing

MANAGED = "7c0f5a0e-0000-4000-8000-0000000000aa"
ANNA = "7c0f5a0e-0000-4000-8000-000000000001"
BEN = "7c0f5a0e-0000-4000-8000-000000000002"
NL, DE = ProfileKey("account", "NL"), ProfileKey("account", "DE")
TOLD = datetime(2026, 3, 2, 9, tzinfo=UTC)
ACCOUNT_ROLE = "50000000-aaaa-bbbb-cccc-100000000000"
OWNER_ROLE = "40000000-aaaa-bbbb-cccc-100000000000"


def manager(profile: ProfileKey, person: str, created_by: str = MANAGED) -> Assignment:
    return Assignment(profile, f"{INVOICE_MANAGER}_{person}", INVOICE_MANAGER, person, created_by=created_by)


@dataclass
class World:
    """Billing in memory: what is written is there."""

    rows: dict[tuple[ProfileKey, str], Assignment] = field(default_factory=dict)
    unread: tuple[UnreadRow, ...] = ()
    states: dict[ProfileKey, BillingProfile] = field(
        default_factory=lambda: {
            key: BillingProfile(key, str(key), "Active", False, {}, {FLAG: False, "poNumber": "1"}) for key in (NL, DE)
        }
    )

    async def identities(self) -> frozenset[str]:
        return frozenset({MANAGED, "zz-former"})

    async def tenant(self) -> str:
        return "tenant"

    def service_time(self) -> datetime | None:
        return TOLD

    async def accounts(self) -> Sequence[BillingAccount]:
        return [BillingAccount("account", "Contoso", "MicrosoftCustomerAgreement", "Active")]

    async def profiles(self, account: str) -> Sequence[BillingProfile]:
        return [profile for profile in self.states.values() if profile.key.account == account]

    async def profile(self, key: ProfileKey) -> BillingProfile | None:
        return self.states.get(key)

    async def assignment(self, profile: ProfileKey, principal_id: str) -> Assignment | None:
        return self.rows.get((profile, f"{INVOICE_MANAGER}_{principal_id}"))

    async def assignments(self, profile: ProfileKey) -> Assignments:
        return Assignments(tuple(row for row in self.rows.values() if row.profile == profile), self.unread)

    async def account_assignments(self, account: str) -> AccountAssignments:
        owner = AccountAssignment(account=account, name=f"{ACCOUNT_ROLE}_{ANNA}", role=ACCOUNT_ROLE, principal_id=ANNA)
        return AccountAssignments((owner,))

    async def grant_invoice_manager(self, profile: ProfileKey, principal_id: str) -> Written:
        row = manager(profile, principal_id)
        return Written.DONE if self.rows.setdefault((profile, row.name), row) is row else Written.ALREADY

    async def revoke_invoice_manager(self, assignment: ManagedAssignment) -> Written:
        gone = self.rows.pop((assignment.profile, assignment.assignment.name), None)
        return Written.ALREADY if gone is None else Written.DONE

    async def opt_in(self, profile: BillingProfile) -> BillingProfile | None:
        self.states[profile.key] = replace(profile, invoice_email_opt_in=True)
        return self.states[profile.key]

    def holds(self, *rows: Assignment) -> "World":
        self.rows |= {(row.profile, row.name): row for row in rows}
        return self


def observing(world: Billing, *enforced: ProfileKey) -> Billing:
    return DryRunBilling(world, lambda profile: profile in enforced)


async def own(billing: Billing, profile: ProfileKey, person: str) -> ManagedAssignment:
    row = await billing.assignment(profile, person)
    assert row is not None
    proved = prove(row, identities=await billing.identities())
    assert isinstance(proved, ManagedAssignment)
    return proved


async def test_a_grant_is_not_made_but_seen_as_managed() -> None:
    world = World()
    billing = observing(world)
    assert await billing.grant_invoice_manager(NL, ANNA.upper()) is Written.WOULD
    assert (await own(billing, NL, ANNA)).assignment == manager(NL, ANNA)
    assert [*await billing.assignments(NL)] == [manager(NL, ANNA)]
    assert await billing.assignment(DE, ANNA) is None
    assert [*await billing.assignments(DE)] == []
    assert world.rows == {}


async def test_a_grant_of_what_is_there_leaves_it_as_it_is() -> None:
    theirs = manager(NL, ANNA, created_by=BEN)
    billing = observing(World().holds(theirs))
    assert await billing.grant_invoice_manager(NL, ANNA) is Written.WOULD
    assert await billing.assignment(NL, ANNA) == theirs
    assert [*await billing.assignments(NL)] == [theirs]


async def test_a_revoke_is_not_made_but_seen_as_gone() -> None:
    owner = replace(manager(NL, ANNA), name="owner", role=OWNER_ROLE)
    world = World().holds(manager(NL, ANNA), manager(NL, BEN), manager(DE, ANNA), owner)
    before = dict(world.rows)
    billing = observing(world)
    assert await billing.revoke_invoice_manager(await own(billing, NL, ANNA)) is Written.WOULD
    assert await billing.assignment(NL, ANNA) is None
    assert [*await billing.assignments(NL)] == [manager(NL, BEN), owner]
    assert await billing.assignment(DE, ANNA) == manager(DE, ANNA)
    assert world.rows == before


async def test_what_is_granted_and_revoked_in_one_check_is_as_the_last_write_says() -> None:
    billing = observing(World().holds(replace(manager(NL, ANNA), principal_type="User")))
    await billing.revoke_invoice_manager(await own(billing, NL, ANNA))
    await billing.grant_invoice_manager(NL, ANNA)
    assert await billing.assignment(NL, ANNA) == manager(NL, ANNA)
    assert [*await billing.assignments(NL)] == [manager(NL, ANNA)]
    await billing.revoke_invoice_manager(await own(billing, NL, ANNA))
    assert await billing.assignment(NL, ANNA) is None
    assert [*await billing.assignments(NL)] == []


async def test_what_could_not_be_read_is_not_lost_by_observing() -> None:
    odd = UnreadRow(NL, "odd", "properties.principalId is missing")
    billing = observing(World(unread=(odd,)))
    await billing.grant_invoice_manager(NL, ANNA)
    found = await billing.assignments(NL)
    assert (found.rows, found.unread) == ((manager(NL, ANNA),), (odd,))


async def test_opting_in_is_not_done_but_seen_in_the_flag_alone() -> None:
    world = World()
    billing = observing(world)
    before = await billing.profile(NL)
    assert before is not None
    assert await billing.opt_in(before) is None
    after = await billing.profile(NL)
    assert after is not None
    assert after.invoice_email_opt_in is True
    assert differences(before, after) == {FLAG: (False, True)}
    assert [profile.invoice_email_opt_in for profile in await billing.profiles("account")] == [True, False]
    assert world.states[NL] == before


async def test_what_would_be_is_forgotten_with_the_check() -> None:
    world = World()
    before = world.states[NL]
    first = observing(world)
    await first.grant_invoice_manager(NL, ANNA)
    await first.opt_in(before)
    second = observing(world)
    assert await second.assignment(NL, ANNA) is None
    assert await second.profile(NL) == before


async def test_enforced_profiles_are_written() -> None:
    world = World()
    billing = observing(world, NL)
    assert await billing.grant_invoice_manager(NL, ANNA) is Written.DONE
    assert await billing.grant_invoice_manager(NL, ANNA) is Written.ALREADY
    assert await billing.grant_invoice_manager(DE, ANNA) is Written.WOULD
    assert list(world.rows.values()) == [manager(NL, ANNA)]
    assert await billing.opt_in(world.states[NL]) == world.states[NL]
    assert await billing.opt_in(world.states[DE]) is None
    assert [profile.invoice_email_opt_in for profile in world.states.values()] == [True, False]
    assert await billing.revoke_invoice_manager(await own(billing, NL, ANNA)) is Written.DONE
    assert world.rows == {}


async def test_everything_else_passes_through() -> None:
    world = World()
    billing = observing(world)
    assert await billing.identities() == await world.identities()
    assert await billing.accounts() == await world.accounts()
    assert await billing.profile(ProfileKey("account", "gone")) is None


@pytest.mark.parametrize("spelled", ["account/nl", "ACCOUNT/NL"])
async def test_profiles_are_the_same_whatever_their_case(spelled: str) -> None:
    billing = observing(World())
    await billing.grant_invoice_manager(ProfileKey.parse(spelled), ANNA)
    row = await billing.assignment(NL, ANNA)
    assert row is not None
    assert [*await billing.assignments(NL)] == [row]


async def test_roles_at_an_account_are_read_as_they_are() -> None:
    world = World()
    assert await observing(world).account_assignments("account") == await world.account_assignments("account")
