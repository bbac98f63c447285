"""The way to Microsoft Graph: Microsoft's own client, set up for an app that reads a little and often.

Lives here: which host may see our token, what is retried and for how long, how long a read may take, and what
each failure means in our two words for errors. What is asked and how an answer reads does not: see
`directory_graph` and `graph_wire`.

msgraph-sdk's request builders make the requests and its request adapter sends them, through the middleware it
brings along. Answers are taken as bytes: the SDK's own models would load 1,249 modules for the first one.

Retries happen in one place, kiota's retry handler: it repeats 429, 503 and 504 at most twice, after half a
second to a second and a half or as `Retry-After` says. It would honour a `Retry-After` of up to 180 s, by
sleeping; here one of more than five seconds ends the call at once, as a `Transient` that carries it. So does a
wait that would end more than ten seconds after the first try began. `Retry-After: 0` counts as none. Other
server errors and broken connections are not repeated here: the queue repeats the whole look. Each repetition
passes the gate like any request.
"""

import asyncio
import binascii
import re
from collections.abc import Sequence
from datetime import timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from http import HTTPStatus
from typing import Final

import httpx
from azure.core.credentials_async import AsyncTokenCredential
from kiota_abstractions.api_error import APIError
from kiota_abstractions.request_information import RequestInformation
from kiota_abstractions.serialization import ParsableFactory
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from kiota_http.middleware import (
    BaseMiddleware,
    ParametersNameDecodingHandler,
    RetryHandler,
)
from kiota_http.middleware.options import RetryHandlerOption
from kiota_http.middleware.user_agent_handler import UserAgentHandler
from msgraph.generated.models.o_data_errors.o_data_error import ODataError
from msgraph.graph_request_adapter import GraphRequestAdapter, options
from msgraph.graph_service_client import GraphServiceClient
from msgraph_core import GraphClientFactory
from msgraph_core.middleware import GraphTelemetryHandler
from msgraph_core.middleware.options import GraphTelemetryHandlerOption

from shared.adapters.graph.transport import AiohttpTransport
from shared.adapters.http.credentials import Tokens
from shared.adapters.http.gate import Gate, Kind
from shared.domain.redact import nameless
from shared.errors import FailedRead, MaybeWritten, Misconfigured, Permanent, QueryRefused, Transient
from shared.settings import Settings
from shared.settings_values import LOOPBACK

SCOPE: Final = "https://graph.microsoft.com/.default"
"""What our token is for. Said outright: otherwise kiota derives it from the host a request goes to."""

RETRIES: Final = 2
"""How often a read is repeated. Twice within ten seconds is all that a handler's 45 s allow."""

RETRY_SECONDS: Final = 10.0
"""Seconds after its first try within which a read may be repeated, however long its answers take."""

LONGEST_WAIT_SECONDS: Final = 5.0
"""The longest wait between two tries, in seconds; a service that asks for more is left alone."""

CALL_SECONDS: Final = 30.0
"""What one read may take with its repetitions, in seconds. A handler has 45."""

UNTOLD_SHARE: Final = 0.8
"""The share of its limit up to which Graph says nothing of it."""

_USED: Final = re.compile(r"\d(\.\d{1,6})?", re.ASCII)
_LONGEST_QUOTE: Final = 300
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_ERRORS: Final[dict[str, type[ParsableFactory]]] = {"XXX": ODataError}
_LATEST_RETRY: Final = "latest_retry"

