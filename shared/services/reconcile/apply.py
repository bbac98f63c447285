"""Carries out one person's plan: guarded, the intent recorded, then each write is made and read back.

Lives here: the order of those steps, and what each action came to. What should be done is the plan's, what may be
written the adapters'.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared.domain.access.evidence import sighting
from shared.domain.access.ownership import ManagedAssignment
from shared.domain.access.plan import Grant, Plan, Revoke
from shared.domain.billing import Assignment, Written
from shared.domain.clocks import CLOCKS_APART
from shared.domain.guards.daily_limits import kind_of
from shared.domain.history.checks import Ended, Step
from shared.domain.history.records import IntendedGrant, IntendedRevoke, IntentBody
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code, Reason
from shared.domain.remembered import Holding, PersonState
from shared.errors import AccessLost, InvoiceAccessError, MaybeWritten, Permanent, Transient
from shared.ports import Billing, Chain, Stored
from shared.services.app import App, Deadline
from shared.services.provenance import Prover, ReadOnce
from shared.services.reconcile.guard import Action, Guard, Stopped
from shared.telemetry import Span


@dataclass(frozen=True, slots=True)
class Result:
    """How one step of a check ended: a grant or revoke, or a read or store that failed."""

    action: Step
    profile: ProfileKey | None
    outcome: Outcome
    why: Reason
    retry_after: timedelta | None = None
    hold: str = ""
    lost_account: str | None = None
    """The billing account on which our own role is gone, as it showed here; "" for none in particular."""
    is_new: bool = False
    """Whether this check made the hold."""
    late: bool = False
    """Not begun, because the handler's time was over."""

    @property
    def told(self) -> Ended:
        """For the ledger."""
        return Ended(self.action, self.outcome, self.why, self.hold, self.profile, self.is_new)


def failed(action: Step, profile: ProfileKey | None, failure: InvoiceAccessError) -> Result:
    """The result of a step that raised: to be tried again, or for a person to fix."""
    if isinstance(failure, Transient):
        return Result(action, profile, Outcome.RETRY, Code.SAID(said=failure.reason), failure.retry_after)
    lost = failure.account if isinstance(failure, AccessLost) else None
    return Result(action, profile, Outcome.GAVE_UP, Code.SAID(said=str(failure)), lost_account=lost)


def is_young(moment: datetime | None, now: datetime, seconds: int) -> bool:
    """Whether an intent may still be on its way. One from a clock ahead of ours is."""
    return moment is not None and -2 * CLOCKS_APART < now - moment < timedelta(seconds=seconds)


