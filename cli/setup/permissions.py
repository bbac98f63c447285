"""`setup permissions`: gives the app's identity what it needs of Microsoft Graph and of billing, and takes it back.

Lives here: looking, asking and doing. What may be given is `table`'s, the calls are `directory`'s and `billing`'s, the
words are `words`'s.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from cli.answer import counted
from cli.faults import Status, UsageError
from cli.out import Out
from cli.setup.billing import Owners
from cli.setup.directory import AppPermissions, Graph
from cli.setup.hand_over import Places
from cli.setup.scopes import Asked, owners
from cli.setup.table import (
    NEEDED,
    OPTIONAL,
    PERMISSIONS,
    Owner,
    Permission,
    State,
    Step,
    Thing,
    to_give,
    to_take,
)
from cli.setup.words import Plan, answer, called, shown
from shared.adapters.graph.client import GraphClient
from shared.domain.guids import is_guid
from shared.errors import AccessLost, Denied, MaybeWritten, Permanent, Transient
from shared.settings import ClientSettings

TRIES: Final = 6
"""How often a step is tried where a new identity is not known everywhere yet, some 30 s apart."""

_MANAGED: Final = "managedidentity"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for: of whom, which permissions beside those that are always needed, and where to be owner."""

    identity: str
    optional: Sequence[str] = ()
    at: Asked = field(default_factory=Asked)
    undo: bool = False

    def check(self) -> None:
        """Raises `UsageError` where it cannot be looked for."""
        if not is_guid(self.identity):
            raise UsageError(
                f"IDENTITY: {self.identity!r} is no id",
                mend="Give the identity's object id or client id: `az identity show -g GROUP -n NAME` shows both, as "
                "principalId and clientId.",
            )
        if wrong := [value for value in self.optional if value not in OPTIONAL]:
            raise UsageError(f"--with: {wrong[0]!r} is none of {', '.join(OPTIONAL)}; nothing else is ever given")


@dataclass(frozen=True, slots=True)
class Desk:
    """The clients, and how to wait."""

    permissions: AppPermissions
    billing: Owners
    settings: ClientSettings
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


def setup_permissions(out: Out, wanted: Wanted, *, dry_run: bool, yes: bool) -> int:
    """Shows, asks and does. 4 where whoever signed in may not do all of it, 1 where something failed."""
    wanted.check()

    async def run() -> int:
        async with _desk() as desk:
            found = await look(desk, wanted)
            if dry_run:
                return out.answer(answer(found, dry_run=True))
            if not found.open:
                return out.answer(answer(found))
            out.note(*shown(found))
            verb = "Take" if wanted.undo else "Give"
            if not out.confirm(f"{verb} {counted(len(found.open), 'thing')}?", yes=yes):
                out.note("Nothing was changed.")
                return Status.FAILED
            return out.answer(answer(await carry_out(desk, found, out.note)))

    return asyncio.run(run())


@asynccontextmanager
async def _desk() -> AsyncIterator[Desk]:
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415 - half a second, and only for who acts

    settings = ClientSettings.read(os.environ)
    async with AsyncExitStack() as closing:
        credential = await closing.enter_async_context(DefaultAzureCredential())
        graph = GraphClient(settings, credential, transport=None)
        closing.push_async_callback(graph.close)
        billing = Owners(settings, credential)
        closing.push_async_callback(billing.close)
        yield Desk(AppPermissions(graph), billing, settings)


async def look(desk: Desk, wanted: Wanted) -> Plan:
    """What there is, and what is to be done. It changes nothing."""
    app = await desk.permissions.app(wanted.identity)
    if app is None:
        raise UsageError(
            f"IDENTITY: the directory knows no app with the object id or client id {wanted.identity}",
            code="not-found",
            mend="Was it made within the last minutes? Then give the command again. No person's or group's id will do.",
        )
    if app.kind.lower() != _MANAGED:
        raise UsageError(
            f"IDENTITY: {app.name or app.object_id} is no managed identity ({app.kind or 'of unknown kind'}). "
            "The app signs in as one, and nothing is given to anything else"
        )
    graph = await desk.permissions.graph()
    held = await desk.permissions.held(app, graph)
    values = PERMISSIONS if wanted.undo else [value for value in PERMISSIONS if value in {*NEEDED, *wanted.optional}]
    things: list[Thing] = [_permission(graph, held, value) for value in values]
    things += await owners(desk.billing, wanted.at, app.object_id)
    ours = {graph.roles.get(value, "").lower() for value in PERMISSIONS}
    names = {found.lower(): value for value, found in graph.roles.items()}
    surplus = sorted(names.get(found, found) for found in held if found not in ours)
    places = Places(desk.settings, graph, await desk.billing.tenant())
    steps = to_take(things) if wanted.undo else to_give(things)
    return Plan(app, places, steps, surplus, wanted.undo)


def _permission(graph: Graph, held: dict[str, str], value: str) -> Permission:
    role_id = graph.roles.get(value, "")
    return Permission(value, role_id, held.get(role_id.lower(), ""))


async def carry_out(desk: Desk, plan: Plan, note: Callable[..., None]) -> Plan:
    """Does one step after the other. One that is refused or fails stops no other."""
    return replace(plan, steps=[await _one(desk, plan, step, note) for step in plan.steps])


async def _one(desk: Desk, plan: Plan, step: Step, note: Callable[..., None]) -> Step:
    if step.state is not State.WOULD:
        return step
    for last in (*[False] * (TRIES - 1), True):
        try:
            await _write(desk, plan, step.thing)
        except AccessLost as lost:
            return replace(step, state=State.NOT_ALLOWED, why=lost.reason)
        except Denied as denied:
            return replace(step, state=State.NOT_ALLOWED, why=denied.said)
        except (MaybeWritten, Permanent) as failure:
            return replace(step, state=State.FAILED, why=failure.reason)
        except Transient as passing:
            if last or passing.retry_after is None:
                return replace(step, state=State.FAILED, why=passing.reason)
            wait = passing.retry_after.total_seconds()
            note(f"{called(step.thing)}: trying again in {wait:.0f} s. {passing.reason}")
            await desk.sleep(wait)
        else:
            break
    return replace(step, state=State.DONE)


async def _write(desk: Desk, plan: Plan, thing: Thing) -> None:
    match thing:
        case Permission() if plan.undo:
            await desk.permissions.take(plan.places.graph, thing.assignment)
        case Permission():
            await desk.permissions.give(plan.app, plan.places.graph, thing.role_id)
        case Owner() if plan.undo:
            await desk.billing.take(thing)
        case Owner():
            await desk.billing.give(thing, plan.app.object_id)
