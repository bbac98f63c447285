"""What every operator's verb needs: the app of this environment or its store in hand, what went wrong.

Lives here: opening and closing them for one command, as their operator and not as a managed identity; no verb.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit, urlunsplit

from rich.console import Console

from cli.faults import SETTINGS_FIRST, UsageError
from cli.terminal import complaints
from shared.adapters.process import SystemClock, quiet_libraries
from shared.bootstrap_store import store
from shared.errors import Misconfigured, Permanent, Transient
from shared.ports import Clock, Ledger, State
from shared.settings import Settings, StoreSettings

if TYPE_CHECKING:
    from shared.services.app import App

DONE: Final = 0
REFUSED: Final = 1
"""Something is wrong with the world: the verb did not do what was asked, or not all of it."""
BAD_ARGUMENTS: Final = 2
"""Something is wrong with what was asked, or with the settings."""


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
    quiet_libraries()

    async with AsyncExitStack() as closing:
        credential = await closing.enter_async_context(DefaultAzureCredential())
        yield bootstrap.build(configuration, credential, closing)


@dataclass(frozen=True, slots=True)
class StoreDesk:
    """What verbs work on that touch the store alone. `store` is what it is called, without a secret."""

    store: str
    clock: Clock
    random: random.Random
    ledger: Ledger
    state: State


@asynccontextmanager
async def open_store() -> AsyncIterator[StoreDesk]:
    """The store that the environment names: no other setting is needed, and no policy.

    Signs in and raises as `open_app` does.
    """
    settings = StoreSettings.read(os.environ)
    check_store(settings.store)
    quiet_libraries()
    async with store(settings) as (ledger, state):
        dice = random.Random()  # noqa: S311 - jitter, no secrets
        yield StoreDesk(named_store(settings.store), SystemClock(), dice, ledger, state)


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


def misconfigured(mistake: Misconfigured) -> int:
    """Says on stderr which settings are missing or wrong, in the words of every verb; the exit status."""
    lines = [one.removeprefix("setting ") for one in mistake.mistakes]
    say = complaints()
    say.print(str(Misconfigured("this command cannot start", lines)), markup=False, soft_wrap=True)
    required = [str(field.alias) for field in Settings.model_fields.values() if field.is_required()]
    if any(
        one.partition(":")[0] in required and not os.environ.get(one.partition(":")[0], "").strip() for one in lines
    ):
        say.print(SETTINGS_FIRST, markup=False, soft_wrap=True)
    return BAD_ARGUMENTS


def on_app[T](verb: Callable[["App"], Awaitable[T]]) -> T:
    """What a verb finds with the app of this environment. Raises the app's errors, which `cli.faults` knows."""

    async def run() -> T:
        async with open_app() as app:
            return await verb(app)

    return asyncio.run(run())


def on_store[T](verb: Callable[[StoreDesk], Awaitable[T]]) -> T:
    """What a verb finds with the store alone, as `on_app` does with the app."""

    async def run() -> T:
        async with open_store() as desk:
            return await verb(desk)

    return asyncio.run(run())


def operate(verb: Callable[["App"], Awaitable[int]]) -> int:
    """Runs a verb on the app; its exit status, or what stands for the error, which is said on stderr."""
    return _operate(open_app, verb)


def operate_on_store(verb: Callable[[StoreDesk], Awaitable[int]]) -> int:
    """Runs a verb on the store alone, as `operate` does on the app."""
    return _operate(open_store, verb)


def _operate[T](opened: Callable[[], AbstractAsyncContextManager[T]], verb: Callable[[T], Awaitable[int]]) -> int:
    async def run() -> int:
        async with opened() as subject:
            return await verb(subject)

    say = complaints()
    try:
        return asyncio.run(run())
    except Misconfigured as mistake:
        return misconfigured(mistake)
    except UsageError as mistake:
        say.print(str(mistake), markup=False, soft_wrap=True)
        return BAD_ARGUMENTS
    except (Transient, Permanent) as failure:
        say.print(f"{failure}", markup=False, soft_wrap=True)
        say.print("It may be half done; to give the same command again is safe.", soft_wrap=True)
        return REFUSED


def named_store(store: str) -> str:
    """The store as its setting names it, without what a URL may carry besides: a user, or a signature."""
    if store.startswith("sqlite:"):
        return store
    parts = urlsplit(store)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def confirmed(out: Console, question: str) -> bool:
    """Asks on the terminal; anything but a yes is a no."""
    try:
        said = out.input(f"{question} [y/N] ", markup=False)
    except EOFError:  # the terminal was closed: that is no yes
        return False
    return said.strip().lower() in {"y", "yes"}


def moment(text: str, argument: str) -> datetime:
    """A time as `holds list` prints it, in UTC. Raises `UsageError` that names the argument."""
    remedy = "give the time that `holds list` ended with, such as 2026-03-02T09:00:00.250000+00:00"
    try:
        at = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise UsageError(f"{argument}: {text!r} is not a time; {remedy}") from wrong
    if at.tzinfo is None:
        raise UsageError(f"{argument}: {text!r} does not say of which zone; {remedy}")
    return at.astimezone(UTC)


def counted(number: int, what: str) -> str:
    """A number with its noun."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def shown(at: datetime) -> str:
    """A time for people, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
