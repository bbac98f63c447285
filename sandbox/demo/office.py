"""Everybody but the app: HR, the directory's and the portal's administrators, each with the official client.

Lives here: verbs. What is played with them is the story's.
"""

import asyncio
import json
import os
import shlex
import sys
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

import aiohttp
from azure.identity.aio import ManagedIdentityCredential
from azure.mgmt.billing.aio import BillingManagementClient
from azure.mgmt.billing.models import BillingProfile, BillingRoleAssignmentProperties
from azure.servicebus import ServiceBusMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient
from kiota_authentication_azure.azure_identity_authentication_provider import (
    AzureIdentityAuthenticationProvider,
)
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.user import User
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

from sandbox.contoso import names
from sandbox.settings import PROJECT
from sandbox.up import Sandbox

INVOICE_MANAGER: Final = "40000000-aaaa-bbbb-cccc-100000000004"

_PLAIN_HTTP: Final[dict[str, Any]] = {"enforce_https": False}
"""The stand-ins are on this machine; azure-core wants to be told that a token may go there without TLS."""

ACCOUNT_OF: Final = {
    **dict.fromkeys(
        (
            names.CONTOSO_NEDERLAND,
            names.CONTOSO_DEUTSCHLAND,
            names.CONTOSO_FRANCE,
            names.CONTOSO_UK,
            names.CONTOSO_BELGIE,
            names.CONTOSO_SHARED_SERVICES,
        ),
        names.CONTOSO_ACCOUNT,
    ),
    **dict.fromkeys(
        (
            names.FABRIKAM_NEDERLAND,
            names.FABRIKAM_DEUTSCHLAND,
            names.FABRIKAM_NORDICS,
            names.FABRIKAM_SCHWEIZ,
        ),
        names.FABRIKAM_ACCOUNT,
    ),
    **dict.fromkeys((names.LITWARE_SERVICES, names.LITWARE_POLSKA), names.LITWARE_ACCOUNT),
}
"""The billing account of every billing profile that can be managed."""


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person in the story."""

    name: str
    object_id: str
    upn: str
    employee_id: str


class Office:
    """The people of one sandbox. `patience` is how many seconds a check waits for the world to become as expected."""

    def __init__(self, sandbox: Sandbox, *, patience: float) -> None:
        self.sandbox = sandbox
        self.patience = patience
        os.environ["IDENTITY_ENDPOINT"] = f"{sandbox.identity}/msi/token"
        os.environ["IDENTITY_HEADER"] = "portal"
        self._credential = ManagedIdentityCredential()
        self._billing = BillingManagementClient(
            self._credential, str(uuid.UUID(int=0)), base_url=sandbox.arm, polling_interval=1
        )
        adapter = GraphRequestAdapter(
            AzureIdentityAuthenticationProvider(
                self._credential, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=["127.0.0.1"]
            )
        )
        adapter.base_url = f"{sandbox.graph}/v1.0"
        self._graph = GraphServiceClient(request_adapter=adapter)
        self._bus = ServiceBusClient.from_connection_string(sandbox.service_bus)
        self._events = self._bus.get_queue_sender("people-events")
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._events.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._events.close()
        await self._bus.close()
        await self._billing.close()
        await self._credential.close()

    # HR and the directory

    async def hire(self, name: str, company: str, **attributes: Any) -> Somebody:
        """A new user, an accounts payable clerk unless said otherwise. Nobody is told."""
        given = name.lower().replace(" ", ".")
        employee_id = attributes.pop("employee_id", f"D{uuid.uuid4().hex[:6].upper()}")
        facts: dict[str, Any] = {
            "account_enabled": True,
            "display_name": name,
            "mail_nickname": given,
            "user_principal_name": f"{given}@contoso.example",
            "password_profile": PasswordProfile(password=uuid.uuid4().hex, force_change_password_next_sign_in=True),
            "company_name": company,
            "department": "Finance",
            "job_title": "Accounts payable clerk",
            "employee_id": employee_id,
            **attributes,
        }
        user = await self._graph.users.post(User(**facts))
        assert user is not None
        assert user.id is not None
        return Somebody(name, user.id, facts["user_principal_name"], employee_id)

    async def change(self, who: Somebody, **attributes: Any) -> None:
        """Changes a user's attributes."""
        await self._graph.users.by_user_id(who.object_id).patch(User(**attributes))

    async def delete(self, who: Somebody) -> None:
        """Deletes a user; the directory keeps them among the deleted items."""
        await self._graph.users.by_user_id(who.object_id).delete()

    async def forget(self, who: Somebody) -> None:
        """Deletes a user from the deleted items as well."""
        await self._graph.directory.deleted_items.by_directory_object_id(who.object_id).delete()

    async def everybody(self) -> list[User]:
        """Every user, with what the policy's rules check."""
        select = "id,department,jobTitle,companyName,officeLocation,userType,accountEnabled,userPrincipalName"
        page = await self._graph.users.with_url(f"{self.sandbox.graph}/v1.0/users?$top=999&$select={select}").get()
        found: list[User] = []
        while page is not None:
            found += page.value or []
            if not page.odata_next_link:
                break
            page = await self._graph.users.with_url(page.odata_next_link).get()
        return found

    async def members(self, group: str) -> set[str]:
        """The object ids of everybody in a group, or in a group within it."""
        page = await self._graph.groups.by_group_id(group).transitive_members.get()
        assert page is not None
        return {member.id for member in page.value or [] if member.id and member.odata_type == "#microsoft.graph.user"}

    # events

    async def announce(self, subject: str, kind: str, *, effective: str | None = None, event_id: str = "") -> None:
        """HR says that something happened to somebody: a CloudEvent on people-events."""
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": event_id or str(uuid.uuid4()),
            "source": "/hr/contoso",
            "type": f"com.contoso.hr.person.{kind}",
            "subject": subject,
        }
        if effective is not None:
            event["data"] = {"effective": effective}
        await self.put(json.dumps(event).encode())

    async def put(self, body: bytes) -> None:
        """Any bytes on people-events."""
        async with self._lock:
            await self._events.send_messages(ServiceBusMessage(body))

    async def rejected(self, seconds: float) -> list[tuple[bytes, dict[str, str]]]:
        """Takes what arrives on rejected-events within so many seconds: bytes and properties."""
        found = []
        async with self._bus.get_queue_receiver("rejected-events") as receiver:
            for message in await receiver.receive_messages(10, max_wait_time=seconds):
                properties = {
                    _text(name): _text(value) for name, value in (message.application_properties or {}).items()
                }
                found.append((b"".join(message.body), properties))
                await receiver.complete_message(message)
        return found

    async def dead_letters(self) -> int:
        """How many messages of either queue nobody will check again by themselves."""
        found = 0
        for queue in ("people-events", "access-work"):
            async with self._bus.get_queue_receiver(queue, sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
                found += len(await receiver.peek_messages(100))
        return found

    # the portal

    async def assignment(self, profile: str, person: str) -> Any | None:
        """A person's Invoice manager assignment on a profile, None when there is none."""
        rows = await self.assignments(profile)
        return next(
            (
                row
                for row in rows
                if row.properties.principal_id == person and row.name.lower().startswith(INVOICE_MANAGER)
            ),
            None,
        )

    async def assignments(self, profile: str) -> list[Any]:
        """Every role assignment on a profile."""
        rows = self._billing.billing_role_assignments.list_by_billing_profile(
            ACCOUNT_OF[profile], profile, **_PLAIN_HTTP
        )
        return [row async for row in rows]

    async def give(self, profile: str, person: str) -> None:
        """Somebody clicks Invoice manager together in the portal."""
        scope = f"/providers/Microsoft.Billing/billingAccounts/{ACCOUNT_OF[profile]}/billingProfiles/{profile}"
        poller = await self._billing.billing_role_assignments.begin_create_by_billing_profile(
            ACCOUNT_OF[profile],
            profile,
            BillingRoleAssignmentProperties(
                principal_id=person,
                principal_tenant_id=names.TENANT_ID,
                role_definition_id=f"{scope}/billingRoleDefinitions/{INVOICE_MANAGER}",
            ),
            **_PLAIN_HTTP,
        )
        await poller.result()

    async def take(self, profile: str, person: str) -> None:
        """Somebody deletes an Invoice manager assignment in the portal."""
        await self._billing.billing_role_assignments.delete_by_billing_profile(
            ACCOUNT_OF[profile], profile, f"{INVOICE_MANAGER}_{person}", **_PLAIN_HTTP
        )

    async def profile(self, profile: str) -> dict[str, Any]:
        """A profile's properties, as the official model shows them."""
        found = await self._billing.billing_profiles.get(ACCOUNT_OF[profile], profile, **_PLAIN_HTTP)
        assert found.properties is not None
        shown: dict[str, Any] = found.properties.as_dict()
        return shown

    async def set_opt_in(self, profile: str, *, opt_in: bool) -> None:
        """Somebody clicks *Email invoice* in the portal."""
        found = await self._billing.billing_profiles.get(ACCOUNT_OF[profile], profile, **_PLAIN_HTTP)
        body = found.as_dict()
        body["properties"] = {
            name: value
            for name, value in body["properties"].items()
            if name in {"billTo", "displayName", "enabledAzurePlans", "invoiceRecipients", "poNumber", "shipTo"}
        } | {"invoiceEmailOptIn": opt_in}
        poller = await self._billing.billing_profiles.begin_create_or_update(
            ACCOUNT_OF[profile], profile, BillingProfile(body), **_PLAIN_HTTP
        )
        await poller.result()

    # the operator

    async def run(self, function: str) -> None:
        """Runs a timer function now and waits until it is through."""
        await self._post(f"/admin/functions/{function}?wait=true")

    async def sweep(self) -> None:
        """Runs the sweep now and waits until it is through."""
        await self.run("sweep")

    async def operate(self, *words: str) -> str:
        """Gives the app's own command line a command, in the shell of an operator, Felix Smit; what it printed."""
        assert self.sandbox.environment is not None
        source = f"set -a; . {shlex.quote(str(self.sandbox.environment))}"
        script = f'{source}; AZURE_CLIENT_ID="$SIGN_IN_FELIX_SMIT"; exec "$0" -m cli "$@"'
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", script, sys.executable, *words),
            cwd=PROJECT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"invoice-access {' '.join(words)}: {complained.decode()}")
        return said.decode()

    async def holds(self) -> dict[str, Any]:
        """What waits for a decision, and when it was listed."""
        found: dict[str, Any] = json.loads(await self.operate("holds", "list", "--json"))
        return found

    async def release(self, listed: Mapping[str, Any]) -> None:
        """Releases all that was listed."""
        await self.operate("holds", "release", "--all", "--yes", "--as-listed", listed["as_listed"])

    async def restart(self) -> None:
        """Restarts the app, as a deployment does, and waits until it runs."""
        await self._post("/admin/host/restart")
        await self.until(self.is_running, lambda running: running)

    async def is_running(self) -> bool:
        """Whether the host says that the app runs."""
        return bool((await self.status())["state"] == "Running")

    async def status(self) -> dict[str, Any]:
        """The host's status."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self._functions}/admin/host/status") as answer,
        ):
            shown: dict[str, Any] = await answer.json()
            return shown

    async def _post(self, path: str) -> None:
        timeout = aiohttp.ClientTimeout(total=120)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(f"{self._functions}{path}", json={}) as answer,
        ):
            if answer.status >= 300:  # noqa: PLR2004 - anything that is not a success
                raise RuntimeError(f"{path}: {answer.status} {await answer.text()}")

    @property
    def _functions(self) -> str:
        assert self.sandbox.functions is not None
        return self.sandbox.functions

    # watching

    async def until[T](self, check: Callable[[], Awaitable[T]], wanted: Callable[[T], bool]) -> T:
        """Checks until what is seen is as wanted, or patience ends; returns what was seen last."""
        deadline = time.monotonic() + self.patience
        while True:
            seen = await check()
            if wanted(seen) or time.monotonic() > deadline:
                return seen
            await asyncio.sleep(0.1)

    async def sees(self, profile: str, who: Somebody, *, holds: bool) -> bool:
        """Waits until somebody holds Invoice manager on a profile, or no longer; returns whether they do."""

        async def check() -> bool:
            return await self.assignment(profile, who.object_id) is not None

        return await self.until(check, lambda held: held is holds)

    def checks(self, object_id: str) -> list[dict[str, Any]]:
        """What the app's log says of its checks of a person, oldest first."""
        if self.sandbox.app_log is None:
            return []
        found = []
        for line in self.sandbox.app_log.read_text(encoding="utf-8", errors="replace").splitlines():
            _, marker, text = line.partition("reconcile: {")
            if marker and f"person:{object_id}" in text:
                found.append(json.loads("{" + text))
        return found

    async def why(self, object_id: str, verb: str) -> str:
        """Why the app last granted or revoked something of a person's, in the words of its log.

        The log's line comes a moment after the world has changed.
        """

        async def reasons() -> list[str]:
            return [
                action["why"]
                for check in self.checks(object_id)
                for action in check.get("actions", ())
                if action["action"] == verb
            ]

        said = await self.until(reasons, bool)
        return f"{verb}: {said[-1]}" if said else f"no {verb}"


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def moment(when: datetime) -> str:
    """A time as events carry it."""
    return when.isoformat(timespec="seconds")
