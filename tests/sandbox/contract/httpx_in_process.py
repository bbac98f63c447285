"""httpx's way to a stand-in in this process, for tests that speak plain HTTP, or an SDK that speaks through httpx."""

import asyncio

import httpx

from sandbox.wire import Handler, Request, Send, answered


class HandlerTransport(httpx.AsyncBaseTransport):
    """Answers every request of an httpx client by calling a handler.

    An answer that says `hang_up` becomes `httpx.ReadError`, which is what httpx raises when a peer closes the
    connection without answering. `send` is how the stand-in reaches others; without it, it reaches nobody.
    """

    def __init__(self, handler: Handler, *, send: Send | None = None) -> None:
        self._handler = handler
        self._send = send

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """One request, one answer."""
        asked = Request(
            method=request.method,
            target=request.url.raw_path.decode("ascii"),
            headers=dict(request.headers.items()),  # httpx lower-cases names
            body=await request.aread(),
            base=f"{request.url.scheme}://{request.url.netloc.decode('ascii')}",
        )
        response = await answered(self._handler(asked), self._send)
        await asyncio.sleep(response.delay_seconds)
        if response.hang_up:
            raise httpx.ReadError("The stand-in hung up.", request=request)
        return httpx.Response(response.status, headers=dict(response.headers), content=response.body, request=request)
