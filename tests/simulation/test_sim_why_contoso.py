"""Why somebody of Contoso has access: the examples that are shown to operators, against the standard world."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from cli.faults import UsageError
from sandbox.contoso import contoso
from sandbox.contoso.names import (
    APP_OBJECT_ID,
    BREAK_GLASS,
    EXTERNAL_AUDIT,
    GRACE_TAYLOR,
    MIKKEL_HANSEN,
    PORTAL_OBJECT_ID,
    TENANT_ID,
    TREASURY,
    TREASURY_BACK_OFFICE,
)
from shared.services.operate.decisions import list_holds, release
from tests.simulation.small_world import ADMIN, APP, TENANT
from tests.simulation.stage import Stage
from tests.simulation.test_sim_why import told

POLICY: Final = (Path(__file__).parents[2] / "sandbox" / "contoso-policy.yaml").read_text(encoding="utf-8")


@pytest.fixture
async def company(set_stage: Callable[..., Stage]) -> Stage:
    """Contoso an hour after the app began to enforce, and somebody released what it held of its first day."""
    document = json.dumps(contoso())
    for theirs, ours in ((APP_OBJECT_ID, APP), (PORTAL_OBJECT_ID, ADMIN), (TENANT_ID, TENANT)):
        document = document.replace(theirs, ours)
    stage = set_stage(policy=POLICY, given=json.loads(document))
    await stage.sweep()
    await release(stage.app, None, "olga", await list_holds(stage.app))
    await stage.advance(hours=1)
    await stage.settle()
    return stage


async def test_who_lost_a_group_is_told_each_step_and_what_would_keep_it(company: Stage) -> None:
    company.leave(TREASURY, TREASURY_BACK_OFFICE)
    await company.advance(minutes=30)
    await company.sweep()
    assert await told(company, "E00175", "Contoso UK") == (
        "Quentin Wright holds Contoso UK. No rule gives it any more; the removal waits for a decision.\n"
        "  directory  works here: enabled, no leave date, hired 2013-08-08\n"
        "  policy     finance-nl no: companyName is Contoso UK; own-company no: jobTitle is Financial analyst; "
        "treasury-group no: in no such group\n"
        "  billing    Invoice manager, managed, given 2026-03-02 by rule treasury-group (record 1)\n"
        "  evidence   no rule gives it: not seen by a check yet\n"
        "  limits     33 removals wanted, 10 a day: waits in sweep:mover_revokes\n"
        "  changes    group Treasury, or jobTitle Accounts payable clerk or Controller: stays; "
        "account disabled: removed at once\n"
    )
    assert await told(company, "E00175", "Contoso UK", "jobTitle=Controller") == (
        "If jobTitle were Controller, Quentin Wright would hold Contoso UK by rule own-company. "
        "Nothing would change there.\n"
    )


async def test_a_leaver_who_holds_it_by_hand_is_told_how_to_have_it_removed(company: Stage) -> None:
    answer = await told(company, GRACE_TAYLOR)
    assert answer.startswith(
        "Grace Taylor holds Contoso UK. The account is disabled. Somebody else gave it, and the app leaves it alone.\n"
    )
    assert "own-company would: Contoso UK" in answer
    assert "unmanaged, made by portal-administrator, since 2024-03-15; to have it removed: " in answer


async def test_who_has_nothing_is_told_what_each_rule_wants(company: Stage) -> None:
    answer = await told(company, "hugo.walker@contoso.example")
    assert "Hugo Walker holds nothing. No rule gives anything.\n" in answer
    assert (
        "jobTitle Accounts payable clerk or Controller: Contoso UK given; group Treasury: 11 profiles given" in answer
    )


async def test_of_the_protected_no_rule_says_anything_that_matters(company: Stage) -> None:
    answer = await told(company, BREAK_GLASS, "Contoso UK")
    assert answer.startswith(
        "Break Glass does not hold Contoso UK. The policy protects this person: nothing is given or taken.\n"
    )


async def test_who_receives_invoices_by_another_role_is_told_by_which(company: Stage) -> None:
    answer = await told(company, MIKKEL_HANSEN)
    assert answer.startswith(
        "Mikkel Hansen holds nothing. They receive the invoices of Fabrikam Nordics as Billing profile owner, "
        "which the app leaves alone. No rule gives it.\n"
    )
    assert "  billing    Fabrikam Nordics: Billing profile owner\n" in answer


async def test_a_group_is_no_person_and_is_told_to_be_none(company: Stage) -> None:
    with pytest.raises(UsageError, match="is a group, and rules give to people only"):
        await told(company, EXTERNAL_AUDIT)
