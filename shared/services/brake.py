"""Setting the brake where something is found that has to stop writes.

Lives here: one change of one row, for looks, sweeps and operators. What each cause stops is
`shared.domain.guards.brake`'s; what clears it is the sweep's (`sweep.trust`) and the operator's (`operate.decisions`).
"""

import asyncio
from dataclasses import replace
from typing import Final

from shared.domain.guards.brake import ENDED_BY_SWEEPS, MOST_SCOPES, Brake, BrakeCause, Pause, Setting
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import Everything
from shared.errors import Conflict, Transient
from shared.services.app import App, Desk

_TRIES: Final = 20
"""How often a row that all instances share is written anew over what others wrote meanwhile."""

_PAUSE_SECONDS: Final = 0.05


async def set_brake(app: Desk, pause: Pause, why: str, *, by: str, seen: int = 0) -> None:
    """Sets the brake for a cause where it was found. For the arguments see `Setting`.

    What stands already is renewed where a sweep may end it: one that began before this must not. What only a person
    ends stays as it was. A cause that stands for too many scopes stands everywhere.
    """
    asked = app.clock.now()
    for attempt in range(_TRIES):
        brake = await app.state.brake()
        now = app.clock.now()
        if pause not in brake.pauses and sum(one.cause is pause.cause for one in brake.pauses) >= MOST_SCOPES:
            pause = Pause(pause.cause)
        stands = brake.pauses.get(pause)
        if stands is None:
            setting = Setting(now, by, why, seen)
        elif pause.cause in ENDED_BY_SWEEPS and stands.found < asked:
            setting = replace(stands, by=by, why=why, seen=seen, renewed=now)
        else:
            return
        try:
            await app.state.put_brake(Brake({**brake.pauses, pause: setting}, brake.version))
        except Conflict:
            await asyncio.sleep(app.random.random() * _PAUSE_SECONDS * (attempt + 1))
        else:
            return
    raise Transient(f"the brake was written by others {_TRIES} times meanwhile")


async def role_lost(app: App, key: PersonKey | ProfileKey, account: str, why: str) -> None:
    """A look met the loss of our own billing role on an account: it is paused, where the policy writes at all.

    "" is no account in particular: then everything is.
    """
    if app.policy.enforce is not Everything.NONE:
        await set_brake(app, Pause(BrakeCause.ROLE_LOST, account), why, by=key.canonical)
