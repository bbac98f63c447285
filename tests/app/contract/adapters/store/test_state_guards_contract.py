"""What State promises the guards on every store: holds per key, reservations, the pause, and what sweeps saw."""

import asyncio
import json
import logging
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.adapters.store.rows import Delete, Insert, Replace, Rows
from shared.adapters.store.state import RowsState
from shared.domain.access.plan import StoppedBy
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.daily_limits import Reservations
from shared.domain.guards.holds import Hold, KeyHolds, Status, action_id
from shared.domain.guards.pauses import Pause, PauseKind, Pauses, Setting
from shared.domain.history.records import RoleSeen, SettingsSeen
from shared.domain.history.roles_seen import Seen
from shared.domain.history.unmanaged_sightings import Sighted
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from shared.errors import Conflict, FailedRead, Permanent
from shared.ports import Stored

AT = datetime(2026, 3, 1, 9, 30, 15, 250_001, tzinfo=UTC)
WHY = Code.PAUSED(kind="operator-stop", since=AT.isoformat(), because=Code.SAID(said="month end"))
MOVED = Code.NO_RULE_GIVES_IT_ANY_MORE(gave=("finance-nl",))
ANNA = PersonKey("7c0f5a0e-0000-4000-8000-00000000000a")
NL = ProfileKey("acc:ount_2019-05-31", "ABCD-EFGH-BG7-PGB")
UK = ProfileKey("acc:ount_2019-05-31", "IJKL-MNOP-BG7-PGB")
KINDS = list(ActionKind)
SET = {"since": AT.isoformat(), "by": "olga", "why": WHY.as_json(), "seen": 0, "renewed": None}


@pytest.fixture
def state(rows: Rows) -> RowsState:
    return RowsState(rows)


def of(value: object) -> dict[str, Any]:
    """The body of a row that holds a value spelled so."""
    return {"format": 1, "value": value}


def hold(
    key: PersonKey | ProfileKey = ANNA,
    profile: ProfileKey = NL,
    kind: ActionKind = ActionKind.MOVER_REVOKES,
    **more: Any,
) -> Hold:
    words = {"basis": MOVED, "why": Code.DAILY_LIMIT_USED_UP(kind="mover_revokes", most=10), "group": "5eed"}
    written = {**words, "stopped_by": StoppedBy.DAILY_LIMIT, "since": AT, "renewed": AT + timedelta(hours=1), **more}
    return Hold(id=action_id(key, kind, profile), key=key, kind=kind, profile=profile, **written)


def held(*holds: Hold) -> Stored[KeyHolds]:
    """A key's holds that nobody stored yet."""
    return Stored(KeyHolds(holds[0].key, {one.id: one for one in holds}))


def with_holds(row: Stored[KeyHolds], *holds: Hold) -> Stored[KeyHolds]:
    """A row with these holds instead."""
    return row.becoming(KeyHolds(row.value.key, {one.id: one for one in holds}))


def somebody(number: int) -> PersonKey:
    return PersonKey(f"7c0f5a0e-0000-4000-8000-{number:012}")


async def all_holds(state: RowsState) -> list[KeyHolds]:
    return [row.value async for row in state.holds()]


# -- holds


async def test_a_key_nobody_held_anything_of_has_no_holds_and_no_version(state: RowsState) -> None:
    for key in (ANNA, NL):
        assert (await state.key_holds(key)).value == KeyHolds(key)
        assert (await state.key_holds(key)).version is None
    assert await all_holds(state) == []


async def test_the_holds_of_a_key_are_read_back_whole(state: RowsState) -> None:
    released = hold(profile=UK, status=Status.RELEASED, by="olga", decided_at=AT, group="", basis=None)
    refused = hold(
        kind=ActionKind.GRANTS, status=Status.DISMISSED, refused=Code.SAID(said='the "world"'), why=Code.SAID(said="é")
    )
    every = held(hold(), released, refused)
    await state.put_key_holds(every)
    found = await state.key_holds(ANNA)
    assert found.value == every.value
    assert found.version is not None
    assert await all_holds(state) == [every.value]
    await state.put_key_holds(with_holds(found, released))
    assert (await state.key_holds(ANNA)).value == held(released).value


