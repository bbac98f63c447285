"""How far a sweep can be trusted by what it counted, and the pauses that follow.

Lives here: comparing what a sweep counted with what the last good one did. Pure; reading and storing is
`services.sweep.trust`'s, and a plan does neither.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.guards.baseline import Baseline
from shared.domain.guards.pauses import EVERYWHERE, Pause, PauseKind, Pauses
from shared.domain.guards.sweep_holds import seen_rules
from shared.domain.policy.model import Everything, Policy
from shared.domain.reasons import Code, Reason


@dataclass(frozen=True, slots=True)
class Shrinking:
    """How far a population may shrink: by fewer than so many people, or by no more than so many percent."""

    percent: int
    people: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepFacts:
    """What a sweep counted, and what it could not see.

    `counted` is under the policy as it is. `failures` are the reads that failed, `lost` the accounts, lower-case, on
    which our own role is gone: "" among these is all of them. `unknown_rules` could not be judged. `enforces` is
    whether the policy writes to any profile that is there.
    """

    sweep_id: str
    started: datetime
    counted: Baseline
    failures: Sequence[Reason]
    lost: Mapping[str, Reason]
    unknown_rules: AbstractSet[str]
    enforces: bool


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a sweep can be trusted, by what it counted and what the last good one did.

    `complete` is whether it read everything but the accounts in `lost`, which are paused: "" among these is all of
    them, and then it is not.
    `counted` is what it counted under the policy as it is, `kept` the baseline that it becomes if it is good. `shrank`
    says how far the population shrank, None where it did not, or nobody knows what it was. `pauses` are those to set.
    """

    sweep_id: str
    started: datetime
    complete: bool
    lost: frozenset[str]
    counted: Baseline
    kept: Baseline
    before: Baseline | None
    shrank: Reason | None
    pauses: Mapping[Pause, Reason]

    @property
    def is_good(self) -> bool:
        """Whether later sweeps may be measured by it."""
        return self.complete and self.shrank is None

    @property
    def is_first_of_policy(self) -> bool:
        """Whether no good sweep has seen this policy yet."""
        return self.before is None or self.before.policy_digest != self.counted.policy_digest

    @property
    def measure(self) -> Baseline | None:
        """What the daily limits of this sweep are a percentage of."""
        return self.counted if self.is_good else self.before

    @property
    def is_comparable(self) -> bool:
        """Whether the population before was counted under the same rules."""
        return _is_comparable(self.before, self.counted)


def judge(policy: Policy, facts: SweepFacts, before: Baseline | None, shrinking: Shrinking) -> Trust:
    """Says how far a sweep can be trusted that counted this, where the last good one counted `before`."""
    counted = facts.counted
    complete = not facts.failures and EVERYWHERE not in facts.lost
    shrank = _shrank(before, counted, shrinking) if complete else None
    pauses = roles_lost(policy, facts.lost)
    if not complete:
        first, *more = (*facts.failures, *(why for _, why in sorted(facts.lost.items())))
        pauses[Pause(PauseKind.INCOMPLETE_SWEEP)] = Code.AND_MORE(first=first, more=len(more)) if more else first
    if shrank is not None:
        pauses[Pause(PauseKind.POPULATION_SHRANK)] = shrank
    return Trust(
        facts.sweep_id,
        facts.started,
        complete,
        frozenset(facts.lost),
        counted,
        _to_keep(facts, before),
        before,
        shrank,
        pauses,
    )


def roles_lost(policy: Policy, lost: Mapping[str, Reason]) -> dict[Pause, Reason]:
    """The loss of our role, where the policy writes at all: only then there is something to stop."""
    if policy.enforce is Everything.NONE:
        return {}
    return {Pause(PauseKind.ROLE_LOST, account): why for account, why in sorted(lost.items())}


def _to_keep(facts: SweepFacts, before: Baseline | None) -> Baseline:
    """What is kept of a sweep's figures. The policy counts as seen only as far as its consequences were held.

    A sweep that only observes holds nothing, so while anything is managed it does not mark a policy as seen: the first
    sweep that enforces must hold that policy's revokes. The same is true while an account is lost, because nothing is
    held there. A lost account stays among the accounts that a later sweep misses.
    """
    now = facts.counted
    missed = () if before is None else [account for account in before.accounts if account in facts.lost]
    now = replace(now, accounts=tuple(sorted({*now.accounts, *missed})))
    if (now.managed and not facts.enforces) or facts.lost:
        if before is None:
            return replace(now, policy_digest="", rules={}, population=0)
        population = now.population if _is_comparable(before, now) else before.population
        return replace(now, policy_digest=before.policy_digest, rules=before.rules, population=population)
    return replace(now, rules=seen_rules({} if before is None else before.rules, now.rules, facts.unknown_rules))


def _shrank(before: Baseline | None, now: Baseline, shrinking: Shrinking) -> Reason | None:
    """How far the population shrank since the last good sweep under the same rules, where that is too far.

    Nothing shrinks from 0, which is what a population is that nobody knows: an operator has accepted what comes.
    """
    if before is None or not _is_comparable(before, now):
        return None
    gone = before.population - now.population
    is_too_far = gone * 100 > shrinking.percent * before.population
    if not is_too_far or gone < shrinking.people:
        return None
    return Code.POPULATION_SHRANK(now=now.population, at=before.at.isoformat(), before=before.population)


def _is_comparable(before: Baseline | None, now: Baseline) -> bool:
    if before is None:
        return False
    # Kept are the rules that were known then, which are not all of them.
    return before.policy_digest == now.policy_digest or before.rules == now.rules


def still_standing(pauses: Pauses, standing: Trust) -> Pauses:
    """The pauses without those that were set before a sweep and whose reason it found to be gone.

    That the population shrank is over for a sweep that could compare.
    """
    gone = set[PauseKind]()
    if standing.complete:
        gone = {PauseKind.INCOMPLETE_SWEEP, PauseKind.ROLE_LOST}
        if standing.shrank is None and standing.is_comparable:
            gone.add(PauseKind.POPULATION_SHRANK)
    # What was found since this sweep began, another one found that began later or read more, or a check.
    over = {
        pause
        for pause, setting in pauses.active.items()
        if pause.kind in gone and setting.found <= standing.started and not _is_lost(standing, pause)
    }
    return replace(pauses, active={pause: one for pause, one in pauses.active.items() if pause not in over})


def _is_lost(standing: Trust, pause: Pause) -> bool:
    """Whether a pause is for the loss of a role that a sweep has not seen again. Everywhere is any account."""
    if pause.kind is not PauseKind.ROLE_LOST:
        return False
    return pause.scope in standing.lost if pause.scope else bool(standing.lost)
