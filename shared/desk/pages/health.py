"""Health: whether checks run, events arrive, limits leave room, leavers are quick and the record is whole."""

from typing import Any, Final

from shared.answers.documents import iso
from shared.answers.watch import leavers_body
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page
from shared.desk.chart import bars
from shared.desk.frame import Frame
from shared.desk.visitor import Visitor
from shared.domain.health import Health, ShelfCount
from shared.domain.history.findings import FindingKind
from shared.domain.history.leavers import PERIOD_DAYS, figures_of
from shared.domain.history.proof import Proof

AIM_SECONDS: Final = 300
"""Within how long access of somebody who left is to be gone, once the app can know it."""


async def show(desk: Desk, _visitor: Visitor, frame: Frame, _asked: Asked) -> Page:
    """The page."""
    clock, days = frame.seen.leavers, (await desk.state.leaver_days()).days
    checks = _checks(frame, frame.seen.health, frame.seen.proof)
    by_day = [(day, figures_of(day)) for day in days[-PERIOD_DAYS:]]
    body = {
        "verdict": "bad" if any(one["state"] == "bad" for one in checks) else "good",
        "checks": checks,
        "limits": {kind.value: [room.limit - room.left, room.limit] for kind, room in frame.seen.rooms},
        "leavers": leavers_body(clock),
        "leavers_by_day": [
            {"day": day.day, "people": len(day.departures), "longest": None if figures is None else figures.longest}
            for day, figures in by_day
        ],
        "calls": dict(frame.seen.report.api_calls),
        "two_people": desk.policy.two_people is not None,
    }
    chart = bars([(day.day, 0.0 if figures is None else figures.longest) for day, figures in by_day], AIM_SECONDS)
    return Page("health.html", "health", body, extra={"chart": chart, "aim": AIM_SECONDS})


def _checks(frame: Frame, health: Health | None, proof: Proof | None) -> list[dict[str, Any]]:
    """Each check: its name, its state and what was found."""
    now, report = frame.seen.sight.now, frame.seen.report
    good = frame.is_known and frame.view.complete
    found: list[dict[str, Any]] = [
        {
            "name": "full-check",
            "state": "good" if good else "bad",
            "at": iso(frame.view.as_of),
            "seconds": report.seconds,
        }
        | {"people": report.counts.people, "profiles": report.counts.profiles, "failures": len(report.failures)},
        _feed(frame, is_known=good),
    ]
    if health is None or health.is_stale(now):
        state = "unknown" if health is None else "bad"
        found.append({"name": "look", "state": state, "at": None if health is None else iso(health.at)})
    else:
        found += [_shelf(one) for one in health.shelves]
        found.append(_subscriptions(health))
    found.append(_proof(frame, proof))
    return found


def _feed(frame: Frame, *, is_known: bool) -> dict[str, Any]:
    """Whether events announce what full checks find; nobody knows while these are old, or could not read all of it."""
    labels = frame.seen.report.feed_check.labels
    silent = any(finding.kind is FindingKind.FEED_SILENT for finding in frame.seen.report.findings)
    return {
        "name": "feed",
        "state": "bad" if silent else "good" if is_known else "unknown",
        "announced": labels.announced,
        "of": labels.announced + labels.never_announced,
    }


def _shelf(one: ShelfCount) -> dict[str, Any]:
    waits = one.queue == "rejected-events" or one.is_dead
    unknown = "untold" if one.is_told_elsewhere else "unknown"
    state = unknown if one.count is None else "bad" if waits and one.count else "good"
    return {
        "name": "dead-letters" if one.is_dead else "queue",
        "queue": one.queue,
        "state": state,
        "count": one.count,
        "more": one.more,
        "oldest": iso(one.oldest),
        "why": one.why or None,
    }


def _subscriptions(health: Health) -> dict[str, Any]:
    kept = health.subscriptions
    if kept is None or not kept.on:
        return {"name": "subscriptions", "state": "good", "on": False, "found": 0, "ends": None}
    ends = min((one.ends for one in kept.found), default=None)
    state = "bad" if kept.failures or (ends is not None and ends <= health.at) or not kept.found else "good"
    return {"name": "subscriptions", "state": state, "on": True, "found": len(kept.found), "ends": iso(ends)}


def _proof(frame: Frame, proof: Proof | None) -> dict[str, Any]:
    if proof is None:
        return {"name": "record", "state": "unknown", "at": None, "digest": None, "faulty": None}
    state = "good" if proof.holds and not proof.is_old(frame.seen.sight.now) else "bad"
    told = {"at": iso(proof.at), "digest": proof.digest or None, "records": proof.records, "faulty": proof.faulty}
    return {"name": "record", "state": state, **told}
