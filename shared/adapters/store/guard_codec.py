"""What the guards' values look like as rows: to JSON and back.

Only spelling lives here, as in `state_rows`. A row that does not fit is `Damaged`, never half read.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.adapters.store.codec import damaged
from shared.adapters.store.packed import body_of, packed
from shared.adapters.store.rows import Row
from shared.domain.access.plan import StoppedBy
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.brake import Brake, BrakeCause, Pause, Setting
from shared.domain.guards.budgets import Reservations
from shared.domain.guards.holds import Hold, KeyHolds, Status
from shared.domain.history.foreign_sightings import Sighted
from shared.domain.keys import IdentityKey, ProfileKey, parse_key
from shared.domain.policy.model import ActionKind

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def holds_body(row: KeyHolds) -> Mapping[str, Any]:
    """A key's row of holds.

    Every text is there once, in `texts`, and a hold is a list of places in it: somebody may leave who held 5,000
    profiles, and a row has an end (see `packed`).
    """
    places: dict[str, int] = {}
    holds = {
        hold.id: [
            places.setdefault(text, len(places))
            for text in (
                hold.kind.value,
                hold.profile.account,
                hold.profile.profile,
                hold.basis,
                hold.why,
                hold.stopped_by.value,
                hold.since.isoformat(),
                hold.renewed.isoformat(),
                hold.lot,
                hold.status.value,
                hold.by,
                "" if hold.decided_at is None else hold.decided_at.isoformat(),
                hold.refused,
            )
        ]
        for hold in row.holds.values()
    }
    # The canonical key of a profile is lower-case, and the service's own spelling is to be kept.
    key = f"profile:{row.key}" if isinstance(row.key, ProfileKey) else row.key.canonical
    return packed({"key": key, "texts": list(places), "holds": holds}, len(holds))


def holds_of(row: Row) -> KeyHolds:
    """The holds whose row this is. Raises `Damaged`."""
    with damaged(row, "list of holds"):
        body = body_of(row)
        key, texts = parse_key(body["key"]), body["texts"]
        if isinstance(key, IdentityKey):
            raise TypeError("a name has no holds")
        found = {}
        for hold_id, places in body["holds"].items():
            kind, account, profile, basis, why, stopped_by, since, renewed, lot, status, by, decided_at, refused = (
                texts[place] for place in places
            )
            found[hold_id] = Hold(
                id=hold_id,
                key=key,
                kind=ActionKind(kind),
                profile=ProfileKey(account, profile),
                basis=basis,
                why=why,
                stopped_by=StoppedBy(stopped_by),
                since=datetime.fromisoformat(since),
                renewed=datetime.fromisoformat(renewed),
                lot=lot,
                status=Status(status),
                by=by,
                decided_at=datetime.fromisoformat(decided_at) if decided_at else None,
                refused=refused,
            )
        return KeyHolds(key, found, row.etag)


def reservations_body(row: Reservations) -> Mapping[str, Any]:
    """A budget's row. Times are microseconds since 1970: short, as there may be thousands, and exact."""
    taken = {action: (at - _EPOCH) // _MICROSECOND for action, at in row.taken.items()}
    told = {} if row.told is None else {"told": row.told.isoformat()}
    return packed({"taken": taken} | told, len(taken))


def reservations_of(row: Row, kind: ActionKind) -> Reservations:
    """The reservations of a kind whose row this is. Raises `Damaged`."""
    with damaged(row, "list of reservations"):
        body = body_of(row)
        taken = {action: _EPOCH + at * _MICROSECOND for action, at in body["taken"].items()}
        told = body.get("told")  # rows of earlier releases have none
        return Reservations(kind, taken, row.etag, None if told is None else datetime.fromisoformat(told))


def brake_body(brake: Brake) -> dict[str, Any]:
    """The brake's row. A pause is spelled as its cause, with a space and its scope behind where it has one."""
    pauses = {f"{pause.cause.value} {pause.scope}".strip(): setting for pause, setting in brake.pauses.items()}
    return {
        "causes": {spelled: [one.since.isoformat(), one.by, one.why] for spelled, one in pauses.items()},
        "seen": {spelled: one.seen for spelled, one in pauses.items() if one.seen},
        "renewed": {spelled: one.renewed.isoformat() for spelled, one in pauses.items() if one.renewed},
    }


def brake_of(row: Row) -> Brake:
    """The brake whose row this is. Raises `Damaged`: a brake that cannot be read is not off.

    Rows from before there were scopes have causes alone, which stop everything, and say after each who may clear it.
    """
    with damaged(row, "brake"):
        seen = row.body.get("seen", {})
        renewed = {spelled: datetime.fromisoformat(at) for spelled, at in row.body.get("renewed", {}).items()}
        pauses = {}
        for spelled, (since, by, why, *_) in row.body["causes"].items():
            cause, _, scope = spelled.partition(" ")
            pauses[Pause(BrakeCause(cause), scope)] = Setting(
                datetime.fromisoformat(since), by, why, int(seen.get(spelled, 0)), renewed.get(spelled)
            )
        return Brake(pauses, row.etag)


def baseline_body(baseline: Baseline) -> dict[str, Any]:
    """The baseline's row."""
    return {
        "at": baseline.at.isoformat(),
        "ours": baseline.ours,
        "profiles": baseline.profiles,
        "population": baseline.population,
        "policy_digest": baseline.policy_digest,
        "rules": dict(baseline.rules),
        "accounts": list(baseline.accounts),
    }


def baseline_of(row: Row) -> Baseline:
    """The baseline whose row this is. Raises `Damaged`."""
    with damaged(row, "baseline"):
        body = row.body
        return Baseline(
            at=datetime.fromisoformat(body["at"]),
            ours=int(body["ours"]),
            profiles=int(body["profiles"]),
            population=int(body["population"]),
            policy_digest=body["policy_digest"],
            rules=dict(body["rules"]),
            accounts=tuple(str(account) for account in body.get("accounts", ())),  # rows of earlier releases have none
        )


def sighted_text(sighted: Sequence[Sighted]) -> str:
    """Foreign assignments as one JSON text; no text at all where there are none."""
    if not sighted:
        return ""
    return json.dumps(
        [
            [
                one.profile.account,
                one.profile.profile,
                one.principal_id,
                one.principal_type,
                one.why,
                one.first.isoformat(),
                one.last.isoformat(),
            ]
            for one in sighted
        ],
        separators=(",", ":"),
    )


def sighted_of(head: Row, text: str) -> tuple[Sighted, ...]:
    """The foreign assignments of a text that `head` led to. Raises `Damaged`."""
    if not text:
        return ()
    with damaged(head, "list of foreign assignments"):
        return tuple(
            Sighted(
                ProfileKey(account, profile),
                principal_id,
                principal_type,
                why,
                datetime.fromisoformat(first),
                datetime.fromisoformat(last),
            )
            for account, profile, principal_id, principal_type, why, first, last in json.loads(text)
        )
