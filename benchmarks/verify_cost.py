"""What an audit of the whole ledger costs: 100,000 records in 2,000 chains on SQLite, CPU and wall seconds.

Run it with `python -m benchmarks.verify_cost`. The aim is at most 5 s of CPU. In the same run each record is also
read as any reader reads it and its digest spelled anew, which is how an audit would do it plainly: the ratio of the
two says what the audit's shorter way is worth, whatever else the machine is doing.
"""

import asyncio
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks.figures import Figure, show
from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.ledger_rows import (
    FIRST_PREVIOUS,
    HEAD,
    RECORD,
    body_text,
    head_body,
    partition_of,
    signed,
)
from shared.adapters.store.rows import Insert
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.domain.access.ownership import OwnershipBasis
from shared.domain.access.plan import Employment, Note, NoteKind
from shared.domain.history.checks import CheckBody, ManagedRow, Told
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from shared.domain.work import Cause, CauseKind
from shared.services.ledger_audit import verify

CHAINS: Final = 2_000
RECORDS: Final = 50
MOST_SECONDS: Final = 5.0
AT: Final = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
_ACCOUNT: Final = "5f1c3d2e-1111-4222-8333-0123456789ab:6a2b4c8d-4444-4555-8666-abcdef012345_2019-05-31"


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall seconds of something."""

    cpu: float
    wall: float


def check(number: int) -> CheckBody:
    """The body of a check that changed nothing, some 600 characters of canonical JSON."""
    profile = ProfileKey(_ACCOUNT, f"P{number % 50:03}-BCDE-BG7-PGB")
    told = Told(
        employment=Employment.EMPLOYED,
        held={profile: ManagedRow(OwnershipBasis.CREATED_BY, ("own-company",), AT - timedelta(days=28))},
        notes=(Note(NoteKind.ALREADY_RECEIVES, Code.ALREADY_RECEIVES(role="Billing profile reader"), profile),),
        read=(profile,),
        why=Code.EMPLOYED(),
    )
    cause = Cause(CauseKind.EVENT, f"/hr#{number}", "com.contoso.hr.person.changed")
    return CheckBody.of(told, cause, Outcome.UNCHANGED, 0, ())


async def build(rows: SqliteRows, chains: int, records: int) -> None:
    """Fills a store as the ledger would, a chain at a time: an append each would be a minute of fsync."""
    for chain in range(chains):
        key, previous = f"person:7c0f5a0e-0000-4000-8000-{chain:012}", FIRST_PREVIOUS
        inserts = []
        for sequence in range(1, records + 1):
            at, body = AT + timedelta(minutes=sequence), body_text(check(chain * records + sequence))
            text, previous = signed(key, sequence, at, "check", body, previous)
            inserts.append(Insert(f"{RECORD}{sequence:012}", text))
        await rows.write(partition_of(key), *inserts, Insert(HEAD, head_body(key, records, previous)))
        await rows.write("ledger-keys", Insert(f"key:{key}", {"key": key}))


async def measure(path: Path, chains: int = CHAINS, records: int = RECORDS) -> tuple[Cost, Cost]:
    """What an audit costs, and what reading every record and spelling its digest anew does."""
    rows = SqliteRows(path)
    ledger = RowsLedger(rows)
    await build(rows, chains, records)

    cpu, wall = time.process_time(), time.perf_counter()
    verdict = await verify(ledger)
    audit = Cost(time.process_time() - cpu, time.perf_counter() - wall)
    assert (verdict.faults, verdict.records) == ({}, chains * records), "the ledger was not built as it is written"

    cpu, wall, fitting = time.process_time(), time.perf_counter(), 0
    async for key in ledger.keys():
        async for one in ledger.read(key):
            _, digest = signed(one.key, one.sequence, one.at, one.kind, body_text(one.body), one.previous)
            fitting += digest == one.digest
    plainly = Cost(time.process_time() - cpu, time.perf_counter() - wall)
    assert fitting == chains * records
    await rows.close()
    return audit, plainly


async def figures(path: Path) -> list[Figure]:
    """The audit's figures, with their target."""
    audit, plainly = await measure(path)
    return [
        Figure("an audit of 100,000 records in 2,000 chains: CPU", audit.cpu, "s", MOST_SECONDS),
        Figure("the same: wall", audit.wall, "s"),
        Figure("its CPU, of reading each record and spelling its digest", audit.cpu / plainly.cpu, "x"),
    ]


async def main() -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as folder:
        show("The audit of the ledger on SQLite", await figures(Path(folder) / "rows.sqlite"))


if __name__ == "__main__":
    asyncio.run(main())
