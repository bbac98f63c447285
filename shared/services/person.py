"""One look at one person: read, decide, weigh the evidence, record the intent, apply, read back.

The order of these steps is the whole of this module. What should be is `decide`'s, what may be written the
adapters', when to come back `reconcile`'s.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from shared.domain.billing import Assignment
from shared.domain.catalogue import Catalogue
from shared.domain.decide import decide
from shared.domain.evidence import Weighed, weigh
from shared.domain.keys import IdentityKind, PersonKey, ProfileKey
from shared.domain.outcome import Outcome, worst
from shared.domain.ownership import Held, Intent, OwnAssignment, prove
from shared.domain.people import Person, PersonRead
from shared.domain.plan import Employment, Grant, Note, NoteKind, Plan, Revoke
from shared.domain.rules import managed_accounts
from shared.domain.work import CauseKind, Scheduled, WorkItem, again, later
from shared.errors import InvoiceAccessError, MaybeWritten, Permanent, Transient
from shared.ports import Billing, Chain, Holding, PersonState, Written
from shared.services.app import App, Deadline, Look
from shared.services.catalogue import enforced_profiles

_READS_AT_ONCE: Final = 8
"""Assignments read side by side: enough to be quick, too few for one person to be a burst."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one action ended."""

    action: str
    profile: ProfileKey
    outcome: Outcome
    why: str
    retry_after: timedelta | None = None

    def as_record(self) -> dict[str, str]:
        """For the ledger."""
        return {
            "action": self.action,
            "profile": str(self.profile),
            "outcome": self.outcome.value,
            "why": self.why,
        }


async def look_at_person(app: App, key: PersonKey, item: WorkItem, chain: Chain, deadline: Deadline) -> Look:
    """Makes what one person holds what they should hold, as far as is proved and allowed."""
    now = app.clock.now()
    state = await app.state.person(key.object_id)
    found_by_sweep = item.cause.kind is CauseKind.SWEEP
    catalogue = await app.shelf.current(now, not_before=item.first_asked if found_by_sweep else None)
    person = await app.directory.person(key.object_id, app.policy.groups)
    enforced = enforced_profiles(app.policy, catalogue)
    billing = app.billing_for_look(enforced.__contains__)

    draft = decide(person, app.policy, catalogue, (), now)
    to_read = _profiles_to_read(app, catalogue, draft, state, item)
    rows, failures = await _read_rows(billing, key.object_id, to_read)
    held = [await _prove(app, key.canonical, billing, row, state) for row in rows.values() if row is not None]
    plan = decide(person, app.policy, catalogue, held, now)
    plan = replace(plan, grants=tuple(grant for grant in plan.grants if grant.profile in rows))

    weighed = weigh(
        plan,
        state.sightings,
        now,
        settle=app.settings.settle,
        grace=timedelta(hours=app.policy.mover_grace_hours),
    )
    plan, weighed = await _spare_what_a_missing_group_gave(app, plan, weighed)

    before = state
    state = replace(
        state,
        holdings=_remember(state.holdings, rows, held, plan, now, app.settings.intent_seconds),
        sightings={**_unread(state.sightings, failures), **weighed.sightings},
    )
    run = _Run(app, billing, chain, deadline, key.object_id, enforced.__contains__, state)
    results = [*failures, *await run.carry_out(plan, weighed)]
    state = run.state
    if _worth_a_row(state) or before.version is not None or run.stored is not None:
        state = replace(state, names=_names(person) or state.names)
        if state not in (before, run.stored):
            await app.state.put_person(state)

    outcome = worst([result.outcome for result in results] + [Outcome.WAITING] * bool(weighed.wait))
    return Look(
        outcome,
        record={
            "employment": plan.employment.value,
            "why": plan.reason,
            "wanted": {str(profile): list(rules) for profile, rules in sorted(plan.wanted.items())},
            "notes": [_note_record(note) for note in plan.notes],
            "actions": [result.as_record() for result in results],
            "waiting": [
                {
                    "profile": str(waiting.revoke.profile),
                    "why": waiting.revoke.reason,
                    "due": waiting.due.isoformat(),
                }
                for waiting in weighed.wait
            ],
        },
        follow_ups=tuple(_follow_ups(app, item, plan, weighed, outcome, now)),
        retry_after=max((r.retry_after for r in results if r.retry_after is not None), default=None),
    )


