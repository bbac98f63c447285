"""What is unmanaged, and when it was seen: folds what sweeps noted into first and last sights.

Lives here: the chain's key, and the fold. What a sweep notes is `shared.services.sweep.unmanaged`'s.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from shared.domain.history.records import Appeared, Disappeared, Left, Record, UnmanagedBody
from shared.domain.history.spells import Certainty, Window, certainty_of_sight
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Reason

ESTATE: Final = "estate"
"""The chain on which sweeps note what is unmanaged."""


@dataclass(frozen=True, slots=True)
class Sighted:
    """An unmanaged assignment as sweeps saw it: when it was first and last there, and what it said then."""

    profile: ProfileKey
    principal_id: str
    principal_type: str
    why: Reason
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class UnmanagedSpell:
    """An unmanaged assignment: seen from `first` until `last`, and by `left_at` no longer unmanaged.

    `left_at` is None while every sweep since has seen it: surely until `last`, and perhaps since.
    """

    profile: ProfileKey
    principal_id: str
    principal_type: str
    why: Reason
    first: datetime
    last: datetime
    left_at: datetime | None = None
    left: Left | None = None

    def certainty(self, window: Window) -> Certainty | None:
        """How sure it is that it was there within `window`; None when it was not seen by then or was gone."""
        return certainty_of_sight(self.first, self.last, self.left_at, window)

    def seen_until(self, last: datetime) -> "UnmanagedSpell":
        """The same, seen by sweeps until `last`: the chain notes changes, and not each sight of what stays."""
        return self if self.left_at is not None else replace(self, last=max(self.last, last))

    def adopted_at(self, moments: Iterable[datetime]) -> "UnmanagedSpell":
        """The same, ended by the adoption among `moments` that took it: sooner than a sweep notes."""
        for at in moments:
            if self.last <= at and (self.left_at is None or at < self.left_at):
                return replace(self, last=at, left_at=at, left=Left.ADOPTED)
        return self

    def as_record(self, window: Window) -> dict[str, Any]:
        """For people and programs, as JSON."""
        certainty = self.certainty(window)
        return {
            "profile": str(self.profile),
            "principal": self.principal_id,
            "principal_type": self.principal_type or None,
            "why": self.why,
            "certainty": None if certainty is None else certainty.value,
            "first_seen": self.first.isoformat(),
            "last_seen": self.last.isoformat(),
            "left_at": None if self.left_at is None else self.left_at.isoformat(),
            "left": None if self.left is None else self.left.value,
        }


class UnmanagedFold:
    """The chain's records, in their order. Holds those that are there, and hands out those that left."""

    def __init__(self) -> None:
        self._there: dict[tuple[ProfileKey, str], UnmanagedSpell] = {}

    @property
    def there(self) -> Sequence[UnmanagedSpell]:
        """Everything that is unmanaged after the records so far."""
        return [*self._there.values()]

    def take(self, record: Record) -> Sequence[UnmanagedSpell]:
        """Takes the next record, and returns what left with it."""
        if not isinstance(record.body, UnmanagedBody):
            return []
        for entry in record.body.appeared:
            spell = _spell(entry)
            # A sweep that stopped half-way is repeated by the next one: what came first stands.
            self._there.setdefault((spell.profile, spell.principal_id), spell)
        return [self._leave(entry, record.at) for entry in record.body.left]

    def _leave(self, entry: Disappeared, at: datetime) -> UnmanagedSpell:
        spell = _spell(entry)
        known = self._there.pop((spell.profile, spell.principal_id), spell)
        return replace(known, first=min(known.first, spell.first), last=entry.last, left_at=at, left=entry.left)


def _spell(entry: Appeared) -> UnmanagedSpell:
    return UnmanagedSpell(entry.profile, entry.principal, entry.type, entry.why, entry.first, entry.first)
