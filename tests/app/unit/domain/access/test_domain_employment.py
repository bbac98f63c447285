"""Where a person stands: first match, dates with and without a time, and when the answer changes by itself."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo

import pytest

from shared.domain.access.employment import standing
from shared.domain.access.plan import Employment, Strength
from shared.domain.people import TEXT_ATTRIBUTES, AbsentPerson, DeletedPerson, Person
from shared.domain.policy.model import Policy
from shared.domain.time_zones import zone

ID = "7c0f5a0e-0000-4000-8000-000000000001"
AMSTERDAM = Policy((), time_zone=zone("Europe/Amsterdam"))
NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
EMPLOYED, PRE_HIRE, LEAVER = Employment.EMPLOYED, Employment.PRE_HIRE, Employment.LEAVER


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def person(enabled: bool | None = True, hire: str | None = None, leave: str | None = None) -> Person:
    return Person(
        ID,
        enabled,
        "Member",
        None if hire is None else moment(hire),
        None if leave is None else moment(leave),
        dict.fromkeys(TEXT_ATTRIBUTES),
    )


def stands(someone: Person, policy: Policy = AMSTERDAM, now: datetime = NOW) -> Employment:
    return standing(someone, policy, now).employment


def test_a_deleted_person_is_a_leaver_on_strong_evidence() -> None:
    found = standing(DeletedPerson(ID), AMSTERDAM, NOW)
    assert (found.employment, found.strength, found.next_change) == (LEAVER, Strength.STRONG, None)


def test_a_person_nobody_knows_is_a_leaver_on_weak_evidence() -> None:
    found = standing(AbsentPerson(ID), AMSTERDAM, NOW)
    assert (found.employment, found.strength, found.next_change) == (LEAVER, Strength.WEAK, None)


@pytest.mark.parametrize(
    ("someone", "employment"),
    [
        (person(), EMPLOYED),
        (person(enabled=None), EMPLOYED),
        (person(enabled=False), LEAVER),
        (person(enabled=False, hire="2026-08-01T00:00:00Z"), PRE_HIRE),
        (person(enabled=False, hire="2026-07-01T00:00:00Z"), LEAVER),
        (person(enabled=False, hire="2026-08-01T00:00:00Z", leave="2026-07-01T00:00:00Z"), PRE_HIRE),
        (person(leave="2026-07-01T00:00:00Z"), LEAVER),
        (person(leave="2026-08-01T00:00:00Z"), EMPLOYED),
        (person(hire="2020-01-01T00:00:00Z", leave="2026-07-01T00:00:00Z"), LEAVER),
        (person(hire="2026-07-10T00:00:00Z", leave="2026-07-01T00:00:00Z"), EMPLOYED),
        (person(hire="2026-07-01T00:00:00Z", leave="2026-07-01T00:00:00Z"), LEAVER),
        (person(hire="2026-08-01T00:00:00Z"), PRE_HIRE),
        (person(hire="2026-08-01T00:00:00Z", leave="2026-07-01T00:00:00Z"), PRE_HIRE),
        (person(hire="2026-07-01T00:00:00Z"), EMPLOYED),
        (person(enabled=None, leave="2026-07-01T00:00:00Z"), LEAVER),
        (person(enabled=None, hire="2026-08-01T00:00:00Z"), PRE_HIRE),
    ],
)
def test_the_first_match_decides(someone: Person, employment: Employment) -> None:
    assert stands(someone) is employment


def test_a_rehire_the_day_after_leaving_is_employed() -> None:
    back = person(hire="2026-07-01T00:00:00Z", leave="2026-06-30T00:00:00Z")
    assert stands(back) is EMPLOYED


@pytest.mark.parametrize(
    ("now", "employment"),
    [
        ("2026-07-15T21:59:59.999999Z", EMPLOYED),
        ("2026-07-15T22:00:00Z", LEAVER),
    ],
)
def test_a_leave_date_without_a_time_ends_with_that_day_where_the_policy_is(now: str, employment: Employment) -> None:
    assert stands(person(leave="2026-07-15T00:00:00Z"), now=moment(now)) is employment


@pytest.mark.parametrize(
    ("now", "employment"),
    [
        ("2026-07-15T21:59:59Z", PRE_HIRE),
        ("2026-07-15T22:00:00Z", EMPLOYED),
    ],
)
def test_a_hire_date_without_a_time_begins_with_that_day_where_the_policy_is(now: str, employment: Employment) -> None:
    assert stands(person(hire="2026-07-16T00:00:00Z"), now=moment(now)) is employment


def test_a_date_with_a_time_means_that_moment() -> None:
    someone = person(leave="2026-07-15T17:30:00+02:00")
    assert stands(someone, now=moment("2026-07-15T15:29:59Z")) is EMPLOYED
    assert stands(someone, now=moment("2026-07-15T15:30:00Z")) is LEAVER


def test_midnight_elsewhere_is_a_time() -> None:
    someone = person(leave="2026-07-15T00:00:00-07:00")
    assert stands(someone, now=moment("2026-07-15T06:59:59Z")) is EMPLOYED
    assert stands(someone, now=moment("2026-07-15T07:00:00Z")) is LEAVER


@pytest.mark.parametrize(
    ("stored", "where", "elsewhere", "ends"),
    [
        ("2026-07-31T00:00:00Z", "Europe/Amsterdam", "", "2026-07-31T22:00:00Z"),
        ("2026-07-30T22:00:00Z", "Europe/Amsterdam", "", "2026-07-31T22:00:00Z"),
        ("2026-01-30T23:00:00Z", "Europe/Amsterdam", "", "2026-01-31T23:00:00Z"),
        ("2026-07-31T00:00:00Z", "Europe/London", "", "2026-07-31T23:00:00Z"),
        ("2026-07-30T23:00:00Z", "Europe/London", "", "2026-07-31T23:00:00Z"),
        ("2027-01-31T00:00:00Z", "Europe/London", "", "2027-02-01T00:00:00Z"),
        ("2026-07-30T16:00:00Z", "Asia/Singapore", "", "2026-07-31T16:00:00Z"),
        ("2026-07-31T07:00:00Z", "America/Los_Angeles", "", "2026-08-01T07:00:00Z"),
        ("2026-07-31T07:00:00Z", "Europe/Amsterdam", "America/Los_Angeles", "2026-07-31T22:00:00Z"),
        ("2026-01-31T08:00:00Z", "Europe/Amsterdam", "America/Los_Angeles", "2026-01-31T23:00:00Z"),
        ("2026-07-30T16:00:00Z", "Europe/Amsterdam", "America/Los_Angeles Asia/Singapore", "2026-07-31T22:00:00Z"),
        ("2026-10-24T22:00:00Z", "Europe/Amsterdam", "", "2026-10-25T23:00:00Z"),  # a day of 25 hours
        ("2026-09-06T04:00:00Z", "America/Santiago", "", "2026-09-07T03:00:00Z"),  # it begins at one: no midnight
    ],
)
def test_a_last_day_ends_in_the_policys_zone_whichever_zone_stored_its_midnight(
    stored: str, where: str, elsewhere: str, ends: str
) -> None:
    policy = Policy((), time_zone=zone(where), date_zones=tuple(map(zone, elsewhere.split())))
    found = standing(person(leave=stored), policy, moment("2025-12-01T12:00:00Z"))
    assert (found.employment, found.next_change) == (EMPLOYED, moment(ends))


def test_a_hire_date_stored_as_midnight_elsewhere_begins_that_day_in_our_zone() -> None:
    policy = replace(AMSTERDAM, date_zones=(zone("America/Los_Angeles"),))
    found = standing(person(hire="2026-08-01T07:00:00Z"), policy, NOW)
    assert (found.employment, found.next_change) == (PRE_HIRE, moment("2026-07-31T22:00:00Z"))


def test_a_rehire_the_day_after_leaving_is_employed_also_if_only_one_date_is_local() -> None:
    assert stands(person(hire="2026-07-01T00:00:00Z", leave="2026-06-29T22:00:00Z")) is EMPLOYED
    assert stands(person(hire="2026-06-30T22:00:00Z", leave="2026-06-30T00:00:00Z")) is EMPLOYED


def test_days_follow_the_clock_change() -> None:
    someone = person(leave="2026-10-25T00:00:00Z")  # a day of 25 hours
    assert standing(someone, AMSTERDAM, NOW).next_change == moment("2026-10-25T23:00:00Z")


def test_access_begins_the_lead_before_the_hire_date() -> None:
    early = replace(AMSTERDAM, lead_days=7)
    someone = person(hire="2026-08-01T00:00:00Z")
    found = standing(someone, early, NOW)
    assert (found.employment, found.next_change) == (PRE_HIRE, moment("2026-07-24T22:00:00Z"))
    assert stands(someone, early, moment("2026-07-24T21:59:59Z")) is PRE_HIRE
    assert stands(someone, early, moment("2026-07-24T22:00:00Z")) is EMPLOYED


@pytest.mark.parametrize(
    ("someone", "change"),
    [
        (person(), None),
        (person(leave="2026-08-01T00:00:00Z"), "2026-08-01T22:00:00Z"),
        (person(leave="2026-07-01T00:00:00Z"), None),
        (person(hire="2026-08-01T00:00:00Z"), "2026-07-31T22:00:00Z"),
        (person(hire="2026-08-01T00:00:00Z", leave="2026-07-20T00:00:00Z"), "2026-07-31T22:00:00Z"),
        (person(hire="2020-01-01T00:00:00Z", leave="2026-08-01T00:00:00Z"), "2026-08-01T22:00:00Z"),
        (person(enabled=False, hire="2026-08-01T00:00:00Z"), "2026-07-31T22:00:00Z"),
        (person(enabled=False, leave="2026-08-01T00:00:00Z"), None),
    ],
)
def test_the_next_change_is_when_time_alone_changes_the_answer(someone: Person, change: str | None) -> None:
    expected = None if change is None else moment(change)
    found = standing(someone, AMSTERDAM, NOW)
    assert found.next_change == expected
    if expected is not None:
        assert stands(someone, now=expected - timedelta(microseconds=1)) is found.employment
        assert stands(someone, now=expected) is not found.employment


@pytest.mark.parametrize(
    "of", [UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12)), zone("Europe/Amsterdam")]
)
def test_the_ends_of_the_calendar_mean_always_and_never(of: tzinfo) -> None:
    first = datetime.min.replace(tzinfo=of)
    last = datetime.max.replace(tzinfo=of, hour=0, minute=0, second=0, microsecond=0)
    policy = replace(AMSTERDAM, lead_days=90)
    assert stands(replace(person(), hire_date=first, leave_date=last), policy) is EMPLOYED
    assert stands(replace(person(), hire_date=last), policy) is PRE_HIRE
    assert stands(replace(person(), leave_date=first), policy) is LEAVER


@pytest.fixture(params=["Asia/Tokyo", "America/Los_Angeles", "UTC"])
def machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine somewhere: what C's library calls local time."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("stored", ["2026-07-31T00:00:00Z", "2026-07-30T22:00:00Z", "2026-07-31T00:00:00+02:00"])
def test_days_are_the_policy_s_wherever_the_machine_is(stored: str) -> None:
    assert stands(person(leave=stored), now=moment("2026-07-31T21:59:00Z")) is EMPLOYED
    assert stands(person(leave=stored), now=moment("2026-07-31T22:00:00Z")) is LEAVER
