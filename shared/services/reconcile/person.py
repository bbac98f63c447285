"""One check of one person: read, decide, weigh the evidence, carry out, remember.

The order of these steps is the whole of this module. What should be is `decide`'s, how it is written is `apply`'s,
when to come back after a failure `reconcile`'s.
"""

import logging
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.access.decide import decide, may_keep, may_serve
from shared.domain.access.employment import standing
from shared.domain.access.evidence import Weighed, sighting_on, weigh
from shared.domain.access.near_misses import with_near_misses
from shared.domain.access.ownership import Held, ManagedAssignment
from shared.domain.access.plan import Employment, Grant, Note, NoteKind, Plan, Revoke
from shared.domain.access.rules import managed_accounts
from shared.domain.billing import Assignment
from shared.domain.catalogue import Catalogue
from shared.domain.history.checks import ManagedRow, Step, Told, Waiting
from shared.domain.keys import NameKind, PersonKey, ProfileKey
from shared.domain.outcome import Outcome, worst
from shared.domain.people import Person, PersonRead
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from shared.domain.remembered import Holding, PersonState
from shared.domain.work import CauseKind, Scheduled, WorkItem, again, heard_at, later
from shared.errors import InvoiceAccessError, Permanent, Transient
from shared.ports import Billing, Chain
from shared.services.app import App, Check, Deadline
from shared.services.catalogue import enforced_profiles
from shared.services.estate import judge_rules
from shared.services.pauses import role_lost
from shared.services.provenance import Prover, ReadOnce, recalled
from shared.services.reconcile.apply import Result, Run, failed, is_young
from shared.services.reconcile.guard import Guard
from shared.services.reconcile.leaving import leaver_times
from shared.services.reconcile.pieces import Piece, cut, read_piece
from shared.services.reconcile.recipients import left_with_too_few
from shared.services.reconcile.slips import ask_about_slips
from shared.services.side_by_side import beside
from shared.telemetry import Span

_MOST_NOTES: Final = 200
"""Notes in one record, in full: some 60,000 of the 440,000 characters that it holds."""

_CAUSED_BY_EVENTS: Final = frozenset({CauseKind.EVENT, CauseKind.SCHEDULE, CauseKind.RETRY})
"""Checks that a change brought about, and that may come before the directory shows it. A retry may be one."""

_log = logging.getLogger(__name__)


