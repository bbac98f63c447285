import json
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.host.bindings import Function, TimerTrigger
from sandbox.host.schedule import NEVER, Schedule, ScheduleError
from sandbox.host.timers import Monitors, TimerPump


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 6, 12, 59, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def pump(clock: Clock, monitors: Monitors | None = None, **fields: bool) -> TimerPump:
    trigger = TimerTrigger(Schedule.parse("0 0 * * * *"), **fields)
    return TimerPump(Function("id", "sweep", "timer", trigger, {}), monitors or Monitors(), clock=clock)


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ("0 0 * * * *", "2026-03-06T13:00:00"),
        ("0 */5 * * * *", "2026-03-06T13:00:00"),
        ("30 0 9-17 * * MON-FRI", "2026-03-06T13:00:30"),
        ("*/2 * * * * *", "2026-03-06T12:59:32"),
        ("0 * * * *", "2026-03-06T13:00:00"),
        ("0 0 0 13 * FRI", "2026-03-13T00:00:00"),
        ("00:10:00", "2026-03-06T13:09:30"),
        ("1.00:00:00", "2026-03-07T12:59:30"),
        ("0 0 22-2 * * *", "2026-03-06T13:00:00"),
        ("0 0 20-19 * * *", "2026-03-06T19:00:00"),
        ("0 0 7/6 * * *", "2026-03-06T13:00:00"),
        ("0 0 3 * * Monday", "2026-03-09T03:00:00"),
        ("0 0 3 * sept *", "2026-09-01T03:00:00"),
        ("0 0 3 * J *", "2027-01-01T03:00:00"),
        ("0 0 3 * * 0,SAT", "2026-03-07T03:00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00"),
        ("0 0 0 29 2 1", "2044-02-29T00:00:00"),
        ("0 0 0 31 * *", "2026-03-31T00:00:00"),
        ("0 0/0 13 * * *", "2026-03-06T13:00:00"),
        ("0 0 * * *", "2026-03-07T00:00:00"),
        ("59 59 23 31 12 *", "2026-12-31T23:59:59"),
    ],
)
def test_a_schedule_tells_its_next_moment(clock: Clock, text: str, following: str) -> None:
    assert Schedule.parse(text).after(clock.now) == datetime.fromisoformat(following).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hourly",
        "@hourly",
        "0 61 * * * *",
        "* * *",
        "25:00:00",
        "00:00:00",
        "* * * * * * *",
        "0 0 0 L * *",
        "0 0 0 15W * *",
        "0 0 0 * * 5#2",
        "0 0 R * * *",
        "0 0 0 ? * *",
        "0 0 3 * * 7",
        "0 0 24 * * *",
        "0 0 3 0 * *",
        "0 0 3 * 13 *",
        "0 0 3 * * Mo-Fr-Su",
        "0 0 3 * * Mondays",
        "0 */ * * * *",
        "0 /5 * * * *",
        "0 1,,2 * * * *",
        "0 ,1 * * * *",
        "0 1- * * * *",
        "0 \u0661 * * * *",
    ],
)
def test_what_is_no_schedule_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ScheduleError, match="is not usable") as refusal:
        Schedule.parse(text)
    assert f"'{text}'" in str(refusal.value)


def test_a_day_that_does_not_come_is_a_schedule_that_is_never_due(clock: Clock) -> None:
    assert Schedule.parse("0 0 0 31 2 *").after(clock.now) == NEVER
    trigger = TimerTrigger(Schedule.parse("0 0 0 30 Feb *"))
    timer = TimerPump(Function("id", "sweep", "timer", trigger, {}), Monitors(), clock=clock)
    clock.now += timedelta(days=3000)
    assert not timer.poll()


@pytest.mark.parametrize(
    ("text", "watched"),
    [
        ("*/10 * * * * *", False),
        ("0 * * * * *", True),
        ("*/10 0 9 * * *", True),
        ("* * 12 * * Mon", True),
        ("00:00:59", False),
        ("00:01:00", True),
    ],
)
def test_missed_ticks_are_watched_for_where_a_schedule_leaves_minutes_out(text: str, watched: bool) -> None:
    assert Schedule.parse(text).can_be_monitored is watched


def test_a_schedule_is_due_at_every_moment_that_matches_all_its_fields(clock: Clock) -> None:
    """Against the plain reading of the words, second by second."""
    schedule = Schedule.parse("*/20 5-7,30 3-1 * * 5-6")
    start = clock.now
    due = [
        moment
        for moment in (start + timedelta(seconds=second) for second in range(1, 2 * 86_400))
        if moment.second % 20 == 0
        and moment.minute in {5, 6, 7, 30}
        and 1 <= moment.hour <= 3
        and moment.isoweekday() % 7 in {5, 6}
    ]
    found: list[datetime] = []
    while len(found) < len(due):
        found.append(schedule.after(found[-1] if found else start))
    assert found == due


def test_a_tick_is_due_once_at_its_moment(clock: Clock) -> None:
    timer = pump(clock)
    assert not timer.poll()
    assert timer.next_moment() == datetime(2026, 3, 6, 13, tzinfo=UTC)
    clock.now = datetime(2026, 3, 6, 13, tzinfo=UTC)
    assert timer.poll()
    assert not timer.poll()
    assert json.loads(timer.begin().value)["IsPastDue"] is False
    assert timer.next_moment() is None
    clock.now += timedelta(hours=2, minutes=30)
    assert not timer.poll()
    timer.finish()
    assert timer.next_moment() == datetime(2026, 3, 6, 16, tzinfo=UTC)


def test_a_tick_that_could_not_run_in_time_is_past_due(clock: Clock) -> None:
    timer = pump(clock)
    clock.now = datetime(2026, 3, 6, 13, 0, 20, tzinfo=UTC)
    assert timer.poll()
    assert json.loads(timer.begin().value)["IsPastDue"] is True


@pytest.mark.parametrize("monitored", [True, False])
def test_a_tick_missed_over_a_restart_is_run_at_once_when_monitored(clock: Clock, monitored: bool) -> None:
    monitors = Monitors()
    pump(clock, monitors, monitored=monitored)
    clock.now += timedelta(hours=3)
    again = pump(clock, monitors, monitored=monitored)
    assert again.poll() is monitored
    if monitored:
        value = json.loads(again.begin().value)
        assert value["IsPastDue"] is True
        assert value["ScheduleStatus"]["Next"] == "2026-03-06T13:00:00+00:00"


def test_run_on_startup_runs_once_at_once(clock: Clock) -> None:
    timer = pump(clock, run_on_startup=True)
    assert timer.next_moment() == clock.now
    assert timer.poll()
    timer.begin()
    timer.finish()
    assert not timer.poll()


def test_a_run_by_hand_does_not_use_up_a_tick_that_waits_its_turn(clock: Clock) -> None:
    timer = pump(clock)
    timer.begin()
    clock.now = datetime(2026, 3, 6, 12, 59, 59, tzinfo=UTC)
    timer.finish()
    assert timer.next_moment() == datetime(2026, 3, 6, 13, tzinfo=UTC)
