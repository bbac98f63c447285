"""Who else may see invoices, and what everybody is called: what the view says beside the roles at a profile."""

from typing import Final

import pytest

from sandbox.faults import Effect
from shared.domain.access.plan import Employment
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.billing import INVOICE_MANAGER
from shared.domain.reasons import Code
from shared.domain.view import AccountView, Mailbox, View
from tests.simulation.small_world import APP, FEMKE, GREG, HARRY, MCA, MPA, NL, OTHER_APP, OWNER, TESS, TREASURY, guid
from tests.simulation.stage import Stage

PROFILE_OWNER: Final = "40000000-aaaa-bbbb-cccc-100000000000"
PROFILE_READER: Final = "40000000-aaaa-bbbb-cccc-100000000002"
ACCOUNT_OWNER: Final = "50000000-aaaa-bbbb-cccc-100000000000"
ACCOUNT_READER: Final = "50000000-aaaa-bbbb-cccc-100000000002"
AUDIT: Final = {"displayName": "Audit", "mailEnabled": False, "mailNickname": "a", "securityEnabled": True}
OWNER_OF_ALL: Final = "Billing account owner"


async def view_of(stage: Stage) -> View:
    view = await stage.app.state.view()
    assert view is not None
    return view


async def account_of(stage: Stage, name: str) -> AccountView:
    return next(one for one in (await view_of(stage)).accounts if one.name == name)


async def test_the_roles_at_each_managed_account_are_shown(stage: Stage) -> None:
    stage.give_at_account(MCA, HARRY, ACCOUNT_READER)
    await stage.sweep()
    account = await account_of(stage, MCA)
    assert [(row.principal, row.role) for row in account.rows or ()] == [
        (APP, OWNER_OF_ALL),
        (OTHER_APP, OWNER_OF_ALL),
        (OWNER, OWNER_OF_ALL),
        (HARRY, "Billing account reader"),
    ]
    assert account.seen == (await view_of(stage)).as_of
    unmanaged = [one for one in (await view_of(stage)).accounts if not one.managed]
    assert [(one.rows, one.seen) for one in unmanaged] == [(None, None)] * len(unmanaged)
    assert unmanaged


async def test_roles_at_an_account_that_cannot_be_read_stay_as_they_were_seen(stage: Stage) -> None:
    await stage.sweep()
    before = await account_of(stage, MCA)
    stage.give_at_account(MCA, HARRY, ACCOUNT_READER)
    await stage.advance(hours=1)
    stage.fault("arm", Effect(status=503), path=f".*/billingAccounts/{MCA}/billingRoleAssignments$")
    report = await stage.sweep()
    assert await account_of(stage, MCA) == before
    assert (await account_of(stage, MPA)).seen == (await view_of(stage)).as_of
    assert [reason.code for reason in report.not_kept] == [Code.ACCOUNT_ROLES_NOT_READ]
    assert report.complete


async def test_with_a_role_at_the_profiles_alone_the_roles_at_accounts_are_not_known(stage: Stage) -> None:
    for profile in stage.profiles():
        stage.give(profile, APP, role=PROFILE_OWNER)
    for account in (MCA, MPA):
        stage.take_at_account(account, APP, ACCOUNT_OWNER)
    report = await stage.settle()
    assert report.complete
    assert not report.not_kept
    assert not report.pauses
    assert [(one.rows, one.seen) for one in (await view_of(stage)).accounts] == [(None, None)] * 3
    assert (await view_of(stage)).by_key[NL].rows


async def test_the_members_of_a_group_with_a_role_are_shown_and_named(stage: Stage) -> None:
    stage.give(NL, TREASURY, role=PROFILE_READER)
    await stage.sweep()
    view = await view_of(stage)
    assert view.members == {TREASURY: (TESS,)}
    assert view.members_seen == {TREASURY: view.as_of}
    names = await stage.app.state.names()
    assert (names[TREASURY].kind, names[TREASURY].name) == (PrincipalKind.GROUP, "Treasury")
    assert names[TESS].address == "tess@contoso.example"


@pytest.mark.parametrize("role", [PROFILE_OWNER, INVOICE_MANAGER])
async def test_members_are_read_again_after_a_day(stage: Stage, role: str) -> None:
    stage.give(NL, TREASURY, role=role)
    await stage.sweep()
    stage.join(TREASURY, HARRY)
    await stage.advance(hours=1)
    await stage.sweep()
    assert (await view_of(stage)).members == {TREASURY: (TESS,)}
    await stage.advance(hours=23)
    await stage.sweep()
    assert (await view_of(stage)).members == {TREASURY: (TESS, HARRY)}


