"""Who asks: as App Service authentication says, and as nobody else can.

Lives here: reading the platform's headers, and what each app role may do. Source:
https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities: `X-MS-CLIENT-PRINCIPAL` is
base64 of `{"auth_typ", "claims": [{"typ", "val"}], "name_typ", "role_typ"}`. The platform takes these headers away from
requests of others only while authentication is on, so that without it nothing is served.
"""

import json
from base64 import b64decode
from binascii import Error
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.domain.actors import Actor, actor_of
from shared.settings import SignInSettings

_LONG: Final = {
    "http://schemas.microsoft.com/identity/claims/objectidentifier": "oid",
    "http://schemas.microsoft.com/identity/claims/tenantid": "tid",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/role": "roles",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": "upn",
}
"""Claims under the long names that the platform gives some of them, by the token's own."""

_HEADER: Final = "x-ms-client-principal"
_HEADER_CHARACTERS: Final = 65_536


class Role(StrEnum):
    """An app role, as the app registration spells it. Each includes those before it."""

    READER = "Reader"
    """Every page but As of a date, and no export."""
    AUDITOR = "Auditor"
    """Also what was: As of a date, exports and the record."""
    OPERATOR = "Operator"
    """Also decides, pauses, adopts and asks for checks."""


_INCLUDED: Final = (Role.READER, Role.AUDITOR, Role.OPERATOR)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who signed in. `role` is the one that includes the others; None without any."""

    actor: Actor
    role: Role | None

    def may(self, role: Role) -> bool:
        """Whether they have a role, or one that includes it."""
        return self.role is not None and _INCLUDED.index(self.role) >= _INCLUDED.index(role)


class Stranger(StrEnum):
    """Why nobody is let in."""

    NO_SIGN_IN = "no-sign-in"
    """The platform's authentication is off, so that its headers mean nothing."""
    UNKNOWN = "not-signed-in"
    """The platform says of nobody of ours that they signed in."""


def visitor_of(
    headers: Mapping[str, str], settings: SignInSettings, environment: Mapping[str, str]
) -> Visitor | Stranger:
    """Who asks. A token of another tenant, or for another audience, is of nobody."""
    if environment.get("WEBSITE_AUTH_ENABLED", "").lower() != "true":
        return Stranger.NO_SIGN_IN
    claims = _claims(headers.get(_HEADER, ""))
    if claims is None:
        return Stranger.UNKNOWN
    single = {name: values[0] for name, values in claims.items()}
    audiences = {settings.desk_audience, f"api://{settings.desk_audience}"}
    if single.get("tid", "").lower() != settings.desk_tenant or single.get("aud", "").lower() not in audiences:
        return Stranger.UNKNOWN
    try:
        actor = actor_of(single)
    except ValueError:
        return Stranger.UNKNOWN
    roles = [role for role in _INCLUDED if role.value in claims.get("roles", ())]
    return Visitor(actor, roles[-1] if roles else None)


def _claims(header: str) -> Mapping[str, list[str]] | None:
    """The claims of a principal by the token's own names; None where the header is none, or of another provider."""
    if not header or len(header) > _HEADER_CHARACTERS:
        return None
    try:
        principal = json.loads(b64decode(header, validate=True))
    except (Error, ValueError):  # JSON's and UTF-8's mistakes are ValueErrors
        return None
    if not isinstance(principal, Mapping) or principal.get("auth_typ") != "aad":
        return None
    said = principal.get("claims")
    claims: dict[str, list[str]] = {}
    for one in said if isinstance(said, list) else ():
        if (
            isinstance(one, Mapping)
            and isinstance(typ := one.get("typ"), str)
            and isinstance(val := one.get("val"), str)
        ):
            claims.setdefault(_LONG.get(typ, typ), []).append(val)
    return claims