def _profiles_to_read(
    app: App, catalogue: Catalogue, draft: Plan, state: PersonState, item: WorkItem
) -> list[ProfileKey]:
    """What the policy gives, what we remember granting, and what a hint names: one read each.

    A hint only widens, and only to profiles that exist in accounts we manage.
    """
    managed = managed_accounts(app.policy, catalogue.accounts)
    known = {profile.key for profile in catalogue.profiles}
    wanted = {*draft.wanted, *state.holdings, *(hint for hint in item.hints if hint in known)}
    return sorted(profile for profile in wanted if profile.account.lower() in managed)


async def _read_rows(
    billing: Billing, object_id: str, profiles: Sequence[ProfileKey]
) -> tuple[dict[ProfileKey, Assignment | None], list[Result]]:
    """Reads the person's assignment on each profile; a read that fails concerns that profile alone."""
    gate = asyncio.Semaphore(_READS_AT_ONCE)

    async def read(profile: ProfileKey) -> Assignment | Result | None:
        async with gate:
            try:
                return await billing.assignment(profile, object_id)
            except Transient as failure:
                return Result("read", profile, Outcome.RETRY, failure.reason, failure.retry_after)
            except Permanent as failure:
                return Result("read", profile, Outcome.GAVE_UP, failure.reason)

    answers = dict(zip(profiles, await asyncio.gather(*map(read, profiles)), strict=True))
    failures = [answer for answer in answers.values() if isinstance(answer, Result)]
    return {p: a for p, a in answers.items() if not isinstance(a, Result)}, failures


async def _prove(app: App, chain_key: str, billing: Billing, row: Assignment, state: PersonState) -> Held:
    """Says whose a live row is. Only a row that does not say who made it sends us to the ledger."""
    holding = state.holdings.get(row.profile)
    rules = frozenset(holding.rules) if holding is not None and holding.rules else None
    intent: Intent | None = None
    if row.created_by is None:
        async for record in app.ledger.read(chain_key):
            for action in record.body.get("actions", ()) if record.kind == "intent" else ():
                if (
                    action.get("action") == "grant"
                    and action.get("mode") == "enforce"
                    and ProfileKey.parse(action["profile"]) == row.profile
                ):
                    intent = Intent(record.at, bool(action.get("found_nothing")))
    return prove(row, identities=await billing.identities(), intent=intent, rules=rules)


async def _spare_what_a_missing_group_gave(app: App, plan: Plan, weighed: Weighed) -> tuple[Plan, Weighed]:
    """Drops revokes of what a rule gave whose group is gone: nobody left it, it left (DESIGN section 5)."""
    if plan.employment is not Employment.EMPLOYED or not weighed.apply:
        return plan, weighed
    groups_of = {rule.name: rule.member_of for rule in app.policy.rules}
    missing: dict[str, bool] = {}
    kept: list[Revoke] = []
    notes: list[Note] = []
    for revoke in weighed.apply:
        rules = revoke.assignment.rules
        groups = frozenset[str]().union(*(groups_of.get(rule, frozenset()) for rule in (rules or groups_of)))
        for group in sorted(groups - missing.keys()):
            missing[group] = not await app.directory.group_exists(group)
        gone = sorted(group for group in groups if missing[group])
        if gone:
            notes.append(Note(NoteKind.RULE_NOT_KNOWN, f"group {gone[0]} does not exist", revoke.profile))
        else:
            kept.append(revoke)
    return replace(plan, notes=(*plan.notes, *notes)), replace(weighed, apply=tuple(kept))


def _remember(
    holdings: Mapping[ProfileKey, Holding],
    rows: Mapping[ProfileKey, Assignment | None],
    held: Sequence[Held],
    plan: Plan,
    now: datetime,
    intent_seconds: int,
) -> dict[ProfileKey, Holding]:
    """What we remember of our assignments after having read them.

    Ours: with the rules that give it now. Foreign: forgotten. Gone: forgotten once a grant of ours could no longer
    be on its way. Not read: as it was.
    """
    remembered = dict(holdings)
    for profile, row in rows.items():
        holding = remembered.get(profile)
        young = holding is not None and _is_young(holding.intended_at, now, intent_seconds)
        if row is None and holding is not None and not young:
            del remembered[profile]
    for one in held:
        if isinstance(one, OwnAssignment):
            holding = remembered.get(one.profile, Holding())
            rules = plan.wanted.get(one.profile) or holding.rules
            remembered[one.profile] = replace(holding, rules=tuple(rules))
        else:
            remembered.pop(one.profile, None)
    return remembered


