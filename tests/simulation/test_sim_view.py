"""The view: what the latest sweep saw of profiles, roles and people, for whoever asks about it."""

import json
from dataclasses import replace
from datetime import timedelta

from sandbox.faults import Effect
from shared.adapters.store.state import RowsState
from shared.domain.access.plan import Employment
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.keys import ProfileKey
from shared.domain.view import PeopleView, PersonView, ProfileView, View
from tests.simulation.small_world import (
    APP,
    DE,
    FEMKE,
    HARRY,
    NL,
    OWNER,
    PROFILES,
    TESS,
)
from tests.simulation.stage import Stage


async def view_of(stage: Stage) -> View:
    view = await stage.app.state.view()
    assert view is not None
    return view


async def people_of(stage: Stage) -> PeopleView:
    people = await stage.app.state.people_view()
    assert people is not None
    return people


async def profile_of(stage: Stage, key: ProfileKey) -> ProfileView:
    return (await view_of(stage)).by_key[key]


async def person_of(stage: Stage, object_id: str) -> PersonView:
    return (await people_of(stage)).by_id[object_id]


async def test_before_the_first_sweep_there_is_no_view(stage: Stage) -> None:
    stage.lose_state()
    assert await stage.app.state.view() is None
    assert await stage.app.state.people_view() is None
    assert await stage.app.state.names() == {}


async def test_a_profile_is_shown_with_everybody_who_has_a_role_at_it(stage: Stage) -> None:
    stage.give(NL, HARRY)
    await stage.settle()
    shown = await profile_of(stage, NL)
    rows = {row.principal: row for row in shown.rows or ()}
    assert shown.name == "Contoso Nederland"
    assert (shown.status, shown.opted_in, shown.enforced) == ("Active", True, True)
    assert shown.addresses == ("ap@contoso.example",)
    assert rows[FEMKE].managed
    assert rows[FEMKE].rules == ("own-company",)
    assert rows[FEMKE].created_by == APP
    assert not rows[HARRY].managed
    assert rows[HARRY].created_by == OWNER
    assert rows[HARRY].created_on is not None


async def test_a_person_is_shown_with_rules_and_what_the_policy_tests_alone(stage: Stage) -> None:
    stage.change(FEMKE, jobTitle="Controller", city="Utrecht")
    await stage.settle()
    shown = await person_of(stage, FEMKE)
    assert (shown.employment, shown.rules, shown.entitled) == (Employment.EMPLOYED, ("own-company",), 1)
    assert shown.person is not None
    assert shown.person.attributes["companyName"] == "Contoso Nederland"
    assert not {"jobTitle", "city"} & shown.person.attributes.keys()


async def test_a_rule_that_matches_and_gives_nothing_is_shown(stage: Stage) -> None:
    lost = stage.hire("lost", company="Contoso Narnia")
    await stage.settle()
    shown = await person_of(stage, lost)
    assert (shown.rules, shown.entitled) == (("own-company",), 0)


async def test_a_date_to_come_is_shown_as_the_next_change(stage: Stage) -> None:
    leaves = stage.now.replace(microsecond=0) + timedelta(days=30, minutes=7)
    stage.change(FEMKE, employeeLeaveDateTime=leaves.isoformat().replace("+00:00", "Z"))
    await stage.settle()
    assert (await person_of(stage, FEMKE)).next_change == leaves


async def test_somebody_with_a_role_whom_no_rule_lists_is_read_and_named(stage: Stage) -> None:
    stage.give(NL, HARRY)
    await stage.settle()
    shown = await person_of(stage, HARRY)
    assert shown.employment is Employment.EMPLOYED
    assert shown.rules == ()
    called = (await stage.app.state.names())[HARRY]
    assert (called.kind, called.address) == (PrincipalKind.PERSON, "harry@contoso.example")


async def test_somebody_whom_the_directory_lost_is_shown_as_left(stage: Stage) -> None:
    stage.give(NL, HARRY)
    stage.delete(HARRY)
    await stage.advance(hours=25)
    await stage.settle()
    shown = await person_of(stage, HARRY)
    assert (shown.person, shown.employment) == (None, Employment.LEAVER)


