"""Two weeks at Contoso, as `make demo KEEP=1` leaves them: what happened is there for whoever asks, and goes on."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from sandbox.contoso import names
from sandbox.keeping import KEPT_WORLD
from sandbox.world import load_world
from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.history.spells import Window
from shared.domain.keys import PersonKey, ProfileKey
from shared.services.operate.as_of import HeldOn, held_on
from shared.services.operate.roles_on import roles_on
from tests.simulation.two_weeks import BACK_OFFICE, NEDERLAND, UK, Unthreaded, live, main

ENDS: Final = datetime(2026, 3, 16, 9, tzinfo=UTC)
FRANCE: Final = ProfileKey(names.CONTOSO_ACCOUNT, names.CONTOSO_FRANCE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("two-weeks")
    with asyncio.Runner(loop_factory=Unthreaded) as runner:
        runner.run(live(made, ENDS))
    return made


def ask[T](folder: Path, question: Callable[[RowsLedger, RowsState], Awaitable[T]]) -> T:
    async def asked() -> T:
        rows = SqliteRows(str(folder / "ledger.sqlite"))
        try:
            return await question(RowsLedger(rows), RowsState(rows))
        finally:
            await rows.close()

    with asyncio.Runner(loop_factory=Unthreaded) as runner:
        return runner.run(asked())


def held(folder: Path, person: str, days_ago: int) -> set[ProfileKey]:
    """What somebody had managed on a day."""

    async def question(ledger: RowsLedger, state: RowsState) -> set[ProfileKey]:
        window = Window.of_moment(ENDS - timedelta(days=days_ago))
        found = [one async for one in held_on(ledger, state, window, person=PersonKey(person))]
        return {one.spell.profile for one in found if isinstance(one, HeldOn)}

    return ask(folder, question)


def test_a_move_and_a_leaver_of_past_days_are_told(folder: Path) -> None:
    assert held(folder, names.JAN_VISSER, 11) == {NEDERLAND}
    assert held(folder, names.JAN_VISSER, 1) == {FRANCE}
    assert held(folder, names.CLAIRE_MARTIN, 7) == {FRANCE}
    assert held(folder, names.CLAIRE_MARTIN, 1) == set()


def test_another_role_that_was_given_by_hand_is_told_from_its_day_on(folder: Path) -> None:
    async def question(ledger: RowsLedger, state: RowsState) -> list[set[tuple[str, bool, str]]]:
        days = [Window.of_moment(ENDS - timedelta(days=days)) for days in (12, 1)]
        return [
            {
                (one.role, one.principal == names.AUDITOR_GUEST, one.where)
                for one in (await roles_on(ledger, state, day, person=PersonKey(names.AUDITOR_GUEST))).roles
            }
            for day in days
        ]

    before, after = ask(folder, question)
    # All the time she is in a group that is a reader somewhere else.
    assert before == {("member", True, names.EXTERNAL_AUDIT), ("Billing profile reader", False, str(NEDERLAND))}
    assert after - before == {("Billing profile reader", True, str(UK))}


def test_the_back_office_that_went_waits_for_a_decision(folder: Path) -> None:
    async def question(_: RowsLedger, state: RowsState) -> list[tuple[str, str]]:
        return [(hold.key.canonical, hold.group) async for row in state.holds() for hold in row.value.holds.values()]

    waiting = ask(folder, question)
    assert {key.removeprefix("person:") for key, _ in waiting} == {*BACK_OFFICE}
    assert len(waiting) == 33
    assert {group for _, group in waiting} == {"sweep:mover_revokes"}


def test_the_view_is_of_the_last_minutes_and_names_everybody(folder: Path) -> None:
    async def question(_: RowsLedger, state: RowsState) -> tuple[datetime, bool, set[str]]:
        view = await state.view()
        called = await state.names()
        assert view is not None
        nameless = {row.principal for one in view.profiles for row in one.rows or () if not called[row.principal].name}
        return view.as_of, view.complete, nameless

    as_of, complete, nameless = ask(folder, question)
    assert ENDS - timedelta(minutes=5) < as_of <= ENDS
    assert complete
    assert nameless == set()


def test_the_world_goes_on_with_what_billing_shows_of_those_days(folder: Path) -> None:
    world = load_world(folder / KEPT_WORLD)
    assert any(user.properties()["displayName"] == "Noor de Wit" for user in world.users)
    (account,) = [one for one in world.billing_accounts if one["name"] == names.CONTOSO_ACCOUNT]
    (uk,) = [one for one in account["billingProfiles"] if one["name"] == UK.profile]
    makers = {row["createdByPrincipalId"] for row in uk["billingRoleAssignments"]}
    assert makers == {names.APP_OBJECT_ID, names.PORTAL_OBJECT_ID}


def test_a_directory_that_is_there_already_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path)])
    assert ended.value.code == 2
    assert "is there already" in capsys.readouterr().err
    assert [*tmp_path.iterdir()] == []
