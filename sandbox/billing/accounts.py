"""Billing accounts and their associated tenants: listing and reading.

What lives here: these operations and the bodies they answer. Everything below an account has a module of its
own.
"""

from typing import Any

from sandbox.billing.call import Call
from sandbox.billing.model import Account
from sandbox.billing.roles import READ_ACCOUNT
from sandbox.wire import Response, as_json

_SYSTEM_DATA = {"createdAt": "2024-01-15T09:00:00.0000000Z", "lastModifiedAt": "2024-01-15T09:00:00.0000000Z"}


def list_accounts(call: Call) -> Response:
    """Accounts where the caller has a role, at the account or at one of its profiles.

    `includeAll` widens this for certain Entra administrators only, whom this tenant does not have.
    """
    deleted, _ = call.flag("includeDeleted"), call.flag("includeAll")
    return call.page(
        [
            _body(call, account, whole=False)
            for account in call.model.accounts
            if call.sees_within(account) and (deleted or account.properties["accountStatus"] != "Deleted")
        ]
    )


def get_account(call: Call, account: Account) -> Response:
    """One account."""
    if not call.sees_within(account):
        raise call.stranger(account)
    return as_json(200, _body(call, account, whole=True))


def list_associated_tenants(call: Call, account: Account) -> Response:
    """Other tenants that take part in the account's billing."""
    call.require(account, READ_ACCOUNT)
    revoked = call.flag("includeRevoked")
    return call.page(
        [
            {
                "id": f"{account.id}/associatedTenants/{name}",
                "name": name,
                "properties": properties,
                "type": f"{account.type}/associatedTenants",
            }
            for name, properties in account.associated_tenants.items()
            if revoked or properties["billingManagementState"] != "Revoked"
        ]
    )


def _body(call: Call, account: Account, *, whole: bool) -> dict[str, Any]:
    """An account as the caller reads it; a list leaves out `soldTo`, as recorded."""
    properties = {key: value for key, value in account.properties.items() if whole or key != "soldTo"}
    body = {
        "id": account.id,
        "name": account.name,
        "properties": properties | {"hasReadAccess": call.sees(account)},
        "type": account.type,
    }
    if account.tags:
        body["tags"] = account.tags
    return body | ({"systemData": _SYSTEM_DATA} if account.managed else {})