@pytest.mark.parametrize("name", ["ABCD-EFGH-BG7-PGB", "Ö" + "x" * 300])
async def test_a_profile_has_holds_under_its_name_in_any_case_as_the_service_spells_it(
    state: RowsState, name: str
) -> None:
    key = ProfileKey("Acc%3Aount_2019-05-31", name)
    await state.put_key_holds(held(hold(key, key, ActionKind.PROFILE_UPDATES)))
    (found,) = (await state.key_holds(ProfileKey("ACC:OUNT_2019-05-31", name.lower()))).value.holds.values()
    assert str(found.key) == str(found.profile) == f"Acc:ount_2019-05-31/{name}"


async def test_what_was_stored_of_holds_is_put_again_without_a_read(state: RowsState) -> None:
    long = [held(hold(somebody(number), why=Code.SAID(said="x" * 90_000))) for number in range(8)]
    stored = await state.put_key_holds(*long, Stored(KeyHolds(NL)))
    assert [row.value for row in stored[:-1]] == [row.value for row in long]
    assert stored[-1] == Stored(KeyHolds(NL))
    again = await state.put_key_holds(*(with_holds(row, hold(row.value.key, by="me")) for row in stored[:-1]))
    gone = await state.put_key_holds(*map(with_holds, again))
    assert not any(row.is_there for row in gone)
    assert await all_holds(state) == []


async def test_a_key_without_holds_has_no_row(state: RowsState, rows: Rows) -> None:
    await state.put_key_holds(held(hold()))
    found = await state.key_holds(ANNA)
    await state.put_key_holds(with_holds(found), Stored(KeyHolds(NL)))
    assert (await state.key_holds(ANNA)).value == KeyHolds(ANNA)
    assert [row async for row in rows.range("holds", "!", "~")] == []


@pytest.mark.parametrize("holds", [(), (hold(profile=UK),)])
async def test_holds_that_somebody_else_stored_meanwhile_are_a_conflict(
    state: RowsState, holds: tuple[Hold, ...]
) -> None:
    await state.put_key_holds(held(hold()))
    first = await state.key_holds(ANNA)
    await state.put_key_holds(with_holds(first, hold(by="somebody else")))
    second = await state.key_holds(ANNA)
    with pytest.raises(Conflict, match=ANNA.object_id):
        await state.put_key_holds(with_holds(first, *holds))
    if holds:
        with pytest.raises(Conflict, match=ANNA.object_id):
            await state.put_key_holds(held(*holds))
    assert await state.key_holds(ANNA) == second


async def test_rows_of_holds_are_stored_together_or_not_at_all_where_that_is_asked(state: RowsState) -> None:
    await state.put_key_holds(held(hold(somebody(7))), held(hold(somebody(8))))
    seven, eight = await state.key_holds(somebody(7)), await state.key_holds(somebody(8))
    await state.put_key_holds(with_holds(eight))
    changed = with_holds(seven, hold(somebody(7), by="me"))
    with pytest.raises(Conflict, match="one of 3 keys"):
        await state.put_key_holds(held(hold(somebody(6))), changed, eight, whole=True)
    assert await all_holds(state) == [seven.value]


async def test_keys_that_somebody_else_changed_keep_no_other_from_being_stored(state: RowsState) -> None:
    await state.put_key_holds(*(held(hold(somebody(number))) for number in range(20)))
    read = [row async for row in state.holds()]
    busy = {somebody(3), somebody(4), somebody(11)}
    for row in read:
        if (key := row.value.key) in busy:
            await state.put_key_holds(with_holds(row, hold(key, by="me")))
    with pytest.raises(Conflict, match="3 keys"):
        await state.put_key_holds(*map(with_holds, read), held(hold(somebody(20))))
    left = await all_holds(state)
    assert {row.key for row in left} == busy | {somebody(20)}
    assert {h.by for row in left if row.key in busy for h in row.holds.values()} == {"me"}


