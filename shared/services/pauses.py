"""Setting the pause where something is found that has to stop writes.

Lives here: one change of one row, for checks, sweeps and operators. What each stops is
`shared.domain.guards.pauses`'s; what clears it is the sweep's (`sweep.trust`) and the operator's (`operate.decisions`).
"""

from dataclasses import replace

from shared.domain.guards.pauses import ENDED_BY_SWEEPS, MOST_SCOPES, Pause, PauseKind, Pauses, Setting
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import Everything
from shared.domain.reasons import Reason
from shared.services.app import App
from shared.services.shared_row import StoreOnly, change_row


async def set_pause(app: StoreOnly, pause: Pause, why: Reason, *, by: str, seen: int = 0) -> None:
    """Sets a pause. For the arguments see `Setting`.

    What stands already is renewed where a sweep may end it: one that began before this must not. What only a person
    ends stays as it was. Too many pauses of one kind become one everywhere.
    """
    asked = app.clock.now()

    def with_it(pauses: Pauses) -> Pauses:
        now, its = app.clock.now(), pause
        if its not in pauses.active and sum(one.kind is its.kind for one in pauses.active) >= MOST_SCOPES:
            its = Pause(its.kind)
        stands = pauses.active.get(its)
        if stands is None:
            setting = Setting(now, by, why, seen)
        elif its.kind in ENDED_BY_SWEEPS and stands.found < asked:
            setting = replace(stands, by=by, why=why, seen=seen, renewed=now)
        else:
            return pauses
        return replace(pauses, active={**pauses.active, its: setting})

    await change_row(app, "the pause", app.state.pauses, with_it, app.state.put_pauses)


async def role_lost(app: App, key: PersonKey | ProfileKey, account: str, why: Reason) -> None:
    """A check met the loss of our own billing role on an account: it is paused, where the policy writes at all.

    "" is no account in particular: then everything is.
    """
    if app.policy.enforce is not Everything.NONE:
        await set_pause(app, Pause(PauseKind.ROLE_LOST, account), why, by=key.canonical)
