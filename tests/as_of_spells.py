"""Records, and a whole chain of them folded at once, which the app never does: it folds records as it reads them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.domain.history.fold import PersonFold
from shared.domain.history.records import Body, Record
from shared.domain.history.spells import Spell


def spells_of(records: Iterable[Record]) -> Sequence[Spell]:
    """What one person held, by their chain."""
    fold = PersonFold()
    for record in records:
        fold.take(record)
    return fold.spells()


def entry(sequence: int, at: datetime, body: Body) -> Record:
    """A record of some chain. The fold asks for no digests: `ledger.verify` checks them."""
    return Record("person:somebody", sequence, at, body, previous="", digest="")
