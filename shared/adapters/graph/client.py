"""The way to Microsoft Graph: msgraph-sdk's request builders spell the requests, our pipeline sends them.

Lives here: making a builder's request one that can be sent, and what each failure means in our two words for errors.
How a request goes out is in `http.pipeline`; what is asked, in `directory` and `subscriptions`; how an answer reads, in
`wire`.

Answers are taken as bytes: the SDK's own models would load 1,249 modules for the first one.
"""

import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.rest import AsyncHttpResponse, HttpRequest
from kiota_abstractions.request_information import RequestInformation
from kiota_abstractions.serialization import SerializationWriterFactory, SerializationWriterFactoryRegistry
from msgraph.graph_service_client import GraphServiceClient

from shared.adapters.http.answers import capped_wait, is_passing, read_refusal
from shared.adapters.http.gate import Gate, Kind
from shared.adapters.http.pipeline import AzureApi, Limits, Transport, is_success
from shared.errors import Denied, FailedRead, Permanent, QueryRefused, Transient
from shared.settings import ClientSettings

SCOPE: Final = "https://graph.microsoft.com/.default"
"""What our token is for, at any address of Graph."""

PAGES_AT_MOST: Final = 5000
"""Pages after which a listing is taken for endless: five million people."""

UNTOLD_SHARE: Final = 0.8
"""The share of its limit up to which Graph says nothing of it."""

_USED: Final = re.compile(r"\d(\.\d{1,6})?", re.ASCII)
_NOT_FOUND: Final = "request_resourcenotfound"
_NO_OBJECT: Final = frozenset({_NOT_FOUND, "resourcenotfound"})
_EXPIRED_PAGE: Final = "directory_expiredpagetoken"
_EXTENSION: Final = "extensionerror"
_STORES_OWN: Final = "(the store's own)"
_STATUS_WITHIN: Final = re.compile(r"\[Status Code: ([A-Za-z]{2,40})", re.ASCII)
_STATUS_NAMES: Final = {status.name.replace("_", "").lower(): status.value for status in HTTPStatus}


class Refusal(StrEnum):
    """A write that Graph refuses because of what is there; anything else that it refuses is raised."""

    EXISTS = "exists"
    """409: there is one already."""
    ABSENT = "absent"
    """404, and Graph's own: there is none."""


