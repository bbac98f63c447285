"""Whether the drift that a sweep found was announced: what shows a feed of events that has gone silent.

Nobody is told when notifications about users stop. But who is checked because of an event leaves a record of that,
so that a sweep which finds somebody drifted can ask whether anything was heard of them. Lives here: that label, its
ratio, and when it is worth a finding. Nothing of Azure is read, and nothing is decided from it.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.catalogue import Catalogue
from shared.domain.history.checks import CheckBody
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.history.records import Record
from shared.domain.history.report import FeedCheck, Labels, Report
from shared.domain.keys import PersonKey, ProfileKey, chain_key
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from shared.domain.remembered import PersonState
from shared.domain.work import SWEEP_ORIGIN, CauseKind
from shared.errors import InvoiceAccessError
from shared.services.app import App
from shared.services.estate import Estate
from shared.services.sweep.drift import PersonDrift

CHAINS: Final = 500
"""The most people whose records are read for one report: a sample is as good a ratio, and costs seconds at most."""

RECORDS: Final = 50
"""The latest records read of each. More within an hour are retries, and then there is no label."""

REPORTS: Final = 25
"""The latest reports read: a day of hourly sweeps."""

_AT_ONCE: Final = 8

_DAY: Final = timedelta(hours=24)

_MANY: Final = 5
"""Fewer drifts within a day are no finding: a change in the minute before a sweep is regularly not told of yet."""

_SILENT_SHARE: Final = 0.75
"""The share from which a feed counts as silent. One that works leaves to the sweep what came just before it, announced
or not yet; one that is dead leaves nothing but what was never announced."""

_TOLD_BY_EVENTS: Final = frozenset({CauseKind.EVENT, CauseKind.SCHEDULE, CauseKind.RETRY})
"""Checks that an event brought about; settling and verifying only follow from an earlier one."""

_log = logging.getLogger(__name__)


class Label(StrEnum):
    """What a drift says of the feed. Most drift says nothing of it, and has no label."""

    ANNOUNCED = "announced"
    """An event had this person checked since the last complete sweep began."""
    NEVER_ANNOUNCED = "never_announced"
    """No event did, and nothing but a change of the person explains the drift."""


async def label_drift(
    app: App,
    estate: Estate,
    drifted: Sequence[PersonDrift],
    *,
    sweep_id: str,
    before: Catalogue | None,
    reports: Sequence[Report],
    waited: AbstractSet[PersonKey] = frozenset(),
) -> FeedCheck:
    """Labels the drift of people that says something of the feed, for the report.

    What has no label: drift that an earlier sweep found already; drift that the policy, a profile or the assignment
    itself explains, unless an event had the person checked all the same; and people whose records cannot be read, or
    are too many.

    `before` is the catalogue as it was before this sweep and `reports` the latest ones, newest first. `waited` are
    people whom no check is asked for, because all of their drift was held before: a sweep has seen it. Reads the end of
    at most `CHAINS` chains, of drift that nothing else explains first.
    """
    last = next((one.started for one in reports if one.complete), None)
    # Never less than one interval: a sweep by hand a minute after another must not call an hour's events none.
    since = min(last or estate.read_at, estate.read_at - timedelta(hours=app.settings.sweep_hours))
    by_key: dict[PersonKey, Label] = {}
    plain: set[PersonDrift] = set()
    if last is not None:
        if before is not None and before.policy_digest == app.policy.digest:
            changed = _changed_profiles(before, estate.catalogue)
            plain = {one for one in drifted if not _is_explained(one, changed, estate.states.get(one.key.object_id))}
        plain_keys = {one.key for one in plain}
        asked = {one.key for one in drifted} - waited
        keys = sorted(asked, key=lambda key: (key not in plain_keys, key.object_id))
        by_key = await _label_keys(app, keys[:CHAINS], since, f"{SWEEP_ORIGIN}{sweep_id}")
    kinds: dict[str, Counter[Label]] = {}
    for one in drifted:
        label = by_key.get(one.key)
        if label is Label.ANNOUNCED or (label is not None and one in plain):
            kinds.setdefault(one.kind, Counter())[label] += 1
    return FeedCheck(
        since,
        feed=bool(app.settings.notification_url),
        labels=_counted(sum(kinds.values(), Counter[Label]())),
        kinds={kind: _counted(of) for kind, of in kinds.items()},
    )


def _counted(of: Mapping[Label, int]) -> Labels:
    return Labels(of.get(Label.ANNOUNCED, 0), of.get(Label.NEVER_ANNOUNCED, 0))


def silent_feed(check: FeedCheck, reports: Iterable[Report], now: datetime) -> list[Finding]:
    """The finding that a feed is silent, where one should be on: most of a day's drift was never announced.

    Our own Graph subscriptions are that feed: they should tell of everybody, while an HR system tells what it likes.
    Only a sweep that finds such drift itself says so, so that a fixed feed is not accused for another day.
    """
    if not check.feed or not check.labels.never_announced:
        return []
    before = (one.feed_check.labels for one in reports if one.feed_check.feed and now - one.started < _DAY)
    day = [check.labels, *before]
    never, heard = sum(one.never_announced for one in day), sum(one.announced for one in day)
    if never < _MANY or never < _SILENT_SHARE * (never + heard):
        return []
    return [Finding(kind=FindingKind.FEED_SILENT, why=Code.FEED_SILENT(never=never, of=never + heard))]


def _is_explained(drift: PersonDrift, changed: AbstractSet[ProfileKey], state: PersonState | None) -> bool:
    """Whether billing alone explains a drift: each profile is another than before, or what we gave there is gone."""
    gone = state.holdings.keys() & drift.missing if state is not None else set[ProfileKey]()
    return drift.missing | drift.surplus <= changed | gone


def _changed_profiles(before: Catalogue, now: Catalogue) -> set[ProfileKey]:
    """The profiles that are new, or of which changed what rules go by."""
    known = {one.key: (one.display_name, one.status, one.tags) for one in before.profiles}
    return {one.key for one in now.profiles if known.get(one.key) != (one.display_name, one.status, one.tags)}


async def _label_keys(app: App, keys: Iterable[PersonKey], since: datetime, own: str) -> dict[PersonKey, Label]:
    gate = asyncio.Semaphore(_AT_ONCE)
    failures: list[InvoiceAccessError] = []

    async def label(key: PersonKey) -> tuple[PersonKey, Label | None]:
        async with gate:
            try:
                records = await app.ledger.latest(chain_key(key), RECORDS)
            except InvoiceAccessError as failure:
                failures.append(failure)
                return key, None
        return key, _label(records, since, own)

    labels = {key: label for key, label in await asyncio.gather(*map(label, keys)) if label is not None}
    if failures:
        _log.warning("sweep: the records of %d people could not be read: %s", len(failures), failures[0])
    return labels


def _label(records: Sequence[Record], since: datetime, own: str) -> Label | None:
    """The label that a person's latest records give; those of this sweep's own checks (`own`) say nothing yet.

    None where a sweep had the person checked since, which did not fix it: it was labelled then. None as well where
    the records are too many to know.
    """
    since_then = [record.body for record in records if record.at >= since]
    checks = [body for body in since_then if isinstance(body, CheckBody) and body.origin != own]
    of_sweeps = [check for check in checks if check.origin.startswith(SWEEP_ORIGIN)]
    if of_sweeps and of_sweeps[-1].outcome is not Outcome.DONE:
        return None
    if any(check.cause in _TOLD_BY_EVENTS for check in checks if not check.origin.startswith(SWEEP_ORIGIN)):
        return Label.ANNOUNCED
    is_cut_short = len(records) >= RECORDS and records[0].at >= since
    return None if is_cut_short else Label.NEVER_ANNOUNCED
