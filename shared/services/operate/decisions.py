"""What a person decides: which holds are done or left, and whether the app writes at all.

Lives here: the operator's verbs. Each is recorded on the ledger's chain `operator` first, then stored, then the keys it
concerns are enqueued: nothing is written to Azure from here. An emergency stop alone is stored first, and stands where
it cannot be recorded. A verb that broke off halfway is safe to repeat.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import batched
from typing import Any, Final

from shared.domain.access.plan import StoppedBy
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.hold_listing import Difference, HoldListing, choose, listing
from shared.domain.guards.holds import Hold, KeyHolds, Status
from shared.domain.guards.pauses import EVERYWHERE, Pause, PauseKind, Pauses, Setting
from shared.domain.guards.proposals import Deed, Proposal, about_oneself, listed, needs_two, of_holds, of_pauses
from shared.domain.history.records import ClearedPause, DecidedHold, DecisionBody, Record, Verb
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind, TwoPeople
from shared.domain.reasons import Code, Reason
from shared.domain.work import MOST_HINTS, Cause, CauseKind, Scheduled, WorkItem, at_once, later
from shared.errors import Permanent, Transient
from shared.ports import Stored
from shared.services.app import unique_id
from shared.services.operate.deciding import Deciding
from shared.services.operate.two_people import Consent, ask_another, propose
from shared.services.pauses import set_pause
from shared.services.shared_row import StoreOnly, change_row, until_stored

CHAIN: Final = "operator"
"""The ledger's key for decisions."""

_ROWS_AT_ONCE: Final = 100
"""Keys whose holds are stored together or not at all: a batch of the store."""

_HOLDS_A_RECORD: Final = 500
"""Holds named in one record: at some 500 characters each, half of what a record holds."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision about holds.

    With `differences` it was refused, and `holds` is empty. Only where more than 100 keys were concerned, and the world
    moved between two batches of them, are there both: `holds` were decided before it moved, and stay so. `refused` is
    why, where it is not that the world moved since it was listed. `proposed` is what waits for a second operator now.
    """

    holds: tuple[Hold, ...] = ()
    differences: tuple[Difference, ...] = ()
    last_due: datetime | None = None
    """When the last check that this asked for is due; None where it asked for none."""
    refused: Reason | None = None
    proposed: Proposal | None = None


@dataclass(frozen=True, slots=True)
class Paused:
    """What became of a pause that is on: whether another one was before, and why it could not be recorded."""

    already: bool
    unrecorded: str | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """The pauses that `resume` cleared, and those that stand after it. For the others see `Decided`."""

    cleared: Mapping[Pause, Setting]
    remaining: Mapping[Pause, Setting]
    differences: tuple[Difference, ...] = ()
    refused: Reason | None = None
    proposed: Proposal | None = None


async def list_holds(app: StoreOnly) -> HoldListing:
    """Every hold, whatever was decided about it. One read of all keys that have any."""
    return listing([hold async for row in app.state.holds() for hold in row.value.holds.values()], app.clock.now())


async def release(
    app: Deciding, names: Collection[str] | None, by: str, as_listed: datetime | HoldListing, *, why: str = ""
) -> Decided:
    """Has holds carried out, whatever the daily limit: those of the ids and groups in `names`, or all that wait (None).

    `by` is the operator's object id. Refused as a whole where one of them is about their own access. Where the policy
    wants two people it is proposed, and done once another operator releases the same (`two_people`).
    Refused as a whole, with every difference, when a hold concerned is gone, was dismissed or came in or changed since
    `as_listed`. A listing is compared hold by hold; by a time alone nobody can tell that a member of a group went.
    The check that follows checks once more: an action on another basis is open again, and says so. A hold that was
    released already is enqueued again. Raises `Transient` where the holds keep changing.
    """
    return await _decide(app, _Decision(Verb.RELEASE, Status.RELEASED, by, app.clock.now(), why), names, as_listed)


async def dismiss(
    app: Deciding, names: Collection[str], by: str, as_listed: datetime | HoldListing | None = None, *, why: str = ""
) -> Decided:
    """Has holds left alone until the action changes. Refused when one is gone; see `release` for `as_listed`."""
    return await _decide(app, _Decision(Verb.DISMISS, Status.DISMISSED, by, app.clock.now(), why), names, as_listed)


