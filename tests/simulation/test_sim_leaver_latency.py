"""A leaver does not wait for a sweep: 2,000 drifted keys are being checked, and access is gone within a minute."""

from tests.simulation.engine.leaver_rush import leaver_rush


def test_a_leaver_is_revoked_within_a_minute_while_a_sweep_has_2000_keys_checked() -> None:
    rush = leaver_rush(drifted=2_000, leavers=100)
    assert rush.enqueued >= 2_000
    assert len(rush.waits) == 100
    assert rush.percentile(95) < 60, f"p50 {rush.percentile(50):.1f} s, p95 {rush.percentile(95):.1f} s"
