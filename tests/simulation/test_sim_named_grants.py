"""Named grants: given to one person whom the policy names, taken at the end, and not known where nobody is meant."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.domain.access.plan import Strength
from shared.domain.history.records import IntendedRevoke
from shared.domain.policy.load import load_policy
from shared.domain.policy.model import ActionKind
from shared.services.operate.decisions import list_holds
from shared.services.sweep.plan import compare
from tests.english import english
from tests.simulation.small_world import DE, FEMKE, GREG, HARRY, HOLDING, NL, PARTNER, POLICY, TESS
from tests.simulation.stage import Stage
from tests.simulation.test_sim_snapshot import on, snapshot
from tests.simulation.test_sim_why import told

SetStage = Callable[..., Stage]

END = datetime(2026, 3, 4, 23, tzinfo=UTC)
"""When the fourth of March is over in Amsterdam."""


def granting(
    person: str = "Harry@contoso.example", until: str = "until: 2026-03-04, ", *, policy: str = POLICY, more: str = ""
) -> str:
    """The small company's policy, with Contoso Deutschland for the auditor."""
    line = f"  - {{ name: auditor, person: {person!r}, {until}why: 'audit 2026', {more}"
    return f'{policy}grants:\n{line}profiles: [{{ name: "Contoso Deutschland" }}] }}\n'


def found(report: Any, kind: str) -> list[tuple[str, str, str]]:
    return [(one.rule, one.principal, english(one.why)) for one in report.findings if one.kind == kind]


async def until(stage: Stage, moment: datetime) -> None:
    """Lets time pass, with a sweep within the last hour."""
    await stage.advance(to=moment - timedelta(minutes=50))
    await stage.sweep()
    await stage.advance(to=moment)


async def everything_kept(stage: Stage) -> str:
    """Whatever is recorded, reported or remembered for longer than until the next sweep, as one text."""
    records = [str(record) for person in (HARRY, FEMKE) for record in await stage.records(person)]
    return "".join([*records, *map(str, await stage.app.state.reports(50))])


@pytest.mark.parametrize("person", ["Harry@contoso.example", HARRY])
async def test_a_named_grant_gives_until_its_last_day_is_over(set_stage: SetStage, person: str) -> None:
    stage = set_stage(policy=granting(person))
    await stage.settle()
    assert stage.held(HARRY) == {NL, DE}  # the first by hand
    await until(stage, END - timedelta(seconds=1))
    assert stage.held(HARRY) == {NL, DE}
    await stage.advance(to=END + timedelta(minutes=1))  # by the check of that moment: no sweep came
    assert stage.held(HARRY) == {NL}
    actions = [action for body in await stage.intents(HARRY) for action in body.actions]
    assert [(one.strength, english(one.why)) for one in actions if isinstance(one, IntendedRevoke)] == [
        (Strength.STRONG, "named grant auditor ended with 2026-03-04")
    ]
    report = await stage.settle()
    assert (report.drift, report.findings) == ({}, ())


