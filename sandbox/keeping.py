"""Keeps a world: what it has become is a world file again, in the directory with ledger and logs.

Lives here: writing that file when a sandbox stops, and now and then before. What was on its way is not kept: messages
on queues, subscriptions, accepted writes of the billing stand-in that are not done yet.
"""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

from sandbox.billing import BillingModel
from sandbox.billing.keeping import accounts_of
from sandbox.graph import GraphModel
from sandbox.graph.objects import Entry
from sandbox.world import World

KEPT_WORLD: Final = "world.json"
"""The name of the file in the directory of a sandbox's state."""

_EVERY_SECONDS: Final = 15.0


def document(world: World, directory: GraphModel, billing: BillingModel) -> dict[str, Any]:
    """A world as it is now: who may sign in as it was given, and what directory and billing have become."""
    billing.now()
    view = directory.newest()
    users = [*view.entries("user")]
    deleted = [*view.entries("user", "deleted")]
    groups = [*view.entries("group")]
    there = {entry.id for entry in (*users, *deleted, *groups)}
    given = world.model_dump(by_alias=True, exclude_none=True, include={"tenant_id", "sign_ins"})
    return {
        **given,
        "identities": [
            {
                **one.model_dump(by_alias=True, exclude_none=True),
                "graphPermissions": sorted(row.value for row in directory.app_roles.of(one.object_id)),
            }
            for one in world.identities
        ],
        "users": [_properties(entry) for entry in users],
        "deletedUsers": [_properties(entry) for entry in deleted],
        "groups": [
            {**_properties(entry), "members": [member for member in entry.members if member in there]}
            for entry in groups
        ],
        "billingAccounts": accounts_of(billing),
    }


def _properties(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in entry.properties.items() if value is not None}


class Keeper:
    """Writes a sandbox's world into its directory: every some seconds where it changed, and in the end."""

    def __init__(self, folder: Path, world: World, directory: GraphModel, billing: BillingModel) -> None:
        self._file = folder / KEPT_WORLD
        self._world, self._directory, self._billing = world, directory, billing
        self._written = ""
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to write it now and then."""
        self._task = asyncio.create_task(self._now_and_then(), name="keeping the world")

    async def close(self) -> None:
        """Stops, and writes it once more. Where the directory is gone there is nothing to keep."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._write()

    async def _now_and_then(self) -> None:
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            self._write()

    def _write(self) -> None:
        text = json.dumps(document(self._world, self._directory, self._billing), ensure_ascii=False, indent=1)
        if text == self._written or not self._file.parent.is_dir():
            return
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{text}\n", encoding="utf-8")
        fresh.replace(self._file)  # whoever is killed meanwhile leaves the old one whole
        self._written = text
