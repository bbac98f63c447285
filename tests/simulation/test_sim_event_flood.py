"""Very many dated events at once: taken in within the lock that no host renews, and once each."""

from tests.simulation.engine.event_flood import event_flood


def test_a_full_batch_of_dated_events_is_taken_in_within_its_lock_and_once() -> None:
    flood = event_flood(messages=100, events=180)
    assert flood.people == 18_000
    assert (flood.lost_locks, flood.dead, flood.most_checks) == (0, 0, 1)
    assert flood.first_seconds <= 10  # whoever came first waits for nobody else
    assert flood.seconds <= 300
