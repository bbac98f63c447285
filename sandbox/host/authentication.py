"""App Service authentication in front of the host, as it stands before a function app in Azure.

What may live here: sessions, the sign-in page, and the headers by which the platform tells an app who asks. Requests
reach the app with those headers only where somebody signed in; those that a caller makes up are taken away.

Sources: https://learn.microsoft.com/azure/app-service/overview-authentication-authorization and
https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities: `X-MS-CLIENT-PRINCIPAL` is
base64 of `{"auth_typ": "aad", "claims": [{"typ", "val"}], "name_typ", "role_typ"}`, with the object id and the tenant
under their long names and each app role as a claim `roles`. A browser without a session is sent to
`/.auth/login/aad`, a program gets 401; `excludedPaths` reach the app as they come. In place of Entra's page there is a
list of the people of this world who can sign in.
"""

import base64
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from html import escape
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qsl, quote

from sandbox.identity import Identity, IdentityEndpoint
from sandbox.wire import Request, Response, as_json

type Handle = Callable[[Request], Awaitable[Response]]

COOKIE: Final = "AppServiceAuthSession"
_OBJECT_ID: Final = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_TENANT: Final = "http://schemas.microsoft.com/identity/claims/tenantid"
_LONG: Final = {"oid": _OBJECT_ID, "tid": _TENANT}
_HEADERS: Final = "x-ms-client-principal"
_HTML: Final = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
_STYLE: Final = (
    "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}"
    "a{display:block;padding:.6rem 0}"
)


class AppServiceAuthentication:
    """Stands before `inner`: who signed in is told in headers, and nobody else gets in.

    `audience` is the client id for which tokens are; `excluded` are paths that need no sign-in, exact or with `/*`.
    """

    def __init__(
        self,
        inner: Handle,
        people: Sequence[Identity],
        tokens: IdentityEndpoint,
        audience: str,
        excluded: Sequence[str],
    ) -> None:
        self._inner = inner
        self._people = {person.object_id: person for person in people}
        self._tokens = tokens
        self._audience = audience
        self._excluded = tuple(excluded)
        self._sessions: dict[str, str] = {}

    async def handle(self, request: Request) -> Response:
        """The answer to one request."""
        own = {name: value for name, value in request.headers.items() if not name.startswith(_HEADERS)}
        request = replace(request, headers=own)
        path = request.path
        if path.startswith("/.auth/"):
            return self._sign_in(request, path)
        if self._is_excluded(path):
            return await self._inner(request)
        claims = self._claims(request)
        if claims is None:
            return self._unauthenticated(request, path)
        return await self._inner(replace(request, headers={**own, **_principal(claims)}))

    def _is_excluded(self, path: str) -> bool:
        return any(path == one or (one.endswith("/*") and path.startswith(one[:-1])) for one in self._excluded)

    def _claims(self, request: Request) -> Mapping[str, Any] | None:
        bearer, _, token = request.headers.get("authorization", "").partition(" ")
        if bearer.lower() == "bearer":
            return self._tokens.claims(token.strip(), self._audience)
        person = self._people.get(self._sessions.get(_session(request), ""))
        return (
            None if person is None else self._tokens.claims(self._tokens.issue(person, self._audience), self._audience)
        )

    def _unauthenticated(self, request: Request, path: str) -> Response:
        if request.method != "GET" or path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
            return Response(401, {"www-authenticate": f'Bearer resource_id="{self._audience}"'})
        return Response(302, {"location": f"/.auth/login/aad?post_login_redirect_uri={quote(request.target, safe='')}"})

    def _sign_in(self, request: Request, path: str) -> Response:
        query = dict(parse_qsl(request.query))
        match path:
            case "/.auth/login/aad":
                return self._login(query)
            case "/.auth/logout":
                self._sessions.pop(_session(request), None)
                cookie = f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"
                said = '<p>You are signed out.</p><p><a href="/">Sign in again</a></p>'
                return Response(200, {**_HTML, "set-cookie": cookie}, _page("Signed out", said))
            case "/.auth/me":
                claims = self._claims(request)
                return Response(401) if claims is None else as_json(200, [{"user_claims": _said(claims)}])
            case _:
                return Response(404)

    def _login(self, query: Mapping[str, str]) -> Response:
        back = query.get("post_login_redirect_uri", "/")
        if not back.startswith("/") or back.startswith(("//", "/\\")):
            back = "/"
        person = self._people.get(query.get("as", ""))
        if person is None:
            links = "".join(
                f'<a href="/.auth/login/aad?as={one.object_id}&amp;post_login_redirect_uri={quote(back, safe="")}">'
                f"{escape(one.person.name)}, {escape(', '.join(one.person.roles)) or 'no role'}</a>"
                for one in self._people.values()
                if one.person is not None
            )
            said = f"<p>In place of Microsoft's sign-in page: as whom?</p>{links}"
            return Response(200, _HTML, _page("Sign in to the sandbox", said))
        session = secrets.token_urlsafe(32)
        self._sessions[session] = person.object_id
        return Response(302, {"location": back, "set-cookie": f"{COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax"})


def _session(request: Request) -> str:
    try:
        cookies = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookies[COOKIE].value if COOKIE in cookies else ""


def _principal(claims: Mapping[str, Any]) -> dict[str, str]:
    """The headers of somebody who signed in."""
    told = {"auth_typ": "aad", "claims": _said(claims), "name_typ": "name", "role_typ": "roles"}
    return {
        _HEADERS: base64.b64encode(json.dumps(told).encode()).decode(),
        f"{_HEADERS}-id": str(claims["oid"]),
        f"{_HEADERS}-name": quote(str(claims.get("upn", ""))),
        f"{_HEADERS}-idp": "aad",
    }


def _said(claims: Mapping[str, Any]) -> list[dict[str, str]]:
    """Each claim by itself; one of several values comes once for each."""
    return [
        {"typ": _LONG.get(name, name), "val": str(value)}
        for name, values in claims.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _page(title: str, body: str) -> bytes:
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    return (
        f'<!doctype html><html lang="en"><head>{head}<title>{title}</title></head>'
        f"<body><main><h1>{title}</h1>{body}</main></body></html>"
    ).encode()