async def test_holds_of_many_keys_are_stored_in_groups(state: RowsState) -> None:
    many = [held(hold(somebody(number))) for number in range(250)]
    await state.put_key_holds(*many)
    assert await all_holds(state) == [row.value for row in many]
    await state.put_key_holds(*[with_holds(row) async for row in state.holds()])
    assert await all_holds(state) == []
    await state.put_key_holds()


async def test_long_rows_of_holds_are_stored_in_more_groups(state: RowsState) -> None:
    many = [held(hold(somebody(number), why=Code.SAID(said=f"{number}" * 90_000))) for number in range(1, 8)]
    await state.put_key_holds(*many)
    assert await all_holds(state) == [row.value for row in many]


@pytest.mark.parametrize("count", [2000, 5000])
async def test_a_leaver_of_thousands_of_profiles_may_have_all_of_them_held(state: RowsState, count: int) -> None:
    account = "5f1c3d2e-1111-4222-8333-0123456789ab:6a2b4c8d-4444-4555-8666-abcdef012345_2019-05-31"
    profiles = [ProfileKey(account, f"A{number:04}-BCDE-BG7-PGB") for number in range(count)]
    row = held(
        *(
            hold(
                profile=profile,
                basis=Code.ON_PROFILE(profile=str(profile), because=Code.LEAVE_DATE_PAST(left=AT.isoformat())),
                by="olga",
                since=AT + timedelta(microseconds=997 * number),
                renewed=AT + timedelta(microseconds=1009 * number),
            )
            for number, profile in enumerate(profiles)
        )
    )
    await state.put_key_holds(row, held(hold(somebody(1))), whole=True)
    assert (await state.key_holds(ANNA)).value == row.value
    assert [len(one.holds) for one in await all_holds(state)] == [1, count]


async def test_of_several_who_hold_for_a_key_at_once_one_succeeds(state: RowsState) -> None:
    rows = [held(hold(by=f"{number}")) for number in range(4)]
    outcomes = await asyncio.gather(*(state.put_key_holds(row) for row in rows), return_exceptions=True)
    ((won,),) = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 3
    assert await state.key_holds(ANNA) == won


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ({"holds": None}, "value.holds: it is not an object"),
        ({"key": "identity:upn:anna@contoso.com"}, "value.key: a name holds nothing"),
        ({"key": somebody(1).canonical}, f"it is the row of 'hold:{somebody(1).canonical}'"),
        ({"holds": {"1": {}}}, "value.holds.1.id is missing; value.holds.1.key is missing;.* and 9 more"),
    ],
)
async def test_a_row_of_holds_of_the_wrong_shape_is_an_error_and_not_an_empty_one(
    state: RowsState, rows: Rows, damage: dict[str, Any], said: str
) -> None:
    whole = {"key": ANNA.canonical, "holds": {}}
    await rows.write("holds", Insert(f"hold:{ANNA.canonical}", of(whole | damage)))
    with pytest.raises(Permanent, match=f"is no list of holds: {said}"):
        await state.key_holds(ANNA)
    with pytest.raises(Permanent, match=f"is no list of holds: {said}"):
        await all_holds(state)


@pytest.mark.parametrize(
    ("field", "forged", "said"),
    [
        ("id", "0000000000000000", "is another key's"),
        ("key", somebody(1).canonical, "is another key's"),
        ("kind", "GRANTS", "kind: Input should be 'grants'"),
        ("profile", "account", "profile: 'account' is not '<billing account>/<billing profile>'"),
        ("since", "2026-03-01T09:30:15", "since: the time has no zone"),
        ("since", 1772357415, "since: it is not a text"),
        ("status", None, "status: Input should be 'open', 'released' or 'dismissed'"),
        ("refused", True, "refused: a reason is a code, and its facts"),
        ("groups", "", "groups: Unexpected keyword argument"),
    ],
)
async def test_a_forged_field_of_a_hold_is_refused_and_named(
    state: RowsState, rows: Rows, field: str, forged: Any, said: str
) -> None:
    await state.put_key_holds(held(hold()))
    stored = await rows.get("holds", f"hold:{ANNA.canonical}")
    assert stored is not None
    body = stored.body
    body["value"]["holds"][hold().id][field] = forged
    await rows.write("holds", Replace(stored.key, body, stored.etag))
    with pytest.raises(Permanent, match=re.escape(said)):
        await state.key_holds(ANNA)


