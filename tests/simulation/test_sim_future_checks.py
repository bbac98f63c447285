"""Events for days to come: a check then, never early, and at most five at a time, whoever asks and however often."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from shared.adapters.store.rows import Changed, Insert, Operation, Row, Rows
from shared.adapters.store.state import RowsState
from shared.domain.history.checks import CheckBody
from shared.domain.history.records import Record
from shared.domain.keys import PersonKey
from shared.domain.remembered import FutureChecks
from shared.domain.work import FUTURE_CHECKS, Cause, CauseKind, WorkItem
from shared.errors import Transient
from shared.services.app import App
from shared.services.reconcile.future_checks import schedule
from tests.simulation.small_world import DE, DIETER, FEMKE, NL, POLICY
from tests.simulation.stage import Stage

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def scheduled(stage: Stage) -> list[datetime]:
    """When the checks that wait for a date are due."""
    return sorted(m.due for m in stage.queues.waiting if m.item.cause.kind is CauseKind.SCHEDULE)


async def tell(stage: Stage, subject: str, **event: str) -> None:
    """HR says something, and the check that it causes is taken."""
    await stage.tell(subject, **event)
    await stage.run_until_quiet()


async def receive(stage: Stage, *bodies: bytes) -> None:
    """A batch comes in, and the checks that it causes are taken."""
    await stage.receive(*bodies)
    await stage.run_until_quiet()


def midnights(*days: int, month: int = 4) -> list[datetime]:
    return [datetime(2026, month, day, tzinfo=AMSTERDAM).astimezone(UTC) for day in days]


def asking_for(*moments: datetime) -> WorkItem:
    return WorkItem(PersonKey(FEMKE), Cause(CauseKind.EVENT, "/hr#1"), moments[0], moments=moments)


async def remembered(stage: Stage, person: str = FEMKE) -> FutureChecks:
    return (await stage.app.state.future_checks(PersonKey(person))).value


class Slow:
    """Rows that take a while to answer, so that others come in between."""

    def __init__(self, rows: Rows, seed: int) -> None:
        self._rows = rows
        self._random = random.Random(seed)

    async def _wait(self) -> None:
        await asyncio.sleep(self._random.uniform(0.001, 0.05))

    async def get(self, partition: str, key: str) -> Row | None:
        await self._wait()
        found = await self._rows.get(partition, key)
        await self._wait()
        return found

    async def write(self, partition: str, *operations: Operation) -> tuple[str, ...]:
        await self._wait()
        return await self._rows.write(partition, *operations)

    async def range(self, partition: str, start: str, end: str, *, page: int = 1000) -> AsyncGenerator[Row]:
        await self._wait()
        async for row in self._rows.range(partition, start, end, page=page):
            yield row

    async def close(self) -> None:
        await self._rows.close()


AWAY = Transient("the store is away")


def keep_none(stage: Stage, failure: Exception = AWAY, *, but: int = 0) -> None:
    """The store takes no future checks any more, after the first few."""
    stage.state_rows.at_write(failure, "future", spare=but)


# -- at most five


async def scheduled_checks(stage: Stage) -> list[Record]:
    """The records of Femke's checks that came with a date."""
    records = await stage.records(FEMKE)
    return [one for one in records if isinstance(one.body, CheckBody) and one.body.cause is CauseKind.SCHEDULE]


async def test_one_batch_schedules_the_five_nearest(stage: Stage) -> None:
    days = [f"2026-04-{day:02}" for day in range(28, 0, -1)]
    await receive(stage, *(stage.event(f"id:{FEMKE}", effective=day) for day in days))
    assert scheduled(stage) == midnights(1, 2, 3, 4, 5)


async def test_the_limit_holds_over_batches_and_each_person_has_their_own(stage: Stage) -> None:
    for day in range(1, 29):
        await tell(stage, f"id:{FEMKE}", effective=f"2026-04-{day:02}")
        await tell(stage, f"id:{DIETER.upper()}", effective=f"2026-05-{day:02}")
    assert scheduled(stage) == midnights(1, 2, 3, 4, 5) + midnights(1, 2, 3, 4, 5, month=5)
    assert set((await remembered(stage)).due) == set(scheduled(stage)[:5])
    assert set((await remembered(stage, DIETER)).due) == set(scheduled(stage)[5:])


