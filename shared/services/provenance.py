"""Whose a live assignment is, from what the row says and what we recorded about it.

Lives here: finding the recorded intent that explains a row which does not say who made it, and the recorded adoption of
one that somebody else made. What counts as proof is `shared.domain.access.ownership`'s; nothing is read from Azure.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from shared.domain.access.ownership import AdoptedRow, Held, Intent, ManagedAssignment, prove
from shared.domain.billing import Assignment
from shared.domain.history.records import Record
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.remembered import Holding, PersonState
from shared.ports import Stored

_CAME_TO_NOTHING: Final = frozenset({Outcome.RETRY, Outcome.GAVE_UP, Outcome.UNCHANGED, Outcome.HELD})
"""How a grant ends of which we know that it made no row: refused, not begun, stopped, or somebody else was quicker."""

ADOPT: Final = "adopt"
"""The kind of the record that is an adoption's evidence; it lies in the person's own chain."""

REMEMBERED_ADOPTED: Final = "adopted"
"""Where a check's record names the profiles whose assignment is remembered as adopted; left out where none is."""

SERVICE_TIME: Final = "service_time"
"""Where an intent's record has billing's own time of the latest answer before it."""

_TELLING: Final = frozenset({"intent", "check", ADOPT})


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

    Kept are the telling records of the person asked for last, and everybody's latest ones.
    """

    def __init__(self, ledger: Readable) -> None:
        self._ledger = ledger
        self._read: dict[str, Sequence[Record]] = {}
        self._latest: dict[tuple[str, int], Sequence[Record]] = {}

    async def read(self, key: str) -> AsyncIterator[Record]:
        """A key's records, oldest first."""
        if key not in self._read:
            self._read = {key: [record async for record in self._ledger.read(key) if record.kind in _TELLING]}
        for record in self._read[key]:
            yield record

    async def latest(self, key: str, count: int) -> Sequence[Record]:
        """A key's last records, oldest first."""
        if (key, count) not in self._latest:
            self._latest[key, count] = await self._ledger.latest(key, count)
        return self._latest[key, count]


async def prove_row(
    row: Assignment,
    *,
    identities: AbstractSet[str],
    state: PersonState | None,
    ledger: Readable,
    on_its_way: timedelta,
    trust_state: bool = False,
) -> Held:
    """Says whose a row is. The ledger is read where the row does not say who made it, or may have been adopted.

    It may have been where the state says so, and where there is no state of the person at all (None): that may be lost.
    `on_its_way` is how long a grant may be invisible after its intent.
    `trust_state` takes the intent or the adoption that the state remembers for enough, which spares the ledger: for the
    sweep, which writes nothing.
    """
    holding = Holding() if state is None else state.holdings.get(row.profile, Holding())
    rules = frozenset(holding.rules) or None
    if trust_state:
        intent = None if holding.intended_at is None else Intent(holding.intended_at, holding.found_nothing)
        adopted = AdoptedRow.of(row) if holding.adopted else None
        held = prove(row, identities=identities, intent=intent, adopted=adopted, rules=rules)
    else:
        held = prove(row, identities=identities, rules=rules)
    if isinstance(held, ManagedAssignment) or not row.is_invoice_manager or row.created_on is None:
        return held
    if row.created_by is not None and not holding.adopted:
        recollected = {} if state is not None else await _recalled_adoptions(row.principal_id, ledger)
        if row.profile not in recollected:
            return held
    records = [record async for record in ledger.read(f"person:{row.principal_id}") if record.kind in _TELLING]
    return prove(
        row,
        identities=identities,
        intent=intent_behind(records, row.profile, row.created_on, on_its_way) if row.created_by is None else None,
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
        one.profile: Holding(rules=tuple(record.body.get("rules", ())), adopted=True)
        async for record in ledger.read(key)
        if (one := _adopted_row(record)) is not None
    }


def adopted_rows(records: Iterable[Record]) -> list[AdoptedRow]:
    """Every row of a person that was ever adopted, as its evidence has it."""
    return [one for one in map(_adopted_row, records) if one is not None]


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
        actions = _actions_on(profile, record)
        if record.kind == "intent":
            before = behind
            at = _recorded_at(record)
            # The service was seen to cut createdOn to whole seconds, so an intent counts from its second's beginning.
            for action in actions if at.replace(microsecond=0) <= created_on else ():
                if action.get("mode") == "enforce":
                    is_grant = action.get("action") == "grant"
                    behind = Intent(at, bool(action.get("found_nothing"))) if is_grant else None
        elif record.kind == "check":
            for action in actions:
                if action.get("action") == "grant" and action.get("outcome") in _CAME_TO_NOTHING:
                    behind = before
            if behind is not None and _found_nothing(record, profile):
                is_over = behind.recorded_at + on_its_way <= record.at.replace(microsecond=0) <= created_on
                behind = None if is_over else behind
            before = behind
    return behind


def _found_nothing(check: Record, profile: ProfileKey) -> bool:
    """Whether a check read the profile, and found nothing managed there."""
    read, held = check.body.get("read", ()), check.body.get("held", {})
    return str(profile) in read and str(profile) not in held


def _recorded_at(intent: Record) -> datetime:
    """When an intent was recorded, by billing's clock where that is known, and by the instance's own otherwise."""
    told = intent.body.get(SERVICE_TIME)
    try:
        at = datetime.fromisoformat(told) if isinstance(told, str) else intent.at
    except ValueError:
        return intent.at
    return at if at.tzinfo is not None else intent.at


def _remembers_no_adoption(record: Record) -> bool:
    """Whether a record is of a check that knew what was adopted, and knew of nothing."""
    return record.kind == "check" and "held" in record.body and not record.body.get(REMEMBERED_ADOPTED)


def _adopted_row(record: Record) -> AdoptedRow | None:
    """The row that a record is the evidence for. What does not read as evidence is none."""
    if record.kind != ADOPT:
        return None
    body = record.body
    try:
        made = datetime.fromisoformat(body["created_on"])
        return AdoptedRow(ProfileKey.parse(body["profile"]), body["name"], body["created_by"], made)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _rules_of_adoption(records: Iterable[Record], row: Assignment) -> frozenset[str] | None:
    """The rules that gave a row when it was adopted, for who no longer remembers them otherwise."""
    for record in records:
        if _adopted_row(record) == AdoptedRow.of(row):
            return frozenset(record.body.get("rules", ())) or None
    return None


def _actions_on(profile: ProfileKey, record: Record) -> list[Any]:
    return [action for action in record.body.get("actions", ()) if str(action.get("profile")).lower() == profile.folded]
