"""How a request reaches one of Azure's HTTP APIs: Azure Resource Manager and Microsoft Graph, both the same way.

Lives here: azure-core's pipeline with the policies that we want, its aiohttp transport, and which error it is when no
answer comes. The rules they keep: a token goes to its own service and nowhere else, a read is sent at most three times,
a write once, and everything that is sent passes the gate. What an answer means is read in `answers`; which requests are
made is decided in `billing` and `graph`.

Left out of azure-core's usual pipeline: its retries (which repeat a POST after 500, 503 and 504, and any request for as
long as a Retry-After says), redirects, and the request log.
"""

import asyncio
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final, TypedDict
from urllib.parse import SplitResult, quote, urlsplit
from urllib.request import getproxies

import aiohttp
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    AzureError,
    IncompleteReadError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline import AsyncPipeline, PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import (
    AsyncBearerTokenCredentialPolicy,
    AsyncHTTPPolicy,
    HeadersPolicy,
    RequestIdPolicy,
    SansIOHTTPPolicy,
    UserAgentPolicy,
)
from azure.core.pipeline.transport import AioHttpTransport, AsyncHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from yarl import URL

from shared.adapters.http.answers import MAY_BE_WRITTEN, said_wait
from shared.adapters.http.credentials import Tokens
from shared.adapters.http.gate import Gate, Kind
from shared.errors import FailedRead, MaybeWritten, Transient
from shared.settings_values import LOOPBACK

CONNECT_SECONDS: Final = 5.0
"""Seconds to wait for a connection. azure-core's default is 300, a handler has 45."""

READ_SECONDS: Final = 20.0
"""Seconds that one attempt may take, until its answer is whole. azure-core would wait 300 for each piece of it."""

READ_REPEATS: Final = 2
"""How often a read is repeated at most. More is a matter for the queue, where it costs no handler's time."""

READ_REPEAT_SECONDS: Final = 10.0
"""Seconds after its beginning within which a read may be repeated."""

_FIRST_WAIT_SECONDS: Final = 0.4
_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_KINDS: Final = {"GET": Kind.READS, "HEAD": Kind.READS, "DELETE": Kind.DELETES}
_KIND = "kind"
_RESTED_UNTIL = "rested_until"
_ADDRESS_CHARACTERS: Final = "%!#$&'()*+,/:;=?@[]"
"""What an address may hold beside letters, digits and `_.-~`. Source: RFC 3986, section 2."""

_DEFAULT_PORTS = {"https": 443, "http": 80}

type Policy = AsyncHTTPPolicy[Any, Any] | SansIOHTTPPolicy[Any, Any]
type Transport = AsyncHttpTransport[HttpRequest, AsyncHttpResponse]


class Limits(TypedDict, total=False):
    """What an answer says of the service's limits; see `gate.Call.answered`."""

    left: int | None
    used: float | None


type ReadLimits = Callable[[AsyncHttpResponse, Kind], Limits]


@dataclass(slots=True)
class Calls:
    """How many requests went to the service, repeats and polls included."""

    reads: int = 0
    writes: int = 0


