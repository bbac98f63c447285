"""The owner's role at billing accounts and profiles: who has it, and giving and taking it.

Lives here: the two writes that the app itself has not. Reading, and what an answer means, is the app's own adapter's.

Source: Microsoft.Billing 2024-04-01, BillingRoleAssignments_CreateByBillingProfile, _CreateByBillingAccount and the
deletes; Microsoft Learn, "Understand Microsoft Customer Agreement administrative roles".
"""

from http import HTTPStatus
from typing import Final
from urllib.parse import quote

from azure.core.rest import HttpRequest

from cli.setup.table import ACCOUNT_OWNER, PROFILE_OWNER, Owner
from shared.adapters.billing.arm import API_VERSION, ArmBilling
from shared.adapters.http.answers import NEW_PRINCIPAL_WAIT, is_absence, is_principal_unknown, read_refusal
from shared.domain.keys import ProfileKey
from shared.errors import Transient

_ROOT: Final = "/providers/Microsoft.Billing/billingAccounts"


class Owners(ArmBilling):
    """Billing, as somebody who may make owners sees it."""

    async def of_profile(self, key: ProfileKey, name: str, principal_id: str) -> Owner:
        """Whether an app is owner of a profile, and how many others are. Raises as `assignments` does."""
        rows = [row for row in (await self.assignments(key)).rows if row.role == PROFILE_OWNER]
        ours = next((row.name for row in rows if row.principal_id == principal_id), "")
        return Owner(key, name, ours, sum(row.principal_id != principal_id for row in rows))

    async def of_account(self, account: str, name: str, principal_id: str) -> Owner:
        """The same at an account. Raises as `account_assignments` does."""
        rows = [row for row in (await self.account_assignments(account)).rows if row.role == ACCOUNT_OWNER]
        ours = next((row.name for row in rows if row.principal_id == principal_id), "")
        return Owner(account, name, ours, sum(row.principal_id != principal_id for row in rows))

    async def give(self, owner: Owner, principal_id: str) -> None:
        """Makes an app owner. One that is it already is success.

        Raises `Transient` where billing does not know the app yet, `AccessLost` where whoever signed in may not, and as
        `grant_invoice_manager` does.
        """
        what = f"making {principal_id} owner of {owner.scope}"
        _, tenant_id = await self._ourselves()
        request = HttpRequest(
            "POST", create_url(self._base_url, owner), json=create_body(owner, principal_id, tenant_id)
        )
        response = await self._send(request, what)
        if response.status_code == HTTPStatus.CONFLICT:
            return
        if is_principal_unknown(response):
            why = f"{what}: {response.status_code} {read_refusal(response)}"
            raise Transient(f"{why}. Billing may not know it yet", retry_after=NEW_PRINCIPAL_WAIT)
        await self._finished(response, what, str(owner.scope))

    async def take(self, owner: Owner) -> None:
        """Takes the owner's role away. One that is gone is success. Raises as `revoke_invoice_manager` does."""
        what = f"taking the owner's role at {owner.scope} away"
        response = await self._send(HttpRequest("DELETE", delete_url(self._base_url, owner)), what)
        if not is_absence(response):
            await self._finished(response, what, str(owner.scope))


def create_url(base: str, owner: Owner) -> str:
    """Where an owner is made."""
    return f"{base}{_path(owner)}/createBillingRoleAssignment?api-version={API_VERSION}"


def delete_url(base: str, owner: Owner) -> str:
    """Where the owner that there is can be deleted."""
    name = quote(owner.assignment, safe="")
    return f"{base}{_path(owner)}/billingRoleAssignments/{name}?api-version={API_VERSION}"


def create_body(owner: Owner, principal_id: str, tenant_id: str) -> dict[str, str]:
    """What is sent there. It is flat, unlike in versions before 2020."""
    return {
        "principalId": principal_id,
        "principalTenantId": tenant_id,
        "roleDefinitionId": f"{_path(owner)}/billingRoleDefinitions/{owner.role}",
    }


def _path(owner: Owner) -> str:
    if isinstance(owner.scope, ProfileKey):
        account, profile = quote(owner.scope.account, safe=""), quote(owner.scope.profile, safe="")
        return f"{_ROOT}/{account}/billingProfiles/{profile}"
    return f"{_ROOT}/{quote(owner.scope, safe='')}"
