"""What a check and a sweep cost the services: requests that arrived at the stand-ins, in exact numbers.

The real use cases and adapters over sockets, called in this process: nothing else asks the stand-ins anything.
"""

import dataclasses
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

from sandbox.contoso import contoso, names
from sandbox.settings import Options
from sandbox.up import Sandbox, running
from shared.adapters.http.credentials import managed_identity
from shared.bootstrap import Configuration, build
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.policy.load import load_policy
from shared.domain.policy.model import Policy
from shared.domain.work import Cause, CauseKind, WorkItem
from shared.services.app import App
from shared.services.reconcile.reconcile import reconcile
from shared.services.sweep.sweep import sweep
from shared.settings import Settings

USER = "GET /v1.0/users/{}"
USERS = "GET /v1.0/users"
MEMBERSHIPS = "POST /v1.0/users/{}/checkMemberGroups"
DELETED = "GET /v1.0/directory/deletedItems/{}"
GROUP = "GET /v1.0/groups/{}"
MEMBERS = "GET /v1.0/groups/{}/transitiveMembers/graph.user"
ACCOUNTS = "GET /providers/Microsoft.Billing/billingAccounts"
PROFILES = f"{ACCOUNTS}/{{}}/billingProfiles"
ASSIGNMENTS = f"{PROFILES}/{{}}/billingRoleAssignments"
ACCOUNT_ROLES = f"{ACCOUNTS}/{{}}/billingRoleAssignments"
NAMES = "POST /v1.0/directoryObjects/getByIds"
ASSIGNMENT = f"{ASSIGNMENTS}/{{}}"
GRANT = f"{PROFILES}/{{}}/createBillingRoleAssignment".replace("GET", "POST")

SHARED_SERVICES = ProfileKey(names.CONTOSO_ACCOUNT, names.CONTOSO_SHARED_SERVICES)
NEDERLAND = ProfileKey(names.CONTOSO_ACCOUNT, names.CONTOSO_NEDERLAND)
NOBODY = "b0a1d000-0000-4000-8000-00000000dead"

OWN_COMPANY = """
  - name: own-company
    who: "jobTitle in ('Accounts payable clerk', 'Controller')"
    profiles: [{ tag: { company: "{companyName}" } }]
"""


def in_groups(*groups: str) -> str:
    """A rule that names these groups; none without any."""
    if not groups:
        return ""
    return f"\n  - name: groups\n    member_of: [{', '.join(groups)}]\n    profiles: all\n"


def group(number: int) -> str:
    return f"7c0f5a0e-0000-4000-8000-{number:012d}"


class Office:
    """An app on a sandbox of its own, checked from where its requests arrive."""

    def __init__(self, sandbox: Sandbox, app: App) -> None:
        self.sandbox = sandbox
        self.app = app

    def under(self, rules: str) -> None:
        """From now on under other rules."""
        self.app = dataclasses.replace(self.app, policy=_policy(rules))

    async def check(self, person: str, *hints: ProfileKey) -> Outcome:
        cause = Cause(CauseKind.EVENT, f"test#{uuid.uuid4()}")
        return await reconcile(self.app, WorkItem(PersonKey(person), cause, datetime.now(UTC), hints=hints))

    async def arrived(self, asking: Awaitable[Any]) -> tuple[Any, dict[str, int]]:
        """What something answers, and the requests that Graph and ARM got meanwhile."""
        for calls in self.sandbox.rules.calls.values():
            calls.clear()
        answer = await asking
        return answer, dict(self.sandbox.rules.calls["arm"] + self.sandbox.rules.calls["graph"])


