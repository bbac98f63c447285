"""A broker on a port, in a thread of its own, for tests that talk to it over AMQP.

Its clock is the real one plus what a test adds, so that locks run out without waiting. Clients then see locks
that by their own clock hold for long, and have to ask the broker: that is what these tests want.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random

from sandbox.broker.model import Broker, QueueOptions
from sandbox.broker.nodes import AcceptToken
from sandbox.broker.server import Server, accept_any_token, serve

LOCK = timedelta(seconds=30)
GOOD_TOKEN = "a-token-from-the-identity-endpoint"


class RunningBroker:
    """The handle that tests hold; everything that touches the model runs in the broker's own thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, broker: Broker, server: Server) -> None:
        self.port = server.port
        self.connection_string = (
            f"Endpoint=sb://127.0.0.1:{self.port};SharedAccessKeyName=any;SharedAccessKey=any;"
            "UseDevelopmentEmulator=true"
        )
        self.namespace = f"127.0.0.1:{self.port}"
        self._loop = loop
        self._broker = broker
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def run[T](self, action: Callable[[Broker], T]) -> T:
        """Do something with the model; returns what it returns."""

        async def act() -> T:
            return action(self._broker)

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(10)

    def advance(self, duration: timedelta) -> None:
        """Let the broker's clock jump ahead."""
        self._ahead += duration
        self.run(lambda broker: broker.expire())


@contextmanager
def running_broker(
    *options: QueueOptions,
    accept_token: AcceptToken = accept_any_token,
    sessions_survive_drop: bool = False,
    idle_seconds: float = 240.0,
) -> Iterator[RunningBroker]:
    """A broker with these queues, until the end of the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="broker", daemon=True)
    thread.start()
    handle: list[RunningBroker] = []
    broker = Broker(lambda: handle[0].now() if handle else datetime.now(UTC), Random(1))
    for queue in options:
        broker.create_queue(queue)

    async def start() -> Server:
        return await serve(
            broker,
            accept_token=accept_token,
            sessions_survive_drop=sessions_survive_drop,
            idle_seconds=idle_seconds,
        )

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    handle.append(RunningBroker(loop, broker, server))
    try:
        yield handle[0]
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait for something that happens in another thread or task; TimeoutError when it does not."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.02)
