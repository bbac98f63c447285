"""The sweep: proves on a timer that everything still matches, and lets loose a look at whatever does not.

It writes nothing to Azure. It decides for everybody with the same `decide` as a single look; what it enqueues are
keys, so that a sweep that read wrongly can cause needless looks and nothing else.
"""

import json
import logging
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.domain.catalogue import Catalogue
from shared.domain.decide import decide
from shared.domain.keys import Key, PersonKey, ProfileKey
from shared.domain.ownership import Held, OwnAssignment
from shared.domain.people import Person
from shared.domain.plan import Employment, Plan
from shared.domain.selectors import pick
from shared.domain.work import MOST_HINTS, Cause, CauseKind, Scheduled, WorkItem, at_once, later
from shared.errors import InvoiceAccessError
from shared.ports import PersonState
from shared.services.announced import REPORTS, SWEEP_ORIGIN, PersonDrift, label_drift, silent_feed
from shared.services.app import App
from shared.services.estate import Estate, read_estate
from shared.services.provenance import prove_row
from shared.services.report import counts, findings, foreign, left_alone

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Drift:
    """Keys to look at, each with the profiles to read as well, and how many of each kind there are.

    `soon` are people for whom nothing is wrong yet, with the moment before the next sweep at which something will be.
    """

    leavers: dict[Key, set[ProfileKey]] = field(default_factory=dict)
    others: dict[Key, set[ProfileKey]] = field(default_factory=dict)
    soon: dict[Key, datetime] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)
    people: list[PersonDrift] = field(default_factory=list)

    def add_person(self, found: PersonDrift, *, leaver: bool = False) -> None:
        """Counts a person's drift and remembers their key; what they hold too much has to be read as well."""
        self.people.append(found)
        self.add(found.kind, found.key, found.surplus, leaver=leaver)

    def add(self, kind: str, key: Key, profiles: Iterable[ProfileKey] = (), *, leaver: bool = False) -> None:
        """Counts a drift and remembers its key."""
        self.kinds[kind] += 1
        (self.leavers if leaver else self.others).setdefault(key, set()).update(profiles)


async def sweep(app: App) -> Mapping[str, Any]:
    """Compares the whole estate with the policy, enqueues what drifted, and returns the report that it stored.

    A read that fails makes the sweep incomplete: it says so, and the catalogue stays as it was. Raises `Transient`
    where accounts and profiles cannot be read at all, or nothing can be enqueued or stored.
    """
    started = app.clock.now()
    sweep_id = str(uuid.UUID(int=app.random.getrandbits(128), version=4))
    calls_before = Counter(app.calls())
    estate = await read_estate(app)
    held = await _held_by_person(app, estate)
    drift = _drift(app, estate, held)
    before = await _catalogue_before(app)
    if not estate.failures:
        await app.shelf.put(estate.catalogue, app.clock.now())
    looks = _looks(app, drift, sweep_id)
    if looks:
        await app.queues.send_work(looks)
    reports = await app.state.reports(REPORTS)
    labelled = await label_drift(app, estate, drift.people, sweep_id=sweep_id, before=before, reports=reports)
    calls = Counter(app.calls())
    calls.subtract(calls_before)
    finished = app.clock.now()
    report = {
        "sweep": sweep_id,
        "started": started.isoformat(),
        "seconds": round((finished - started).total_seconds(), 3),
        "complete": not estate.failures,
        "failures": estate.failures,
        "counts": counts(app, estate, held),
        "drift": dict(drift.kinds),
        "announced": labelled,
        "enqueued": len(looks),
        "left_alone": left_alone(app, estate),
        "foreign": foreign(estate, held, reports[0] if reports else {}, started),
        "findings": [*findings(app, estate), *silent_feed(labelled, reports, started)],
        "api_calls": dict(+calls),
    }
    await app.state.put_report(started, report)
    shown = {
        name: report[name] for name in ("complete", "counts", "drift", "announced", "enqueued", "failures", "seconds")
    }
    _log.log(logging.ERROR if estate.failures else logging.INFO, "sweep %s: %s", sweep_id, json.dumps(shown))
    return report


async def _catalogue_before(app: App) -> Catalogue | None:
    """The catalogue before this sweep replaces it; None where there is none to compare with."""
    try:
        return await app.state.catalogue()
    except InvoiceAccessError as failure:
        _log.warning("sweep: the catalogue before could not be read: %s", failure)
        return None


