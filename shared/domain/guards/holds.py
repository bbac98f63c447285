"""Holds: actions that wait for a person to decide. Time never applies one.

Lives here: what a hold is, its id, and what a person may decide. `reconcile.guard` and sweeps make holds, `State`
stores them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from shared.domain.access.plan import StoppedBy
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code, Reason

RELEASE_STANDS: Final = timedelta(hours=72)
"""How long a release stands that could not be carried out: an outage of a day, a day of retries, and a day to spare.

A person who releases something means it now. Weeks later nobody remembers, and it would pass every limit.
"""


class Status(StrEnum):
    """What a person decided."""

    OPEN = "open"
    """Nothing yet."""
    RELEASED = "released"
    """To be done, whatever the daily limit, if it is still the same action; see `RELEASE_STANDS`."""
    DISMISSED = "dismissed"
    """Not to be done, until the action changes."""


@dataclass(frozen=True, slots=True)
class Hold:
    """One action that was stopped.

    `basis` is what the action rests on (its reason; None when a sweep could not tell): an action on another basis is
    another action. `group` names the hold that carries it together with others ("" for one by itself). `since`
    is when it came in or its basis changed, `renewed` when somebody last wanted it. `by` and `decided_at` are the
    decision's. `refused` is why the last release of it was not carried out.
    """

    id: str
    key: PersonKey | ProfileKey
    kind: ActionKind
    profile: ProfileKey
    basis: Reason | None
    why: Reason
    stopped_by: StoppedBy
    since: datetime
    renewed: datetime
    group: str = ""
    status: Status = Status.OPEN
    by: str = ""
    decided_at: datetime | None = None
    refused: Reason | None = None


@dataclass(frozen=True, slots=True)
class KeyHolds:
    """Every hold of one key, by id."""

    key: PersonKey | ProfileKey
    holds: Mapping[str, Hold] = field(default_factory=dict)


def of_daily_limit(kind: ActionKind) -> str:
    """The name of the group in which everything of a kind waits that its daily limit has no room for."""
    return f"daily_limit:{kind}"


def in_time(hold: Hold, now: datetime, grace: timedelta) -> Hold:
    """The hold as it stands at `now`: what was released too long ago is open again, and says so.

    `grace` is how long a mover keeps what no rule gives any more: a release may have to wait for that as well.
    """
    if hold.status is not Status.RELEASED:
        return hold
    stands = RELEASE_STANDS + (grace if hold.kind is ActionKind.MOVER_REVOKES else timedelta())
    decided = hold.decided_at or hold.since
    if now - decided < stands:
        return hold
    hours = int(stands.total_seconds() // 3600)
    refused = Code.RELEASE_LAPSED(released=decided.isoformat(), hours=hours)
    return replace(hold, status=Status.OPEN, refused=refused)


def action_id(key: PersonKey | ProfileKey, kind: ActionKind, profile: ProfileKey) -> str:
    """The id of an action and of its hold: 16 hexadecimal digits of the SHA-256 over key, kind and profile."""
    return hashlib.sha256(f"{key.canonical}\n{kind}\n{profile.folded}".encode()).hexdigest()[:16]


def reviewed(action: str, basis: Reason | None) -> str:
    """An action as a person reviewed it: its id, and what it rests on as far as anybody could tell.

    An action on another basis is another action.
    """
    if basis is None:
        return action
    told = json.dumps(basis.as_json(), sort_keys=True)
    return f"{action}:{hashlib.sha256(told.encode()).hexdigest()[:16]}"
