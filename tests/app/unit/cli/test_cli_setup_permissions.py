"""`setup permissions`: what the app's identity is given and by whom, and what happens where something is in the way."""

import io
import json
import os
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.__main__ import main
from cli.setup.permissions import TRIES, Wanted, carry_out, look
from cli.setup.scopes import Asked
from cli.setup.table import NEEDED, PERMISSIONS, Owner, State
from sandbox.graph.app_roles import GRAPH_APP_ID, graph_object_id, role_id
from sandbox.identity import Identity
from sandbox.wire import Request, Response
from tests.app.unit.cli.setup_tenant import (
    AGREEMENT,
    APP,
    APP_CLIENT,
    ARM,
    CHIEF,
    CLERK,
    DE,
    DE2,
    EUROPE,
    GRAPH_ONLY,
    NL,
    OWNER,
    TENANT,
    Tenant,
    client_of,
    guid,
    reached,
)

ROOT = Path(__file__).parents[4]
PROFILE = ("--profile", "Contoso Nederland")

type Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def tenant(monkeypatch: pytest.MonkeyPatch) -> Iterator[Tenant]:
    """Somebody gave the app two permissions by hand: one that it needs, and one that it does not."""
    for name in [name for name in os.environ if name.startswith("INVOICE_ACCESS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    found = Tenant("User.Read.All", "AuditLog.Read.All")
    with reached(found, monkeypatch):
        yield found


@pytest.fixture
def run(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def give(*arguments: str, as_: str = CHIEF) -> tuple[int, Any, str]:
        monkeypatch.setenv("AZURE_CLIENT_ID", client_of(as_))
        status = main(["setup", "permissions", *arguments, "--json"])
        said = capsys.readouterr()
        return status, json.loads(said.out) if said.out else None, said.err

    return give


def states(told: Any) -> dict[str, str]:
    return {f"{one['name']} {one['scope'] or ''}".strip(): one["state"] for one in told["steps"]}


def test_what_is_missing_is_given_and_what_is_there_stays(run: Run, tenant: Tenant) -> None:
    status, told, shown = run(APP, *PROFILE, "--yes")
    assert status == 0
    assert told["schema"] == "invoice-access/setup-permissions/1"
    assert states(told) == {
        "User.Read.All": "has",
        "GroupMember.Read.All": "done",
        "User-LifeCycleInfo.Read.All": "done",
        f"Billing profile owner {EUROPE}/{NL}": "done",
    }
    assert tenant.permissions() == sorted([*NEEDED, "AuditLog.Read.All"])
    assert tenant.owned() == [NL]
    assert (told["not_ours"], told["hand_over"]) == (["AuditLog.Read.All"], [])
    assert "to be given" in shown, "it is shown before anybody is asked"


def test_it_is_safe_to_give_the_same_command_again(run: Run, tenant: Tenant) -> None:
    run(APP, *PROFILE, "--yes")
    before = len(tenant.writes)
    status, told, _ = run(APP_CLIENT.upper(), *PROFILE)
    assert (status, set(states(told).values()), len(tenant.writes)) == (0, {"has"}, before)


def test_a_dry_run_changes_nothing_and_says_who_may(run: Run, tenant: Tenant) -> None:
    status, told, _ = run(APP, *PROFILE, "--dry-run", as_=OWNER)
    assert (status, tenant.writes) == (0, [])
    assert {one["who_may"] for one in told["hand_over"]} == {
        "a Privileged Role Administrator or Global Administrator of the tenant",
        "an owner of the billing profile or of its account",
    }


def test_without_a_terminal_nothing_is_given_unless_yes(run: Run, tenant: Tenant) -> None:
    status, told, error = run(APP, *PROFILE)
    assert (status, told, tenant.writes) == (2, None, [])
    assert "Give --yes" in error


def test_who_may_not_gets_what_to_hand_over_and_the_rest_is_done(run: Run, tenant: Tenant) -> None:
    status, told, _ = run(APP, *PROFILE, "--yes", as_=OWNER)
    assert status == 4
    assert states(told)["GroupMember.Read.All"] == states(told)["User-LifeCycleInfo.Read.All"] == "not-allowed"
    assert (tenant.owned(), tenant.permissions()) == ([NL], ["AuditLog.Read.All", "User.Read.All"])
    assert len(told["hand_over"]) == 2
    status, told, _ = run(APP, *PROFILE, "--yes", as_=GRAPH_ONLY)
    assert status == 2, "who sees no billing account is told so, before anything is done"
    status, told, _ = run(APP, "--yes", as_=GRAPH_ONLY)
    assert (status, tenant.permissions()) == (0, sorted([*NEEDED, "AuditLog.Read.All"]))


def test_the_commands_that_are_handed_over_do_the_same(run: Run, tenant: Tenant) -> None:
    _, told, _ = run(APP, *PROFILE, "--account-owner", EUROPE, "--dry-run")
    for one in told["hand_over"]:
        _send(tenant, one["command"])
    assert tenant.permissions() == sorted([*NEEDED, "AuditLog.Read.All"])
    assert sorted(tenant.owned()) == sorted([NL, EUROPE])
    _, told, _ = run(APP, *PROFILE, "--account-owner", EUROPE, "--undo", "--dry-run")
    for one in told["hand_over"]:
        _send(tenant, one["command"])
    assert (tenant.permissions(), tenant.owned()) == (["AuditLog.Read.All"], [])


def _send(tenant: Tenant, command: str) -> None:
    """What `az rest` does with a command, in the chief's name."""
    words = shlex.split(command)
    assert words[:2] == ["az", "rest"]
    options = dict(zip(words[2::2], words[3::2], strict=True))
    url = options["--url"]
    audience = ARM if "/Microsoft.Billing/" in url else "https://graph.microsoft.com"
    token = tenant.tokens.issue(tenant.people[CHIEF], audience)
    headers = {"authorization": f"Bearer {token}"}
    if "--headers" in options:
        name, _, value = options["--headers"].partition("=")
        headers[name] = value
    answer = httpx.request(options["--method"], url, headers=headers, content=options.get("--body"))
    assert answer.is_success, answer.text


def test_undo_takes_what_the_app_needs_and_nothing_else(run: Run, tenant: Tenant) -> None:
    run(APP, *PROFILE, "--with", "Group.Read.All", "--yes")
    assert "Group.Read.All" in tenant.permissions()
    status, told, shown = run(APP, *PROFILE, "--undo", "--yes")
    assert (status, set(states(told).values())) == (0, {"done"})
    assert (tenant.permissions(), tenant.owned()) == (["AuditLog.Read.All"], [])
    assert "to be taken away" in shown
    assert tenant.owned(OWNER) != [], "other owners stay"
    status, told, _ = run(APP, *PROFILE, "--undo")
    assert (status, told["steps"]) == (0, [])


def test_the_only_owner_of_a_profile_is_left_there(run: Run, tenant: Tenant) -> None:
    run(APP, *PROFILE, "--yes")
    profile = tenant.billing.accounts[0].profiles[NL.casefold()]
    (others,) = list(profile.assignments.of_principal(OWNER))
    tenant.billing.revoke(profile, others.name, tenant.now())
    status, told, _ = run(APP, *PROFILE, "--undo", "--yes")
    assert status == 1
    (left,) = [one for one in told["steps"] if one["state"] == "left"]
    assert "make somebody else an owner first" in left["why"]
    assert tenant.owned() == [NL]


def test_each_active_profile_of_an_account_and_no_other(run: Run, tenant: Tenant) -> None:
    status, _, _ = run(APP, "--profiles-of", "contoso europe", "--yes")
    assert (status, sorted(tenant.owned())) == (0, sorted([NL, DE, DE2]))


def test_owner_of_the_whole_account_only_where_that_is_said(run: Run, tenant: Tenant) -> None:
    status, told, _ = run(APP, "--account-owner", EUROPE, "--yes")
    assert (status, tenant.owned()) == (0, [EUROPE])
    assert states(told)[f"Billing account owner {EUROPE}"] == "done"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "IDENTITY: 'nobody' is no id"),
        ([guid(0x8009, 1)], "knows no app with the object id or client id"),
        ([CLERK], "knows no app with the object id or client id"),
        ([GRAPH_APP_ID], "Microsoft Graph is no managed identity (Application)"),
        ([APP, "--with", "Mail.Send"], "--with: 'Mail.Send' is none of Group.Read.All, Application.Read.All"),
        ([APP, "--profile", "Contoso Nederlan"], "you see no billing profile that is called 'Contoso Nederlan'"),
        ([APP, "--profile", "Contoso Deutschland"], "2 billing profiles are called 'Contoso Deutschland'; give the id"),
        ([APP, "--account-owner", "nowhere"], "you see no billing account that is called 'nowhere'"),
        ([APP, "--profiles-of", AGREEMENT], "only an active Microsoft Customer or Partner Agreement has"),
    ],
)
def test_what_cannot_be_meant_is_named_and_changes_nothing(
    run: Run, tenant: Tenant, arguments: list[str], said: str
) -> None:
    status, told, error = run(*arguments, "--yes")
    fault = json.loads(error)
    assert (status, told, tenant.writes) == (2, None, [])
    assert said in fault["message"]
    if arguments[-1] == "Contoso Nederlan":
        assert fault["nearest"][0].startswith("Contoso Nederland (")