# -- reservations


@pytest.mark.parametrize("kind", KINDS)
async def test_reservations_of_a_kind_are_read_back_exactly(state: RowsState, kind: ActionKind) -> None:
    assert (await state.reservations(kind)).value == Reservations(kind)
    taken = {action_id(ANNA, kind, NL): AT, action_id(ANNA, kind, UK): AT + timedelta(microseconds=1)}
    written = Reservations(kind, taken, told=AT + timedelta(microseconds=2))
    stored = await state.put_reservations(Stored(written))
    assert stored.value == written
    assert stored.is_there
    assert await state.reservations(kind) == stored
    for other in set(KINDS) - {kind}:
        assert (await state.reservations(other)).value == Reservations(other)


async def test_reservations_that_somebody_else_stored_meanwhile_are_a_conflict(state: RowsState) -> None:
    first = await state.put_reservations(Stored(Reservations(ActionKind.GRANTS, {"a": AT})))
    second = await state.put_reservations(first.becoming(replace(first.value, taken={"a": AT, "b": AT})))
    for stale in (first, Stored(first.value)):
        with pytest.raises(Conflict, match="grants"):
            await state.put_reservations(stale.becoming(Reservations(ActionKind.GRANTS)))
    assert await state.reservations(ActionKind.GRANTS) == second


async def test_of_several_who_reserve_at_once_one_succeeds(state: RowsState) -> None:
    read = await state.put_reservations(Stored(Reservations(ActionKind.GRANTS)))
    outcomes = await asyncio.gather(
        *(state.put_reservations(read.becoming(Reservations(ActionKind.GRANTS, {f"{n}": AT}))) for n in range(5)),
        return_exceptions=True,
    )
    (won,) = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 4
    assert await state.reservations(ActionKind.GRANTS) == won


async def test_twenty_thousand_reservations_fit(state: RowsState) -> None:
    taken = {
        action_id(somebody(number), ActionKind.GRANTS, NL): AT + timedelta(microseconds=997 * number)
        for number in range(20_000)
    }
    await state.put_reservations(Stored(Reservations(ActionKind.GRANTS, taken)))
    assert (await state.reservations(ActionKind.GRANTS)).value.taken == taken


@pytest.mark.parametrize("taken", [["a"], {"a": "yesterday"}, {"a": None}, {"a": 10**15}, {"a": "2026-03-01T09:30:15"}])
async def test_reservations_of_the_wrong_shape_are_an_error_and_not_an_empty_daily_limit(
    state: RowsState, rows: Rows, taken: Any
) -> None:
    body = of({"kind": "grants", "taken": taken, "told": None})
    await rows.write("guards", Insert("reservations:grants", body))
    with pytest.raises(Permanent, match=r"is no list of reservations: value\.taken"):
        await state.reservations(ActionKind.GRANTS)


# -- the pause


async def test_a_pause_nobody_set_has_no_cause(state: RowsState) -> None:
    assert (await state.pauses()).value == Pauses()
    assert (await state.pauses()).version is None


async def test_the_pause_is_read_anew_each_time_with_every_cause(state: RowsState, rows: Rows) -> None:
    kinds = {
        Pause(pause_kind, scope): Setting(AT, f"by {pause_kind}", WHY, seen=n, renewed=None if n % 2 else AT)
        for n, pause_kind in enumerate(PauseKind)
        for scope in ("", "1:2_2019-05-31", "1:2_2019-05-31/nl-bg7")
    }
    stored = await state.put_pauses(Stored(Pauses(kinds)))
    assert await state.pauses() == stored
    assert stored.value == Pauses(kinds)
    released = await RowsState(rows).put_pauses(stored.becoming(Pauses()))
    assert await state.pauses() == released
    assert released.is_there


