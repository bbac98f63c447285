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
from typing import Any, Final

from shared.domain.billing import OTHER_RECIPIENT_ROLES, BillingProfile
from shared.domain.decide import decide
from shared.domain.keys import Key, PersonKey, ProfileKey
from shared.domain.ownership import ForeignAssignment, Held, Intent, OwnAssignment, prove
from shared.domain.people import Person
from shared.domain.plan import Employment
from shared.domain.rules import managed_accounts
from shared.domain.selectors import pick
from shared.domain.work import Cause, CauseKind, Scheduled, WorkItem, at_once, later
from shared.services.app import App
from shared.services.estate import Estate, read_estate

_SHOWN: Final = 500
"""The most foreign assignments that a report lists one by one; it always counts them all."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Drift:
    """Keys to look at, each with the profiles to read as well, and how many of each kind there are."""

    leavers: dict[Key, set[ProfileKey]] = field(default_factory=dict)
    others: dict[Key, set[ProfileKey]] = field(default_factory=dict)
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, key: Key, profiles: Iterable[ProfileKey], *, leaver: bool = False) -> None:
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
    held = _held_by_person(estate, await app.billing.identities())
    drift = _drift(app, estate, held)
    if not estate.failures:
        await app.shelf.put(estate.catalogue, app.clock.now())
    enqueued = await _enqueue(app, drift, sweep_id)
    calls = Counter(app.calls())
    calls.subtract(calls_before)
    finished = app.clock.now()
    latest = await app.state.reports(1)
    report = {
        "sweep": sweep_id,
        "started": started.isoformat(),
        "seconds": round((finished - started).total_seconds(), 3),
        "complete": not estate.failures,
        "failures": estate.failures,
        "counts": _counts(app, estate, held),
        "drift": dict(drift.kinds),
        "enqueued": enqueued,
        "left_alone": _left_alone(app, estate),
        "foreign": _foreign(held, latest[0] if latest else {}, started),
        "findings": _findings(app, estate),
        "api_calls": dict(+calls),
    }
    await app.state.put_report(started, report)
    shown = {name: report[name] for name in ("complete", "counts", "drift", "enqueued", "failures", "seconds")}
    _log.log(logging.ERROR if estate.failures else logging.INFO, "sweep %s: %s", sweep_id, json.dumps(shown))
    return report


def _held_by_person(estate: Estate, identities: frozenset[str]) -> dict[str, list[Held]]:
    """Every Invoice manager assignment that was read, by principal, each proved ours or foreign."""
    held: dict[str, list[Held]] = {}
    for rows in estate.rows.values():
        for row in rows:
            if not row.is_invoice_manager:
                continue
            state = estate.states.get(row.principal_id)
            holding = state.holdings.get(row.profile) if state is not None else None
            intent = None
            if holding is not None and holding.intended_at is not None:
                intent = Intent(holding.intended_at, holding.found_nothing)
            rules = frozenset(holding.rules) if holding is not None and holding.rules else None
            held.setdefault(row.principal_id, []).append(prove(row, identities=identities, intent=intent, rules=rules))
    return held


def _drift(app: App, estate: Estate, held: Mapping[str, Sequence[Held]]) -> Drift:
    drift = Drift()
    for object_id, person in estate.people.items():
        _judge(app, estate, person, held.get(object_id, ()), drift)
    for object_id in held.keys() - estate.people.keys() - app.policy.protected:
        ours = [one.profile for one in held[object_id] if isinstance(one, OwnAssignment)]
        if ours and estate.people_complete:
            drift.add("holder-outside-every-rule", PersonKey(object_id), ours)
    for profile in pick(app.policy.opt_in, estate.catalogue.profiles).profiles:
        if profile.invoice_email_opt_in is False and profile.is_active:
            drift.add("opted-out", profile.key, ())
    return drift


def _judge(app: App, estate: Estate, person: Person, held: Sequence[Held], drift: Drift) -> None:
    """Decides for one person as a look would; a grant on a profile whose list could not be read is no drift."""
    plan = decide(person, app.policy, estate.catalogue, held, estate.read_at)
    grants = [grant.profile for grant in plan.grants if grant.profile in estate.rows]
    revokes = [revoke.profile for revoke in plan.revokes]
    key = PersonKey(person.object_id)
    if grants:
        drift.add("missing", key, grants)
    if revokes:
        leaver = plan.employment is Employment.LEAVER
        drift.add("leaver-holds" if leaver else "no-longer-given", key, revokes, leaver=leaver)


async def _enqueue(app: App, drift: Drift, sweep_id: str) -> int:
    """Sends the looks: all leavers at once, everybody else in batches, one every `sweep_batch_seconds`."""
    now = app.clock.now()
    cause = Cause(CauseKind.SWEEP, f"sweep#{sweep_id}")
    looks: list[Scheduled] = []
    for key, profiles in sorted(drift.leavers.items(), key=_by_key):
        also = drift.others.pop(key, set())
        looks.append(at_once(_item(key, cause, now, profiles | also), sweep_id))
    for number, (key, profiles) in enumerate(sorted(drift.others.items(), key=_by_key)):
        batch = number // app.settings.sweep_batch
        due = now + timedelta(seconds=batch * app.settings.sweep_batch_seconds)
        item = _item(key, cause, due, profiles)
        looks.append(later(item, due, coalesce=app.settings.coalesce) if batch else at_once(item, sweep_id))
    if looks:
        await app.queues.send_work(looks)
    return len(looks)


def _by_key(entry: tuple[Key, set[ProfileKey]]) -> str:
    return entry[0].canonical


def _item(key: Key, cause: Cause, asked: datetime, profiles: set[ProfileKey]) -> WorkItem:
    return WorkItem(key, cause, first_asked=asked, hints=tuple(sorted(profiles)))


def _counts(app: App, estate: Estate, held: Mapping[str, Sequence[Held]]) -> dict[str, int]:
    every = [one for rows in held.values() for one in rows]
    return {
        "accounts": len(estate.catalogue.accounts),
        "managed_accounts": len(managed_accounts(app.policy, estate.catalogue.accounts)),
        "profiles": len(estate.catalogue.profiles),
        "assignments": sum(map(len, estate.rows.values())),
        "ours": sum(isinstance(one, OwnAssignment) for one in every),
        "foreign": sum(isinstance(one, ForeignAssignment) for one in every),
        "people_listed": estate.listed,
        "people": len(estate.people),
    }


def _left_alone(app: App, estate: Estate) -> list[dict[str, str]]:
    """Accounts that are not managed, each with the one reason."""
    reasons = []
    managed = managed_accounts(app.policy, estate.catalogue.accounts)
    for account in estate.catalogue.accounts:
        if account.name.lower() in managed:
            continue
        if not account.is_manageable:
            why = f"{account.agreement_type}, {account.status}: only active MCA and MPA accounts have Invoice managers"
        else:
            why = "the policy does not name it"
        reasons.append({"account": account.name, "why": why})
    return reasons


def _foreign(held: Mapping[str, Sequence[Held]], latest: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    """Invoice manager assignments that are not ours, with when a sweep first saw each."""
    seen = {(row["profile"], row["principal"]): row["first_seen"] for row in latest.get("foreign", ())}
    rows = [
        {
            "profile": str(one.profile),
            "principal": one.assignment.principal_id,
            "principal_type": one.assignment.principal_type,
            "why": one.why,
            "first_seen": seen.get((str(one.profile), one.assignment.principal_id), now.isoformat()),
        }
        for ones in held.values()
        for one in ones
        if isinstance(one, ForeignAssignment)
    ]
    return sorted(rows, key=lambda row: (row["profile"], row["principal"]))[:_SHOWN]


def _findings(app: App, estate: Estate) -> list[dict[str, str]]:
    """What a person should know and nothing is done about: rules that match nothing, profiles with few recipients."""
    findings = [
        {"kind": "rule-not-known", "rule": rule, "text": why}
        for rule, why in sorted((estate.catalogue.unknown_rules or {}).items())
    ]
    for profile in pick(app.policy.opt_in, estate.catalogue.profiles).profiles:
        if profile.is_active and profile.key in estate.rows:
            findings += _few_recipients(app, estate, profile)
    return findings


def _few_recipients(app: App, estate: Estate, profile: BillingProfile) -> list[dict[str, str]]:
    recipients = {
        row.principal_id
        for row in estate.rows[profile.key]
        if (row.is_invoice_manager or row.role in OTHER_RECIPIENT_ROLES)
        and (row.principal_type or "User").lower() == "user"
    }
    if len(recipients) >= app.policy.min_recipients:
        return []
    text = f"{len(recipients)} people receive its invoices, the policy asks for {app.policy.min_recipients}"
    return [{"kind": "few-recipients", "profile": str(profile.key), "text": text}]
