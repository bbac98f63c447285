"""The sweep: proves on a timer that everything still matches, and enqueues a check of whatever does not.

It writes nothing to Azure. It decides for everybody with the same `decide` as a single check; what it enqueues are
keys, so that a sweep that read wrongly can cause needless checks and nothing else.
"""

import logging
from collections import Counter
from collections.abc import Awaitable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta

from shared.background import in_background
from shared.domain.access.ownership import Held
from shared.domain.adoption.first_contact import quick_counts
from shared.domain.catalogue import Catalogue
from shared.domain.guards.sweep_trust import Trust
from shared.domain.history.report import Report
from shared.domain.history.unmanaged_sightings import ESTATE
from shared.domain.keys import Key, PersonKey, ProfileKey
from shared.domain.log_line import json_of
from shared.domain.reasons import Code, Reason
from shared.domain.work import MOST_HINTS, SWEEP_ORIGIN, Cause, CauseKind, Scheduled, WorkItem, at_once, later
from shared.errors import InvoiceAccessError, Permanent
from shared.services.app import App, unique_id
from shared.services.estate import Estate, read_estate
from shared.services.leavers import count_leavers
from shared.services.ledger_audit import digest_when_due
from shared.services.outage import outlast, patience
from shared.services.provenance import Prover, ReadOnce
from shared.services.slices import Slices
from shared.services.sweep.drift import Drift, find_drift
from shared.services.sweep.feed_check import REPORTS, label_drift, silent_feed
from shared.services.sweep.hold_back import Guarded, hold_groups
from shared.services.sweep.memory import remember_managed
from shared.services.sweep.names import name_everybody
from shared.services.sweep.policy_findings import policy_findings, unknown_protected
from shared.services.sweep.recipients import find_out_who_cannot_read
from shared.services.sweep.report import counts, findings, left_alone, of_people
from shared.services.sweep.roles_seen import note_roles
from shared.services.sweep.show import show_estate
from shared.services.sweep.telling import tell_sweep
from shared.services.sweep.trust import assess, conclude, pause_for_failure
from shared.services.sweep.unmanaged import note_unmanaged
from shared.telemetry import Span
from shared.wording.say import say

_log = logging.getLogger(__name__)

_SHOWN = (
    "complete",
    "counts",
    "assignments",
    "drift",
    "holds",
    "pauses",
    "feed_check",
    "enqueued",
    "failures",
    "seconds",
)
"""What of a report goes to the log."""


@in_background
async def sweep(app: App) -> Report:
    """Compares the whole estate with the policy, enqueues what drifted, and returns the report that it stored.

    A read that fails makes the sweep incomplete: it says so, sets a pause, and the catalogue stays as it was. Raises
    `InvoiceAccessError` where accounts and profiles cannot be read at all, or nothing can be enqueued or stored; the
    pause is set then, too. So it is where a bug ends the sweep, which is raised as it is.
    """
    started = app.clock.now()
    sweep_id = unique_id(app.random)
    try:
        with app.telemetry.span(Span.SWEEP, sweep=sweep_id) as tell:
            report = await _sweep(app, sweep_id, started)
            if app.telemetry.is_on:
                tell_sweep(app, tell, report)
    except InvoiceAccessError as failure:
        await pause_for_failure(app, sweep_id, failure)
        await digest_when_due(app)  # a day of failing sweeps is a day with checks and decisions all the same
        raise
    except Exception as bug:
        # Of a bug its kind alone: the pause's words are kept and shown, and a bug's may name people. The host logs it.
        await pause_for_failure(app, sweep_id, Permanent(f"a bug ({type(bug).__name__}); the log of the host has it"))
        await digest_when_due(app)
        raise
    # Last of all: it reads a little of every chain, and nothing of the sweep should wait for that.
    await digest_when_due(app)
    return report


