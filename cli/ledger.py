"""`ledger verify`: audits the ledger, against a digest that was kept outside where one is given.

Lives here: reading the digest off the command line, and the words for what was found. The audit is
`shared.services.ledger_audit`'s. It needs the store's setting and no other.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from cli.answer import Answer, counted
from cli.faults import Fault, Status, UsageError
from cli.operating import StoreDesk, on_store, shown
from cli.out import Out
from cli.sighted import ago
from shared.answers.documents import Rows
from shared.answers.watch import proof_body
from shared.domain.history.proof import Proof
from shared.services.ledger_audit import DIGEST, Anchor, Verdict, verify

_SHOWN: Final = 20
"""Newer chains that are listed unless all are asked for."""

_SPELLED: Final = re.compile(r"(?:ledger digest:\s*)?([1-9][0-9]{0,11})[: ]\s*([0-9a-f]{64})", re.IGNORECASE)
"""The line as the log has it, or what is in it."""


def verify_ledger(out: Out, digest: str, *, every: bool) -> int:
    """Audits. `every` lists all that is newer than the digest."""
    anchor = read_anchor(digest) if digest else None

    async def audit(desk: StoreDesk) -> Verdict:
        return await verify(desk.ledger, anchor)

    verdict = on_store(audit, doing="Reading every chain")
    faults = [{"chain": key, "fault": fault} for key, found in verdict.faults.items() for fault in found]
    status = Status.FOUND if faults or not verdict.chains else Status.DONE
    return out.answer(
        Answer("ledger-verify", _body(verdict, faults), _text(verdict, every=every), _rows(faults), status=status)
    )


def tell_last(out: Out, digest: str, *, every: bool) -> int:
    """Tells the latest daily proof as it was kept; 3 where it found anything."""
    if digest or every:
        raise UsageError("--last: it shows an audit that is done, so that --digest and --newer do not go with it")

    async def latest(desk: StoreDesk) -> tuple[Proof | None, datetime]:
        return (await desk.state.proofs()).value.latest, desk.clock.now()

    proof, now = on_store(latest)
    if proof is None:
        raise Fault(
            "no proof was taken yet",
            code="no-proof",
            mend="The function `proof` takes one within a day; `invoice-access ledger verify` audits now.",
        )
    faults = [{"chain": one.chain, "fault": one.said} for one in proof.faults]
    return out.answer(
        Answer(
            "ledger-proof",
            dict(proof_body(proof) or {}),
            [*(f"{one.chain}: {one.said}" for one in proof.faults), *_last(proof, now)],
            _rows(faults),
            as_of=proof.at,
            status=Status.DONE if proof.holds else Status.FOUND,
        )
    )


def _last(proof: Proof, now: datetime) -> Iterator[str]:
    said = f"Proved {shown(proof.at)}, {ago(now - proof.at)}"
    with_ = f" with digest {proof.digest}" if proof.digest else ", before the first digest"
    of = f"{counted(proof.chains, 'chain')}, {counted(proof.records, 'record')}"
    if proof.holds:
        yield f"{said}{with_}: {of}, unbroken."
    else:
        hidden = proof.faulty - len(proof.faults)
        more = f", {hidden:,} of them not shown here" if hidden else ""
        yield f"{said}{with_}: {of}, {counted(proof.faulty, 'fault')}{more}."
    yield "The digest lies in the same store: give `ledger verify --digest` one of the log to prove more."


def read_anchor(text: str) -> Anchor:
    """The digest of `--digest`. Raises `UsageError` for anything else."""
    found = _SPELLED.fullmatch(text.strip())
    if found is None:
        raise UsageError(
            f"--digest: {text!r} is no digest",
            mend=(
                "Give the number and the 64 hexadecimal digits of a 'ledger digest:' line of the log, with a colon "
                "between them, or the line itself, in quotes."
            ),
        )
    return Anchor(int(found[1]), found[2].lower())


def _body(verdict: Verdict, faults: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "chains": verdict.chains,
        "records": verdict.records,
        "digest": None if verdict.anchor is None else str(verdict.anchor),
        "covered": verdict.proved,
        "faults": faults,
        "newer": dict(sorted(verdict.newer.items())),
        "unknown": sorted(verdict.unknown),
    }


def _rows(faults: list[dict[str, str]]) -> Rows:
    return Rows.of(("chain", "fault"), faults)


def _text(verdict: Verdict, *, every: bool) -> Iterator[str]:
    for key, faults in verdict.faults.items():
        for fault in faults:
            yield f"{key}: {fault}"
    if verdict.faults:
        yield _judgement(verdict)
        return
    said = f"{counted(verdict.chains, 'chain')}, {counted(verdict.records, 'record')}."
    if not verdict.chains:
        yield f"{said} There is nothing in this ledger: is INVOICE_ACCESS_STORE the store that the app uses?"
        return
    if verdict.anchor is None:
        yield f"{said} The chains are consistent in themselves. No digest was given, so nothing more was checked: "
        yield "whoever may write to the store can rewrite a chain from its first record on. Give --digest to find that."
        return
    newer = sum(verdict.newer.values())
    kept = "Nothing that it covers was changed, removed or reordered"
    more = f"{newer:,} newer {'is' if newer == 1 else 'are'} consistent" if newer else "nothing is newer"
    yield f"{said} Digest {verdict.anchor.sequence} covers {verdict.proved:,}. {kept}; {more}."
    yield from _newer(verdict, None if every else _SHOWN)


def _judgement(verdict: Verdict) -> str:
    if verdict.anchor is not None and DIGEST in verdict.faults:
        return (
            "The chain of digests is not what it was, or the digest given is not of this ledger: nothing is proved by "
            "it. Check the digest, and try an earlier one."
        )
    wrong = sum(map(len, verdict.faults.values()))
    return f"{counted(wrong, 'fault')} in {counted(len(verdict.faults), 'chain')}."


def _newer(verdict: Verdict, most: int | None) -> Iterator[str]:
    newer = sorted(verdict.newer.items())
    for key, count in newer[:most]:
        yield f"  {key}: {counted(count, 'record')}{', not in the digest' * (key in verdict.unknown)}"
    if most is not None and len(newer) > most:
        yield f"  and {counted(len(newer) - most, 'chain')} more; --newer lists all"
