"""The billing adapter against the billing stand-in, whichever way its open questions are answered."""

import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sandbox.billing import billing_handler
from sandbox.identity import Identity, IdentityEndpoint
from sandbox.shell import serve
from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Request, Response
from shared.adapters.billing.arm import ArmBilling
from shared.adapters.http.credentials import managed_identity
from shared.domain.access.opt_in import FLAG, differences
from shared.domain.access.ownership import ManagedAssignment, prove
from shared.domain.billing import ACCOUNT_ROLES, INVOICE_MANAGER, Assignment, Written
from shared.domain.keys import ProfileKey
from shared.errors import AccessLost, MaybeWritten, Permanent, Transient
from shared.settings import Settings
from tests.sandbox.contract.billing_standin import (
    ACCOUNT_OWNER,
    ANNA,
    APP,
    BEN,
    DE,
    EA,
    MANAGER,
    MCA,
    MPA,
    NL,
    NOBODY,
    PROFILE_OWNER,
    STRANGER,
    TENANT,
    OwnCredential,
    P,
    Standin,
)

ARM = "https://management.azure.com"
KEY = ProfileKey(MCA, NL)


class TokenOf(OwnCredential):
    """A credential of one of the world's principals, with the tokens that the identity endpoint gives out."""

    def __init__(self, identity: IdentityEndpoint, object_id: str) -> None:
        super().__init__(object_id)
        self._identity = identity

    async def get_token(self, *scopes: str, **kwargs: Any) -> Any:
        speaker = Identity("somebody", self._object_id, self._object_id, TENANT)
        plain = await super().get_token(*scopes, **kwargs)
        return plain._replace(token=self._identity.issue(speaker, ARM))


class Azure:
    """The stand-in behind real tokens, and the adapter in front of it."""

    def __init__(self, **switches: Any) -> None:
        self.standin = Standin(**switches)
        self.identity = IdentityEndpoint([], clock=self.standin.clock, key=random.Random(3).randbytes(32))
        self.handle = billing_handler(self.standin.model, self.identity.authenticate(ARM))

    def billing(self, by: str = APP, url: str = ARM, **settings: str) -> ArmBilling:
        environment = {
            "INVOICE_ACCESS_STORE": "sqlite:unused",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
            "INVOICE_ACCESS_ARM_URL": url,
            **settings,
        }
        transport = HandlerTransport(self.handle, sleep=self.standin.clock.sleep)
        return ArmBilling(Settings.read(environment), TokenOf(self.identity, by), transport=transport)

    def raw_profile(self) -> dict[str, Any]:
        """The Dutch profile as the wire has it, for its owner."""
        token = self.identity.issue(Identity("o", "o", ACCOUNT_OWNER, TENANT), ARM)
        headers = {"authorization": f"Bearer {token}"}
        answer = self.handle(Request("GET", f"{P}?api-version=2024-04-01", headers, b"", ARM))
        body: dict[str, Any] = json.loads(answer.body)
        return body


def managed(row: Assignment | None, *identities: str) -> ManagedAssignment:
    assert row is not None
    proved = prove(row, identities=set(identities))
    assert isinstance(proved, ManagedAssignment)
    return proved


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"create_status": 202},
        {"create_status": 202, "create_polls": 2, "operation_results_under": "profile"},
        {"create_status": 202, "create_seconds": 0, "signed_locations": False},
        {"duplicate": "conflict"},
        {"error_bodies": "wrapped"},
        {"create_status": 201},
    ],
)
async def test_what_we_grant_is_managed_and_can_be_taken_back(switches: dict[str, Any]) -> None:
    billing = Azure(**switches).billing()
    assert await billing.assignment(KEY, ANNA) is None
    assert await billing.grant_invoice_manager(KEY, ANNA) is Written.DONE
    held = managed(await billing.assignment(KEY, ANNA), *await billing.identities())
    assert held.assignment.principal_type == "User"
    assert await billing.revoke_invoice_manager(held) is Written.DONE
    assert await billing.assignment(KEY, ANNA) is None
    assert await billing.revoke_invoice_manager(held) is Written.ALREADY


