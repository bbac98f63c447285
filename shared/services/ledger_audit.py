"""The proof: once a day a digest of every chain's head, and an audit of the ledger against one that was kept outside.

Whoever may write to the store can rewrite a chain with all its digests, and the chain then holds. So the heads of all
chains go into a chain of their own, and the digest of its last record into the log, where somebody keeps it: it
covers every record before it. Lives here: taking that digest, and comparing the ledger with one.
"""

import asyncio
import json
import logging
from bisect import bisect_right
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Final

from shared.domain.by_size import by_size
from shared.domain.history.records import DigestBody, Record
from shared.domain.keys import PersonKey
from shared.errors import Conflict, Permanent, Transient
from shared.ports import Ledger
from shared.services.app import App

DIGEST: Final = "digest"
"""The ledger's key of the chain of digests."""

LISTING: Final = "(list of chains)"
"""What stands for a chain's key in a verdict where the list of chains itself is at fault."""

_DAY: Final = timedelta(days=1)

_MOST_HEADS: Final = 2_000
_MOST_CHARACTERS: Final = 400_000
"""How many heads one record names, and their JSON text at most: a record's body has an end at 440,000."""

_AT_ONCE: Final = 16
"""Chains that are read at the same time: enough to hide a store's latency, and few enough for it to bear."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A digest as it was kept outside: the sequence and SHA-256 of a record of the chain of digests."""

    sequence: int
    digest: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.digest}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit found. `chains` and `records` are how many there are, the chain of digests included.

    `faults` say what is wrong, by chain. `proved` is how many records the anchor proves to be as they were when it was
    taken, none without an anchor or with a fault in the chain of digests. `newer` counts the records that came after
    it, by chain, and `unknown` are those of these chains of which it knows nothing.
    """

    chains: int
    records: int
    faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    anchor: Anchor | None = None
    proved: int = 0
    newer: Mapping[str, int] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()


async def digest_when_due(app: App) -> None:
    """Takes the first digest of a day (UTC), and says it in the log: `ledger digest: <sequence> <sha256>`.

    That nobody can today is no failure of whoever asks: it is said in the log, and the next sweep asks again.
    """
    try:
        taken = await _take(app)
    except Conflict as other:
        _log.info("ledger digest: left to another sweep: %s", other.reason)
    except Transient as failure:
        _log.warning("ledger digest: not taken now, the next sweep tries again: %s", failure.reason)
    except Permanent as failure:
        _log.error("ledger digest: cannot be taken: %s; `verify` says what is wrong with the ledger", failure.reason)
    else:
        if taken is not None:
            _log.info("ledger digest: %d %s", taken.sequence, taken.digest)


async def _take(app: App) -> Record | None:
    """The last record of today's digest; None while the last one is recent."""
    now = app.clock.now()
    # Opened first: who is slower than another sweep, by however little, has a conflict and no second digest.
    chain = await app.ledger.open(DIGEST)
    last = await _last(app.ledger)
    if last is not None and not _is_another_day(last.at, now):
        return None
    known = {key: max(heads) for key, heads in (await _read(app.ledger)).heads.items()}
    changed: dict[str, tuple[int, str]] = {}
    for group in batched(sorted(await _chains(app)), _AT_ONCE, strict=False):
        heads = await asyncio.gather(*(_head(app.ledger, key) for key in group))
        changed |= {key: head for key, head in zip(group, heads, strict=True) if head[0] > known.get(key, 0)}
    record = None
    for named in _groups(changed):
        record = await chain.append(now, DigestBody(named))
    return record


async def _last(ledger: Ledger) -> Record | None:
    """The last digest that can be read: one that cannot be must not be the end of them."""
    try:
        latest = await ledger.latest(DIGEST, 1)
    except Permanent:
        latest = [record async for record in ledger.read(DIGEST, [])]
    return latest[-1] if latest else None


def _is_another_day(taken: datetime, now: datetime) -> bool:
    """Whether the digest of an earlier day is the last one.

    One of tomorrow is of a clock a little ahead, and is left. One of a later day is of a clock that was wrong: it must
    not put off the next one for long.
    """
    if taken > now:
        return taken - now >= _DAY
    return taken.astimezone(UTC).date() != now.astimezone(UTC).date()


async def _head(ledger: Ledger, key: str) -> tuple[int, str]:
    try:
        return await ledger.head(key)
    except Permanent as damaged:
        # One chain that somebody damaged must not keep the others out of the digest.
        _log.error("ledger digest: without '%s': %s", key, damaged.reason)
        return 0, ""


async def _chains(app: App) -> set[str]:
    """Every chain but that of digests. State and catalogue know chains whose key somebody took off the list."""
    keys = {key async for key in app.ledger.keys()}  # noqa: SIM118 - it is no mapping
    keys |= {PersonKey(person.object_id).canonical async for person in app.state.people()}
    catalogue = await app.state.catalogue()
    if catalogue is not None:
        keys |= {profile.key.canonical for profile in catalogue.profiles}
    return keys - {DIGEST}


def _groups(heads: Mapping[str, tuple[int, str]]) -> Sequence[Mapping[str, tuple[int, str]]]:
    """Heads in groups that a record holds; one empty group where there are none, as every day has a digest."""
    groups = by_size(
        heads.items(),
        lambda head: len(json.dumps({head[0]: head[1]})),
        most=_MOST_CHARACTERS,
        most_items=_MOST_HEADS,
    )
    return [dict(group) for group in groups] or [{}]