def test_what_may_be_given_is_what_the_security_page_lists() -> None:
    (page,) = ROOT.glob("docs/**/security.md")
    text = page.read_text(encoding="utf-8")
    table = text.partition("Application permissions of Microsoft Graph")[2].partition("\n\nNames are asked")[0]
    assert set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)) == set(PERMISSIONS)
    assert "**Billing profile owner on each profile**" in text


# -- what takes time, in process


async def test_a_new_identity_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = Tenant()
    desk = tenant.desk()
    plan = await look(desk, Wanted(APP, at=Asked(profiles=[NL])))
    hidden = tenant.directory.switches
    hidden.identity_lag_seconds = 45
    tenant.directory.add_identity(Identity("id-invoice-access", APP_CLIENT, APP, TENANT))
    done = await carry_out(desk, plan, _quiet)
    assert {step.state for step in done.steps} == {State.DONE}
    assert tenant.slept == [30, 30], "only the first step meets it"
    assert (tenant.permissions(), tenant.owned()) == (sorted(NEEDED), [NL])


async def test_an_identity_that_never_comes_fails_in_the_end() -> None:
    tenant = Tenant()
    desk = tenant.desk()
    plan = await look(desk, Wanted(APP, at=Asked(profiles=[NL])))
    tenant.directory.switches.identity_lag_seconds = 1e6
    tenant.directory.add_identity(Identity("id-invoice-access", APP_CLIENT, APP, TENANT))
    notes: list[str] = []
    done = await carry_out(desk, plan, notes.append)
    assert {step.state for step in done.steps} == {State.FAILED}
    assert "does not know it" in done.steps[0].why
    assert "may not know it yet" in done.steps[-1].why
    assert len(notes) == (TRIES - 1) * len(done.steps)