async def pause(app: StoreOnly, by: str, why: str, scope: str = EVERYWHERE) -> Paused:
    """Stops every write within a scope, a leaver's as well, until `resume`. What is paused already stays as it was.

    `scope` is one of `known_scopes`. The stop comes before its record: one row of a chain that cannot be read is no
    reason to go on.
    """
    wanted = Pause(PauseKind.OPERATOR, scope)
    already = wanted in (await read_pauses(app)).active
    await set_pause(app, wanted, Code.SAID(said=why), by=by)
    try:
        await _record(app, DecisionBody(Verb.PAUSE, by, why, scope))
    except (Permanent, Transient) as failure:
        return Paused(already, unrecorded=str(failure))
    return Paused(already)


async def known_scopes(app: StoreOnly) -> frozenset[str] | None:
    """Where a pause stops anything: everywhere, each account and profile of the catalogue; None before the first."""
    catalogue = await app.state.catalogue()
    if catalogue is None:
        return None
    accounts = {account.name.lower() for account in catalogue.accounts}
    return frozenset({EVERYWHERE, *accounts, *(profile.key.folded for profile in catalogue.profiles)})


async def resume(
    app: StoreOnly,
    by: str,
    agreed: Mapping[Pause, Setting] | None = None,
    *,
    rule: TwoPeople | None = None,
    scope: str | None = None,
) -> Resumed:
    """Clears every pause that stands now. What comes in meanwhile stays, as nobody has seen it yet.

    `agreed` are those to clear as the operator saw them; whatever stands otherwise by now stays as well. What they told
    of is accepted (`_accept`). `rule` is the policy's: where it wants two people, this is proposed, or confirmed.
    `scope` is the part that was named, for a second operator to name it as well. Nothing is enqueued: the next sweep
    takes up what was stopped. Raises `Transient` where the pause or the baseline keeps changing.
    """
    standing = (await read_pauses(app)).active
    seen = {pause: one for pause, one in standing.items() if agreed is None or agreed.get(pause) == one}
    if not seen:
        return Resumed({}, standing)
    pauses = {str(pause): ClearedPause(one.since, one.by, one.why) for pause, one in seen.items()}
    made = Proposal(Deed.RESUME, None if scope is None else (scope,), listed(of_pauses(seen)), by, app.clock.now())
    found = await ask_another(app, made, of_pauses(seen), needed=needs_two(rule, Deed.RESUME))
    if not found.is_given:
        if found.proposed is not None:
            body = DecisionBody(Verb.PROPOSE, by, pauses=pauses, deed=Deed.RESUME, digest=made.digest)
            await _record(app, body)
            await propose(app, made)
        return Resumed({}, standing, found.differences, found.refused, found.proposed)
    await _record(app, DecisionBody(Verb.RESUME, by, pauses=pauses, proposed_by=found.proposed_by, digest=found.digest))
    await _accept(app, seen)

    def without_seen(pauses: Pauses) -> Pauses:
        return replace(pauses, active={pause: one for pause, one in pauses.active.items() if seen.get(pause) != one})

    put, remedy = app.state.put_pauses, "check it, and resume again"
    _, row = await change_row(app, "the pause", app.state.pauses, without_seen, put, remedy=remedy)
    await found.close(app)
    return Resumed(seen, row.value.active)


async def _accept(app: StoreOnly, seen: Mapping[Pause, Setting]) -> None:
    """Has the next sweep compare with what the operator saw, and not with what was there before.

    Accepted are the people that there were when the population shrank, or any number where nobody noted it, and
    whichever accounts are left after the loss of our role: of one account, that it may be gone.
    """
    shrank = seen.get(Pause(PauseKind.POPULATION_SHRANK))
    lost = {pause.scope.partition("/")[0] for pause in seen if pause.kind is PauseKind.ROLE_LOST}

    def accepted(baseline: Baseline | None) -> Baseline | None:
        if baseline is not None and shrank is not None:
            baseline = replace(baseline, population=shrank.seen)
        if baseline is not None and lost:
            missed = [one for one in baseline.accounts if EVERYWHERE not in lost and one not in lost]
            baseline = replace(baseline, accounts=tuple(missed))
        return baseline

    what, remedy = "the figures of the last good sweep", "nothing was resumed, do it again"
    await change_row(app, what, app.state.baseline, accepted, app.state.put_baseline, remedy=remedy)


