"""What things are called in an answer: people, groups, profiles and moments.

Lives here: names for ids, and times where the policy's days are. No verb's words.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from cli.answer import counted
from shared.domain.keys import ProfileKey
from shared.domain.view import Called

_FEW: Final = 5
"""Profiles that are named in one sentence."""


@dataclass(frozen=True, slots=True)
class Names:
    """What everything is called, and the time zone and moment in which times are told."""

    principals: Mapping[str, Called]
    profiles: Mapping[ProfileKey, str]
    zone: ZoneInfo
    now: datetime

    def principal(self, object_id: str) -> str:
        """What somebody, or a group, is called; the object id of whom no view has shown."""
        known = self.principals.get(object_id.lower())
        return object_id if known is None else known.best

    def profile(self, key: ProfileKey) -> str:
        """What a profile is called; its id where the catalogue does not have it."""
        return self.profiles.get(key) or str(key)

    def several(self, keys: Sequence[ProfileKey]) -> str:
        """Profiles by name, or how many."""
        if len(keys) > _FEW:
            return counted(len(keys), "profile")
        return ", ".join(self.profile(key) for key in keys)

    def time(self, at: datetime) -> str:
        """A moment: the hour of today, the day of any other."""
        local = at.astimezone(self.zone)
        is_today = local.date() == self.now.astimezone(self.zone).date()
        return f"{local:%H:%M}" if is_today else self.day(at)

    def day(self, at: datetime) -> str:
        """The day of a moment."""
        return f"{at.astimezone(self.zone):%Y-%m-%d}"
