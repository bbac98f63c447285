"""The socket server of the Functions host: carries HTTP to the app's routes and to the admin doors.

What may live here: bytes in and out. Unlike a stand-in's, these answers are waited for, because a function
makes them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from sandbox.wire import Request, Response

type AsyncHandler = Callable[[Request], Awaitable[Response]]
"""Answers a request when it can."""

_LARGEST_BODY_BYTES = 100 * 1024 * 1024
"""The platform's own limit on a request (Functions HTTP trigger page)."""


@dataclass(frozen=True, slots=True)
class HostServer:
    """A listening server; `url` is its scheme and authority."""

    url: str
    runner: web.AppRunner

    async def close(self) -> None:
        """Stops listening and closes every connection."""
        await self.runner.cleanup()


async def serve(handler: AsyncHandler) -> HostServer:
    """Serves `handler` on a free loopback port until `HostServer.close`."""

    async def answer(incoming: web.Request) -> web.Response:
        headers: dict[str, str] = {}
        for name, value in incoming.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        response = await handler(
            Request(
                method=incoming.method,
                target=incoming.raw_path,
                headers=headers,
                body=await incoming.read(),
                base=f"{incoming.scheme}://{incoming.host}",
            )
        )
        return web.Response(status=response.status, headers=response.headers, body=response.body or None)

    application = web.Application(client_max_size=_LARGEST_BODY_BYTES)
    application.router.add_route("*", r"/{anything:[\s\S]*}", answer)  # a path may have an escaped line break
    runner = web.AppRunner(application, access_log=None, auto_decompress=False, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    return HostServer(f"http://127.0.0.1:{port}", runner)
