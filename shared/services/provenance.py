"""Whose a live assignment is, from what the row says and what we recorded about it.

Lives here: finding the recorded intent that explains a row which does not say who made it, and the recorded adoption of
one that somebody else made. What counts as proof is `shared.domain.access.ownership`'s; nothing is read from Azure.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from shared.domain.access.ownership import AdoptedRow, Held, Intent, ManagedAssignment, prove
from shared.domain.billing import Assignment
from shared.domain.history.checks import CheckBody, Step
from shared.domain.history.records import AdoptBody, IntendedGrant, IntentBody, Mode, Record
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.remembered import Holding, PersonState
from shared.ports import Stored

_CAME_TO_NOTHING: Final = frozenset({Outcome.RETRY, Outcome.GAVE_UP, Outcome.UNCHANGED, Outcome.HELD})
"""How a grant ends of which we know that it made no row: refused, not begun, stopped, or somebody else was quicker."""


class Readable(Protocol):
    """What is needed of a ledger here. Every `Ledger` is one."""

    def read(self, key: str) -> AsyncIterator[Record]:
        """A key's records, oldest first."""
        ...

    async def latest(self, key: str, count: int) -> Sequence[Record]:
        """A key's last records, oldest first."""
        ...


class ReadOnce:
    """A ledger for several rows in a row, while nothing is appended: of one person after the other it is read once.

    Kept are the records of the person asked for last, and everybody's latest ones.
    """

    def __init__(self, ledger: Readable) -> None:
        self._ledger = ledger
        self._read: dict[str, Sequence[Record]] = {}
        self._latest: dict[tuple[str, int], Sequence[Record]] = {}

    async def read(self, key: str) -> AsyncIterator[Record]:
        """A key's records, oldest first."""
        if key not in self._read:
            self._read = {key: [record async for record in self._ledger.read(key)]}
        for record in self._read[key]:
            yield record

    async def latest(self, key: str, count: int) -> Sequence[Record]:
        """A key's last records, oldest first."""
        if (key, count) not in self._latest:
            self._latest[key, count] = await self._ledger.latest(key, count)
        return self._latest[key, count]


@dataclass(frozen=True, slots=True)
class Prover:
    """Says whose rows are.

    `identities` are ours. The ledger is read where a row does not say who made it, or may have been adopted.
    `on_its_way` is how long a grant may be invisible after its intent.
    """

    identities: AbstractSet[str]
    ledger: Readable
    on_its_way: timedelta

    async def held(self, row: Assignment, state: PersonState | None, *, trust_state: bool = False) -> Held:
        """Says whose a row is.

        It may have been adopted where the state says so, and where there is no state of the person at all (None): that
        may be lost. `trust_state` takes the intent or the adoption that the state remembers for enough, which spares
        the ledger: for the sweep, which writes nothing.
        """
        holding = Holding() if state is None else state.holdings.get(row.profile, Holding())
        rules = frozenset(holding.rules) or None
        if trust_state:
            intent = None if holding.intended_at is None else Intent(holding.intended_at, holding.found_nothing)
            adopted = AdoptedRow.of(row) if holding.adopted else None
            held = prove(row, identities=self.identities, intent=intent, adopted=adopted, rules=rules)
        else:
            held = prove(row, identities=self.identities, rules=rules)
        if isinstance(held, ManagedAssignment) or not row.is_invoice_manager or row.created_on is None:
            return held
        if row.created_by is not None and not holding.adopted:
            recollected = {} if state is not None else await _recalled_adoptions(row.principal_id, self.ledger)
            if row.profile not in recollected:
                return held
        records = [record async for record in self.ledger.read(f"person:{row.principal_id}")]
        unsigned = row.created_by is None
        return prove(
            row,
            identities=self.identities,
            intent=intent_behind(records, row.profile, row.created_on, self.on_its_way) if unsigned else None,
            adopted=next((one for one in adopted_rows(records) if one == AdoptedRow.of(row)), None),
            rules=rules or _rules_of_adoption(records, row),
        )


