"""How far a sweep can be trusted, and the brake that it sets where it cannot.

Lives here: comparing what a sweep counted with what the last good one did, setting and clearing the brake for it, and
storing what later sweeps and budgets are measured by. What a sweep holds is `sweep_guards`'.
"""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.domain.brake import Brake, BrakeCause
from shared.domain.policy import Everything
from shared.domain.policy_file import rule_digests
from shared.errors import AccessLost, Conflict, InvoiceAccessError, Transient
from shared.ports import Baseline
from shared.services.announced import SWEEP_ORIGIN
from shared.services.app import App
from shared.services.estate import Estate
from shared.services.guards import set_brake

_TRIES: Final = 5
"""How often the brake is written anew over what looks and operators wrote meanwhile."""

_PAUSE_SECONDS: Final = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a sweep can be trusted, by what it counted and what the last good one did.

    `counted` is the baseline that it becomes if it is good. `shrank` says how far the population shrank, None where
    it did not, or nobody knows what it was.
    """

    sweep_id: str
    started: datetime
    complete: bool
    counted: Baseline
    before: Baseline | None
    shrank: str | None

    @property
    def is_good(self) -> bool:
        """Whether later sweeps may be measured by it."""
        return self.complete and self.shrank is None

    @property
    def is_first_of_policy(self) -> bool:
        """Whether no good sweep has seen this policy yet."""
        return self.before is None or self.before.policy_digest != self.counted.policy_digest


async def brake_for_failure(app: App, sweep_id: str, failure: InvoiceAccessError) -> None:
    """Sets the brake for a sweep that cannot be finished at all.

    Where that fails as well it is said in the log: what failed first is what there is to raise.
    """
    causes = {BrakeCause.INCOMPLETE_SWEEP: f"a sweep failed: {failure}"}
    if isinstance(failure, AccessLost):
        causes |= _role_lost(app, str(failure))
    try:
        for cause, why in causes.items():
            await set_brake(app, cause, why, by=_by(sweep_id), by_sweep=True)
    except InvoiceAccessError as unset:
        _log.error("sweep %s: the brake could not be set: %s", sweep_id, unset)
    else:
        _log.warning("sweep %s: set the brake: %s", sweep_id, "; ".join(causes.values()))


async def stand(app: App, sweep_id: str, started: datetime, estate: Estate, ours: int) -> Standing:
    """Says how far a sweep can be trusted, and sets the brake where it cannot. `ours` counts our assignments."""
    now_counted = Baseline(
        at=started,
        ours=ours,
        profiles=len(estate.catalogue.profiles),
        population=len(estate.people),
        policy_digest=app.policy.digest,
        rules=rule_digests(app.policy),
    )
    before = await app.state.baseline()
    complete = not estate.failures
    shrank = _shrank(app, before, now_counted) if complete else None
    causes: dict[BrakeCause, str] = {}
    if not complete:
        more = len(estate.failures) - 1
        causes[BrakeCause.INCOMPLETE_SWEEP] = estate.failures[0] + (f"; and {more} more" if more else "")
    if estate.role_lost:
        causes |= _role_lost(app, estate.role_lost[0])
    if shrank is not None:
        causes[BrakeCause.POPULATION_SHRANK] = shrank
    for cause, why in causes.items():
        await set_brake(app, cause, why, by=_by(sweep_id), by_sweep=True)
    if causes:
        _log.warning("sweep %s: the brake is on: %s", sweep_id, "; ".join(f"{c.value}: {w}" for c, w in causes.items()))
    return Standing(sweep_id, started, complete, now_counted, before, shrank)


def _role_lost(app: App, why: str) -> dict[BrakeCause, str]:
    """The loss of our role, where the policy writes at all: only then there is something to stop."""
    return {BrakeCause.ROLE_LOST: why} if app.policy.enforce is not Everything.NONE else {}


def _by(sweep_id: str) -> str:
    return f"{SWEEP_ORIGIN}{sweep_id}"


def _shrank(app: App, before: Baseline | None, now: Baseline) -> str | None:
    """How far the population shrank since the last good sweep under the same policy, where that is too far.

    Nothing shrinks from 0, which is what a population is that nobody knows: an operator has accepted what comes.
    """
    if before is None or before.policy_digest != now.policy_digest:
        return None
    gone = before.population - now.population
    settings = app.settings
    is_too_far = gone * 100 > settings.population_shrink_percent * before.population
    if not is_too_far or gone < settings.population_shrink_people:
        return None
    return (
        f"{now.population} people match the rules' filters and groups; at the last good sweep, of "
        f"{before.at:%Y-%m-%d %H:%M} UTC, it was {before.population}"
    )


async def settle(app: App, standing: Standing) -> Brake:
    """Keeps what a good sweep counted, and clears what sweeps set the brake for once its cause is gone.

    To be called once holds and catalogue are stored. Returns the brake as it is then.
    """
    if standing.is_good:
        await app.state.put_baseline(standing.counted)
    gone = set[BrakeCause]()
    if standing.complete:
        gone = {BrakeCause.INCOMPLETE_SWEEP, BrakeCause.ROLE_LOST}
        if standing.shrank is None:
            gone.add(BrakeCause.POPULATION_SHRANK)
    for attempt in range(_TRIES):
        brake = await app.state.brake()
        kept = {cause: one for cause, one in brake.causes.items() if not (one.by_sweep and cause in gone)}
        if len(kept) == len(brake.causes):
            return brake
        try:
            return await app.state.put_brake(replace(brake, causes=kept))
        except Conflict:
            await asyncio.sleep(app.random.random() * _PAUSE_SECONDS * (attempt + 1))
    raise Transient(f"the brake was written by others {_TRIES} times meanwhile")
