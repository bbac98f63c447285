"""The dates that say that there is none, in each spelling in which a system writes them."""

from datetime import date, datetime

import pytest

from shared.domain.never import is_never


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01",
        "0001-01-01T00:00:00+14:00",
        "1601-01-01T00:00:00Z",
        "1753-01-01",
        "1899-12-30",
        "1899-12-31T23:40:28Z",
        "1900-01-01",
        "1900-01-01T08:00:00Z",
        "1969-12-31T23:00:00Z",
        "1970-01-01",
        "2079-06-06T23:59:59Z",
        "2099-12-31",
        "2099-12-30T16:00:00Z",
        "2999-12-31",
        "4712-12-31",
        "9999-12-30T23:00:00Z",
        "9999-12-31",
        "9999-12-31T23:59:59.9999999-12:00",
    ],
)
def test_the_first_and_the_last_day_of_a_systems_calendar_mean_never(text: str) -> None:
    assert is_never(datetime.fromisoformat(text))
    assert is_never(datetime.fromisoformat(text).date())


@pytest.mark.parametrize(
    "day",
    [date(1901, 1, 1), date(1969, 12, 30), date(1970, 1, 2), date(2026, 12, 31), date(2038, 1, 19), date(2078, 12, 31)],
)
def test_any_other_day_is_a_day(day: date) -> None:
    assert not is_never(day)