async def test_whom_no_rule_lists_is_read_again_after_a_day(stage: Stage) -> None:
    stage.give(NL, HARRY)
    await stage.settle()
    stage.change(HARRY, accountEnabled=False)
    await stage.advance(hours=1)
    await stage.settle()
    assert (await person_of(stage, HARRY)).employment is Employment.EMPLOYED
    await stage.advance(hours=24)
    await stage.settle()
    assert (await person_of(stage, HARRY)).employment is Employment.LEAVER


async def test_a_profile_that_cannot_be_read_keeps_its_rows_with_their_time(stage: Stage) -> None:
    await stage.settle()
    before, seen = await profile_of(stage, NL), (await view_of(stage)).as_of
    await stage.advance(hours=1)
    stage.fault("arm", Effect(status=503), path=f".*/{NL.profile}/billingRoleAssignments$")
    await stage.sweep()
    after = await profile_of(stage, NL)
    assert (after.rows, after.seen) == (before.rows, seen)
    view = await view_of(stage)
    assert not view.complete
    assert view.failures
    assert (await profile_of(stage, DE)).seen is None


async def test_people_who_could_not_be_listed_stay_as_they_were_seen(stage: Stage) -> None:
    await stage.settle()
    before = replace(await person_of(stage, TESS), seen=(await view_of(stage)).as_of)
    await stage.advance(hours=1)
    stage.fault("graph", Effect(status=503), path=".*/transitiveMembers.*")
    await stage.sweep()
    assert await person_of(stage, TESS) == before
    await stage.advance(hours=1)
    await stage.sweep()
    assert await person_of(stage, TESS) == before


async def test_what_has_not_changed_is_not_stored_again(stage: Stage) -> None:
    await stage.sweep()
    await stage.sweep()
    stored = len(await rows_of(stage, "view-people")), await rows_of(stage, "view-profiles")
    view = await view_of(stage)
    await stage.advance(hours=1)
    await stage.sweep()
    assert (len(await rows_of(stage, "view-people")), await rows_of(stage, "view-profiles")) == stored
    later = await view_of(stage)
    assert (later.profiles, later.as_of - view.as_of) == (view.profiles, timedelta(hours=1))
    assert (await people_of(stage)).sweep == later.sweep
    stage.change(FEMKE, department="Legal")
    await stage.sweep()
    assert (await person_of(stage, FEMKE)).rules == ()


async def test_a_view_that_another_process_replaced_is_stored_whole(stage: Stage) -> None:
    await stage.sweep()
    other = RowsState(stage.state_rows)
    theirs = replace(await view_of(stage), sweep="theirs", profiles=())
    await other.put_view(theirs, PeopleView(sweep="theirs", people=()))
    await stage.sweep()
    assert {one.key for one in (await view_of(stage)).profiles} == {*PROFILES}
    assert FEMKE in (await people_of(stage)).by_id


async def rows_of(stage: Stage, partition: str) -> list[str]:
    return [f"{row.key} {row.etag}" async for row in stage.state_rows.range(partition, "a", "z")]


async def test_names_are_forgotten_400_days_after_the_last_view_that_showed_them(stage: Stage) -> None:
    stage.give(NL, HARRY)
    await stage.settle()
    stage.take(NL, HARRY)
    stage.delete(HARRY)
    await stage.advance(days=399)
    await stage.sweep()
    assert HARRY in await stage.app.state.names()
    await stage.advance(days=2)
    await stage.sweep()
    names = await stage.app.state.names()
    assert HARRY not in names
    assert FEMKE in names


async def test_the_ledger_never_has_a_name(stage: Stage) -> None:
    stage.change(FEMKE, displayName="Femke de Boer")
    await stage.settle()
    assert (await stage.app.state.names())[FEMKE].name == "Femke de Boer"
    keys = [key async for key in stage.app.ledger.keys()]  # noqa: SIM118 - no dictionary
    told = [json.dumps(str(record)) for key in keys async for record in stage.app.ledger.read(key)]
    assert told
    assert not [one for one in told if "Femke" in one or "femke@" in one]
