"""Two weeks at Contoso, for a sandbox to go on with: the real services lived them, in virtual time.

`python -m tests.simulation.two_weeks DIR` makes a directory with what `python -m sandbox up --state DIR` finds
there: the world as those days left it, and the store of ledger and state. Lives here: what happened, day by day. The
days end now, whatever day that is.
"""

import argparse
import asyncio
import json
import logging
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sandbox.contoso import contoso, names
from sandbox.keeping import KEPT_WORLD, document
from sandbox.settings import STANDARD_POLICY
from shared.domain.keys import ProfileKey
from shared.services.operate.decisions import list_holds, release
from tests.simulation.stage import Stage
from tests.simulation.virtual_time import VirtualLoop

DAYS: Final = 14

BACK_OFFICE: Final = tuple(f"b0a1d000-0000-4000-8000-{number:012d}" for number in (151, 175, 198))
"""Who is in Treasury Back Office, and so in Treasury."""

PROFILE_READER: Final = "40000000-aaaa-bbbb-cccc-100000000002"

UK: Final = ProfileKey(names.CONTOSO_ACCOUNT, names.CONTOSO_UK)
NEDERLAND: Final = ProfileKey(names.CONTOSO_ACCOUNT, names.CONTOSO_NEDERLAND)


class Unthreaded(VirtualLoop):
    """Virtual time in which what would go to a thread is done at once: a store that is a file keeps one."""

    def run_in_executor[*Ts, T](self, _: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        """Does it now."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as failure:  # noqa: BLE001 - whatever it is, whoever awaits it gets it
            done.set_exception(failure)
        return done


async def live(folder: Path, ends: datetime) -> None:
    """Lives the two weeks until `ends`, and leaves them in a directory."""
    stage = Stage(
        policy=STANDARD_POLICY.read_text(encoding="utf-8"),
        given=contoso(),
        start=ends - timedelta(days=DAYS),
        app=names.APP_OBJECT_ID,
        store=str(folder / "ledger.sqlite"),
    )
    try:
        await _first_day(stage)
        for day in range(1, DAYS):
            await _happens(stage, day)
            await stage.advance(hours=12)
            await stage.sweep()
            await stage.advance(hours=12)
            await stage.sweep()
        await stage.advance(to=ends - timedelta(minutes=2))
        await stage.sweep()
        await stage.run_until_quiet()
        kept = document(stage.world, stage.graph, stage.billing)
    finally:
        await stage.close()
    (folder / KEPT_WORLD).write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


async def _first_day(stage: Stage) -> None:
    """The first sweep wants more than a day's limit; an operator looks at it and lets it go."""
    await stage.sweep()
    await stage.advance(hours=1)
    listed = await list_holds(stage.app)
    await release(stage.app, None, names.FELIX_SMIT, listed, why="first day of enforcing")
    await stage.advance(hours=2)
    await stage.sweep()
    await stage.advance(hours=21)


async def _happens(stage: Stage, day: int) -> None:
    """What happens on a day, counted from the first sweep."""
    match day:
        case 2:
            sofie = _hire(stage, "Sofie Jansen", "Contoso Nederland")
            await stage.event_about(sofie)
        case 4:
            # Whoever audits is made a reader by hand: she gets the invoice by mail from now on.
            stage.give(UK, names.AUDITOR_GUEST, by=names.PORTAL_OBJECT_ID, role=PROFILE_READER)
        case 5:
            stage.change(names.JAN_VISSER, companyName="Contoso France")
            await stage.event_about(names.JAN_VISSER)
        case 7:
            addresses = ["invoices.nederland@contoso.example", "ap@contoso.example"]
            stage.set_profile(NEDERLAND, invoiceRecipients=addresses)
        case 8:
            left = stage.now.astimezone(UTC).replace(microsecond=0)
            stage.change(
                names.CLAIRE_MARTIN,
                accountEnabled=False,
                employeeLeaveDateTime=left.isoformat().replace("+00:00", "Z"),
            )
            await stage.event_about(names.CLAIRE_MARTIN)
        case 10:
            noor = _hire(stage, "Noor de Wit", "Contoso UK")
            await stage.event_about(noor)
        case 13:
            # Their team went to another company; the sweep wants more removals than a day has, and holds them all.
            for person in BACK_OFFICE:
                stage.leave(names.TREASURY_BACK_OFFICE, person)
        case _:
            pass


def _hire(stage: Stage, name: str, company: str) -> str:
    """A new accounts payable clerk; returns the object id."""
    given = name.lower().replace(" ", ".")
    address = f"{given}@contoso.example"
    hired = stage.call_graph(
        "POST",
        "/users",
        {
            "accountEnabled": True,
            "displayName": name,
            "mailNickname": given,
            "userPrincipalName": address,
            "mail": address,
            "passwordProfile": {"password": "Correct-Horse-1"},
            "department": "Finance",
            "jobTitle": "Accounts payable clerk",
            "companyName": company,
        },
    )
    return str(hired["id"])


def main(arguments: Sequence[str]) -> int:
    """Makes the directory; 0, or 2 where it is there already."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation.two_weeks", description="Two weeks at Contoso, for a sandbox to go on with."
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a directory to be made")
    folder: Path = parser.parse_args(arguments).folder
    if folder.exists():
        parser.exit(2, f"{parser.prog}: {folder} is there already; name a directory to be made\n")
    logging.disable(logging.WARNING)  # of days that are over
    making = folder.with_name(f"{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    with asyncio.Runner(loop_factory=Unthreaded) as runner:
        runner.run(live(making, datetime.now(UTC)))
    making.rename(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
