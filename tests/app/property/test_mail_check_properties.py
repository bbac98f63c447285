"""The mail check: whatever the day, the month and the profile, who is due, and what may be said of it."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.billing import BillingProfile
from shared.domain.keys import ProfileKey
from shared.domain.mail_check import (
    Due,
    MailStanding,
    MailVerdict,
    ProfileMail,
    due_of,
    is_fresh,
    period_of,
    verdict,
    verdicts_of_today,
)
from shared.domain.readers import Readers
from shared.domain.reasons import Code

KEY = ProfileKey("a:b_2019-05-31", "UK-BG7")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

days = st.dates(date(2023, 1, 1), date(2033, 12, 31))
numbers = st.integers(1, 31)
readers = st.builds(Readers, st.integers(0, 4), st.integers(0, 4), st.integers(0, 4))
anything = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers())


def profile(invoice_day: object, *, status: str = "Active", opted_in: bool | None = True) -> BillingProfile:
    properties: Mapping[str, Any] = {} if invoice_day is None else {"invoiceDay": invoice_day}
    return BillingProfile(KEY, "Contoso UK", status, opted_in, properties=properties)


def is_invoice_day(day: date, number: int) -> bool:
    """A month without that day has its invoice on its last one."""
    return day.day == min(number, monthrange(day.year, day.month)[1])


@given(days, numbers, st.integers(0, 27))
def test_a_profile_is_due_from_so_many_days_before_its_invoice_day_on(today: date, number: int, before: int) -> None:
    near = [today + timedelta(days=ahead) for ahead in range(before + 1)]
    expected = next((day for day in near if is_invoice_day(day, number)), None)
    found = due_of([profile(number)], today, before)
    assert [one.day for one in found] == ([] if expected is None else [expected])


@given(days, numbers)
def test_every_invoice_day_is_preceded_by_a_check_on_each_of_its_days(start: date, number: int) -> None:
    for ahead in range(62):
        day = start + timedelta(days=ahead)
        if is_invoice_day(day, number):
            for before in range(6):
                (found,) = due_of([profile(number)], day - timedelta(days=before), 5)
                assert (found.day, found.period) == (day, day.isoformat())


@given(days, anything.filter(lambda odd: isinstance(odd, bool) or not isinstance(odd, int) or not 1 <= odd <= 31))
def test_a_profile_whose_invoice_day_is_odd_is_due_every_day_of_the_month(today: date, odd: object) -> None:
    (found,) = due_of([profile(odd)], today, 0)
    assert (found.day, found.period) == (None, f"{today.year}-{today.month:02}")


@given(days, st.sampled_from(["Disabled", "Deleted", "Warned", "UnderReview", ""]))
def test_a_profile_that_is_not_active_is_never_due(today: date, status: str) -> None:
    assert due_of([profile(today.day, status=status)], today, 27) == []


@given(st.sampled_from([True, False, None]), readers, st.integers(0, 5))
def test_only_what_is_on_and_known_to_reach_enough_people_will_mail(
    opted_in: bool | None, found: Readers, asked: int
) -> None:
    due = Due(profile(5, opted_in=opted_in), date(2026, 3, 5), "2026-03-05")
    said = verdict(due, found, asked, NOW, None)
    least = max(1, asked)
    assert (said.standing is MailStanding.WILL_MAIL) == (opted_in is True and found.known >= least)
    assert said.standing.is_wrong == (opted_in is False or (opted_in is True and found.known + found.unsure < least))
    assert (said.standing is MailStanding.NOT_READ) == (opted_in is None)
    assert said.asked == least


@given(readers, st.integers(0, 5))
def test_one_more_reader_never_makes_a_verdict_worse(found: Readers, asked: int) -> None:
    order = [MailStanding.WILL_NOT_MAIL, MailStanding.TOO_FEW, MailStanding.NOT_PROVED, MailStanding.WILL_MAIL]
    due = Due(profile(5), date(2026, 3, 5), "2026-03-05")
    now = verdict(due, found, asked, NOW, None)
    more = verdict(due, replace(found, known=found.known + 1), asked, NOW, None)
    learned = verdict(due, replace(found, known=found.known + found.unsure, unsure=0), asked, NOW, None)
    assert order.index(now.standing) <= order.index(more.standing)
    assert order.index(now.standing) <= order.index(learned.standing)


def of_day(day: date | None, checked: datetime, standing: MailStanding = MailStanding.WILL_MAIL) -> MailVerdict:
    return MailVerdict(
        period=period_of(day, checked.date()),
        day=day,
        standing=standing,
        why=Code.OPTED_OUT(),
        since=checked,
        checked=checked,
    )


@given(st.lists(days, max_size=30, unique=True), days)
def test_the_verdict_that_counts_is_of_the_nearest_day_that_is_not_past(of: list[date], today: date) -> None:
    mail = ProfileMail(KEY)
    for day in sorted(of):
        mail = mail.with_verdict("Contoso UK", of_day(day, NOW))
    assert len(mail.verdicts) <= 13
    to_come = [one.day for one in mail.verdicts if one.day is not None and one.day >= today]
    found = verdicts_of_today([mail], today)
    assert [one.day for one in found.values()] == sorted(to_come)[:1]


@given(days, st.none() | days, st.integers(1, 40))
def test_once_billing_says_another_day_the_verdict_of_the_old_one_hides_nothing(
    today: date, moved_to: date | None, ahead: int
) -> None:
    old = of_day(today + timedelta(days=ahead), NOW - timedelta(days=2))
    new = of_day(None if moved_to is None else today + abs(moved_to - today), NOW, MailStanding.WILL_NOT_MAIL)
    new = replace(new, period=period_of(new.day, today))
    mail = ProfileMail(KEY).with_verdict("Contoso UK", old).with_verdict("Contoso UK", new)
    assert verdicts_of_today([mail], today) == {KEY: new}


@given(st.sampled_from(MailStanding), st.timedeltas(timedelta(days=-2), timedelta(days=2)))
def test_only_a_good_verdict_of_the_last_day_is_not_asked_for_again(standing: MailStanding, ago: timedelta) -> None:
    given_ = of_day(date(2026, 3, 5), NOW - ago, standing)
    fresh = standing is MailStanding.WILL_MAIL and timedelta() <= ago < timedelta(hours=20)
    assert is_fresh(given_, NOW) == fresh
    assert not is_fresh(None, NOW)


@given(st.sampled_from(MailStanding), readers)
def test_a_verdict_says_since_when_it_is_so(before: MailStanding, found: Readers) -> None:
    earlier = of_day(date(2026, 3, 5), NOW - timedelta(hours=5), before)
    said = verdict(Due(profile(5), date(2026, 3, 5), "2026-03-05"), found, 2, NOW, earlier)
    assert said.since == (earlier.since if said.standing is before else NOW)
    assert said.checked == NOW