async def test_a_permission_that_somebody_gives_meanwhile_is_success() -> None:
    tenant = Tenant()
    desk = tenant.desk()
    plan = await look(desk, Wanted(APP))
    tenant.directory.app_roles.add(APP, role_id("User.Read.All"))
    done = await carry_out(desk, plan, _quiet)
    assert {step.state for step in done.steps} == {State.DONE}
    assert tenant.permissions() == sorted(NEEDED)


async def test_a_write_whose_answer_was_lost_is_not_repeated() -> None:
    tenant = Tenant()
    desk = tenant.desk()
    plan = await look(desk, Wanted(APP, at=Asked(profiles=[NL])))
    tenant.before = lambda request: Response(502) if request.method == "POST" else None
    done = await carry_out(desk, plan, _quiet)
    (owner,) = [step for step in done.steps if isinstance(step.thing, Owner)]
    assert (owner.state, len([one for one in tenant.writes if "createBilling" in one])) == (State.FAILED, 1)
    tenant.before = lambda _: None
    again = await carry_out(desk, await look(desk, Wanted(APP, at=Asked(profiles=[NL]))), _quiet)
    assert {step.state for step in again.steps} == {State.DONE}


async def test_a_permission_that_graph_does_not_offer_is_told_and_stops_no_other() -> None:
    tenant = Tenant()
    desk = tenant.desk()
    gone = role_id("User-LifeCycleInfo.Read.All")
    tenant.before = lambda request: _without(tenant, request, gone)
    plan = await look(desk, Wanted(APP))
    done = await carry_out(desk, plan, _quiet)
    assert [step.state for step in done.steps] == [State.DONE, State.DONE, State.FAILED]
    assert "offers no such permission" in done.steps[-1].why


def _without(tenant: Tenant, request: Request, role: str) -> Response | None:
    if f"appId='{GRAPH_APP_ID}'" not in request.path.replace("%27", "'"):
        return None
    answer = tenant.graph_service.handle(request)
    body = json.loads(answer.body)
    body["appRoles"] = [one for one in body["appRoles"] if one["id"] != role]
    return Response(200, answer.headers, json.dumps(body).encode())


async def test_only_permissions_of_microsoft_graph_count() -> None:
    """Another API's role may have the same id by chance, or none; what was assigned there is not ours to see."""
    tenant = Tenant()

    def elsewhere(request: Request) -> Response | None:
        if not request.path.endswith("/appRoleAssignments"):
            return None
        row = {
            "id": "x",
            "appRoleId": role_id("User.Read.All"),
            "principalId": APP,
            "resourceId": guid(0x8009, 9),
        }
        return Response(200, {"content-type": "application/json"}, json.dumps({"value": [row]}).encode())

    tenant.before = elsewhere
    plan = await look(tenant.desk(), Wanted(APP))
    assert {step.state for step in plan.steps} == {State.WOULD}
    assert plan.places.graph.object_id == graph_object_id(TENANT)


def _quiet(*_: object) -> None:
    """Nobody listens."""
