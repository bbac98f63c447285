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
from shared.domain.lots import seen_rules
from shared.domain.policy import Everything
from shared.domain.policy_file import rule_digests
from shared.domain.rules import managed_accounts, matches
from shared.errors import AccessLost, Conflict, InvoiceAccessError, Transient
from shared.ports import Baseline
from shared.services.announced import SWEEP_ORIGIN
from shared.services.app import App
from shared.services.catalogue import enforced_profiles
from shared.services.estate import Estate, is_named
from shared.services.guards import set_brake

_TRIES: Final = 5
"""How often the brake is written anew over what looks and operators wrote meanwhile."""

_PAUSE_SECONDS: Final = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a sweep can be trusted, by what it counted and what the last good one did.

    `counted` is what it counted under the policy as it is, `kept` the baseline that it becomes if it is good. `shrank`
    says how far the population shrank, None where it did not, or nobody knows what it was.
    """

    sweep_id: str
    started: datetime
    complete: bool
    counted: Baseline
    kept: Baseline
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
    """Says how far a sweep can be trusted, and sets the brake where it cannot. `ours` counts our assignments.

    An account that is not listed any more is among the estate's failures from then on.
    """
    now_counted = Baseline(
        at=started,
        ours=ours,
        profiles=len(estate.catalogue.profiles),
        # Who cannot be read has not vanished.
        population=len(estate.unreadable)
        + sum(any(matches(rule, one) for rule in app.policy.rules) for one in estate.people.values()),
        policy_digest=app.policy.digest,
        rules=rule_digests(app.policy),
        accounts=tuple(sorted(_seen_accounts(estate))),
    )
    before = await app.state.baseline()
    lost = _lost_accounts(app, before, estate)
    estate.failures += lost
    estate.role_lost += lost
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
        seen = now_counted.population if cause is BrakeCause.POPULATION_SHRANK else 0
        await set_brake(app, cause, why, by=_by(sweep_id), by_sweep=True, seen=seen)
    if causes:
        _log.warning("sweep %s: the brake is on: %s", sweep_id, "; ".join(f"{c.value}: {w}" for c, w in causes.items()))
    kept = _to_keep(app, estate, before, now_counted)
    return Standing(sweep_id, started, complete, now_counted, kept, before, shrank)


def _seen_accounts(estate: Estate) -> set[str]:
    return {profile.key.account.lower() for profile in estate.catalogue.profiles}


def _lost_accounts(app: App, before: Baseline | None, estate: Estate) -> list[str]:
    """The accounts that the last good sweep saw into and this one does not, though the policy still names them.

    A service leaves out of its lists what we may not see: our role there is gone, or the account is. One that is listed
    and is no longer of a kind to manage is not lost. Where nothing is written there is nothing to protect.
    """
    if before is None or app.policy.enforce is Everything.NONE:
        return []
    listed = {account.name.lower() for account in estate.catalogue.accounts}
    in_sight = _seen_accounts(estate) | (listed - managed_accounts(app.policy, estate.catalogue.accounts))
    return [
        f"billing account {account}: nothing of it is listed any more; our role there is gone, or the account is"
        for account in before.accounts
        if account not in in_sight and is_named(app, account)
    ]


def _to_keep(app: App, estate: Estate, before: Baseline | None, now: Baseline) -> Baseline:
    """What a sweep counted as it is kept, with as much of the policy as it could hold the consequences of.

    A sweep that only observed holds nothing. What it saw of a policy does not count as seen as long as we own anything:
    the first sweep that enforces is to hold what that policy takes.
    """
    if now.ours and not enforced_profiles(app.policy, estate.catalogue):
        if before is None:
            return replace(now, policy_digest="", rules={}, population=0)
        population = now.population if _is_comparable(before, now) else before.population
        return replace(now, policy_digest=before.policy_digest, rules=before.rules, population=population)
    unknown = (estate.catalogue.unknown_rules or {}).keys()
    return replace(now, rules=seen_rules({} if before is None else before.rules, now.rules, unknown))


def _role_lost(app: App, why: str) -> dict[BrakeCause, str]:
    """The loss of our role, where the policy writes at all: only then there is something to stop."""
    return {BrakeCause.ROLE_LOST: why} if app.policy.enforce is not Everything.NONE else {}


def _by(sweep_id: str) -> str:
    return f"{SWEEP_ORIGIN}{sweep_id}"


def _shrank(app: App, before: Baseline | None, now: Baseline) -> str | None:
    """How far the population shrank since the last good sweep under the same rules, where that is too far.

    Nothing shrinks from 0, which is what a population is that nobody knows: an operator has accepted what comes.
    """
    if before is None or not _is_comparable(before, now):
        return None
    gone = before.population - now.population
    settings = app.settings
    is_too_far = gone * 100 > settings.population_shrink_percent * before.population
    if not is_too_far or gone < settings.population_shrink_people:
        return None
    return (
        f"{now.population} people match the rules; at the last good sweep, of "
        f"{before.at:%Y-%m-%d %H:%M} UTC, it was {before.population}"
    )


def _is_comparable(before: Baseline | None, now: Baseline) -> bool:
    if before is None:
        return False
    # Kept are the rules that were known then, which are not all of them.
    return before.policy_digest == now.policy_digest or before.rules == now.rules


async def settle(app: App, standing: Standing) -> Brake:
    """Keeps what a good sweep counted, and clears what sweeps set the brake for before it, once the cause is gone.

    That the population shrank is cleared by a sweep that could compare: the figure before it stays, also under another
    policy, until the people are back or a person resumes. To be called once holds and catalogue are stored. Returns the
    brake as it is then.
    """
    comparable = _is_comparable(standing.before, standing.counted)
    if standing.is_good:
        kept = standing.kept
        shrank = (await app.state.brake()).causes.get(BrakeCause.POPULATION_SHRANK)
        if not comparable and shrank is not None and shrank.by_sweep:
            stored = await app.state.baseline()
            kept = kept if stored is None else replace(kept, population=stored.population)
        await app.state.put_baseline(kept)
    gone = set[BrakeCause]()
    if standing.complete:
        gone = {BrakeCause.INCOMPLETE_SWEEP, BrakeCause.ROLE_LOST}
        if standing.shrank is None and comparable:
            gone.add(BrakeCause.POPULATION_SHRANK)
    for attempt in range(_TRIES):
        brake = await app.state.brake()
        # What was set since this sweep began, another one found that began later or read more.
        over = {
            cause
            for cause, setting in brake.causes.items()
            if cause in gone and setting.by_sweep and setting.found <= standing.started
        }
        if not over:
            return brake
        try:
            remaining = {cause: setting for cause, setting in brake.causes.items() if cause not in over}
            return await app.state.put_brake(replace(brake, causes=remaining))
        except Conflict:
            await asyncio.sleep(app.random.random() * _PAUSE_SECONDS * (attempt + 1))
    raise Transient(f"the brake was written by others {_TRIES} times meanwhile")
