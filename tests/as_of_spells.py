"""A whole chain folded at once, which the app never does: it folds records as it reads them."""

from collections.abc import Iterable, Sequence

from shared.domain.history.fold import PersonFold, Recorded
from shared.domain.history.spells import Spell


def spells_of(records: Iterable[Recorded]) -> Sequence[Spell]:
    """What one person held, by their chain."""
    fold = PersonFold()
    for record in records:
        fold.take(record)
    return fold.spells()