async def _held_by_person(app: App, estate: Estate) -> dict[str, list[Held]]:
    """Every Invoice manager assignment that was read, by principal, each proved ours or foreign."""
    identities = await app.billing.identities()
    held: dict[str, list[Held]] = {}
    for rows in estate.rows.values():
        for row in rows:
            if row.is_invoice_manager:
                state = estate.states.get(row.principal_id) or PersonState(row.principal_id)
                proved = await prove_row(row, identities=identities, state=state, ledger=app.ledger, trust_state=True)
                held.setdefault(row.principal_id, []).append(proved)
    return held


def _drift(app: App, estate: Estate, held: Mapping[str, Sequence[Held]]) -> Drift:
    drift = Drift()
    for object_id, person in estate.people.items():
        _judge(app, estate, person, held.get(object_id, ()), drift)
    if estate.people_complete:
        for object_id in held.keys() - estate.people.keys() - app.policy.protected:
            ours = [one.profile for one in held[object_id] if isinstance(one, OwnAssignment)]
            if ours:
                drift.add_person(
                    PersonDrift("holder-outside-every-rule", PersonKey(object_id), surplus=frozenset(ours))
                )
    for profile in pick(app.policy.opt_in, estate.catalogue.profiles).profiles:
        if profile.invoice_email_opt_in is False and profile.is_active:
            drift.add("opted-out", profile.key)
    return drift


def _judge(app: App, estate: Estate, person: Person, held: Sequence[Held], drift: Drift) -> None:
    """Decides for one person as a look would, now and at a moment before the next sweep that changes the answer."""
    key = PersonKey(person.object_id)
    plan = decide(person, app.policy, estate.catalogue, held, estate.read_at)
    if missing := _missing(estate, plan):
        drift.add_person(PersonDrift("missing", key, missing=missing))
    if plan.revokes:
        leaver = plan.employment is Employment.LEAVER
        surplus = frozenset(revoke.profile for revoke in plan.revokes)
        kind = "leaver-holds" if leaver else "no-longer-given"
        drift.add_person(PersonDrift(kind, key, surplus=surplus), leaver=leaver)
    change = plan.next_change
    if change is not None and change <= estate.read_at + timedelta(hours=app.settings.sweep_hours):
        then = decide(person, app.policy, estate.catalogue, held, change)
        if then.revokes or _missing(estate, then):
            drift.soon[key] = change


def _missing(estate: Estate, plan: Plan) -> frozenset[ProfileKey]:
    """Where a plan grants anything; on a profile whose list could not be read it may be there already."""
    return frozenset(grant.profile for grant in plan.grants if grant.profile in estate.rows)


def _looks(app: App, drift: Drift, sweep_id: str) -> list[Scheduled]:
    """The looks to send: all leavers at once, the others in batches, one every `sweep_batch_seconds`, dates in time."""
    now = app.clock.now()
    cause = Cause(CauseKind.SWEEP, f"{SWEEP_ORIGIN}{sweep_id}")
    looks: list[Scheduled] = []
    for key, profiles in sorted(drift.leavers.items(), key=_by_key):
        looks.append(at_once(_item(key, cause, now, profiles | drift.others.pop(key, set())), sweep_id))
    for number, (key, profiles) in enumerate(sorted(drift.others.items(), key=_by_key)):
        batch = number // app.settings.sweep_batch
        due = now + timedelta(seconds=batch * app.settings.sweep_batch_seconds)
        item = _item(key, cause, due, profiles)
        looks.append(later(item, due, coalesce=app.settings.coalesce) if batch else at_once(item, sweep_id))
    scheduled = Cause(CauseKind.SCHEDULE, cause.origin)
    for key, due in drift.soon.items():
        looks.append(later(_item(key, scheduled, due, set()), due, coalesce=app.settings.coalesce))
    return looks


def _by_key(entry: tuple[Key, set[ProfileKey]]) -> str:
    return entry[0].canonical


def _item(key: Key, cause: Cause, asked: datetime, profiles: set[ProfileKey]) -> WorkItem:
    """A look that also reads what somebody holds; what is beyond the most hints the next sweep finds."""
    return WorkItem(key, cause, first_asked=asked, hints=tuple(sorted(profiles))[:MOST_HINTS])
