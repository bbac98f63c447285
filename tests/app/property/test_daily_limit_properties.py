"""What holds for every daily limit, whoever reserves what, when, and by whose clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import ceil
from typing import Final

from hypothesis import event, given
from hypothesis import strategies as st

from shared.domain.guards.daily_limits import ALLOWANCE, WINDOW, Reservations, counted, left, limit, reserve
from shared.domain.policy.model import ActionKind, DailyLimit
from shared.ports import Stored

START: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
HANDLER: Final = timedelta(seconds=60)
"""A check that takes longer than its lock is dead, and begins anew."""

SKEW: Final = (ALLOWANCE - HANDLER) / 2
"""By how much a clock may be wrong: two of them, and a handler's time, make up the allowance."""

actions = st.sampled_from("abcdefgh")
gaps = st.sampled_from(
    [timedelta(0)] * 3
    + [timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1), timedelta(hours=8)]
    + [WINDOW - timedelta(seconds=1), WINDOW, WINDOW + ALLOWANCE, timedelta(days=4)]
)
skews = st.integers(-int(SKEW.total_seconds()), int(SKEW.total_seconds())).map(lambda s: timedelta(seconds=s))
daily_limits = st.builds(DailyLimit, st.integers(0, 20), st.integers(0, 100), st.integers(0, 100))


@dataclass(frozen=True, slots=True)
class Step:
    """Time passes, then a writer goes on with what it began, or begins with `action`; the write comes early or late."""

    gap: timedelta
    writer: int
    action: str
    decided: bool
    late: bool


steps = st.lists(
    st.builds(Step, gaps, st.integers(0, 1), actions, st.integers(0, 5).map(lambda chance: chance == 0), st.booleans()),
    min_size=10,
    max_size=60,
)


@dataclass(slots=True)
class Store:
    """The row, replaced only over the version it was read as."""

    row: Reservations
    version: int = 0

    def read(self) -> Stored[Reservations]:
        return Stored(self.row, str(self.version))

    def put(self, row: Stored[Reservations]) -> bool:
        if row.version != str(self.version):
            return False
        self.row, self.version = row.value, self.version + 1
        return True


@dataclass(frozen=True, slots=True)
class Written:
    """An action that was written, at the true time."""

    at: datetime
    action: str
    decided: bool


@dataclass(frozen=True, slots=True)
class Begun:
    """What a writer read, and what it is about to store."""

    at: datetime
    step: Step
    row: Stored[Reservations]


def play(story: Sequence[Step], most: int, skew: Sequence[timedelta]) -> list[Written]:
    """Two writers take turns between reading and storing; returns what was written."""
    store = Store(Reservations(ActionKind.GRANTS))
    begun: dict[int, Begun] = {}
    written: list[Written] = []
    now = START
    for step in story:
        now += step.gap
        pending = begun.pop(step.writer, None)
        if pending is not None and now - pending.at < HANDLER and store.put(pending.row):
            at = pending.at + HANDLER if pending.step.late else now
            written.append(Written(at, pending.step.action, decided=False))
            continue
        if pending is not None:
            event("somebody else was quicker, or the check was dead")
            step = pending.step  # noqa: PLW2901 - it tries again with what it wanted
        if step.decided:
            written.append(Written(now, step.action, decided=True))
            continue
        seen = store.read()
        row = reserve(seen.value, step.action, most, now + skew[step.writer])
        if row is not None:
            begun[step.writer] = Begun(now, step, seen.becoming(row))
        else:
            event("nothing was left")
    return written


@given(steps, st.integers(0, 4), st.tuples(skews, skews))
def test_no_24_hours_have_more_actions_than_the_limit_unless_a_person_decided(
    story: list[Step], most: int, skew: tuple[timedelta, timedelta]
) -> None:
    written = play(story, most, skew)
    for last in written:
        window = {one.action for one in written if not one.decided and last.at - WINDOW < one.at <= last.at}
        assert len(window) <= most


@given(st.integers(-20 * 60, 20 * 60).map(lambda s: WINDOW + timedelta(seconds=s)), skews, skews)
def test_a_place_is_free_again_no_sooner_than_24_hours_after_its_write_whoever_asks(
    gap: timedelta, its_skew: timedelta, other_skew: timedelta
) -> None:
    row = reserve(Reservations(ActionKind.GRANTS), "a", 1, START + its_skew)
    assert row is not None
    other = reserve(row, "b", 1, START + gap + other_skew)
    assert other is None or gap >= WINDOW + HANDLER, "the first was written a handler's time later"
    assert other is not None or gap < WINDOW + ALLOWANCE + 2 * SKEW, "it is not kept waiting for ever"


@given(steps, st.integers(0, 4))
def test_only_what_is_left_is_reserved(story: list[Step], most: int) -> None:
    row = Reservations(ActionKind.GRANTS)
    now = START
    for step in story:
        now += step.gap
        before = counted(row, now)
        reserved = reserve(row, step.action, most, now)
        if reserved is None:
            assert len(before) >= most
            continue
        assert step.action in before or len(before) < most
        row = reserved
        assert left(row, most, now) == max(0, most - len(counted(row, now)))


@given(steps, st.integers(1, 4), actions)
def test_reserving_twice_is_reserving_once(story: list[Step], most: int, action: str) -> None:
    row = Reservations(ActionKind.GRANTS)
    now = START
    for step in story:
        now += step.gap
        row = reserve(row, step.action, most, now) or row
    once = reserve(row, action, most, now)
    if once is None:
        return
    twice = reserve(once, action, most, now)
    assert twice is not None
    assert counted(twice, now) == counted(once, now)
    assert left(once, most, now) == left(row, most, now) - (
        action not in counted(row, now) and left(row, most, now) > 0
    )


jumps = st.integers(-365 * 24, int((timedelta(days=3) - WINDOW - ALLOWANCE).total_seconds()) // 3600).map(
    lambda hours: timedelta(hours=hours)
)


@given(steps, st.lists(st.tuples(jumps, actions), min_size=1, max_size=8))
def test_a_clock_that_jumps_ahead_and_back_forgets_nothing(
    story: list[Step], jumped: list[tuple[timedelta, str]]
) -> None:
    row = Reservations(ActionKind.GRANTS)
    now = START
    for step in story:
        now += step.gap
        row = reserve(row, step.action, 4, now) or row
    known = counted(row, now)
    until = {action: row.taken[action] for action in known}
    for jump, action in jumped:
        row = reserve(row, action, 8, now + jump) or row
    assert known <= counted(row, now)
    assert all(row.taken[action] >= at for action, at in until.items())


@given(daily_limits, st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_limit_keeps_to_its_formula_and_grows_with_what_we_own(
    daily_limit: DailyLimit, base: int, more: int
) -> None:
    share = ceil(Fraction(daily_limit.percent, 100) * base)
    assert limit(daily_limit, base) == max(daily_limit.floor, min(daily_limit.count, share))
    assert limit(daily_limit, base) <= limit(daily_limit, base + more)
    assert daily_limit.floor <= limit(daily_limit, base) <= max(daily_limit.floor, daily_limit.count)