class Open(Protocol):
    """Opens an office under the given rules, in Contoso's world or in that with some users more."""

    def __call__(self, rules: str, extra: Iterable[dict[str, Any]] = ()) -> AbstractAsyncContextManager[Office]: ...


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    @asynccontextmanager
    async def opened(rules: str, extra: Iterable[dict[str, Any]] = ()) -> AsyncIterator[Office]:
        async with running(Options(app=False, state=tmp_path, world=_world(tmp_path, extra))) as sandbox:
            monkeypatch.setenv("IDENTITY_ENDPOINT", f"{sandbox.identity}/msi/token")
            monkeypatch.setenv("IDENTITY_HEADER", "any")
            settings = Settings.read(
                {
                    "INVOICE_ACCESS_STORE": "sqlite::memory:",
                    "INVOICE_ACCESS_ARM_URL": sandbox.arm,
                    "INVOICE_ACCESS_GRAPH_URL": sandbox.graph,
                    "ServiceBusConnection__fullyQualifiedNamespace": _namespace(sandbox.service_bus),
                    "AZURE_CLIENT_ID": names.APP_CLIENT_ID,
                }
            )
            async with AsyncExitStack() as closing:
                credential = await closing.enter_async_context(managed_identity(settings.client_id))
                yield Office(sandbox, build(Configuration(settings, _policy(rules)), credential, closing))

    return opened


def _policy(rules: str) -> Policy:
    """These rules, with room for everything that they give: a daily limit would hold what is counted here."""
    head = "version: 1\naccounts: all\nenforce: all\ndaily_limits: { grants: 99/99/100 }"
    return load_policy(f"{head}\nrules:{rules}", "policy.yaml")


def _world(folder: Path, extra: Iterable[dict[str, Any]]) -> Path | None:
    if not (more := list(extra)):
        return None
    document = contoso()
    path = folder / "world.json"
    path.write_text(json.dumps({**document, "users": [*document["users"], *more]}))
    return path


def _namespace(connection_string: str) -> str:
    parts = dict(part.partition("=")[::2] for part in connection_string.split(";"))
    return parts["Endpoint"].removeprefix("sb://").rstrip("/")


async def test_an_event_that_changes_nothing_costs_one_graph_read_plus_one_per_20_groups(
    office: Open,
) -> None:
    async with office(OWN_COMPANY) as opened:
        assert await opened.check(names.FEMKE_DE_BOER) is Outcome.DONE
        for named, asked in {0: 0, 1: 1, 20: 1, 21: 2, 45: 3}.items():
            opened.under(OWN_COMPANY + in_groups(*map(group, range(100, 100 + named))))
            outcome, arrived = await opened.arrived(opened.check(names.FEMKE_DE_BOER))
            assert outcome is Outcome.UNCHANGED
            assert arrived == {USER: 1, ASSIGNMENT: 1} | ({MEMBERSHIPS: asked} if asked else {}), named


async def test_somebody_whom_the_directory_does_not_know_costs_one_graph_read_more(office: Open) -> None:
    async with office(OWN_COMPANY) as opened:
        await opened.check(NOBODY)
        outcome, arrived = await opened.arrived(opened.check(NOBODY))
    assert outcome is Outcome.UNCHANGED
    assert arrived == {USER: 1, DELETED: 1}


async def test_a_check_costs_one_billing_read_per_profile_that_is_given_held_or_hinted(office: Open) -> None:
    """A treasurer is given all twelve profiles; one of them is disabled, so that eleven are granted and held."""
    rules = OWN_COMPANY + in_groups(names.TREASURY)
    async with office(rules) as opened:
        await opened.check(names.SANNE_BAKKER)
        _, given = await opened.arrived(opened.check(names.SANNE_BAKKER))
        _, hinted_too = await opened.arrived(opened.check(names.SANNE_BAKKER, NEDERLAND))
        _, nothing = await opened.arrived(opened.check(names.MIKKEL_HANSEN))
        _, hinted = await opened.arrived(opened.check(names.MIKKEL_HANSEN, NEDERLAND, SHARED_SERVICES))
        graph = opened.sandbox.directory
        treasury = graph.newest().live(names.TREASURY)
        assert treasury is not None
        graph.remove_member(treasury, names.SANNE_BAKKER)
        await opened.check(names.SANNE_BAKKER)  # no sweep has judged the rules yet: this check does, once
        _, held = await opened.arrived(opened.check(names.SANNE_BAKKER))
    assert given == hinted_too == {USER: 1, MEMBERSHIPS: 1, ASSIGNMENT: 12}
    assert nothing == {USER: 1, MEMBERSHIPS: 1}
    assert hinted == {USER: 1, MEMBERSHIPS: 1, ASSIGNMENT: 2}
    assert held == {USER: 1, MEMBERSHIPS: 1, ASSIGNMENT: 11}


