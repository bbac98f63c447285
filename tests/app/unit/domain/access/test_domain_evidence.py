"""Strong evidence acts at once, weak evidence when it was seen before."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.access.evidence import sighting, weigh
from shared.domain.access.ownership import ManagedAssignment, prove
from shared.domain.access.plan import Employment, Plan, Revoke, Strength
from shared.domain.billing import INVOICE_MANAGER, Assignment
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Code

ID = "7c0f5a0e-0000-4000-8000-000000000001"
US = "bbbbbbbb-0000-4000-8000-000000000001"
NOW = datetime(2026, 7, 15, 12, tzinfo=UTC)
WHY = Code.NO_RULE_GIVES_IT()
SETTLE, GRACE = timedelta(seconds=300), timedelta(hours=2)
P1, P2 = ProfileKey("acc", "P1"), ProfileKey("acc", "P2")
MOVER, PRE_HIRE, LEAVER = Employment.EMPLOYED, Employment.PRE_HIRE, Employment.LEAVER


def own(profile: ProfileKey) -> ManagedAssignment:
    row = Assignment(profile, f"{INVOICE_MANAGER}_{ID}", INVOICE_MANAGER, ID, created_by=US)
    proved = prove(row, identities={US})
    assert isinstance(proved, ManagedAssignment)
    return proved


def plan(employment: Employment, *profiles: ProfileKey, strength: Strength = Strength.WEAK) -> Plan:
    return Plan(employment, WHY, revokes=tuple(Revoke(own(profile), strength, WHY) for profile in profiles))


@pytest.mark.parametrize("employment", [MOVER, PRE_HIRE, LEAVER])
def test_weak_evidence_seen_for_the_first_time_waits(employment: Employment) -> None:
    found = weigh(plan(employment, P1), {}, NOW, settle=SETTLE, grace=timedelta())
    assert found.apply == ()
    assert [(waiting.revoke.profile, waiting.due) for waiting in found.wait] == [(P1, NOW + SETTLE)]
    assert list(found.sightings.values()) == [NOW]


@pytest.mark.parametrize("employment", [MOVER, PRE_HIRE, LEAVER])
def test_weak_evidence_acts_when_it_was_there_long_enough_ago(employment: Employment) -> None:
    checked = plan(employment, P1)
    first = weigh(checked, {}, NOW, settle=SETTLE, grace=timedelta())
    early = weigh(checked, first.sightings, NOW + SETTLE - timedelta(microseconds=1), settle=SETTLE, grace=timedelta())
    assert (len(early.apply), len(early.wait), early.sightings) == (0, 1, first.sightings)
    late = weigh(checked, early.sightings, NOW + SETTLE, settle=SETTLE, grace=timedelta())
    assert (late.apply, late.wait) == (checked.revokes, ())


def test_a_first_sight_of_weeks_ago_starts_anew() -> None:
    checked = plan(MOVER, P1)
    seen = {sighting(checked, checked.revokes[0]): NOW - timedelta(days=8)}
    found = weigh(checked, seen, NOW, settle=SETTLE, grace=timedelta())
    assert (found.apply, [*found.sightings.values()]) == ((), [NOW])


def test_evidence_that_acted_is_remembered_until_it_is_gone() -> None:
    checked = plan(MOVER, P1)
    seen = {sighting(checked, checked.revokes[0]): NOW - SETTLE}
    acted = weigh(checked, seen, NOW, settle=SETTLE, grace=timedelta())
    assert acted.sightings == seen
    again = weigh(checked, acted.sightings, NOW + SETTLE, settle=SETTLE, grace=timedelta())
    assert again.apply == checked.revokes
    assert weigh(plan(MOVER), again.sightings, NOW + SETTLE, settle=SETTLE, grace=timedelta()).sightings == {}


def test_strong_evidence_acts_at_once_and_needs_no_memory() -> None:
    checked = plan(LEAVER, P1, P2, strength=Strength.STRONG)
    found = weigh(checked, {}, NOW, settle=SETTLE, grace=GRACE)
    assert (found.apply, found.wait, found.sightings) == (checked.revokes, (), {})


@pytest.mark.parametrize(
    ("employment", "settle", "grace", "needed"),
    [
        (MOVER, SETTLE, GRACE, GRACE),
        (MOVER, GRACE, SETTLE, GRACE),
        (LEAVER, SETTLE, GRACE, SETTLE),
        (PRE_HIRE, SETTLE, GRACE, SETTLE),
    ],
)
def test_only_who_moved_on_has_a_grace(
    employment: Employment, settle: timedelta, grace: timedelta, needed: timedelta
) -> None:
    found = weigh(plan(employment, P1), {}, NOW, settle=settle, grace=grace)
    assert [waiting.due for waiting in found.wait] == [NOW + needed]


def test_other_evidence_for_the_same_profile_starts_anew() -> None:
    moved = weigh(plan(MOVER, P1), {}, NOW, settle=SETTLE, grace=timedelta())
    absent = weigh(plan(LEAVER, P1), moved.sightings, NOW + SETTLE, settle=SETTLE, grace=timedelta())
    assert absent.apply == ()
    assert list(absent.sightings.values()) == [NOW + SETTLE]


def test_each_profile_waits_for_itself() -> None:
    first = weigh(plan(MOVER, P1), {}, NOW, settle=SETTLE, grace=timedelta())
    both = weigh(plan(MOVER, P1, P2), first.sightings, NOW + SETTLE, settle=SETTLE, grace=timedelta())
    assert [revoke.profile for revoke in both.apply] == [P1]
    assert [waiting.revoke.profile for waiting in both.wait] == [P2]


def test_evidence_that_went_away_is_forgotten() -> None:
    first = weigh(plan(MOVER, P1), {}, NOW, settle=SETTLE, grace=timedelta())
    gone = weigh(plan(MOVER), first.sightings, NOW + SETTLE, settle=SETTLE, grace=timedelta())
    assert gone.sightings == {}
    back = weigh(plan(MOVER, P1), gone.sightings, NOW + 2 * SETTLE, settle=SETTLE, grace=timedelta())
    assert back.apply == ()


def test_a_clock_that_jumped_back_starts_the_wait_anew() -> None:
    checked = plan(MOVER, P1)
    ahead = weigh(checked, {}, NOW + timedelta(days=400), settle=SETTLE, grace=timedelta())
    found = weigh(checked, ahead.sightings, NOW, settle=SETTLE, grace=timedelta())
    assert found.apply == ()
    assert [waiting.due for waiting in found.wait] == [NOW + SETTLE]
    assert list(found.sightings.values()) == [NOW]


def test_without_a_settling_time_it_must_still_be_seen_twice() -> None:
    checked = plan(MOVER, P1)
    first = weigh(checked, {}, NOW, settle=timedelta(), grace=timedelta())
    assert (first.apply, [waiting.due for waiting in first.wait]) == ((), [NOW])
    assert weigh(checked, first.sightings, NOW, settle=timedelta(), grace=timedelta()).apply == checked.revokes
