"""The leaver clock: since when somebody had left, when the app heard, and when their access was gone."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.adapters.store.rows import Delete, Replace
from shared.domain.history.checks import LeaverTimes
from shared.domain.history.leavers import Departure, Figures, LeaverDay, LeaverDays, Summary, figures_of, summary
from shared.errors import Transient
from shared.services.operate.decisions import release
from shared.services.proof import prove_when_due
from tests.simulation.small_world import APP, DE, DIETER, FEMKE, HARRY, NL, POLICY, TESS
from tests.simulation.stage import Stage

TODAY = date(2026, 3, 2)


async def times(stage: Stage, person: str) -> LeaverTimes:
    """What the last check that took their access says."""
    return next(one.leaver for one in reversed(await stage.checks(person)) if one.leaver is not None)


async def gone(stage: Stage, person: str) -> datetime:
    records = await stage.records(person)
    return next(one.at for one in reversed(records) if getattr(one.body, "leaver", None) is not None)


async def clock(stage: Stage, today: date = TODAY) -> Summary:
    return summary((await stage.app.state.leaver_days()).days, today)


async def test_of_a_disabled_account_the_event_begins_the_clock(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, accountEnabled=False)
    heard = stage.now
    await stage.event_about(FEMKE)
    assert await times(stage, FEMKE) == LeaverTimes(heard, None)
    assert (await gone(stage, FEMKE)) - heard < timedelta(seconds=5)


async def test_of_a_deleted_account_the_directory_says_since_when(stage: Stage) -> None:
    await stage.settle()
    stage.delete(FEMKE)
    left = stage.now
    await stage.advance(minutes=3)
    heard = stage.now
    await stage.event_about(FEMKE)
    told = await times(stage, FEMKE)
    assert told.heard == heard
    assert told.left is not None
    assert abs(told.left - left) < timedelta(seconds=1)


async def test_a_date_that_comes_begins_the_clock_itself(stage: Stage) -> None:
    stage.change(FEMKE, employeeLeaveDateTime="2026-03-02T00:00:00Z")  # the end of that day in Amsterdam
    await stage.settle()
    assert stage.held(FEMKE) == {NL}
    midnight = datetime(2026, 3, 2, 23, tzinfo=UTC)
    await stage.advance(to=midnight - timedelta(minutes=30))
    await stage.sweep()
    await stage.advance(to=midnight + timedelta(minutes=5))
    assert stage.held(FEMKE) == set()
    told = await times(stage, FEMKE)
    assert told.left == midnight
    assert told.heard >= midnight


async def test_what_an_event_said_too_early_is_heard_of_with_the_event(stage: Stage) -> None:
    await stage.settle()
    heard = stage.now
    await stage.event_about(FEMKE)  # the directory does not show it yet
    stage.change(FEMKE, accountEnabled=False)
    await stage.advance(minutes=10)
    assert stage.held(FEMKE) == set()
    assert (await times(stage, FEMKE)).heard == heard
    assert (await gone(stage, FEMKE)) - heard >= timedelta(minutes=5)


async def test_a_removal_that_was_held_counts_from_when_it_was_held(stage: Stage) -> None:
    await stage.settle()
    stage.restart(policy=POLICY + "daily_limits: { leaver_revokes: 0/0/0 % }\n")
    stage.change(FEMKE, accountEnabled=False)
    held = stage.now
    await stage.event_about(FEMKE)
    assert stage.held(FEMKE) == {NL}
    await stage.advance(hours=3)
    stage.restart(policy=POLICY)
    await release_all(stage)
    assert stage.held(FEMKE) == set()
    assert abs((await times(stage, FEMKE)).heard - held) < timedelta(seconds=5)


async def release_all(stage: Stage) -> None:
    holds = [hold.id async for row in stage.app.state.holds() for hold in row.value.holds.values()]
    await release(stage.app, holds, HARRY, stage.now)
    await stage.advance(minutes=5)


async def test_whom_a_sweep_found_is_counted_as_such(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, accountEnabled=False)
    await stage.sweep()
    await stage.run_until_quiet()
    await stage.sweep()
    found = await clock(stage)
    assert (found.people, found.swept) == (1, 1)
    assert found.slowest is not None
    assert found.slowest.person == FEMKE


async def test_a_day_has_its_median_its_95th_percentile_and_its_longest(stage: Stage) -> None:
    await stage.settle()
    for person in (FEMKE, DIETER, TESS):
        stage.change(person, accountEnabled=False)
    await stage.event_about(FEMKE)
    await stage.event_about(DIETER)
    await stage.event_about(TESS)
    await stage.sweep()
    (day,) = (await stage.app.state.leaver_days()).days
    assert day.day == "2026-03-02"
    figures = figures_of(day)
    assert figures is not None
    assert figures.count == 3
    assert figures.p50 <= figures.p95 <= figures.longest < 5
    assert (await clock(stage)).left is None  # nobody says when an account was disabled


async def test_a_sweep_in_which_nobody_left_stores_nothing_anew(stage: Stage) -> None:
    await stage.settle()
    await stage.settle()
    written = len(stage.state_rows.written)
    await stage.sweep()
    assert not [one for one, _ in stage.state_rows.written[written:] if one == "leaver-days"]


async def test_days_that_were_lost_are_counted_from_the_ledger_again(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    await stage.advance(days=3)
    await stage.sweep()
    before = (await stage.app.state.leaver_days()).days
    stage.lose_state()
    assert await stage.app.state.leaver_days() == LeaverDays()
    await stage.sweep()
    assert (await stage.app.state.leaver_days()).days == before != ()


async def test_a_departure_that_came_late_into_the_index_is_counted_all_the_same(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    rows = [row async for row in stage.ledger_rows.range("activity", "", "~")]
    await stage.ledger_rows.write("activity", *(Delete(row.key, row.etag) for row in rows))
    await stage.advance(days=2)
    await stage.sweep()
    assert (await stage.app.state.leaver_days()).days == ()
    await prove_when_due(stage.app)
    assert [day.day for day in (await stage.app.state.leaver_days()).days] == ["2026-03-02"]


async def test_a_departure_in_the_index_of_a_proof_that_died_is_counted_by_the_next(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    rows = [row async for row in stage.ledger_rows.range("activity", "", "~")]
    await stage.ledger_rows.write("activity", *(Delete(row.key, row.etag) for row in rows))
    await stage.advance(days=2)
    await stage.sweep()
    stage.state_rows.at_write(Transient("away"))
    with pytest.raises(Transient):
        await prove_when_due(stage.app)
    stage.state_rows.lift()
    await stage.advance(hours=1)
    await prove_when_due(stage.app)
    assert [day.day for day in (await stage.app.state.leaver_days()).days] == ["2026-03-02"]


async def test_a_clock_that_cannot_be_stored_is_told_and_stops_no_sweep(stage: Stage) -> None:
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    stage.state_rows.at_write(Transient("away"), "leaver-days")
    report = await stage.sweep()
    assert [reason.code.value for reason in report.not_kept] == ["leavers-not-counted"]
    assert report.complete


async def test_who_still_works_here_is_no_leaver(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, department="Legal")
    await stage.event_about(FEMKE)
    await stage.advance(minutes=20)
    assert stage.held(FEMKE) == set()
    assert [one.leaver for one in await stage.checks(FEMKE) if one.leaver is not None] == []


@pytest.mark.parametrize(
    ("seconds", "figures"),
    [
        ([], None),
        ([4.0], Figures(1, 4.0, 4.0, 4.0)),
        ([1.0, 2.0, 3.0, 4.0], Figures(4, 2.0, 4.0, 4.0)),
        ([float(one) for one in range(1, 101)], Figures(100, 50.0, 95.0, 100.0)),
    ],
)
def test_figures_are_measured_ones(seconds: list[float], figures: Figures | None) -> None:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    day = LeaverDay("2026-03-02", tuple(Departure(f"{n}", 1, at, one) for n, one in enumerate(seconds)))
    assert figures_of(day) == figures
    assert summary([day], TODAY).heard == figures
    assert summary([day], TODAY + timedelta(days=30)).heard is None


async def test_access_that_went_in_several_checks_is_gone_with_the_last_of_them(stage: Stage) -> None:
    """And a sweep in between has counted the first of them already."""
    await stage.settle()
    stage.change(FEMKE, accountEnabled=False)
    for person in (DIETER, FEMKE):
        await stage.event_about(person)
    heard = stage.now
    await stage.sweep()
    stage.give(DE, FEMKE, by=APP)
    await stage.advance(minutes=30)
    await stage.sweep()
    await stage.run_until_quiet()
    await stage.sweep()
    assert stage.held(FEMKE) == set()
    (day,) = (await stage.app.state.leaver_days()).days
    (departure,) = day.departures
    assert departure.seconds == pytest.approx((stage.now - heard).total_seconds(), abs=5)


async def test_a_sweep_reads_the_index_from_where_it_was_counted(stage: Stage) -> None:
    await stage.advance(hours=5)
    await stage.sweep()
    counted = (await stage.app.state.leaver_days()).counted
    await stage.advance(hours=7)
    await stage.sweep()
    later = (await stage.app.state.leaver_days()).counted
    assert counted is not None
    assert later is not None
    assert later > counted


async def test_days_that_cannot_be_read_are_counted_anew_by_the_next_sweep(stage: Stage) -> None:
    await stage.settle()
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    await stage.sweep()
    before = await clock(stage)
    head = await stage.state_rows.get("leaver-days", "head")
    assert head is not None
    await stage.state_rows.write("leaver-days", Replace("head", {"format": 1, "value": "none"}, head.etag))
    stage.restart()
    await stage.sweep()
    assert before.people == 1
    assert await clock(stage) == before