async def test_an_answer_without_a_time_leaves_the_one_that_was_told_before() -> None:
    azure = Azure()
    handle, left_out = azure.handle, set[str]()

    def handle_some(request: Request) -> Response:
        answer = handle(request)
        return replace(answer, headers={name: said for name, said in answer.headers.items() if name not in left_out})

    azure.handle = handle_some
    billing = azure.billing()
    await billing.assignment(KEY, ANNA)
    told = billing.service_time()
    left_out.add("date")
    azure.standin.clock.pass_by(60)
    await billing.assignment(KEY, ANNA)
    assert billing.service_time() == told is not None


async def test_a_row_is_made_at_or_after_the_time_that_billing_told_before() -> None:
    azure = Azure()
    billing = azure.billing()
    assert billing.service_time() is None
    assert await billing.assignment(KEY, ANNA) is None
    told = billing.service_time()
    assert told == azure.standin.clock().replace(microsecond=0)
    await billing.grant_invoice_manager(KEY, ANNA)
    row = await billing.assignment(KEY, ANNA)
    assert row is not None
    assert row.created_on is not None
    assert row.created_on >= told


@pytest.mark.parametrize("bodies", ["bare", "wrapped"])
@pytest.mark.parametrize("duplicate", ["existing", "conflict"])
async def test_what_somebody_else_granted_is_already_so_and_stays_theirs(duplicate: str, bodies: str) -> None:
    billing = Azure(duplicate=duplicate, error_bodies=bodies).billing()
    assert await billing.grant_invoice_manager(KEY, MANAGER) is Written.ALREADY
    row = await billing.assignment(KEY, MANAGER)
    assert row is not None
    assert row.created_by == PROFILE_OWNER


@pytest.mark.parametrize("said", ["absent", "empty"])
async def test_rows_that_do_not_say_who_made_them_are_read_as_such(said: str) -> None:
    billing = Azure(created_by_service_principal=said).billing()
    assert await billing.grant_invoice_manager(KEY, ANNA) is Written.DONE
    row = await billing.assignment(KEY, ANNA)
    assert row is not None
    assert row.created_by is None
    assert row.created_on is not None


async def test_a_grant_that_becomes_visible_later_is_absent_until_then() -> None:
    azure = Azure(grants_visible_after_seconds=30)
    billing = azure.billing()
    assert await billing.grant_invoice_manager(KEY, ANNA) is Written.DONE
    assert await billing.assignment(KEY, ANNA) is None
    azure.standin.clock.pass_by(30)
    assert await billing.assignment(KEY, ANNA) is not None


async def test_an_operation_that_fails_at_its_end_is_to_be_read_back() -> None:
    billing = Azure(create_status=202, operation_failure_status=400).billing()
    with pytest.raises(MaybeWritten, match="may have been written"):
        await billing.grant_invoice_manager(KEY, ANNA)
    assert await billing.assignment(KEY, ANNA) is None


@pytest.mark.parametrize("status", [400, 404, 422])
async def test_a_principal_that_billing_does_not_know_may_come(status: int) -> None:
    with pytest.raises(Transient, match=r"PrincipalNotFound|PrincipalId|dependencies") as caught:
        await Azure(unknown_principal_status=status).billing().grant_invoice_manager(KEY, NOBODY)
    assert type(caught.value) is Transient
    assert caught.value.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"page_size": 1},
        {"page_size": 1, "empty_first_page": True},
        {"page_size": 1, "assignments_on_one_page": False},
        {"page_size": 1, "assignments_on_one_page": False, "next_links": "absolute", "total_count": False},
        {"assignments_honour_top": False, "empty_first_page": True},
    ],
)
async def test_lists_are_read_to_their_end(switches: dict[str, Any]) -> None:
    azure = Azure(**switches)
    billing = azure.billing(ACCOUNT_OWNER)
    accounts = await billing.accounts()
    assert [(account.name, account.is_manageable) for account in accounts] == [(MCA, True), (EA, False)]
    profiles = await billing.profiles(MCA)
    assert [str(profile.key) for profile in profiles] == [f"{MCA}/{NL}", f"{MCA}/{DE}"]
    assert profiles[0].tags == {"company": "Contoso Nederland"}
    rows = await billing.assignments(KEY)
    assert {row.principal_id for row in rows if row.is_invoice_manager} == {MANAGER}
    assert len(rows) == 5
    assert all(row.created_on is not None for row in rows)


