"""One person with thousands of profiles: served in pieces, each recorded, within the handler's time."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.adapters.store.ledger_rows import body_text
from shared.domain.guards.holds import Status
from shared.domain.history.checks import CheckBody
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.policy.model import ActionKind
from shared.domain.remembered import Holding, PersonState
from shared.errors import Permanent, Transient
from shared.ports import Stored
from shared.services.reconcile.pieces import MOST_PROFILES
from tests.simulation.many_profiles import Books, everything, open_books
from tests.simulation.small_world import DIETER, FEMKE, OWNER, TESS, TREASURY
from tests.simulation.stage import Stage

HANDLER = timedelta(seconds=45)

type Open = Callable[..., Any]


@pytest.fixture
def office(set_stage: Callable[..., Stage]) -> Open:
    """A stage on books of that many profiles, all of them Tess's by a rule unless `given` is False; swept once."""

    async def opened(count: int, *, given: bool = True, swept: bool = True, **daily_limits: str) -> tuple[Stage, Books]:
        stage = set_stage(policy=everything(**daily_limits))
        books = open_books(stage, count)
        if given:
            books.give(TESS, books.listed)
            held = dict.fromkeys(books.listed, Holding(("treasury",)))
            await stage.app.state.put_person(Stored(PersonState(TESS, holdings=held)))
        for number, person in enumerate((FEMKE, DIETER)):
            books.give(person, [[*books.listed][number]])
        if swept:
            await stage.sweep()
        books.written.clear()
        return stage, books

    return opened


def actions(checks: list[CheckBody]) -> Counter[tuple[str, str]]:
    return Counter((one.action, one.outcome) for check in checks for one in check.actions)


def done(checks: list[CheckBody], verb: str) -> list[str]:
    return [
        str(one.profile) for check in checks for one in check.actions if (one.action, one.outcome) == (verb, "done")
    ]


async def reservations(stage: Stage, kind: ActionKind) -> int:
    return len((await stage.app.state.reservations(kind)).value.taken)


def in_time(books: Books) -> bool:
    """Whether each write began within the handler's time of the check that made it."""
    return all(at < max(began for began in books.checks if began <= at) + HANDLER for at in books.begun)


@pytest.mark.parametrize("count", [900, 5000])
async def test_an_unchanged_person_is_read_once_in_pieces_each_recorded(office: Open, count: int) -> None:
    stage, books = await office(count)
    await stage.event_about(TESS)
    checks = await stage.checks(TESS)
    assert books.reads == count
    assert len(checks) == count / MOST_PROFILES
    assert [check.outcome for check in checks] == ["unchanged"] * len(checks)
    assert sorted(profile for check in checks for profile in check.read or ()) == sorted(books.listed)
    assert all((check.held or {}).keys() == set(check.read or ()) for check in checks)
    assert [kind for kind, _ in stage.awaited(TESS)] == ["settle"]
    await stage.advance(minutes=30)
    assert books.reads == 2 * count
    assert not stage.awaited(TESS)
    assert not books.written


@pytest.mark.parametrize("count", [900, 5000])
async def test_a_leaver_loses_everything_in_time_and_every_revoke_is_recorded(office: Open, count: int) -> None:
    stage, books = await office(count)
    stage.change(TESS, accountEnabled=False)
    began = stage.now
    await stage.event_about(TESS)
    await stage.advance(hours=1)
    assert not books.held(TESS)
    assert len(books.written) == count
    checks = await stage.checks(TESS)
    assert sorted(done(checks, "revoke")) == sorted(map(str, books.listed))
    assert in_time(books)
    assert max(books.begun) - began < timedelta(seconds=count)
    assert await reservations(stage, ActionKind.LEAVER_REVOKES) == count
    assert not (await stage.app.state.person(TESS)).value.holdings
    assert not stage.awaited(TESS)
    assert not stage.raised