class AzureApi:
    """One of Azure's HTTP APIs.

    Args:
        name: the service's, in words.
        url: where it is; http is for this machine only.
        scope: what our token is for, at any address of the service.
        credential: whose tokens go with the requests; it stays the caller's.
        gate: what every request passes; without one, no request waits.
        limits: what the gate learns from an answer.
        request_id: the header by which the service's support finds a request of ours.
        transport: the network, unless the caller brings another.

    `calls` counts every request that was sent.
    """

    def __init__(
        self,
        name: str,
        url: str,
        scope: str,
        credential: AsyncTokenCredential,
        *,
        gate: Gate | None,
        limits: ReadLimits,
        request_id: str,
        transport: Transport | None,
    ) -> None:
        self.calls = Calls()
        self.credential = Tokens(credential, name)
        self._transport = transport or network_transport(url)
        self._options = request_options(url)
        policies: list[Policy] = [
            RequestIdPolicy(request_id_header_name=request_id),
            HeadersPolicy({"Accept": "application/json"}),
            UserAgentPolicy("invoice-access"),
            OwnHostOnly(url),
            ReadRepeats(self._transport),
            OwnToken(self.credential, scope),
            *([] if gate is None else [PassGate(gate, limits)]),
            CountCalls(self.calls),
        ]
        self._pipeline: AsyncPipeline[HttpRequest, AsyncHttpResponse] = AsyncPipeline(self._transport, policies)

    async def send(self, request: HttpRequest, what: str, *, kind: Kind | None = None) -> AsyncHttpResponse:
        """Sends a request; returns its whole answer, whatever it says.

        Args:
            request: the request, its address in full.
            what: what it is for, as an error's beginning (`reading billing profile X`).
            kind: what the request is, where its method does not say; reads alone are repeated.

        Raises:
            Transient: no answer came, there is no token, or the gate let nothing through.
            MaybeWritten: no answer came to a write.
            FailedRead: the request's address came out of an answer, and leads elsewhere.
        """
        kind = kind or _KINDS.get(request.method, Kind.WRITES)
        try:
            ran = await self._pipeline.run(request, **{_KIND: kind}, **self._options)
        except FailedRead as elsewhere:
            raise FailedRead(f"{what}: {elsewhere.reason}") from elsewhere
        except AzureError as error:
            said = f"{what}: {error.message}"
            raise (Transient(said) if kind is Kind.READS else MaybeWritten(f"{said}; {MAY_BE_WRITTEN}")) from error
        return ran.http_response

    async def sleep(self, seconds: float) -> None:
        """Waits as the transport does: whoever replaces the network replaces its time."""
        await self._transport.sleep(seconds)

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()


