"""Somebody who holds 2,000 profiles leaves: all of it goes, in runs that end in time, and nobody waits for it."""

from tests.simulation.engine.many_profiles import many_profiles


def test_a_leaver_with_2000_profiles_loses_all_within_the_hour_and_nobody_waits() -> None:
    leave = many_profiles(2_000)
    assert (leave.left, leave.dead) == (0, 0)
    assert leave.seconds < 3600
    assert max(leave.others) < 60
    assert leave.longest_run_seconds < 60
