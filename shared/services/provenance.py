"""Whose a live assignment is, from what the row says and what we recorded about it.

Lives here: finding the recorded intent that explains a row which does not say who made it. What counts as proof is
`shared.domain.ownership`'s; nothing is read from Azure.
"""

from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final

from shared.domain.billing import Assignment
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.ownership import Held, Intent, OwnAssignment, prove
from shared.ports import Holding, Ledger, PersonState, Record

_CAME_TO_NOTHING: Final = frozenset({Outcome.RETRY, Outcome.GAVE_UP, Outcome.UNCHANGED})
"""How a grant ends of which we know that it made no row: refused, not begun, or somebody else was quicker."""


async def prove_row(
    row: Assignment, *, identities: AbstractSet[str], state: PersonState, ledger: Ledger, trust_state: bool = False
) -> Held:
    """Says whose a row is. Only one that does not say who made it sends us to the ledger.

    `trust_state` takes the intent that the state remembers for enough, which spares the ledger: for the sweep, which
    writes nothing.
    """
    holding = state.holdings.get(row.profile, Holding())
    rules = frozenset(holding.rules) or None
    if row.created_by is None and trust_state and holding.intended_at is not None:
        intent = Intent(holding.intended_at, holding.found_nothing)
        held = prove(row, identities=identities, intent=intent, rules=rules)
        if isinstance(held, OwnAssignment):
            return held
    behind: Intent | None = None
    if row.created_by is None and row.created_on is not None and row.is_invoice_manager:
        records = ledger.read(f"person:{row.principal_id}")
        behind = await intent_behind(records, row.profile, row.created_on)
    return prove(row, identities=identities, intent=behind, rules=rules)


async def intent_behind(records: AsyncIterator[Record], profile: ProfileKey, created_on: datetime) -> Intent | None:
    """The latest intent of ours to grant on `profile` that may have made the row of `created_on`; None without one.

    Later intents do not count: a write that was slow to show is repeated, and the row is still the first one's.
    Neither does one that came to nothing, one that was only observed, or one that we took back before the row was
    made.
    """
    before: Intent | None = None
    behind: Intent | None = None
    async for record in records:
        actions = _actions_on(profile, record)
        if record.kind == "intent":
            before = behind
            # The service was seen to cut createdOn to whole seconds, so an intent counts from its second's beginning.
            for action in actions if record.at.replace(microsecond=0) <= created_on else ():
                if action.get("mode") == "enforce":
                    is_grant = action.get("action") == "grant"
                    behind = Intent(record.at, bool(action.get("found_nothing"))) if is_grant else None
        elif record.kind == "look":
            for action in actions:
                if action.get("action") == "grant" and action.get("outcome") in _CAME_TO_NOTHING:
                    behind = before
            before = behind
    return behind


def _actions_on(profile: ProfileKey, record: Record) -> list[Any]:
    return [
        action
        for action in record.body.get("actions", ())
        if action.get("profile") and ProfileKey.parse(action["profile"]) == profile
    ]