async def test_a_daily_limit_of_fifty_is_used_up_the_rest_held_and_released_at_once(office: Open) -> None:
    stage, books = await office(900, leaver_revokes="5/50/50")
    stage.change(TESS, accountEnabled=False)
    await stage.event_about(TESS)
    await stage.advance(minutes=30)
    checks = await stage.checks(TESS)
    assert len(books.held(TESS)) == 850
    assert actions(checks).keys() == {("revoke", "done"), ("revoke", "held")}
    assert actions(checks)["revoke", "done"] == 50
    row = await stage.app.state.key_holds(PersonKey(TESS))
    assert len(row.value.holds) == 850
    released = {
        id_: replace(hold, status=Status.RELEASED, by="olga", decided_at=stage.now)
        for id_, hold in row.value.holds.items()
    }
    await stage.app.state.put_key_holds(row.becoming(replace(row.value, holds=released)))
    await stage.event_about(TESS)
    await stage.advance(hours=1)
    assert not books.held(TESS)
    assert not (await stage.app.state.key_holds(PersonKey(TESS))).value.holds
    assert await reservations(stage, ActionKind.LEAVER_REVOKES) == 50


async def test_other_leavers_are_not_kept_waiting_by_a_check_that_cannot_write(office: Open) -> None:
    """The store takes no intent of Tess's: her places in the daily limit are free for the others at once."""
    stage, books = await office(900, leaver_revokes="5/50/50")
    for person in (TESS, FEMKE):
        stage.change(person, accountEnabled=False)
    no_intent = Permanent("the store takes no intent")
    stage.ledger_rows.at_write(no_intent, f"ledger:person:{TESS}", holds='"kind":"intent"')
    await stage.event_about(TESS)
    await stage.event_about(FEMKE)
    assert len(books.held(TESS)) == 900
    assert not books.held(FEMKE)
    assert await reservations(stage, ActionKind.LEAVER_REVOKES) == 1


@pytest.mark.parametrize("count", [2000])
async def test_grants_are_made_in_pieces(office: Open, count: int) -> None:
    stage, books = await office(count, given=False)
    await stage.event_about(TESS)
    await stage.advance(hours=1)
    assert books.held(TESS) == set(books.listed)
    checks = await stage.checks(TESS)
    assert sorted(done(checks, "grant")) == sorted(map(str, books.listed))
    assert len(books.written) == count
    assert in_time(books)
    assert (await stage.app.state.person(TESS)).value.holdings.keys() == set(books.listed)
    before = books.reads
    await stage.event_about(TESS)
    assert books.reads == before + count


async def test_grants_beyond_the_daily_limit_are_held_each_once(office: Open) -> None:
    stage, books = await office(2000, given=False, swept=False, grants="50/50/100")
    await stage.event_about(TESS)
    await stage.advance(hours=1)
    assert len(books.held(TESS)) == 50
    assert len((await stage.app.state.key_holds(PersonKey(TESS))).value.holds) == 1950
    for check in await stage.checks(TESS):
        assert len(body_text(check)) < 200_000


@pytest.mark.parametrize("count", [900])
async def test_a_mover_is_seen_twice_piece_by_piece_and_then_loses_what_no_rule_gives(office: Open, count: int) -> None:
    stage, books = await office(count)
    stage.leave(TREASURY, TESS)
    stage.change(TESS, department="Finance")  # and so is given the Dutch profile still
    await stage.event_about(TESS)
    assert len(books.held(TESS)) == count
    assert len((await stage.app.state.person(TESS)).value.sightings) == count - 1
    books.reads = 0
    await stage.advance(hours=2)
    assert books.held(TESS) == {next(iter(books.listed))}
    checks = await stage.checks(TESS)
    assert sorted(done(checks, "revoke")) == sorted(map(str, list(books.listed)[1:]))
    assert in_time(books)
    assert books.reads < 4 * count
    assert not (await stage.app.state.person(TESS)).value.sightings