async def _sweep(app: App, sweep_id: str, started: datetime) -> Report:
    calls_before = Counter(app.calls())
    estate = await read_estate(app)
    held = await held_by_person(app, estate, await app.billing.identities())
    drift = await find_drift(app, estate, held)
    counted = counts(app, estate, held)
    before = await _catalogue_before(app)
    # The pause before anything, holds before the judged catalogue, the baseline last: whatever of it is missing after
    # a crash, checks are stopped rather than let through, and the next sweep does it all again.
    standing = await assess(app, sweep_id, started, estate, counted.managed)
    guarded = await hold_groups(app, standing, estate, drift)
    kept = _Kept(sweep_id)
    unable = await kept.attempt(Code.READERS_NOT_FOUND_OUT, find_out_who_cannot_read(app, estate))
    estate.catalogue = replace(estate.catalogue, cannot_read=unable or frozenset())
    if standing.complete:
        await app.catalogues.put(estate.catalogue, app.clock.now())
    pauses = await conclude(app, standing)
    waited = _leave_what_is_held(drift, guarded, standing)
    # Before anybody is checked: a check reads what is remembered.
    remembered, not_remembered = await remember_managed(app, estate, held)
    checks = _checks(app, drift, sweep_id)
    if checks:
        await outlast(lambda: app.queues.send_work(checks), patience(), f"sweep {sweep_id}")
    reports = await app.state.reports(REPORTS)
    feed_check = await label_drift(
        app, estate, drift.people, sweep_id=sweep_id, before=before, reports=reports, waited=waited
    )
    noted = await kept.attempt(Code.UNMANAGED_NOT_NOTED, app.ledger.head(ESTATE))
    seen_unmanaged = await kept.attempt(Code.UNMANAGED_NOT_NOTED, note_unmanaged(app, estate, held, started)) or []
    shown = await kept.attempt(
        Code.VIEW_NOT_KEPT,
        show_estate(app, estate, held, drift, sweep_id=sweep_id, complete=standing.complete and not standing.lost),
    )
    if shown is not None:
        kept.failed(shown.failures)
        await kept.attempt(Code.NAMES_NOT_KEPT, name_everybody(app, shown.view, shown.people))
        if noted is not None:
            await kept.attempt(Code.ROLES_NOT_NOTED, note_roles(app, shown.view, anew=noted[0] == 0))
    await kept.attempt(Code.LEAVERS_NOT_COUNTED, count_leavers(app))
    unprotected = await kept.attempt(Code.PROTECTED_NOT_FOUND_OUT, unknown_protected(app, estate)) or []
    calls = Counter(app.calls())
    calls.subtract(calls_before)
    finished = app.clock.now()
    report = Report(
        sweep=sweep_id,
        started=started,
        seconds=round((finished - started).total_seconds(), 3),
        complete=standing.complete and not standing.lost,
        failures=tuple(estate.all_failures),
        not_kept=(*not_remembered, *kept.failures),
        remembered=remembered,
        counts=counted,
        drift=dict(drift.kinds),
        feed_check=feed_check,
        enqueued=len(checks),
        pauses=tuple(sorted(str(pause) for pause in pauses.active)),
        holds=guarded.counts(),
        guards=guarded.rooms,
        would_hold=guarded.would_hold,
        identities=tuple(sorted(await app.billing.identities())),
        assignments=quick_counts(one for ones in held.values() for one in ones),
        left_alone=tuple(left_alone(app, estate)),
        unmanaged=tuple(seen_unmanaged),
        findings=(
            *policy_findings(app, estate),
            *unprotected,
            *drift.empty_handed.findings(app.policy, estate.catalogue),
            *findings(app, estate),
            *of_people(drift.notes),
            *guarded.findings(),
            *silent_feed(feed_check, reports, started),
        ),
        api_calls=dict(+calls),
    )
    await app.state.put_report(report)
    _log_report(sweep_id, report)
    return report


def _log_report(sweep_id: str, report: Report) -> None:
    """Says a report in the log, its findings by kind alone: `report` on the command line tells them in full."""
    shown = {name: getattr(report, name) for name in _SHOWN}
    shown["findings"] = Counter(one.kind for one in report.findings)
    level = logging.ERROR if report.failures else logging.WARNING if shown["findings"] else logging.INFO
    _log.log(level, "sweep %s: %s", sweep_id, json_of(shown, say))


