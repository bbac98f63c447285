"""Outcomes: which of several counts, and how long the pauses are."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.outcome import Outcome, retry_delay, wait_delay, worst

CAP = timedelta(minutes=15)


def test_a_check_of_no_parts_changed_nothing() -> None:
    assert worst([]) is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ((Outcome.DONE, Outcome.UNCHANGED), Outcome.DONE),
        ((Outcome.DONE, Outcome.GAVE_UP), Outcome.GAVE_UP),
        ((Outcome.GAVE_UP, Outcome.RETRY), Outcome.RETRY),
        ((Outcome.WAITING, Outcome.GAVE_UP), Outcome.WAITING),
        ((Outcome.UNVERIFIED, Outcome.WAITING), Outcome.UNVERIFIED),
        ((Outcome.HELD, Outcome.DONE), Outcome.HELD),
    ],
)
def test_what_asks_for_another_check_outweighs_what_does_not(parts: tuple[Outcome, ...], whole: Outcome) -> None:
    assert worst(parts) is worst(reversed(parts)) is whole


@given(st.lists(st.sampled_from(Outcome)))
def test_every_outcome_has_a_weight(parts: list[Outcome]) -> None:
    assert worst(parts) in {*parts, Outcome.UNCHANGED}


LASTING = st.timedeltas(timedelta(0), timedelta(days=99))


@given(st.integers(0, 10**6), st.floats(0, 1), LASTING, st.none() | LASTING)
def test_a_retry_waits_at_least_a_second_and_what_was_asked_and_at_most_the_cap(
    attempt: int, chance: float, failing: timedelta, asked: timedelta | None
) -> None:
    delay = retry_delay(attempt, chance, failing=failing, cap=CAP, retry_after=asked)
    assert max(timedelta(seconds=1), min(CAP, asked or timedelta(0))) <= delay <= CAP


def test_retries_begin_near_five_seconds_and_wait_a_tenth_of_the_time_of_failing() -> None:
    def delay(attempt: int, failing: timedelta) -> float:
        return retry_delay(attempt, 1.0, failing=failing, cap=CAP, retry_after=None).total_seconds()

    assert [delay(attempt, timedelta(minutes=1)) for attempt in range(5)] == [5, 10, 20, 30, 30]
    assert [delay(50, timedelta(minutes=minutes)) for minutes in (3, 5, 10, 60, 150, 600)] == [
        30,
        30,
        60,
        360,
        900,
        900,
    ]


def test_waits_for_somebody_unknown_double_from_the_first_to_six_hours() -> None:
    first, waited, delays = timedelta(minutes=1), timedelta(0), []
    for _ in range(12):
        delays.append(wait_delay(waited, first=first))
        waited += delays[-1]
    assert delays[:5] == [timedelta(minutes=minutes) for minutes in (1, 1, 2, 4, 8)]
    assert delays[-1] == timedelta(hours=6)