class GraphClient:
    """Sends the requests that `sdk`'s builders make, and says what became of them.

    `transport` is the network, unless the caller brings another. The credential stays the caller's. `gate` is what
    every request passes; without one, none is held back. `secrets` are ours, and are told in no error even where Graph
    repeats them.
    """

    def __init__(
        self,
        settings: ClientSettings,
        credential: AsyncTokenCredential,
        *,
        transport: Transport | None,
        gate: Gate | None = None,
        secrets: Sequence[str] = (),
    ) -> None:
        self._secrets = tuple(secrets)
        self._retry_cap = timedelta(seconds=settings.retry_cap_seconds)
        self._api = AzureApi(
            "Microsoft Graph",
            settings.graph_url,
            SCOPE,
            credential,
            gate=gate,
            limits=_limits,
            request_id="client-request-id",
            transport=transport,
        )
        self.sdk = GraphServiceClient(request_adapter=_Writing())
        self.sdk.path_parameters["baseurl"] = f"{settings.graph_url.rstrip('/')}/v1.0"

    @property
    def calls(self) -> int:
        """How many requests were sent so far, repetitions included."""
        return self._api.calls.reads + self._api.calls.writes

    async def close(self) -> None:
        """Closes every connection."""
        await self._api.close()

    async def read(self, request: HttpRequest, what: str, needs: str) -> bytes | None:
        """Sends a reading request; the answer's body, or None where the directory knows no such object.

        `what` says in an error what was being read ("person 7c0f..."), `needs` which Graph permissions that
        takes.

        Raises:
            Transient: throttled, unreachable, slow, or no token; with the time that the service asked for.
            FailedRead: an answer without a body, a 404 that is not the directory's own, or a link to elsewhere.
            QueryRefused: 400.
            Denied: 403.
            Permanent: anything else that Graph refuses.
        """
        answer = await self._api.send(request, f"{what}: Graph", kind=Kind.READS)
        if not is_success(answer.status_code):
            self._raise_unless_absent(answer, what, needs)
            return None
        if not answer.content:
            raise FailedRead(f"{what}: Graph answered without a body")
        return answer.content

    async def pages[Item](
        self,
        read: Callable[[bytes, str], tuple[Sequence[Item], str | None]],
        first: RequestInformation,
        what: str,
        needs: str,
    ) -> AsyncIterator[Item]:
        """Every item of every page. By hand: the SDK's iterator stops at an empty page, next link or not.

        Links are followed as they are spelled, with the first request's headers: an advanced query needs its own anew.
        Raises as `read` does, and `Permanent` where the directory knows no such list.
        """
        request, seen = sendable(first), set[str]()
        for _ in range(PAGES_AT_MOST):
            body = await self.read(request, what, needs)
            if body is None:
                raise Permanent(f"{what}: the directory knows no such object")
            items, next_link = read(body, what)
            for item in items:
                yield item
            if next_link is None:
                return
            if next_link in seen:
                raise FailedRead(f"{what}: Graph's pages go round in a circle")
            seen.add(next_link)
            request = HttpRequest("GET", next_link, headers=first.request_headers)
        raise FailedRead(f"{what}: no end after {PAGES_AT_MOST} pages")

    async def write(
        self, request: HttpRequest, what: str, needs: str, *, again_after: timedelta | None = None
    ) -> bytes | Refusal:
        """Sends a writing request, once. The answer's body (empty where there is none).

        `again_after` says that a 400 may pass by itself, and after which wait it is worth another try.

        Raises:
            MaybeWritten: it was sent, and its answer was lost.
            Transient, FailedRead, Permanent: as `read`.
        """
        answer = await self._api.send(request, f"{what}: Graph", kind=Kind.WRITES)
        if is_success(answer.status_code):
            return answer.content
        code, status, reason = self._refused(answer, what)
        if status == HTTPStatus.CONFLICT:
            return Refusal.EXISTS
        if status == HTTPStatus.NOT_FOUND and code in {*_NO_OBJECT, _STORES_OWN}:
            return Refusal.ABSENT
        if status == HTTPStatus.BAD_REQUEST and again_after is not None:
            raise Transient(reason, retry_after=again_after)
        self._raise_unless_absent(answer, what, needs)
        return Refusal.ABSENT

    def _refused(self, answer: AsyncHttpResponse, what: str) -> tuple[str, int, str]:
        """The code in lower case, the status that counts, and what to tell of it.

        The store behind a resource refuses as `ExtensionError`, under a status that need not be its own, and says its
        own in words: `Operation: Delete; Exception: [Status Code: NotFound; Reason: ...]`. Seen, not documented.
        """
        refusal = read_refusal(answer, self._secrets)
        code, status = refusal.code.lower(), answer.status_code
        reason = f"{what}: Graph answered {status} {refusal}"
        words = _STATUS_WITHIN.search(refusal.message) if code == _EXTENSION else None
        within = _STATUS_NAMES.get(words[1].lower()) if words else None
        return (code, status, reason) if within is None else (_STORES_OWN, within, reason)

    def _raise_unless_absent(self, answer: AsyncHttpResponse, what: str, needs: str) -> None:
        code, status, reason = self._refused(answer, what)
        if status == HTTPStatus.NOT_FOUND and code == _NOT_FOUND:
            return
        if status == HTTPStatus.NOT_FOUND or status < HTTPStatus.BAD_REQUEST:
            # A gateway's own 404, or a redirect, says nothing about the object that was asked for.
            raise FailedRead(reason)
        if status == HTTPStatus.FORBIDDEN:
            raise Denied(reason, f"Does the app have the application permission {needs}?")
        # 501 is Graph's answer to a property that a listing cannot select; a 401 is about our token.
        passing = is_passing(status) and status != HTTPStatus.NOT_IMPLEMENTED
        if passing or status == HTTPStatus.UNAUTHORIZED or code == _EXPIRED_PAGE:
            raise Transient(reason, retry_after=capped_wait(answer, self._retry_cap))
        if status == HTTPStatus.BAD_REQUEST:
            raise QueryRefused(reason)
        raise Permanent(reason)


class _Writing:
    """What the SDK's builders ask of their request adapter: how a body is written. They send nothing."""

    base_url = ""  # each request's address begins with the path parameter `baseurl`

    def enable_backing_store(self, _factory: Any) -> None:
        """Nothing: bodies are written whole."""

    def get_serialization_writer_factory(self) -> SerializationWriterFactory:
        """The writers that the SDK registers when its client is made."""
        return SerializationWriterFactoryRegistry()


def sendable(made: RequestInformation) -> HttpRequest:
    """A builder's request as it is sent.

    kiota expands an address letter by letter from its template, which for the long list of attributes that we select
    takes longer than everything else together: who asks often keeps the address. It encodes the `$` of a parameter's
    name, which Graph wants plain.
    """
    address = made.url.replace("?%24", "?$").replace("&%24", "&$")
    method = made.http_method.value if made.http_method else "GET"
    return HttpRequest(method, address, headers=made.request_headers, content=made.content)


def _limits(answer: AsyncHttpResponse, _kind: Kind) -> Limits:
    """Which share of its limit is used up, as far as Graph says: at most 0.8 where it does not, or not intelligibly.

    Source: Graph, "Throttling limits", identity and access.
    """
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return {}
    said = answer.headers.get("x-ms-throttle-limit-percentage", "").strip()
    return {"used": float(said) if _USED.fullmatch(said) else UNTOLD_SHARE}
