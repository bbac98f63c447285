"""An in-process way for httpx clients to reach a stand-in: no socket, and no waiting but the injected one.

Lives here: the translation between httpx and `sandbox.wire`. The simulation drives the real Graph adapter
through it in virtual time, the tests drive Microsoft's own SDK through it in milliseconds.
"""

import asyncio
from collections.abc import Awaitable, Callable

import httpx

from sandbox.wire import Handler, Request, Send, answered

type Sleep = Callable[[float], Awaitable[None]]
"""Waits that many seconds, real or virtual."""


class HandlerTransport(httpx.AsyncBaseTransport):
    """Answers every request of an httpx client by calling a handler.

    An answer that says `hang_up` becomes `httpx.ReadError`, which is what httpx raises when a peer closes the
    connection without answering. `send` is how the stand-in reaches others; without it, it reaches nobody.
    """

    def __init__(self, handler: Handler, *, sleep: Sleep = asyncio.sleep, send: Send | None = None) -> None:
        self._handler = handler
        self._sleep = sleep
        self._send = send

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request, one answer.

        Raises:
            httpx.ReadError: the stand-in hung up.
        """
        body = await request.aread()
        asked = Request(
            method=request.method,
            target=request.url.raw_path.decode("ascii"),
            headers=dict(request.headers.items()),  # httpx lower-cases names
            body=body,
            base=f"{request.url.scheme}://{request.url.netloc.decode('ascii')}",
        )
        response = await answered(self._handler(asked), self._send)
        if response.delay_seconds > 0:
            await self._sleep(response.delay_seconds)
        if response.hang_up:
            raise httpx.ReadError("The stand-in hung up.", request=request)
        return httpx.Response(response.status, headers=dict(response.headers), content=response.body, request=request)
