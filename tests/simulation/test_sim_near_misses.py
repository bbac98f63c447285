"""A text that looks like another, or is one letter away: it is told, and takes nobody's access away by itself."""

from collections.abc import Callable

import pytest

from sandbox.faults import Effect
from shared.domain.access.plan import StoppedBy
from shared.domain.history.findings import Finding
from shared.domain.history.report import Report
from shared.domain.keys import PersonKey
from shared.services.operate.decisions import dismiss, list_holds, release
from tests.english import english
from tests.simulation.small_world import DE, DIETER, FEMKE, HARRY, HOLDING, NL, PIA, POLICY, TREASURY
from tests.simulation.stage import Stage, newcomer


def of_kind(report: Report, kind: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == kind]


async def moved(stage: Stage, person: str, **texts: str) -> list[str]:
    """HR writes something else; the words of the holds that follow once evidence had time to settle."""
    await stage.settle()
    stage.change(person, **texts)
    await stage.event_about(person)
    await stage.advance(minutes=20)
    holds = (await list_holds(stage.app)).holds
    assert all(hold.stopped_by is StoppedBy.NEAR_MISS for hold in holds)
    return [english(hold.why) for hold in holds if hold.key == PersonKey(person)]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"department": "Finance "}, "department 'Finance ' were 'Finance'"),
        ({"department": "Fi\u00adnance"}, "department 'Fi\\u00adnance' were 'Finance'"),
        ({"companyName": "Contoso\u00a0Nederland"}, "companyName 'Contoso\\u00a0Nederland' were 'Contoso Nederland'"),
        ({"companyName": "Contoso Nederlnad"}, "companyName 'Contoso Nederlnad' were 'Contoso Nederland'"),
        ({"companyName": "Contoso Nederlan"}, "companyName 'Contoso Nederlan' were 'Contoso Nederland'"),
    ],
)
async def test_a_slip_of_the_pen_is_held_and_revokes_nothing(stage: Stage, texts: dict[str, str], said: str) -> None:
    (why,) = await moved(stage, FEMKE, **texts)
    assert said in why
    await stage.settle()
    await stage.settle()
    assert stage.held(FEMKE) == {NL}


async def test_a_hold_tells_the_slip_as_it_is_now(stage: Stage) -> None:
    assert await moved(stage, FEMKE, department="Finance ")
    (why,) = await moved(stage, FEMKE, department="Fin ance")
    assert "department 'Fin ance' were 'Finance'" in why


async def test_a_slip_that_was_fixed_closes_its_hold(stage: Stage) -> None:
    assert await moved(stage, FEMKE, department="Finance ")
    stage.change(FEMKE, department="Finance")
    await stage.event_about(FEMKE)
    assert (await list_holds(stage.app)).holds == ()
    assert stage.held(FEMKE) == {NL}


async def test_a_slip_that_a_person_calls_a_move_is_revoked(stage: Stage) -> None:
    assert await moved(stage, FEMKE, department="Finance ")
    listed = await list_holds(stage.app)
    await release(stage.app, [listed.holds[0].id], "olga", listed)
    await stage.run_until_quiet()
    assert stage.held(FEMKE) == set()


async def test_a_slip_that_a_person_dismissed_stays_and_is_not_asked_about_again(stage: Stage) -> None:
    assert await moved(stage, FEMKE, department="Finance ")
    listed = await list_holds(stage.app)
    await dismiss(stage.app, [listed.holds[0].id], "olga", listed)
    await stage.settle()
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}


@pytest.mark.parametrize("is_dismissed", [False, True])
@pytest.mark.parametrize("slip", [{"department": "Finance "}, {"companyName": "Contoso Nederlnad"}])
async def test_who_moves_after_a_slip_loses_what_the_slip_kept(
    stage: Stage, slip: dict[str, str], *, is_dismissed: bool
) -> None:
    assert await moved(stage, FEMKE, **slip)
    if is_dismissed:  # "that is a slip": it says nothing about a move to come
        listed = await list_holds(stage.app)
        await dismiss(stage.app, [listed.holds[0].id], "olga", listed)
    assert await moved(stage, FEMKE, department="Sales", companyName="Contoso Nederland") == []
    assert stage.held(FEMKE) == set()


async def test_a_slip_that_a_person_dismissed_stays_one_where_others_have_the_same(stage: Stage) -> None:
    assert await moved(stage, FEMKE, companyName="Contoso Nederlnad")
    listed = await list_holds(stage.app)
    await dismiss(stage.app, [listed.holds[0].id], "olga", listed)
    stage.change(HARRY, companyName="Contoso Nederlnad")
    await stage.event_about(FEMKE)
    await stage.settle()
    assert stage.held(FEMKE) == {NL}


async def test_a_sweep_finds_who_moved_after_a_slip_where_the_event_is_lost(stage: Stage) -> None:
    stage.join(TREASURY, FEMKE)  # so that a rule still lists her, and the sweep itself knows what she is called
    assert await moved(stage, FEMKE, department="Finance ")
    stage.change(FEMKE, department="Sales")
    await stage.settle()
    await stage.settle()
    assert (await list_holds(stage.app)).holds == ()
    assert stage.held(FEMKE) == {HOLDING}


async def test_a_move_to_a_text_that_others_have_is_a_move(stage: Stage) -> None:
    for person in (HARRY, PIA):  # in Audit, and protected: no rule lists them, and the directory knows the name
        stage.change(person, companyName="Contoso Nederlant")
    assert await moved(stage, FEMKE, companyName="Contoso Nederlant") == []
    assert stage.held(FEMKE) == set()