async def test_a_name_has_five_as_well_however_it_is_written(stage: Stage) -> None:
    for day in range(1, 10):
        name = "Nobody@contoso.example"
        await tell(stage, f"upn:{name.upper() if day % 2 else name}", effective=f"2026-04-{day:02}")
    assert scheduled(stage) == midnights(1, 2, 3, 4, 5)


async def test_however_many_come_over_weeks_five_wait_at_a_time_and_none_is_early(stage: Stage) -> None:
    generator = random.Random(7)
    asked: set[datetime] = set()
    for _ in range(120):
        await stage.advance(hours=generator.uniform(0.5, 8))
        effective = (stage.now + timedelta(hours=generator.uniform(-48, 240))).replace(microsecond=0)
        asked.add(effective)
        await tell(stage, f"id:{FEMKE}", effective=effective.isoformat())
        waiting = scheduled(stage)
        assert len(waiting) == len(set(waiting)) <= FUTURE_CHECKS
        row = await remembered(stage)
        assert {due for due in row.due if due > stage.now} == set(waiting)
        assert len(row.due) <= FUTURE_CHECKS
    taken = [m for m in stage.queues.sent if m.item.cause.kind is CauseKind.SCHEDULE and m.due <= stage.now]
    assert len(taken) > 3 * FUTURE_CHECKS  # those that are past made room for others
    for message in taken:
        assert message.item.effective in asked
        assert timedelta(0) <= message.due - message.item.effective < timedelta(seconds=30)
    checks = await scheduled_checks(stage)
    assert sorted(message.due for message in taken) == [
        record.at.replace(microsecond=0) for record in checks if record.at <= stage.now
    ]