async def test_a_group_that_the_directory_lost_has_nobody(stage: Stage) -> None:
    stage.give(NL, TREASURY, role=PROFILE_READER)
    stage.call_graph("DELETE", f"/groups/{TREASURY}")
    report = await stage.sweep()
    assert (await view_of(stage)).members == {TREASURY: ()}
    assert not report.not_kept


async def test_a_group_that_cannot_be_read_stays_as_it_was_and_is_told(stage: Stage) -> None:
    auditors = stage.call_graph("POST", "/groups", AUDIT)
    group = str(auditors["id"])
    stage.join(group, HARRY)
    stage.give_at_account(MCA, group, ACCOUNT_READER)
    await stage.sweep()
    before = await view_of(stage)
    await stage.advance(hours=25)
    stage.fault("graph", Effect(status=503), path=f".*/groups/{group}/transitiveMembers.*")
    report = await stage.sweep()
    after = await view_of(stage)
    assert (
        (after.members, after.members_seen)
        == (before.members, before.members_seen)
        == (
            {group: (HARRY,)},
            {group: before.as_of},
        )
    )
    assert [reason.code for reason in report.not_kept] == [Code.MEMBERS_NOT_READ]
    assert report.complete


async def test_everybody_shown_is_named_also_who_made_a_row_and_which_apps_there_are(stage: Stage) -> None:
    stage.change(HARRY, displayName="Harry Audit")
    await stage.advance(hours=25)
    await stage.sweep()
    names = await stage.app.state.names()
    assert names[OWNER].kind is PrincipalKind.PERSON  # who gave Harry his in the portal
    assert names[HARRY].name == "Harry Audit"
    assert names[APP].kind is PrincipalKind.APP
    assert names[FEMKE].employee_id == "E1"
    assert names[TREASURY].name == "Treasury"  # it has no role, and a rule is about it


async def test_a_mailbox_is_asked_for_once_a_day(stage: Stage) -> None:
    await stage.settle()
    assert (await stage.app.state.names())[FEMKE].mailbox is Mailbox.NOT_KNOWN
    stage.change(FEMKE, mail=None)
    await stage.advance(hours=1)
    await stage.sweep()
    named = (await stage.app.state.names())[FEMKE]
    assert (named.mailbox, named.address) == (Mailbox.NOT_KNOWN, "")
    await stage.advance(hours=24)
    await stage.sweep()
    assert (await stage.app.state.names())[FEMKE].mailbox is Mailbox.NO


async def test_names_that_cannot_be_asked_for_are_those_of_before_and_the_view_is_shown(stage: Stage) -> None:
    before = await stage.app.state.names()
    stage.give(NL, GREG)
    stage.fault("graph", Effect(status=503), path=".*/directoryObjects/getByIds")
    report = await stage.sweep()
    assert [reason.code for reason in report.not_kept] == [Code.NAMES_NOT_KEPT]
    assert report.complete
    assert (await view_of(stage)).sweep == report.sweep
    assert await stage.app.state.names() == before
    assert GREG not in before


async def test_a_principal_of_another_tenant_is_nobodys_name_here(stage: Stage) -> None:
    scope = stage.scope(NL)
    stranger = guid(9, 9)
    stage.give(NL, GREG)
    (row,) = scope.assignments.of_principal(GREG)
    scope.assignments.put(
        type(row)(
            **{
                **{name: getattr(row, name) for name in row.__slots__},
                "name": f"{INVOICE_MANAGER}_{stranger}",
                "principal_id": stranger,
                "principal_tenant_id": guid(1, 2),
            }
        ),
        stage.now,
    )
    await stage.sweep()
    rows = (await view_of(stage)).by_key[NL].rows or ()
    assert [row.principal for row in rows if row.elsewhere] == [stranger]
    assert stranger not in await stage.app.state.names()


async def test_somebody_who_left_keeps_a_name_in_the_view(stage: Stage) -> None:
    stage.change(HARRY, displayName="Harry Audit")
    stage.delete(HARRY)
    await stage.advance(hours=25)
    await stage.sweep()
    named = (await stage.app.state.names())[HARRY]
    assert (named.kind, named.name, named.mailbox) == (PrincipalKind.GONE, "Harry Audit", Mailbox.NO)
    people = await stage.app.state.people_view()
    assert people is not None
    assert people.by_id[HARRY].employment is Employment.LEAVER