async def recalled(row: Stored[PersonState], ledger: Readable) -> PersonState:
    """A person's state; where there is none and it may be lost, with what the ledger says was adopted.

    Those profiles are read at every check then, as if the state had never been lost. What the ledger says of one whose
    row is gone or was replaced since does no harm: the row itself has to fit it.
    """
    state = row.value
    return state if row.is_there else replace(state, holdings=await _recalled_adoptions(state.object_id, ledger))


async def _recalled_adoptions(object_id: str, ledger: Readable) -> Mapping[ProfileKey, Holding]:
    """What of a person's was ever adopted, by the ledger.

    The last record mostly spares reading them all: a check that came to its end says what was remembered as adopted.
    """
    key = f"person:{object_id}"
    if all(_remembers_no_adoption(record) for record in await ledger.latest(key, 1)):
        return {}
    return {
        record.body.profile: Holding(rules=record.body.rules, adopted=True)
        async for record in ledger.read(key)
        if isinstance(record.body, AdoptBody)
    }


def adopted_rows(records: Iterable[Record]) -> list[AdoptedRow]:
    """Every row of a person that was ever adopted, as its evidence has it."""
    return [_adopted_row(record.body) for record in records if isinstance(record.body, AdoptBody)]


def intent_behind(
    records: Iterable[Record], profile: ProfileKey, created_on: datetime, on_its_way: timedelta
) -> Intent | None:
    """The latest intent of ours to grant on `profile` that may have made the row of `created_on`; None without one.

    Both times are billing's, as far as it told its own when we read that nothing was there: an instance's clock may be
    another one.

    Later intents do not count: a write that was slow to show is repeated, and the row is still the first one's.
    Neither does one that came to nothing, one that was only observed, or one that we took back before the row was
    made. A check that found nothing managed there before the row was made, and when the grant could no longer be
    `on_its_way`, says that it came to nothing.
    """
    before: Intent | None = None
    behind: Intent | None = None
    for record in records:
        match record.body:
            case IntentBody(actions, service_time):
                before = behind
                at = service_time or record.at
                # The service was seen to cut createdOn to whole seconds: an intent counts from its second's beginning.
                for action in actions if at.replace(microsecond=0) <= created_on else ():
                    if action.profile == profile and action.mode is Mode.ENFORCE:
                        behind = Intent(at, action.found_nothing) if isinstance(action, IntendedGrant) else None
            case CheckBody() as check:
                if any(
                    one.profile == profile and one.action is Step.GRANT and one.outcome in _CAME_TO_NOTHING
                    for one in check.actions
                ):
                    behind = before
                if behind is not None and _found_nothing(check, profile):
                    is_over = behind.recorded_at + on_its_way <= record.at.replace(microsecond=0) <= created_on
                    behind = None if is_over else behind
                before = behind
    return behind


def _found_nothing(check: CheckBody, profile: ProfileKey) -> bool:
    """Whether a check read the profile, and found nothing managed there."""
    return profile in (check.read or ()) and profile not in (check.held or {})


def _remembers_no_adoption(record: Record) -> bool:
    """Whether a record is of a check that knew what was adopted, and knew of nothing."""
    check = record.body
    return isinstance(check, CheckBody) and check.held is not None and not check.adopted


def _adopted_row(evidence: AdoptBody) -> AdoptedRow:
    """The row that a record is the evidence for."""
    return AdoptedRow(evidence.profile, evidence.name, evidence.created_by, evidence.created_on)


def _rules_of_adoption(records: Iterable[Record], row: Assignment) -> frozenset[str] | None:
    """The rules that gave a row when it was adopted, for who no longer remembers them otherwise."""
    for record in records:
        if isinstance(record.body, AdoptBody) and _adopted_row(record.body) == AdoptedRow.of(row):
            return frozenset(record.body.rules) or None
    return None
