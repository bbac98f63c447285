"""A person's profiles cut into pieces: side by side they cover everything once, whatever changes in between."""

from collections.abc import Collection
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.work import Cause, CauseKind, Position, WorkItem, again
from shared.services.reconcile.pieces import Piece
from shared.services.reconcile.pieces import cut as cut_all

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ITEM = WorkItem(PersonKey("7c0f5a0e-0000-4000-8000-000000000001"), Cause(CauseKind.EVENT, "hr#1"), NOW)
PROFILES = [ProfileKey("A:1", f"P{number:02}") for number in range(30)]

some = st.sets(st.sampled_from(PROFILES)).map(sorted)


def cut(item: WorkItem, profiles: list[ProfileKey], wanted: Collection[ProfileKey], most: int) -> Piece:
    """A piece of which a check reached no more than `most`."""
    return cut_all(item, profiles, wanted).shorter(most)


def follow(item: WorkItem, profiles: list[ProfileKey], wanted: list[ProfileKey], most: int) -> list[Piece]:
    """An item's piece, and what comes after it, to the end."""
    piece = cut(item, profiles, wanted, most)
    return [piece] if piece.rest is None else [piece, *follow(piece.rest.item, profiles, wanted, most)]


def test_whoever_has_few_is_one_piece_and_the_same_item() -> None:
    piece = cut(ITEM, PROFILES, PROFILES[:3], 30)
    assert piece == Piece(ITEM, ITEM, PROFILES, 3)
    assert piece.is_all
    assert piece.item is ITEM
    assert piece.told() is None


@given(some, some, st.integers(1, 9))
def test_pieces_cover_everything_once_and_what_the_policy_gives_first(
    profiles: list[ProfileKey], wanted: list[ProfileKey], most: int
) -> None:
    pieces = follow(ITEM, profiles, wanted, most)
    covered = [profile for piece in pieces for profile in piece.profiles]
    assert covered == sorted(profiles, key=lambda one: (one not in wanted, one))
    assert all(len(piece.profiles) <= most for piece in pieces)
    assert all({*piece.profiles} | {*piece.elsewhere} == {*profiles} for piece in pieces if not piece.is_all)


@given(some, some, st.integers(1, 9))
def test_a_shorter_piece_is_the_beginning_of_the_longer_one(
    profiles: list[ProfileKey], wanted: list[ProfileKey], most: int
) -> None:
    """A check that ran out of time covers what it reached, and nothing that it did not."""
    assert cut(ITEM, profiles, wanted, most).profiles == cut(ITEM, profiles, wanted, 99).profiles[:most]


@given(some, some, some, some, st.integers(1, 9))
def test_checks_that_repeat_each_piece_cover_everything_once_also_where_it_changed(
    profiles: list[ProfileKey],
    wanted: list[ProfileKey],
    profiles_later: list[ProfileKey],
    wanted_later: list[ProfileKey],
    most: int,
) -> None:
    repeated = [again(piece.item, CauseKind.SETTLE) for piece in follow(ITEM, profiles, wanted, most)]
    pieces = [piece for item in repeated for piece in follow(item, profiles_later, wanted_later, most)]
    covered = [profile for piece in pieces for profile in piece.profiles]
    assert sorted(covered) == profiles_later


def test_a_piece_that_is_sent_twice_is_one_message_and_its_repetitions_are_others() -> None:
    piece = cut(ITEM, PROFILES, (), 10)
    assert piece.rest == cut(ITEM, PROFILES, (), 10).rest
    assert piece.rest is not None
    names = {piece.rest.message_id}
    for kind in (CauseKind.RETRY, CauseKind.SETTLE):
        rest = cut(again(ITEM, kind), PROFILES, (), 10).rest
        assert rest is not None
        names.add(rest.message_id)
    shorter = cut(ITEM, PROFILES, (), 9).rest
    assert shorter is not None
    assert len({*names, shorter.message_id}) == 4


def test_what_nobody_reads_is_told_of_by_the_first_piece_alone() -> None:
    first, second, third = follow(ITEM, PROFILES, [], 10)
    unread = ProfileKey("B:1", "X")
    assert [piece.covers(unread) for piece in (first, second, third)] == [True, False, False]
    assert [piece.covers(None) for piece in (first, second, third)] == [True, False, False]
    assert [piece.covers(PROFILES[12]) for piece in (first, second, third)] == [False, True, False]


def test_a_piece_keeps_to_its_end() -> None:
    item = cut(ITEM, PROFILES, [], 10).item
    assert item.upto == Position(surplus=True, profile=PROFILES[9])
    assert follow(item, PROFILES, [], 100)[-1].profiles == PROFILES[:10]