async def test_a_mover_is_given_the_new_before_anything_is_taken(office: Open) -> None:
    """Three hundred to lose, whose names come first, and three hundred to gain."""
    stage, books = await office(900)
    listed = list(books.listed)
    for key in listed[300:]:
        del books.rows[key][TESS]
    held = dict.fromkeys(listed[:300], Holding(("treasury",)))
    state = await stage.app.state.person(TESS)
    await stage.app.state.put_person(
        state.becoming(
            replace(state.value, holdings=held, sightings={f"moved:{key.folded}": stage.now for key in listed[:300]})
        )
    )
    names = ", ".join(f'{{ name: "Profile {number}" }}' for number in range(600, 900))
    stage.restart(policy=everything().replace("profiles: all", f"profiles: [{names}]"))
    renewed = open_books(stage, 900)
    renewed.rows = books.rows
    catalogue = await stage.app.state.catalogue()
    assert catalogue is not None
    judged = replace(catalogue, policy_digest=stage.app.policy.digest, unknown_rules={})
    await stage.app.catalogues.put(judged, stage.now)
    await stage.advance(minutes=6)
    await stage.event_about(TESS)
    await stage.advance(hours=1)
    verbs = [verb for verb, _, _ in renewed.written]
    assert verbs == ["grant"] * 300 + ["revoke"] * 300
    assert renewed.held(TESS) == set(listed[600:])


@pytest.mark.parametrize("writes", [1, 150, 399])
async def test_a_crash_in_the_middle_is_repeated_and_nothing_is_done_twice(office: Open, writes: int) -> None:
    stage, books = await office(900)
    stage.change(TESS, accountEnabled=False)

    def crash(profile: ProfileKey) -> None:
        if len(books.written) == writes:
            books.fails = lambda _: None
            raise RuntimeError(f"the process died at {profile}")

    books.fails = crash
    await stage.event_about(TESS)
    await stage.advance(hours=1)
    assert len(stage.raised) == 1
    assert not books.held(TESS)
    assert len(books.written) == len(set(books.written)) == 900
    assert await reservations(stage, ActionKind.LEAVER_REVOKES) == 900
    assert await stage.app.ledger.verify(PersonKey(TESS).canonical) == []


async def test_a_record_that_was_not_kept_repeats_its_piece_and_the_pass_goes_on(office: Open) -> None:
    stage, books = await office(900)
    stage.change(TESS, accountEnabled=False)
    stage.ledger_rows.at_write(Transient("the store is busy"), holds='"kind":"check"', spare=1, times=1)
    await stage.event_about(TESS)
    await stage.advance(hours=1)
    assert stage.ledger_rows.happened == 1
    assert not books.held(TESS)
    assert len(books.written) == 900


async def test_one_profile_that_fails_is_tried_again_with_its_piece_alone(office: Open) -> None:
    stage, books = await office(2000)
    bad = list(books.listed)[777]
    books.fails = lambda profile: Transient("busy") if profile == bad else None
    stage.change(TESS, accountEnabled=False)
    await stage.event_about(TESS)
    assert [kind for kind, _ in stage.awaited(TESS)].count("retry") == 1
    await stage.advance(minutes=10)
    assert books.held(TESS) == {bad}
    before = books.reads
    await stage.advance(hours=2)
    assert books.reads - before < 2 * MOST_PROFILES
    books.fails = lambda _: None
    await stage.advance(hours=1)
    assert not books.held(TESS)


@pytest.mark.parametrize("read_seconds", [2.0, 10.0])
async def test_slow_reads_make_smaller_pieces_and_leave_time_to_write(office: Open, read_seconds: float) -> None:
    stage, books = await office(60)
    books.read_seconds = read_seconds
    stage.change(TESS, accountEnabled=False)
    await stage.event_about(TESS)
    await stage.advance(hours=3)
    assert not books.held(TESS)
    assert in_time(books)


