"""Notifications from end to end: somebody changes the directory through Graph, and nobody sends the app an event."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.contoso import names
from sandbox.graph import AUDIENCE
from sandbox.settings import Options
from sandbox.up import ARM_AUDIENCE, Sandbox, StartError, running

PATIENCE = 40.0


@pytest.fixture
def settled() -> dict[str, str]:
    """Weak evidence is seen twice within seconds, so that nobody waits for minutes."""
    return {"INVOICE_ACCESS_SETTLE_SECONDS": "1", "INVOICE_ACCESS_COALESCE_SECONDS": "1"}


async def until(check: Callable[[], Awaitable[bool]], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            while not await check():  # noqa: ASYNC110 - another process makes it so
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"not within {PATIENCE:.0f} s: {what}")


class Portal:
    """The administrator's own client: changes the directory, and checks billing, over HTTP."""

    def __init__(self, sandbox: Sandbox, client: httpx.AsyncClient) -> None:
        self._sandbox = sandbox
        self._client = client
        self._identity = next(found for found in sandbox.world.principals() if found.default)

    async def graph(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"authorization": f"Bearer {self._sandbox.tokens.issue(self._identity, AUDIENCE)}"}
        answer = await self._client.request(method, f"{self._sandbox.graph}/v1.0{path}", json=body, headers=headers)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def hire(self, name: str, **attributes: Any) -> str:
        """A new accounts payable clerk at Contoso Nederland, unless said otherwise. Nobody is told."""
        nickname = name.lower().replace(" ", ".")
        made = await self.graph(
            "POST",
            "/users",
            {
                "accountEnabled": True,
                "displayName": name,
                "mailNickname": nickname,
                "userPrincipalName": f"{nickname}@contoso.example",
                "passwordProfile": {"password": "xWwvJ]6NMw+bWH-d"},
                "companyName": "Contoso Nederland",
                "department": "Finance",
                "jobTitle": "Accounts payable clerk",
                **attributes,
            },
        )
        return str(made["id"])

    def holds(self, profile: str, person: str, *, really: bool = True) -> Callable[[], Awaitable[bool]]:
        """Whether the person has an assignment on the profile; with `really` false, whether they have none."""

        async def check() -> bool:
            token = self._sandbox.tokens.issue(self._identity, ARM_AUDIENCE)
            account = names.CONTOSO_ACCOUNT if profile == names.CONTOSO_NEDERLAND else names.FABRIKAM_ACCOUNT
            answer = await self._client.get(
                f"{self._sandbox.arm}/providers/Microsoft.Billing/billingAccounts/{account}/billingProfiles/{profile}"
                "/billingRoleAssignments?api-version=2024-04-01",
                headers={"authorization": f"Bearer {token}"},
            )
            found = {row["properties"]["principalId"] for row in answer.json()["value"]}
            return (person in found) is really

        return check


async def shown(sandbox: Sandbox) -> Any:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{sandbox.faults}/subscriptions")).json()


async def test_a_change_in_the_directory_comes_to_the_app_by_itself(tmp_path: Path, settled: dict[str, str]) -> None:
    options = Options(state=tmp_path, notifications=True, settings=settled)
    async with running(options) as sandbox, httpx.AsyncClient(timeout=PATIENCE) as client:
        portal = Portal(sandbox, client)
        resources = [found["resource"] for found in (await shown(sandbox))["subscriptions"]]
        assert resources == ["users", f"groups/{names.TREASURY}/members"]

        # A joiner: created in Graph, and that is all that anybody does.
        hired = await portal.hire("Nora Notified")
        await until(portal.holds(names.CONTOSO_NEDERLAND, hired), "the joiner's grant")

        # A leaver: disabled is strong evidence.
        await portal.graph("PATCH", f"/users/{hired}", {"accountEnabled": False})
        await until(portal.holds(names.CONTOSO_NEDERLAND, hired, really=False), "the leaver's revoke")

        # Somebody of no rule joins the treasury group: `members@delta` names them.
        buyer = await portal.hire("Theo Treasury", department="Sales", jobTitle="Buyer")
        assert not await portal.holds(names.FABRIKAM_NORDICS, buyer)()
        reference = {"@odata.id": f"{sandbox.graph}/v1.0/directoryObjects/{buyer}"}
        await portal.graph("POST", f"/groups/{names.TREASURY}/members/$ref", reference)
        await until(portal.holds(names.FABRIKAM_NORDICS, buyer), "the new member's grant")

        told = (await shown(sandbox))["notifications"]
        assert told["delivered"] >= 3
        assert (told["failed"], told["lost"], told["givenUp"]) == (0, 0, 0)


async def test_the_timer_makes_lost_subscriptions_anew_and_makes_up_for_a_dead_front(
    tmp_path: Path, settled: dict[str, str]
) -> None:
    options = Options(state=tmp_path, notifications=True, settings=settled)
    async with running(options) as sandbox, httpx.AsyncClient(timeout=PATIENCE) as door:
        portal = Portal(sandbox, door)
        assert (await door.delete(f"{sandbox.faults}/subscriptions")).status_code == 204
        assert (await shown(sandbox))["subscriptions"] == []
        run = await door.post(f"{sandbox.functions}/admin/functions/subscriptions?wait=true", json={})
        assert run.json()["ok"]
        assert len((await shown(sandbox))["subscriptions"]) == 2

        # Graph repeats what the app cannot take: it is restarted in the middle of it.
        first = await door.put(f"{sandbox.faults}/switches/notifications/first_retry_seconds", json={"value": 0.2})
        assert first.status_code == 200
        restart = asyncio.create_task(door.post(f"{sandbox.functions}/admin/host/restart"))
        hired = await portal.hire("Rik Restart")
        assert (await restart).status_code == 202
        await until(portal.holds(names.CONTOSO_NEDERLAND, hired), "the joiner's grant")

        # Being asked to reauthorize is answered, and does no harm.
        asked = await door.post(f"{sandbox.faults}/subscriptions/ask")
        assert (asked.status_code, asked.json()) == (202, {"asked": 2})

        async def delivered() -> bool:
            lines = (await door.get(f"{sandbox.functions}/admin/host/logs")).json()["lines"]
            return sum("reauthorizationRequired" in line["text"] for line in lines) >= 2

        await until(delivered, "the lifecycle notifications in the app's log")


async def test_without_the_option_nothing_is_subscribed(tmp_path: Path) -> None:
    async with running(Options(state=tmp_path)) as sandbox, httpx.AsyncClient(timeout=PATIENCE) as door:
        run = await door.post(f"{sandbox.functions}/admin/functions/subscriptions?wait=true", json={})
        assert run.json()["ok"]
        assert (await shown(sandbox))["subscriptions"] == []


async def test_an_app_that_cannot_subscribe_is_said_by_name(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "function_app.py").write_text(
        "import azure.functions as func\n"
        "app = func.FunctionApp()\n"
        "@app.timer_trigger(arg_name='t', schedule='0 0 0 1 1 *')\n"
        "def other(t: func.TimerRequest) -> None: ...\n"
    )
    (app / "host.json").write_text('{"version": "2.0"}')
    options = Options(app_directory=app, state=tmp_path / "state", notifications=True)
    with pytest.raises(StartError, match="--notifications: the app has no function 'subscriptions'"):
        async with running(options):
            pytest.fail("it must not start")
