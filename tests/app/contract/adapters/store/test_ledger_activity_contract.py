"""What the index of activity promises on every store: the newest first, within bounds, and whole after a repair."""

from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows import Insert, Rows
from shared.domain.history.activity import Noted
from shared.domain.history.checks import Ended, LeaverTimes, Step, Told
from shared.domain.history.records import DecisionBody, Verb
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from shared.errors import Permanent
from tests.ledger_records import check_body

NL = ProfileKey("account", "NL")
KEY = "person:7c0f5a0e-0000-4000-8000-000000000001"
AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
GIVEN = Told(actions=(Ended(Step.GRANT, Outcome.DONE, Code.GIVEN_BY(rules=("r",)), "", NL),))


@pytest.fixture
def ledger(rows: Rows) -> RowsLedger:
    return RowsLedger(rows)


async def found(ledger: RowsLedger, *bounds: datetime | None, before: str = "", page: int = 1000) -> list[Noted]:
    return [one async for _, one in ledger.activity(*bounds, before=before, page=page)]


async def append(ledger: RowsLedger, count: int, key: str = KEY, told: Told = GIVEN) -> None:
    chain = await ledger.open(key)
    for number in range(count):
        await chain.append(AT + timedelta(minutes=number), check_body(number, told))


async def test_entries_come_newest_first_over_all_chains_and_point_at_their_records(ledger: RowsLedger) -> None:
    await append(ledger, 3)
    chain = await ledger.open("operator")
    await chain.append(AT + timedelta(seconds=90), DecisionBody(Verb.PAUSE, "olga", "A test"))
    entries = await found(ledger, page=2)
    assert [(one.key, one.sequence) for one in entries] == [(KEY, 3), ("operator", 1), (KEY, 2), (KEY, 1)]
    assert entries[1].at == AT + timedelta(seconds=90)


async def test_what_changed_nothing_has_no_entry(ledger: RowsLedger) -> None:
    await append(ledger, 2, told=Told())
    assert await found(ledger) == []


async def test_the_first_moment_is_within_and_the_last_is_not(ledger: RowsLedger) -> None:
    await append(ledger, 4)
    minute = timedelta(minutes=1)
    assert [one.sequence for one in await found(ledger, AT + minute, AT + 3 * minute)] == [3, 2]
    assert [one.sequence for one in await found(ledger, None, AT + minute)] == [1]
    assert [one.sequence for one in await found(ledger, AT + 3 * minute)] == [4]


async def test_what_happened_at_one_moment_is_in_order_and_no_page_drops_any(
    ledger: RowsLedger,
) -> None:
    for key in (KEY, "profile:account/nl"):
        chain = await ledger.open(key)
        for number in range(3):
            await chain.append(AT, check_body(number, GIVEN))
    whole = await found(ledger)
    assert [one.sequence for one in whole if one.key == KEY] == [3, 2, 1]
    paged: list[Noted] = []
    mark = ""
    while True:
        async with aclosing(ledger.activity(before=mark, page=1)) as entries:
            step = await anext(entries, None)
        if step is None:
            break
        mark = step[0]
        paged.append(step[1])
    assert paged == whole


async def test_an_entry_keeps_everything_that_it_says(ledger: RowsLedger) -> None:
    times = LeaverTimes(AT - timedelta(seconds=4), AT - timedelta(days=1))
    ended = Ended(Step.REVOKE, Outcome.DONE, Code.LEAVE_DATE_PAST(left=AT.isoformat()), "", NL)
    chain = await ledger.open(KEY)
    await chain.append(AT, check_body(0, Told(actions=(ended,), leaver=times), origin="/hr#7"))
    (one,) = await found(ledger)
    assert (one.cause, one.origin, one.leaver) == ("event", "/hr#7", times)
    assert one.items[0].why == ended.why
    assert one.items[0].profiles == (NL,)


async def test_an_entry_that_is_there_is_not_written_twice(ledger: RowsLedger) -> None:
    await append(ledger, 1)
    (record,) = [one async for one in ledger.read(KEY)]
    assert await ledger.index(record) is False
    assert len(await found(ledger)) == 1


async def test_a_record_of_the_most_profiles_has_an_entry(ledger: RowsLedger) -> None:
    """A record's body has an end, and an entry says no more of profiles than its record."""
    profiles = [
        ProfileKey("5f1c3d2e-1111-4222-8333-0123456789ab_2019-05-31", f"P{number:05}") for number in range(1500)
    ]
    why = Code.GIVEN_BY(rules=("own-company",))
    told = Told(actions=tuple(Ended(Step.GRANT, Outcome.DONE, why, "", one) for one in profiles))
    await append(ledger, 1, told=told)
    (one,) = await found(ledger)
    assert one.items[0].profiles == tuple(profiles)


async def test_a_row_that_is_no_entry_is_an_error(ledger: RowsLedger, rows: Rows) -> None:
    await rows.write("activity", Insert("098228367400000000:aaaa:1", {"format": 1, "value": {}}))
    with pytest.raises(Permanent, match="no entry of activity"):
        await found(ledger)
