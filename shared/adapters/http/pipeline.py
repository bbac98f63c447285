"""What happens to every request between the billing client and the network.

Lives here: the policies of the client's pipeline, its aiohttp transport, and the client itself. The rules
they keep: a token goes to Azure Resource Manager and nowhere else, reads are repeated at most twice, writes
never, and everything that is sent passes the gate. What an answer means is read in `arm_answers`; which
requests are made is decided in `billing_arm`.

The pipeline is the client's own, cut down: azure-core's retries (which repeat a POST after 500, 503 and 504,
and any request for as long as a Retry-After says), redirects, the registration of resource providers and the
request log are left out.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import IncompleteReadError, ServiceRequestError, ServiceResponseError
from azure.core.pipeline import PipelineRequest, PipelineResponse
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
from azure.mgmt.billing.aio import BillingManagementClient

from shared.adapters.http.answers import calls_left, said_wait
from shared.adapters.http.gate import Gate, Kind
from shared.adapters.http.sent_once import once
from shared.errors import FailedRead
from shared.settings import Settings
from shared.settings_values import LOOPBACK

ARM_SCOPE: Final = "https://management.azure.com/.default"
"""What our token is for, whatever address ARM is reached under."""

API_VERSION: Final = "2024-04-01"
"""The newest stable version of Microsoft.Billing; the client's own default, written out because links carry
it."""

CONNECT_SECONDS: Final = 5.0
"""Seconds to wait for a connection. azure-core's default is 300, a handler has 45."""

READ_SECONDS: Final = 20.0
"""Seconds to wait for an answer's next bytes. azure-core's default is 300, a handler has 45."""

READ_REPEATS: Final = 2
"""How often a read is repeated at most. More is a matter for the queue, where it costs no handler's time."""

READ_REPEAT_SECONDS: Final = 10.0
"""Seconds after its beginning within which a read may be repeated."""

_FIRST_WAIT_SECONDS: Final = 0.4

_PER_SECOND: Final = {Kind.READS: 25, Kind.WRITES: 10, Kind.DELETES: 10}
"""Calls a second that ARM grants one identity for long, beside a burst of ten seconds' worth. As published, for all."""

_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_READS = frozenset({"GET", "HEAD"})
_RESTED_UNTIL = "rested_until"
_DEFAULT_PORTS = {"https": 443, "http": 80}
_UNUSED_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"

type Policy = AsyncHTTPPolicy[Any, Any] | SansIOHTTPPolicy[Any, Any]
type Transport = AsyncHttpTransport[HttpRequest, AsyncHttpResponse]


@dataclass(slots=True)
class Calls:
    """How many requests went to the service, repeats and polls included."""

    reads: int = 0
    writes: int = 0


class OwnHostOnly(SansIOHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Refuses a request to any other host, port or scheme than the service's, before it gets a token.

    Such an address can only come out of an answer (`nextLink`, `Location`): that answer is a failed read.
    """

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._own = _origin(urlsplit(base_url))

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        """Raises `FailedRead` for a foreign address; tells its origin only, its query may be a signature."""
        try:
            origin = _origin(urlsplit(request.http_request.url))
        except ValueError as error:
            raise FailedRead(f"the service named an address that is none: {error}") from error
        if origin != self._own:
            raise FailedRead(
                f"the service named an address on {origin[0]}://{origin[1]}:{origin[2]}, which is not ours: "
                "no token goes there"
            )


class ReadRepeats(AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Repeats reads, at most twice and within ten seconds in all; passes writes through once.

    A Retry-After that does not fit into those seconds ends it: the answer goes to the caller, wait and all.
    """

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    async def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, AsyncHttpResponse]:
        """Sends a request on, and a read again where it met something passing."""
        if request.http_request.method not in _READS:
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


class PassGate(AsyncHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Lets a request through when the gate does, and tells it of the answer. Raises `Transient` when it does not."""

    def __init__(self, gate: Gate) -> None:
        super().__init__()
        self._gate = gate

    async def send(self, request: PipelineRequest[HttpRequest]) -> PipelineResponse[HttpRequest, AsyncHttpResponse]:
        """Sends a request on, once."""
        sent = request.http_request
        kind = Kind.READS if sent.method in _READS else Kind.DELETES if sent.method == "DELETE" else Kind.WRITES
        async with self._gate.call(kind, sent.url, rested_until=request.context.get(_RESTED_UNTIL, 0.0)) as call:
            response = await self.next.send(request)
            answer = response.http_response
            throttled = answer.status_code == HTTPStatus.TOO_MANY_REQUESTS
            wait = said_wait(answer) if throttled else None
            call.answered(answer.status_code, left=calls_left(answer.headers, kind), wait=wait)
        return response


class CountCalls(SansIOHTTPPolicy[HttpRequest, AsyncHttpResponse]):
    """Counts what is really sent."""

    def __init__(self, calls: Calls) -> None:
        super().__init__()
        self._calls = calls

    def on_request(self, request: PipelineRequest[HttpRequest]) -> None:
        """Counts one request."""
        if request.http_request.method in _READS:
            self._calls.reads += 1
        else:
            self._calls.writes += 1


class SendOnceTransport(AioHttpTransport):  # type: ignore[misc] # untyped in azure-core
    """azure-core's aiohttp transport, without aiohttp's own second attempt: reads are repeated by `ReadRepeats`."""

    async def send(self, request: Any, *, stream: bool = False, proxies: Any = None, **config: Any) -> Any:
        """Sends a request once."""
        return await super().send(request, stream=stream, proxies=proxies, middlewares=(once,), **config)


def network_transport(base_url: str) -> Transport:
    """The network.

    The environment's proxies count only where there are any: aiohttp looks them up in a thread, per request.
    """
    return SendOnceTransport(use_env_settings=bool(getproxies()) and not _is_loopback(base_url))


def billing_client(
    base_url: str, credential: AsyncTokenCredential, calls: Calls, transport: Transport, gate: Gate
) -> BillingManagementClient:
    """The billing client over our pipeline, behind `gate`. `calls` counts what it sends."""
    policies: list[Policy] = [
        RequestIdPolicy(),
        HeadersPolicy({"Accept": "application/json"}),
        UserAgentPolicy("invoice-access"),
        OwnHostOnly(base_url),
        ReadRepeats(transport),
        AsyncBearerTokenCredentialPolicy(credential, ARM_SCOPE),
        PassGate(gate),
        CountCalls(calls),
    ]
    return BillingManagementClient(
        credential,
        _UNUSED_SUBSCRIPTION,  # required by the constructor, used by no call above subscriptions
        base_url,
        policies=policies,
        transport=transport,
    )


def arm_gate(settings: Settings) -> Gate:
    """The gate before Azure Resource Manager, which counts reads, writes and deletes apart."""
    return Gate("Azure Resource Manager", _PER_SECOND, settings)


def request_options(base_url: str) -> dict[str, Any]:
    """What each request of the client carries beside itself: timeouts, and http for this machine alone."""
    options: dict[str, Any] = {"connection_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}
    if urlsplit(base_url).scheme == "http":
        if not _is_loopback(base_url):
            raise ValueError(f"{base_url}: http is for this machine only")
        options["enforce_https"] = False
    return options


def is_success(status: int) -> bool:
    """Whether a status says that the request was understood and accepted."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in LOOPBACK


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").lower(), parts.port or _DEFAULT_PORTS.get(scheme)
