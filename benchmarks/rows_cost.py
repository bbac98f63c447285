"""What ledger and state cost an event: CPU and wall milliseconds per call, on SQLite in a file and in memory.

Run it with `python -m benchmarks.rows_cost`. The aim is at most 3 ms of CPU for all of an event's calls together.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.figures import Figure
from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.access.ownership import OwnershipBasis
from shared.domain.access.plan import Employment, StoppedBy
from shared.domain.billing import BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.daily_limits import Reservations, reserve
from shared.domain.guards.holds import Hold, KeyHolds, action_id
from shared.domain.history.checks import CheckBody, ManagedRow, Told
from shared.domain.history.records import IntendedGrant, IntentBody, Mode
from shared.domain.keys import NameKind, PersonKey, ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from shared.domain.remembered import Holding, PersonState
from shared.domain.work import Cause, CauseKind
from shared.ports import Stored

EVENTS = 300
UNCHANGED = "all calls of an unchanged event"
GRANTING = "all calls of an event that grants, guards included"
GRANTS = 50
MOST_MS = 3.0
AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
PROFILES = [ProfileKey("5f1c3d2e-1111-4222-8333-0123456789ab_2019-05-31", f"P{n}") for n in range(2000)]
CHECK = CheckBody.of(
    Told(
        employment=Employment.EMPLOYED,
        why=Code.EMPLOYED(),
        read=tuple(PROFILES[:4]),
        held={key: ManagedRow(OwnershipBasis.CREATED_BY, ("finance-nl",), AT) for key in PROFILES[:4]},
    ),
    Cause(CauseKind.EVENT, "hr#1", "com.contoso.hr.changed"),
    Outcome.UNCHANGED,
    0,
    (),
)
INTENT = IntentBody(
    tuple(
        IntendedGrant(
            "grant", key, Mode.ENFORCE, Code.GIVEN_BY(rules=("finance-nl",)), ("finance-nl",), found_nothing=True
        )
        for key in PROFILES[:4]
    )
)
CATALOGUE = Catalogue(
    AT, (), tuple(BillingProfile(key, "Contoso Nederland", "Active", True, {"company": "NL"}) for key in PROFILES)
)
LEAVER = PersonKey("7c0f5a0e-0000-4000-8000-00000000000a")
HOLDS = KeyHolds(
    LEAVER,
    {
        id_: Hold(
            id=id_,
            key=LEAVER,
            kind=ActionKind.LEAVER_REVOKES,
            profile=profile,
            basis=Code.LEAVE_DATE_PAST(left=AT.isoformat()),
            why=Code.DAILY_LIMIT_USED_UP(kind="leaver_revokes", most=10),
            stopped_by=StoppedBy.DAILY_LIMIT,
            since=AT + timedelta(microseconds=997 * number),
            renewed=AT + timedelta(microseconds=1009 * number),
            group="daily_limit:leaver_revokes",
        )
        for number, profile in enumerate(PROFILES)
        for id_ in [action_id(LEAVER, ActionKind.LEAVER_REVOKES, profile)]
    },
)


async def measure(path: Path | str) -> dict[str, tuple[float, float]]:
    """CPU and wall milliseconds per call, by what was called."""
    rows = SqliteRows(path)
    ledger, state = RowsLedger(rows), RowsState(rows)
    people = [f"7c0f5a0e-0000-4000-8000-{number:012}" for number in range(EVENTS)]
    stored: dict[str, Stored[PersonState]] = {}
    found: dict[str, tuple[float, float]] = {}

    async def time_of(what: str, call: Callable[[str], Awaitable[object]], count: int = EVENTS) -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        for person in people[:count]:
            await call(person)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        found[what] = (1000 * cpu / count, 1000 * wall / count)

    async def append(person: str) -> None:
        chain = await ledger.open(f"person:{person}")
        await chain.append(AT, CHECK)

    async def put_new(person: str) -> None:
        holdings = {key: Holding(("finance-nl",), AT) for key in PROFILES[:4]}
        names = {NameKind.UPN: f"{person}@contoso.com", NameKind.MAIL: f"{person}@contoso.com"}
        stored[person] = await state.put_person(Stored(PersonState(person, holdings, names=names)))

    async def put_again(person: str) -> None:
        row = stored[person]
        await state.put_person(row.becoming(replace(row.value, sightings={"out of scope": AT})))

    async def unchanged_event(person: str) -> None:
        await state.catalogue()
        await state.person(person)
        await state.key_holds(PersonKey(person))
        await append(person)

    await time_of("ledger: open and append", append)
    await time_of("state: put a new person with two names", put_new)
    await time_of("state: put a person again", put_again)
    await time_of("state: person", state.person)
    await time_of("state: put a catalogue of 2,000 profiles", lambda _: state.put_catalogue(CATALOGUE), 1)
    await time_of("state: catalogue, read anew", lambda _: state.catalogue(), 1)
    await time_of("state: put 2,000 holds of a leaver", lambda _: state.put_key_holds(Stored(HOLDS)), 1)
    await time_of("state: 2,000 holds of a leaver", lambda _: state.key_holds(HOLDS.key), 10)
    await time_of(UNCHANGED, unchanged_event)
    await _fill_daily_limit(state)
    await time_of(GRANTING, lambda person: _granting_event(state, ledger, person), GRANTS)
    await rows.close()
    return found


async def _fill_daily_limit(state: RowsState) -> None:
    await state.put_baseline(Stored(Baseline(AT, 2000, 400, 2000, "digest", {"finance-nl": "digest"})))
    full = {f"{number:016x}": AT for number in range(50)}
    await state.put_reservations(Stored(Reservations(ActionKind.GRANTS, full)))


async def _granting_event(state: RowsState, ledger: RowsLedger, person: str) -> None:
    await state.catalogue()
    chain = await ledger.open(f"person:{person}")
    before = await state.person(person)
    await state.key_holds(PersonKey(person))
    await state.pauses()
    await state.baseline()
    row = await state.reservations(ActionKind.GRANTS)
    reserved = reserve(row.value, person[:16], 500, AT)
    assert reserved is not None
    await state.put_reservations(row.becoming(reserved))
    await chain.append(AT, INTENT)
    await state.put_person(before.becoming(replace(before.value, holdings={PROFILES[0]: Holding(("nl",), AT)})))
    await state.pauses()
    await chain.append(AT, CHECK)


async def figures(path: Path) -> list[Figure]:
    """The figures of a database in a file; the last two have a target."""
    return [
        Figure(f"{what}: CPU", cpu, "ms", MOST_MS if what in {UNCHANGED, GRANTING} else None)
        for what, (cpu, _) in (await measure(path)).items()
    ]


async def main() -> None:
    """Prints the figures."""
    with tempfile.TemporaryDirectory() as folder:
        for path in (Path(folder) / "rows.sqlite", IN_MEMORY):
            print(f"SQLite, {'in memory' if path == IN_MEMORY else 'in a file'}")
            for what, (cpu, wall) in (await measure(path)).items():
                print(f"  {what:45} {cpu:8.2f} ms CPU {wall:8.2f} ms")


if __name__ == "__main__":
    asyncio.run(main())
