"""The story's bad days: what goes wrong with Azure or the app, and what has to be true once that is over.

Lives here: steps after which everything must be as if nothing had happened. What people do is `story`'s.
"""

import asyncio
import os
import signal
from collections.abc import Collection
from typing import Final

from sandbox.contoso import names
from sandbox.demo.office import Office, Somebody
from sandbox.demo.story import Seen
from sandbox.faults import Effect, Rule

BURST: Final = 20
"""How many people are hired in the burst in which the app is killed."""

OUTAGE_SECONDS: Final = 6.0
"""How long the identity endpoint is down: some minutes in a story that takes one."""


async def identity_outage(office: Office, seen: Seen) -> None:
    """The app starts while nobody gives it a token: events wait, none is lost, and work goes on by itself."""
    down = office.sandbox.rules.lay(Rule(target="identity", effect=Effect(status=500)))
    await office.restart()
    people = [await office.hire(f"Patient {name}", "Contoso France") for name in ("Adams", "Baker", "Cole")]
    for person in people:
        await office.announce(f"id:{person.object_id}", "hired")
    await asyncio.sleep(OUTAGE_SECONDS)
    meanwhile = await _granted(office, people, names.CONTOSO_FRANCE)
    office.sandbox.rules.lift(down.id)
    held = await office.until(
        lambda: _granted(office, people, names.CONTOSO_FRANCE), lambda count: count == len(people)
    )
    seen.say(
        f"The identity endpoint was down for {OUTAGE_SECONDS:.0f} s while the app started anew; {len(people)} people "
        "were hired meanwhile. Their events waited, and were worked on once it was back."
    )
    seen.check("requests for a token failed", expected=True, observed=down.hits > 0)
    seen.check("nothing could be given meanwhile", 0, meanwhile)
    seen.check("all of them have access", len(people), held)
    seen.check("dead letters", 0, await office.dead_letters())


async def killed_in_a_burst(office: Office, seen: Seen) -> None:
    """SIGKILL in the middle: nothing lost, nothing done twice."""
    people = [await office.hire(f"Burst {n:02d}", "Contoso Deutschland") for n in range(1, BURST + 1)]
    before = await office.status()
    for person in people:
        await office.announce(f"id:{person.object_id}", "hired")

    async def granted() -> int:
        return await _granted(office, people, names.CONTOSO_DEUTSCHLAND)

    at_kill = await office.until(granted, lambda count: count >= 3)  # noqa: PLR2004 - some, by no means all
    os.kill(before["workerPid"], signal.SIGKILL)
    held = await office.until(granted, lambda count: count == len(people))
    # The last write may be under way when the app dies: everybody has access before the host notices.
    after = await office.until(office.status, lambda status: status["restarts"] > before["restarts"])
    seen.say(f"{len(people)} people were hired at once; the app was killed when {at_kill} of them had access.")
    seen.say(f"The host started it again (process {before['workerPid']}, then {after['workerPid']}); nobody was lost.")
    seen.check("all of them have access", len(people), held)
    seen.check("restarts", before["restarts"] + 1, after["restarts"])


async def _granted(office: Office, people: Collection[Somebody], profile: str) -> int:
    """How many of these people are Invoice manager there."""
    ids = {person.object_id for person in people}
    return sum(row.properties.principal_id in ids for row in await office.assignments(profile))
