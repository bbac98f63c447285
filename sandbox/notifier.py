"""The way out of the sandbox's stand-ins: POSTs to the app, as Microsoft Graph sends them by itself.

Lives here: a shell with a socket, for handshakes that a stand-in asks for while it answers, and for the notifications
that are due. What is sent, and when, is decided by the stand-in (`sandbox.graph.deliveries`).
"""

import asyncio
import contextlib
import logging
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from sandbox.graph.deliveries import Deliveries, Post
from sandbox.wire import Clock, Outgoing, Reply

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_MOST_AT_ONCE: Final = 16

_logger = logging.getLogger(__name__)


class Courier:
    """Sends POSTs, to this machine only: a sandbox has no business on a network."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def send(self, call: Outgoing) -> Reply | None:
        """Sends one POST; None where nobody answered in time, or the address is not this machine's."""
        if urlsplit(call.url).hostname not in _LOOPBACK:
            _logger.warning("a stand-in would notify another machine, which a sandbox does not do")
            return None
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_MOST_AT_ONCE), cookie_jar=aiohttp.DummyCookieJar()
            )
        try:
            async with self._session.post(
                # As it stands: what a URL's owner wrote must come back to them letter by letter.
                URL(call.url, encoded=True),
                data=call.body,
                headers=call.headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=call.timeout_seconds),
            ) as answer:
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Reply(answer.status, headers, await answer.read())
        except (aiohttp.ClientError, TimeoutError) as failure:
            _logger.info("a POST to the app failed: %s", type(failure).__name__)
            return None

    async def close(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()


class Notifier:
    """Delivers notifications from `start` to `close`, each when it is due."""

    def __init__(self, deliveries: Deliveries, courier: Courier, *, clock: Clock) -> None:
        self._deliveries = deliveries
        self._courier = courier
        self._clock = clock
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        deliveries.on_work(self._changed.set)

    def start(self) -> None:
        """Begins to deliver; needs a running event loop."""
        self._task = asyncio.create_task(self._run(), name="graph-notifications")

    async def close(self) -> None:
        """Stops delivering; what is under way is broken off."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as sending:
            while True:
                self._changed.clear()
                for post in self._deliveries.due():
                    sending.create_task(self._deliver(post), name="graph-notification")
                moment = self._deliveries.next_moment()
                wait = None if moment is None else max((moment - self._clock()).total_seconds(), 0.0)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._changed.wait()

    async def _deliver(self, post: Post) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        reply = await self._courier.send(post.outgoing(self._deliveries.switches.answer_seconds))
        status = reply.status if reply is not None else None
        self._deliveries.answered(post, status, loop.time() - began)
        _logger.debug("delivered %d notifications: %s", len(post.items), status)