async def check_person(app: App, key: PersonKey, item: WorkItem, chain: Chain, deadline: Deadline) -> Check:
    """Makes what one person has what they should have, as far as is proved and allowed."""
    now = app.clock.now()
    # What the directory says and what the store remembers need nothing of each other.
    async with beside(app.directory.person(key.object_id, frozenset())) as reading:
        stored = await app.state.person(key.object_id)
        before = await recalled(stored, app.ledger)
        found_by_sweep = item.cause.kind is CauseKind.SWEEP
        catalogue = await app.catalogues.current(now, not_before=item.first_asked if found_by_sweep else None)
        enforced = enforced_profiles(app.policy, catalogue)
        guard = await Guard.open(app, key, enforced, item.only)
        person = await _with_groups(app, await reading, before, now)
    billing = app.billing_for_check(enforced.__contains__)
    guard.reopen_released()
    draft = decide(person, app.policy, catalogue, (), now)
    unmanaged = await _seen_unmanaged(app, key) if draft.employment is Employment.LEAVER else ()
    to_read = _profiles_to_read(app, catalogue, draft, {*before.holdings, *guard.profiles, *unmanaged}, item)
    piece = cut(item, to_read, draft.wanted)
    piece, rows, unread = await read_piece(app, billing, key.object_id, piece, deadline)
    held = await _prove(app, billing, rows, before)
    moved = [one for one in held if isinstance(one, ManagedAssignment) and one.profile not in draft.wanted]
    if moved and catalogue.unknown_rules is None and may_keep(person, app.policy, now):
        catalogue = await _with_rules_judged(app, catalogue)
    with app.telemetry.span(Span.DECIDE) as tell:
        plan = decide(person, app.policy, catalogue, held, now)
        tell(employment=plan.employment.value, grants=len(plan.grants), revokes=len(plan.revokes))
    plan = with_near_misses(plan, person, app.policy, catalogue, app.catalogues.vocabulary(app.policy, catalogue), now)
    plan = replace(plan, grants=tuple(grant for grant in plan.grants if grant.profile in rows))
    if not piece.is_all:
        plan = replace(plan, notes=tuple(note for note in plan.notes if piece.covers(note.profile)))

    weighed = weigh(
        plan,
        before.sightings,
        now,
        settle=app.settings.settle,
        grace=timedelta(hours=app.policy.mover_grace_hours),
    )
    revokes, spared, unsure = await _spare_what_a_missing_group_gave(app, plan, weighed.apply)
    revokes, unread_slips = await _ask_about_slips(app, plan, revokes, person, catalogue, guard.asked_about)
    out_of_sight = _out_of_sight(app, catalogue, before) if piece.is_first else ()
    plan = replace(plan, notes=(*plan.notes, *spared, *out_of_sight))

    is_unreadable = plan.employment is Employment.UNREADABLE
    state = replace(
        before,
        holdings=_remember(before.holdings, rows, held, plan, now, app.settings.intent_seconds),
        sightings=before.sightings
        if is_unreadable
        else {**_unread(before.sightings, unread, piece.elsewhere, plan), **weighed.sightings},
        names=_names(person) or before.names,
    )
    await _pause_if_access_lost(app, key, unread)
    run = Run(app, billing, chain, deadline, guard, state, stored)
    results = [*unread, *unsure, *unread_slips, *await run.carry_out(plan, revokes)]
    if is_unreadable and piece.is_first:  # somebody has to fix what the directory holds; a sweep sees that it is done
        results.append(Result(Step.READ, None, Outcome.GAVE_UP, plan.reason))
    begun = piece.until_late(results)
    results += await _store(app, run)
    results += await _close_holds(guard, run, plan, rows)
    await _pause_if_access_lost(app, key, results)
    few = await left_with_too_few(app, billing, catalogue, results, deadline)

    mine = [result.outcome for result in results if begun is piece or not result.late]
    outcome = worst(mine + [Outcome.WAITING] * bool(weighed.wait))
    gave_up = any(result.outcome is Outcome.GAVE_UP for result in results)
    notes = (*plan.notes, *few)
    told = Told(
        alert=Code.PERSON_HAS_TO_ACT() if gave_up else None,
        employment=plan.employment,
        why=plan.reason,
        piece=begun.told(),
        wanted=plan.wanted if piece.is_all else {one: plan.wanted[one] for one in piece.profiles if one in plan.wanted},
        read=tuple(sorted(rows, key=str)),
        adopted=_adopted(run.state),
        held={one.profile: _managed_row(one) for one in held if isinstance(one, ManagedAssignment)},
        notes=notes[:_MOST_NOTES],
        notes_left_out=len(notes[_MOST_NOTES:]),
        actions=tuple(result.told for result in results),
        leaver=leaver_times(item, plan, person, guard, before, rows, results),
        waiting=tuple(Waiting(one.revoke.profile, one.revoke.reason, one.due) for one in weighed.wait),
    )
    return Check(
        outcome,
        guard.tell(told),
        follow_ups=tuple(_follow_ups(app, begun, plan, weighed, results, now)),
        retry_after=max((r.retry_after for r in results if r.retry_after is not None), default=None),
        item=begun.item,
    )


async def _prove(
    app: App, billing: Billing, rows: Mapping[ProfileKey, Assignment | None], before: PersonState
) -> list[Held]:
    """The assignments that were read, each proved managed or unmanaged."""
    prover = Prover(await billing.identities(), ReadOnce(app.ledger), app.settings.on_its_way)
    return [await prover.held(row, before) for row in rows.values() if row is not None]


async def _with_groups(app: App, person: PersonRead, before: PersonState, now: datetime) -> PersonRead:
    """Somebody with their groups, which are read where rules may give them something, or let them keep it.

    Rules give nothing to who has left: a read of groups that fails must not keep a leaver's access.
    """
    if not isinstance(person, Person):
        return person
    stands = standing(person, app.policy, now)
    if stands.employment is not Employment.EMPLOYED and not (before.holdings and may_serve(person, stands)):
        return person
    return replace(person, groups=await app.directory.groups_of(person.object_id, app.policy.groups))


async def _with_rules_judged(app: App, catalogue: Catalogue) -> Catalogue:
    """Judges the rules where no sweep has, and keeps that for the checks to come.

    Only where there is no judgement at all: one of an earlier policy waits for the sweep, which sees at once
    everything that a changed policy would take away.
    """
    judged = await judge_rules(app, catalogue)
    if judged.unknown_rules is not None:
        await app.catalogues.put(judged, app.clock.now())
    return judged


def _out_of_sight(app: App, catalogue: Catalogue, before: PersonState) -> list[Note]:
    """What is remembered as managed where nothing is read: our role is gone, or the policy dropped the account."""
    managed = managed_accounts(app.policy, catalogue.manageable)
    lost = sorted(profile for profile in before.holdings if profile.account.lower() not in managed)
    return [Note(NoteKind.NOT_MANAGED, Code.STAYS_OUT_OF_SIGHT(), profile) for profile in lost]


async def _seen_unmanaged(app: App, key: PersonKey) -> list[ProfileKey]:
    """Profiles on which the last sweep saw unmanaged access of this person: a leaver's is reported at once, and stays.

    Telling is not worth a leaver's revokes: where the state cannot say it, nothing is told.
    """
    try:
        sighted = await app.state.sighted()
    except (Transient, Permanent) as failure:
        _log.warning("%s: what others gave is not told of: %s", key.canonical, failure)
        return []
    return [one.profile for one in sighted if one.principal_id == key.object_id]


def _profiles_to_read(
    app: App, catalogue: Catalogue, draft: Plan, concerned: AbstractSet[ProfileKey], item: WorkItem
) -> list[ProfileKey]:
    """What the policy gives, what is `concerned` (remembered, held, or others gave), what a hint names: one read each.

    A hint only widens, and only to profiles that exist in accounts we manage.
    """
    managed = managed_accounts(app.policy, catalogue.manageable)
    wanted = {*draft.wanted, *concerned, *(hint for hint in item.hints if hint in catalogue.index.by_key)}
    return sorted(profile for profile in wanted if profile.account.lower() in managed)


async def _spare_what_a_missing_group_gave(
    app: App, plan: Plan, revokes: Sequence[Revoke]
) -> tuple[list[Revoke], list[Note], list[Result]]:
    """Keeps back revokes of what a rule gave whose group is gone: nobody left it, it left.

    Returns the revokes that remain, a note for each one spared, and a result for each one where the group could not be
    read: that is no answer, so it is kept back as well.
    """
    if plan.employment is not Employment.EMPLOYED:
        return list(revokes), [], []
    groups_of = {rule.name: rule.member_of for rule in app.policy.rules}
    known: dict[str, bool | InvoiceAccessError] = {}
    kept: list[Revoke] = []
    spared: list[Note] = []
    unsure: list[Result] = []
    for revoke in revokes:
        rules = revoke.assignment.rules
        groups = frozenset[str]().union(*(groups_of.get(rule, frozenset()) for rule in (rules or groups_of)))
        for group in sorted(groups - known.keys()):
            try:
                known[group] = await app.directory.group_exists(group)
            except (Transient, Permanent) as failure:
                known[group] = failure
        gone = [group for group in sorted(groups) if known[group] is False]
        failures = [answer for group in sorted(groups) if not isinstance(answer := known[group], bool)]
        if gone:
            spared.append(Note(NoteKind.RULE_NOT_KNOWN, Code.NO_SUCH_GROUP(group=gone[0]), revoke.profile))
        elif failures:
            unsure.append(failed(Step.READ, revoke.profile, failures[0]))
        else:
            kept.append(revoke)
    return kept, spared, unsure


async def _ask_about_slips(
    app: App,
    plan: Plan,
    revokes: Sequence[Revoke],
    person: PersonRead,
    catalogue: Catalogue,
    asked_about: AbstractSet[ProfileKey],
) -> tuple[list[Revoke], list[Result]]:
    """The revokes, those that may rest on a slip to be asked about; none where the directory cannot say."""
    if not revokes or plan.employment is not Employment.EMPLOYED:
        return [*revokes], []
    try:
        asked = await ask_about_slips(app, replace(plan, revokes=tuple(revokes)), person, catalogue, asked_about)
    except (Transient, Permanent) as failure:
        return [], [failed(Step.READ, revoke.profile, failure) for revoke in revokes]
    return [*asked.revokes], []


async def _pause_if_access_lost(app: App, key: PersonKey, results: Sequence[Result]) -> None:
    """Pauses the accounts on which these show that our own role is gone: before the writes where the reads show it."""
    lost = {result.lost_account: result.why for result in reversed(results) if result.lost_account is not None}
    for account, why in sorted(lost.items()):
        await role_lost(app, key, account, why)


def _remember(
    holdings: Mapping[ProfileKey, Holding],
    rows: Mapping[ProfileKey, Assignment | None],
    held: Sequence[Held],
    plan: Plan,
    now: datetime,
    intent_seconds: int,
) -> dict[ProfileKey, Holding]:
    """What we remember of our assignments after having read them.

    Ours: with the rules that give it now. Unmanaged: forgotten. Gone: forgotten once a grant of ours could no longer
    be on its way. Not read: as it was.
    """
    remembered = dict(holdings)
    for profile, row in rows.items():
        if row is None and profile in holdings and not is_young(holdings[profile].intended_at, now, intent_seconds):
            del remembered[profile]
    for one in held:
        if isinstance(one, ManagedAssignment):
            holding = remembered.get(one.profile, Holding())
            rules = plan.wanted.get(one.profile) or holding.rules
            remembered[one.profile] = replace(holding, rules=tuple(rules))
        else:
            remembered.pop(one.profile, None)
    return remembered


