"""Attacks: what somebody gets who may write to a queue, to the store or to the directory, or who answers for a service.

Each test is a claim of docs/explanation/security.md, whether something stops the attack or nothing does.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.faults import Effect
from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.domain.access.plan import StoppedBy
from shared.domain.billing import BillingProfile
from shared.domain.guards.daily_limits import Reservations
from shared.domain.guards.holds import Hold, Status, action_id
from shared.domain.guards.pauses import Pauses
from shared.domain.history.records import AdoptBody, IntendedGrant, IntentBody, Mode
from shared.domain.keys import NameKey, NameKind, PersonKey, ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from shared.domain.remembered import Holding
from shared.domain.work import RECORDED_CHARACTERS, CauseKind, Position
from shared.errors import FailedRead
from tests.english import english
from tests.ledger_records import check_body
from tests.simulation.small_world import (
    APP,
    DE,
    DIETER,
    EA,
    FEMKE,
    HARRY,
    HOLDING,
    MCA,
    NL,
    OTHER_APP,
    OWNER,
    PARTNER,
    PIA,
    POLICY,
    PROFILES,
    TESS,
    TREASURY,
    world,
)
from tests.simulation.stage import Stage, newcomer

LONG_AGO = datetime(1901, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2199, 1, 1, tzinfo=UTC)
ELSEWHERE = "https://collector.example/harvest"


async def forge_person(stage: Stage, person: str, **row: object) -> None:
    """Somebody writes into a person's row, past the app."""
    state = await stage.app.state.person(person)
    await stage.app.state.put_person(state.becoming(replace(state.value, **row)))  # type: ignore[arg-type] # whatever a row holds


async def forge_catalogue(
    stage: Stage, change: Callable[[BillingProfile], BillingProfile] = lambda profile: profile, **fields: object
) -> None:
    """Somebody replaces the catalogue, past the app; half a minute later every instance has it."""
    catalogue = await stage.app.state.catalogue()
    assert catalogue is not None
    profiles = tuple(map(change, catalogue.profiles))
    forged = replace(catalogue, profiles=profiles, **fields)  # type: ignore[arg-type] # whatever a catalogue holds
    await stage.app.state.put_catalogue(forged)
    await stage.advance(seconds=31)


async def forge_hold(stage: Stage, person: str, profile: ProfileKey, kind: ActionKind, status: Status) -> None:
    """Somebody writes a decision that nobody took."""
    key = PersonKey(person)
    hold = Hold(
        id=action_id(key, kind, profile),
        key=key,
        kind=kind,
        profile=profile,
        basis=None,
        why=Code.SAID(said="forged"),
        stopped_by=StoppedBy.DAILY_LIMIT,
        since=stage.now,
        renewed=stage.now,
        status=status,
        by="nobody",
        decided_at=stage.now,
    )
    rows = await stage.app.state.key_holds(key)
    await stage.app.state.put_key_holds(rows.becoming(replace(rows.value, holds={**rows.value.holds, hold.id: hold})))


# -- who may send to a queue


@pytest.mark.parametrize("kind", list(CauseKind))
async def test_a_forged_work_item_grants_and_takes_nothing_whatever_it_says(stage: Stage, kind: CauseKind) -> None:
    before, written = stage.everything_held(), stage.writes()
    hints = (*PROFILES, ProfileKey(EA, "ENROLLMENT"), ProfileKey("no-such-account", "NO-SUCH"))
    for person in (FEMKE, HARRY, PIA, OWNER, newcomer(1)):
        await stage.enqueue(
            PersonKey(person),
            kind,
            hints=hints,
            attempt=1_000_000,
            first_asked=LONG_AGO,
            effective=FAR_AHEAD,
            failing_since=LONG_AGO,
        )
        for beyond in (False, True):
            end = Position(beyond, HOLDING)
            await stage.enqueue(PersonKey(person), kind, hints=hints, after=end)
            await stage.enqueue(PersonKey(person), kind, hints=hints, upto=end)
    await stage.enqueue(ProfileKey("no-such-account", "NO-SUCH"), kind, first_asked=FAR_AHEAD)
    await stage.enqueue(NL, kind, first_asked=FAR_AHEAD)
    await stage.advance(hours=1)
    assert stage.everything_held() == before
    assert stage.writes() == written
    assert not stage.raised