async def log(app: StoreOnly) -> Sequence[tuple[Record, DecisionBody]]:
    """Every decision there is a record of, the newest last. Raises `Permanent` where one is damaged."""
    return [(one, one.body) async for one in app.ledger.read(CHAIN) if isinstance(one.body, DecisionBody)]


async def read_pauses(app: StoreOnly) -> Pauses:
    """The pause as it is now."""
    return (await app.state.pauses()).value


async def last_good_sweep(app: StoreOnly) -> Baseline | None:
    """What the last good sweep counted; None before the first."""
    return (await app.state.baseline()).value


async def was_swept(app: StoreOnly) -> bool:
    """Whether any sweep ever left something in this store."""
    return bool(await app.state.reports(1)) or await last_good_sweep(app) is not None


async def harm(app: StoreOnly, hold: Hold) -> Mapping[str, tuple[Any, Any]]:
    """What an update changed in a profile, as it was and as it is: by field, empty for a hold of any other kind."""
    if hold.stopped_by is not StoppedBy.HARM:
        return {}
    state = (await app.state.profile(hold.profile)).value
    before, after = dict(_fields(state.before or {})), dict(_fields(state.after or {}))
    names = sorted(before.keys() | after.keys())
    return {name: (before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)}


def _fields(image: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """An image's leaves by their path. What is empty is a leaf, so that its coming and going shows."""
    for name, value in image.items():
        if isinstance(value, Mapping) and value:
            yield from _fields(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


async def _decide(
    app: Deciding,
    decision: "_Decision",
    names: Collection[str] | None,
    as_listed: datetime | HoldListing | None,
) -> Decided:
    done: dict[str, Hold] = {}
    recorded = set[tuple[str, Reason | None]]()
    confirmed: Consent | None = None

    async def attempt() -> Decided:
        nonlocal confirmed
        rows = [row async for row in app.state.holds()]
        holds = [hold for row in rows for hold in row.value.holds.values()]
        done.update({hold.id: hold for hold in holds if decision.made(hold)})
        chosen, differences = choose(holds, names, as_listed, done=done)
        if not differences:
            consent = await _consent(app, decision, names, chosen.values(), holds, done, confirmed)
            if consent.is_given:
                confirmed = consent
            elif not recorded:
                return Decided((), consent.differences, refused=consent.refused, proposed=consent.proposed)
            differences = list(consent.differences)
        if differences:
            if recorded:
                said = tuple(Code.OF_HOLD(name=one.name, because=one.what) for one in differences[:_HOLDS_A_RECORD])
                told = replace(decision.body, refused=said, differences=len(differences), decided=tuple(sorted(done)))
                await _record(app, told)
            return Decided(tuple(done.values()), tuple(differences), await _enqueue(app, decision, done.values()))
        # After a conflict a group may have members that nobody recorded yet, or one on another basis.
        unrecorded = [hold for hold in chosen.values() if (hold.id, hold.basis) not in recorded]
        await _record_holds(app, decision.confirming(confirmed), unrecorded)
        recorded.update((hold.id, hold.basis) for hold in unrecorded)
        for together in batched(decision.on_rows(rows, chosen), _ROWS_AT_ONCE, strict=False):
            await app.state.put_key_holds(*together, whole=True)
            done.update({hold.id: hold for row in together for hold in row.value.holds.values() if hold.id in chosen})
        if confirmed is not None:
            await confirmed.close(app)
        all_done = chosen | done  # those that were decided the same way before are none of the rows to store
        return Decided(tuple(all_done.values()), last_due=await _enqueue(app, decision, all_done.values()))

    return await until_stored(app, "the holds", attempt, remedy="list them, and decide again")


async def _consent(
    app: Deciding,
    decision: "_Decision",
    names: Collection[str] | None,
    chosen: Collection[Hold],
    every: Collection[Hold],
    done: Collection[str],
    before: Consent | None,
) -> Consent:
    """Whether a decision may be made by this operator now. What has to wait for another one is proposed."""
    own = about_oneself(chosen, decision.by)
    if own:
        return Consent(refused=Code.ONLY_FOR_OTHERS(), differences=tuple(own))
    deed = Deed(decision.verb.value)
    named = None if names is None else tuple(sorted(names))
    items = of_holds(chosen)
    made = Proposal(deed, named, listed(items), decision.by, decision.at, decision.why)
    changed = [one for one in chosen if one.status is not decision.status]
    needed = needs_two(app.policy.two_people, deed, changed, every)
    found = await ask_another(app, made, items, needed=needed, done=done, before=before)
    if found.proposed is not None:
        proposing = replace(decision, verb=Verb.PROPOSE, deed=deed.value, digest=made.digest)
        await _record_holds(app, proposing, chosen)
        await propose(app, made)
    return found


@dataclass(frozen=True, slots=True)
class _Decision:
    verb: Verb
    status: Status
    by: str
    at: datetime
    why: str
    deed: str = ""
    proposed_by: str = ""
    digest: str = ""

    @property
    def body(self) -> DecisionBody:
        return DecisionBody(
            self.verb, self.by, self.why, deed=self.deed, proposed_by=self.proposed_by, digest=self.digest
        )

    def confirming(self, consent: Consent | None) -> "_Decision":
        """The decision with what it confirms."""
        if consent is None:
            return self
        return replace(self, proposed_by=consent.proposed_by, digest=consent.digest)

    def on_rows(self, rows: Iterable[Stored[KeyHolds]], chosen: Collection[str]) -> list[Stored[KeyHolds]]:
        """The rows that it changes, as they become."""
        changed = []
        for row in rows:
            holds = {name: self._on(hold) if name in chosen else hold for name, hold in row.value.holds.items()}
            if holds != row.value.holds:
                changed.append(row.becoming(replace(row.value, holds=holds)))
        return changed

    def made(self, hold: Hold) -> bool:
        """Whether a hold is as this very decision left it: what was stored may be no more than a part."""
        return (hold.status, hold.by, hold.decided_at) == (self.status, self.by, self.at)

    def _on(self, hold: Hold) -> Hold:
        if hold.status is self.status:
            return hold
        return replace(hold, status=self.status, by=self.by, decided_at=self.at, refused=None)


async def _enqueue(app: Deciding, decision: _Decision, holds: Iterable[Hold]) -> datetime | None:
    """Asks for a check of every key with a released hold, leavers first, in batches as a sweep does.

    Returns when the last one is due.
    """
    profiles: dict[PersonKey | ProfileKey, set[ProfileKey]] = {}
    released = [hold for hold in holds if decision.status is Status.RELEASED]
    for hold in sorted(released, key=lambda hold: (hold.kind is not ActionKind.LEAVER_REVOKES, hold.key.canonical)):
        profiles.setdefault(hold.key, set()).add(hold.profile)
    now = app.clock.now()
    cause = Cause(CauseKind.OPERATOR, f"operator:{decision.by}")
    unique = unique_id(app.random)
    checks: list[Scheduled] = []
    due = now
    for number, (key, hinted) in enumerate(profiles.items()):
        batch = number // app.settings.sweep_batch
        due = now + timedelta(seconds=batch * app.settings.sweep_batch_seconds)
        hints = tuple(sorted(hinted))[:MOST_HINTS] if isinstance(key, PersonKey) else ()
        item = WorkItem(key, cause, first_asked=due, hints=hints)
        checks.append(later(item, due, coalesce=app.settings.coalesce) if batch else at_once(item, unique))
    if checks:
        await app.queues.send_work(checks)
    return due if checks else None


async def _record_holds(app: Deciding, decision: _Decision, holds: Iterable[Hold]) -> None:
    """Records a decision with what each hold is about: the hold itself goes when its action is taken."""
    for together in batched(holds, _HOLDS_A_RECORD, strict=False):
        said = [DecidedHold(one.id, one.key, one.kind, one.profile, one.basis, one.group) for one in together]
        await _record(app, replace(decision.body, holds=tuple(said)))


async def _record(app: StoreOnly, body: DecisionBody) -> None:
    """Appends a decision to the operators' chain, behind whatever another operator appended meanwhile."""

    async def attempt() -> None:
        chain = await app.ledger.open(CHAIN)
        await chain.append(app.clock.now(), body)

    await until_stored(app, "the ledger of decisions", attempt, remedy="nothing was decided here, try again")
