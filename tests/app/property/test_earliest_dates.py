"""Of several dates the earliest counts: nothing changes by itself before the moment that an answer names."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.access.employment import Standing, standing
from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.domain.policy.model import Policy
from shared.domain.time_zones import zone

NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DATES = st.none() | st.integers(-10 * 24, 10 * 24).map(lambda hours: NOW + hours * HOUR)


def said(stands: Standing) -> tuple[object, object]:
    return stands.employment, stands.strength


@given(DATES, DATES, st.integers(0, 5), st.sampled_from([True, False, None]))
def test_employment_differs_from_the_next_change_on_and_never_before_it(
    hire: datetime | None, leave: datetime | None, lead: int, enabled: bool | None
) -> None:
    policy = Policy((), time_zone=zone("Europe/Amsterdam"), lead_days=lead)
    person = Person(
        "7c0f5a0e-0000-4000-8000-000000000001", enabled, "Member", hire, leave, dict.fromkeys(TEXT_ATTRIBUTES)
    )
    now_is = standing(person, policy, NOW)
    change = now_is.next_change
    ahead = [NOW + hours * HOUR for hours in range(1, 16 * 24)]
    if change is None:
        assert {said(standing(person, policy, at)) for at in ahead} <= {said(now_is)}
        return
    assert change > NOW
    before = [at for at in ahead if at < change] + [change - timedelta(microseconds=1)]
    assert {said(standing(person, policy, at)) for at in before} == {said(now_is)}
    assert said(standing(person, policy, change)) != said(now_is)
