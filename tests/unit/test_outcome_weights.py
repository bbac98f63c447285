"""Outcomes: which of several counts, and how long the pauses are."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.outcome import Outcome, retry_delay, wait_delay, worst

CAP = timedelta(minutes=15)


def test_a_look_of_no_parts_changed_nothing() -> None:
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
def test_what_asks_for_another_look_outweighs_what_does_not(parts: tuple[Outcome, ...], whole: Outcome) -> None:
    assert worst(parts) is worst(reversed(parts)) is whole


@given(st.lists(st.sampled_from(Outcome)))
def test_every_outcome_has_a_weight(parts: list[Outcome]) -> None:
    assert worst(parts) in {*parts, Outcome.UNCHANGED}


@given(st.integers(0, 10**6), st.floats(0, 1), st.none() | st.timedeltas(timedelta(0), timedelta(days=99)))
def test_a_retry_waits_at_least_a_second_and_what_was_asked_and_at_most_the_cap(
    attempt: int, chance: float, asked: timedelta | None
) -> None:
    delay = retry_delay(attempt, chance, cap=CAP, retry_after=asked)
    assert max(timedelta(seconds=1), min(CAP, asked or timedelta(0))) <= delay <= CAP


def test_retries_begin_around_five_seconds_and_double() -> None:
    delays = [retry_delay(attempt, 1.0, cap=CAP, retry_after=None).total_seconds() for attempt in range(9)]
    assert delays == [5, 10, 20, 40, 80, 160, 320, 640, 900]


def test_waits_for_somebody_unknown_double_from_the_first_to_six_hours() -> None:
    first, waited, delays = timedelta(minutes=1), timedelta(0), []
    for _ in range(12):
        delays.append(wait_delay(waited, first=first))
        waited += delays[-1]
    assert delays[:5] == [timedelta(minutes=minutes) for minutes in (1, 1, 2, 4, 8)]
    assert delays[-1] == timedelta(hours=6)
