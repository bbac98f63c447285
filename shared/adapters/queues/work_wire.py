"""A work item as the body of a message on access-work: JSON, judged on the way in.

The wire format lives here and nothing else. The queue is our own, but whoever may send to it can put anything
there: what cannot be a work item is `Rejected`, and what can is still only a check.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.domain.keys import Key, NameKey, ProfileKey, parse_key, session_id
from shared.domain.misfits import misfits
from shared.domain.work import (
    FUTURE_CHECKS,
    MOST_ATTEMPTS,
    MOST_HINTS,
    MOST_REVIEWED,
    RECORDED_CHARACTERS,
    Cause,
    CauseKind,
    Position,
    RejectedEvent,
    WorkItem,
)
from shared.errors import Rejected

BODY_BYTES: Final = 64 * 1024
"""The largest body, in bytes. 200 hints of the longest names that billing gives are under 40 KiB."""

WAITS: Final = "waits-for-rejected-events"
"""The property that a rejected event has while it waits on access-work, because its own queue is away."""

_ID: Final = re.compile(r"[A-Za-z0-9:._-]{1,128}")
"""What names a billing account or profile. Source: Microsoft.Billing 2024-04-01, patterns of both, taken together."""

_REVIEWED: Final = r"^[0-9a-f]{16}(:[0-9a-f]{16})?$"
"""How `shared.domain.guards.holds.reviewed` spells an action."""

_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2200
_REMEDY: Final = (
    'Send {"key": "person:<object id>", "cause": {"kind": "event", "origin": "..."}, '
    '"first_asked": "<ISO 8601 with offset>"}, or better: send an event to people-events'
)


def _sane(at: datetime) -> datetime:
    if not _FIRST_YEAR <= at.year <= _LAST_YEAR:
        raise ValueError(f"the year {at.year} is not between {_FIRST_YEAR} and {_LAST_YEAR}")
    return at


def _key(text: str) -> str:
    parse_key(text)
    return text


def _profile(text: str) -> str:
    ProfileKey.parse(text)
    return text


type _Moment = Annotated[AwareDatetime, AfterValidator(_sane)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class _CauseOnWire(_Strict):
    kind: CauseKind
    origin: str
    event_type: str = ""


class _PositionOnWire(_Strict):
    surplus: bool
    profile: Annotated[str, AfterValidator(_profile)]

    @classmethod
    def of(cls, position: Position | None) -> "_PositionOnWire | None":
        return None if position is None else cls(surplus=position.surplus, profile=str(position.profile))


class _WorkOnWire(_Strict):
    key: Annotated[str, AfterValidator(_key)]
    cause: _CauseOnWire
    first_asked: _Moment
    attempt: Annotated[int, Field(ge=0, le=MOST_ATTEMPTS)] = 0
    hints: Annotated[list[Annotated[str, AfterValidator(_profile)]], Field(max_length=MOST_HINTS)] = []
    effective: _Moment | None = None
    failing_since: _Moment | None = None
    due: _Moment | None = None
    moments: Annotated[list[_Moment], Field(max_length=FUTURE_CHECKS)] = []
    after: _PositionOnWire | None = None
    upto: _PositionOnWire | None = None
    only: Annotated[list[Annotated[str, Field(pattern=_REVIEWED)]], Field(max_length=MOST_REVIEWED)] | None = None
    heard: _Moment | None = None


def encode(item: WorkItem) -> bytes:
    """The message body of an item. Raises ValueError for one that `decode` would reject: a bug of the caller."""
    wire = _WorkOnWire(
        key=_spelled(item.key),
        cause=_CauseOnWire(kind=item.cause.kind, origin=item.cause.origin, event_type=item.cause.event_type),
        first_asked=item.first_asked,
        attempt=item.attempt,
        hints=[str(hint) for hint in item.hints],
        effective=item.effective,
        failing_since=item.failing_since,
        due=item.due,
        moments=list(item.moments),
        after=_PositionOnWire.of(item.after),
        upto=_PositionOnWire.of(item.upto),
        only=None if item.only is None else sorted(item.only),
        heard=item.heard,
    )
    body = wire.model_dump_json(exclude_defaults=True).encode()
    if len(body) > BODY_BYTES:
        raise ValueError(f"a work item for {item.key.canonical[:99]} has {len(body):,} bytes, over {BODY_BYTES:,}")
    return body


def decode(body: bytes, session: str | None = None) -> WorkItem:
    """The item of a message body. Raises `Rejected` with the field that is wrong; unknown fields are ignored.

    `session` is the session of the message, if that is known. A key has only one session, so that it has only one
    writer.
    """
    if len(body) > BODY_BYTES:
        raise Rejected("body", f"it has {len(body):,} bytes; a work item has at most {BODY_BYTES:,}", _REMEDY)
    try:
        wire = _WorkOnWire.model_validate_json(body)
    except ValidationError as error:
        where, why = misfits(error)[0]
        raise Rejected(where or "body", why, _REMEDY) from error
    cause, key = wire.cause, parse_key(wire.key)
    if isinstance(key, NameKey) and not wire.key.isprintable():  # around a name that is taken without it
        raise Rejected("key", "something in it cannot be seen", _REMEDY)
    if session is not None and session != session_id(key):
        raise Rejected(
            "session", f"the key's session is {session_id(key)}, and the message came under another", _REMEDY
        )
    hints = tuple(map(ProfileKey.parse, wire.hints))
    if isinstance(key, ProfileKey):
        _judge_profile(key, "key")
    for place, hint in enumerate(hints):
        _judge_profile(hint, f"hints[{place}]")
    return WorkItem(
        key=key,
        cause=Cause(cause.kind, cause.origin[:RECORDED_CHARACTERS], cause.event_type[:RECORDED_CHARACTERS]),
        first_asked=wire.first_asked,
        attempt=wire.attempt,
        hints=hints,
        effective=wire.effective,
        failing_since=wire.failing_since,
        due=wire.due,
        moments=tuple(wire.moments),
        after=_position(wire.after, "after"),
        upto=_position(wire.upto, "upto"),
        only=None if wire.only is None else frozenset(wire.only),
        heard=wire.heard,
    )


def _position(wire: _PositionOnWire | None, place: str) -> Position | None:
    if wire is None:
        return None
    profile = ProfileKey.parse(wire.profile)
    _judge_profile(profile, place)
    return Position(wire.surplus, profile)


def waiting_event(body: bytes, properties: Mapping[str, Any]) -> RejectedEvent | None:
    """The rejected event that a message on access-work is, as its own queue was away; None for any other message."""
    if WAITS not in properties:
        return None
    told = {name: str(value) for name, value in properties.items() if name != WAITS}
    field_name, reason, remedy = (told.pop(name, "") for name in ("field", "reason", "remedy"))
    return RejectedEvent(body, field_name, reason, remedy, told.pop("source-message-id", None), told)


def _judge_profile(key: ProfileKey, place: str) -> None:
    if not (_ID.fullmatch(key.account) and _ID.fullmatch(key.profile)):
        reason = "billing accounts and profiles are named with 1 to 128 of A-Z, a-z, 0-9, ':', '.', '_' and '-'"
        raise Rejected(place, reason, _REMEDY)


def _spelled(key: Key) -> str:
    """The key as text, a profile's in the service's own spelling, which `canonical` folds."""
    return f"profile:{key}" if isinstance(key, ProfileKey) else key.canonical
