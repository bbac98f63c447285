"""Who acts: the person, or the app, whom an access token speaks for.

Lives here: what a token's claims say of whoever signed in, and what the state keeps of them. Nothing is decided by a
name. How the token comes is an adapter's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.guids import is_guid
from shared.domain.view import FORGOTTEN, Called

_NAMES: Final = ("upn", "preferred_username", "unique_name", "email")
"""The claims that may say by which name somebody signs in: a token of version 1.0 has `upn` or, of a guest,
`unique_name` and `email`; one of version 2.0 `preferred_username`. Source: Microsoft Learn, "Access token claims
reference"."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who signed in. `object_id` and `tenant` are lower-case ids, "" where the token does not say the tenant.

    `name` and `upn` are as the token spells them. An app has neither: it is named by its application id.
    """

    object_id: str
    tenant: str = ""
    name: str = ""
    upn: str = ""
    is_app: bool = False

    @property
    def best(self) -> str:
        """The name that people know best; the object id where the token has none."""
        return self.name or self.upn or self.object_id

    def called(self, at: datetime) -> Called:
        """What they are called, as of the sign-in."""
        kind = PrincipalKind.APP if self.is_app else PrincipalKind.PERSON
        return Called(object_id=self.object_id, kind=kind, name=self.name, upn=self.upn, asked=at, used=at)


@dataclass(frozen=True, slots=True)
class Actors:
    """What everybody is called who ever acted, by object id."""

    called: Mapping[str, Called] = field(default_factory=dict)

    def with_one(self, actor: Actor, at: datetime) -> "Actors":
        """These, after somebody acted. Who did not for 400 days is left out."""
        kept = {one: called for one, called in self.called.items() if at - called.used <= FORGOTTEN}
        return Actors({**kept, actor.object_id: actor.called(at)})


def actor_of(claims: Mapping[str, Any]) -> Actor:
    """Who a token speaks for. Raises ValueError where it does not say: without `oid` it is of nobody in a directory."""
    object_id = claims.get("oid")
    if not isinstance(object_id, str) or not is_guid(object_id):
        raise ValueError("its claim oid is no object id")
    upn = next((text for name in _NAMES if (text := _text(claims, name))), "")
    name, app = _text(claims, "name"), _text(claims, "appid") or _text(claims, "azp")
    # `idtyp` is in the tokens of an app; where the claim is missing, only people have a name.
    is_app = claims.get("idtyp") == "app" or not (name or upn)
    if is_app and not name:
        name = f"app {app}" if app else ""
    return Actor(object_id.lower(), _text(claims, "tid").lower(), name, "" if is_app else upn, is_app)


def with_actors(names: Mapping[str, Called], actors: Actors) -> Mapping[str, Called]:
    """What everybody is called: as a view showed them, and as they signed in, whichever is the newer."""
    if not actors.called:
        return names
    found = dict(names)
    for object_id, called in actors.called.items():
        known = names.get(object_id)
        if known is None or known.asked < called.asked:
            found[object_id] = called if known is None else _renamed(known, called)
    return found


def _renamed(known: Called, called: Called) -> Called:
    """Whom a view showed, under the name with which they signed in since. The rest a token does not say."""
    return replace(known, name=called.name or known.name, upn=called.upn or known.upn)


def _text(claims: Mapping[str, Any], name: str) -> str:
    said = claims.get(name)
    return said.strip() if isinstance(said, str) else ""
