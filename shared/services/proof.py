"""The daily proof: once a day the whole ledger is audited, in pieces where that is long, and its index made whole.

Lives here: when, how far in one run, and what is kept of it. The audit itself is `ledger_audit`'s. What its digest
proves is bounded, as it lies in the same store: whoever keeps one outside has `ledger verify --digest`.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from shared.domain.history.proof import MOST_FAULTS, Fault, Proof, Proofs, UnderWay
from shared.domain.history.records import DigestBody
from shared.errors import Permanent
from shared.ports import Ledger
from shared.services.app import App
from shared.services.leavers import count_leavers
from shared.services.ledger_audit import DIGEST, LISTING, Anchor, Audit, Audited

SECONDS: Final = 300.0
"""How long one run audits: half of what the host allows. What is left is the next run's, an hour later."""

_log = logging.getLogger(__name__)


async def prove_when_due(app: App, seconds: float = SECONDS) -> Proof | None:
    """Audits for some `seconds`, where today (UTC) has no result yet; the result where the audit came to its end.

    A piece that is lost (the store was away, the app died) is the next run's. Raises `Transient`, and `Conflict` where
    another run stored its piece meanwhile.
    """
    loop = asyncio.get_running_loop()
    ended, now = loop.time() + seconds, app.clock.now()
    row = await app.state.proofs()
    proofs = row.value
    if proofs.under_way is None and proofs.latest is not None and _is_of_today(proofs.latest.at, now):
        return None
    under_way = proofs.under_way or UnderWay(now, "", Proof(now, await _latest_digest(app.ledger), 0, 0))
    anchor = _anchor(under_way.so_far.digest)
    indexed = await _heads_of(app.ledger, proofs.indexed)
    audit = await Audit.begin(app.ledger, anchor)
    async for chains in audit.chains(under_way.position):
        added = [await _complete(app.ledger, one, indexed.get(one.key, 0)) for one in chains]
        under_way = _further(under_way, chains, [at for at in added if at is not None])
        if loop.time() >= ended:
            await app.state.put_proofs(row.becoming(replace(proofs, under_way=under_way)))
            _log.info("ledger proof: %d chains so far; the rest in an hour", under_way.so_far.chains)
            return None
    proof = replace(_with_faults(under_way.so_far, LISTING, audit.listing), at=app.clock.now())
    # Each chain was read after the audit began, so that what its digest names is in the index.
    done = Proofs(latest=proof, indexed=0 if anchor is None else anchor.sequence)
    if under_way.oldest_added is not None:
        # Before the end is stored: a run that dies in between is made again, and counts the same once more.
        await count_leavers(app, under_way.oldest_added)
    await app.state.put_proofs(row.becoming(done))
    _tell(proof)
    return proof


def _is_of_today(at: datetime, now: datetime) -> bool:
    return at.astimezone(UTC).date() == now.astimezone(UTC).date()


async def _latest_digest(ledger: Ledger) -> str:
    """The latest digest as it is written, "" before the first."""
    sequence, digest = await _head(ledger)
    return f"{sequence}:{digest}" if sequence else ""


async def _head(ledger: Ledger) -> tuple[int, str]:
    try:
        return await ledger.head(DIGEST)
    except Permanent:  # the audit says what is wrong with it
        return 0, ""


def _anchor(text: str) -> Anchor | None:
    sequence, _, digest = text.partition(":")
    return Anchor(int(sequence), digest) if digest else None


async def _heads_of(ledger: Ledger, upto: int) -> Mapping[str, int]:
    """How long each chain was when the digest `upto` was taken; nothing is known of chains that it has not."""
    heads: dict[str, int] = {}
    try:
        async for record in ledger.read(DIGEST, []):
            if record.sequence <= upto and isinstance(record.body, DigestBody):
                heads |= {key: sequence for key, (sequence, _) in record.body.heads.items()}
    except Permanent:
        return {}  # then everything is looked at again
    return heads


async def _complete(ledger: Ledger, chain: Audited, since: int) -> datetime | None:
    """Puts what the index of activity lacks of a chain's records after `since`; the time of the oldest of these.

    Of what is in the index nobody knows who put it there: a run that died afterwards has not counted it. What cannot be
    read is told as a fault of its chain, and keeps no other chain from its entries.
    """
    if chain.length <= since:
        return None
    oldest: datetime | None = None
    try:
        for record in await ledger.latest(chain.key, chain.length - since):
            await ledger.index(record)
            oldest = min(oldest or record.at, record.at)
    except Permanent as odd:
        _log.warning("ledger proof: the activity of '%s' is not whole: %s", chain.key, odd)
    return oldest


def _further(so_far: UnderWay, chains: Sequence[Audited], added: Sequence[datetime]) -> UnderWay:
    """The audit after some more chains."""
    proof = so_far.so_far
    for one in chains:
        counted = replace(proof, chains=proof.chains + (one.length > 0), records=proof.records + one.length)
        proof = _with_faults(counted, one.key, one.faults)
    oldest = min([*added, *([] if so_far.oldest_added is None else [so_far.oldest_added])], default=None)
    return replace(so_far, position=chains[-1].key, so_far=proof, oldest_added=oldest)


def _with_faults(proof: Proof, key: str, faults: Sequence[str]) -> Proof:
    told = tuple(Fault(key, said) for said in faults[: MOST_FAULTS - len(proof.faults)])
    return replace(proof, faulty=proof.faulty + len(faults), faults=(*proof.faults, *told))


def _tell(proof: Proof) -> None:
    """One line in the log, and another for each fault that is kept."""
    _log.log(
        logging.INFO if proof.holds else logging.ERROR,
        "ledger proof: %d chains, %d records, %d faults, with digest %s",
        proof.chains,
        proof.records,
        proof.faulty,
        proof.digest or "none",
    )
    for fault in proof.faults:
        _log.error("ledger proof: %s: %s", fault.chain, fault.said)
