"""What one version of the app costs, printed as one line of JSON: run by `versions` in the checkout of each.

`python one_version.py FIGURE`, with the version's checkout as the folder and on PYTHONPATH. It is one file, and uses
only what versions have in common. The figures are CPU of the one process that matters, or virtual seconds; each of
them asserts how what it measures ended.
"""

import asyncio
import inspect
import json
import logging
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, Final, cast

from benchmarks import running_app
from sandbox.faults import Effect
from sandbox.settings import Options
from shared.domain.access.ownership import prove
from shared.domain.billing import INVOICE_MANAGER, Assignment, BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.domain.policy.load import load_policy
from shared.domain.work import CauseKind
from shared.services.catalogue import CatalogueStore
from shared.services.estate import Estate, read_estate
from shared.services.sweep.drift import find_drift
from tests.simulation import small_world
from tests.simulation.stage import Stage
from tests.simulation.virtual_time import VirtualLoop

PEOPLE: Final = 2000
PROFILES: Final = 2000

TURNS: Final = 12
"""How often an HTTP answer waits for the event loop: for the request, for the queue's link, and on the way back."""

CHECKS: Final = 200
EVENTS: Final = 250
BURSTS: Final = 2
SWEPT: Final = 1000
SWEEPS: Final = 5

SINGLES: Final = 100
SETTLE_SECONDS: Final = 20

FIRST: Final = 200
"""People of whom the first events of all are, of 32 sessions' worth."""

NOW: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)
US: Final = "bbbbbbbb-0000-4000-8000-000000000001"
MANY_RULES: Final = """
version: 1
accounts: all
enforce: all
rules:
  - { name: own-company, who: "jobTitle in ('Clerk', 'Controller')", profiles: [{ tag: { company: "{companyName}" } }] }
  - { name: by-name, who: "department eq 'Finance'", profiles: [{ name: "{companyName}" }] }
  - { name: sevens, who: "companyName eq 'Company 7'", profiles: [{ name: "Company 7*" }] }
  - { name: treasury, member_of: [aaaaaaaa-0000-4000-8000-000000000001], profiles: all }
"""


# -- a sweep decides


