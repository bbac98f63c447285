"""What State promises about what is watched, on every store: looks, senders, subscriptions, proofs, leavers' days."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.store.rows import Insert, Replace, Rows
from shared.adapters.store.state import RowsState
from shared.domain.health import Health, Heard, LastHeard, ShelfCount, SubscriptionEnd, SubscriptionsKept, heard_of
from shared.domain.history.leavers import Departure, LeaverDay, LeaverDays
from shared.domain.history.proof import Fault, Proof, Proofs, UnderWay
from shared.domain.keys import ProfileKey
from shared.domain.mail_check import ProfileMail
from shared.domain.notices.notice import Telling
from shared.errors import Conflict, StoreRefused

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SHELVES = (
    ShelfCount("people-events", is_dead=True, count=100, more=True, oldest=AT),
    ShelfCount("access-work", is_dead=False, count=None, why="it has sessions"),
)
PROOF = Proof(AT, f"4:{'a' * 64}", 61, 1204, 1, (Fault("person:x", "record 9 was changed"),))


@pytest.fixture
def state(rows: Rows) -> RowsState:
    return RowsState(rows)


async def test_before_anything_was_watched_nothing_is_known(state: RowsState) -> None:
    assert await state.health() is None
    assert await state.subscriptions_kept() is None
    assert (await state.heard()).value == Heard()
    assert (await state.proofs()).value == Proofs()
    assert await state.leaver_days() == LeaverDays()


async def test_the_latest_look_is_the_one_that_is_read(state: RowsState, rows: Rows) -> None:
    kept = SubscriptionsKept(AT, on=True, found=(SubscriptionEnd("users", "id", AT, AT),), failures=("no",))
    await state.put_health(Health(AT, ()))
    later = Health(AT + timedelta(minutes=5), SHELVES, (LastHeard("/hr", AT),), kept)
    await state.put_health(later)
    assert await RowsState(rows).health() == later


async def test_subscriptions_are_replaced_as_a_whole(state: RowsState, rows: Rows) -> None:
    await state.put_subscriptions_kept(SubscriptionsKept(AT, on=True, found=(SubscriptionEnd("users", "id", AT),)))
    off = SubscriptionsKept(AT, on=False)
    await state.put_subscriptions_kept(off)
    assert await RowsState(rows).subscriptions_kept() == off


async def test_of_two_who_note_a_sender_at_once_one_has_to_look_again(state: RowsState, rows: Rows) -> None:
    row = await state.heard()
    wants = [row.becoming(heard_of(Heard(), {source: AT})) for source in ("/hr", "/graph")]
    ends = await asyncio.gather(*(RowsState(rows).put_heard(one) for one in wants), return_exceptions=True)
    assert sum(isinstance(end, Conflict) for end in ends) == 1


async def test_a_proof_and_one_under_way_are_read_back(state: RowsState, rows: Rows) -> None:
    row = await state.proofs()
    proofs = Proofs(PROOF, UnderWay(AT, "person:x", PROOF, AT), 4)
    await state.put_proofs(row.becoming(proofs))
    read = await RowsState(rows).proofs()
    assert read.value == proofs
    with pytest.raises(Conflict):
        await state.put_proofs(row.becoming(Proofs()))
    await state.put_proofs(read.becoming(Proofs()))


async def test_a_year_of_leavers_is_read_back_whole(state: RowsState, rows: Rows) -> None:
    gone = tuple(Departure(f"7c0f5a0e-0000-4000-8000-{n:012}", n, AT, 3.25, None, swept=True) for n in range(20))
    days = LeaverDays(AT, tuple(LeaverDay(f"day {number}", gone) for number in range(400)))
    await state.put_leaver_days(days, AT)
    assert await RowsState(rows).leaver_days() == days


async def test_what_cannot_be_read_is_as_good_as_none_and_is_stored_anew(state: RowsState, rows: Rows) -> None:
    for key in ("health", "heard", "subscriptions", "proofs"):
        await rows.write("watch", Insert(key, {"format": 1, "value": {"at": "yesterday"}}))
    assert await state.health() is None
    assert await state.subscriptions_kept() is None
    await state.put_health(Health(AT, ()))
    await state.put_subscriptions_kept(off := SubscriptionsKept(AT, on=False))
    await state.put_heard((await state.heard()).becoming(heard := Heard((LastHeard("/hr", AT),))))
    await state.put_proofs((await state.proofs()).becoming(Proofs(PROOF)))
    fresh = RowsState(rows)
    assert (await fresh.health(), await fresh.subscriptions_kept()) == (Health(AT, ()), off)
    assert ((await fresh.heard()).value, (await fresh.proofs()).value) == (heard, Proofs(PROOF))


async def test_verdicts_and_what_was_told_that_cannot_be_read_cost_no_other(state: RowsState, rows: Rows) -> None:
    odd, well = ProfileMail(ProfileKey("a", "ODD")), ProfileMail(ProfileKey("a", "WELL"))
    for one in (odd, well):
        await state.put_profile_mail((await state.profile_mail(one.profile)).becoming(one))
    [row] = [one async for one in rows.range("mail", "mail:", "mail;") if "odd" in one.key]
    await rows.write("mail", Replace(row.key, {"format": 1, "value": {"profile": "none"}}, row.etag))
    await rows.write("notices", Insert("channel:teams", {"format": 1, "value": 7}))
    assert await state.mail_verdicts() == [well]
    await state.put_profile_mail((await state.profile_mail(odd.profile)).becoming(odd))
    assert len(await state.mail_verdicts()) == 2
    assert (await state.telling("teams")).value == Telling()
    await state.put_telling("teams", await state.telling("teams"))


async def test_a_row_of_another_form_stops_whoever_reads_it(state: RowsState, rows: Rows) -> None:
    await rows.write("watch", Insert("health", {"format": 99, "value": {"at": "yesterday"}}))
    with pytest.raises(StoreRefused):
        await state.health()
