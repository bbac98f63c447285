"""How far a sweep can be trusted, and the pause that it sets where it cannot.

Lives here: comparing what a sweep counted with what the last good one did, setting and clearing the pause for it, and
storing what later sweeps and daily limits are measured by. What a sweep holds is `hold_back`'s.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.access.rules import matches
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.pauses import EVERYWHERE, Pause, PauseKind, Pauses
from shared.domain.guards.sweep_holds import seen_rules
from shared.domain.policy.load import rule_digests
from shared.domain.policy.model import Everything
from shared.domain.reasons import Code, Reason
from shared.domain.work import SWEEP_ORIGIN
from shared.errors import AccessLost, InvoiceAccessError
from shared.services.app import App
from shared.services.catalogue import enforced_profiles
from shared.services.estate import Estate
from shared.services.pauses import set_pause
from shared.services.shared_row import change_row
from shared.wording.say import say

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a sweep can be trusted, by what it counted and what the last good one did.

    `complete` is whether it read everything but the accounts in `lost`, which are paused: "" among these is all of
    them, and then it is not.
    `counted` is what it counted under the policy as it is, `kept` the baseline that it becomes if it is good. `shrank`
    says how far the population shrank, None where it did not, or nobody knows what it was.
    """

    sweep_id: str
    started: datetime
    complete: bool
    lost: frozenset[str]
    counted: Baseline
    kept: Baseline
    before: Baseline | None
    shrank: Reason | None

    @property
    def is_good(self) -> bool:
        """Whether later sweeps may be measured by it."""
        return self.complete and self.shrank is None

    @property
    def is_first_of_policy(self) -> bool:
        """Whether no good sweep has seen this policy yet."""
        return self.before is None or self.before.policy_digest != self.counted.policy_digest


async def pause_for_failure(app: App, sweep_id: str, failure: InvoiceAccessError) -> None:
    """Sets the pause for a sweep that cannot be finished at all.

    Where that fails as well it is said in the log: what failed first is what there is to raise.
    """
    pauses = {Pause(PauseKind.INCOMPLETE_SWEEP): Code.SWEEP_FAILED(said=str(failure))}
    if isinstance(failure, AccessLost):
        pauses |= _roles_lost(app, {failure.account: Code.SAID(said=str(failure))})
    try:
        for pause, why in pauses.items():
            await set_pause(app, pause, why, by=_by(sweep_id))
    except InvoiceAccessError as unset:
        _log.error("sweep %s: the pause could not be set: %s", sweep_id, unset)
    else:
        _log.warning("sweep %s: set a pause: %s", sweep_id, "; ".join(map(say, pauses.values())))


async def assess(app: App, sweep_id: str, started: datetime, estate: Estate, managed: int) -> Trust:
    """Says how far a sweep can be trusted, and sets a pause where it cannot. `managed` counts our assignments."""
    now_counted = Baseline(
        at=started,
        managed=managed,
        profiles=len(estate.catalogue.profiles),
        # Who cannot be read has not vanished.
        population=len(estate.unreadable)
        + sum(any(matches(rule, one) for rule in app.policy.rules) for one in estate.people.values()),
        policy_digest=app.policy.digest,
        rules=rule_digests(app.policy),
        accounts=tuple(sorted(estate.listing.in_sight)),
    )
    before = (await app.state.baseline()).value
    complete = not estate.failures and EVERYWHERE not in estate.lost
    shrank = _shrank(app, before, now_counted) if complete else None
    pauses = _roles_lost(app, estate.lost)
    if not complete:
        first, *more = estate.all_failures
        pauses[Pause(PauseKind.INCOMPLETE_SWEEP)] = Code.AND_MORE(first=first, more=len(more)) if more else first
    if shrank is not None:
        pauses[Pause(PauseKind.POPULATION_SHRANK)] = shrank
    for pause, why in pauses.items():
        seen = now_counted.population if pause.kind is PauseKind.POPULATION_SHRANK else 0
        await set_pause(app, pause, why, by=_by(sweep_id), seen=seen)
    if pauses:
        said = "; ".join(f"{pause}: {say(why)}" for pause, why in pauses.items())
        _log.warning("sweep %s: writes are paused: %s", sweep_id, said)
    kept = _to_keep(app, estate, before, now_counted)
    return Trust(sweep_id, started, complete, frozenset(estate.lost), now_counted, kept, before, shrank)


