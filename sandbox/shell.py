"""A socket server around a stand-in: bytes in, bytes out, and what only a socket can do.

Lives here: carrying requests to a `Handler` untouched, waiting as long as an answer says, and hanging up.
What an answer is, a shell neither knows nor changes.
"""

import asyncio
import socket
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from sandbox.wire import Handler, Request, Send, answered

_LARGEST_LINE_BYTES: Final = 64 * 1024
"""Links of long-running billing operations are 6 KB, Graph's delta links 3 KB; aiohttp's default is 8 KB."""

_LARGEST_BODY_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Server:
    """A stand-in that listens. `url` is its scheme and authority, without a slash at the end."""

    url: str
    runner: web.AppRunner

    async def close(self) -> None:
        """Stops listening and closes every connection."""
        await self.runner.cleanup()


async def serve(
    handler: Handler,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    latency_seconds: float = 0.0,
    send: Send | None = None,
) -> Server:
    """Serves `handler` on a socket until `Server.close`.

    `port` 0 takes a free one. `latency_seconds` is waited before every answer, beside what the answer itself
    asks for. `send` is how the stand-in reaches others; without it, it reaches nobody.

    Raises:
        ValueError: `host` is not this machine's own; stand-ins have no business on a network.
        OSError: the port is taken.
    """
    if host not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError(f"A stand-in listens on this machine only, not on {host!r}: use 127.0.0.1.")

    async def answer(incoming: web.Request) -> web.Response:
        request = Request(
            method=incoming.method,
            target=incoming.raw_path,
            headers=_lower_cased(incoming),
            body=await incoming.read(),
            base=f"{incoming.scheme}://{incoming.host}",
        )
        response = await answered(handler(request), send)
        wait = latency_seconds + response.delay_seconds
        if wait > 0:
            await asyncio.sleep(wait)
        if response.hang_up:
            if incoming.transport is not None:
                incoming.transport.abort()
            raise ConnectionResetError("The stand-in hangs up, as it was told to.")
        return web.Response(status=response.status, headers=response.headers, body=response.body or None)

    application = web.Application(client_max_size=_LARGEST_BODY_BYTES)
    application.router.add_route("*", "/{anything:.*}", answer)
    runner = web.AppRunner(
        application,
        access_log=None,
        max_line_size=_LARGEST_LINE_BYTES,
        max_field_size=_LARGEST_LINE_BYTES,
        auto_decompress=False,
        # Whoever closes a sandbox wants it closed; clients keep idle connections open for minutes.
        shutdown_timeout=0.5,
    )
    await runner.setup()
    try:
        # asyncio sets TCP_NODELAY on every stream it accepts; a test holds it to that.
        listening = _listening_socket(host, port)
        await web.SockSite(runner, listening).start()
    except OSError:
        await runner.cleanup()
        raise
    authority = f"[{host}]" if ":" in host else host
    return Server(f"http://{authority}:{listening.getsockname()[1]}", runner)


def _listening_socket(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError:
        listening.close()
        raise
    return listening


def _lower_cased(incoming: web.Request) -> dict[str, str]:
    """The headers by lower-cased name; one sent several times is joined by commas, as HTTP has it."""
    headers: dict[str, str] = {}
    for name, value in incoming.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers
