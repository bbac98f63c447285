"""The arithmetic of daily limits at its edges; what holds for all of them is among the properties."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.access.ownership import ManagedAssignment, prove
from shared.domain.access.plan import Employment, Grant, Plan, Revoke, Strength
from shared.domain.billing import INVOICE_MANAGER, Assignment
from shared.domain.guards.daily_limits import (
    ALLOWANCE,
    WINDOW,
    Place,
    Reservations,
    counted,
    give_back,
    kind_of,
    left,
    limit,
    reserve,
    reserve_all,
    tell,
)
from shared.domain.guards.holds import action_id
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind, DailyLimit
from shared.domain.reasons import Code

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NL, DE = ProfileKey("MCA:1", "NL-BG7"), ProfileKey("MCA:1", "DE-BG7")
ANNA = PersonKey("7c0f5a0e-0000-4000-8000-000000000001")
JUST = timedelta(microseconds=1)


def taken(**at: datetime) -> Reservations:
    return Reservations(ActionKind.MOVER_REVOKES, at)


@pytest.mark.parametrize(
    ("told", "is_told_now"),
    [
        (None, True),
        (NOW, False),
        (NOW - WINDOW + JUST, False),
        (NOW - WINDOW, True),
        (NOW + ALLOWANCE - JUST, False),
        (NOW + ALLOWANCE, True),
    ],
)
def test_that_a_daily_limit_is_used_up_is_told_once_a_day(told: datetime | None, is_told_now: bool) -> None:
    row = Reservations(ActionKind.GRANTS, {"a": NOW}, told=told)
    assert tell(row, NOW) == Reservations(ActionKind.GRANTS, {"a": NOW}, told=NOW if is_told_now else told)


def test_what_was_reserved_by_a_moment_is_counted_apart() -> None:
    row = taken(old=NOW - WINDOW - ALLOWANCE, before=NOW - WINDOW, at=NOW - JUST, after=NOW)
    assert counted(row, NOW, by=NOW - JUST) == {"before", "at"}


@pytest.mark.parametrize(
    ("daily_limit", "base", "allowed"),
    [
        (DailyLimit(0, 0, 0), 1000, 0),
        (DailyLimit(5, 2, 50), 1000, 5),  # the floor stands above a smaller count
        (DailyLimit(0, 10, 20), 1, 1),
        (DailyLimit(0, 10, 20), 5, 1),
        (DailyLimit(0, 10, 20), 6, 2),
        (DailyLimit(0, 10_000, 29), 100, 29),  # 0.29 x 100 is more than 29 in binary fractions
        (DailyLimit(0, 10_000, 7), 10**15, 10_000),
    ],
)
def test_the_limit(daily_limit: DailyLimit, base: int, allowed: int) -> None:
    assert limit(daily_limit, base) == allowed


def test_a_reservation_counts_for_the_window_and_the_allowance_and_no_longer() -> None:
    row = taken(a=NOW)
    assert counted(row, NOW + WINDOW + ALLOWANCE - JUST) == {"a"}
    assert counted(row, NOW + WINDOW + ALLOWANCE) == set()


def test_one_from_a_clock_ahead_of_ours_counts() -> None:
    assert left(taken(a=NOW + timedelta(days=2)), 1, NOW) == 0


def test_less_than_nothing_is_never_left() -> None:
    assert left(taken(a=NOW, b=NOW, c=NOW), 1, NOW) == 0


def test_a_refused_reservation_leaves_the_row_alone_and_the_next_one_renews() -> None:
    row = taken(a=NOW)
    assert reserve(row, "b", 1, NOW) is None
    again = reserve(row, "a", 1, NOW + timedelta(hours=1))
    assert again == taken(a=NOW + timedelta(hours=1))


def test_a_clock_behind_does_not_shorten_what_was_reserved() -> None:
    assert reserve(taken(a=NOW), "a", 1, NOW - timedelta(hours=5)) == taken(a=NOW + JUST)


def test_what_no_longer_counts_is_forgotten_in_the_end() -> None:
    row = reserve(taken(a=NOW), "b", 1, NOW + timedelta(days=2))
    assert row is not None
    assert set(row.taken) == {"a", "b"}
    row = reserve(row, "c", 9, NOW + timedelta(days=3))
    assert row is not None
    assert set(row.taken) == {"b", "c"}


def test_several_are_reserved_in_their_order_as_one_after_the_other() -> None:
    row, over = reserve_all(taken(a=NOW), ["b", "c", "a", "d"], 3, NOW + timedelta(hours=1))
    assert set(row.taken) == {"a", "b", "c"}
    assert row.taken["a"] == NOW + timedelta(hours=1)
    assert over == ["d"]


def test_a_reservation_that_came_to_nothing_is_given_back_once_to_what_it_was() -> None:
    later = NOW + timedelta(hours=1)
    row, _ = reserve_all(taken(a=NOW, z=NOW), ["a", "b"], 9, later)
    places = {"a": Place(later, NOW), "b": Place(later, None)}
    assert give_back(row, places) == taken(a=NOW, z=NOW)
    assert give_back(give_back(row, places), places) == taken(a=NOW, z=NOW)


def test_what_was_reserved_anew_meanwhile_is_not_given_back() -> None:
    renewed = taken(a=NOW + timedelta(hours=2))
    assert give_back(renewed, {"a": Place(NOW, None), "b": Place(NOW, None)}) == renewed


@pytest.mark.parametrize("behind", [timedelta(0), timedelta(seconds=2), timedelta(minutes=9)])
def test_what_two_checks_reserved_the_one_does_not_give_back_for_the_other(behind: timedelta) -> None:
    first, _ = reserve_all(taken(), ["a"], 9, NOW)
    second, _ = reserve_all(first, ["a"], 9, NOW - behind)
    assert set(give_back(second, {"a": Place(first.taken["a"], None)}).taken) == {"a"}


def own() -> ManagedAssignment:
    row = Assignment(NL, "row", INVOICE_MANAGER, ANNA.object_id, created_by="us", created_on=NOW)
    proved = prove(row, identities={"us"})
    assert isinstance(proved, ManagedAssignment)
    return proved


@pytest.mark.parametrize(
    ("employment", "kind"),
    [
        (Employment.EMPLOYED, ActionKind.MOVER_REVOKES),
        (Employment.PRE_HIRE, ActionKind.MOVER_REVOKES),
        (Employment.LEAVER, ActionKind.LEAVER_REVOKES),
    ],
)
def test_whose_revoke_it_is_decides_the_daily_limit(employment: Employment, kind: ActionKind) -> None:
    plan = Plan(employment, Code.EMPLOYED())
    assert kind_of(plan, Revoke(own(), Strength.STRONG, Code.DELETED())) is kind
    assert kind_of(plan, Grant(NL, ("rule",), Code.GIVEN_BY(rules=("rule",)))) is ActionKind.GRANTS


def test_an_actions_id_tells_key_kind_and_profile_apart_and_not_their_case() -> None:
    ids = {action_id(ANNA, kind, profile) for kind in ActionKind for profile in (NL, DE)}
    assert len(ids) == 2 * len(ActionKind)
    assert all(len(each) == 16 for each in ids)
    shouted = PersonKey(ANNA.object_id.upper())
    same = action_id(shouted, ActionKind.GRANTS, ProfileKey("mca%3A1", "nl-bg7"))
    assert same == action_id(ANNA, ActionKind.GRANTS, NL)