async def test_a_pause_that_somebody_else_set_meanwhile_is_a_conflict(state: RowsState) -> None:
    pause = {Pause(PauseKind.OPERATOR): Setting(AT, "olga", Code.SAID(said="month end"))}
    first = await state.put_pauses(Stored(Pauses(pause)))
    both = pause | {Pause(PauseKind.HARM): Setting(AT, "check", Code.SAID(said="x"))}
    second = await state.put_pauses(first.becoming(Pauses(both)))
    for stale in (first, Stored(first.value)):
        with pytest.raises(Conflict, match="the pause"):
            await state.put_pauses(stale.becoming(Pauses()))
    assert await state.pauses() == second


@pytest.mark.parametrize(
    "pauses", [["operator-stop"], {"operator-stop": []}, {"handbrake": SET}, {"operator-stop": SET | {"by": None}}]
)
async def test_pauses_of_the_wrong_shape_are_an_error_and_not_off(state: RowsState, rows: Rows, pauses: Any) -> None:
    await rows.write("guards", Insert("pauses", of({"active": pauses})))
    with pytest.raises(Permanent, match=r"is no pauses: value\.active"):
        await state.pauses()


async def test_pauses_that_lost_what_is_active_are_an_error_and_not_off(state: RowsState, rows: Rows) -> None:
    await rows.write("guards", Insert("pauses", of({})))
    with pytest.raises(Permanent, match=r"is no pauses: value\.active is missing"):
        await state.pauses()


# -- the baseline


async def test_a_baseline_is_read_back_exactly(state: RowsState) -> None:
    row = await state.baseline()
    assert row == Stored(None)
    for number in range(3):
        row = await state.put_baseline(row.becoming(Baseline(AT, number, 2, 3, "d" * 64, {"finance-nl": "e" * 64})))
        assert await state.baseline() == row


async def test_of_several_baselines_stored_at_once_one_succeeds(state: RowsState, rows: Rows) -> None:
    read = await state.baseline()
    several = [read.becoming(Baseline(AT, number, 2, 3, "d")) for number in range(3)]
    outcomes = await asyncio.gather(*(RowsState(rows).put_baseline(one) for one in several), return_exceptions=True)
    (won,) = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 2
    assert await state.baseline() == won


async def test_a_baseline_that_somebody_else_stored_meanwhile_is_a_conflict(state: RowsState) -> None:
    first = await state.put_baseline(Stored(Baseline(AT, 1, 2, 3, "d")))
    second = await state.put_baseline(first.becoming(Baseline(AT, 2, 2, 3, "d")))
    for stale in (first, Stored(first.value)):
        with pytest.raises(Conflict, match="the baseline"):
            await state.put_baseline(stale)
    assert await state.baseline() == second


async def test_a_baseline_of_the_wrong_shape_is_an_error_and_not_none(state: RowsState, rows: Rows) -> None:
    await rows.write("guards", Insert("baseline", of({"at": AT.isoformat(), "managed": "many"})))
    with pytest.raises(Permanent, match="is no baseline"):
        await state.baseline()


# -- unmanaged assignments


def sighted(count: int, last: datetime = AT) -> list[Sighted]:
    return [
        Sighted(
            NL if n % 2 else UK,
            somebody(n).object_id,
            "User",
            Code.MADE_BY(maker="the portal"),
            AT - timedelta(days=n),
            last,
        )
        for n in range(count)
    ]


async def test_unmanaged_assignments_are_read_back_whole_however_many(state: RowsState, rows: Rows) -> None:
    assert list(await state.sighted()) == []
    for count, hours in ((5000, 0), (3, 1), (0, 2), (1, 3)):
        stored = sighted(count, AT + timedelta(hours=hours))
        await state.put_sighted(stored)
        assert list(await state.sighted()) == stored
        assert list(await RowsState(rows).sighted()) == stored
        parts = [row async for row in rows.range("sighted", "part:", "part;")]
        assert len(parts) == (7 if count == 5000 else min(count, 1))


