"""Notices: whatever comes, goes and fails, each matter is told, once while it lasts, and nothing that waits is lost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.notices.notice import (
    GRACE,
    LONGEST_REST,
    MOST_LINES,
    MOST_WAITING,
    Found,
    Matter,
    Notice,
    NoticeKind,
    Telling,
    take_up,
)
from shared.domain.reasons import Code, Reason

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
STEP = timedelta(minutes=5)
KINDS = [NoticeKind.DECISION, NoticeKind.PAUSE]
"""Kinds without a grace: what is gone is forgotten at once."""


def matter(kind: NoticeKind, number: int) -> Matter:
    return Matter(kind, str(number), (Code.DECISION_WAITS(kind="grants", count=number, profiles=1),))


names = st.tuples(st.sampled_from(KINDS), st.integers(0, 5))
outcomes = st.sampled_from(["arrives", "is lost", "arrives and the app dies", "refused"])
runs = st.lists(st.tuples(st.frozensets(names), st.booleans(), outcomes), min_size=1, max_size=25)


@dataclass
class Receiver:
    """A channel's state as it is stored, and what arrived there."""

    stored: Telling = field(default_factory=Telling)
    arrived: list[Notice] = field(default_factory=list)

    def run(self, found: Found, now: datetime, outcome: str) -> None:
        """One run of the timer, in which every notice meets the same outcome."""
        self.stored = take_up(self.stored, found, now)
        for notice in self.stored.outbox:
            if self.stored.rests(now):
                return
            if outcome.startswith("arrives"):
                self.arrived.append(notice)
            if outcome == "arrives and the app dies":
                return
            if outcome == "arrives":
                self.stored = self.stored.delivered(notice)
            else:
                self.stored = self.stored.not_delivered(notice, now, None, refused=outcome == "refused")

    def told(self) -> Counter[Reason]:
        """How often each line was told, under different ids."""
        return Counter(line for notice in {one.id: one for one in self.arrived}.values() for line in notice.lines)


def found_of(there: frozenset[tuple[NoticeKind, int]]) -> Found:
    return {kind: [matter(kind, number) for of, number in sorted(there) if of is kind] for kind in KINDS}


@given(runs)
def test_each_matter_is_told_once_while_it_lasts_through_outages_and_crashes(
    story: Sequence[tuple[frozenset[tuple[NoticeKind, int]], bool, str]],
) -> None:
    receiver, now = Receiver(), START
    appeared: Counter[Reason] = Counter()
    before: frozenset[tuple[NoticeKind, int]] = frozenset()
    for there, readable, outcome in story:
        found = found_of(there) if readable else dict.fromkeys(KINDS)
        if readable:
            appeared.update(matter(*one).lines[0] for one in there - before)
            before = there
        receiver.run(found, now, outcome)
        now += STEP
    for _ in range(40):  # all is well again: whatever waits arrives
        now += LONGEST_REST
        receiver.run(dict.fromkeys(KINDS), now, "arrives")
    assert receiver.stored.outbox == ()
    assert receiver.told() == appeared


@given(st.sampled_from(sorted(GRACE)), st.timedeltas(timedelta(), timedelta(days=50)))
def test_what_comes_back_within_its_grace_is_told_no_second_time(kind: NoticeKind, away: timedelta) -> None:
    there: Found = {kind: [Matter(kind, "it", (), Code.NOTICE_NO_PROFILE())]}
    gone: Found = {kind: []}
    first = take_up(Telling(), there, START)
    second = take_up(take_up(first, gone, START + away), there, START + away + STEP)
    assert len(first.outbox) == 1
    assert len(second.outbox) == (1 if away < GRACE[kind] else 2)


@given(st.integers(1, 60))
def test_many_of_a_kind_are_one_notice_of_few_lines(count: int) -> None:
    found = {NoticeKind.DECISION: [matter(NoticeKind.DECISION, number) for number in range(count)]}
    (notice,) = take_up(Telling(), found, START).outbox
    assert notice.title == Code.NOTICE_DECISIONS(count=count)
    assert len(notice.lines) == min(count, MOST_LINES + 1)
    if count > MOST_LINES:
        assert notice.lines[-1] == Code.MORE_LINES(count=count - MOST_LINES)


@given(st.lists(st.sampled_from(["Contoso UK", "Contoso France"]), min_size=1, max_size=30))
def test_people_of_one_profile_are_one_line_with_their_number(profiles: list[str]) -> None:
    matters = [
        Matter(NoticeKind.LEAVERS, f"{number}", (Code.LEFT_AND_HAS(people=1, profile=name),))
        for number, name in enumerate(profiles)
    ]
    (notice,) = take_up(Telling(), {NoticeKind.LEAVERS: matters}, START).outbox
    assert {line.facts["profile"]: line.facts["people"] for line in notice.lines} == dict(Counter(profiles))


def test_a_channel_that_takes_nothing_for_long_holds_no_more_than_a_shelf_of_them() -> None:
    telling, now = Telling(), START
    for number in range(3 * MOST_WAITING):
        now += STEP
        telling = take_up(telling, {NoticeKind.PAUSE: [matter(NoticeKind.PAUSE, number)]}, now)
    assert len(telling.outbox) == MOST_WAITING
    last = telling.outbox[0]
    telling = telling.delivered(last)
    still = {NoticeKind.PAUSE: [matter(NoticeKind.PAUSE, 3 * MOST_WAITING - 1)]}
    assert len(take_up(telling, still, now).outbox) == MOST_WAITING  # what found no room is told now


@given(st.integers(0, 200), st.none() | st.timedeltas(timedelta(), timedelta(days=3)), st.booleans())
def test_a_channel_rests_longer_each_time_and_an_hour_at_the_most(
    failures: int,
    wait: timedelta | None,
    refused: bool,
) -> None:
    notice = take_up(Telling(), {NoticeKind.PAUSE: [matter(NoticeKind.PAUSE, 1)]}, START).outbox[0]
    telling = Telling(outbox=(notice,), failed=failures)
    after = telling.not_delivered(notice, START, wait, refused=refused)
    assert after.outbox == (notice,)
    assert after.rests_until is not None
    assert timedelta(minutes=5) <= after.rests_until - START <= LONGEST_REST
    assert after.rests(START)
    assert not after.rests(after.rests_until)
