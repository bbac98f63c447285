"""Work items on their way: when they are due, under which MessageId, and what follows from one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.keys import NameKey, NameKind, PersonKey
from shared.domain.work import Cause, CauseKind, WorkItem, again, at_once, later, retried

NOW = datetime(2026, 3, 2, 9, 0, 10, 250_000, tzinfo=UTC)
ITEM = WorkItem(PersonKey("7c0f5a0e-0000-4000-8000-000000000001"), Cause(CauseKind.EVENT, "hr#1"), NOW)
STEP = timedelta(seconds=30)


def test_a_later_check_is_due_at_the_next_multiple_and_never_before_it_was_asked_for() -> None:
    found = later(ITEM, NOW, coalesce=STEP)
    assert found.due == datetime(2026, 3, 2, 9, 0, 30, tzinfo=UTC)
    assert found.message_id == f"event:{ITEM.key.canonical}:2026-03-02T09:00:30Z"
    assert found.due is not None
    assert later(ITEM, found.due, coalesce=STEP).due == found.due


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_checks_coalesce_when_they_fall_into_one_step(first: int, second: int) -> None:
    one, other = (later(ITEM, NOW + timedelta(milliseconds=each), coalesce=STEP) for each in (first, second))
    assert (one.message_id == other.message_id) == (one.due == other.due)
    assert one.due is not None
    assert timedelta(0) <= one.due - (NOW + timedelta(milliseconds=first)) < STEP


@pytest.mark.parametrize("behind_seconds", [-40, 0, 1, 29, 30, 600])
def test_what_follows_from_a_scheduled_check_is_due_after_it_whatever_our_clock_says(behind_seconds: int) -> None:
    handled = later(ITEM, NOW, coalesce=STEP)
    assert handled.due is not None
    managed = handled.due - timedelta(seconds=behind_seconds)
    following = later(again(handled.item, CauseKind.EVENT), managed, coalesce=STEP)
    assert following.due is not None
    assert following.due > handled.due or managed > handled.due
    assert following.message_id != handled.message_id


def test_a_check_that_may_do_less_is_no_duplicate_of_one_that_may_do_everything() -> None:
    narrowed = [replace(ITEM, only=only) for only in (None, frozenset[str](), frozenset({16 * "0"}))]
    assert len({later(one, NOW, coalesce=STEP).message_id for one in narrowed}) == 3
    assert again(narrowed[2], CauseKind.SETTLE).only == narrowed[2].only


def test_a_due_time_that_nobody_can_have_meant_moves_nothing() -> None:
    far = replace(ITEM, due=NOW + timedelta(days=400))
    assert later(far, NOW, coalesce=STEP).due == later(ITEM, NOW, coalesce=STEP).due


def test_checks_for_now_never_coalesce() -> None:
    assert at_once(ITEM, "a").message_id != at_once(ITEM, "b").message_id
    assert at_once(ITEM, "a").due is None


@pytest.mark.parametrize("length", [1, 81, 128])
def test_a_message_id_fits_service_bus_and_tells_keys_apart(length: int) -> None:
    items = [replace(ITEM, key=NameKey(NameKind.MAIL, "x" * length + end)) for end in ("@a.nl", "@b.nl")]
    for made in (
        [at_once(item, "u" * 36).message_id for item in items],
        [later(item, NOW, coalesce=STEP).message_id for item in items],
    ):
        assert len(set(made)) == 2
        assert all(len(each) <= 128 for each in made)


def test_checks_with_other_days_to_come_are_no_duplicates_of_each_other() -> None:
    """Which one is dropped would not matter, but its days would be gone."""
    days = [NOW + timedelta(days=number) for number in range(3)]
    asked = [(), (days[0],), (days[1],), (days[0], days[1])]
    ids = [later(replace(ITEM, moments=moments), NOW, coalesce=STEP).message_id for moments in asked]
    assert len(set(ids)) == len(ids)
    assert ids[1] == later(replace(ITEM, moments=(days[0],)), NOW, coalesce=STEP).message_id


def test_attempts_count_within_one_kind() -> None:
    settle = again(ITEM, CauseKind.SETTLE)
    assert (settle.attempt, again(settle, CauseKind.SETTLE).attempt) == (0, 1)
    assert again(again(settle, CauseKind.SETTLE), CauseKind.VERIFY).attempt == 0


def test_a_failing_check_remembers_since_when_also_between_retry_and_verification() -> None:
    first = retried(ITEM, NOW)
    assert (first.cause.kind, first.failing_since) == (CauseKind.RETRY, NOW)
    second = retried(again(first, CauseKind.VERIFY), NOW + timedelta(hours=1))
    assert second.failing_since == NOW
    assert again(second, CauseKind.SETTLE).failing_since is None
    assert second.first_asked == ITEM.first_asked
