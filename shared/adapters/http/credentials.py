"""Who the app is: its managed identity, and how every adapter gets that identity's tokens.

Lives here: making the credential, and telling a token that did not come apart from the answer of the service that it
was for. One credential serves Azure Resource Manager, Graph, Service Bus and Table Storage; it keeps each token until
it is about to expire. There are no secrets: the platform tells the identity's endpoint in the environment
(`IDENTITY_ENDPOINT`, `IDENTITY_HEADER`).
"""

import asyncio
import os
import time
from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenRequestOptions
from azure.core.credentials_async import AsyncSupportsTokenInfo, AsyncTokenCredential
from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential

from shared.errors import NotSignedIn, Transient
from shared.laptop import is_laptop

TOKEN_SECONDS: Final = 8.0
"""How long a token may take to come.

azure-identity asks up to four times within 4.8 s, and would wait 300 s for each answer. The calls that need the token
have 10 s and more: so it is the identity endpoint that is named when it is the one that does not answer.
"""

_ASKED_AGAIN_SECONDS: Final = 30.0
"""For how long a token serves before the credential is asked again, which costs a search of its cache or, while the
endpoint is away, seconds."""

_LAST_SECONDS: Final = 300.0
"""How long before its end a token is no longer used: as azure-identity has it."""

_QUOTED_CHARACTERS: Final = 300

_UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What azure-identity raises from within for an answer that is no token, but is JSON."""

_IDENTITY_REMEDY: Final = (
    "After a start this passes by itself. If it lasts, check that the function app has its identity, "
    "and that AZURE_CLIENT_ID names it"
)
_LOGIN_REMEDY: Final = "Sign in again (az login), and check whether login.microsoftonline.com is reached"


def managed_identity(client_id: str | None) -> AsyncTokenCredential:
    """The managed identity's credential; whoever makes it closes it.

    `client_id` names a user-assigned identity; without it the system-assigned one is meant. Source:
    Microsoft Learn, "How to use managed identities for App Service and Azure Functions".
    """
    return ManagedIdentityCredential(client_id=client_id) if client_id else ManagedIdentityCredential()


def app_credential(client_id: str | None, environment: Mapping[str, str] = os.environ) -> AsyncTokenCredential:
    """Who the app is: its managed identity; on a developer's machine (`shared.laptop`) whoever gave `az login`.

    Whoever makes it closes it.
    """
    return AzureCliCredential() if is_laptop(environment) else managed_identity(client_id)


class Tokens:
    """A credential as an adapter hands it to its client: whatever keeps a token from coming is raised as `Transient`.

    azure-identity puts the identity endpoint's answer into the error that it raises, so that a client takes its 403 or
    404 for the answer of the service. What is raised here is none of azure-core's errors: every client lets it through
    as it is, and repeats nothing. No refusal is permanent: while the app starts, and after its identity was assigned,
    the endpoint refuses with 400, 403, 404 and 410 what it gives a minute later.

    A token that is still good serves while no newer one comes. azure-identity replaces a day's token after twelve hours
    and does not fall back on it, although it is good for twelve more.

    `service` is the one that the tokens are for, in words. The credential stays its owner's to close.
    """

    def __init__(self, credential: AsyncTokenCredential, service: str, *, token_seconds: float = TOKEN_SECONDS) -> None:
        self._credential = credential
        self._service = service
        self._token_seconds = token_seconds
        self._kept: dict[tuple[str, ...], tuple[AccessTokenInfo, float]] = {}

    async def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **_: Any,
    ) -> AccessToken:
        """A token for the scopes. Raises `Transient`."""
        options: TokenRequestOptions = {"enable_cae": enable_cae}
        if claims:
            options["claims"] = claims
        if tenant_id:
            options["tenant_id"] = tenant_id
        found = await self.get_token_info(*scopes, options=options)
        return AccessToken(found.token, found.expires_on)

    async def get_token_info(self, *scopes: str, options: TokenRequestOptions | None = None) -> AccessTokenInfo:
        """A token for the scopes, with when to replace it. Raises `Transient`."""
        options = options or {}
        kept, ask_at = self._kept.get(scopes, (None, 0.0))
        if options.get("claims"):
            kept = None  # the service refuses the one that we have
        if kept is not None and time.monotonic() < ask_at:
            return kept
        try:
            given = await self._asked(scopes, options)
        except Transient:
            if kept is None or kept.expires_on - time.time() < _LAST_SECONDS:
                raise
            given = kept
        self._kept[scopes] = (
            given,
            time.monotonic() + min(_ASKED_AGAIN_SECONDS, given.expires_on - _LAST_SECONDS - time.time()),
        )
        return given

    async def close(self) -> None:
        """Nothing: the credential is its owner's."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()

    async def _asked(self, scopes: tuple[str, ...], options: TokenRequestOptions) -> AccessTokenInfo:
        credential = self._credential
        try:
            async with asyncio.timeout(self._token_seconds):
                if isinstance(credential, AsyncSupportsTokenInfo):
                    given = await credential.get_token_info(*scopes, options=options)
                else:
                    token = await credential.get_token(*scopes, **options)
                    given = AccessTokenInfo(token.token, token.expires_on)
        except TimeoutError as error:
            raise self._missing(f"did not answer within {self._token_seconds:g} s") from error
        except ClientAuthenticationError as error:
            raise self._missing(_said(error), NotSignedIn) from error
        except HttpResponseError as error:
            raise self._missing(_said(error)) from error
        except AzureError as error:
            raise self._missing(f"gave none ({_in_short(error.message)})") from error
        except _UNREADABLE as error:
            # Not in its own words: they may be the answer's, and the answer may be a token.
            raise self._missing(f"answered what is no token ({type(error).__name__})") from error
        if not _is_token(given.token):
            raise self._missing("answered what is no token")
        return given

    def _missing(self, what: str, kind: type[Transient] = Transient) -> Transient:
        if isinstance(self._credential, ManagedIdentityCredential):
            return Transient(f"no token for {self._service}: the identity endpoint {what}. {_IDENTITY_REMEDY}")
        return kind(f"no token for {self._service}: the sign-in {what}. {_LOGIN_REMEDY}")


def _is_token(text: Any) -> bool:
    """Whether a header can hold it. azure-identity hands on whatever an answer has in the token's place."""
    return isinstance(text, str) and text.isascii() and text.isprintable() and text != ""


def _said(error: HttpResponseError) -> str:
    if error.status_code is None:
        return f"gave none ({_in_short(error.message)})"
    if error.status_code < HTTPStatus.BAD_REQUEST:
        return f"answered {error.status_code} with what is no token"
    words = error.error.message if error.error is not None else None
    return f"answered {error.status_code} ({_in_short(words or error.message)})"


def _in_short(message: str) -> str:
    return " ".join(message.split())[:_QUOTED_CHARACTERS]
