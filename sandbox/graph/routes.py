"""Which request is which operation: the table of paths, with the permissions and the price of each.

Lives here: the table, and finding a row in it. Both spellings of a cast (`graph.user`,
`microsoft.graph.user`) and of an escaped dollar sign are one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from sandbox.graph import deleted, directory_objects, groups, service_principals, subscriptions, users
from sandbox.graph.errors import GraphError, malformed, not_built
from sandbox.graph.permissions import (
    ASSIGN_APP_ROLES,
    DELETE_USERS,
    READ_GROUPS,
    READ_USERS,
    WRITE_GROUPS,
    WRITE_MEMBERS,
    WRITE_USERS,
    AnyOf,
)
from sandbox.wire import Request, Response

type Operation = Callable[..., Response]
"""Takes the call and then the values of the path's placeholders."""

_KEY_IN_BRACKETS: Final = re.compile(r"(\w+)\((appId=)?'(.*)'\)")
_NOT_BUILT: Final = {"delta": "delta queries", "delta()": "delta queries", "$batch": "$batch"}
_PLACEHOLDER: Final = "*"


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. Every set in `needs` must be met by one of its permissions.

    `resource_units` is the documented price; `changes` says that the call is one for the audit list.
    """

    operation: Operation
    needs: tuple[AnyOf, ...] = ()
    resource_units: int = 1
    changes: bool = False


_USER_CAST: Final = "microsoft.graph.user"
_GROUP_CAST: Final = "microsoft.graph.group"

_TABLE: Final[Mapping[str, Mapping[str, Route]]] = {
    "users": {
        "GET": Route(users.list_users, (READ_USERS,), 2),
        "POST": Route(users.create_user, (WRITE_USERS,), changes=True),
    },
    "users/$count": {"GET": Route(users.count_users, (READ_USERS,), 2)},
    "users/*": {
        "GET": Route(users.get_user, (READ_USERS,)),
        "PATCH": Route(users.update_user, (WRITE_USERS,), changes=True),
        "DELETE": Route(users.delete_user, (DELETE_USERS,), changes=True),
    },
    "users/*/checkMemberGroups": {"POST": Route(users.check_member_groups, (READ_USERS, READ_GROUPS), 4)},
    "users/*/transitiveMemberOf": {"GET": Route(users.list_transitive_groups, (READ_USERS | READ_GROUPS,), 2)},
    f"users/*/transitiveMemberOf/{_GROUP_CAST}": {
        "GET": Route(users.list_transitive_groups_cast, (READ_USERS | READ_GROUPS,), 2)
    },
    "groups": {
        "GET": Route(groups.list_groups, (READ_GROUPS,), 3),
        "POST": Route(groups.create_group, (WRITE_GROUPS,), changes=True),
    },
    "groups/$count": {"GET": Route(groups.count_groups, (READ_GROUPS,), 3)},
    "groups/*": {
        "GET": Route(groups.get_group, (READ_GROUPS,)),
        "PATCH": Route(groups.update_group, (WRITE_GROUPS,), changes=True),
        "DELETE": Route(groups.delete_group, (WRITE_GROUPS,), changes=True),
    },
    "groups/*/members": {"GET": Route(groups.list_members, (READ_GROUPS,), 3)},
    "groups/*/members/$count": {"GET": Route(groups.count_members, (READ_GROUPS,), 3)},
    f"groups/*/members/{_USER_CAST}": {"GET": Route(groups.list_user_members, (READ_GROUPS,), 3)},
    "groups/*/members/$ref": {"POST": Route(groups.add_member, (WRITE_MEMBERS,), changes=True)},
    "groups/*/members/*/$ref": {"DELETE": Route(groups.remove_member, (WRITE_MEMBERS,), changes=True)},
    "groups/*/transitiveMembers": {"GET": Route(groups.list_transitive_members, (READ_GROUPS,), 5)},
    "groups/*/transitiveMembers/$count": {"GET": Route(groups.count_transitive_members, (READ_GROUPS,), 5)},
    f"groups/*/transitiveMembers/{_USER_CAST}": {"GET": Route(groups.list_transitive_user_members, (READ_GROUPS,), 5)},
    f"groups/*/transitiveMembers/{_USER_CAST}/$count": {
        "GET": Route(groups.count_transitive_user_members, (READ_GROUPS,), 5)
    },
    "directoryObjects/getByIds": {"POST": Route(directory_objects.get_by_ids)},
    f"directory/deletedItems/{_USER_CAST}": {"GET": Route(deleted.list_deleted_users, (), 2)},
    f"directory/deletedItems/{_GROUP_CAST}": {"GET": Route(deleted.list_deleted_groups, (), 2)},
    "directory/deletedItems/*": {
        "GET": Route(deleted.get_deleted),
        "DELETE": Route(deleted.purge_deleted, changes=True),
    },
    f"directory/deletedItems/*/{_USER_CAST}": {"GET": Route(deleted.get_deleted_user)},
    "directory/deletedItems/*/restore": {"POST": Route(deleted.restore_deleted, changes=True)},
    # Who may read apps depends on whether a person asks.
    "servicePrincipals/*": {"GET": Route(service_principals.get_service_principal)},
    "servicePrincipals/*/appRoleAssignments": {
        "GET": Route(service_principals.list_app_role_assignments),
        "POST": Route(service_principals.assign, (ASSIGN_APP_ROLES,), changes=True),
    },
    "servicePrincipals/*/appRoleAssignments/*": {
        "DELETE": Route(service_principals.unassign, (ASSIGN_APP_ROLES,), changes=True)
    },
    "servicePrincipals/*/appRoleAssignedTo": {
        "GET": Route(service_principals.list_app_role_assigned_to),
        "POST": Route(service_principals.assign_to, (ASSIGN_APP_ROLES,), changes=True),
    },
    "servicePrincipals/*/appRoleAssignedTo/*": {
        "DELETE": Route(service_principals.unassign, (ASSIGN_APP_ROLES,), changes=True)
    },
    # What may be subscribed to depends on the body; the rest is for whoever made the subscription.
    "subscriptions": {
        "GET": Route(subscriptions.list_subscriptions),
        "POST": Route(subscriptions.create_subscription),
    },
    "subscriptions/*": {
        "GET": Route(subscriptions.get_subscription),
        "PATCH": Route(subscriptions.renew_subscription),
        "DELETE": Route(subscriptions.delete_subscription),
    },
    "subscriptions/*/reauthorize": {"POST": Route(subscriptions.reauthorize_subscription)},
}

_PATTERNS: Final = sorted(
    ((tuple(path.split("/")), by_method) for path, by_method in _TABLE.items()),
    key=lambda row: row[0].count(_PLACEHOLDER),  # what is spelt out goes before what fits anything
)


def find_route(request: Request) -> tuple[Route, list[str]]:
    """The operation that a request asks for, and the values of the path's placeholders.

    Raises:
        GraphError: 400 for a path that is none of Graph's, 405 for a wrong method, 501 for what is not built.
    """
    segments = _segments(request)
    for segment in segments:
        if segment.lower() in _NOT_BUILT:
            raise not_built(_NOT_BUILT[segment.lower()])
    for pattern, by_method in _PATTERNS:
        values = _fitting(pattern, segments)
        if values is None:
            continue
        route = by_method.get(request.method)
        if route is None:
            raise GraphError(
                405,
                "Request_BadRequest",
                "Specified HTTP method is not allowed for the request target.",
            )
        return route, values
    unknown = segments[-1] if segments else ""
    raise malformed(f"Resource not found for the segment '{unknown}'.")


def _segments(request: Request) -> list[str]:
    """The path below the version root, decoded segment by segment: a UPN may hold an escaped slash."""
    encoded = request.target.partition("?")[0].strip("/").split("/")
    version, *rest = (unquote(segment) for segment in encoded)
    if version.lower() != "v1.0":
        raise malformed(f"Invalid version: {version}")
    segments: list[str] = []
    for segment in rest:
        if match := _KEY_IN_BRACKETS.fullmatch(segment):
            segments += [match[1], (match[2] or "") + match[3].replace("''", "'")]
        elif segment.lower() in {"graph.user", "graph.group"}:
            segments.append(f"microsoft.{segment.lower()}")
        else:
            segments.append(segment)
    return segments


def _fitting(pattern: tuple[str, ...], segments: list[str]) -> list[str] | None:
    if len(pattern) != len(segments):
        return None
    values = []
    for wanted, given in zip(pattern, segments, strict=True):
        if wanted == _PLACEHOLDER:
            values.append(given)
        elif wanted.lower() != given.lower():
            return None
    return values