def _to_keep(app: App, estate: Estate, before: Baseline | None, now: Baseline) -> Baseline:
    """What is kept of a sweep's figures. The policy counts as seen only as far as its consequences were held.

    A sweep that only observes holds nothing, so while anything is managed it does not mark a policy as seen: the first
    sweep that enforces must hold that policy's revokes. The same is true while an account is lost, because nothing is
    held there. A lost account stays among the accounts that a later sweep misses.
    """
    missed = () if before is None else [account for account in before.accounts if account in estate.lost]
    now = replace(now, accounts=tuple(sorted({*now.accounts, *missed})))
    if (now.managed and not enforced_profiles(app.policy, estate.catalogue)) or estate.lost:
        if before is None:
            return replace(now, policy_digest="", rules={}, population=0)
        population = now.population if _is_comparable(before, now) else before.population
        return replace(now, policy_digest=before.policy_digest, rules=before.rules, population=population)
    unknown = (estate.catalogue.unknown_rules or {}).keys()
    return replace(now, rules=seen_rules({} if before is None else before.rules, now.rules, unknown))


def _roles_lost(app: App, lost: Mapping[str, Reason]) -> dict[Pause, Reason]:
    """The loss of our role, where the policy writes at all: only then there is something to stop."""
    if app.policy.enforce is Everything.NONE:
        return {}
    return {Pause(PauseKind.ROLE_LOST, account): why for account, why in sorted(lost.items())}


def _by(sweep_id: str) -> str:
    return f"{SWEEP_ORIGIN}{sweep_id}"


def _shrank(app: App, before: Baseline | None, now: Baseline) -> Reason | None:
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
    return Code.POPULATION_SHRANK(now=now.population, at=before.at.isoformat(), before=before.population)


def _is_comparable(before: Baseline | None, now: Baseline) -> bool:
    if before is None:
        return False
    # Kept are the rules that were known then, which are not all of them.
    return before.policy_digest == now.policy_digest or before.rules == now.rules


async def conclude(app: App, standing: Trust) -> Pauses:
    """Keeps what a good sweep counted, and ends pauses that were set before it and whose reason is gone.

    That the population shrank is cleared by a sweep that could compare: the figure before it stays, also under another
    policy, until the people are back or a person resumes. To be called once holds and catalogue are stored. Returns the
    pause as it is then.
    """
    comparable = _is_comparable(standing.before, standing.counted)
    if standing.is_good:
        pauses = (await app.state.pauses()).value
        stays = not comparable and Pause(PauseKind.POPULATION_SHRANK) in pauses.active

        def kept(stored: Baseline | None) -> Baseline:
            return replace(standing.kept, population=stored.population) if stays and stored else standing.kept

        await change_row(app, "what the last good sweep counted", app.state.baseline, kept, app.state.put_baseline)
    gone = set[PauseKind]()
    if standing.complete:
        gone = {PauseKind.INCOMPLETE_SWEEP, PauseKind.ROLE_LOST}
        if standing.shrank is None and comparable:
            gone.add(PauseKind.POPULATION_SHRANK)

    def without_what_is_over(pauses: Pauses) -> Pauses:
        # What was found since this sweep began, another one found that began later or read more, or a check.
        over = {
            pause
            for pause, setting in pauses.active.items()
            if pause.kind in gone and setting.found <= standing.started and not _is_lost(standing, pause)
        }
        return replace(pauses, active={pause: one for pause, one in pauses.active.items() if pause not in over})

    _, row = await change_row(app, "the pause", app.state.pauses, without_what_is_over, app.state.put_pauses)
    return row.value


def _is_lost(standing: Trust, pause: Pause) -> bool:
    """Whether a pause is for the loss of a role that a sweep has not seen again. Everywhere is any account."""
    if pause.kind is not PauseKind.ROLE_LOST:
        return False
    return pause.scope in standing.lost if pause.scope else bool(standing.lost)