def _unread(sightings: Mapping[str, datetime], failures: Sequence[Result]) -> dict[str, datetime]:
    """The evidence about profiles that could not be read: it was not contradicted, so it stays."""
    failed = tuple(f":{failure.profile.folded}" for failure in failures)
    return {text: seen for text, seen in sightings.items() if text.endswith(failed)}


def _is_young(moment: datetime | None, now: datetime, seconds: int) -> bool:
    """Whether an intent may still be on its way. One from a clock ahead of ours is."""
    return moment is not None and now - moment < timedelta(seconds=seconds)


def _worth_a_row(state: PersonState) -> bool:
    return bool(state.holdings or state.sightings)


def _names(person: PersonRead) -> dict[IdentityKind, str]:
    """What the directory calls somebody now, for events about them when it no longer does."""
    if not isinstance(person, Person):
        return {}
    names = {
        IdentityKind.UPN: person.attributes.get("userPrincipalName"),
        IdentityKind.MAIL: person.attributes.get("mail"),
        IdentityKind.EMPLOYEE_ID: person.attributes.get("employeeId"),
    }
    return {kind: name.strip().lower() for kind, name in names.items() if name and name.strip()}


def _note_record(note: Note) -> dict[str, str]:
    record = {"kind": note.kind.value, "text": note.text}
    return record if note.profile is None else record | {"profile": str(note.profile)}


def _follow_ups(
    app: App,
    item: WorkItem,
    plan: Plan,
    weighed: Weighed,
    outcome: Outcome,
    now: datetime,
) -> list[Scheduled]:
    """The looks that this one asks for by itself: evidence to be seen again, lag to settle, dates to come."""
    settle = app.settings.settle
    looks: list[Scheduled] = []
    if weighed.wait:
        due = min(waiting.due for waiting in weighed.wait)
        looks.append(_at(app, item, CauseKind.SETTLE, due))
    elif item.cause.kind is CauseKind.EVENT and outcome in {Outcome.UNCHANGED, Outcome.WOULD}:
        looks.append(_at(app, item, CauseKind.SETTLE, now + settle))
    if plan.next_change is not None and plan.next_change <= now + timedelta(hours=app.settings.sweep_hours):
        looks.append(_at(app, item, CauseKind.SCHEDULE, plan.next_change))
    return looks


def _at(app: App, item: WorkItem, kind: CauseKind, due: datetime) -> Scheduled:
    look = replace(again(item, kind), first_asked=due)
    return later(look, due, coalesce=app.settings.coalesce)