@dataclass(slots=True)
class _Digests:
    """What the chain of digests says: the digests of each chain by sequence, and how far the anchor knows a chain.

    `wrong` is what is wrong with it beyond what the ledger finds, `contradicted` where it says two things of a record.
    """

    heads: dict[str, dict[int, str]] = field(default_factory=lambda: defaultdict(dict))
    anchored: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    contradicted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def add(self, record: Record, anchor: Anchor | None) -> None:
        """Takes in what a record says."""
        if not isinstance(record.body, DigestBody):
            self.wrong.append(f"record {record.sequence} is no digest")
            return
        for key, (sequence, digest) in record.body.heads.items():
            if sequence < 1:
                self.wrong.append(f"record {record.sequence} names no head of '{key}'")
                continue
            if self.heads[key].setdefault(sequence, digest) != digest:
                self.contradicted[key].append(
                    f"record {sequence} was replaced: digest {record.sequence} contradicts an earlier one"
                )
            if anchor is not None and record.sequence <= anchor.sequence:
                self.anchored[key] = max(sequence, self.anchored.get(key, 0))


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit found of one chain, and how many records it has."""

    key: str
    faults: tuple[str, ...]
    length: int


class Audit:
    """An audit of every chain that is listed or that a digest names, each compared with every digest of its head.

    `anchor` is the digest that was kept outside, if any, `listing` what is wrong with the list of chains, `anchored`
    how far the anchor knows each chain. Others may append meanwhile.
    """

    def __init__(
        self, ledger: Ledger, anchor: Anchor | None, known: "_Digests", keys: set[str], listing: list[str]
    ) -> None:
        self._ledger = ledger
        self._known = known
        self._keys = sorted(keys | known.heads.keys() | {DIGEST})
        self.anchor = anchor
        self.listing = listing
        if anchor is not None:
            known.heads[DIGEST] = {anchor.sequence: anchor.digest}
            known.anchored[DIGEST] = anchor.sequence
        self.anchored: Mapping[str, int] = known.anchored

    @classmethod
    async def begin(cls, ledger: Ledger, anchor: Anchor | None = None) -> "Audit":
        """Reads the digests and which chains there are. Raises `Transient`."""
        known = await _read(ledger, anchor)
        return cls(ledger, anchor, known, *await _listed(ledger))

    async def chains(self, after: str = "") -> AsyncIterator[Sequence[Audited]]:
        """Audits one group of chains after another, in the order of their keys; those after the key `after`."""
        rest = self._keys[bisect_right(self._keys, after) :]
        for group in batched(rest, _AT_ONCE, strict=False):
            yield await asyncio.gather(*(self._chain(key) for key in group))

    async def _chain(self, key: str) -> Audited:
        known = self._known
        wrong, length = await _audit(self._ledger, key, known.heads.get(key, {}))
        faults = (*wrong, *known.contradicted.get(key, ()), *(known.wrong if key == DIGEST else ()))
        return Audited(key, faults, length)


async def verify(ledger: Ledger, anchor: Anchor | None = None) -> Verdict:
    """Audits the whole ledger; see `Audit`.

    With an anchor, whatever was changed, removed or reordered up to it is found, whoever did it. Without one, only what
    was done by somebody who left the digests as they were. Raises `Transient`.
    """
    audit = await Audit.begin(ledger, anchor)
    every = [one async for group in audit.chains() for one in group]
    lengths = {one.key: one.length for one in every}
    faults = {LISTING: tuple(audit.listing)} | {one.key: one.faults for one in every}
    verdict = Verdict(
        chains=sum(length > 0 for length in lengths.values()),
        records=sum(lengths.values()),
        faults={key: wrong for key, wrong in faults.items() if wrong},
        anchor=anchor,
    )
    return verdict if anchor is None else _measured(verdict, lengths, audit.anchored)


def _measured(verdict: Verdict, lengths: Mapping[str, int], anchored: Mapping[str, int]) -> Verdict:
    """What the anchor proves and what it does not."""
    newer = {key: length - anchored.get(key, 0) for key, length in lengths.items() if length > anchored.get(key, 0)}
    return replace(
        verdict,
        proved=0 if DIGEST in verdict.faults else sum(anchored.values()),
        newer=newer,
        unknown=frozenset(newer.keys() - anchored.keys()),
    )


async def _audit(ledger: Ledger, key: str, known: Mapping[int, str]) -> tuple[list[str], int]:
    """What is wrong with one chain, and how long it is."""
    wrong = list(await ledger.verify(key, known))
    try:
        length, _ = await ledger.head(key)
    except Permanent:
        return wrong, 0  # a head that cannot be read is among what is wrong
    return wrong, length


async def _listed(ledger: Ledger) -> tuple[set[str], list[str]]:
    """The keys that are listed, and what is wrong with the list."""
    keys: set[str] = set()
    try:
        async for key in ledger.keys():
            keys.add(key)
    except Permanent as damaged:
        return keys, [f"{damaged.reason}; chains listed after it were audited only where a digest names them"]
    return keys, []


async def _read(ledger: Ledger, anchor: Anchor | None = None) -> _Digests:
    """Everything that the chain of digests says, as far as it can be read."""
    found = _Digests()
    try:
        async for record in ledger.read(DIGEST, found.wrong):
            found.add(record, anchor)
    except Permanent:
        found.wrong.append("it could not be read to its end: what later digests name was not compared")
    return found