def _unread(
    sightings: Mapping[str, datetime], failures: Sequence[Result], elsewhere: Collection[ProfileKey], plan: Plan
) -> dict[str, datetime]:
    """The evidence about profiles that were not read, as far as what the directory says does not refute it."""
    failed = {failure.profile for failure in failures if failure.profile is not None}
    still = {sighting_on(plan, profile) for profile in {*failed, *elsewhere} - plan.wanted.keys()}
    return {text: seen for text, seen in sightings.items() if text in still}


async def _store(app: App, run: Run) -> list[Result]:
    """Stores what is remembered of the person, if that changed and is worth a row.

    What was written to Azure by then must be recorded all the same, so that a failure here is one result among others.
    """
    state = run.state
    if state == run.stored.value or not (state.holdings or state.sightings or run.stored.is_there):
        return []
    try:
        await app.state.put_person(run.stored.becoming(state))
    except (Transient, Permanent) as failure:
        return [failed(Step.REMEMBER, None, failure)]
    return []


async def _close_holds(guard: Guard, run: Run, plan: Plan, read: Collection[ProfileKey]) -> list[Result]:
    """Closes the holds of what is no longer wanted, of the profiles that were `read`.

    Evidence that is yet to be seen again still wants it. Where a rule is not known nothing is concluded about a mover's
    revoke; whatever else is held there is done, or wanted by nobody.
    """
    wanted: tuple[Grant | Revoke, ...] = (*plan.grants, *plan.revokes)
    still = {run.wanted(plan, action).id for action in wanted}
    still |= {
        guard.wanted(ActionKind.MOVER_REVOKES, note.profile, note.why).id
        for note in plan.notes
        if note.kind is NoteKind.RULE_NOT_KNOWN and note.profile is not None
    }
    silent = [profile for profile in guard.profiles if profile not in read or plan.employment is Employment.UNREADABLE]
    guard.keep(still, silent)
    try:
        await guard.store()
    except (Transient, Permanent) as failure:
        return [failed(Step.HOLD, None, failure)]
    return []


def _names(person: PersonRead) -> Mapping[NameKind, str]:
    """What the directory calls somebody now, for events about them when it no longer does."""
    return person.names if isinstance(person, Person) else {}


def _adopted(state: PersonState) -> tuple[ProfileKey, ...]:
    """What is remembered as adopted, also where it could not be read now: whoever loses the state finds it here.

    The first of them: that there is any sends them to each one's own record.
    """
    return tuple(sorted((one for one, holding in state.holdings.items() if holding.adopted), key=str)[:_MOST_NOTES])


def _managed_row(one: ManagedAssignment) -> ManagedRow:
    return ManagedRow(one.proof, tuple(sorted(one.rules or ())), one.assignment.created_on)


def _follow_ups(
    app: App, piece: Piece, plan: Plan, weighed: Weighed, results: Sequence[Result], now: datetime
) -> list[Scheduled]:
    """The checks that this one asks for by itself: evidence to be seen again, lag to settle, dates to come, the rest.

    What concerns the person and not a piece of their profiles, the first piece asks for, and for all of them.
    """
    item = piece.item
    checks: list[Scheduled] = [] if piece.rest is None else [piece.rest]
    settled = now + app.settings.settle
    evidence = min((waiting.due for waiting in weighed.wait), default=None)
    if evidence is not None:
        checks.append(_at(app, item, CauseKind.SETTLE, evidence))
    if not piece.is_first:
        return checks
    everything = replace(item, after=None, upto=None) if item.is_part else item
    # What changed something has seen the change; what failed or is on its way is checked again anyway.
    saw_nothing = not any(r.outcome in {Outcome.DONE, Outcome.RETRY, Outcome.UNVERIFIED} for r in results)
    covered = evidence is not None and evidence <= settled and not item.is_part
    if saw_nothing and item.cause.kind in _CAUSED_BY_EVENTS and not covered:
        checks.append(_at(app, everything, CauseKind.SETTLE, settled))
    if plan.next_change is not None and plan.next_change <= now + timedelta(hours=app.settings.sweep_hours):
        # What a date changes was in no plan: that check is like any other of its day.
        checks.append(_at(app, replace(everything, only=None), CauseKind.SCHEDULE, plan.next_change))
    return checks


def _at(app: App, item: WorkItem, kind: CauseKind, due: datetime) -> Scheduled:
    # A date that comes is news of its own; whatever else is checked later was heard of before.
    check = replace(again(item, kind), first_asked=due, heard=None if kind is CauseKind.SCHEDULE else heard_at(item))
    return later(check, due, coalesce=app.settings.coalesce)