@pytest.mark.parametrize("count", [6, 12])
async def test_slow_writes_are_gone_on_with_at_once_where_the_time_ended(office: Open, count: int) -> None:
    """Half of them to gain, which come later in the alphabet, and half to lose: twenty seconds a write."""
    stage, books = await office(count)
    listed = list(books.listed)
    for key in listed[count // 2 :]:
        del books.rows[key][TESS]
    stage.change(TESS, department="Finance", companyName="Nowhere")
    state = await stage.app.state.person(TESS)
    held = dict.fromkeys(listed, Holding(("treasury",)))
    await stage.app.state.put_person(state.becoming(replace(state.value, holdings=held)))
    books.write_seconds = 20.0
    await stage.event_about(TESS)
    assert "retry" not in [kind for kind, _ in stage.awaited(TESS)]
    assert len(set(books.begun)) >= count // 2
    await stage.advance(minutes=30)
    assert books.held(TESS) == set(listed)
    stage.leave(TREASURY, TESS)
    await stage.event_about(TESS)
    await stage.advance(hours=1)
    assert not books.held(TESS)
    assert in_time(books)
    assert len(books.written) == count // 2 + count


async def test_who_leaves_in_the_middle_of_a_pass_loses_everything(office: Open) -> None:
    """Pieces lie side by side in one order, whatever the policy gives by then."""
    stage, books = await office(900)
    await stage.tell(f"id:{TESS}")
    for _ in range(4):
        message = stage.queues.take(stage.now)
        assert message is not None
        await stage.deliver(message)
    stage.change(TESS, accountEnabled=False)
    await stage.run_until_quiet()  # nobody told of it but the passes under way: the rest, and the settling check
    await stage.advance(minutes=30)
    assert not books.held(TESS)


async def test_a_sweep_finds_a_leaver_and_holds_as_one_what_is_too_much(office: Open) -> None:
    stage, books = await office(2000, leaver_revokes="5/50/50")
    stage.change(TESS, accountEnabled=False)
    report = await stage.sweep()
    await stage.advance(hours=1)
    assert report.holds.groups == {"daily_limit:leaver_revokes": 1950}
    assert len(books.held(TESS)) == 1950
    again = await stage.sweep()
    assert again.enqueued == 0


async def test_unmanaged_assignments_of_a_leaver_are_told_piece_by_piece(office: Open) -> None:
    stage, books = await office(900, given=False, swept=False)
    books.give(TESS, books.listed, by=OWNER)
    await stage.sweep()
    stage.change(TESS, accountEnabled=False)
    await stage.event_about(TESS)
    checks = await stage.checks(TESS)
    told = [note.profile for check in checks for note in check.notes if note.profile is not None]
    assert sorted(told) == sorted(books.listed)
    assert len(books.held(TESS)) == 900


async def test_what_is_remembered_where_nothing_is_managed_any_more_is_told_within_bounds(office: Open) -> None:
    stage, _ = await office(12, given=False)
    gone = {ProfileKey("gone:0", f"P{number:04}"): Holding(adopted=True) for number in range(5000)}
    await stage.app.state.put_person(Stored(PersonState(TESS, holdings=gone)))
    assert await stage.check(PersonKey(TESS)) is not Outcome.GAVE_UP
    check = await stage.last_check(TESS)
    assert len(check.notes) + check.notes_left_out == 5000
    assert check.adopted


async def test_rows_without_a_maker_are_proved_from_a_chain_that_is_read_once_a_check(office: Open) -> None:
    stage, books = await office(300, given=False)
    books.says_who = False
    await stage.event_about(TESS)
    await stage.advance(hours=1)
    assert books.held(TESS) == set(books.listed)
    stage.ledger_rows.listed.clear()
    stage.change(TESS, accountEnabled=False)
    await stage.event_about(TESS)
    await stage.advance(hours=1)
    assert not books.held(TESS)
    assert 0 < len(stage.ledger_rows.listed) <= 6
