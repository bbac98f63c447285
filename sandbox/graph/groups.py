"""The operations on `/groups` and their members.

Lives here: one function per operation, from a call to an answer. Permissions were asked before, as the table
of routes says.
"""

from collections.abc import Callable

from sandbox.graph.call import Call
from sandbox.graph.errors import bad_request, not_found
from sandbox.graph.listing import Collection, counted, listed
from sandbox.graph.objects import Entry
from sandbox.graph.properties import GROUP, USER
from sandbox.graph.rendering import one_object
from sandbox.graph.writing import (
    bound_members,
    changed_properties,
    is_guid,
    new_properties,
    referenced_id,
)
from sandbox.wire import Response


def list_groups(call: Call) -> Response:
    """GET /groups."""
    return listed(call, _every_group(call))


def count_groups(call: Call) -> Response:
    """GET /groups/$count."""
    return counted(call, _every_group(call))


def get_group(call: Call, group_id: str) -> Response:
    """GET /groups/{id}."""
    return one_object(call, _seen(call, group_id))


def create_group(call: Call) -> Response:
    """POST /groups, with up to 20 members by `members@odata.bind`."""
    body = call.body()
    members = bound_members(body)
    newest = call.model.newest()
    for object_id in members:
        if newest.live(object_id) is None:
            raise not_found(object_id)
    created = call.model.create("group", new_properties(GROUP, body), members)
    return one_object(call, created, status=201)


def update_group(call: Call, group_id: str) -> Response:
    """PATCH /groups/{id}, which may add up to 20 members by `members@odata.bind`."""
    found = _newest(call, group_id)
    body = call.body()
    members = bound_members(body)
    properties = changed_properties(GROUP, body, found.properties)
    if members:
        call.model.add_members(found, members)
    if properties:
        call.model.update(_newest(call, group_id), properties)
    return Response(204)


def delete_group(call: Call, group_id: str) -> Response:
    """DELETE /groups/{id}."""
    call.model.delete(_newest(call, group_id))
    return Response(204)


def list_members(call: Call, group_id: str) -> Response:
    """GET /groups/{id}/members: the direct ones, of any kind."""
    return listed(call, _members(call, group_id))


def list_user_members(call: Call, group_id: str) -> Response:
    """GET /groups/{id}/members/microsoft.graph.user."""
    return listed(call, _only_users(_members(call, group_id)))


def count_members(call: Call, group_id: str) -> Response:
    """GET /groups/{id}/members/$count."""
    return counted(call, _members(call, group_id))


def list_transitive_members(call: Call, group_id: str) -> Response:
    """GET /groups/{id}/transitiveMembers: direct ones and those of groups within, of any kind, each once."""
    return listed(call, _transitive_members(call, group_id))


def list_transitive_user_members(call: Call, group_id: str) -> Response:
    """GET /groups/{id}/transitiveMembers/microsoft.graph.user."""
    return listed(call, _only_users(_transitive_members(call, group_id)))


def count_transitive_members(call: Call, group_id: str) -> Response:
    """GET /groups/{id}/transitiveMembers/$count."""
    return counted(call, _transitive_members(call, group_id))


def count_transitive_user_members(call: Call, group_id: str) -> Response:
    """GET /groups/{id}/transitiveMembers/microsoft.graph.user/$count."""
    return counted(call, _only_users(_transitive_members(call, group_id)))


def add_member(call: Call, group_id: str) -> Response:
    """POST /groups/{id}/members/$ref."""
    found = _newest(call, group_id)
    call.model.add_members(found, [referenced_id(call.body().get("@odata.id"))])
    return Response(204)


def remove_member(call: Call, group_id: str, member_id: str) -> Response:
    """DELETE /groups/{id}/members/{id}/$ref."""
    call.model.remove_member(_newest(call, group_id), member_id)
    return Response(204)


def _every_group(call: Call) -> Collection:
    return Collection(call.view.entries("group"), GROUP, "groups")


def _members(call: Call, group_id: str) -> Collection:
    return Collection(_shown(call, _seen(call, group_id), call.view.members), None, "directoryObjects")


def _transitive_members(call: Call, group_id: str) -> Collection:
    return Collection(_shown(call, _seen(call, group_id), call.view.transitive_members), None, "directoryObjects")


def _shown(call: Call, group: Entry, members: Callable[[Entry], list[Entry]]) -> list[Entry]:
    """The members that a list shows."""
    stale = call.model.switches.stale_members.get(group.id)
    if stale is None:
        return members(group)
    return [found for object_id in stale if (found := call.view.live(object_id)) is not None]


def _only_users(collection: Collection) -> Collection:
    users = [entry for entry in collection.entries if entry.kind == "user"]
    return Collection(users, USER, "users", cast=True)


def _seen(call: Call, group_id: str) -> Entry:
    """The group as reads see it."""
    _require_guid(group_id)
    found = call.view.live(group_id, "group")
    if found is None:
        raise not_found(group_id)
    return found


def _newest(call: Call, group_id: str) -> Entry:
    """The group as writes see it."""
    _require_guid(group_id)
    found = call.model.newest().live(group_id, "group")
    if found is None:
        raise not_found(group_id)
    return found


def _require_guid(group_id: str) -> None:
    if not is_guid(group_id):
        raise bad_request(f"Invalid object identifier '{group_id}'.")
