"""Whom a rule matches and gives nothing: the sweep tells of it, by text and by how many, and names nobody."""

from collections.abc import Callable

import pytest

from shared.domain.history.findings import Finding
from shared.domain.history.report import Report
from tests.english import english
from tests.simulation.small_world import DIETER, FEMKE, GREG, NL, OWNER, PIA, POLICY, TESS, TREASURY
from tests.simulation.stage import Stage


def of_kind(report: Report, kind: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.kind == kind]


def told(report: Report) -> list[tuple[str, str, str]]:
    return [(one.rule, one.principal, english(one.why)) for one in of_kind(report, "rule-gave-nothing")]


async def test_a_company_without_a_profile_is_a_finding_with_the_number_of_its_people(stage: Stage) -> None:
    first, second = sorted([stage.hire("anna", "Litware"), stage.hire("bert", "Litware")])
    because = "no billing profile fits companyName 'Litware'"
    assert told(await stage.settle()) == [
        ("own-company", first, f"it matches 2 people and gives them nothing: {because}")
    ]
    assert (stage.held(first), stage.held(second)) == (set(), set())


async def test_the_check_of_such_a_person_notes_it_in_their_record(stage: Stage) -> None:
    anna = stage.hire("anna", "Litware")
    await stage.event_about(anna)
    (note,) = (await stage.last_check(anna)).notes
    assert note.kind == "template-fits-nothing"
    assert english(note.why) == "rule own-company gives nothing: no billing profile fits companyName 'Litware'"


@pytest.mark.parametrize(
    ("company", "meant"),
    [
        ("Contoso Nederländ", "Contoso Nederland"),
        ("Contoso Nederland BV", "Contoso Nederland"),
        ("Contosso Deutchland", "Contoso Deutschland"),
    ],
)
async def test_the_profile_that_was_perhaps_meant_is_told(stage: Stage, company: str, meant: str) -> None:
    stage.hire("anna", company)
    stage.hire("bert", company)
    ((_, _, why),) = told(await stage.settle())
    assert why.endswith(f"no billing profile fits companyName '{company}', but there is '{meant}'")


async def test_a_blank_attribute_that_a_template_needs_is_a_finding(stage: Stage) -> None:
    stage.change(DIETER, companyName=None)
    assert told(await stage.settle()) == [
        ("own-company", DIETER, "it matches 1 person and gives them nothing: companyName is blank")
    ]


async def test_a_finding_never_repeats_a_text_that_names_one_person(set_stage: Callable[..., Stage]) -> None:
    by_mail = POLICY.replace("{companyName}", "{mail}").replace("tag: { company:", "tag: { owner:")
    stage = set_stage(policy=by_mail)
    whys = [why for _, _, why in told(await stage.settle())]
    assert whys == ["it matches 2 people and gives them nothing: no billing profile fits mail"]


async def test_who_is_given_it_has_left_or_is_protected_is_no_such_finding(stage: Stage) -> None:
    stage.change(PIA, companyName="Litware")  # protected
    stage.change(GREG, companyName="Litware")  # a guest
    anna = stage.hire("anna", "Litware", accountEnabled=False)
    report = await stage.settle()
    assert told(report) == []
    assert stage.held(anna) == set()


async def test_a_hundred_companies_without_a_profile_are_twenty_findings(stage: Stage) -> None:
    for number in range(30):
        stage.hire(f"anna{number}", f"{number:02} Litware {number:02}")
    whys = [why for _, _, why in told(await stage.settle())]
    assert len(whys) == 20
    assert whys[-1].startswith("it matches 11 people and gives them nothing: ")
    assert whys[-1].endswith("; and 10 more")


async def test_who_just_misses_a_text_has_that_finding_alone(stage: Stage) -> None:
    stage.change(DIETER, companyName="Contoso Deutschland ")
    report = await stage.settle()
    assert told(report) == []
    assert [finding.principal for finding in of_kind(report, "near-miss")] == [DIETER]


async def test_one_letter_that_keeps_somebody_from_a_rule_is_a_finding(stage: Stage) -> None:
    anna = stage.hire("anna", "Contoso Nederlnad")
    report = await stage.settle()
    (finding,) = of_kind(report, "near-miss")
    assert finding.principal == anna
    assert "companyName 'Contoso Nederlnad' were 'Contoso Nederland'" in english(finding.why)
    assert told(report) == []
    assert stage.held(anna) == set()


async def test_one_letter_in_a_filter_s_text_is_a_finding_where_a_rule_lists_them(
    set_stage: Callable[..., Stage],
) -> None:
    stage = set_stage(policy=POLICY.replace("department eq 'Finance'", "department eq 'Accounting'"))
    for person in (FEMKE, DIETER, OWNER):
        stage.change(person, department="Accounting", companyName="Contoso Nederland")
    stage.change(TESS, department="Acounting")  # whom the group's rule lists
    (finding,) = of_kind(await stage.settle(), "near-miss")
    assert finding.principal == TESS
    assert english(finding.why) == "rule own-company would give it if department 'Acounting' were 'Accounting'"


async def test_a_text_one_letter_off_that_two_people_share_is_a_move(set_stage: Callable[..., Stage]) -> None:
    stage = set_stage(policy=POLICY.replace("department eq 'Finance'", "department eq 'Accounting'"))
    stage.join(TREASURY, FEMKE)
    for person in (TESS, FEMKE):
        stage.change(person, department="Acounting")
    stage.change(DIETER, department="Accounting")
    assert of_kind(await stage.settle(), "near-miss") == []


async def test_a_slip_that_is_a_finding_still_gives_nothing(stage: Stage) -> None:
    anna = stage.hire("anna", "Contoso Nederlnad")
    await stage.settle()
    await stage.settle()
    assert stage.held(anna) == set()
    stage.change(anna, companyName="Contoso Nederland")
    await stage.settle()
    assert stage.held(anna) == {NL}