class _Run:
    """Carries out one plan: intents first, then the writes, each read back.

    `state` is the person's row as it should be stored now; `stored` is what the store has.
    """

    def __init__(
        self,
        app: App,
        billing: Billing,
        chain: Chain,
        deadline: Deadline,
        object_id: str,
        enforced: Callable[[ProfileKey], bool],
        state: PersonState,
    ) -> None:
        self._app = app
        self._billing = billing
        self._chain = chain
        self._deadline = deadline
        self._object_id = object_id
        self._enforced = enforced
        self.state = state
        self.stored: PersonState | None = None

    async def carry_out(self, plan: Plan, weighed: Weighed) -> list[Result]:
        """Grants before revokes; an action that fails stops no other."""
        results: list[Result] = []
        actions: list[Grant | Revoke] = []
        planned: tuple[Grant | Revoke, ...] = (*plan.grants, *weighed.apply)
        for action in planned:
            if self._is_on_its_way(action):
                why = "written moments ago and not visible yet"
                results.append(Result(_verb(action), action.profile, Outcome.UNVERIFIED, why))
            else:
                actions.append(action)
        if actions:
            await self._record_intents(actions)
            results += [await self._act(action) for action in actions]
        return results

    def _is_on_its_way(self, action: Grant | Revoke) -> bool:
        holding = self.state.holdings.get(action.profile, Holding())
        moment = holding.intended_at if isinstance(action, Grant) else holding.revoking_at
        return _is_young(moment, self._app.clock.now(), self._app.settings.intent_seconds)

    async def _record_intents(self, actions: Sequence[Grant | Revoke]) -> None:
        """First the row that makes every later look read these profiles, then the ledger, then Azure."""
        now = self._app.clock.now()
        holdings = dict(self.state.holdings)
        for action in actions:
            if not self._enforced(action.profile):
                continue  # observed: a `would` never counts as ownership
            holding = holdings.get(action.profile, Holding())
            if isinstance(action, Grant):
                holding = Holding(rules=action.rules, intended_at=now, found_nothing=True)
            else:
                holding = replace(holding, revoking_at=now)
            holdings[action.profile] = holding
        wanted = replace(self.state, holdings=holdings)
        if any(self._enforced(action.profile) for action in actions):
            self.state = self.stored = await self._app.state.put_person(wanted)
        await self._chain.append("intent", now, {"actions": [self._intent_record(action) for action in actions]})

    def _intent_record(self, action: Grant | Revoke) -> dict[str, Any]:
        record: dict[str, Any] = {
            "action": _verb(action),
            "profile": str(action.profile),
            "mode": "enforce" if self._enforced(action.profile) else "observe",
            "why": action.reason,
        }
        if isinstance(action, Grant):
            return record | {"rules": list(action.rules), "found_nothing": True}
        return record | {"proof": action.assignment.proof.value, "strength": action.strength.value}

    async def _act(self, action: Grant | Revoke) -> Result:
        result = await self._write_and_read_back(action)
        if self._enforced(action.profile):
            self._remember_result(action, result)
        return result

    async def _write_and_read_back(self, action: Grant | Revoke) -> Result:
        left = self._deadline.left(self._app.clock.now())
        if left <= 0:
            return self._result(action, Outcome.RETRY, "the handler's time was over before this write could begin")
        written: Written | None = None
        try:
            async with asyncio.timeout(left):
                written = await self._write(action)
        except TimeoutError:
            doubt: Transient = MaybeWritten("the service did not answer within the handler's time")
        except MaybeWritten as lost:
            doubt = lost
        except Transient as failure:
            return self._result(action, Outcome.RETRY, failure.reason, failure.retry_after)
        except Permanent as failure:
            return self._result(action, Outcome.GAVE_UP, failure.reason)
        else:
            doubt = MaybeWritten("accepted, but not visible yet")
        try:
            row = await self._billing.assignment(action.profile, self._object_id)
        except InvoiceAccessError as failure:
            return self._result(action, Outcome.UNVERIFIED, f"{doubt.reason}; reading back failed: {failure}")
        return await self._judge(action, written, row, doubt)

    async def _write(self, action: Grant | Revoke) -> Written:
        if isinstance(action, Grant):
            return await self._billing.grant_invoice_manager(action.profile, self._object_id)
        return await self._billing.revoke_invoice_manager(action.assignment)

    async def _judge(
        self, action: Grant | Revoke, written: Written | None, row: Assignment | None, doubt: Transient
    ) -> Result:
        """What the read-back says of a write."""
        done = Outcome.WOULD if written is Written.WOULD else Outcome.DONE
        if isinstance(action, Revoke):
            if row is None:
                return self._result(action, done, action.reason)
            own = prove(row, identities=await self._billing.identities())
            if not isinstance(own, OwnAssignment) and row.created_by is not None:
                return self._result(action, done, f"{action.reason}; somebody else gave it again since")
            return self._result(action, Outcome.UNVERIFIED, doubt.reason, doubt.retry_after)
        if row is None:
            return self._result(action, Outcome.UNVERIFIED, doubt.reason, doubt.retry_after)
        if row.created_by is not None and row.created_by not in await self._billing.identities():
            return self._result(action, Outcome.UNCHANGED, f"somebody else was quicker: {row.created_by}")
        return self._result(action, done, action.reason)

    def _remember_result(self, action: Grant | Revoke, result: Result) -> None:
        """Keeps what the next look needs to know, and forgets an intent that surely came to nothing."""
        holdings = dict(self.state.holdings)
        match action, result.outcome:
            case Grant(), Outcome.DONE:
                pass
            case Grant(), Outcome.UNVERIFIED:
                pass
            case Grant(), _:
                holdings.pop(action.profile, None)
            case Revoke(), Outcome.DONE:
                holdings.pop(action.profile, None)
            case Revoke(), Outcome.UNVERIFIED:
                pass
            case _:
                holding = holdings.get(action.profile, Holding())
                holdings[action.profile] = replace(holding, revoking_at=None)
        self.state = replace(self.state, holdings=holdings)

    def _result(
        self, action: Grant | Revoke, outcome: Outcome, why: str, retry_after: timedelta | None = None
    ) -> Result:
        return Result(_verb(action), action.profile, outcome, why, retry_after)


def _verb(action: Grant | Revoke) -> str:
    return "grant" if isinstance(action, Grant) else "revoke"
