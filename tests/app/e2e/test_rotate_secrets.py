"""docs/how-to/rotate-secrets.md, played on the sandbox: no event is lost, and the old secret ends by being refused."""

import asyncio
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from deploy.preflight import SECRETS
from sandbox.contoso.names import JAN_VISSER as JAN
from sandbox.settings import Options
from sandbox.up import Sandbox, running
from shared.settings import SECRET_NAMES, SourceSettings
from shared.sources.bamboohr import BAMBOOHR
from shared.sources.hr import HR
from shared.sources.personio import PERSONIO

PAGE: Final = Path(__file__).parents[3] / "docs" / "how-to" / "rotate-secrets.md"
NAMES: Final = dict(
    re.findall(r"^\| `([a-z-]+)` \| `(INVOICE_ACCESS_[A-Z_]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
)
"""The settings of the page's table, by the names of the secrets in the vault."""
GRAPH: Final = "graph-client-states"

type Post = Callable[[httpx.AsyncClient, str], Any]


def test_the_page_has_every_secret_of_a_sender() -> None:
    of_senders = {str(field.alias) for field in SourceSettings.model_fields.values()} & SECRET_NAMES
    assert set(NAMES.values()) == of_senders
    assert set(NAMES) <= set(SECRETS), "by the names that a deployment gives them"


class Vault:
    """The vault of a deployment: a file. What is put there counts from the next refresh on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.old = {name: secrets.token_hex(24) for name in NAMES}
        self.new = {name: secrets.token_hex(24) for name in NAMES}
        self.put(self.old)

    def put(self, values: Mapping[str, str]) -> None:
        self.path.write_text(json.dumps(values), encoding="utf-8")

    def both(self) -> None:
        self.put({name: f"{self.new[name]} {self.old[name]}" for name in NAMES})


async def taken_up(sandbox: Sandbox) -> None:
    """A refresh of the references, which starts the app anew."""
    assert sandbox.host is not None
    await sandbox.host.restart()


async def hr(client: httpx.AsyncClient, key: str) -> httpx.Response:
    body, stamp = json.dumps(HR.example).encode(), str(int(time.time()))
    signature = hmac.new(key.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/cloudevents+json", "x-timestamp": stamp}
    return await client.post("events/hr", content=body, headers={**headers, "x-signature": f"v1={signature}"})


async def bamboohr(client: httpx.AsyncClient, key: str) -> httpx.Response:
    body, stamp = json.dumps(BAMBOOHR.example).encode(), str(int(time.time()))
    signature = hmac.new(key.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-bamboohr-timestamp": stamp}
    return await client.post("events/bamboohr", content=body, headers={**headers, "x-bamboohr-signature": signature})


async def personio(client: httpx.AsyncClient, key: str) -> httpx.Response:
    return await client.post("events/personio", params={"secret": key}, json=PERSONIO.example)


POSTS: Final[Mapping[str, Post]] = {"hr-keys": hr, "bamboohr-keys": bamboohr, "personio-secrets": personio}


async def answers(client: httpx.AsyncClient, keys: Mapping[str, str]) -> dict[str, int]:
    return {name: (await post(client, keys[name])).status_code for name, post in POSTS.items()}


async def subscribed_with(sandbox: Sandbox) -> set[str | None]:
    """Runs the function `subscriptions`; by which secrets Graph knows the app from then on."""
    assert sandbox.host is not None
    outcome = await sandbox.host.run_now("subscriptions", "")
    assert outcome.ok, outcome.error
    app = next(found for found in sandbox.world.principals() if not found.default)
    return {one.client_state for one in sandbox.directory.subscriptions.of(app.client_id)}


async def dropped(sandbox: Sandbox, client: httpx.AsyncClient, state: str) -> bool:
    """Whether an item with this secret is dropped, which the log says. Graph is told 202 either way.

    One that is dropped for certain comes after it: once the log tells of that, it would have told of the other.
    """
    ours, certain = str(uuid4()), str(uuid4())
    for subscription, secret in ((ours, state), (certain, secrets.token_hex(24))):
        item = {"clientState": secret, "resource": f"Users/{JAN}", "subscriptionId": subscription}
        answer = await client.post("graph/notifications", json={"value": [item]})
        assert answer.status_code == 202
    async with asyncio.timeout(20):
        while certain not in _log(sandbox):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
    return ours in _log(sandbox)


def _log(sandbox: Sandbox) -> str:
    assert sandbox.app_log is not None
    return sandbox.app_log.read_text(encoding="utf-8")


async def test_a_rotation_as_the_page_has_it_loses_nothing_and_ends_the_old_secret(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault.json")
    settings = {
        setting: f"@Microsoft.KeyVault(SecretUri=https://contoso.vault.azure.net/secrets/{name}/)"
        for name, setting in NAMES.items()
    }
    options = Options(state=tmp_path / "state", notifications=True, settings=settings, vault=vault.path)
    accepted, refused = dict.fromkeys(POSTS, 202), dict.fromkeys(POSTS, 401)
    async with running(options) as sandbox, httpx.AsyncClient(base_url=f"{sandbox.functions}/api", timeout=20) as http:
        assert await answers(http, vault.old) == accepted
        assert await answers(http, vault.new) == refused
        assert await subscribed_with(sandbox) == {vault.old[GRAPH]}

        vault.both()  # 1. both in force
        assert await answers(http, vault.new) == refused, "the platform keeps what it resolved"
        await taken_up(sandbox)
        assert await answers(http, vault.old) == accepted, "nobody has to hurry"
        assert not await dropped(sandbox, http, vault.old[GRAPH])

        assert await answers(http, vault.new) == accepted  # 2. switch the sender
        assert await subscribed_with(sandbox) == {vault.new[GRAPH]}

        vault.put(vault.new)  # 3. the old one goes
        await taken_up(sandbox)
        assert await answers(http, vault.old) == refused
        assert await answers(http, vault.new) == accepted
        assert await dropped(sandbox, http, vault.old[GRAPH])
        assert not await dropped(sandbox, http, vault.new[GRAPH])
        assert await subscribed_with(sandbox) == {vault.new[GRAPH]}
        assert not [one for one in (*vault.old.values(), *vault.new.values()) if one in _log(sandbox)]


async def test_a_reference_to_a_secret_that_is_not_there_stops_the_start_by_its_name(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault.json")
    vault.put({})
    reference = "@Microsoft.KeyVault(SecretUri=https://contoso.vault.azure.net/secrets/hr-keys/)"
    options = Options(
        state=tmp_path / "state", settings={"INVOICE_ACCESS_HR_KEYS": reference}, vault=vault.path, silent_start=True
    )
    async with running(options) as sandbox:
        assert sandbox.host is not None
        assert not sandbox.host.functions()
        said = "\n".join(sandbox.host.supervisor.errors) + _log(sandbox)
        assert "INVOICE_ACCESS_HR_KEYS" in said
        assert "did not resolve this Key Vault" in said