class Run:
    """Carries out one plan.

    `state` is what should be stored of the person in the end, `stored` is what the store has.
    """

    def __init__(
        self,
        app: App,
        billing: Billing,
        chain: Chain,
        deadline: Deadline,
        guard: Guard,
        state: PersonState,
        stored: Stored[PersonState],
    ) -> None:
        self._app = app
        self._billing = billing
        self._chain = chain
        self._deadline = deadline
        self._guard = guard
        self._object_id = state.object_id
        self._told = ReadOnce(app.ledger)
        self.state = state
        self.stored = stored

    async def carry_out(self, plan: Plan, revokes: Iterable[Revoke]) -> list[Result]:
        """Grants before revokes; an action that fails or is stopped stops no other.

        What was reserved for writes that were not made is given back, also where this raises.
        """
        try:
            return await self._carry_out(plan, revokes)
        finally:
            await self._guard.give_back()

    async def _carry_out(self, plan: Plan, revokes: Iterable[Revoke]) -> list[Result]:
        results: list[Result] = []
        actions: list[Grant | Revoke] = []
        planned: tuple[Grant | Revoke, ...] = (*plan.grants, *revokes)
        for action in planned:
            if self._is_on_its_way(action):
                results.append(Result(_verb(action), action.profile, Outcome.UNVERIFIED, Code.ON_ITS_WAY()))
            else:
                actions.append(action)
        guarded = {action.profile: self.wanted(plan, action) for action in actions}
        stopped = await self._guard.admit([*guarded.values()])
        for action in [*actions]:
            wanted = guarded[action.profile]
            if wanted.id in stopped:
                results.append(_stopped(action, stopped[wanted.id]))
                actions.remove(action)
        if actions:
            await self._record_intents(actions)
        for action in actions:
            wanted = guarded[action.profile]
            result = await self._act(action, wanted)
            results.append(result)
            self._remember(plan, action, result)
            if result.outcome is Outcome.DONE:
                self._guard.done(wanted)
        return results

    def wanted(self, plan: Plan, action: Grant | Revoke) -> Action:
        """An action of a plan, as the guard knows it."""
        kind = kind_of(plan, action)
        if isinstance(action, Grant):
            return self._guard.wanted(kind, action.profile, action.reason)
        return self._guard.wanted(kind, action.profile, action.reason, action.strength, action.ask_first)

    def _is_on_its_way(self, action: Grant | Revoke) -> bool:
        holding = self.state.holdings.get(action.profile, Holding())
        moment = holding.intended_at if isinstance(action, Grant) else holding.revoking_at
        return is_young(moment, self._app.clock.now(), self._app.settings.intent_seconds)

    async def _record_intents(self, actions: Sequence[Grant | Revoke]) -> None:
        """First the ledger, which stops whoever lost the lock; then the row that has later checks read the profiles."""
        now, told = self._app.clock.now(), self._billing.service_time()
        await self._chain.append(now, IntentBody(tuple(map(self._intended, actions)), told))
        self._told = ReadOnce(self._app.ledger)
        holdings = dict(self.state.holdings)
        for action in actions:
            if not self._guard.enforces(action.profile):
                continue  # observed: a `would` never counts as ownership
            if isinstance(action, Grant):
                holdings[action.profile] = Holding(rules=action.rules, intended_at=now, found_nothing=True)
            else:
                holdings[action.profile] = replace(holdings.get(action.profile, Holding()), revoking_at=now)
        if holdings != self.state.holdings:
            self.state = replace(self.state, holdings=holdings)
            self.stored = await self._app.state.put_person(self.stored.becoming(self.state))

    def _intended(self, action: Grant | Revoke) -> IntendedGrant | IntendedRevoke:
        profile, mode = action.profile, self._guard.mode(action.profile)
        if isinstance(action, Grant):
            return IntendedGrant("grant", profile, mode, action.reason, action.rules, found_nothing=True)
        return IntendedRevoke("revoke", profile, mode, action.reason, action.assignment.proof, action.strength)

    async def _act(self, action: Grant | Revoke, wanted: Action) -> Result:
        """Writes and reads back."""
        verb, profile = _verb(action), action.profile
        stop = await self._guard.pauses(wanted)
        if stop is not None:
            return _stopped(action, stop)
        left = self._deadline.left(self._app.clock.now())
        if left <= 0:
            return Result(verb, profile, Outcome.RETRY, Code.TOO_LATE_TO_WRITE(), late=True)
        written: Written | None = None
        doubt = Code.NOT_VISIBLE_YET()
        self._guard.begins(wanted)
        try:
            async with asyncio.timeout(left):
                written = await self._write(action)
        except TimeoutError:
            doubt = Code.NO_ANSWER_IN_TIME()
        except MaybeWritten as lost:
            doubt = Code.SAID(said=lost.reason)
        except (Transient, Permanent) as failure:
            self._guard.came_to_nothing(wanted)
            return failed(verb, profile, failure)
        try:
            outcome, why = await self._judge(action, written)
        except InvoiceAccessError as failure:
            outcome, why = Outcome.UNVERIFIED, Code.READING_BACK_FAILED(doubt=doubt, said=str(failure))
        return Result(verb, profile, outcome, why or doubt)

    async def _write(self, action: Grant | Revoke) -> Written:
        with self._app.telemetry.span(Span.WRITE, action=_verb(action).value) as tell:
            if isinstance(action, Grant):
                written = await self._billing.grant_invoice_manager(action.profile, self._object_id)
            else:
                written = await self._billing.revoke_invoice_manager(action.assignment)
            tell(answer=written.value)
        return written

    async def _judge(self, action: Grant | Revoke, written: Written | None) -> tuple[Outcome, Reason | None]:
        """What the read-back says of a write: the outcome and why, the latter None where nothing shows yet."""
        done = Outcome.WOULD if written is Written.WOULD else Outcome.DONE
        with self._app.telemetry.span(Span.READ_BACK, action=_verb(action).value) as tell:
            row = await self._billing.assignment(action.profile, self._object_id)
            tell(found=row is not None)
        if isinstance(action, Grant):
            if row is None:
                return Outcome.UNVERIFIED, None
            if await self._is_managed(row):
                return done, action.reason
            return Outcome.UNCHANGED, Code.SOMEBODY_WAS_QUICKER(maker=row.created_by or "")
        if row is None:
            return done, action.reason
        if row.created_by is None or await self._is_managed(row):
            return Outcome.UNVERIFIED, None
        return done, Code.GIVEN_AGAIN(because=action.reason)

    async def _is_managed(self, row: Assignment) -> bool:
        prover = Prover(await self._billing.identities(), self._told, self._app.settings.on_its_way)
        return isinstance(await prover.held(row, self.state), ManagedAssignment)

    def _remember(self, plan: Plan, action: Grant | Revoke, result: Result) -> None:
        """Keeps what the next check needs to know, and forgets an intent that surely came to nothing."""
        if result.outcome is Outcome.UNVERIFIED or (isinstance(action, Grant) and result.outcome is Outcome.DONE):
            return
        holdings, sightings = dict(self.state.holdings), dict(self.state.sightings)
        if isinstance(action, Revoke) and result.outcome is not Outcome.DONE:
            holdings[action.profile] = replace(holdings[action.profile], revoking_at=None)
        else:
            holdings.pop(action.profile, None)  # of an observed grant there is nothing to forget
        if isinstance(action, Revoke) and result.outcome is Outcome.DONE:
            sightings.pop(sighting(plan, action), None)
        self.state = replace(self.state, holdings=holdings, sightings=sightings)


def _stopped(action: Grant | Revoke, stop: Stopped) -> Result:
    return Result(_verb(action), action.profile, stop.outcome, stop.why, hold=stop.hold, is_new=stop.is_new)


def _verb(action: Grant | Revoke) -> Step:
    return Step.GRANT if isinstance(action, Grant) else Step.REVOKE
