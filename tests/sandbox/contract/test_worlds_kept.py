"""A second sandbox in the same directory finds the world that the first one left, as every client sees it."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.contoso import names
from sandbox.keeping import KEPT_WORLD, document
from sandbox.settings import Options
from sandbox.up import Sandbox, StartError, running
from sandbox.world import parse_world

ALONE = Options(app=False)
NEW = {"userPrincipalName": "new@contoso.example", "displayName": "New", "accountEnabled": True}


@pytest.fixture
async def first(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with running(replace(ALONE, state=tmp_path)) as sandbox:
        yield sandbox


def truth(sandbox: Sandbox) -> dict[str, Any]:
    return document(sandbox.world, sandbox.directory, sandbox.billing)


async def test_whatever_happened_is_there_for_the_next_one(tmp_path: Path) -> None:
    async with running(replace(ALONE, state=tmp_path)) as sandbox:
        directory, billing = sandbox.directory, sandbox.billing
        newest = directory.newest()
        femke, jan = newest.live(names.FEMKE_DE_BOER), newest.live(names.JAN_VISSER)
        treasury = newest.live(names.TREASURY)
        assert femke is not None
        assert jan is not None
        assert treasury is not None
        directory.update(femke, {"companyName": "Contoso France"})
        directory.delete(jan)
        directory.add_members(treasury, [names.CLAIRE_MARTIN])
        hired = directory.create("user", NEW)
        account = billing.account(names.CONTOSO_ACCOUNT)
        assert account is not None
        france = account.profiles[names.CONTOSO_FRANCE.casefold()]
        france.properties = france.properties | {"invoiceEmailOptIn": False, "invoiceRecipients": []}
        (row,) = france.assignments.every()
        france.assignments.remove(row.name, billing.now())
        name = f"{row.role}_{names.FEMKE_DE_BOER}"
        made = replace(row, name=name, principal_id=names.FEMKE_DE_BOER, principal_type="User", created_by=None)
        france.assignments.put(made, billing.now())
        (permission, *_) = directory.app_roles.of(names.APP_OBJECT_ID)
        directory.app_roles.remove(permission.id)
        left = truth(sandbox)
    async with running(replace(ALONE, state=tmp_path)) as again:
        assert truth(again) == left
        assert permission.value not in [row.value for row in again.directory.app_roles.of(names.APP_OBJECT_ID)]
        assert again.directory.newest().live(hired.id) is not None
        gone = again.directory.newest().entry(names.JAN_VISSER)
        assert gone is not None
        assert gone.state == "deleted"
        found = again.billing.account(names.CONTOSO_ACCOUNT)
        assert found is not None
        (kept,) = found.profiles[names.CONTOSO_FRANCE.casefold()].assignments.every()
        assert (kept.name, kept.principal_id, kept.created_by) == (made.name, names.FEMKE_DE_BOER, None)
        assert kept.created_on == made.created_on
        another = again.directory.create("user", {**NEW, "userPrincipalName": "other@contoso.example"})
        assert another.id != hired.id


async def test_a_world_that_is_named_is_not_the_one_that_was_left(tmp_path: Path) -> None:
    world = tmp_path / "mine.json"
    world.write_text(json.dumps({"users": []}))
    state = tmp_path / "state"
    async with running(replace(ALONE, state=state)):
        pass
    async with running(replace(ALONE, state=state, world=world)) as sandbox:
        assert sandbox.world.users == []


async def test_what_was_left_is_a_world_file_like_any_other(first: Sandbox) -> None:
    kept = parse_world(truth(first))
    assert {user.id for user in kept.users} == {user.id for user in first.world.users}
    assert kept.sign_ins == first.world.sign_ins
    assert kept.principals() == first.world.principals()


async def test_a_world_that_somebody_broke_is_refused_by_its_place(tmp_path: Path) -> None:
    (tmp_path / KEPT_WORLD).write_text('{"users": [{}]}')
    with pytest.raises(StartError, match=KEPT_WORLD):
        async with running(replace(ALONE, state=tmp_path)):
            pass