async def test_two_checks_of_one_person_side_by_side_make_one_write(stage: Stage) -> None:
    """As a work item under another session would bring about: the chain lets one of them through."""
    anna = stage.hire("anna")
    outcomes = await asyncio.gather(stage.check(PersonKey(anna)), stage.check(PersonKey(anna)))
    assert sorted(outcomes) == [Outcome.DONE, Outcome.RETRY]
    assert [who for _, who in stage.writes()].count(anna) == 1
    stage.change(anna, accountEnabled=False)
    await asyncio.gather(stage.check(PersonKey(anna)), stage.check(PersonKey(anna)))
    await stage.advance(minutes=30)
    assert stage.held(anna) == set()
    assert await stage.records(anna)


async def test_a_forged_event_about_a_protected_person_changes_nothing(stage: Stage) -> None:
    stage.give(PARTNER, PIA)
    before, written = stage.everything_held(), stage.writes()
    await stage.event_about(PIA, effective="2026-03-03")
    stage.change(PIA, accountEnabled=False)
    await stage.event_about(PIA)
    stage.delete(PIA)
    await stage.event_about(PIA)
    await stage.settle()
    await stage.advance(days=2)
    assert stage.everything_held() == before
    assert stage.writes() == written


async def test_a_flood_of_dates_about_one_person_takes_five_places_and_nobody_elses(stage: Stage) -> None:
    stage.change(DIETER, accountEnabled=False)
    first = datetime(2026, 4, 1, tzinfo=UTC)
    days = [f"{first + timedelta(days=day):%Y-%m-%d}" for day in range(300)]
    await stage.receive(*(stage.event(f"id:{FEMKE}", effective=day) for day in days), stage.event(f"id:{DIETER}"))
    await stage.run_until_quiet()
    assert stage.held(DIETER) == set()
    assert len([due for kind, due in stage.awaited(FEMKE) if kind == "schedule"]) == 5
    assert stage.held(FEMKE) == {NL}


async def test_a_name_that_nobody_has_costs_few_checks_however_far_its_date(stage: Stage) -> None:
    await stage.tell("employee-id:nobody", effective="2036-02-01")
    await stage.advance(days=60)
    assert len(await stage.checks(NameKey(NameKind.EMPLOYEE_ID, "nobody"))) < 80


async def test_a_forged_item_about_a_profile_that_is_not_ours_to_manage_stops_nobody(
    set_stage: Callable[..., Stage],
) -> None:
    given = world()
    account = given["billingAccounts"][0]
    account["billingRoleAssignments"] = [row for row in account["billingRoleAssignments"] if row["principalId"] != APP]
    for profile in account["billingProfiles"][:2]:
        profile["billingRoleAssignments"].append({"principalId": APP, "role": "Billing profile owner"})
    stage = set_stage(given=given)
    await stage.settle()
    await stage.enqueue(HOLDING)
    await stage.run_until_quiet()
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()


async def test_a_forged_item_puts_no_story_into_the_ledger(stage: Stage) -> None:
    item = {
        "key": f"person:{FEMKE}",
        "cause": {"kind": "event", "origin": "x" * 20_000, "event_type": "y" * 20_000},
        "first_asked": stage.now.isoformat(),
    }
    await stage.enqueue(PersonKey(FEMKE))
    stage.queues.waiting[-1].body = json.dumps(item).encode()
    await stage.run_until_quiet()
    check = await stage.last_check(FEMKE)
    assert len(check.origin) <= RECORDED_CHARACTERS
    assert len(check.event_type) <= RECORDED_CHARACTERS


# -- who may write to the directory


