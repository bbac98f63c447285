"""The managed identity endpoint of App Service and Functions, and the tokens it gives out.

Lives here: who the identities of this world are, the endpoint that hands out access tokens for them, and the
check that every stand-in makes on a token. What an identity may do is decided by each stand-in, not here.

The wire form is that of https://learn.microsoft.com/azure/app-service/overview-managed-identity (REST
endpoint reference, api-version 2019-08-01). The tokens carry the claims that the real ones do, but are signed
with one symmetric key per sandbox: nothing outside this sandbox can accept them.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qs

import jwt

from sandbox.wire import Authenticate, Caller, Clock, Request, Response, as_json

API_VERSION: Final = "2019-08-01"
"""The only version of the endpoint's protocol that the Azure SDKs speak on App Service."""

TOKEN_LIFETIME_SECONDS: Final = 24 * 3600
"""How long a managed identity's token lives, in seconds: about a day, as the real service gives."""

_ALGORITHM: Final = "HS256"
_TOKENS_KNOWN: Final = 256
"""How many tokens are verified once and not at every request, as a service does that knows who is calling."""

_BEARER: Final = "bearer "

_AZURE_CLI: Final = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
"""The client id of Azure's command line, the same in every tenant."""

_MICROSOFTS: Final = (
    "https://management.azure.com",
    "https://graph.microsoft.com",
    "https://servicebus.azure.net",
    "https://storage.azure.com",
    "https://vault.azure.net",
)
"""What the audiences of Microsoft's own services begin with: tokens for these carry no app roles of ours."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Identity:
    """A managed identity, which the directory also knows as a service principal; or a `person` who signs in.

    `default` marks the one that is given when no `client_id` is asked for: the portal administrator, as whom
    people change their world. `graph_permissions` are Graph application permissions, as `User.Read.All`.
    """

    name: str
    client_id: str
    object_id: str
    tenant_id: str
    default: bool = False
    graph_permissions: frozenset[str] = field(default_factory=frozenset)
    person: "Person | None" = None


@dataclass(frozen=True, slots=True)
class Person:
    """What a token says of a person who signed in, beside whose it is.

    `roles` are the app roles that they were assigned, which tokens for an API of one's own carry.
    """

    name: str
    upn: str
    roles: tuple[str, ...] = ()


def normal_audience(audience: str) -> str:
    """The audience without what clients put behind it: a slash, `/.default`, or both.

    azure-servicebus asks for `https://servicebus.azure.net//.default`; others leave the slash away.
    """
    return audience.strip().removesuffix(".default").rstrip("/").lower()


class IdentityEndpoint:
    """Gives out access tokens for the identities of a world, and knows its own again."""

    def __init__(
        self,
        identities: Sequence[Identity],
        *,
        clock: Clock = _utc_now,
        key: bytes | None = None,
        token_lifetime_seconds: int = TOKEN_LIFETIME_SECONDS,
    ) -> None:
        self._identities = tuple(identities)
        self._clock = clock
        self._key = key if key is not None else secrets.token_bytes(32)
        self._lifetime = token_lifetime_seconds
        self._claims = lru_cache(_TOKENS_KNOWN)(self._verified)

    def handle(self, request: Request) -> Response:
        """Answers one request for a token; 400 for what the real endpoint refuses, 401 without its header."""
        if request.method != "GET":
            return _refusal(405, "Only GET is allowed.")
        if not request.headers.get("x-identity-header"):
            return _refusal(401, "The X-IDENTITY-HEADER header is missing.")
        asked = {name: values[0] for name, values in parse_qs(request.query).items()}
        if asked.get("api-version") != API_VERSION:
            return _refusal(400, f"The api-version must be {API_VERSION}.")
        resource = asked.get("resource", "")
        if not resource:
            return _refusal(400, "The resource parameter is missing.")
        identity = self._chosen(asked)
        if identity is None:
            return _refusal(
                400,
                "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
            )
        issued = int(self._clock().timestamp())
        return as_json(
            200,
            {
                "access_token": self.issue(identity, resource),
                "client_id": identity.client_id,
                "expires_on": str(issued + self._lifetime),
                "not_before": str(issued),
                "resource": resource,
                "token_type": "Bearer",
            },
        )

    def issue(self, identity: Identity, resource: str) -> str:
        """An access token that speaks for `identity` to `resource`, valid from now on."""
        issued = int(self._clock().timestamp())
        speaks = {"appid": identity.client_id, "appidacr": "2", "idtyp": "app"}
        if identity.person is not None:
            speaks = _of_person(identity.person, resource)
        return jwt.encode(
            {
                "aud": resource,
                "iss": f"https://sts.windows.net/{identity.tenant_id}/",
                "iat": issued,
                "nbf": issued,
                "exp": issued + self._lifetime,
                **speaks,
                "oid": identity.object_id,
                "sub": identity.object_id,
                "tid": identity.tenant_id,
                "ver": "1.0",
            },
            self._key,
            algorithm=_ALGORITHM,
        )

    def authenticate(self, audience: str) -> Authenticate:
        """The check that a stand-in for `audience` makes on each request's bearer token."""

        def caller(request: Request) -> Caller | None:
            header = request.headers.get("authorization", "")
            if not header.lower().startswith(_BEARER):
                return None
            return self._speaker(header[len(_BEARER) :].strip(), audience)

        return caller

    def claims(self, token: str, audience: str) -> dict[str, Any] | None:
        """What a token of ours says, where it is in time and for `audience`, which Entra also writes `api://...`."""
        found = self._claims(token)
        if found is None or normal_audience(str(found["aud"])).removeprefix("api://") != normal_audience(audience):
            return None
        return {**found, "aud": audience} if found["nbf"] <= self._clock().timestamp() < found["exp"] else None

    def accepts(self, token: str, audience: str) -> bool:
        """Whether `token` is one of ours, in time, for `audience`: for carriers that are not HTTP."""
        return self._speaker(token, audience) is not None

    def _chosen(self, asked: dict[str, str]) -> Identity | None:
        ways: tuple[tuple[str, Callable[[Identity], str]], ...] = (
            ("client_id", lambda identity: identity.client_id),
            ("principal_id", lambda identity: identity.object_id),
            ("object_id", lambda identity: identity.object_id),
        )
        for parameter, member in ways:
            if parameter in asked:
                wanted = asked[parameter].lower()
                return next((i for i in self._identities if member(i).lower() == wanted), None)
        return next((i for i in self._identities if i.default), None)

    def _verified(self, token: str) -> dict[str, Any] | None:
        try:
            return jwt.decode(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                # The times are judged by the injected clock at every request; PyJWT knows only the machine's own.
                options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return None  # garbage, or signed by somebody else: nobody speaks through it

    def _speaker(self, token: str, audience: str) -> Caller | None:
        claims = self._claims(token)
        if claims is None:
            return None
        if normal_audience(str(claims["aud"])) != normal_audience(audience):
            return None
        if not claims["nbf"] <= self._clock().timestamp() < claims["exp"]:
            return None
        return Caller(object_id=claims["oid"], tenant_id=claims["tid"], client_id=claims["appid"])


def _of_person(person: Person, resource: str) -> dict[str, Any]:
    """The claims of somebody who signed in with Azure's command line, as Entra's tokens of version 1.0 have them."""
    claims: dict[str, Any] = {
        "appid": _AZURE_CLI,
        "appidacr": "0",
        "idtyp": "user",
        "name": person.name,
        "unique_name": person.upn,
        "upn": person.upn,
        "scp": "user_impersonation",
    }
    is_own = not normal_audience(resource).startswith(_MICROSOFTS)
    return claims | ({"roles": list(person.roles)} if is_own and person.roles else {})


def _refusal(status: int, message: str) -> Response:
    return as_json(status, {"statusCode": status, "message": message})
