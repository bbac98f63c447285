"""`verify [--digest SEQUENCE:SHA256]`: audits the ledger, against a digest that was kept outside where one is given.

Lives here: reading the digest off the command line, and the words for what was found. The audit is
`shared.services.ledger_audit`'s. It needs the store's setting and no other.
"""

import argparse
import asyncio
import re
from collections.abc import Iterable
from typing import Any, Final

from rich.console import Console

from cli import terminal
from cli.operating import DONE, REFUSED, counted, misconfigured, open_store
from cli.terminal import complaints
from shared.errors import Misconfigured, Permanent, Transient
from shared.services.ledger_audit import DIGEST, Anchor, Verdict, verify

_SHOWN: Final = 20
"""Newer chains that are listed unless all are asked for."""

_SPELLED: Final = re.compile(r"(?:ledger digest:\s*)?([1-9][0-9]{0,11})[: ]([0-9a-f]{64})", re.IGNORECASE)
"""The line as the log has it, or what is in it."""

_VERIFY: Final = (
    "Audits every chain of the ledger. With a digest from the log (the line 'ledger digest: SEQUENCE SHA256') any "
    "change, removal or reordering up to it is found, and what is newer is named. The exit status is 1 when anything "
    "is wrong."
)


def add_to(commands: Any) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser("verify", help="audit the ledger; 1 when anything is wrong", description=_VERIFY)
    parser.add_argument(
        "--digest", type=read_anchor, metavar="SEQUENCE:SHA256", help="a 'ledger digest:' line of the log, kept outside"
    )
    parser.add_argument("--newer", action="store_true", help="list every chain with records after the digest")
    parser.set_defaults(run=run)


def read_anchor(text: str) -> Anchor:
    """The digest of `--digest`; raises argparse's error for anything else."""
    found = _SPELLED.fullmatch(text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no digest; give the number and the 64 hexadecimal digits of a 'ledger digest:' line of the "
            "log, with a colon between them, or the line itself, in quotes"
        )
    return Anchor(int(found[1]), found[2].lower())


def run(chosen: argparse.Namespace) -> int:
    """Audits; 0 when everything holds."""
    say = complaints()
    try:
        verdict = asyncio.run(_audit(chosen.digest))
    except Misconfigured as mistake:
        return misconfigured(mistake)
    except (Transient, Permanent) as failure:
        say.print(f"{failure}", markup=False, soft_wrap=True)
        say.print("Nothing was changed, and nothing is said of the ledger; give the command again.", soft_wrap=True)
        return REFUSED
    return tell(verdict, every=chosen.newer)


async def _audit(anchor: Anchor | None) -> Verdict:
    async with open_store() as desk:
        return await verify(desk.ledger, anchor)


def tell(verdict: Verdict, *, every: bool) -> int:
    """Says what was found; the exit status. `every` lists all that is newer than the digest."""
    out, say = terminal.out(), complaints()
    out.print(f"{counted(verdict.chains, 'chain')}, {counted(verdict.records, 'record')}.")
    if verdict.anchor is not None and DIGEST not in verdict.faults:
        out.print(f"Digest {verdict.anchor.sequence} covers {counted(verdict.proved, 'record')}.")
        _tell_newer(out, verdict, every=every)
    for key, faults in verdict.faults.items():
        for fault in faults:
            say.print(f"{key}: {fault}", markup=False, emoji=False, soft_wrap=True)
    if verdict.faults:
        say.print(_judgement(verdict), markup=False, soft_wrap=True)
        return REFUSED
    if verdict.anchor is not None:
        out.print("Nothing that the digest covers was changed, removed or reordered, and what is newer is consistent.")
        return DONE
    if not verdict.chains:
        say.print("There is nothing in this ledger: is INVOICE_ACCESS_STORE the store that the app uses?")
        return REFUSED
    out.print("The chains are consistent in themselves. No digest was given, so nothing more was checked: whoever may")
    out.print("write to the store can rewrite a chain from its first record on. Give --digest to find that, too.")
    return DONE


def _judgement(verdict: Verdict) -> str:
    if verdict.anchor is not None and DIGEST in verdict.faults:
        return (
            "The chain of digests is not what it was, or the digest given is not of this ledger: nothing is proved by "
            "it. Check the digest, and try an earlier one."
        )
    wrong = sum(map(len, verdict.faults.values()))
    return f"{counted(wrong, 'fault')} in {counted(len(verdict.faults), 'chain')}."


def _tell_newer(out: Console, verdict: Verdict, *, every: bool) -> None:
    if not verdict.newer:
        out.print("Nothing is newer.")
        return
    records, unknown = sum(verdict.newer.values()), len(verdict.unknown)
    more = f", {unknown:,} of which it does not know" * bool(unknown)
    out.print(f"Newer than it, and covered by nothing: {counted(records, 'record')} in ", end="")
    out.print(f"{counted(len(verdict.newer), 'chain')}{more}.")
    for line in _lines(verdict, None if every else _SHOWN):
        out.print(f"  {line}")


def _lines(verdict: Verdict, most: int | None) -> Iterable[str]:
    newer = sorted(verdict.newer.items())
    for key, count in newer[:most]:
        yield f"{key}: {counted(count, 'record')}{', not in the digest' * (key in verdict.unknown)}"
    if most is not None and len(newer) > most:
        yield f"and {counted(len(newer) - most, 'chain')} more; --newer lists all"