async def test_a_directory_writer_gets_what_the_policy_gives_up_to_the_daily_limit(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(policy=POLICY + "daily_limits: { grants: 5/5/100 }\n")
    await stage.settle()  # three of the five
    people = [stage.hire(f"kitchen{number}", department="Kitchen") for number in range(6)]
    for person in people:
        stage.change(person, department="Finance")
        await stage.event_about(person)
    await stage.settle()
    await stage.advance(hours=3)
    assert sum(bool(stage.held(person)) for person in people) == 2


# -- who may write to the state


async def test_a_forged_first_sight_takes_at_once_only_what_is_managed_and_no_rule_gives(stage: Stage) -> None:
    long_ago = stage.now - timedelta(days=1)
    stage.give(DE, FEMKE, by=OTHER_APP)
    forged = {f"moved:{profile.folded}": long_ago for profile in (NL, DE)}
    await forge_person(stage, FEMKE, sightings=forged)
    await stage.enqueue(PersonKey(FEMKE), hints=(DE,))
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == {NL, DE}
    stage.change(FEMKE, department="Kitchen")
    await forge_person(stage, FEMKE, sightings=forged)
    await stage.enqueue(PersonKey(FEMKE), hints=(DE,))
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == {DE}


async def test_a_first_sight_from_the_future_starts_anew(stage: Stage) -> None:
    stage.change(FEMKE, department="Kitchen")
    await forge_person(stage, FEMKE, sightings={f"moved:{NL.folded}": FAR_AHEAD})
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}
    await stage.advance(minutes=6)
    assert stage.held(FEMKE) == set()


@pytest.mark.parametrize("names_its_maker", [True, False])
@pytest.mark.parametrize(
    "forged",
    [
        Holding(adopted=True),
        Holding(rules=("own-company",), intended_at=datetime(2020, 1, 1, tzinfo=UTC), found_nothing=True),
        Holding(rules=("own-company",), intended_at=datetime(2020, 1, 1, tzinfo=UTC), found_nothing=True, adopted=True),
    ],
)
async def test_a_forged_holding_makes_nothing_managed(
    set_stage: Callable[..., Stage], names_its_maker: bool, forged: Holding
) -> None:
    stage = set_stage()
    if not names_its_maker:
        stage.turn(created_by_service_principal="absent")
    await stage.settle()
    anna = stage.hire("anna", department="Sales")
    stage.give(DE, anna, by=OTHER_APP)
    row = stage.row(DE, anna)
    assert row is not None
    assert (row.created_by is not None) is names_its_maker
    await forge_person(stage, anna, holdings={DE: forged})
    for change in ({}, {"companyName": "Fabrikam"}, {"accountEnabled": False}):
        if change:
            stage.change(anna, **change)
        await forge_person(stage, anna, holdings={DE: forged})
        await stage.event_about(anna)
        await forge_person(stage, anna, holdings={DE: forged})
        await stage.settle()
    assert stage.held(anna) == {DE}
    notes = [note.kind for check in await stage.checks(anna) for note in check.notes]
    assert {"unmanaged", "leaver-holds-unmanaged"} <= set(notes)


async def test_a_forged_intent_to_revoke_keeps_nobodys_access(stage: Stage) -> None:
    stage.change(FEMKE, accountEnabled=False)
    await forge_person(stage, FEMKE, holdings={NL: Holding(rules=("own-company",), revoking_at=FAR_AHEAD)})
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()


async def test_a_forged_catalogue_moves_a_grant_to_a_managed_profile_until_the_next_sweep(stage: Stage) -> None:
    def as_dutch(profile: BillingProfile) -> BillingProfile:
        return replace(profile, tags={"company": "Contoso Nederland"}) if profile.key == DE else profile

    await forge_catalogue(stage, as_dutch)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL, DE}
    await stage.settle()
    await stage.settle()
    assert stage.held(FEMKE) == {NL}
    assert [who for _, who in stage.writes() if who == PIA] == []


async def test_a_forged_catalogue_reaches_no_account_that_the_policy_does_not_name(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(policy=POLICY.replace("accounts: all", f'accounts: ["{MCA}"]'))
    await stage.settle()

    def fabrikams(profile: BillingProfile) -> BillingProfile:
        return replace(profile, key=PARTNER, tags={"company": "Contoso Nederland"}) if profile.key == DE else profile

    await forge_catalogue(stage, fabrikams)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}


async def test_a_forged_catalogue_renames_a_profile_into_a_narrow_enforce_never_into_none(
    set_stage: Callable[..., Stage],
) -> None:
    def as_german(profile: BillingProfile) -> BillingProfile:
        return replace(profile, display_name="Contoso Deutschland") if profile.key == NL else profile

    cases: list[tuple[str, set[ProfileKey]]] = [("none", set()), ('[{ name: "Contoso Deutschland" }]', {NL})]
    for enforce, held in cases:
        stage = set_stage(policy=POLICY.replace("enforce: all", f"enforce: {enforce}"))
        await stage.settle()
        assert stage.held(FEMKE) == set()
        await forge_catalogue(stage, as_german)
        await stage.event_about(FEMKE)
        assert stage.held(FEMKE) == held


