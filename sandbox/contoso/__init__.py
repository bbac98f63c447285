"""The standard world: Contoso, its companies and people, and the billing accounts that they pay.

Lives here: `contoso(seed)`, which puts the rooms of this package together, and the names one may rely on
(`sandbox.contoso.names`). It has the form of a world file; see `sandbox.world`.
"""

from typing import Any

from sandbox.contoso import names
from sandbox.contoso.billing import billing_accounts
from sandbox.contoso.people import deleted_people, people


def contoso(seed: int = 1) -> dict[str, Any]:
    """The standard world as a world document.

    Ids, roster, groups and billing are the same in every seed; the seed gives the other colleagues their
    names, jobs and irregularities. The same seed gives the same world.
    """
    return {
        "tenantId": names.TENANT_ID,
        "identities": [
            {
                "name": names.PORTAL_NAME,
                "clientId": names.PORTAL_CLIENT_ID,
                "objectId": names.PORTAL_OBJECT_ID,
                "default": True,
            },
            {
                "name": names.APP_NAME,
                "clientId": names.APP_CLIENT_ID,
                "objectId": names.APP_OBJECT_ID,
                "graphPermissions": list(names.APP_PERMISSIONS),
            },
        ],
        "users": (everybody := people(seed)),
        "deletedUsers": deleted_people(),
        "groups": _groups(everybody),
        "billingAccounts": billing_accounts(),
    }


def _groups(everybody: list[dict[str, Any]]) -> list[dict[str, Any]]:
    analysts = [user["id"] for user in everybody if user.get("jobTitle") == "Financial analyst"]
    return [
        {
            "id": names.TREASURY,
            "displayName": "Treasury",
            "description": "Those who see every invoice",
            "mailNickname": "treasury",
            "members": [names.SANNE_BAKKER, *analysts[:2], names.TREASURY_BACK_OFFICE],
        },
        {
            "id": names.TREASURY_BACK_OFFICE,
            "displayName": "Treasury Back Office",
            "mailNickname": "treasury-back-office",
            "members": [*analysts[2:5], names.DELETED_CONTROLLER],
        },
        {
            "id": names.EXTERNAL_AUDIT,
            "displayName": "External Audit",
            "mailNickname": "external-audit",
            "members": [names.AUDITOR_GUEST],
        },
    ]
