"""A whole chain folded at once, which the app never does: it folds records as it reads them."""

from collections.abc import Iterable, Sequence

from shared.domain.as_of import PersonFold, Recorded
from shared.domain.spells import Spell


def spells_of(records: Iterable[Recorded]) -> Sequence[Spell]:
    """What one person held, by their chain."""
    fold = PersonFold()
    for record in records:
        fold.take(record)
    return fold.spells()