async def test_what_was_too_many_is_said_by_id_and_left_to_the_sweep(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    for day in range(1, 8):
        await receive(
            stage,
            stage.event(f"id:{FEMKE}", effective=f"2026-04-{day:02}"),
            stage.event("mail:femke@contoso.example", effective=f"2026-04-{day:02}"),
        )
    said = [record.getMessage() for record in caplog.records if "left to the sweep" in record.getMessage()]
    assert len(said) == 4
    assert all(f"person:{FEMKE}" in line or "identity:mail:" in line for line in said)
    assert "femke@" not in caplog.text
    await stage.advance(to=midnights(6)[0])
    stage.change(FEMKE, companyName="Contoso Deutschland")
    await stage.settle()
    assert stage.held(FEMKE) == {DE}


async def test_moments_that_fall_together_are_one_check(stage: Stage) -> None:
    for second in (1, 2, 29, 30):
        await tell(stage, f"id:{FEMKE}", effective=f"2026-04-01T09:00:{second:02}Z")
    await receive(
        stage,
        stage.event(f"id:{FEMKE}", effective="2026-04-01T09:01:10Z"),
        stage.event(f"id:{FEMKE}", effective="2026-04-01T09:01:05Z"),
    )
    assert scheduled(stage) == [
        datetime(2026, 4, 1, 9, 0, 30, tzinfo=UTC),
        datetime(2026, 4, 1, 9, 1, 30, tzinfo=UTC),
    ]
    await tell(stage, f"id:{FEMKE}", effective="2026-01-01")
    assert len(scheduled(stage)) == 2


async def test_an_event_without_a_future_date_does_not_ask_the_store(stage: Stage) -> None:
    keep_none(stage)
    before = [row async for row in stage.state_rows.range("future", "\0", "\x7f")]
    anna = stage.hire("anna")
    await stage.event_about(anna)
    await stage.event_about(anna, effective="2026-01-01")
    assert stage.held(anna) == {NL}
    assert before == [row async for row in stage.state_rows.range("future", "\0", "\x7f")] == []


# -- what comes twice, gets lost or collides


async def test_the_same_message_again_is_no_second_check(stage: Stage) -> None:
    message = stage.event(f"id:{FEMKE}", effective="2026-04-01")
    for _ in range(FUTURE_CHECKS + 1):
        await receive(stage, message)
        await stage.advance(hours=1)  # duplicate detection has long forgotten it
    assert scheduled(stage) == midnights(1)
    assert len((await remembered(stage)).due) == 1


async def test_what_the_queue_did_not_take_is_sent_when_the_message_comes_back(stage: Stage) -> None:
    message = stage.event(f"id:{FEMKE}", effective="2026-04-01")
    for _ in range(3):
        stage.queues.unreachable = True
        with pytest.raises(Transient):
            await receive(stage, message)
        assert scheduled(stage) == []
    stage.queues.unreachable = False
    await receive(stage, message)
    assert scheduled(stage) == midnights(1)
    assert (await remembered(stage)).due == {midnights(1)[0]: True}


async def test_days_to_come_outlast_a_queue_that_refuses_us_for_a_moment(stage: Stage) -> None:
    await stage.receive(stage.event("upn:new.hire@contoso.example", effective="2026-04-01"))
    stage.queues.refusals = 1
    await stage.run_until_quiet()
    await stage.advance(minutes=2)
    assert scheduled(stage) == midnights(1)


async def test_whose_sending_could_not_be_noted_is_sent_again_and_takes_no_second_place(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    message = stage.event(f"id:{FEMKE}", effective="2026-04-01")
    keep_none(stage, but=1)
    await receive(stage, message)
    assert "the store is away" in caplog.text
    stage.state_rows.lift()
    assert (await remembered(stage)).due == {midnights(1)[0]: False}
    await receive(stage, message)
    assert stage.queues.dropped == 2  # the MessageIds of that check and of the second sight
    assert scheduled(stage) == midnights(1)
    assert (await remembered(stage)).due == {midnights(1)[0]: True}


@pytest.mark.parametrize("seed", range(8))
async def test_two_checks_at_once_share_the_five(stage: Stage, seed: int) -> None:
    """A session that was lost may have two of them for a moment."""
    apps = [replace(stage.app, state=RowsState(Slow(stage.state_rows, seed * 2 + n))) for n in range(2)]
    moments = midnights(*range(1, 9))

    async def take(app: App, wanted: list[datetime]) -> None:
        for moment in wanted:
            item = asking_for(moment)
            while item.moments:
                item = await schedule(app, item)

    await asyncio.gather(take(apps[0], moments[::2]), take(apps[1], moments[1::2]))
    waiting = scheduled(stage)
    assert len(set(waiting)) == len(waiting) == FUTURE_CHECKS
    assert (await remembered(stage)).due == dict.fromkeys(waiting, True)


async def test_the_same_event_at_two_checks_at_once_is_one_check_later(stage: Stage) -> None:
    apps = [replace(stage.app, state=RowsState(Slow(stage.state_rows, n))) for n in range(2)]
    await asyncio.gather(*(schedule(app, asking_for(*midnights(1))) for app in apps))
    assert scheduled(stage) == midnights(1)
    assert (await remembered(stage)).due == {midnights(1)[0]: True}


@pytest.mark.parametrize("failure", [Changed("somebody else is quicker"), AWAY])
async def test_what_cannot_be_scheduled_now_waits_and_everybody_is_checked_all_the_same(
    stage: Stage, failure: Exception
) -> None:
    anna = stage.hire("anna")
    keep_none(stage, failure)
    await receive(stage, stage.event(f"id:{anna}", effective="2026-04-01"), stage.event(f"id:{DIETER}"), b"garbage")
    assert (stage.held(anna), stage.held(DIETER)) == ({NL}, {DE})
    assert [event.body for event in stage.queues.rejected] == [b"garbage"]
    await stage.advance(hours=2)
    assert scheduled(stage) == []
    assert len([m for m in stage.queues.waiting if m.item.moments]) == 1
    stage.state_rows.lift()
    await stage.advance(minutes=16)
    assert scheduled(stage) == midnights(1)


async def test_days_that_wait_for_the_store_are_never_dropped_as_duplicates_of_each_other(
    set_stage: Callable[..., Stage],
) -> None:
    """Two events of one moment: their checks come back at the same moments, and each has its own day."""
    stage = set_stage(coalesce_seconds=300)
    keep_none(stage)
    for day in (1, 2, 3):
        await tell(stage, f"id:{FEMKE}", effective=f"2026-04-0{day}")
    stage.state_rows.lift()
    await stage.advance(hours=1)
    assert scheduled(stage) == midnights(1, 2, 3)


async def test_a_batch_in_which_everybody_has_a_day_waits_for_no_store(stage: Stage) -> None:
    """However slow the store is, nobody waits for it with the lock of a batch, which is never renewed."""

    async def hour() -> None:
        await asyncio.sleep(3600)

    bodies = [stage.event(f"employee-id:E{number:05}", effective="2026-12-01") for number in range(100)]
    stage.app = replace(stage.app, ledger=None)  # type: ignore[arg-type] # whoever asks finds out
    stage.state_rows.at_read(hour)
    before = stage.now
    await stage.receive(*bodies)
    assert stage.now - before <= timedelta(seconds=3), "who sent them is noted, or not, within two"
    assert len(stage.queues.waiting) == 100
    assert {message.item.moments for message in stage.queues.waiting} == {tuple(midnights(1, month=12))}


async def test_a_row_that_cannot_be_read_costs_the_future_checks_and_nothing_else(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.state_rows.write("future", Insert(f"due:person:{FEMKE}", {"format": 1, "value": {"due": 1}}))
    await receive(
        stage, stage.event(f"id:{FEMKE}", effective="2026-04-01"), stage.event(f"id:{DIETER}", effective="2026-04-02")
    )
    assert scheduled(stage) == midnights(2)
    await stage.run_until_quiet()
    assert (await stage.last_check(FEMKE)).cause == "event"
    (error,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert f"person:{FEMKE}" in error
    assert "left to the sweep" in error


# -- when


@pytest.mark.parametrize(
    ("zone", "day", "utc"),
    [
        ("Europe/Amsterdam", "2026-03-29", "2026-03-28T23:00Z"),  # the clocks go forward at two
        ("Europe/Amsterdam", "2026-03-30", "2026-03-29T22:00Z"),
        ("Europe/Amsterdam", "2026-10-25", "2026-10-24T22:00Z"),  # and back at three
        ("Europe/Amsterdam", "2026-10-26", "2026-10-25T23:00Z"),
        ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00Z"),  # this day begins at one
        ("America/Havana", "2026-11-01", "2026-11-01T04:00Z"),  # this midnight is there twice
        ("Pacific/Kiritimati", "2026-04-01", "2026-03-31T10:00Z"),
        ("UTC", "2026-04-01", "2026-04-01T00:00Z"),
    ],
)
async def test_a_date_without_a_time_is_the_beginning_of_that_day_and_no_earlier(
    set_stage: Callable[..., Stage], zone: str, day: str, utc: str
) -> None:
    stage = set_stage(policy=POLICY.replace("Europe/Amsterdam", zone))
    await tell(stage, f"id:{FEMKE}", effective=day)
    (due,) = scheduled(stage)
    assert due == datetime.fromisoformat(utc)
    begins = date.fromisoformat(day)
    assert due.astimezone(ZoneInfo(zone)).date() == begins
    assert (due - timedelta(seconds=1)).astimezone(ZoneInfo(zone)).date() == begins - timedelta(days=1)
    await stage.advance(to=due - timedelta(seconds=1))
    assert all(check.cause != "schedule" for check in await stage.checks(FEMKE))
    await stage.advance(minutes=1)
    (check,) = await scheduled_checks(stage)
    assert due <= check.at < due + timedelta(seconds=30)


async def test_today_has_begun_and_is_checked_now_only(stage: Stage) -> None:
    today = stage.now.astimezone(AMSTERDAM).date()
    await tell(stage, f"id:{FEMKE}", effective=today.isoformat())
    assert scheduled(stage) == []
    assert len(stage.queues.waiting) == 1
    tomorrow = datetime.combine(today + timedelta(days=1), time(), AMSTERDAM)
    await tell(stage, f"id:{FEMKE}", effective=(today + timedelta(days=1)).isoformat())
    assert scheduled(stage) == [tomorrow.astimezone(UTC)]


# -- what a sender calls it


async def test_what_a_sender_calls_an_event_is_recorded_up_to_two_hundred_characters(stage: Stage) -> None:
    long = stage.event(f"id:{FEMKE}", event_id="begin-" + "x" * 900 + "-end")
    short = stage.event(f"id:{DIETER}", event_id="x" * (200 - len("/hr#")))
    await receive(stage, long.replace(b"com.contoso", b"t" * 900), short)
    await receive(stage, long, long)
    await stage.run_until_quiet()
    checks = [check for check in await stage.checks(FEMKE) if check.cause == "event"]
    assert [len(check.origin) for check in checks] == [200, 200]
    assert checks[0].origin.startswith("/hr#begin-")
    assert checks[0].origin.endswith("-end")
    assert checks[1].origin.endswith("-end (+1)")
    assert len(checks[0].event_type) == 200
    assert checks[0].event_type.endswith(".hr.person.changed")
    assert checks[1].event_type == "com.contoso.hr.person.changed"
    assert (await stage.last_check(DIETER)).origin == "/hr#" + "x" * 196