async def test_a_grant_costs_one_post_and_one_read_back_more(office: Open) -> None:
    async with office(OWN_COMPANY) as opened:
        await opened.check(NOBODY)  # the catalogue is at hand from here on
        outcome, arrived = await opened.arrived(opened.check(names.FEMKE_DE_BOER))
    assert outcome is Outcome.DONE
    assert arrived == {USER: 1, ASSIGNMENT: 2, GRANT: 1}


def clerks(count: int) -> Iterable[dict[str, Any]]:
    """More people whom a filter preselects and no rule gives anything: their company has no profile."""
    for number in range(count):
        upn = f"clerk{number}@tailwind.example"
        yield {
            "id": f"c1e4c000-0000-4000-8000-{number:012d}",
            "userPrincipalName": upn,
            "mailNickname": f"clerk{number}",
            "jobTitle": "Controller",
            "companyName": "Tailwind Traders",
        }


async def test_a_sweep_reads_in_bulk_and_nobody_by_themselves(office: Open) -> None:
    """Four accounts of which three are managed, twelve profiles, two populations, one group; nobody's own page."""
    finance = """
  - name: finance-nl
    who: "department eq 'Finance' and companyName eq 'Contoso Nederland'"
    profiles: [{ name: "Contoso Nederland" }]
"""
    rules = finance + OWN_COMPANY + in_groups(names.TREASURY)
    bulk = {ACCOUNTS: 1, PROFILES: 3, ASSIGNMENTS: 12, ACCOUNT_ROLES: 3, GROUP: 1, MEMBERS: 1, USERS: 2}
    # Once a day: the six whom no rule lists and who have a role, the group that has one, and all their names.
    daily = {USERS: 2 + 1, MEMBERS: 1 + 1, NAMES: 1}
    async with office(rules) as opened:
        report, arrived = await opened.arrived(sweep(opened.app))
        assert arrived == {**bulk, **daily}
        assert report.complete
        assert report.counts.people_listed < 999
        # The service's pages made as small as one needs to see several of them: two items each.
        opened.sandbox.billing.switches = dataclasses.replace(
            opened.sandbox.billing.switches, page_size=2, assignments_on_one_page=False
        )
        _, by_twos = await opened.arrived(sweep(opened.app))
    # Four accounts; 6, 4 and 2 profiles; three assignments on Contoso Nederland, two at most on any other; five roles
    # at the first account, four at the others.
    assert by_twos == {**bulk, ACCOUNTS: 2, PROFILES: 3 + 2 + 1, ASSIGNMENTS: 12 + 1, ACCOUNT_ROLES: 3 + 2 + 2}


async def test_a_sweep_reads_a_page_per_999_people_listed(office: Open) -> None:
    async with office(OWN_COMPANY, extra=clerks(1000)) as opened:
        report, arrived = await opened.arrived(sweep(opened.app))
    assert report.complete
    assert 999 < report.counts.people_listed <= 2 * 999
    bulk = {ACCOUNTS: 1, PROFILES: 3, ASSIGNMENTS: 12, ACCOUNT_ROLES: 3}
    assert arrived == {**bulk, USERS: 2 + 1, MEMBERS: 1, NAMES: 1}
