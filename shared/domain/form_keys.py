"""The keys by which the page knows its own forms again: made by itself, and kept in the state for all its instances.

Lives here: when a new one is needed, and how long an old one is good.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

DAY: Final = timedelta(days=1)
"""How long a key signs new forms. A form is good for an hour, so that the key before is good for a day more."""

_KEPT: Final = 2


@dataclass(frozen=True, slots=True)
class FormKey:
    """A key, and when it was made."""

    text: str
    made: datetime


@dataclass(frozen=True, slots=True)
class FormKeys:
    """The keys, the newest last."""

    keys: tuple[FormKey, ...] = ()

    def need_another(self, now: datetime) -> bool:
        """Whether the newest is too old to sign with."""
        return not self.keys or now - self.keys[-1].made >= DAY

    def having(self, key: FormKey) -> "FormKeys":
        """These and a new one, where one is needed still: another instance may have made one meanwhile."""
        return FormKeys((*self.keys, key)[-_KEPT:]) if self.need_another(key.made) else self