async def test_the_adapter_and_the_list_show_the_same_profile() -> None:
    billing = Azure().billing()
    listed, *_ = await billing.profiles(MCA.upper())
    read = await billing.profile(ProfileKey.parse(str(KEY).upper()))
    assert read is not None
    assert not differences(listed, read)
    assert str(read.key) == str(KEY)


@pytest.mark.parametrize("bodies", ["bare", "wrapped"])
@pytest.mark.parametrize("name", ["GONE-BG7", "NEVER-BG7"])
async def test_on_a_profile_that_is_gone_nobody_holds_anything_and_nothing_can_be_granted(
    name: str, bodies: str
) -> None:
    billing, gone = Azure(error_bodies=bodies).billing(ACCOUNT_OWNER), ProfileKey(MCA, name)
    assert await billing.profile(gone) is None
    assert await billing.assignment(gone, ANNA) is None
    with pytest.raises(Permanent, match="could not be found"):
        await billing.assignments(gone)
    with pytest.raises(Transient, match="could not be found"):
        await billing.grant_invoice_manager(gone, ANNA)


@pytest.mark.parametrize("unmanaged", ["unprocessable", "empty"])
async def test_an_enterprise_agreement_is_told_apart_and_refuses_clearly(unmanaged: str) -> None:
    billing = Azure(unmanaged_profiles=unmanaged).billing(ACCOUNT_OWNER)
    (enterprise,) = [account for account in await billing.accounts() if account.name == EA]
    assert enterprise.agreement_type == "EnterpriseAgreement"
    with pytest.raises(Permanent):
        await billing.grant_invoice_manager(ProfileKey(EA, NL), ANNA)


@pytest.mark.parametrize("bodies", ["bare", "wrapped"])
@pytest.mark.parametrize("stranger", ["no-claims", "unauthorized", "forbidden"])
async def test_a_lost_role_is_told_for_reads_and_writes(stranger: str, bodies: str) -> None:
    billing = Azure(stranger=stranger, error_bodies=bodies).billing(STRANGER)
    row = Assignment(KEY, f"{INVOICE_MANAGER}_{MANAGER}", INVOICE_MANAGER, MANAGER, created_by=STRANGER)
    assert await billing.accounts() == []
    for call in (
        billing.profiles(MCA),
        billing.profile(KEY),
        billing.assignment(KEY, ANNA),
        billing.assignments(KEY),
        billing.grant_invoice_manager(KEY, ANNA),
        billing.revoke_invoice_manager(managed(row, STRANGER)),
    ):
        with pytest.raises(AccessLost) as caught:
            await call
        assert caught.value.scope in {MCA, str(KEY)}


