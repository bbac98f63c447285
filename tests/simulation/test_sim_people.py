"""People join, move and leave: what they hold afterwards, when, and what the ledger says of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from sandbox.faults import Effect
from shared.domain.access.ownership import OwnershipBasis
from shared.domain.access.plan import Strength
from shared.domain.history.checks import CheckBody
from shared.domain.history.records import IntendedGrant, IntendedRevoke, IntentBody, Mode
from shared.domain.keys import Key, NameKey, NameKind, PersonKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from tests.english import english
from tests.simulation.small_world import (
    DE,
    DIETER,
    FEMKE,
    GREG,
    HOLDING,
    NL,
    PARTNER,
    PIA,
    POLICY,
    TESS,
    TREASURY,
)
from tests.simulation.stage import Stage


async def test_a_hire_holds_the_profile_of_their_company_and_the_ledger_tells_why(stage: Stage) -> None:
    anna = stage.hire("anna")
    await stage.event_about(anna)
    assert stage.held(anna) == {NL}
    intent, check = await stage.bodies(anna)
    assert isinstance(intent, IntentBody)
    assert intent.actions == (
        IntendedGrant(
            "grant", NL, Mode.ENFORCE, Code.GIVEN_BY(rules=("own-company",)), ("own-company",), found_nothing=True
        ),
    )
    assert isinstance(check, CheckBody)
    assert check.cause == "event"
    assert check.origin == "/hr#1"
    assert check.event_type == "com.contoso.hr.person.changed"
    assert check.outcome == "done"
    assert check.wanted == {NL: ("own-company",)}
    assert [(each.action, each.outcome) for each in check.actions] == [("grant", "done")]
    assert stage.awaited(anna) == []


async def test_the_intent_is_recorded_before_the_write(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.turn(create_status=202, create_seconds=5.0)
    await stage.event_about(anna)
    row = stage.row(NL, anna)
    assert row is not None
    intent = (await stage.records(anna))[0]
    assert intent.kind == "intent"
    assert intent.at < datetime.fromisoformat(row.created_on)


async def test_a_check_that_an_event_caused_and_that_changed_nothing_is_repeated_once(stage: Stage) -> None:
    await stage.event_about(FEMKE)
    assert [kind for kind, _ in stage.awaited(FEMKE)] == ["settle"]
    ((_, due),) = stage.awaited(FEMKE)
    assert timedelta(minutes=5) <= due - stage.now <= timedelta(minutes=5, seconds=30)
    await stage.advance(hours=3)
    assert [check.outcome for check in await stage.checks(FEMKE)][-2:] == ["unchanged", "unchanged"]
    assert stage.awaited(FEMKE) == []


async def test_a_change_that_the_directory_shows_late_is_found_by_the_repeated_check(stage: Stage) -> None:
    stage.graph.switches.replica_lag_seconds = 120
    await stage.advance(minutes=5)
    stage.change(TESS, department="Finance")
    await stage.event_about(TESS)
    assert NL not in stage.held(TESS)
    await stage.advance(minutes=6)
    assert stage.held(TESS) == {HOLDING, NL}


async def test_a_change_shown_late_is_found_although_the_first_check_failed(stage: Stage) -> None:
    stage.graph.switches.replica_lag_seconds = 120
    await stage.advance(minutes=5)
    stage.change(TESS, department="Finance")
    stage.fault("graph", Effect(status=500), path="/users/", times=3)  # as often as a read is sent
    await stage.event_about(TESS)
    assert (await stage.last_check(TESS)).outcome == "retry"
    await stage.advance(minutes=8)
    assert stage.held(TESS) == {HOLDING, NL}


async def test_a_change_shown_late_is_found_although_another_revoke_waits_for_its_grace(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(policy=POLICY.replace("mover_grace_hours: 0", "mover_grace_hours: 48"))
    await stage.settle()
    stage.change(FEMKE, department="Sales")
    await stage.event_about(FEMKE)
    stage.graph.switches.replica_lag_seconds = 120
    await stage.advance(minutes=10)
    stage.join(TREASURY, FEMKE)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}
    await stage.advance(minutes=6)
    assert stage.held(FEMKE) == {NL, HOLDING}


async def test_who_is_hired_for_later_gets_nothing_early_and_everything_at_that_moment(stage: Stage) -> None:
    begins = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)
    anna = stage.hire("anna", employeeHireDate="2026-03-02T10:30:00Z")
    await stage.event_about(anna)
    assert (await stage.last_check(anna)).employment == "pre-hire"
    assert ("schedule", begins) in stage.awaited(anna)
    await stage.advance(to=begins - timedelta(seconds=1))
    assert stage.held(anna) == set()
    await stage.advance(to=begins)
    await stage.run_until_quiet()
    assert stage.held(anna) == {NL}
    row = stage.row(NL, anna)
    assert row is not None
    assert datetime.fromisoformat(row.created_on) == begins


async def test_a_sweep_schedules_whose_answer_changes_before_the_next_one(stage: Stage) -> None:
    begins = datetime(2026, 3, 2, 12, 20, tzinfo=UTC)
    anna = stage.hire("anna", employeeHireDate="2026-03-02T12:20:00Z")
    stage.change(FEMKE, employeeLeaveDateTime="2026-03-02T12:10:30Z")
    nobody = stage.hire("nora", department="Sales", employeeHireDate="2026-03-02T12:20:00Z")
    await stage.sweep()
    assert stage.awaited(anna) == []
    await stage.advance(to=datetime(2026, 3, 2, 12, tzinfo=UTC))
    report = await stage.sweep()
    assert report.drift == {}
    assert stage.awaited(anna) == [("schedule", begins)]
    assert stage.awaited(FEMKE) == [("schedule", datetime(2026, 3, 2, 12, 10, 30, tzinfo=UTC))]
    assert stage.awaited(nobody) == []
    await stage.advance(to=begins - timedelta(seconds=1))
    assert stage.held(FEMKE) == set()
    assert stage.held(anna) == set()
    await stage.advance(to=begins)
    await stage.run_until_quiet()
    assert stage.held(anna) == {NL}


async def test_a_hire_date_moved_ahead_before_it_came_gives_nothing_on_the_old_day(stage: Stage) -> None:
    anna = stage.hire("anna", employeeHireDate="2026-03-02T10:30:00Z")
    await stage.event_about(anna)
    stage.change(anna, employeeHireDate="2026-03-02T10:50:00Z")
    await stage.advance(to=datetime(2026, 3, 2, 10, 40, tzinfo=UTC))
    assert stage.held(anna) == set()
    await stage.advance(to=datetime(2026, 3, 2, 10, 51, tzinfo=UTC))
    assert stage.held(anna) == {NL}


async def test_an_effective_date_in_an_event_makes_a_second_check_at_its_local_midnight(
    stage: Stage,
) -> None:
    await stage.event_about(FEMKE, effective="2026-03-09")
    assert ("schedule", datetime(2026, 3, 8, 23, tzinfo=UTC)) in stage.awaited(FEMKE)


async def test_a_mover_gains_the_new_profile_first_and_loses_the_old_one_when_seen_twice(stage: Stage) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL, DE}
    check = await stage.last_check(FEMKE)
    assert check.outcome == "waiting"
    assert [waiting.profile for waiting in check.waiting] == [NL]
    await stage.advance(minutes=4, seconds=55)
    assert stage.held(FEMKE) == {NL, DE}
    await stage.advance(minutes=1)
    assert stage.held(FEMKE) == {DE}
    assert [what for what, who in stage.writes() if who == FEMKE] == [
        "create-role-assignment",
        "create-role-assignment",
        "delete-role-assignment",
    ]


async def test_two_events_within_the_settling_time_do_not_count_as_two_sights(stage: Stage) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)
    await stage.advance(minutes=1)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL, DE}


async def test_a_mover_keeps_the_old_profile_for_the_hours_of_grace(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("mover_grace_hours: 0", "mover_grace_hours: 48"))
    await stage.settle()
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)
    moved = stage.now
    await stage.advance(to=moved + timedelta(hours=47, minutes=59))
    await stage.sweep()
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == {NL, DE}
    await stage.advance(to=moved + timedelta(hours=48, minutes=1))
    assert stage.held(FEMKE) == {DE}


async def test_a_mover_back_between_both_checks_keeps_all_and_the_evidence_is_forgotten(
    stage: Stage,
) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)
    stage.change(FEMKE, companyName="Contoso Nederland")
    await stage.advance(minutes=2)
    await stage.event_about(FEMKE)
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.advance(minutes=3, seconds=20)  # past the first check's settling time, not past the second one's
    await stage.event_about(FEMKE)
    assert NL in stage.held(FEMKE)
    await stage.advance(minutes=6)
    assert stage.held(FEMKE) == {DE}


async def test_a_disabled_leaver_loses_everything_at_the_first_check(stage: Stage) -> None:
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()
    check = await stage.last_check(FEMKE)
    assert (check.outcome, check.employment) == ("done", "leaver")
    revoke = (await stage.intents(FEMKE))[-1].actions[0]
    assert isinstance(revoke, IntendedRevoke)
    assert (revoke.strength, revoke.proof) == (Strength.STRONG, OwnershipBasis.CREATED_BY)


async def test_a_leaver_on_a_date_keeps_access_to_the_end_of_that_day_in_the_policys_zone(stage: Stage) -> None:
    ends = datetime(2026, 3, 2, 23, tzinfo=UTC)  # midnight in Amsterdam
    stage.change(FEMKE, employeeLeaveDateTime="2026-03-02T00:00:00Z")
    await stage.advance(to=ends - timedelta(minutes=40))
    await stage.event_about(FEMKE)
    assert ("schedule", ends) in stage.awaited(FEMKE)
    await stage.advance(to=ends - timedelta(seconds=1))
    assert stage.held(FEMKE) == {NL}
    await stage.advance(to=ends + timedelta(seconds=1))
    assert stage.held(FEMKE) == set()


async def test_a_deleted_leaver_loses_everything_at_the_first_check(stage: Stage) -> None:
    stage.delete(FEMKE)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()
    assert english((await stage.last_check(FEMKE)).why) == "the directory keeps them as deleted"


async def test_a_person_unknown_to_the_directory_loses_everything_only_when_seen_twice(stage: Stage) -> None:
    stage.delete(FEMKE)
    stage.purge(FEMKE)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}
    assert (await stage.last_check(FEMKE)).outcome == "waiting"
    await stage.advance(minutes=6)
    assert stage.held(FEMKE) == set()


async def test_who_is_back_before_the_second_check_was_never_gone(stage: Stage) -> None:
    absent = {"error": {"code": "Request_ResourceNotFound", "message": "Resource does not exist."}}
    for path in ("/users/", "/deletedItems/"):
        stage.fault("graph", Effect(status=404, body=absent), path=path + FEMKE, times=1)
    await stage.event_about(FEMKE)
    assert (await stage.app.state.person(FEMKE)).value.sightings != {}
    await stage.advance(minutes=6)
    assert stage.held(FEMKE) == {NL}
    assert (await stage.app.state.person(FEMKE)).value.sightings == {}
    for path in ("/users/", "/deletedItems/"):
        stage.fault("graph", Effect(status=404, body=absent), path=path + FEMKE, times=1)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}


async def test_a_failed_read_of_the_person_takes_nothing_away_and_forgets_no_evidence(stage: Stage) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.event_about(FEMKE)
    seen = (await stage.app.state.person(FEMKE)).value.sightings
    assert seen
    stage.fault("graph", Effect(status=403), path="/users/" + FEMKE, times=1)
    await stage.check(PersonKey(FEMKE))
    assert (await stage.app.state.person(FEMKE)).value.sightings == seen
    stage.fault("graph", Effect(status=200, body={"id": FEMKE}), path="/users/" + FEMKE, times=1)
    assert await stage.check(PersonKey(FEMKE)) is Outcome.RETRY
    assert (await stage.app.state.person(FEMKE)).value.sightings == seen
    assert NL in stage.held(FEMKE)


async def test_a_rehire_gets_everything_again(stage: Stage) -> None:
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    stage.change(FEMKE, accountEnabled=True, employeeHireDate="2026-03-02T08:00:00Z")
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}
    assert (await stage.last_check(FEMKE)).outcome == "done"


async def test_a_restored_leaver_gets_everything_again(stage: Stage) -> None:
    stage.delete(FEMKE)
    await stage.event_about(FEMKE)
    stage.restore(FEMKE)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}


async def test_a_group_gives_and_takes(stage: Stage) -> None:
    stage.join(TREASURY, DIETER)
    await stage.event_about(DIETER)
    assert stage.held(DIETER) == {DE, HOLDING}
    stage.leave(TREASURY, DIETER)
    await stage.event_about(DIETER)
    await stage.advance(minutes=6)
    assert stage.held(DIETER) == {DE}


async def test_a_guest_gets_nothing_from_a_rule_that_does_not_name_guests(stage: Stage) -> None:
    await stage.event_about(GREG)
    assert stage.held(GREG) == set()
    assert [note.kind for note in (await stage.last_check(GREG)).notes] == ["guest"]


async def test_a_guest_gets_what_a_rule_for_guests_gives(set_stage: Callable[..., Stage]) -> None:
    who = "who: \"department eq 'Finance'\""
    stage = set_stage(policy=POLICY.replace(who, f"{who}\n    guests: true"))
    await stage.event_about(GREG)
    assert stage.held(GREG) == {PARTNER}


@pytest.mark.parametrize("disabled", [False, True])
async def test_a_protected_person_is_never_touched(stage: Stage, disabled: bool) -> None:
    stage.give(PARTNER, PIA)
    if disabled:
        stage.change(PIA, accountEnabled=False)
    await stage.event_about(PIA)
    await stage.settle()
    assert stage.held(PIA) == {PARTNER}
    assert [who for _, who in stage.writes() if who == PIA] == []
    assert [note.kind for note in (await stage.checks(PIA))[0].notes] == ["protected"]


# -- by name


async def test_an_event_by_name_finds_the_person(stage: Stage) -> None:
    anna = stage.hire("anna", employeeId="E77")
    await stage.tell("employee-id:E77")
    await stage.run_until_quiet()
    assert stage.held(anna) == {NL}
    (check,) = await stage.checks(NameKey(NameKind.EMPLOYEE_ID, "E77"))
    assert check.found == (anna,)


async def test_a_hire_announced_before_the_directory_knows_them_waits_with_growing_pauses(stage: Stage) -> None:
    await stage.tell("upn:anna@contoso.example")
    await stage.advance(minutes=20)
    key = NameKey(NameKind.UPN, "anna@contoso.example")
    times = [record.at for record in await stage.records(key)]
    pauses = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    assert len(pauses) >= 3
    assert pauses == sorted(pauses)
    assert pauses[-1] > 2 * pauses[0]
    anna = stage.hire("anna")
    await stage.advance(hours=1)
    assert stage.held(anna) == {NL}
    assert stage.awaited(key) == []


async def test_nobody_by_that_name_is_rejected_a_fortnight_past_the_effective_date(stage: Stage) -> None:
    told = stage.now
    key = NameKey(NameKind.UPN, "nobody@contoso.example")
    await stage.tell("upn:nobody@contoso.example", effective="2026-03-20T00:00:00Z")
    await stage.advance(to=datetime(2026, 4, 2, 23, tzinfo=UTC))
    assert stage.queues.rejected == []
    assert stage.now - told > timedelta(days=30)
    await stage.advance(to=datetime(2026, 4, 3, 1, tzinfo=UTC))
    assert {event.field_name for event in stage.queues.rejected} == {"subject"}
    assert all(b"nobody@contoso.example" in event.body for event in stage.queues.rejected)
    assert stage.awaited(key) == []
    assert (await stage.last_check(key)).outcome == "rejected"


async def test_a_failure_after_days_of_waiting_neither_gives_up_nor_begins_the_wait_anew(stage: Stage) -> None:
    key = NameKey(NameKind.UPN, "anna@contoso.example")
    await stage.tell("upn:anna@contoso.example", effective="2026-03-08T00:00:00Z")
    await stage.advance(days=3)
    stage.fault("graph", Effect(status=500), path="/users$", times=3)  # as often as a read is sent
    checks = len(await stage.checks(key))
    await stage.advance(hours=13)
    outcomes = [check.outcome for check in (await stage.checks(key))[checks:]]
    assert outcomes[:2] == ["retry", "waiting"]
    assert len(outcomes) <= 5  # the pauses stay long
    anna = stage.hire("anna")
    await stage.advance(hours=7)
    assert stage.held(anna) == {NL}


async def test_a_leaver_by_a_name_the_directory_forgot_is_found_in_our_memory(
    stage: Stage,
) -> None:
    stage.delete(FEMKE)
    stage.purge(FEMKE)
    await stage.tell("employee-id:e1")
    await stage.advance(minutes=6)
    assert stage.held(FEMKE) == set()
    (check,) = await stage.checks(NameKey(NameKind.EMPLOYEE_ID, "E1"))
    assert check.found == (FEMKE,)


async def test_an_event_by_an_old_name_finds_who_was_renamed(stage: Stage) -> None:
    stage.change(FEMKE, userPrincipalName="femke.new@contoso.example", mail="femke.new@contoso.example")
    stage.change(FEMKE, accountEnabled=False)
    await stage.tell("upn:femke@contoso.example")
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == set()


@pytest.mark.parametrize("name", ["upn:anna@contoso.example", "mail:anna@contoso.example"])
async def test_a_person_new_to_us_renamed_before_the_check_is_found_by_the_old_address(stage: Stage, name: str) -> None:
    anna = stage.hire("anna")
    stage.change(anna, userPrincipalName="anna.new@contoso.example", mail="anna.new@contoso.example")
    await stage.tell(name)
    await stage.run_until_quiet()
    assert stage.held(anna) == {NL}


async def test_a_person_new_to_us_deleted_before_the_check_is_found_among_the_deleted(
    stage: Stage,
) -> None:
    anna = stage.hire("anna", employeeId="E77")
    stage.delete(anna)
    for kind, name in (("upn", "anna@contoso.example"), ("mail", "anna@contoso.example"), ("employee-id", "E77")):
        await stage.tell(f"{kind}:{name}")
        await stage.run_until_quiet()
        assert (await stage.last_check(NameKey(NameKind(kind), name))).found == (anna,)
    assert stage.held(anna) == set()
    assert len(await stage.checks(anna)) == 1 + 2, "one check each"


async def test_a_service_that_repeats_a_name_in_its_refusal_brings_it_into_no_record(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    said = {"error": {"code": "Request_BadRequest", "message": "Invalid filter: mail eq 'Femke@Contoso.Example'"}}
    stage.fault("graph", Effect(status=400, body=said), path="/users$")
    await stage.tell("mail:femke@contoso.example")
    await stage.run_until_quiet()
    check = await stage.last_check(NameKey(NameKind.MAIL, "femke@contoso.example"))
    assert check.outcome == "retry"
    assert "Invalid filter" in english(check.why)
    assert "femke" not in str(check).lower()
    await stage.advance(hours=25)
    assert "femke" not in str(await stage.last_check(NameKey(NameKind.MAIL, "femke@contoso.example"))).lower()
    assert "femke" not in stage.queues.rejected[-1].reason.lower()
    assert "femke" not in caplog.text.lower()


async def test_names_appear_in_no_record(stage: Stage) -> None:
    await stage.tell("upn:femke@contoso.example")
    await stage.tell("upn:nobody@contoso.example")
    await stage.advance(minutes=10)
    keys: list[Key] = [
        PersonKey(FEMKE),
        *(NameKey(NameKind.UPN, f"{who}@contoso.example") for who in ("femke", "nobody")),
    ]
    texts = [f"{record.key} {record.body}" for key in keys for record in await stage.records(key)]
    assert len(texts) > 4
    assert not [text for text in texts if "contoso.example" in text]


async def test_a_rule_for_members_of_other_tenants_gives_access_to_them_and_to_no_guest(
    set_stage: Callable[..., Stage],
) -> None:
    who = "who: \"department eq 'Finance'\""
    stage = set_stage(policy=POLICY.replace(who, f"{who}\n    guests: external_members"))
    finn = stage.hire(
        "finn", "Fabrikam", userPrincipalName="finn_fabrikam.example#EXT#@contoso.example", userType="Member"
    )
    await stage.settle()
    assert (stage.held(finn), stage.held(GREG)) == ({PARTNER}, set())
    stage.change(finn, userType="Guest")
    await stage.event_about(finn)
    await stage.advance(hours=1)
    assert stage.held(finn) == set()
