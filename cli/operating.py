"""What every operator's verb needs: the app of this environment or its store in hand.

Lives here: opening and closing them for one command, as their operator and not as a managed identity; no verb.
"""

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from cli.faults import UsageError
from cli.progress import working
from shared.adapters.process import SystemClock, quiet_libraries
from shared.bootstrap_store import store
from shared.errors import Permanent, Transient
from shared.ports import Clock, Ledger, State
from shared.settings import StoreSettings

if TYPE_CHECKING:
    from shared.services.app import App


@asynccontextmanager
async def open_app() -> AsyncIterator["App"]:
    """The app that the environment variables describe, with every client closed in the end.

    It signs in as azure-identity's default does: a managed identity where the machine has one, else `az login`. Raises
    `Misconfigured` with every mistake of settings and policy.
    """
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - half a second, and only for verbs

    from shared import bootstrap  # noqa: PLC0415 - the whole app, and only for verbs that need it

    configuration = bootstrap.read_configuration(os.environ)
    check_store(configuration.settings.store)
    quiet()

    async with AsyncExitStack() as closing:
        credential = await closing.enter_async_context(DefaultAzureCredential())
        yield bootstrap.build(configuration, credential, closing)


@dataclass(frozen=True, slots=True)
class StoreDesk:
    """What verbs work on that touch the store alone. `store` is what it is called, without a secret."""

    store: str
    clock: Clock
    random: random.Random
    open_ledger: Callable[[], Ledger]
    state: State

    @property
    def ledger(self) -> Ledger:
        """What was decided and done."""
        return self.open_ledger()


@asynccontextmanager
async def open_store() -> AsyncIterator[StoreDesk]:
    """The store that the environment names: no other setting is needed, and no policy.

    Signs in and raises as `open_app` does.
    """
    settings = StoreSettings.read(os.environ)
    check_store(settings.store)
    quiet()
    async with store(settings) as (open_ledger, state):
        dice = random.Random()  # noqa: S311 - jitter, no secrets
        yield StoreDesk(named_store(settings.store), SystemClock(), dice, open_ledger, state)


def quiet() -> None:
    """Keeps libraries' words out of what a verb says: azure-identity logs in ten lines what it raises as well."""
    quiet_libraries()
    logging.getLogger("azure.identity").setLevel(logging.ERROR)


def check_store(store: str) -> None:
    """Raises `UsageError` where a file is named that is not there: the app makes its store, and an operator reads it.

    Made here, an empty one would be taken for an estate in which nothing waits.
    """
    path = store.removeprefix("sqlite:")
    if path not in {store, ":memory:"} and not Path(path).is_file():
        raise UsageError(
            f"INVOICE_ACCESS_STORE: there is no file {path}",
            code="no-store",
            mend="Name the store that the app uses; it is made at the app's first start.",
        )


async def doubts(desk: StoreDesk) -> list[str]:
    """What speaks against a store's being the app's: that no sweep ever left anything in it."""
    from shared.services.operate.decisions import was_swept  # noqa: PLC0415 - and only for verbs that doubt

    try:
        swept = await was_swept(desk)
    except (Permanent, Transient) as failure:
        return [f"Whether this store has a sweep is not known: {failure}"]
    return [] if swept else ["This store has no sweep yet. Is it the one that the app uses?"]


def on_app[T](verb: Callable[["App"], Awaitable[T]], *, doing: str = "") -> T:
    """What a verb finds with the app of this environment. Raises the app's errors, which `cli.faults` knows.

    `doing` is shown on a terminal where it takes long; a verb that asks anything has none.
    """

    async def run() -> T:
        async with open_app() as app, working(doing):
            return await verb(app)

    return asyncio.run(run())


def on_store[T](verb: Callable[[StoreDesk], Awaitable[T]], *, doing: str = "") -> T:
    """What a verb finds with the store alone, as `on_app` does with the app."""

    async def run() -> T:
        async with open_store() as desk, working(doing):
            return await verb(desk)

    return asyncio.run(run())


def named_store(store: str) -> str:
    """The store as its setting names it, without what a URL may carry besides: a user, or a signature."""
    if store.startswith("sqlite:"):
        return store
    parts = urlsplit(store)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def moment(text: str, argument: str) -> datetime:
    """A time as `holds` prints it, in UTC. Raises `UsageError` that names the argument."""
    remedy = "give the time that `invoice-access holds` ended with, such as 2026-03-02T09:00:00.250000+00:00"
    try:
        at = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise UsageError(f"{argument}: {text!r} is not a time; {remedy}") from wrong
    if at.tzinfo is None:
        raise UsageError(f"{argument}: {text!r} does not say of which zone; {remedy}")
    return at.astimezone(UTC)


def shown(at: datetime) -> str:
    """A time for people, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
