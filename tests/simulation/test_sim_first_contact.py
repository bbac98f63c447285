"""First contact on a whole estate, and what is known of it when the ledger is lost or an older copy comes back."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.faults import Effect
from shared.domain.adoption.consequences import Choice
from shared.domain.adoption.first_contact import Existing, Owner, PrincipalKind, quick_counts
from shared.domain.keys import PersonKey, ProfileKey, chain_key
from shared.domain.reasons import Code
from shared.errors import Conflict
from shared.services.operate.adopt import apply_adoption, plan_adoption
from shared.services.operate.first_contact import FirstContact, make_first_contact
from tests.english import english
from tests.ledger_records import check_body
from tests.simulation.small_world import (
    APP,
    DE,
    DIETER,
    FEMKE,
    GREG,
    HARRY,
    HOLDING,
    NL,
    OTHER_APP,
    OWNER,
    PARTNER,
    PIA,
    POLICY,
    TENANT,
    TESS,
    TREASURY,
    by_hand,
    guid,
    world,
)
from tests.simulation.stage import Stage

STRANGER = guid(8, 1)
NOBODY = guid(8, 2)
ABROAD = guid(1, 9)


def old_estate() -> dict[str, Any]:
    """The small company as somebody kept it by hand for years."""
    given = world()
    rows = [
        by_hand(FEMKE),
        by_hand(HARRY),
        by_hand(GREG),
        by_hand(PIA),
        by_hand(TREASURY, principalType="Group"),
        by_hand(OTHER_APP, principalType="ServicePrincipal"),
        by_hand(STRANGER, principalType="User"),
        by_hand(NOBODY),
        {"principalId": OWNER, "role": "Billing profile reader", "createdByPrincipalId": OWNER},
    ]
    given["billingAccounts"][0]["billingProfiles"][0]["billingRoleAssignments"] = rows
    return given


def of(contact: FirstContact, person: str, profile: ProfileKey = NL) -> Existing:
    (one,) = [one for one in contact.existing if (one.profile, one.principal_id) == (profile, person)]
    return one


@pytest.fixture
async def old(set_stage: Callable[..., Stage]) -> Stage:
    """Observed, and checked for the first time."""
    return set_stage(policy=POLICY.replace("enforce: all", "enforce: none"), given=old_estate())


# -- classification


async def test_everything_that_exists_is_classified_and_nothing_is_written(old: Stage) -> None:
    before = old.everything_held()
    contact = await make_first_contact(old.app)
    assert {one.principal_id: (one.owner, one.principal) for one in contact.existing} == {
        FEMKE: (Owner.UNMANAGED, PrincipalKind.PERSON),
        HARRY: (Owner.UNMANAGED, PrincipalKind.PERSON),
        GREG: (Owner.UNMANAGED, PrincipalKind.GUEST),
        PIA: (Owner.UNMANAGED, PrincipalKind.PERSON),
        TREASURY: (Owner.UNMANAGED, PrincipalKind.GROUP),
        OTHER_APP: (Owner.UNMANAGED, PrincipalKind.APP),
        STRANGER: (Owner.UNMANAGED, PrincipalKind.GONE),
        NOBODY: (Owner.UNMANAGED, PrincipalKind.UNKNOWN),
    }
    assert [one.principal_id for one in contact.existing] == sorted(one.principal_id for one in contact.existing)
    assert contact.failures == ()
    assert contact.table[Owner.UNMANAGED][PrincipalKind.PERSON] == 3
    assert sum(contact.table[Owner.MANAGED].values()) == 0
    assert of(contact, PIA).protected
    assert {one.principal_id for one in contact.existing if one.given_by} == {FEMKE}
    assert of(contact, FEMKE).given_by == ("own-company",)
    assert of(contact, FEMKE).owner_why == Code.MADE_BY(maker=OWNER)
    assert of(contact, FEMKE).profile_name == "Contoso Nederland"
    assert of(contact, HARRY).called == "harry@contoso.example"
    assert old.everything_held() == before
    assert old.writes() == []
    assert old.queues.sent == []
    assert [one async for one in old.app.state.people()] == []


async def test_what_we_made_is_managed_beside_what_was_there(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(given=old_estate())
    await stage.settle()
    contact = await make_first_contact(stage.app)
    managed = {(one.profile, one.principal_id) for one in contact.existing if one.owner is Owner.MANAGED}
    assert managed == {(DE, DIETER), (HOLDING, TESS)}
    assert of(contact, TESS, HOLDING).given_by == ("treasury",)
    assert quick_counts(one.held for one in contact.existing) == {
        "managed": {"User": 2},
        "unmanaged": {"Group": 1, "ServicePrincipal": 1, "Unknown": 1, "User": 5},
    }


async def test_leavers_and_the_deleted_are_told_apart_from_who_is_there(old: Stage) -> None:
    old.change(HARRY, accountEnabled=False)
    old.delete(FEMKE)
    contact = await make_first_contact(old.app)
    harry, femke = of(contact, HARRY), of(contact, FEMKE)
    assert (harry.principal, harry.is_leaver) == (PrincipalKind.PERSON, True)
    assert (femke.principal, femke.is_leaver) == (PrincipalKind.GONE, True)
    assert english(femke.principal_why) == "the directory keeps them as deleted"
    assert of(contact, STRANGER).is_leaver
    assert not of(contact, GREG).is_leaver


async def test_each_person_costs_at_most_one_look_into_the_directory(old: Stage) -> None:
    old.give(DE, HARRY)
    old.give(PARTNER, HARRY)
    before = old.calls()
    await make_first_contact(old.app)
    reads = {call: count for call, count in (old.calls() - before).items() if call.startswith("graph GET /v1.0/users/")}
    # Harry and the two whom no rule preselects and nobody knows: Finance and Treasury were listed.
    assert sum(reads.values()) == 3


async def test_somebody_of_another_tenant_is_not_taken_for_gone(set_stage: Callable[..., Stage]) -> None:
    given = old_estate()
    given["billingAccounts"][0]["billingProfiles"][0]["billingRoleAssignments"].append(
        by_hand(guid(8, 3), principalType="User", principalTenantId=ABROAD)
    )
    stage = set_stage(given=given)
    contact = await make_first_contact(stage.app)
    one = of(contact, guid(8, 3))
    assert (one.principal, one.is_leaver) == (PrincipalKind.UNKNOWN, False)
    assert ABROAD in english(one.principal_why)
    assert TENANT not in english(one.principal_why)
    plan = await plan_adoption(stage.app, Choice(leavers=True))
    assert [adoption.principal_id for adoption in plan.adoptions] == [STRANGER]


# -- failed reads


async def test_a_person_who_cannot_be_read_is_unknown_and_never_gone(old: Stage) -> None:
    old.delete(HARRY)
    old.fault("graph", Effect(status=503), path=f".*/users/{HARRY}")
    contact = await make_first_contact(old.app)
    harry = of(contact, HARRY)
    assert (harry.principal, harry.standing) == (PrincipalKind.UNKNOWN, None)
    assert english(harry.principal_why).startswith("the directory could not be read: ")
    assert of(contact, STRANGER).principal is PrincipalKind.GONE


async def test_a_list_that_cannot_be_read_is_said_and_hides_no_other(old: Stage) -> None:
    old.give(DE, HARRY)
    old.fault("arm", Effect(status=503), path=f".*/{DE.profile}/billingRoleAssignments$")
    contact = await make_first_contact(old.app)
    assert [str(DE) in english(failure) for failure in contact.failures] == [True]
    assert {one.profile for one in contact.existing} == {NL}


async def test_a_population_that_cannot_be_read_does_not_hide_who_a_rule_gives_to(old: Stage) -> None:
    old.fault("graph", Effect(status=503), path=".*/users$")
    contact = await make_first_contact(old.app)
    assert contact.failures
    assert of(contact, FEMKE).given_by == ("own-company",)


# -- every sweep


async def test_every_sweep_counts_by_owner_and_principal_type_and_says_who_we_are(
    old: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    report = await old.sweep()
    assert report.assignments == {
        "managed": {},
        "unmanaged": {"Group": 1, "ServicePrincipal": 1, "Unknown": 1, "User": 5},
    }
    assert json.dumps(report.assignments) in caplog.text
    contact = await make_first_contact(old.app)
    assert contact.identities_known
    assert contact.identities == {APP}


async def test_each_has_its_flags_and_the_counts_are_of_all(old: Stage) -> None:
    before = await make_first_contact(old.app)
    assert not before.identities_known
    await old.settle()
    contact = await make_first_contact(old.app)
    counts = {kind.value: number for kind, number in contact.table[Owner.UNMANAGED].items()}
    assert counts == {"person": 3, "guest": 1, "group": 1, "app": 1, "gone": 1, "unknown": 1}
    assert sum(contact.table[Owner.MANAGED].values()) == 0
    assert of(contact, FEMKE).given_by == ("own-company",)
    assert of(contact, PIA).protected
    assert of(contact, TREASURY).principal_why == Code.BILLING_SAYS(type="Group")


async def test_a_read_that_failed_is_told_with_what_it_was(old: Stage) -> None:
    old.fault("arm", Effect(status=503), path=f".*/{DE.profile}/billingRoleAssignments$")
    (failure,) = (await make_first_contact(old.app)).failures
    assert english(failure).startswith(f"assignments of {DE}")


async def test_no_name_reaches_the_log_or_the_ledger(old: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    plan = await plan_adoption(old.app, Choice(pairs=((NL, HARRY),)))
    await apply_adoption(old.app, plan.able, "olga")
    assert "harry" not in caplog.text
    assert "harry" not in str(await old.bodies(HARRY))


# -- a ledger that is lost, or comes back as it was


@pytest.mark.parametrize("state_too", [False, True])
async def test_what_we_made_is_managed_by_its_row_when_the_ledger_is_lost(stage: Stage, state_too: bool) -> None:
    held = stage.everything_held()
    stage.lose_ledger()
    if state_too:
        stage.lose_state()
    await stage.settle()
    assert stage.everything_held() == held
    contact = await make_first_contact(stage.app)
    assert {one.principal_id: one.owner for one in contact.existing} == {
        FEMKE: Owner.MANAGED,
        DIETER: Owner.MANAGED,
        TESS: Owner.MANAGED,
        HARRY: Owner.UNMANAGED,
    }
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    await stage.settle()
    assert stage.held(FEMKE) == set()
    assert stage.held(HARRY) == {NL}
    records = await stage.records(FEMKE)  # verifies the chain
    assert records[0].sequence == 1
    assert stage.raised == []


@pytest.mark.parametrize("state_too", [False, True])
async def test_a_row_that_says_nothing_is_unmanaged_once_the_ledger_says_nothing_either(
    set_stage: Callable[..., Stage], state_too: bool
) -> None:
    stage = set_stage()
    stage.turn(created_by_service_principal="absent")
    await stage.settle()
    stage.lose_ledger()
    if state_too:
        stage.lose_state()
    held = stage.everything_held()
    stage.change(FEMKE, accountEnabled=False)
    stage.change(DIETER, department="Kitchen")
    for _ in range(3):
        await stage.event_about(FEMKE)
        await stage.event_about(DIETER)
        await stage.settle()
    assert stage.everything_held() == held
    assert of(await make_first_contact(stage.app), FEMKE).owner is Owner.UNMANAGED
    assert stage.raised == []
    # Granting goes on, on chains that begin anew.
    anna = stage.hire("anna")
    await stage.event_about(anna)
    assert stage.held(anna) == {NL}
    stage.change(anna, accountEnabled=False)
    await stage.event_about(anna)
    assert stage.held(anna) == set()


async def test_a_ledger_that_is_wiped_in_the_middle_of_everything_is_survived(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.change(DIETER, companyName="Contoso Nederland")
    await stage.event_about(DIETER)  # his revoke waits for a second check
    await stage.tell(f"id:{anna}")
    stage.lose_ledger()
    await stage.run_until_quiet()
    stage.lose_ledger()
    await stage.advance(minutes=10)
    for _ in range(2):
        await stage.settle()
    assert (stage.held(anna), stage.held(DIETER), stage.held(FEMKE)) == ({NL}, {NL}, {NL})
    assert stage.held(HARRY) == {NL}
    assert stage.raised == []
    assert stage.queues.dead == []


async def test_what_was_adopted_is_unmanaged_without_its_evidence_and_managed_with_it(stage: Stage) -> None:
    plan = await plan_adoption(stage.app, Choice(pairs=((NL, HARRY),)))
    before = stage.ledger_rows.copy()
    await apply_adoption(stage.app, plan.able, "olga")
    stage.queues.waiting.clear()
    after = stage.ledger_rows.copy()
    await stage.ledger_rows.put_back(before)
    assert of(await make_first_contact(stage.app), HARRY).owner is Owner.UNMANAGED
    await stage.ledger_rows.put_back(after)
    assert of(await make_first_contact(stage.app), HARRY).owner is Owner.MANAGED
    await stage.ledger_rows.put_back(before)
    stage.change(HARRY, accountEnabled=False)
    for _ in range(2):
        await stage.event_about(HARRY)
        await stage.settle()
    assert stage.held(HARRY) == {NL}


async def test_an_older_copy_of_the_ledger_stops_whoever_wrote_to_the_newer_one(stage: Stage) -> None:
    key = chain_key(PersonKey(FEMKE))
    copy = stage.ledger_rows.copy()
    await stage.event_about(FEMKE)
    await stage.advance(minutes=10)
    open_chain = await stage.app.ledger.open(key)
    await stage.ledger_rows.put_back(copy)
    with pytest.raises(Conflict):
        await open_chain.append(stage.now, check_body())
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()
    assert [record.sequence for record in await stage.records(FEMKE)] == list(
        range(1, len(await stage.records(FEMKE)) + 1)
    )
    assert stage.raised == []


async def test_a_ledger_that_is_restored_under_a_check_has_the_check_taken_again(stage: Stage) -> None:
    copy = stage.ledger_rows.copy()
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)
    await stage.advance(minutes=10)
    assert stage.held(FEMKE) == {DE}
    await stage.tell(f"id:{FEMKE}")

    async def restore() -> None:
        await asyncio.sleep(5)
        await stage.ledger_rows.put_back(copy)

    stage.fault("graph", Effect(delay_seconds=20.0), path=f".*/users/{FEMKE}", times=1)
    await asyncio.gather(stage.run_until_quiet(), restore())
    assert [kind for kind, _ in stage.awaited(FEMKE)][:1] == ["retry"]
    await stage.advance(minutes=30)
    assert stage.held(FEMKE) == {DE}
    assert stage.raised == []
    assert (await stage.last_check(FEMKE)).outcome == "unchanged"
    # Of the checks since the copy the ledger knows only those that came after it.
    assert [check.cause for check in await stage.checks(FEMKE)] == ["sweep", "retry", "settle"]
    assert {row for row, by in stage.everything_held().items() if by == APP} == {
        (DE.folded, FEMKE),
        (DE.folded, DIETER),
        (HOLDING.folded, TESS),
    }
