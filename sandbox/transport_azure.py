"""An azure-core transport that calls a stand-in in process: the real Azure clients without a socket.

What lives here: the shell between azure-core's pipeline and a `Handler`. It waits and hangs up as the handler
asks, and fails with the exceptions that azure-core's own transports raise. Nothing here knows any service.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from azure.core.exceptions import (
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import AsyncHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from multidict import CIMultiDict

from sandbox.wire import Handler, Request, Response, Send, answered

type Sleep = Callable[[float], Awaitable[None]]

DEFAULT_READ_TIMEOUT_SECONDS = 300.0
"""azure-core's own default."""

_CHUNK_BYTES = 4096


class HandlerResponse(AsyncHttpResponse):
    """A stand-in's answer as azure-core reads it; all of it is there from the beginning."""

    def __init__(self, request: HttpRequest, response: Response) -> None:
        self._request = request
        self._response = response
        self._headers: CIMultiDict[str] = CIMultiDict(response.headers)
        self._headers.setdefault("content-length", str(len(response.body)))
        self._encoding: str | None = None
        self._closed = False
        self._consumed = False

    @property
    def request(self) -> HttpRequest:
        """The request that was answered."""
        return self._request

    @property
    def status_code(self) -> int:
        """The status."""
        return self._response.status

    @property
    def headers(self) -> MutableMapping[str, str]:
        """The headers, whatever the case of their names."""
        return self._headers

    @property
    def reason(self) -> str:
        """The status in words."""
        return HTTPStatus(self._response.status).phrase

    @property
    def content_type(self) -> str | None:
        """The media type."""
        return self._headers.get("content-type")

    @property
    def is_closed(self) -> bool:
        """Whether the answer was given back."""
        return self._closed

    @property
    def is_stream_consumed(self) -> bool:
        """Whether the body was read."""
        return self._consumed

    @property
    def encoding(self) -> str | None:
        """The encoding set, or that of the media type."""
        if self._encoding:
            return self._encoding
        _, _, charset = (self.content_type or "").partition("charset=")
        return charset.strip() or None

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value

    @property
    def url(self) -> str:
        """The address that was called."""
        return self._request.url

    @property
    def content(self) -> bytes:
        """The body."""
        return self._response.body

    def body(self) -> bytes:
        """The body, by the name that azure-core's older responses have."""
        return self._response.body

    def text(self, encoding: str | None = None) -> str:
        """The body as text, UTF-8 unless told otherwise."""
        return self._response.body.decode(encoding or self.encoding or "utf-8-sig")

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self._response.body)

    def raise_for_status(self) -> None:
        """Raises HttpResponseError for a status of 400 or more."""
        if self.status_code >= HTTPStatus.BAD_REQUEST:
            raise HttpResponseError(response=self)

    async def read(self) -> bytes:
        """The body."""
        self._consumed = True
        await self.close()
        return self._response.body

    async def iter_raw(self, **_kwargs: Any) -> AsyncIterator[bytes]:
        """The body in pieces."""
        for start in range(0, len(self._response.body), _CHUNK_BYTES):
            yield self._response.body[start : start + _CHUNK_BYTES]
        self._consumed = True
        await self.close()

    async def iter_bytes(self, **kwargs: Any) -> AsyncIterator[bytes]:
        """The body in pieces; a stand-in does not compress."""
        async for piece in self.iter_raw(**kwargs):
            yield piece

    async def close(self) -> None:
        """Gives the answer back."""
        self._closed = True

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        await self.close()


class HandlerTransport(AsyncHttpTransport[HttpRequest, AsyncHttpResponse]):
    """Sends requests to a handler in this process.

    Args:
        handler: the stand-in.
        sleep: how to wait, both for an answer's `delay_seconds` and for azure-core's retries and polls; give
            the sleep of a virtual clock to run without waiting.
        send: how the stand-in reaches others; without it, it reaches nobody.

    A handler that hangs up did its work, but its answer is lost. `hang_up_as` is how that checks to the
    client: ServiceRequestError, as azure-core's aiohttp transport reports a closed connection, or
    ServiceResponseError.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        sleep: Sleep = asyncio.sleep,
        send: Send | None = None,
        hang_up_as: type[ServiceRequestError | ServiceResponseError] = ServiceRequestError,
    ) -> None:
        self._handler = handler
        self._sleep = sleep
        self._send = send
        self._hang_up_as = hang_up_as

    async def send(self, request: HttpRequest, **kwargs: Any) -> AsyncHttpResponse:
        """Answers a request.

        Raises:
            ServiceRequestError: or ServiceResponseError, when the handler hangs up.
            ServiceResponseTimeoutError: when its answer takes longer than the caller's `read_timeout`.
        """
        read_timeout = float(kwargs.pop("read_timeout", None) or DEFAULT_READ_TIMEOUT_SECONDS)
        parts = urlsplit(request.url)
        asked = Request(
            method=request.method,
            target=(parts.path + (f"?{parts.query}" if parts.query else "")).replace(" ", "%20"),
            headers={name.lower(): value for name, value in request.headers.items()},
            body=_bytes_of(request),
            base=f"{parts.scheme}://{parts.netloc}",
        )
        response = await answered(self._handler(asked), self._send)
        if response.delay_seconds > read_timeout:
            await self._sleep(read_timeout)
            raise ServiceResponseTimeoutError(f"no answer from {request.url} within {read_timeout:g} s")
        if response.delay_seconds > 0:
            await self._sleep(response.delay_seconds)
        if response.hang_up:
            raise self._hang_up_as(f"{parts.netloc} closed the connection without an answer")
        return HandlerResponse(request, response)

    async def sleep(self, duration: float) -> None:
        """Waits, for azure-core's retries and polls."""
        await self._sleep(duration)

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        return None


def _bytes_of(request: Any) -> bytes:
    """A request's body: azure-core's newer requests have `content`, its older ones `data`."""
    content = request.content if isinstance(request, HttpRequest) else request.data
    match content:
        case None:
            return b""
        case bytes():
            return content
        case str():
            return content.encode()
        case _:
            raise TypeError(f"a stand-in takes a body of bytes or text, not {type(content).__name__}")