async def test_neither_records_nor_reports_nor_log_have_the_address(
    set_stage: SetStage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    stage = set_stage(policy=granting())
    await stage.settle()
    twin = stage.hire("hanna", mail="harry@contoso.example", department="Audit")
    await stage.event_about(twin)
    await stage.settle()
    await until(stage, END + timedelta(hours=2))
    kept = await everything_kept(stage)
    assert "grant:auditor" in kept
    assert "harry@" not in (kept + caplog.text).lower()


async def test_a_sweep_takes_it_where_the_check_of_the_end_was_lost(set_stage: SetStage) -> None:
    stage = set_stage(policy=granting().replace("mover_grace_hours: 0", "mover_grace_hours: 72"))
    await until(stage, END - timedelta(minutes=1))
    stage.queues.waiting.clear()
    await stage.advance(minutes=30)
    assert stage.held(HARRY) == {NL, DE}
    report = await stage.sweep()
    assert report.drift == {"holder-outside-every-rule": 1}
    await stage.advance(minutes=1)
    assert stage.held(HARRY) == {NL}  # nobody moved: there is no grace


async def test_its_end_takes_nothing_that_a_rule_gives_as_well(set_stage: SetStage) -> None:
    policy = granting("femke@contoso.example").replace('name: "Contoso Deutschland"', 'name: "Contoso Nederland"')
    stage = set_stage(policy=policy)
    await until(stage, END + timedelta(hours=2))
    assert stage.held(FEMKE) == {NL}


async def test_a_week_before_its_end_each_sweep_tells_of_it(set_stage: SetStage) -> None:
    stage = set_stage(policy=granting(until="until: 2026-03-12, "))
    end = datetime(2026, 3, 12, 23, tzinfo=UTC)
    await until(stage, end - timedelta(days=7, minutes=1))
    assert found(await stage.sweep(), "grant-ends") == []
    await stage.advance(to=end - timedelta(days=7))
    assert found(await stage.sweep(), "grant-ends") == [
        (
            "grant:auditor",
            HARRY,
            "named grant auditor ends with 2026-03-12: what it alone gives is taken away then",
        )
    ]
    await stage.advance(to=end)
    assert found(await stage.sweep(), "grant-ends") == []


async def test_one_without_an_end_stays_and_is_not_told_of(set_stage: SetStage) -> None:
    stage = set_stage(policy=granting(until=""))
    await stage.settle()
    await stage.advance(days=400)
    report = await stage.settle()
    assert (stage.held(HARRY), report.findings) == ({NL, DE}, ())


@pytest.mark.parametrize("person", ["nobody@contoso.example", "7c0f5a0e-0000-4000-8000-000000000001"])
async def test_whom_nobody_knows_is_a_finding_and_the_app_works_on(set_stage: SetStage, person: str) -> None:
    stage = set_stage(policy=granting(person))
    report = await stage.settle()
    why = (
        "nobody has the address that it names"
        if "@" in person
        else f"the directory knows no person {person}: a typing error, or somebody who was deleted"
    )
    assert found(report, "rule-not-known") == [("grant:auditor", "", why)]
    assert (report.complete, stage.held(FEMKE)) == (True, {NL})


async def test_an_address_that_changes_hands_takes_nothing_away(set_stage: SetStage) -> None:
    stage = set_stage(policy=granting())
    await stage.settle()
    stage.change(HARRY, mail="h.new@contoso.example", userPrincipalName="h.new@contoso.example")
    await stage.event_about(HARRY)
    report = await stage.settle()
    assert found(report, "rule-not-known") == [("grant:auditor", "", "nobody has the address that it names")]
    await stage.settle()
    assert stage.held(HARRY) == {NL, DE}
    await until(stage, END + timedelta(hours=2))  # and when it is over, it is over
    assert stage.held(HARRY) == {NL}


async def test_of_two_people_with_the_address_nobody_gains_or_loses(set_stage: SetStage) -> None:
    stage = set_stage(policy=granting())
    await stage.settle()
    twin = stage.hire("hanna", mail="HARRY@contoso.example", department="Audit")
    await stage.event_about(twin)
    assert stage.held(twin) == set()  # before any sweep has seen that there are two
    for _ in range(2):
        assert found(await stage.settle(), "rule-not-known") == [
            (
                "grant:auditor",
                "",
                "2 people have the address that it names: write the object id of the one who is meant",
            )
        ]
    assert (stage.held(twin), stage.held(HARRY)) == (set(), {NL, DE})
    await until(stage, END + timedelta(hours=2))
    assert stage.held(HARRY) == {NL}


async def test_an_address_gives_nothing_before_a_sweep_has_seen_whose_it_is(stage: Stage) -> None:
    stage.restart(policy=granting())
    await stage.event_about(HARRY)
    await stage.advance(minutes=20)
    assert stage.held(HARRY) == {NL}
    await stage.settle()
    assert stage.held(HARRY) == {NL, DE}


async def test_a_guest_gets_it_only_where_the_line_says_so(set_stage: SetStage) -> None:
    address = "greg_other.example#EXT#@contoso.example"
    stage = set_stage(policy=granting(address))
    report = await stage.settle()
    assert stage.held(GREG) == set()
    assert found(report, "rule-not-known") == [
        ("grant:auditor", "", "whom it names is a guest, or of another tenant: it needs guests: true")
    ]
    stage.restart(policy=granting(address, more="guests: true, "))
    await stage.settle()
    assert stage.held(GREG) == {DE}


async def test_a_leaver_loses_it_at_once(set_stage: SetStage) -> None:
    stage = set_stage(policy=granting())
    await stage.settle()
    stage.change(HARRY, accountEnabled=False)
    await stage.event_about(HARRY)
    assert stage.held(HARRY) == {NL}


async def test_whose_hire_date_is_to_come_gets_it_on_that_day(set_stage: SetStage) -> None:
    stage = set_stage(policy=granting())
    stage.change(HARRY, employeeHireDate="2026-03-03T00:00:00Z")
    await stage.settle()
    assert stage.held(HARRY) == {NL}
    await until(stage, datetime(2026, 3, 3, 1, tzinfo=UTC))
    assert stage.held(HARRY) == {NL, DE}
    await until(stage, END + timedelta(minutes=1))
    assert stage.held(HARRY) == {NL}


async def test_what_the_daily_limit_has_no_room_for_is_held(set_stage: SetStage) -> None:
    none = "daily_limits: { grants: 0/0/0, mover_revokes: 0/0/0 }\n"
    stage = set_stage(policy=granting())
    await stage.settle()
    stage.restart(policy=granting(policy=POLICY + none))
    await until(stage, END + timedelta(hours=2))
    assert stage.held(HARRY) == {NL, DE}
    listed = await list_holds(stage.app)
    assert [(hold.kind, hold.profile) for hold in listed.holds] == [(ActionKind.MOVER_REVOKES, DE)]


async def test_many_that_end_on_one_day_pause_nothing(set_stage: SetStage) -> None:
    stage = set_stage()
    people = [stage.hire(f"auditor{number}", department="Audit") for number in range(8)]
    line = "  - {{ name: auditor-{}, person: {}, until: 2026-03-04, why: audit, profiles: [{{ name: Fabrikam }}] }}\n"
    lines = "".join(line.format(number, one) for number, one in enumerate(people))
    limits = "daily_limits: { grants: 50/50/100, mover_revokes: 50/50/100 }\n"
    stage.restart(policy=f"{POLICY}{limits}grants:\n{lines}")
    await stage.settle()
    assert all(stage.held(one) == {PARTNER} for one in people)
    await until(stage, END + timedelta(hours=2))
    assert all(stage.held(one) == set() for one in people)
    assert (await stage.app.state.pauses()).value.active == {}


async def test_a_plan_of_another_policy_shows_what_its_grants_would_give(stage: Stage) -> None:
    both = await compare(stage.app, load_policy(granting(), "new.yaml"))
    assert both.difference.added == ("grant:auditor",)
    assert [(one.key.canonical, one.profile, one.rules) for one in both.planned.changes] == [
        (f"person:{HARRY}", DE, ("grant:auditor",))
    ]
    unknown = await compare(stage.app, load_policy(granting("nobody@contoso.example"), "new.yaml"))
    assert (unknown.planned.changes, set(unknown.planned.unknown_rules)) == ((), {"grant:auditor"})


async def test_why_tells_of_a_grant_whom_it_names_and_nobody_else(set_stage: SetStage) -> None:
    stage = set_stage(policy=granting())
    await stage.settle()
    await stage.sweep()
    assert "grant:auditor yes" in await told(stage, HARRY, "Contoso Deutschland")
    assert "auditor" not in await told(stage, TESS)
    await until(stage, END + timedelta(hours=1))
    assert "grant:auditor no: it ended with 2026-03-04" in await told(stage, HARRY, "Contoso Deutschland")


async def test_a_policy_without_grants_asks_nobody_anything_more(stage: Stage) -> None:
    before = stage.calls()
    await stage.sweep()
    without = stage.calls() - before
    stage.restart(policy=granting())
    await stage.settle()
    before = stage.calls()
    await stage.sweep()
    assert stage.calls() - before - without == {"graph GET /v1.0/users": 1}  # one listing, however many addresses
    assert stage.held(TESS) == {HOLDING}


@pytest.mark.parametrize("named", [True, False])
async def test_on_a_snapshot_a_grant_means_somebody_only_where_it_has_names(set_stage: SetStage, named: bool) -> None:
    stage = set_stage(policy=granting())
    await stage.settle()
    await stage.sweep()
    wider = granting().replace('{ name: "Contoso Deutschland" }', "{ name: 'Contoso *' }")
    tried = await on(await snapshot(stage, named=named), stage, wider)
    gives = [(one.profile, one.rules) for one in tried.planned.changes]
    assert gives == ([(HOLDING, ("grant:auditor",))] if named else [])
    assert set(tried.planned.unknown_rules) == (set() if named else {"grant:auditor"})
