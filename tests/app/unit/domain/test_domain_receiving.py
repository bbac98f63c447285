"""When the next invoice is made: the day of the month, or the month's last."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.mail_check import next_invoice


@pytest.mark.parametrize(
    ("day", "today", "due"),
    [
        (5, date(2026, 3, 3), date(2026, 3, 5)),
        (5, date(2026, 3, 5), date(2026, 3, 5)),
        (5, date(2026, 3, 6), date(2026, 4, 5)),
        (5, date(2026, 12, 6), date(2027, 1, 5)),
        (31, date(2026, 2, 3), date(2026, 2, 28)),
        (31, date(2028, 2, 3), date(2028, 2, 29)),
        (30, date(2026, 1, 31), date(2026, 2, 28)),
        (None, date(2026, 3, 3), None),
    ],
)
def test_the_next_invoice_is_on_the_next_such_day(day: int | None, today: date, due: date | None) -> None:
    assert next_invoice(day, today) == due


@given(st.integers(1, 31), st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_an_invoice_is_due_within_a_month_and_on_no_later_day(day: int, today: date) -> None:
    due = next_invoice(day, today)
    assert due is not None
    assert today <= due <= today + timedelta(days=31)
    assert due.day == day or (due.day < day and (due + timedelta(days=1)).day == 1)
