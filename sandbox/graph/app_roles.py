"""Microsoft Graph as an app of the tenant: its service principal, and the application permissions that it offers.

Lives here: constants and look-ups. Who was assigned which is `app_role_book`'s.

Ids of permissions: Graph's permissions reference, the same in every tenant.
"""

import uuid
from typing import Final

GRAPH_APP_ID: Final = "00000003-0000-0000-c000-000000000000"
"""The application id of Microsoft Graph, the same in every tenant."""

GRAPH_NAME: Final = "Microsoft Graph"

_NAMESPACE: Final = uuid.UUID("6b1e1c52-9d0f-4a39-8f4c-0c7f5a0e0003")

_IDS: Final = {
    "AppRoleAssignment.ReadWrite.All": "06b708a9-e830-4db3-a914-8e69da51d44f",
    "Application.Read.All": "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
    "Application.ReadWrite.All": "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    "AuditLog.Read.All": "b0afded3-3588-46d8-8b3d-9842eff778da",
    "Directory.Read.All": "7ab1d382-f21e-4acd-a863-ba3e13f7da61",
    "Directory.ReadWrite.All": "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    "Group.Read.All": "5b567255-7703-4780-807c-7be8301ae99b",
    "Group.ReadWrite.All": "62a82d76-70ea-41e2-9197-370581804d09",
    "GroupMember.Read.All": "98830695-27a2-44f7-8c18-0c3ebc9698f6",
    "GroupMember.ReadWrite.All": "dbaae8cf-10b5-4b86-a4a1-f871c94c6695",
    "RoleManagement.ReadWrite.Directory": "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
    "User-LifeCycleInfo.Read.All": "8556a004-db57-4d7a-8b82-97a13428e96f",
    "User.Read.All": "df021288-bdef-4463-88db-98f22de89214",
    "User.ReadWrite.All": "741f803b-c850-494e-b5df-cde7c675a1ca",
}


def role_id(value: str) -> str:
    """The id of an application permission; one of our own for a permission that is not in the table."""
    return _IDS.get(value) or str(uuid.uuid5(_NAMESPACE, value))


def graph_object_id(tenant_id: str) -> str:
    """The object id of Microsoft Graph's service principal, which is another in every tenant."""
    return str(uuid.uuid5(_NAMESPACE, f"{GRAPH_APP_ID} {tenant_id}"))


def offered(granted: frozenset[str]) -> dict[str, str]:
    """The permissions that can be assigned, values by their ids: those of the table, and what a world has beside."""
    return {role_id(value): value for value in sorted(_IDS.keys() | granted)}