def decide() -> dict[str, Any]:
    """CPU seconds of a sweep's decision, and how long HTTP answers wait meanwhile, in CPU milliseconds."""
    app, estate, held = _estate()
    waited: list[float] = []

    async def answers() -> None:
        while True:
            begun = time.process_time()
            for _ in range(TURNS):
                await asyncio.sleep(0)
            waited.append(1000 * (time.process_time() - begun))

    async def run() -> Any:
        asking = asyncio.create_task(answers())
        await asyncio.sleep(0)
        found: Any = find_drift(app, estate, held)
        drift = await found if inspect.isawaitable(found) else found
        for _ in range(TURNS + 1):
            await asyncio.sleep(0)
        asking.cancel()
        return drift

    begun = time.process_time()
    drift = asyncio.run(run())
    seconds = time.process_time() - begun
    waited.sort()
    assert drift.kinds == {"missing": PEOPLE // 10 + 1, "no-longer-given": PEOPLE // 10}, drift.kinds
    return {
        "seconds": seconds,
        "p99": waited[int(0.99 * len(waited))],
        "drifts": sum(drift.kinds.values()),
    }


def _estate() -> tuple[Any, Estate, dict[str, Any]]:
    """People who each have a company, profiles that are each one company's; one person in ten holds another's."""
    policy = load_policy(MANY_RULES, "policy.yaml")
    keys = [ProfileKey(f"account{number % 3}", f"P{number:05}") for number in range(PROFILES)]
    profiles = tuple(
        BillingProfile(key, f"Company {number}", "Active", True, {"company": f"Company {number}"})
        for number, key in enumerate(keys)
    )
    accounts = tuple(BillingAccount(f"account{n}", "Contoso", "MicrosoftCustomerAgreement", "Active") for n in range(3))
    rows: dict[ProfileKey, tuple[Assignment, ...]] = dict.fromkeys(keys, ())
    held: dict[str, Any] = {}
    people = [_person(number) for number in range(PEOPLE)]
    for number, person in enumerate(people):
        key = keys[(number if number % 10 else number + 1) % PROFILES]
        name = f"{INVOICE_MANAGER}_{person.object_id}"
        row = Assignment(key, name, INVOICE_MANAGER, person.object_id, "User", US, NOW)
        rows[key] = (*rows[key], row)
        held[person.object_id] = [prove(row, identities={US}, rules=frozenset({"own-company"}))]
    owners = {key: {f"{number:08x}-0000-4000-8000-00000000000a": "owner"} for number, key in enumerate(keys)}
    catalogue = Catalogue(NOW, accounts, profiles, owners, policy.digest, {})
    nothing = cast("Any", None)
    app = SimpleNamespace(
        policy=policy,
        settings=SimpleNamespace(settle=timedelta(seconds=300), sweep_hours=1),
        catalogues=CatalogueStore(nothing, nothing, policy, timedelta(hours=3)),
    )
    return app, Estate(NOW, catalogue, people={one.object_id: one for one in people}, rows=rows), held


def _person(number: int) -> Person:
    own = {"jobTitle": "Clerk", "department": "Finance", "companyName": f"Company {number % PROFILES}"}
    names = {"userPrincipalName": f"u{number}@contoso.example", "mail": f"u{number}@contoso.example"}
    known: dict[str, str | None] = {**dict.fromkeys(TEXT_ATTRIBUTES), **own, **names}
    return Person(f"{number:08x}-0000-4000-8000-000000000009", True, "Member", None, None, known)


# -- virtual time


def lists() -> dict[str, Any]:
    """Virtual seconds in which a sweep reads the estate of 500 profiles, at two latencies of ARM."""
    given = small_world.world()
    [pattern] = [one for one in given["billingAccounts"][0]["billingProfiles"] if one["name"] == "HOLDING-BG7"]
    given["billingAccounts"][0]["billingProfiles"] += [{**pattern, "name": f"P{number:03}"} for number in range(497)]

    async def read(latency: float) -> float:
        stage = Stage(given=given)
        stage.fault("arm", Effect(delay_seconds=latency))
        before = stage.now
        estate = await read_estate(stage.app)
        assert not estate.failures, estate.failures
        assert len(estate.rows) == 501
        took = (stage.now - before).total_seconds()
        await stage.close()
        return took

    return {"ms80": _virtually(read(0.08)), "ms300": _virtually(read(0.3))}


class _SlowRows:
    """A store of which every call takes its time."""

    def __init__(self, behind: Any, seconds: float) -> None:
        self._behind = behind
        self._seconds = seconds

    async def get(self, *of: Any) -> Any:
        await asyncio.sleep(self._seconds)
        return await self._behind.get(*of)

    async def write(self, *of: Any) -> Any:
        await asyncio.sleep(self._seconds)
        return await self._behind.write(*of)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._behind, name)


def check() -> dict[str, Any]:
    """Virtual milliseconds of an unchanged check: 80 for a call of Graph and ARM, 30 for one of the store."""

    async def checked() -> float:
        stage: Any = Stage()
        await stage.settle()
        stage.state_rows = _SlowRows(stage.state_rows, 0.03)
        stage.ledger_rows = _SlowRows(stage.ledger_rows, 0.03)
        stage.restart()
        stage.fault("arm", Effect(delay_seconds=0.08))
        stage.fault("graph", Effect(delay_seconds=0.08))
        took = 0.0
        for _ in range(2):  # the catalogue is at hand at the second
            before = stage.now
            outcome = await stage.check(PersonKey(small_world.FEMKE), CauseKind.SETTLE)
            assert outcome == "unchanged", outcome
            took = (stage.now - before).total_seconds()
        await stage.close()
        return 1000 * took

    return {"ms": _virtually(checked())}


