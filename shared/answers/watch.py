"""What is watched, as documents: queues and senders, the daily proof, the leaver clock.

Lives here: their form for programs, which the command line and the page share.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from shared.answers.documents import iso, utc
from shared.domain.health import Health, ShelfCount, SubscriptionsKept
from shared.domain.history.leavers import Departure, Figures, LeaverDay, Summary, figures_of
from shared.domain.history.proof import Proof


def count_body(one: ShelfCount) -> dict[str, Any]:
    """A count: None where it is not known, and then why."""
    body: dict[str, Any] = {"count": one.count, "more": one.more, "oldest": iso(one.oldest)}
    return body | ({"why": one.why} if one.count is None else {})


def queues_body(health: Health | None, now: datetime) -> dict[str, Any] | None:
    """What lies on the shelves that have an owner; None before the first look."""
    if health is None:
        return None
    rejected = health.rejected
    return {
        "as_of": utc(health.at),
        "stale": health.is_stale(now),
        "rejected": None if rejected is None else count_body(rejected),
        "dead": count_body(health.dead),
    }


def health_body(health: Health, now: datetime) -> dict[str, Any]:
    """A look, whole."""
    return {
        "as_of": utc(health.at),
        "stale": health.is_stale(now),
        "shelves": [{"queue": one.queue, "dead_letters": one.is_dead, **count_body(one)} for one in health.shelves],
        "sources": [{"source": one.source, "last_event": utc(one.at)} for one in health.sources],
        "subscriptions": _subscriptions(health.subscriptions),
    }


def _subscriptions(kept: SubscriptionsKept | None) -> dict[str, Any] | None:
    if kept is None:
        return None
    return {
        "as_of": utc(kept.at),
        "on": kept.on,
        "found": [
            {"resource": one.resource, "id": one.id, "ends": utc(one.ends), "last_notification": iso(one.heard)}
            for one in kept.found
        ],
        "failures": list(kept.failures),
    }


def proof_body(proof: Proof | None) -> dict[str, Any] | None:
    """The latest daily proof; None before the first."""
    if proof is None:
        return None
    return {
        "at": utc(proof.at),
        "digest": proof.digest or None,
        "chains": proof.chains,
        "records": proof.records,
        "holds": proof.holds,
        "faulty": proof.faulty,
        "faults": [{"chain": one.chain, "fault": one.said} for one in proof.faults],
    }


def leavers_body(summary: Summary) -> dict[str, Any]:
    """The leaver clock over some days; figures are seconds."""
    return {
        "from": summary.first.isoformat(),
        "until": summary.last.isoformat(),
        "people": summary.people,
        "heard": _figures(summary.heard),
        "left": _figures(summary.left),
        "swept": summary.swept,
        "slowest": None if summary.slowest is None else _departure(summary.slowest),
    }


def leaver_days_body(days: Sequence[LeaverDay]) -> list[dict[str, Any]]:
    """The leaver clock, day by day."""
    return [{"day": day.day, "people": len(day.departures), "heard": _figures(figures_of(day))} for day in days]


def _figures(figures: Figures | None) -> dict[str, float] | None:
    return None if figures is None else {"p50": figures.p50, "p95": figures.p95, "max": figures.longest}


def _departure(one: Departure) -> dict[str, Any]:
    return {"person": one.person, "record": one.record, "gone": utc(one.gone), "seconds": one.seconds}