@pytest.mark.parametrize("group_is_gone", [False, True])
async def test_a_forged_judgement_takes_what_an_unknown_rule_gave_unless_its_group_is_gone(
    stage: Stage, group_is_gone: bool
) -> None:
    stage.leave(TREASURY, TESS)
    if group_is_gone:
        stage.call_graph("DELETE", f"/groups/{TREASURY}")
    before = await stage.settle()
    await stage.settle()
    assert "treasury" in {finding.rule for finding in before.findings}
    assert HOLDING in stage.held(TESS)
    await forge_catalogue(stage, unknown_rules={})
    await stage.event_about(TESS)
    await stage.advance(minutes=11)
    assert (HOLDING in stage.held(TESS)) is group_is_gone


async def test_whoever_empties_the_daily_limits_passes_them_but_touches_only_the_managed(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(policy=POLICY + "daily_limits: { leaver_revokes: 1/1/100 }\n")
    await stage.settle()
    for person in (FEMKE, DIETER, HARRY):
        stage.change(person, accountEnabled=False)
        await stage.event_about(person)
    assert [bool(stage.held(person)) for person in (FEMKE, DIETER, HARRY)] == [False, True, True]
    row = await stage.app.state.reservations(ActionKind.LEAVER_REVOKES)
    await stage.app.state.put_reservations(row.becoming(Reservations(ActionKind.LEAVER_REVOKES)))
    holds = await stage.app.state.key_holds(PersonKey(DIETER))
    await stage.app.state.put_key_holds(holds.becoming(replace(holds.value, holds={})))
    await stage.app.state.put_pauses((await stage.app.state.pauses()).becoming(Pauses()))
    for person in (DIETER, HARRY):
        await stage.enqueue(PersonKey(person), hints=PROFILES)
    await stage.run_until_quiet()
    assert stage.held(DIETER) == set()
    assert stage.held(HARRY) == {NL}


async def test_a_forged_release_does_nothing_that_no_check_wants(stage: Stage) -> None:
    before, written = stage.everything_held(), stage.writes()
    for kind in (ActionKind.LEAVER_REVOKES, ActionKind.MOVER_REVOKES, ActionKind.GRANTS):
        for person in (HARRY, FEMKE, PIA):
            for profile in (NL, HOLDING):
                await forge_hold(stage, person, profile, kind, Status.RELEASED)
    for person in (HARRY, FEMKE, PIA):
        await stage.enqueue(PersonKey(person), hints=PROFILES)
    await stage.settle()
    assert stage.everything_held() == before
    assert stage.writes() == written


async def test_a_forged_dismissal_keeps_a_leavers_access_without_a_decision_in_the_ledger(stage: Stage) -> None:
    await forge_hold(stage, FEMKE, NL, ActionKind.LEAVER_REVOKES, Status.DISMISSED)
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}
    assert "dismissed by nobody" in english((await stage.last_check(FEMKE)).actions[0].why)
    assert [record async for record in stage.app.ledger.read("operator")] == []


# -- who may write to the ledger


@pytest.mark.parametrize("names_its_maker", [True, False])
async def test_a_forged_intent_makes_managed_only_what_does_not_say_who_made_it(
    set_stage: Callable[..., Stage], names_its_maker: bool
) -> None:
    stage = set_stage()
    if not names_its_maker:
        stage.turn(created_by_service_principal="absent")
    await stage.settle()
    anna = stage.hire("anna", department="Sales")
    chain = await stage.app.ledger.open(PersonKey(anna).canonical)
    grant = IntendedGrant("grant", DE, Mode.ENFORCE, Code.GIVEN_BY(rules=()), (), found_nothing=True)
    await chain.append(stage.now, IntentBody((grant,)))
    await stage.advance(minutes=1)
    stage.give(DE, anna, by=OTHER_APP)
    stage.change(anna, accountEnabled=False)
    await stage.enqueue(PersonKey(anna), hints=(DE,))
    await stage.run_until_quiet()
    assert stage.held(anna) == ({DE} if names_its_maker else set())


