"""How far a sweep can be trusted, and the pause that it sets where it cannot.

Lives here: what of an estate the judgement is about, setting and clearing the pause for it, and storing what later
sweeps and daily limits are measured by. The judgement is `shared.domain.guards.sweep_trust`'s; what a sweep holds
is `hold_back`'s.
"""

import logging
from dataclasses import replace
from datetime import datetime

from shared.domain.access.rules import matches
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.pauses import Pause, PauseKind, Pauses
from shared.domain.guards.sweep_trust import Shrinking, SweepFacts, Trust, judge, roles_lost, still_standing
from shared.domain.policy.load import rule_digests
from shared.domain.reasons import Code
from shared.domain.work import SWEEP_ORIGIN
from shared.errors import AccessLost, InvoiceAccessError
from shared.services.app import App
from shared.services.catalogue import enforced_profiles
from shared.services.estate import Estate
from shared.services.pauses import set_pause
from shared.services.shared_row import change_row
from shared.services.sweep.judging import Judging
from shared.wording.say import say

_log = logging.getLogger(__name__)


async def pause_for_failure(app: App, sweep_id: str, failure: InvoiceAccessError) -> None:
    """Sets the pause for a sweep that cannot be finished at all.

    Where that fails as well it is said in the log: what failed first is what there is to raise.
    """
    pauses = {Pause(PauseKind.INCOMPLETE_SWEEP): Code.SWEEP_FAILED(said=str(failure))}
    if isinstance(failure, AccessLost):
        pauses |= roles_lost(app.policy, {failure.account: Code.SAID(said=str(failure))})
    try:
        for pause, why in pauses.items():
            await set_pause(app, pause, why, by=_by(sweep_id))
    except InvoiceAccessError as unset:
        _log.error("sweep %s: the pause could not be set: %s", sweep_id, unset)
    else:
        _log.warning("sweep %s: set a pause: %s", sweep_id, "; ".join(map(say, pauses.values())))


async def assess(app: App, sweep_id: str, started: datetime, estate: Estate, managed: int) -> Trust:
    """Says how far a sweep can be trusted, and sets a pause where it cannot. `managed` counts our assignments."""
    standing = trust_in(app, sweep_id, started, estate, managed, (await app.state.baseline()).value)
    for pause, why in standing.pauses.items():
        seen = standing.counted.population if pause.kind is PauseKind.POPULATION_SHRANK else 0
        await set_pause(app, pause, why, by=_by(sweep_id), seen=seen)
    if standing.pauses:
        said = "; ".join(f"{pause}: {say(why)}" for pause, why in standing.pauses.items())
        _log.warning("sweep %s: writes are paused: %s", sweep_id, said)
    return standing


def trust_in(
    app: Judging, sweep_id: str, started: datetime, estate: Estate, managed: int, before: Baseline | None
) -> Trust:
    """How far a sweep can be trusted that read this estate; nothing is stored. For the rest see `assess`."""
    # Whom a named grant names are few, and it may end for all of them on one day: no population.
    rules = [rule for rule in app.policy.rules if rule.grant is None]
    counted = Baseline(
        at=started,
        managed=managed,
        profiles=len(estate.catalogue.profiles),
        # Who cannot be read has not vanished.
        population=len(estate.unreadable)
        + sum(any(matches(rule, one) for rule in rules) for one in estate.people.values()),
        policy_digest=app.policy.digest,
        rules=rule_digests(app.policy),
        accounts=tuple(sorted(estate.listing.in_sight)),
    )
    facts = SweepFacts(
        sweep_id=sweep_id,
        started=started,
        counted=counted,
        failures=estate.failures,
        lost=estate.lost,
        unknown_rules=(estate.catalogue.unknown_rules or {}).keys(),
        enforces=bool(enforced_profiles(app.policy, estate.catalogue)),
    )
    settings = app.settings
    shrinking = Shrinking(settings.population_shrink_percent, settings.population_shrink_people)
    return judge(app.policy, facts, before, shrinking)


def _by(sweep_id: str) -> str:
    return f"{SWEEP_ORIGIN}{sweep_id}"


async def conclude(app: App, standing: Trust) -> Pauses:
    """Keeps what a good sweep counted, and ends pauses that were set before it and whose reason is gone.

    That the population shrank is cleared by a sweep that could compare: the figure before it stays, also under another
    policy, until the people are back or a person resumes. To be called once holds and catalogue are stored. Returns the
    pause as it is then.
    """
    if standing.is_good:
        pauses = (await app.state.pauses()).value
        stays = not standing.is_comparable and Pause(PauseKind.POPULATION_SHRANK) in pauses.active

        def kept(stored: Baseline | None) -> Baseline:
            return replace(standing.kept, population=stored.population) if stays and stored else standing.kept

        await change_row(app, "what the last good sweep counted", app.state.baseline, kept, app.state.put_baseline)

    def without_what_is_over(pauses: Pauses) -> Pauses:
        return still_standing(pauses, standing)

    _, row = await change_row(app, "the pause", app.state.pauses, without_what_is_over, app.state.put_pauses)
    return row.value
