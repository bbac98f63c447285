"""Which application permission lets a caller do what, as the permission tables of Graph's pages list them.

Lives here: the tables and the question whether a caller has what a call needs. An app without the permission
meets 403, or for members it may not read an object that has nothing but its id.
"""

from dataclasses import dataclass
from typing import Final

from sandbox.identity import Identity

type AnyOf = frozenset[str]
"""Permissions of which one is enough."""

READ_USERS: Final[AnyOf] = frozenset(
    {"User.Read.All", "User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"}
)
WRITE_USERS: Final[AnyOf] = frozenset({"User.ReadWrite.All", "Directory.ReadWrite.All"})
DELETE_USERS: Final[AnyOf] = WRITE_USERS | {"User.DeleteRestore.All"}
READ_GROUPS: Final[AnyOf] = frozenset(
    {
        "Group.Read.All",
        "Group.ReadWrite.All",
        "GroupMember.Read.All",
        "GroupMember.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    }
)
READ_DIRECTORY: Final[AnyOf] = frozenset({"Directory.Read.All", "Directory.ReadWrite.All"})
READ_APPLICATIONS: Final[AnyOf] = READ_DIRECTORY | {"Application.Read.All", "Application.ReadWrite.All"}
ASSIGN_APP_ROLES: Final[AnyOf] = frozenset({"AppRoleAssignment.ReadWrite.All"})
"""To give an app a permission. A person needs the directory role Privileged Role Administrator for it: in a world file
that person has this permission."""
WRITE_GROUPS: Final[AnyOf] = frozenset({"Group.ReadWrite.All", "Directory.ReadWrite.All"})
WRITE_MEMBERS: Final[AnyOf] = WRITE_GROUPS | {"GroupMember.ReadWrite.All"}
SUBSCRIBE_USERS: Final[AnyOf] = frozenset({"User.Read.All", "Directory.Read.All"})
"""To be told of users. A permission to write does not count here, as the page on subscriptions says."""
SUBSCRIBE_GROUPS: Final[AnyOf] = frozenset({"Group.Read.All", "Directory.Read.All"})
"""To be told of groups and their members; see the switch `group_member_permission` as well."""
READ_LEAVE_DATE: Final[AnyOf] = frozenset({"User-LifeCycleInfo.Read.All", "User-LifeCycleInfo.ReadWrite.All"})
WRITE_LEAVE_DATE: Final[AnyOf] = frozenset({"User-LifeCycleInfo.ReadWrite.All"})


@dataclass(frozen=True, slots=True)
class Permissions:
    """What one caller may do; the portal administrator, as whom people change their world, everything."""

    granted: frozenset[str]
    everything: bool = False

    def allow(self, needed: AnyOf) -> bool:
        """Whether one of the permissions that suffice is granted."""
        return self.everything or not needed.isdisjoint(self.granted)


def permissions_of(identity: Identity | None) -> Permissions:
    """What an identity may do in Graph; nothing for a caller that the directory does not know."""
    if identity is None:
        return Permissions(frozenset())
    return Permissions(identity.graph_permissions, everything=identity.default)