async def test_forged_evidence_of_an_adoption_makes_that_row_managed_and_no_later_one(stage: Stage) -> None:
    stage.change(HARRY, accountEnabled=False)
    rows = {row.profile: row for row in await stage.app.billing.assignments(NL) if row.principal_id == HARRY}
    row = rows[NL]
    assert row.created_on is not None
    evidence = AdoptBody(
        NL, row.name, row.created_by, row.created_on, "User", "olga", "chosen", "stays", Code.HAS_NO_TIME(), ()
    )
    chain = await stage.app.ledger.open(PersonKey(HARRY).canonical)
    await chain.append(stage.now, evidence)
    stage.take(NL, HARRY)
    await stage.advance(minutes=1)
    stage.give(NL, HARRY)
    await stage.enqueue(PersonKey(HARRY), hints=(NL,))
    await stage.run_until_quiet()
    assert stage.held(HARRY) == {NL}
    again = stage.row(NL, HARRY)
    assert again is not None
    made = datetime.fromisoformat(again.created_on)
    chain = await stage.app.ledger.open(PersonKey(HARRY).canonical)
    await chain.append(stage.now, replace(evidence, created_on=made))
    await forge_person(stage, HARRY, holdings={NL: Holding(adopted=True)})
    await stage.event_about(HARRY)
    assert stage.held(HARRY) == set()


async def test_a_chain_rewritten_with_its_digests_holds_but_not_against_one_kept_outside(
    stage: Stage,
) -> None:
    key = PersonKey(FEMKE).canonical
    sequence, digest = await stage.app.ledger.head(key)
    rows = SqliteRows(IN_MEMORY)
    forged = RowsLedger(rows)
    chain = await forged.open(key)
    for record in await stage.records(FEMKE):
        await chain.append(record.at, check_body(record.sequence, origin="an order from above"))
    assert (await forged.head(key))[0] == sequence
    assert not await forged.verify(key)
    assert await forged.verify(key, {sequence: digest})
    await rows.close()


async def test_a_record_that_was_added_at_the_end_is_no_change_to_anything_kept_outside(stage: Stage) -> None:
    key = PersonKey(FEMKE).canonical
    sequence, digest = await stage.app.ledger.head(key)
    await (await stage.app.ledger.open(key)).append(stage.now, check_body(origin="forged"))
    assert not await stage.app.ledger.verify(key, {sequence: digest})


# -- who answers for a service


@pytest.mark.parametrize("path", ["billingAccounts$", "billingProfiles$", "billingRoleAssignments$"])
async def test_no_link_in_a_billing_answer_leads_elsewhere(stage: Stage, path: str) -> None:
    before = stage.everything_held()
    stage.fault("arm", Effect(status=200, body={"value": [], "nextLink": ELSEWHERE}), path=path)
    if path.startswith("billingRole"):
        report = await stage.sweep()
        assert not report.complete
        assert any("collector.example" in english(failure) for failure in report.failures)
    else:
        with pytest.raises(FailedRead, match=r"collector\.example"):
            await stage.sweep()
    await stage.advance(hours=1)
    assert not [call for call in stage.calls() if "harvest" in call]
    assert stage.everything_held() == before


async def test_no_location_of_a_write_leads_elsewhere(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.fault("arm", Effect(status=202, headers={"Location": ELSEWHERE}), method="POST", times=1)
    await stage.event_about(anna)
    assert (await stage.last_check(anna)).outcome == "unverified"
    assert not [call for call in stage.calls() if "harvest" in call]


async def test_no_link_in_a_directory_answer_leads_elsewhere_and_nobody_is_taken_for_gone(stage: Stage) -> None:
    before = stage.everything_held()
    stage.fault("graph", Effect(status=200, body={"value": [], "@odata.nextLink": ELSEWHERE}), path="users$")
    report = await stage.settle()
    assert not report.complete
    assert not [call for call in stage.calls() if "harvest" in call]
    assert stage.everything_held() == before


async def test_an_identity_that_was_managed_by_setting_alone_makes_anybodys_rows_managed(stage: Stage) -> None:
    """Whoever writes the settings says whose rows are managed."""
    stage.change(HARRY, accountEnabled=False)
    await stage.enqueue(PersonKey(HARRY), hints=(NL,))
    await stage.settle()
    assert stage.held(HARRY) == {NL}
    stage.restart(former_identities=OWNER)
    await stage.enqueue(PersonKey(HARRY), hints=(NL,))
    await stage.run_until_quiet()
    assert stage.held(HARRY) == set()