def checks() -> dict[str, Any]:
    """CPU milliseconds of a check that changes nothing, by how many profiles there are, with the stand-ins' part."""

    async def checked(profiles: int) -> float:
        given = small_world.world()
        [pattern] = [one for one in given["billingAccounts"][0]["billingProfiles"] if one["name"] == "HOLDING-BG7"]
        given["billingAccounts"][0]["billingProfiles"] += [{**pattern, "name": f"P{n:04}"} for n in range(profiles - 4)]
        stage: Any = Stage(given=given)
        took: list[float] = []
        for number in range(CHECKS + 10):
            begun = time.process_time()
            outcome = await stage.check(PersonKey(small_world.FEMKE), CauseKind.SETTLE)
            took.append(1000 * (time.process_time() - begun))
            assert outcome == ("unchanged" if number else "done"), outcome
        await stage.close()
        return sorted(took[10:])[CHECKS // 10]  # of the quickest tenth: on a busy machine the others are its own doing

    return {"few": _virtually(checked(12)), "many": _virtually(checked(PROFILES))}


def _virtually[T](work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


# -- the app in its worker


def events() -> dict[str, Any]:
    """CPU milliseconds of the worker for each event about somebody who holds what they should, and what follows."""
    return asyncio.run(_events())


async def _events() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        no_sweep = f"0 0 {(datetime.now(UTC).hour + 12) % 24} * * *"
        more = {
            "INVOICE_ACCESS_SETTLE_SECONDS": str(SETTLE_SECONDS),
            "INVOICE_ACCESS_COALESCE_SECONDS": "1",
            "SWEEP_SCHEDULE": no_sweep,
        }
        async with _app(Path(folder), EVENTS, settings=more) as (app, people):
            await app.handle(people)  # grants, and warms up
            async with asyncio.timeout(running_app.PATIENCE_SECONDS):
                while _done(Path(folder)) < len(people):  # noqa: ASYNC110 - some were put off, and another process does it
                    await asyncio.sleep(1)
            await app.handle(people)
            await _second_checks(app, len(people))
            app.requests()
            bursts, seconds = [], []
            for _ in range(BURSTS):
                bursts.append(await _cpu_ms(app, lambda: app.handle(people), len(people)))
                seconds.append(await _second_checks(app, len(people)))
            requests = app.requests()
            singles = await _cpu_ms(app, lambda: _one_by_one(app, people[:SINGLES]), SINGLES)
            await _second_checks(app, SINGLES)
            peak = app.spent().peak_bytes
            outcomes = _outcomes(Path(folder))
    checks = (1 + BURSTS) * len(people) + SINGLES
    unchanged = outcomes["event", "unchanged"], outcomes["settle", "unchanged"]
    assert unchanged == (checks, checks), outcomes
    of_bursts = 2 * BURSTS * len(people)
    graph = sum(count for call, count in requests.items() if "/v1.0/" in call)
    billing = sum(count for call, count in requests.items() if "/Microsoft.Billing/" in call)
    return {
        "burst": median(bursts),
        "second": median(seconds),
        "single": singles,
        "megabytes": peak / 2**20,
        "graph": graph / of_bursts,
        "billing": billing / of_bursts,
    }


def swept() -> dict[str, Any]:
    """CPU seconds of the worker for a sweep of an estate that matches, where everybody has one profile."""
    return asyncio.run(_swept())


async def _swept() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        no_sweep = f"0 0 {(datetime.now(UTC).hour + 12) % 24} * * *"
        async with _app(Path(folder), SWEPT, settings={"SWEEP_SCHEDULE": no_sweep}) as (app, people):
            await app.handle(people)
            async with asyncio.timeout(running_app.PATIENCE_SECONDS):
                while _done(Path(folder)) < len(people):  # noqa: ASYNC110 - some were put off, and another process does it
                    await asyncio.sleep(1)
            await app.sweep()
            await app.rest()
            spent = []
            for _ in range(SWEEPS):
                spent.append(await _cpu_ms(app, app.sweep, 1) / 1000)
                await app.rest()
            peak = app.spent().peak_bytes
            held = _outcomes(Path(folder))
    assert held["event", "done"] == len(people), held
    return {"seconds": median(spent), "megabytes": peak / 2**20}


async def _second_checks(app: Any, count: int) -> float:
    """Waits for the second checks of as many events; CPU milliseconds of each, without the wait for them."""
    done = app._runs("reconcile") + count  # noqa: SLF001 - versions have no other name for it in common
    await asyncio.sleep(SETTLE_SECONDS / 2)
    return await _cpu_ms(app, lambda: app._until(lambda: app._runs("reconcile") >= done and not app._busy()), count)  # noqa: SLF001


def cold() -> dict[str, Any]:
    """The first events of all, with no catalogue stored: how often accounts are listed, and how checks end."""
    return asyncio.run(_cold())


async def _cold() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        async with _app(Path(folder), FIRST, latency_seconds={"arm": 0.1, "graph": 0.05}) as (app, people):
            app.requests()
            await app.handle(people)
            await app.rest()
            requests = app.requests()
        outcomes = _outcomes(Path(folder))
    listed = sum(count for call, count in requests.items() if call.endswith("/Microsoft.Billing/billingAccounts"))
    # Whoever loses a conflict leaves no record: the check that comes in its place does.
    assert outcomes.keys() <= {("event", "done"), ("event", "retry"), ("retry", "done")}, outcomes
    return {"listed": listed, "retries": len(people) - outcomes["event", "done"]}


async def _cpu_ms(app: Any, work: Callable[[], Any], count: int) -> float:
    before = app.spent().cpu_seconds
    await work()
    return float(1000 * (app.spent().cpu_seconds - before) / count)


async def _one_by_one(app: Any, people: Sequence[str]) -> None:
    for person in people:
        await app.handle([person])


def _app(folder: Path, clerks: int, *, settings: Any = None, **options: Any) -> Any:
    """The app at Contoso with so many more clerks, under limits that let everybody be given everything."""
    policy = folder / "ample.yaml"
    limits = "daily_limits: { grants: 100000/100000/100 %, profile_updates: 1000/1000/100 % }"
    policy.write_text(f"{Path('sandbox/contoso-policy.yaml').read_text()}\n{limits}\n")

    def chosen(**given: Any) -> Options:
        merged = {**given["settings"], **(settings or {})}
        return Options(**{**given, "settings": merged, "policy": policy, **options})

    cast("Any", running_app).Options = chosen
    return running_app.app_at_contoso(folder, clerks=clerks)


def _outcomes(folder: Path) -> Counter[tuple[str, str]]:
    """How checks ended, by cause, as the ledger has it."""
    found: Counter[tuple[str, str]] = Counter()
    for store in folder.rglob("*.sqlite"):
        with sqlite3.connect(store) as rows:
            for (text,) in rows.execute("SELECT body FROM rows"):
                row = json.loads(text)
                body = row.get("body", row) if isinstance(row, dict) else {}
                if isinstance(body, dict) and "cause" in body and "outcome" in body:
                    found[str(body["cause"]), str(body["outcome"])] += 1
    return found


def _done(folder: Path) -> int:
    return sum(count for (_, outcome), count in _outcomes(folder).items() if outcome == "done")


FIGURES: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "decide": decide,
    "lists": lists,
    "check": check,
    "cold": cold,
    "checks": checks,
    "events": events,
    "swept": swept,
}

if __name__ == "__main__":
    logging.disable(logging.ERROR)
    print(json.dumps(FIGURES[sys.argv[1]]()))