class OwnHostOnly(SansIOHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Refuses a request to any other host, port or scheme than the service's, before it gets a token.

    Such an address can only come out of an answer (`nextLink`, `Location`): that answer is a failed read. An address on
    the service's own host is sent as it is spelled, but for characters that no address may have.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._own = _origin(urlsplit(base_url))

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        """Raises `FailedRead` for an address of another host; tells its origin only, its query may be a signature."""
        url = request.http_request.url
        try:
            parts = urlsplit(url)
            origin = _origin(parts)
        except ValueError as error:
            raise FailedRead(f"the service named an address that is none: {error}") from error
        if origin != self._own:
            raise FailedRead(
                f"the service named an address on another host, {origin[1]} ({origin[0]}, port {origin[2]}): "
                "no token goes there"
            )
        if "@" in parts.netloc:
            raise FailedRead("the service named an address with a user of its own: no token goes with one")
        request.http_request.url = quote(url, safe=_ADDRESS_CHARACTERS)


class ReadRepeats(AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Repeats reads, at most twice and within ten seconds in all; passes writes through once.

    A Retry-After that does not fit into those seconds ends it: the answer goes to the caller, wait and all.
    """

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    async def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, AsyncHttpResponse]:
        """Sends a request on, and a read again where it met something passing."""
        kind = request.context[_KIND] = request.context.options.pop(_KIND)
        if kind is not Kind.READS:
            return await self.next.send(request)
        loop = asyncio.get_running_loop()
        latest = loop.time() + READ_REPEAT_SECONDS
        for repeat in range(READ_REPEATS):
            wait = _FIRST_WAIT_SECONDS * 4**repeat
            try:
                response = await self.next.send(request)
            except (ServiceRequestError, ServiceResponseError, IncompleteReadError):
                if loop.time() + wait > latest:
                    raise
            else:
                if response.http_response.status_code not in _PASSING:
                    return response
                asked = said_wait(response.http_response)
                wait = wait if asked is None else asked.total_seconds()
                if loop.time() + wait > latest:
                    return response
            # The transport's own sleep, as azure-core does: whoever replaces the network replaces its time.
            request.context[_RESTED_UNTIL] = loop.time() + wait
            await self._transport.sleep(wait)
        return await self.next.send(request)


class OwnToken(AsyncBearerTokenCredentialPolicy[HttpRequest, AsyncHttpResponse]):
    """azure-core's policy, for which a 401 that asks for another token in a way nobody can read is a 401."""

    async def on_challenge(
        self,
        request: PipelineRequest[HttpRequest],
        response: PipelineResponse[HttpRequest, AsyncHttpResponse],
    ) -> bool:
        """Gets the token that the answer asks for; whether the request is to be sent again with it."""
        try:
            return await super().on_challenge(request, response)
        except ValueError:  # claims that are no base64, or no UTF-8
            return False


class PassGate(AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Lets a request through when the gate does, and tells it of the answer. Raises `Transient` when it does not."""

    def __init__(self, gate: Gate, limits: ReadLimits) -> None:
        super().__init__()
        self._gate = gate
        self._limits = limits

    async def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, AsyncHttpResponse]:
        """Sends a request on, once."""
        kind: Kind = request.context[_KIND]
        rested_until = request.context.get(_RESTED_UNTIL, 0.0)
        async with self._gate.call(kind, request.http_request.url, rested_until=rested_until) as call:
            response = await self.next.send(request)
            answer = response.http_response
            wait = said_wait(answer) if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS else None
            call.answered(answer.status_code, wait=wait, **self._limits(answer, kind))
        return response


class CountCalls(SansIOHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Counts what is really sent."""

    def __init__(self, calls: Calls) -> None:
        super().__init__()
        self._calls = calls

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        """Counts one request."""
        if request.context[_KIND] is Kind.READS:
            self._calls.reads += 1
        else:
            self._calls.writes += 1


class ConnectionLost(aiohttp.ClientError):
    """The connection broke after a request was sent: nobody knows whether the service carried it out."""


class SendOnceTransport(AioHttpTransport):  # type: ignore[misc] # untyped in azure-core
    """azure-core's aiohttp transport: one request is one attempt, its address goes out as it is spelled.

    When a reused connection breaks, aiohttp sends GET, PUT and DELETE again by itself (https://docs.aiohttp.org,
    `ClientSession`; RFC 9112 section 9.3.1). A write must not be sent twice, and what reads are repeated, and counted,
    is `ReadRepeats`'s to say. And aiohttp would spell a link anew: what a service signed need not survive that.
    """

    async def send(self, request: Any, *, stream: bool = False, proxies: Any = None, **config: Any) -> Any:
        """Sends a request once. Raises azure-core's errors, also when its answer is not whole in `read_timeout`."""
        spelled = request.url
        request.url = URL(spelled, encoded=True)
        seconds = config["read_timeout"]
        try:
            async with asyncio.timeout(seconds):
                answer = await super().send(request, stream=stream, proxies=proxies, middlewares=(_once,), **config)
                _ = answer.content  # is unpacked when it is first asked for
        except TimeoutError as error:
            raise ServiceResponseTimeoutError(f"no whole answer within {seconds:g} s", error=error) from error
        except zlib.error as error:
            raise ServiceResponseError(f"an answer that cannot be unpacked: {error}", error=error) from error
        finally:
            request.url = spelled
        return answer


async def _once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A client middleware: turns the errors that aiohttp answers with a second attempt into one that it does not."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ConnectionLost(f"the connection broke before an answer came: {error}") from error


def network_transport(base_url: str) -> Transport:
    """The network.

    The environment's proxies count only where there are any: aiohttp looks them up in a thread, per request.
    """
    return SendOnceTransport(use_env_settings=bool(getproxies()) and not _is_loopback(base_url))


def request_options(base_url: str) -> dict[str, Any]:
    """What each request carries beside itself: timeouts, and http for this machine alone."""
    options: dict[str, Any] = {"connection_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}
    parts = urlsplit(base_url)
    if parts.scheme == "http" and _is_loopback(base_url):
        options["enforce_https"] = False
    elif parts.scheme != "https" or not parts.hostname:
        raise ValueError(f"{base_url!r}: give an https:// address; http is for this machine only")
    return options


def is_success(status: int) -> bool:
    """Whether a status says that the request was understood and accepted."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(scheme)
