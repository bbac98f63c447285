"""Setting the brake where something is found that has to stop writes.

Lives here: one change of one row, for looks, sweeps and operators. What each cause stops is
`shared.domain.guards.brake`'s; what clears it is the sweep's (`sweep.trust`) and the operator's (`operate.decisions`).
"""

from dataclasses import replace

from shared.domain.guards.brake import ENDED_BY_SWEEPS, MOST_SCOPES, Brake, BrakeCause, Pause, Setting
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import Everything
from shared.services.app import App, Desk
from shared.services.shared_row import change_row


async def set_brake(app: Desk, pause: Pause, why: str, *, by: str, seen: int = 0) -> None:
    """Sets the brake for a cause where it was found. For the arguments see `Setting`.

    What stands already is renewed where a sweep may end it: one that began before this must not. What only a person
    ends stays as it was. A cause that stands for too many scopes stands everywhere.
    """
    asked = app.clock.now()

    def with_it(brake: Brake) -> Brake:
        now, its = app.clock.now(), pause
        if its not in brake.pauses and sum(one.cause is its.cause for one in brake.pauses) >= MOST_SCOPES:
            its = Pause(its.cause)
        stands = brake.pauses.get(its)
        if stands is None:
            setting = Setting(now, by, why, seen)
        elif its.cause in ENDED_BY_SWEEPS and stands.found < asked:
            setting = replace(stands, by=by, why=why, seen=seen, renewed=now)
        else:
            return brake
        return replace(brake, pauses={**brake.pauses, its: setting})

    await change_row(app, "the brake", app.state.brake, with_it, app.state.put_brake)


async def role_lost(app: App, key: PersonKey | ProfileKey, account: str, why: str) -> None:
    """A look met the loss of our own billing role on an account: it is paused, where the policy writes at all.

    "" is no account in particular: then everything is.
    """
    if app.policy.enforce is not Everything.NONE:
        await set_brake(app, Pause(BrakeCause.ROLE_LOST, account), why, by=key.canonical)