_NOT_FOUND: Final = "request_resourcenotfound"
_NO_OBJECT: Final = frozenset({_NOT_FOUND, "resourcenotfound"})
_EXPIRED_PAGE: Final = "directory_expiredpagetoken"
_EXTENSION: Final = "extensionerror"
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

    `graph_url` is Microsoft Graph without the version; http is accepted for this machine only. `http_client`
    is an httpx client of the caller's own making (another transport, say); it gets the SDK's middleware as
    well, and is closed with this. The credential stays the caller's. `retry_cap`
    is the longest wait that a `Transient` hands on. `gate` is what every request passes; without one, none is
    held back. `secrets` are ours, and are told in no error even where Graph repeats them.

    Raises:
        Misconfigured: `graph_url` is not an address to which a token may be sent.
    """

    def __init__(
        self,
        graph_url: str,
        credential: AsyncTokenCredential,
        *,
        http_client: httpx.AsyncClient | None = None,
        retry_cap: timedelta,
        gate: Gate | None = None,
        secrets: Sequence[str] = (),
    ) -> None:
        self._secrets = tuple(secrets)
        self._origin = _origin(_safe_address(graph_url))
        self._retry_cap = retry_cap
        self._exit = _Exit(gate)
        self._http = GraphClientFactory.create_with_custom_middleware(
            _middleware(self._exit), client=http_client or _own_client(local=self._origin[1] in LOOPBACK)
        )
        adapter = GraphRequestAdapter(
            AzureIdentityAuthenticationProvider(
                Tokens(credential, "Microsoft Graph"), scopes=[SCOPE], allowed_hosts=[self._origin[1]]
            ),
            client=self._http,
        )
        adapter.base_url = graph_url.rstrip("/") + "/v1.0"
        self._adapter = adapter
        self.sdk = GraphServiceClient(request_adapter=adapter)

    @property
    def calls(self) -> int:
        """How many requests were sent so far, repetitions included."""
        return self._exit.sent

    async def close(self) -> None:
        """Closes every connection."""
        await self._http.aclose()
        await self._exit.close()

    def address(self, request: RequestInformation) -> str:
        """Where a request goes, expanded from its template.

        kiota expands it letter by letter, and three times each time a request is sent, which for the long list of
        attributes that we select takes longer than everything else together. So it is asked for once a request, and
        once at all for requests that differ in an id only.
        """
        self._adapter.set_base_url_for_request_information(request)
        return request.url.replace("?%24", "?$")

    async def read(self, request: RequestInformation, what: str, needs: str) -> bytes | None:
        """Sends a reading request; the answer's body, or None where the directory knows no such object.

        `what` says in an error what was being read ("person 7c0f..."), `needs` which Graph permissions that
        takes.

        Raises:
            Transient: throttled, unreachable, slow, or no token; with the time that the service asked for.
            FailedRead: an answer without a body, or a 404 that is not the directory's own.
            QueryRefused: 400.
            Permanent: anything else that Graph refuses.
        """
        try:
            body = await self._send(request, what)
        except APIError as error:
            self._raise_unless_absent(error, what, needs)
            return None
        if not isinstance(body, bytes):
            raise FailedRead(f"{what}: Graph answered without a body")
        return body

    async def write(
        self, request: RequestInformation, what: str, needs: str, *, again_after: timedelta | None = None
    ) -> bytes | Refusal:
        """Sends a writing request, once: no middleware repeats it. The answer's body (empty where there is none).

        `again_after` says that a 400 may pass by itself, and after which wait it is worth another try.

        Raises:
            MaybeWritten: it was sent, and its answer was lost.
            Transient, FailedRead, Permanent: as `read`.
        """
        request.add_request_options([RetryHandlerOption(max_retries=0)])
        try:
            body = await self._send(request, what, lost=MaybeWritten)
        except APIError as error:
            code, status, reason = self._refused(error, what)
            if status == HTTPStatus.CONFLICT:
                return Refusal.EXISTS
            if status == HTTPStatus.NOT_FOUND and (code in _NO_OBJECT or _status_within(error)):
                return Refusal.ABSENT
            if status == HTTPStatus.BAD_REQUEST and again_after is not None:
                raise Transient(reason, retry_after=again_after) from error
            self._raise_unless_absent(error, what, needs)
            return Refusal.ABSENT
        return body or b""

    async def _send(self, request: RequestInformation, what: str, lost: type[Transient] = Transient) -> bytes | None:
        """Sends a request; `lost` is what it is called when no answer came. Raises APIError for a refusal."""
        address = self.address(request)
        request.path_parameters = {}  # they are the request builder's own, and naming an address would clear them
        request.url = address
        try:
            async with asyncio.timeout(CALL_SECONDS):
                body = await self._adapter.send_primitive_async(request, "bytes", _ERRORS)
        except TimeoutError as error:
            raise lost(f"{what}: Graph took more than {CALL_SECONDS:.0f} s") from error
        except httpx.InvalidURL as error:
            raise FailedRead(f"{what}: Graph gave a link that is no address") from error
        except httpx.HTTPError as error:
            raise lost(f"{what}: Graph was not reached ({type(error).__name__}: {error})") from error
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Transient(f"{what}: Graph asked for another token in a way nobody can read") from error
        return body if isinstance(body, bytes) else None

    def follow(self, link: str, what: str) -> str:
        """A link from an answer, once it is known to lead where our token may go.

        Raises:
            FailedRead: the link leads to another scheme, host or port.
        """
        try:
            target = httpx.URL(link)
        except httpx.InvalidURL as error:
            raise FailedRead(f"{what}: Graph gave a link that is no address") from error
        if _origin(target) != self._origin or target.userinfo:
            raise FailedRead(f"{what}: the next page is said to be on another host, {target.host!r}")
        return link

    def _refused(self, error: APIError, what: str) -> tuple[str, int, str]:
        """The code in lower case, the status that counts, and what to tell of it."""
        code, message = _said(error)
        said = f"{code}: {nameless(message, *self._secrets)[:_LONGEST_QUOTE]}"
        # JSON can escape what UTF-8 has no bytes for: half of a surrogate pair.
        quoted = said.encode(errors="backslashreplace").decode()
        answered = error.response_status_code or 0
        return code.lower(), _status_within(error) or answered, f"{what}: Graph answered {answered} {quoted}"

    def _raise_unless_absent(self, error: APIError, what: str, needs: str) -> None:
        code, status, reason = self._refused(error, what)
        if status == HTTPStatus.NOT_FOUND and code == _NOT_FOUND:
            return
        if status == HTTPStatus.NOT_FOUND or status < HTTPStatus.BAD_REQUEST:
            # A gateway's own 404, or a redirect, says nothing about the object that was asked for.
            raise FailedRead(reason)
        if status == HTTPStatus.FORBIDDEN:
            raise Permanent(f"{reason}. Does the app have the application permission {needs}?")
        if _is_passing(status) or code == _EXPIRED_PAGE:
            raise Transient(reason, retry_after=self._retry_after(error))
        if status == HTTPStatus.BAD_REQUEST:
            raise QueryRefused(reason)
        raise Permanent(reason)

    def _retry_after(self, error: APIError) -> timedelta | None:
        wait = _asked_wait(httpx.Headers(error.response_headers or {}))
        return None if wait is None else min(wait, self._retry_cap) or None


class _Exit(BaseMiddleware):
    """Passes the gate, counts what goes out, and closes the ways out.

    The last of the middlewares, so that repetitions count as well. msgraph-core's transport does not close
    the one that it wraps; here each is seen.
    """

    def __init__(self, gate: Gate | None) -> None:
        super().__init__()
        self.sent = 0
        self._gate = gate
        self._used: set[httpx.AsyncBaseTransport] = set()

    async def send(self, request: httpx.Request, transport: httpx.AsyncBaseTransport) -> httpx.Response:
        self._used.add(transport)
        if self._gate is None:
            self.sent += 1
            return await super().send(request, transport)
        # Whatever the directory is asked is a read to us, and Graph counts all of it in one.
        async with self._gate.call(Kind.READS, request.url.path) as call:
            self.sent += 1
            answer = await super().send(request, transport)
            served = answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR
            wait = _asked_wait(answer.headers) if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS else None
            call.answered(answer.status_code, used=_used(answer.headers) if served else None, wait=wait)
            return answer

    async def close(self) -> None:
        for transport in self._used:
            await transport.aclose()


def graph_gate(settings: Settings) -> Gate:
    """The gate before the directory. Graph counts units for an app in a tenant, whatever it asks."""
    return Gate("Microsoft Graph", {Kind.READS: settings.graph_calls_per_second}, settings)


def _used(headers: httpx.Headers) -> float:
    """Which share of its limit is used up, as far as Graph says: at most 0.8 where it does not, or not intelligibly.

    Source: Graph, "Throttling limits", identity and access.
    """
    said = headers.get("x-ms-throttle-limit-percentage", "").strip()
    return float(said) if _USED.fullmatch(said) else UNTOLD_SHARE


def _asked_wait(headers: httpx.Headers) -> timedelta | None:
    """How long Graph asks to wait; None when it does not, or not intelligibly."""
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        # Five digits are more than a day; int() refuses thousands of them.
        return timedelta(seconds=int(asked[:6]))
    try:
        # Measured against the service's own clock, so that ours need not be right.
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None  # not said, or not in a way the specification knows
    return max(wait, timedelta())


class _BoundedRetry(RetryHandler):
    """kiota's retry handler, which by itself would sleep for as long as `Retry-After` says, up to 180 s.

    Nor would it mind how long the answers before a repetition took.
    """

    async def send(self, request: httpx.Request, transport: httpx.AsyncBaseTransport) -> httpx.Response:
        request.extensions[_LATEST_RETRY] = asyncio.get_running_loop().time() + RETRY_SECONDS
        return await super().send(request, transport)

    def get_delay_time(
        self,
        retry_count: int,
        response: httpx.Response | None = None,
        delay: float = RetryHandlerOption.DEFAULT_DELAY,
    ) -> float:
        """Seconds until the next try; where that is long, what the handler takes for "no next try"."""
        wait = super().get_delay_time(retry_count, response, delay)
        if wait > LONGEST_WAIT_SECONDS or response is None:
            return RetryHandlerOption.MAX_DELAY
        latest: float = response.request.extensions[_LATEST_RETRY]
        too_late = asyncio.get_running_loop().time() + wait > latest
        return RetryHandlerOption.MAX_DELAY if too_late else wait


def _middleware(end: _Exit) -> list[BaseMiddleware]:
    """Of the SDK's default pipeline what serves us, with a bounded retry handler, and `end` at its end.

    Left out: redirects (Graph's directory redirects nobody, and a token has no business elsewhere), replaced addresses
    (they are for /me, of which an app has none), and what keeps every request's headers and bodies for whoever asks.
    """
    # `delay` is not a cap but is added to every wait; the default of 3 s is what makes each repetition slow.
    bounded = _BoundedRetry(RetryHandlerOption(delay=0, max_retries=RETRIES))
    telemetry = options[GraphTelemetryHandlerOption.get_key()]
    return [bounded, ParametersNameDecodingHandler(), UserAgentHandler(), GraphTelemetryHandler(telemetry), end]


def _own_client(*, local: bool) -> httpx.AsyncClient:
    # The transport has its own timeouts, and asks for proxies and certificates itself.
    return httpx.AsyncClient(transport=AiohttpTransport(local=local), trust_env=False)


def _safe_address(graph_url: str) -> httpx.URL:
    try:
        address = httpx.URL(graph_url)
    except httpx.InvalidURL as error:
        raise Misconfigured("Microsoft Graph", [f"{graph_url!r} is no address: {error}"]) from error
    if address.scheme == "https" and address.host:
        return address
    if address.scheme == "http" and address.host in LOOPBACK:
        return address
    raise Misconfigured(
        "Microsoft Graph",
        [f"{graph_url!r}: give an https:// address; http:// is for this machine (127.0.0.1) only"],
    )


def _origin(address: httpx.URL) -> tuple[str, str, int | None]:
    return address.scheme, address.host, address.port or _DEFAULT_PORTS.get(address.scheme)


def _is_passing(status: int) -> bool:
    if status == HTTPStatus.NOT_IMPLEMENTED:
        return False  # Graph's answer to a property that a listing cannot select
    return status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
    }


def _status_within(error: APIError) -> int | None:
    """The status that the store behind a resource gave, which is the one that counts; None for any other refusal.

    It refuses as `ExtensionError`, under a status that need not be its own, and says that in words: `Operation:
    Delete; Exception: [Status Code: NotFound; Reason: ...]`. Seen, not documented.
    """
    code, message = _said(error)
    found = _STATUS_WITHIN.search(message) if code.lower() == _EXTENSION else None
    return _STATUS_NAMES.get(found[1].lower()) if found else None


def _said(error: APIError) -> tuple[str, str]:
    """Graph's own code and message, as far as there are any."""
    inner = error.error if isinstance(error, ODataError) else None
    code = inner.code if inner and isinstance(inner.code, str) else ""
    message = inner.message if inner and isinstance(inner.message, str) else error.message or ""
    return code or "(no code)", message or "(no message)"