async def test_a_move_to_a_text_that_a_profile_has_is_a_move(stage: Stage) -> None:
    stage.set_profile(DE, displayName="Contoso Nederlant")
    assert await moved(stage, FEMKE, companyName="Contoso Nederlant") == []
    assert stage.held(FEMKE) == set()


async def test_one_letter_of_a_short_text_is_a_move(stage: Stage) -> None:
    assert await moved(stage, FEMKE, department="Finanze") == []
    assert stage.held(FEMKE) == set()


async def test_nothing_is_revoked_while_it_is_unknown_whether_others_have_the_text(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, companyName="Contoso Nederlant")
    stage.fault("graph", Effect(status=503), path="/v1.0/users$")
    await stage.event_about(FEMKE)
    await stage.advance(hours=2)
    assert stage.held(FEMKE) == {NL}
    assert (await stage.last_check(FEMKE)).outcome == "retry"


async def test_a_person_is_asked_when_the_directory_refuses_to_say_who_has_the_text(stage: Stage) -> None:
    stage.fault("graph", Effect(status=400), path="/v1.0/users$")
    stage.change(FEMKE, companyName="Contoso Nederlant")
    await stage.event_about(FEMKE)
    await stage.advance(minutes=20)
    (hold,) = (await list_holds(stage.app)).holds
    assert (hold.key, hold.stopped_by) == (PersonKey(FEMKE), StoppedBy.NEAR_MISS)
    assert stage.held(FEMKE) == {NL}


async def test_a_leaver_with_a_slip_is_revoked(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, department="Finance ", accountEnabled=False)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()


async def test_a_hire_who_just_misses_a_rule_is_told_by_the_check_with_both_texts(stage: Stage) -> None:
    anna = stage.hire("anna", "Contoso  Nederland")
    await stage.event_about(anna)
    assert stage.held(anna) == set()
    (note,) = [note for note in (await stage.last_check(anna)).notes if note.kind == "near-miss"]
    assert "companyName 'Contoso  Nederland' were 'Contoso Nederland'" in english(note.why)


async def test_a_person_who_just_misses_a_rule_is_a_finding_of_the_sweep(stage: Stage) -> None:
    stage.change(DIETER, companyName="Contoso Deutschland ")
    (finding,) = of_kind(await stage.settle(), "near-miss")
    assert (finding.principal, finding.profile) == (DIETER, DE)
    assert "companyName 'Contoso Deutschland ' were 'Contoso Deutschland'" in english(finding.why)


@pytest.mark.parametrize("department", ["Finance ", " Finance"])
async def test_a_sweep_tells_of_who_just_misses_a_rule_also_where_nothing_else_lists_them(
    stage: Stage, department: str
) -> None:
    anna = stage.hire("anna", department=department)
    report = await stage.settle()
    (finding,) = of_kind(report, "near-miss")
    assert (finding.principal, finding.profile) == (anna, NL)
    assert stage.held(anna) == set()


@pytest.mark.parametrize(
    ("changed", "key", "text"),
    [
        (
            ("enforce: all", 'enforce: [{ name: "Contoso Nederlant" }]'),
            "enforce",
            "no billing profile is called 'Contoso Nederlant', but there is 'Contoso Nederland'",
        ),
        (
            ("opt_in: all", 'opt_in: [{ name: "Contoso*" }, { tag: { firm: x } }]'),
            "email_invoicing.opt_in",
            "no billing profile has the tag firm: 'x'",
        ),
        (
            ("accounts: all", "accounts: [6575495, 6575496]"),
            "accounts",
            "no billing account is listed that is called '6575496'",
        ),
        (
            ("protected: [", f"protected: [{newcomer(7)}, "),
            "protected",
            f"the directory knows no person {newcomer(7)}: a typing error, or somebody who was deleted",
        ),
    ],
)
async def test_a_policy_that_names_what_nobody_finds_is_a_finding(
    set_stage: Callable[..., Stage], changed: tuple[str, str], key: str, text: str
) -> None:
    stage = set_stage(policy=POLICY.replace(*changed).replace("6575495, 6575496", '"6575495", "6575496"'))
    (finding,) = of_kind(await stage.settle(), "policy-names-nothing")
    assert (finding.key, english(finding.why)) == (key, text)


async def test_a_policy_whose_words_all_mean_something_has_no_such_finding(stage: Stage) -> None:
    report = await stage.settle()
    assert [finding.kind for finding in report.findings] == []


async def test_a_directory_that_cannot_say_who_is_protected_takes_nothing_from_the_sweep(
    set_stage: Callable[..., Stage],
) -> None:
    rule = POLICY[POLICY.index("  - name: own-company") : POLICY.index("  - name: treasury")]
    stage = set_stage(policy=POLICY.replace(rule, ""))  # so that nobody else is asked for by a filter
    stage.fault("graph", Effect(status=400), path="/v1.0/users$")
    report = await stage.settle()
    assert report.complete
    assert report.failures == ()
    assert any("looking for who is protected" in english(why) for why in report.not_kept)


async def test_one_dead_comparison_is_a_finding_and_the_rule_goes_on(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("department eq 'Finance'", "department in ('Finance', 'Finanzen')"))
    (finding,) = of_kind(await stage.settle(), "comparison-met-by-nobody")
    assert (finding.rule, english(finding.why)) == ("own-company", "nobody listed has department 'Finanzen'")
    stage.change(FEMKE, department="Sales")
    await stage.event_about(FEMKE)
    await stage.advance(minutes=20)
    assert stage.held(FEMKE) == set()
