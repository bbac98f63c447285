"""What State's values look like as rows: to JSON and back.

Only spelling lives here: no reading, no writing, no decision. A row that does not fit is `Damaged`, never
half read.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from shared.adapters.store.packed import body_of, packed
from shared.adapters.store.rows import Damaged, Row
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.keys import IdentityKey, IdentityKind, PersonKey, ProfileKey
from shared.domain.remembered import FutureLooks, Holding, PersonState, ProfileState


def person_body(state: PersonState, called: Iterable[str]) -> Mapping[str, Any]:
    """A person's row. `called` are the canonical identity keys that were ever indexed for them.

    Holdings are nested by account and without field names: somebody may hold 5,000 of them, and a row has an
    end (see `packed`).
    """
    holdings: dict[str, dict[str, Any]] = {}
    for key, holding in state.holdings.items():
        holdings.setdefault(key.account, {})[key.profile] = [
            list(holding.rules),
            _iso(holding.intended_at),
            holding.found_nothing,
            _iso(holding.revoking_at),
            # Only where it says something: a row without it is what an earlier release reads and wrote.
            *([True] if holding.adopted else []),
        ]
    body = {
        "object_id": state.object_id,
        "holdings": holdings,
        "sightings": {evidence: at.isoformat() for evidence, at in state.sightings.items()},
        "names": {str(kind): name for kind, name in state.names.items()},
        "called": sorted(called),
    }
    return packed(body, len(state.holdings) + len(state.sightings))


def person_of(row: Row) -> PersonState:
    """The person whose row this is. Raises `Damaged`."""
    with damaged(row, "person"):
        body = body_of(row)
        return PersonState(
            object_id=body["object_id"],
            holdings={
                ProfileKey(account, profile): Holding(
                    tuple(rules), _when(intended_at), found_nothing, _when(revoking_at), *adopted
                )
                for account, profiles in body["holdings"].items()
                for profile, (rules, intended_at, found_nothing, revoking_at, *adopted) in profiles.items()
            },
            sightings={evidence: datetime.fromisoformat(at) for evidence, at in body["sightings"].items()},
            names={IdentityKind(kind): name for kind, name in body["names"].items()},
            version=row.etag,
        )


def called_of(row: Row) -> frozenset[str]:
    """The canonical identity keys ever indexed for the person whose row this is. Raises `Damaged`."""
    with damaged(row, "person"):
        return frozenset(body_of(row)["called"])


def identities_of(names: Mapping[IdentityKind, str]) -> list[IdentityKey]:
    """What a person is called, as keys. What can be no key (a blank within it) is left out: no event may name it."""
    return [key for kind, name in names.items() if (key := _identity(kind, name)) is not None]


def profile_body(state: ProfileState) -> dict[str, Any]:
    """A profile's row."""
    return {
        "key": str(state.key),
        "agreed": None if state.agreed is None else [state.agreed[0], state.agreed[1].isoformat()],
        "updates": [at.isoformat() for at in state.updates],
        "before": None if state.before is None else dict(state.before),
        "blocked": state.blocked,
        "after": None if state.after is None else dict(state.after),
        "unjudged": _iso(state.unjudged),
        "answered": None if state.answered is None else dict(state.answered),
    }


def profile_of(row: Row) -> ProfileState:
    """The profile whose row this is. Raises `Damaged`."""
    with damaged(row, "profile"):
        body = row.body
        agreed = body["agreed"]
        return ProfileState(
            key=ProfileKey.parse(body["key"]),
            agreed=None if agreed is None else (agreed[0], datetime.fromisoformat(agreed[1])),
            updates=tuple(datetime.fromisoformat(at) for at in body["updates"]),
            before=body["before"],
            blocked=body["blocked"],
            after=body.get("after"),  # a row of an earlier release has none
            unjudged=_when(body.get("unjudged")),  # nor this
            answered=body.get("answered"),  # nor this
            version=row.etag,
        )


def future_body(looks: FutureLooks) -> dict[str, Any]:
    """A row of future looks. It does not say whose: the row's key does, and names stay out of it."""
    return {"due": {at.isoformat(): sent for at, sent in sorted(looks.due.items())}}


def future_of(row: Row, key: PersonKey | IdentityKey) -> FutureLooks:
    """The future looks at a key whose row this is. Raises `Damaged`."""
    with damaged(row, "list of future looks"):
        due = {datetime.fromisoformat(at).astimezone(UTC): bool(sent) for at, sent in row.body["due"].items()}
        return FutureLooks(key, due, row.etag)


def catalogue_text(catalogue: Catalogue) -> str:
    """A catalogue as one JSON text, without the profiles' raw properties."""
    return json.dumps(
        {
            "read_at": catalogue.read_at.isoformat(),
            "accounts": [
                [account.name, account.display_name, account.agreement_type, account.status]
                for account in catalogue.accounts
            ],
            "profiles": [
                [
                    profile.key.account,
                    profile.key.profile,
                    profile.display_name,
                    profile.status,
                    profile.invoice_email_opt_in,
                    dict(profile.tags),
                ]
                for profile in catalogue.profiles
            ],
            "other_roles": {str(key): dict(roles) for key, roles in catalogue.other_roles.items()},
            "policy_digest": catalogue.policy_digest,
            "unknown_rules": None if catalogue.unknown_rules is None else dict(catalogue.unknown_rules),
            "cannot_read": sorted(catalogue.cannot_read),
        },
        separators=(",", ":"),
    )


def catalogue_of(head: Row, text: str) -> Catalogue:
    """The catalogue of a text that `head` led to. Raises `Damaged`."""
    with damaged(head, "catalogue"):
        body = json.loads(text)
        return Catalogue(
            read_at=datetime.fromisoformat(body["read_at"]),
            accounts=tuple(BillingAccount(*account) for account in body["accounts"]),
            profiles=tuple(
                BillingProfile(ProfileKey(account, profile), display_name, status, opt_in, tags)
                for account, profile, display_name, status, opt_in, tags in body["profiles"]
            ),
            other_roles={ProfileKey.parse(key): roles for key, roles in body["other_roles"].items()},
            policy_digest=body["policy_digest"],
            unknown_rules=body["unknown_rules"],
            cannot_read=frozenset(body.get("cannot_read", ())),  # a row of an earlier release has none
        )


@contextmanager
def damaged(row: Row, what: str) -> Iterator[None]:
    """Says of a row that does not fit that it is `Damaged`: no `what`."""
    try:
        yield
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise Damaged(f"row '{row.key}' in '{row.partition}' is no {what}: {error!r}") from error


def _identity(kind: IdentityKind, name: str) -> IdentityKey | None:
    try:
        return IdentityKey(kind, name)
    except ValueError:
        return None


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _when(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