async def test_of_several_lists_of_unmanaged_assignments_one_stands_whole(state: RowsState, rows: Rows) -> None:
    several = [sighted(3000, AT + timedelta(minutes=n)) for n in range(3)]
    await asyncio.gather(*(RowsState(rows).put_sighted(one) for one in several))
    assert list(await state.sighted()) in several


async def test_unmanaged_assignments_with_a_lost_part_fail_the_read_until_the_next_sweep(
    state: RowsState, rows: Rows
) -> None:
    await state.put_sighted(sighted(10))
    (part,) = [row async for row in rows.range("sighted", "part:", "part;")]
    await rows.write("sighted", Delete(part.key, part.etag))
    with pytest.raises(FailedRead, match="the list of unmanaged assignments"):
        await state.sighted()
    await state.put_sighted(sighted(2))
    assert list(await state.sighted()) == sighted(2)


async def test_unmanaged_assignments_that_are_none_are_a_failed_read(state: RowsState, rows: Rows) -> None:
    await state.put_sighted(sighted(1))
    (part,) = [row async for row in rows.range("sighted", "part:", "part;")]
    await rows.write("sighted", Replace(part.key, of({"parts": 1, "text": json.dumps(of([[1]]))}), part.etag))
    with pytest.raises(FailedRead, match="is no list of unmanaged assignments"):
        await state.sighted()


async def test_what_stays_behind_a_replaced_list_is_said_and_no_failure(
    state: RowsState, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    await state.put_sighted(sighted(1))
    (part,) = [row async for row in rows.range("sighted", "part:", "part;")]
    head = await rows.get("sighted", "head")
    assert head is not None
    # Two writers at the same old head: the one that clears later finds the parts gone from under it.
    slow = Racing(rows, Delete(part.key, part.etag))
    with caplog.at_level(logging.WARNING):
        await RowsState(slow).put_sighted(sighted(2))
    assert "old parts of the list of unmanaged assignments stay" in caplog.text
    assert list(await state.sighted()) == sighted(2)


# -- other roles


def seen(count: int) -> Seen:
    roles = tuple(RoleSeen(str(NL), "Billing profile reader", somebody(n).object_id, "User", AT) for n in range(count))
    settings = (SettingsSeen(NL, True, 2, "d" * 32, AT), SettingsSeen(UK, None, 0, "", AT, ours=True))
    return Seen(roles, settings, {str(NL).lower(): AT, "group": AT - timedelta(days=1)})


async def test_roles_are_read_back_whole_however_many(state: RowsState, rows: Rows) -> None:
    assert await state.seen_roles() is None
    for count, hours in ((5000, 0), (0, 1), (3, 2)):
        await state.put_seen_roles(seen(count), AT + timedelta(hours=hours))
        assert await state.seen_roles() == seen(count)
        assert await RowsState(rows).seen_roles() == seen(count)


async def test_roles_with_a_lost_part_fail_the_read_until_the_next_sweep(state: RowsState, rows: Rows) -> None:
    await state.put_seen_roles(seen(3), AT)
    (part,) = [row async for row in rows.range("seen-roles", "part:", "part;")]
    await rows.write("seen-roles", Delete(part.key, part.etag))
    with pytest.raises(FailedRead, match="the list of roles"):
        await state.seen_roles()
    await state.put_seen_roles(seen(2), AT)
    assert await state.seen_roles() == seen(2)


class Racing:
    """Rows in which somebody else deletes a row right before we do."""

    def __init__(self, rows: Rows, theirs: Delete) -> None:
        self._rows = rows
        self._theirs = theirs
        self.get, self.range, self.close = rows.get, rows.range, rows.close

    async def write(self, partition: str, *operations: Any) -> tuple[str, ...]:
        if self._theirs in operations:
            await self._rows.write(partition, self._theirs)
        return await self._rows.write(partition, *operations)
