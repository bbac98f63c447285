"""The billing accounts of a model as a world file has them: what was seeded, and what became of it since.

What lives here: writing them down. Reading them is what every world file needs, and is `world`'s.
"""

from typing import Any

from sandbox.billing.holdings import Assignment, AssignmentTable
from sandbox.billing.model import Account, BillingModel, Profile


def accounts_of(model: BillingModel) -> list[dict[str, Any]]:
    """Every account as it truly is, to begin another world with. Roles that nobody accepted yet are left out."""
    return [_account(account) for account in model.accounts]


def _account(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "tags": account.tags,
        "properties": account.properties,
        "billingRoleAssignments": _rows(account.assignments),
        "associatedTenants": [
            {"name": name, "properties": properties} for name, properties in account.associated_tenants.items()
        ],
        "billingProfiles": [_profile(profile) for profile in account.profiles.values()],
    }


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "tags": profile.tags,
        "properties": profile.properties,
        "billingRoleAssignments": _rows(profile.assignments),
    }


def _rows(table: AssignmentTable) -> list[dict[str, Any]]:
    return [_row(row) for row in table.every() if not row.pending]


def _row(row: Assignment) -> dict[str, Any]:
    given = {
        "principalId": row.principal_id,
        "principalPuid": row.principal_puid,
        "principalType": row.principal_type,
        "principalTenantId": row.principal_tenant_id,
        "createdByPrincipalTenantId": row.created_by_tenant,
    }
    # Nobody said to be the maker is something else than no word of one, which would be the account's founder.
    return {"name": row.name, "role": row.role, "createdOn": row.created_on, "createdByPrincipalId": row.created_by} | {
        name: value for name, value in given.items() if value
    }
