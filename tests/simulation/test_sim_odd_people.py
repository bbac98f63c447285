"""What is odd about one person stays that person's: nothing is concluded of them, and everybody else is served."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from shared.domain.access.plan import StoppedBy
from shared.domain.adoption.consequences import Choice, Consequence
from shared.domain.keys import NameKey, NameKind
from shared.domain.people import ListedPerson, UnreadablePerson
from shared.domain.work import CauseKind
from shared.ports import Directory
from shared.services.operate.adopt import plan_adoption
from shared.services.operate.decisions import release
from tests.english import english
from tests.simulation.small_world import DE, DIETER, FEMKE, HARRY, HOLDING, NL, PARTNER, TESS, guid
from tests.simulation.stage import Stage
from tests.simulation.test_sim_sweep_guards import CLERKS, holds, limited, move, office, paused, queued

SetStage = Callable[..., Stage]

ODD: list[dict[str, Any]] = [
    {"employeeHireDate": "10000-01-01T00:00:00Z"},
    {"employeeHireDate": "0001-01-01T00:00:00Z"},
    {"employeeHireDate": "1601-01-01T00:00:00Z"},
    {"employeeLeaveDateTime": "1899-12-30T00:00:00Z"},
    {"employeeLeaveDateTime": "2026-02-30T00:00:00Z"},
    {"employeeHireDate": "soon"},
    {"department": 7},
    {"companyName": ["Contoso Nederland"]},
    {"onPremisesExtensionAttributes": {"extensionAttribute1": "x"}},
    {"accountEnabled": "yes"},
    {"userPrincipalName": None},
]


def make_odd(stage: Stage, person: str, **values: Any) -> None:
    """The directory answers this of a person, whatever is held of them; without values it is itself again."""
    stage.graph.switches.odd_values[person] = values


def unreadable(report: Any) -> dict[str, str]:
    return {one.principal: english(one.why) for one in report.findings if one.kind == "unreadable-person"}


@pytest.mark.parametrize("odd", ODD)
async def test_one_odd_person_keeps_what_they_hold_and_everybody_else_is_swept_and_served(
    stage: Stage, odd: dict[str, Any]
) -> None:
    make_odd(stage, FEMKE, **odd)
    anna = stage.hire("anna")
    stage.change(DIETER, accountEnabled=False)
    report = await stage.settle()
    assert (report.complete, report.failures, [*report.pauses]) == (True, (), [])
    assert report.drift == {"missing": 1, "leaver-holds": 1}
    assert (stage.held(FEMKE), stage.held(anna), stage.held(DIETER)) == ({NL}, {NL}, set())
    (text,) = unreadable(report).values()
    assert FEMKE in unreadable(report)
    assert next(iter(odd)) in text
    assert report.counts.people_unreadable == 1
    ben = stage.hire("ben")
    await stage.event_about(ben)  # the pause is off: an event grants as ever
    assert stage.held(ben) == {NL}


@pytest.mark.parametrize("odd", [one for one in ODD if "accountEnabled" not in one])
@pytest.mark.parametrize("by_event", [True, False])
async def test_a_disabled_leaver_is_revoked_whatever_else_is_odd(
    stage: Stage, odd: dict[str, Any], by_event: bool
) -> None:
    stage.change(FEMKE, accountEnabled=False)
    make_odd(stage, FEMKE, **odd)
    if by_event:
        await stage.event_about(FEMKE)
        assert (await stage.last_check(FEMKE)).employment == "leaver"
    else:
        assert FEMKE in unreadable(await stage.settle())
    assert stage.held(FEMKE) == set()


async def test_a_deleted_leaver_is_revoked_whatever_was_odd(stage: Stage) -> None:
    make_odd(stage, FEMKE, employeeHireDate="soon", department=7)
    stage.delete(FEMKE)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()


async def test_a_past_leave_date_beside_an_unreadable_hire_date_concludes_nothing(stage: Stage) -> None:
    stage.change(FEMKE, employeeLeaveDateTime="2026-02-27T00:00:00Z")
    make_odd(stage, FEMKE, employeeHireDate="soon")  # they may have been hired again since
    await stage.event_about(FEMKE)
    await stage.settle()
    assert stage.held(FEMKE) == {NL}


async def test_an_odd_joiner_gets_nothing_and_an_alert_until_the_value_is_fixed(stage: Stage) -> None:
    anna = stage.hire("anna")
    make_odd(stage, anna, employeeHireDate="10000-01-01T00:00:00Z")
    await stage.event_about(anna)
    check = await stage.last_check(anna)
    assert (check.outcome, check.employment, stage.held(anna)) == ("gave-up", "unreadable", set())
    assert check.alert
    assert "employeeHireDate" in english(check.why)
    assert "10000" not in str(check)
    assert [kind for kind, _ in stage.awaited(anna)] == ["settle"]  # no retry: a person has to fix it
    make_odd(stage, anna)
    await stage.settle()
    assert stage.held(anna) == {NL}


async def test_an_odd_member_leaves_the_group_readable(stage: Stage) -> None:
    anna = stage.hire("anna", "Tailwind Traders")
    stage.join(guid(4, 1), anna)
    make_odd(stage, TESS, department=7)
    report = await stage.settle()
    assert (report.complete, set(unreadable(report))) == (True, {TESS})
    assert (stage.held(TESS), stage.held(anna)) == ({HOLDING}, {HOLDING})


async def test_who_became_odd_while_waiting_for_a_second_check_is_taken_nothing_from(stage: Stage) -> None:
    stage.change(FEMKE, department="Legal")
    await stage.event_about(FEMKE)
    assert [kind for kind, _ in stage.awaited(FEMKE)] == ["settle"]
    make_odd(stage, FEMKE, employeeHireDate="soon")
    await stage.advance(hours=2)
    await stage.settle()
    assert stage.held(FEMKE) == {NL}
    make_odd(stage, FEMKE)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()  # the first sight still counts


async def test_the_holds_of_who_cannot_be_read_stay_with_what_was_decided(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited(mover_revokes="1/1/100"))
    await stage.settle()
    move(stage, CLERKS[:2])
    await stage.sweep()
    before = await holds(stage)
    assert {hold.stopped_by for hold in before} == {StoppedBy.SWEEP}
    (mine,) = (hold for hold in before if hold.key.canonical == f"person:{CLERKS[0]}")
    await release(stage.app, [mine.id], "olga", stage.now)
    make_odd(stage, CLERKS[0], employeeHireDate="soon")
    make_odd(stage, CLERKS[1], employeeHireDate="soon")
    await stage.settle()
    await stage.settle()
    assert {hold.id for hold in await holds(stage)} == {hold.id for hold in before}
    assert (stage.held(CLERKS[0]), stage.held(CLERKS[1])) == ({NL}, {NL})
    make_odd(stage, CLERKS[0])
    await stage.settle()
    assert (stage.held(CLERKS[0]), stage.held(CLERKS[1])) == (set(), {NL})


async def test_too_large_a_share_of_odd_people_is_an_odd_answer_and_pauses(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited(), population_shrink_people=3, population_shrink_percent=30)
    await stage.settle()
    for clerk in CLERKS[:5]:
        make_odd(stage, clerk, employeeHireDate="soon")
    assert (await stage.settle()).pauses == ()
    make_odd(stage, CLERKS[5], employeeHireDate="soon")
    move(stage, CLERKS[-1:])
    report = await stage.settle()
    assert report.pauses == ("incomplete-sweep",)
    failure = english(*report.failures)
    assert failure.startswith(f"6 of 17 people listed cannot be read, such as {CLERKS[0]} (employeeHireDate: ")
    assert all(stage.held(clerk) == {NL} for clerk in CLERKS)
    stage.graph.switches.odd_values.clear()
    assert (await stage.settle()).pauses == ()


async def test_who_cannot_be_read_has_not_vanished_from_the_population(set_stage: SetStage) -> None:
    stage = set_stage(given=office(), policy=limited(), population_shrink_people=2, population_shrink_percent=20)
    await stage.settle()
    for clerk in CLERKS[:3]:
        make_odd(stage, clerk, employeeHireDate="soon")
    stage.change(CLERKS[-1], department="Kitchen")  # a fourth of 16, and 20 % are three
    assert (await stage.settle()).pauses == ()
    stage.graph.switches.odd_values.clear()
    assert (await stage.settle()).pauses == ()
    assert await paused(stage) == {}


@dataclass(frozen=True)
class ListsTwice:
    """A directory that lists somebody twice, the second time with an attribute that does not fit, or the first."""

    real: Any
    person: str
    odd_first: bool

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    async def people(self, odata_filter: str) -> AsyncIterator[ListedPerson]:
        async for one in self.real.people(odata_filter):
            odd = UnreadablePerson(one.object_id, None, ("department: it is not a text",))
            if one.object_id == self.person and self.odd_first:
                yield odd
            yield one
            if one.object_id == self.person and not self.odd_first:
                yield odd


@pytest.mark.parametrize("odd_first", [True, False])
async def test_who_is_listed_twice_and_odd_once_is_odd(stage: Stage, odd_first: bool) -> None:
    stage.change(FEMKE, companyName="Contoso Deutschland")
    twice: Directory = ListsTwice(stage.app.directory, FEMKE, odd_first)  # type: ignore[assignment]
    stage.app = replace(stage.app, directory=twice)
    report = await stage.sweep()
    assert (report.complete, set(unreadable(report)), report.drift) == (True, {FEMKE}, {})
    assert queued(stage) == set()


async def test_control_characters_in_a_name_stop_no_check_and_no_later_event(stage: Stage) -> None:
    odd = "fem\x00ke\x1f@contoso.example"
    make_odd(stage, FEMKE, userPrincipalName=odd, mail="fem\u202eke@contoso.example")
    await stage.event_about(FEMKE)
    report = await stage.settle()
    assert (report.complete, unreadable(report)) == (True, {})
    assert stage.held(FEMKE) == {NL}
    stage.delete(FEMKE)
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == set()
    assert stage.raised == []


async def test_what_an_unreadable_person_holds_by_hand_can_be_adopted_and_stays(stage: Stage) -> None:
    make_odd(stage, HARRY, department=7)
    plan = await plan_adoption(stage.app, Choice(pairs=((NL, HARRY),)))
    (adoption,) = plan.adoptions
    assert adoption.consequence is Consequence.SPARED
    assert "cannot be read" in english(adoption.text)


async def test_a_check_that_a_sweep_asked_for_concludes_nothing_of_who_became_unreadable(stage: Stage) -> None:
    stage.change(DIETER, companyName="Fabrikam")
    await stage.sweep()
    make_odd(stage, DIETER, companyName=7)
    await stage.run_until_quiet()
    assert (stage.held(DIETER), stage.row(PARTNER, DIETER)) == ({DE}, None)
    assert await stage.check(NameKey(NameKind.MAIL, "dieter@contoso.example"), CauseKind.EVENT) == "done"
