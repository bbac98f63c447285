"""The broker on a TCP port, and the one place where it meets the real clock.

`serve` is what the sandbox starts. Everything below the socket is in `connection`; everything a queue does is
in `model`.
"""

import asyncio
from contextlib import suppress

from sandbox.broker.connection import Connection
from sandbox.broker.model import Broker
from sandbox.broker.nodes import AcceptToken

IDLE_SECONDS = 240.0
"""A connection without a sign of life for this long is closed; the service's own figure."""

_GOODBYE_SECONDS = 2.0
"""How long a client may take to read the rest when the broker stops."""


def accept_any_token(token: str, audience: str) -> bool:  # noqa: ARG001 - the shape of `AcceptToken`
    """Let everybody in, as the official emulator does."""
    return True


class Server:
    """A running broker; `port` is the one it listens on."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.port = 0
        self._listener: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._all_gone = asyncio.Event()
        self._all_gone.set()
        self._alarm_moved = asyncio.Event()
        self._unwatch = broker.subscribe_wakeup(self._alarm_moved.set)
        self._timekeeper = asyncio.create_task(self._keep_time(), name="service-bus-time")

    async def listen(
        self,
        host: str,
        port: int,
        accept_token: AcceptToken,
        *,
        sessions_survive_drop: bool,
        idle_seconds: float,
    ) -> None:
        """Open the port. Raises OSError when it cannot be had."""

        def connection() -> Connection:
            made = Connection(
                self.broker,
                accept_token,
                sessions_survive_drop=sessions_survive_drop,
                idle_seconds=idle_seconds,
                on_lost=self._forget,
            )
            self._connections.add(made)
            self._all_gone.clear()
            return made

        self._listener = await asyncio.get_running_loop().create_server(connection, host, port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening, end every connection with a close frame, and stop the clock; queues stay."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._connections):
            connection.shut_down()
        try:
            async with asyncio.timeout(_GOODBYE_SECONDS):
                await self._all_gone.wait()
        except TimeoutError:  # somebody does not read what was sent
            for connection in list(self._connections):
                connection.abort()
            await self._all_gone.wait()
        if self._listener is not None:
            await self._listener.wait_closed()
        self._unwatch()
        self._timekeeper.cancel()
        with suppress(asyncio.CancelledError):  # our own cancel
            await self._timekeeper

    def _forget(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._all_gone.set()

    async def _keep_time(self) -> None:
        """Let come due what comes due."""
        while True:
            self._alarm_moved.clear()
            wakeup = self.broker.next_wakeup()
            wait = None if wakeup is None else max(0.0, (wakeup - self.broker.now()).total_seconds())
            with suppress(TimeoutError):  # it is time
                async with asyncio.timeout(wait):
                    await self._alarm_moved.wait()
                    continue
            self.broker.expire()


async def serve(
    broker: Broker,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    accept_token: AcceptToken = accept_any_token,
    sessions_survive_drop: bool = False,
    idle_seconds: float = IDLE_SECONDS,
) -> Server:
    """Put a broker on a port (0: any free one) and keep its time; `Server.close` ends it.

    `accept_token` judges bearer tokens and shared access signatures. For `sessions_survive_drop` see
    `Connection`. Raises OSError when the port cannot be had.
    """
    server = Server(broker)
    try:
        await server.listen(
            host,
            port,
            accept_token,
            sessions_survive_drop=sessions_survive_drop,
            idle_seconds=idle_seconds,
        )
    except OSError:
        await server.close()
        raise
    return server
