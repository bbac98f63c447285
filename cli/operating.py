"""What every operator's verb needs: the app of this environment in hand, who decides, and how to say what went wrong.

Lives here: opening and closing the app for one command, as its operator and not as its managed identity; no verb.
"""

import asyncio
import getpass
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Final

from rich.console import Console

from shared import bootstrap
from shared.adapters.process import quiet_libraries
from shared.errors import Misconfigured, Permanent, Transient
from shared.services.app import App

DONE: Final = 0
REFUSED: Final = 1
"""Something is wrong with the world: the verb did not do what was asked, or not all of it."""
BAD_ARGUMENTS: Final = 2
"""Something is wrong with what was asked, or with the settings."""

_LONGEST_NAME: Final = 100


class UsageError(Exception):
    """An argument that cannot be used; the text names it and says what to give instead."""


@asynccontextmanager
async def open_app() -> AsyncIterator[App]:
    """The app that the environment variables describe, with every client closed in the end.

    It signs in as azure-identity's default does: a managed identity where the machine has one, else `az login`. Raises
    `Misconfigured` with every mistake of settings and policy.
    """
    configuration = bootstrap.read_configuration(os.environ)
    quiet_libraries()
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - half a second, and only for verbs

    async with AsyncExitStack() as closing:
        credential = await closing.enter_async_context(DefaultAzureCredential())
        yield bootstrap.build(configuration, credential, closing)


def operate(verb: Callable[[App], Awaitable[int]]) -> int:
    """Runs a verb on the app; its exit status, or what stands for the error, which is said on stderr."""
    say = complaints()
    try:
        return asyncio.run(_operate(verb))
    except (Misconfigured, UsageError) as mistake:
        say.print(str(mistake), markup=False, soft_wrap=True)
        return BAD_ARGUMENTS
    except (Transient, Permanent) as failure:
        say.print(f"{failure}", markup=False, soft_wrap=True)
        say.print("It may be half done; to give the same command again is safe.", soft_wrap=True)
        return REFUSED


async def _operate(verb: Callable[[App], Awaitable[int]]) -> int:
    async with open_app() as app:
        return await verb(app)


def complaints() -> Console:
    """Where mistakes are said: stderr."""
    return Console(stderr=True, highlight=False)


def who(by: str | None) -> str:
    """Who decides: `--by`, or the user of this machine. Raises `UsageError` where neither is known."""
    if by is None:
        try:
            by = getpass.getuser()
        except OSError as unknown:
            raise UsageError("--by: this machine does not say who you are; give your name") from unknown
    if not by.strip() or not by.isprintable() or len(by) > _LONGEST_NAME:
        raise UsageError(f"--by: give a name of 1 to {_LONGEST_NAME} printable characters")
    return by.strip()


def moment(text: str, argument: str) -> datetime:
    """A time as `holds list` prints it, in UTC. Raises `UsageError` that names the argument."""
    mend = "give the time that `holds list` ended with, such as 2026-03-02T09:00:00.250000+00:00"
    try:
        at = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise UsageError(f"{argument}: {text!r} is not a time; {mend}") from wrong
    if at.tzinfo is None:
        raise UsageError(f"{argument}: {text!r} does not say of which zone; {mend}")
    return at.astimezone(UTC)


def counted(number: int, what: str) -> str:
    """A number with its noun."""
    return f"{number:,} {what}{'s' * (number != 1)}"


def shown(at: datetime) -> str:
    """A time for people, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
