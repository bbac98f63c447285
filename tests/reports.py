"""Sweeps' reports for tests, which say only what a test is about."""

from datetime import UTC, datetime
from typing import Any

from shared.domain.history.report import Counts, FeedCheck, HoldCounts, Labels, Report

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
NOTHING = Counts(
    accounts=0,
    managed_accounts=0,
    profiles=0,
    assignments=0,
    managed=0,
    unmanaged=0,
    people_listed=0,
    people=0,
    people_unreadable=0,
)


def report(started: datetime = AT, **said: Any) -> Report:
    """The report of a sweep that found nothing, but for what is given."""
    usual: dict[str, Any] = {
        "sweep": "0000",
        "seconds": 2.5,
        "complete": True,
        "failures": (),
        "not_kept": (),
        "remembered": 0,
        "counts": NOTHING,
        "drift": {},
        "feed_check": FeedCheck(started, feed=False, labels=Labels(), kinds={}),
        "enqueued": 0,
        "pauses": (),
        "holds": HoldCounts({}, {}, {}, {}),
        "guards": {},
        "would_hold": {},
        "identities": (),
        "assignments": {},
        "left_alone": (),
        "unmanaged": (),
        "findings": (),
        "api_calls": {},
    }
    return Report(started=started, **{**usual, **said})