async def test_a_throttled_read_carries_the_services_wait() -> None:
    for in_header in (True, False):
        azure = Azure(reads_bucket=1, reads_per_second=0.01, throttled_with_retry_after=in_header)
        billing = azure.billing()
        assert await billing.assignment(KEY, ANNA) is None
        with pytest.raises(Transient) as caught:
            await billing.assignment(KEY, ANNA)
        assert caught.value.retry_after is not None
        assert 90 < caught.value.retry_after.total_seconds() <= 100


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("replaces", [True, False])
@pytest.mark.parametrize("refused", [True, False])
@pytest.mark.parametrize("tags_in", ["envelope", "properties"])
async def test_opting_in_changes_the_flag_and_not_a_byte_else(
    status: int, *, replaces: bool, refused: bool, tags_in: str
) -> None:
    azure = Azure(
        update_status=status,
        update_replaces=replaces,
        read_only_refused=refused,
        tags_in=tags_in,
        update_polls=1,
    )
    billing, before = azure.billing(), azure.raw_profile()
    profile = await billing.profile(KEY)
    assert profile is not None
    assert profile.properties["soldTo"]
    shown = await billing.opt_in(profile)
    after = azure.raw_profile()
    assert (before["properties"].pop(FLAG), after["properties"].pop(FLAG)) == (False, True)
    assert json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    read_back = await billing.profile(KEY)
    assert read_back is not None
    assert shown == read_back
    assert differences(profile, read_back) == {FLAG: (False, True)}


async def test_one_grant_costs_one_write_and_one_check_one_read() -> None:
    billing = Azure().billing()
    await billing.assignment(KEY, ANNA)
    assert (billing.calls.reads, billing.calls.writes) == (1, 0)
    await billing.grant_invoice_manager(KEY, ANNA)
    await billing.assignment(KEY, ANNA)
    assert (billing.calls.reads, billing.calls.writes) == (2, 1)


async def test_over_sockets_with_a_managed_identity_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    azure = Azure(create_status=202, create_seconds=0, create_retry_after_seconds=1, page_size=2)
    app = Identity("app", "5c1f0000-0000-4000-8000-000000000001", APP, TENANT)
    identity = IdentityEndpoint([app], key=b"k" * 32)
    identities = await serve(identity.handle)
    arm = await serve(billing_handler(azure.standin.model, identity.authenticate(ARM)))
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{identities.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "anything")
    settings = Settings.read(
        {
            "INVOICE_ACCESS_STORE": "sqlite:unused",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
            "INVOICE_ACCESS_ARM_URL": arm.url,
        }
    )
    credential = managed_identity(app.client_id)
    billing = ArmBilling(settings, credential)
    try:
        assert await billing.identities() == {APP}
        assert {row.principal_id for row in await billing.assignments(KEY)} > {MANAGER, PROFILE_OWNER}
        assert await billing.grant_invoice_manager(KEY, BEN) is Written.DONE
        held = managed(await billing.assignment(KEY, BEN), APP)
        assert await billing.revoke_invoice_manager(held) is Written.DONE
        assert await billing.assignment(KEY, BEN) is None
    finally:
        await billing.close()
        await credential.close()
        await arm.close()
        await identities.close()


async def test_a_deleted_account_is_not_listed() -> None:
    assert MPA not in {account.name for account in await Azure().billing(ACCOUNT_OWNER).accounts()}


async def test_a_profile_shows_its_invoice_day_its_currency_and_the_addresses_set_on_it() -> None:
    billing = Azure().billing()
    listed = next(one for one in await billing.profiles(MCA) if one.key == KEY)
    for profile in (await billing.profile(KEY), listed):
        assert profile is not None
        assert (profile.invoice_day, profile.currency) == (5, "EUR")
        assert profile.invoice_recipients == ("ap@contoso.nl",)


async def test_the_roles_at_an_account_are_told_to_whoever_has_one_there() -> None:
    read = await Azure().billing(by=ACCOUNT_OWNER).account_assignments(MCA)
    assert [(row.principal_id, ACCOUNT_ROLES[row.role]) for row in read.rows] == [
        (ACCOUNT_OWNER, "Billing account owner")
    ]


@pytest.mark.parametrize("stranger", ["no-claims", "unauthorized", "forbidden"])
async def test_an_owner_of_a_profile_alone_is_not_told_the_roles_at_its_account(stranger: str) -> None:
    billing = Azure(stranger=stranger).billing()
    assert await billing.assignments(KEY)
    with pytest.raises(AccessLost):
        await billing.account_assignments(MCA)