class _Kept:
    """Keeps a sweep's records for later: what fails there is told of, and takes nothing from what the sweep found."""

    def __init__(self, sweep_id: str) -> None:
        self._sweep_id = sweep_id
        self.failures: list[Reason] = []

    async def attempt[T](self, what: Code, keeping: Awaitable[T]) -> T | None:
        """What came of it; None where it failed, with `what` failed among the failures."""
        try:
            return await keeping
        except InvoiceAccessError as failure:
            self.failed([what(said=str(failure))])
            return None

    def failed(self, failures: Iterable[Reason]) -> None:
        """Tells of what failed."""
        for failure in failures:
            self.failures.append(failure)
            _log.error("sweep %s: not kept: %s", self._sweep_id, say(failure))


async def _catalogue_before(app: App) -> Catalogue | None:
    """The catalogue before this sweep replaces it; None where there is none to compare with."""
    try:
        return await app.state.catalogue()
    except InvoiceAccessError as failure:
        _log.warning("sweep: the catalogue before could not be read: %s", failure)
        return None


async def held_by_person(app: App, estate: Estate, identities: AbstractSet[str]) -> dict[str, list[Held]]:
    """Every Invoice manager assignment that was read, by principal, each proved managed or unmanaged.

    `identities` are those under which the app writes or wrote.
    """
    prover = Prover(identities, ReadOnce(app.ledger), app.settings.on_its_way)
    slices = Slices()
    held: dict[str, list[Held]] = {}
    for rows in estate.rows.values():
        for row in rows:
            if row.is_invoice_manager:
                proved = await prover.held(row, estate.states.get(row.principal_id), trust_state=True)
                held.setdefault(row.principal_id, []).append(proved)
            await slices.took()
    return held


def _leave_what_is_held(drift: Drift, guarded: Guarded, standing: Trust) -> set[PersonKey]:
    """Takes from the drift the keys of which every action waits for a person, and returns the people among them.

    Only those who waited before this sweep are returned: a sweep has told of them. A released hold that nobody wants
    any more gets a check, which refuses it.
    """
    stopped = {
        key
        for key, actions in drift.actions.items()
        if key not in drift.unsure and all(action.id in guarded.stopped for action in actions)
    }
    drift.forget(stopped)
    for hold in guarded.resolve:
        drift.add("released-hold", hold.key, (hold.profile,))
    return {
        key
        for key in stopped
        if isinstance(key, PersonKey)
        and all(guarded.holds[action.id].since < standing.started for action in drift.actions[key])
    }


def _checks(app: App, drift: Drift, sweep_id: str) -> list[Scheduled]:
    """The checks to send: all leavers at once, others in batches, one every `sweep_batch_seconds`, dates in time."""
    now = app.clock.now()
    cause = Cause(CauseKind.SWEEP, f"{SWEEP_ORIGIN}{sweep_id}")
    checks: list[Scheduled] = []
    for key, profiles in sorted(drift.leavers.items(), key=_by_key):
        checks.append(at_once(_item(key, cause, now, profiles | drift.others.pop(key, set())), sweep_id))
    for number, (key, profiles) in enumerate(sorted(drift.others.items(), key=_by_key)):
        batch = number // app.settings.sweep_batch
        due = now + timedelta(seconds=batch * app.settings.sweep_batch_seconds)
        item = _item(key, cause, due, profiles)
        checks.append(later(item, due, coalesce=app.settings.coalesce) if batch else at_once(item, sweep_id))
    scheduled = Cause(CauseKind.SCHEDULE, cause.origin)
    for key, due in drift.soon.items():
        checks.append(later(_item(key, scheduled, due, set()), due, coalesce=app.settings.coalesce))
    return checks


def _by_key(entry: tuple[Key, set[ProfileKey]]) -> str:
    return entry[0].canonical


def _item(key: Key, cause: Cause, asked: datetime, profiles: set[ProfileKey]) -> WorkItem:
    """A check that also reads what somebody has. The next sweep finds what is beyond the most hints."""
    return WorkItem(key, cause, first_asked=asked, hints=tuple(sorted(profiles))[:MOST_HINTS])
