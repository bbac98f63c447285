"""How much a check proves: strong evidence acts at once, weak evidence must be seen twice.

Lives here: the waiting of weak revokes and what is remembered for it. Promise 3, no revoke from absence,
rests on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.access.plan import Employment, Plan, Revoke, Strength
from shared.domain.keys import ProfileKey

_COUNTS_FOR: Final = timedelta(days=7)
"""For how long a first sight waits for the second. Weeks apart they are two sights of two things."""


class Evidence(StrEnum):
    """The kinds of weak evidence."""

    MOVED = "moved"
    """No rule gives it any more."""
    PRE_HIRE = "pre-hire"
    """The person has yet to begin."""
    ABSENT = "absent"
    """The directory knows the person nowhere."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A revoke whose evidence has to be seen again, at `due` or later."""

    revoke: Revoke
    due: datetime


@dataclass(frozen=True, slots=True)
class Weighed:
    """What may be revoked now, what waits, and what to remember instead for the next check."""

    apply: tuple[Revoke, ...]
    wait: tuple[Waiting, ...]
    sightings: Mapping[str, datetime]


def sighting(plan: Plan, revoke: Revoke) -> str:
    """The text under which the evidence for a revoke is remembered: its kind and the profile."""
    return sighting_on(plan, revoke.profile)


def sighting_on(plan: Plan, profile: ProfileKey) -> str:
    """The same for any profile, whether or not it was read: what evidence there is by where the person stands."""
    return f"{_kind(plan)}:{profile.folded}"


def weigh(
    plan: Plan, sightings: Mapping[str, datetime], now: datetime, *, settle: timedelta, grace: timedelta
) -> Weighed:
    """Splits a plan's revokes into those that act now and those that wait.

    Strong evidence acts at once. Weak evidence acts when an earlier check saw the same at least `settle` ago,
    or, for who moved on, `grace` if that is longer. Evidence that this check does not find is forgotten, so
    that it starts anew when it returns; so does evidence whose first sight lies in the future, because a
    clock was wrong, or more than a week behind.
    """
    apply: list[Revoke] = []
    wait: list[Waiting] = []
    seen: dict[str, datetime] = {}
    needed = max(settle, grace) if _kind(plan) is Evidence.MOVED else settle
    for revoke in plan.revokes:
        if revoke.strength is Strength.STRONG:
            apply.append(revoke)
            continue
        text = sighting(plan, revoke)
        before = sightings.get(text)
        if before is not None and not timedelta(0) <= now - before <= needed + _COUNTS_FOR:
            before = None
        first = now if before is None else before
        seen[text] = first
        if before is not None and now - first >= needed:
            apply.append(revoke)
        else:
            wait.append(Waiting(revoke, first + needed))
    return Weighed(tuple(apply), tuple(wait), seen)


def _kind(plan: Plan) -> Evidence:
    match plan.employment:
        case Employment.EMPLOYED:
            return Evidence.MOVED
        case Employment.PRE_HIRE:
            return Evidence.PRE_HIRE
        case Employment.LEAVER | Employment.UNREADABLE:
            return Evidence.ABSENT
