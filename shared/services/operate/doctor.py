"""Examines a deployment for what a new one gets wrong. Nothing is written, and no failed read hides another check.

Lives here: reading the facts, each by itself. What they mean is `shared.domain.diagnosis`'s.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import batched, islice
from typing import Final

from shared.domain import diagnosis
from shared.domain.diagnosis import Check, Digest, Name, NotRead, Reached, not_read
from shared.domain.guards.pauses import Pauses
from shared.domain.health import Health
from shared.domain.history.proof import Proof
from shared.domain.history.records import DigestBody
from shared.domain.history.report import Report
from shared.domain.subscription import Subscription
from shared.domain.view import Called, PeopleView, View
from shared.errors import Permanent, Transient
from shared.ports import Ledger
from shared.services.app import App
from shared.services.ledger_audit import DIGEST
from shared.services.shared_row import StoreOnly
from shared.services.subscriptions import wanted_subscriptions

MOST_CHAINS: Final = 200
"""How many of a digest's chains are looked at: `ledger verify` looks at all, record by record."""

_AT_ONCE: Final = 16
_REST: Final = timedelta(hours=1)
"""The longest rest between two full checks where no setting says so."""

NEEDS_SETTINGS: Final = (Name.GROUPS, Name.QUEUES, Name.QUEUE_SETTINGS, Name.SUBSCRIPTIONS, Name.CLOCK)
"""The checks that take every setting and the policy."""

NEEDS_STORE: Final = (
    Name.STORE,
    Name.FULL_CHECK,
    Name.PAUSES,
    Name.ROLE,
    Name.CREATED_BY,
    Name.PEOPLE,
    Name.LEAVE_DATES,
    Name.NAMES,
    Name.KEPT_MESSAGES,
    Name.RECORD,
    Name.PROOF,
)
"""The checks that the store answers alone."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store says: what full checks left there, and what stops writes."""

    report: Report | NotRead | None
    view: View | NotRead | None
    people: PeopleView | NotRead | None
    names: Mapping[str, Called] | NotRead
    pauses: Pauses | NotRead
    digest: Digest | NotRead | None
    health: Health | NotRead | None
    proof: Proof | NotRead | None


async def read_kept(desk: StoreOnly) -> Kept:
    """Reads all of it, each by itself."""
    state = desk.state

    async def latest() -> Report | None:
        return next(iter(await state.reports(1)), None)

    async def standing() -> Pauses:
        return (await state.pauses()).value

    async def proved() -> Proof | None:
        return (await state.proofs()).value.latest

    return Kept(
        report=await _guarded(latest),
        view=await _guarded(state.view),
        people=await _guarded(state.people_view),
        names=await _guarded(state.names),
        pauses=await _guarded(standing),
        digest=await _guarded(lambda: _digest(desk.ledger)),
        health=await _guarded(state.health),
        proof=await _guarded(proved),
    )


def examine_kept(kept: Kept, desk: StoreOnly, rest: timedelta = _REST) -> Sequence[Check]:
    """What the store's own facts say. `rest` is the longest between two full checks."""
    now = desk.clock.now()
    failed = next((one for one in (kept.report, kept.view, kept.pauses) if isinstance(one, NotRead)), None)
    return [
        Check(Name.STORE, diagnosis.State.GOOD, "store-good") if failed is None else not_read(Name.STORE, failed),
        diagnosis.full_check(kept.report, now, rest),
        diagnosis.pauses(kept.pauses),
        diagnosis.role(kept.report, kept.view, kept.pauses),
        diagnosis.created_by(kept.report, kept.view),
        diagnosis.people(kept.report, kept.people),
        diagnosis.leave_dates(kept.report, kept.people),
        diagnosis.names(kept.report, kept.view, kept.names),
        diagnosis.kept_messages(kept.health, now),
        diagnosis.record(kept.digest, now),
        diagnosis.proof(kept.proof, now),
    ]


@dataclass(frozen=True, slots=True)
class Looks:
    """What is asked of queues and subscriptions beyond what the app asks: see the adapters' methods of these names."""

    reach: Callable[[], Awaitable[Mapping[str, Reached]]]
    mine: Callable[[], Awaitable[Sequence[Subscription]]]


async def examine_live(app: App, kept: Kept, looks: Looks, me: str) -> Sequence[Check]:
    """What the services say now, to whoever asks: `me` is their object id, "" where nobody signed in."""
    now = app.clock.now()
    wanted = frozenset(one.resource for one in wanted_subscriptions(app.policy, app.settings))
    is_app = isinstance(kept.report, Report) and me in kept.report.identities
    named: dict[str, list[str]] = {}
    for rule in app.policy.rules:
        for group in rule.member_of:
            named.setdefault(group, []).append(rule.name)
    there = {group: await _guarded(partial(app.directory.group_exists, group)) for group in sorted(named)}
    mine = await _guarded(looks.mine) if wanted and is_app else None
    return [
        diagnosis.groups(named, there),
        diagnosis.queues(await _guarded(looks.reach)),
        diagnosis.queue_settings(app.settings.service_bus),
        diagnosis.subscriptions(wanted, mine, app.settings.notification_url, now),
        diagnosis.clock(await _apart(app)),
    ]


async def _apart(app: App) -> timedelta | NotRead | None:
    """How far this machine's clock is ahead of billing's. A refusal says the time as well."""
    failed = await _guarded(app.billing.accounts)
    said = app.billing.service_time()
    if said is None and isinstance(failed, NotRead):
        return failed
    return None if said is None else app.clock.now() - said


async def _digest(ledger: Ledger) -> Digest | None:
    """The latest digest, against the heads of the chains that it names."""
    latest = await ledger.latest(DIGEST, 1)
    if not latest:
        return None
    record = latest[-1]
    if not isinstance(record.body, DigestBody):
        return Digest(record.sequence, record.at, 0, 0, [f"record {record.sequence} of the chain is no digest"])
    heads = [*islice(sorted(record.body.heads.items()), MOST_CHAINS)]
    faults: list[str] = []
    for group in batched(heads, _AT_ONCE, strict=False):
        found = await asyncio.gather(*(_head(ledger, key) for key, _ in group))
        for (key, (sequence, digest)), read in zip(group, found, strict=True):
            if isinstance(read, str):
                faults.append(f"{key}: {read}")
                continue
            length, head = read
            if length < sequence:
                faults.append(f"{key} has {length} records, and had {sequence}")
            elif length == sequence and head != digest:
                faults.append(f"record {sequence} of {key} is another")
    return Digest(record.sequence, record.at, len(record.body.heads), len(heads), faults)


async def _head(ledger: Ledger, key: str) -> tuple[int, str] | str:
    """A chain's head; what is wrong with it where somebody damaged it."""
    try:
        return await ledger.head(key)
    except Permanent as damaged:
        return damaged.reason


async def _guarded[T](read: Callable[[], Awaitable[T]]) -> T | NotRead:
    try:
        return await read()
    except (Transient, Permanent) as failure:
        return NotRead(str(failure))
