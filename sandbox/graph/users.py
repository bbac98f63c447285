"""The operations on `/users`.

Lives here: one function per operation, from a call to an answer. Permissions were asked before, as the table
of routes says; only what depends on the body or the answer is asked here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sandbox.graph.call import Call
from sandbox.graph.errors import bad_request, denied, malformed, not_found
from sandbox.graph.listing import Collection, counted, listed
from sandbox.graph.objects import Entry
from sandbox.graph.permissions import WRITE_LEAVE_DATE
from sandbox.graph.properties import GROUP, LEAVE_DATE, USER
from sandbox.graph.rendering import JSON_TYPE, one_object
from sandbox.graph.writing import changed_properties, is_guid, new_properties
from sandbox.wire import Response, as_json

_MOST_GROUPS: Final = 20
"""How many groups one checkMemberGroups may ask about, as documented."""


def list_users(call: Call) -> Response:
    """GET /users."""
    return listed(call, _everybody(call))


def count_users(call: Call) -> Response:
    """GET /users/$count."""
    return counted(call, _everybody(call))


def get_user(call: Call, key: str) -> Response:
    """GET /users/{id or userPrincipalName}."""
    return one_object(call, _seen(call, key))


def create_user(call: Call) -> Response:
    """POST /users."""
    body = call.body()
    _require_leave_date_writable(call, body)
    created = call.model.create("user", _with_addresses(new_properties(USER, body), ()))
    answer = one_object(call, created, status=201)
    location = f"{call.request.base}/v2/{call.model.tenant_id}/directoryObjects/{created.id}"
    return Response(
        answer.status,
        {**answer.headers, "location": f"{location}/Microsoft.DirectoryServices.User"},
        answer.body,
    )


def update_user(call: Call, key: str) -> Response:
    """PATCH /users/{id or userPrincipalName}."""
    found = _newest(call, key)
    body = call.body()
    _require_leave_date_writable(call, body)
    changed = changed_properties(USER, body, found.properties)
    call.model.update(found, _with_addresses(changed, found.properties.get("proxyAddresses") or ()))
    return Response(204)


def delete_user(call: Call, key: str) -> Response:
    """DELETE /users/{id or userPrincipalName}: into the deleted items."""
    call.model.delete(_newest(call, key))
    return Response(204)


def check_member_groups(call: Call, key: str) -> Response:
    """POST /users/{id}/checkMemberGroups: which of these groups contain this person."""
    found = _seen(call, key)
    asked = call.body().get("groupIds")
    if not isinstance(asked, list) or not all(isinstance(group_id, str) for group_id in asked):
        raise malformed("The parameter 'groupIds' must be a collection of strings.")
    if len(asked) > _MOST_GROUPS:
        raise bad_request(f"The number of groupIds exceeds the limit of {_MOST_GROUPS}: {len(asked)}.")
    if wrong := [group_id for group_id in asked if not is_guid(group_id)]:
        raise bad_request(f"Invalid GUID: {wrong[0]}")
    containing = {group.id for group in call.view.transitive_groups(found.id)}
    body = {
        "@odata.context": f"{call.root}/$metadata#Collection(Edm.String)",
        "value": [group_id for group_id in dict.fromkeys(asked) if group_id.lower() in containing],
    }
    return as_json(200, body, {"content-type": JSON_TYPE, "odata-version": "4.0"})


def list_transitive_groups(call: Call, key: str) -> Response:
    """GET /users/{id}/transitiveMemberOf."""
    found = _seen(call, key)
    return listed(call, Collection(call.view.transitive_groups(found.id), None, "directoryObjects"))


def list_transitive_groups_cast(call: Call, key: str) -> Response:
    """GET /users/{id}/transitiveMemberOf/microsoft.graph.group."""
    found = _seen(call, key)
    return listed(call, Collection(call.view.transitive_groups(found.id), GROUP, "groups", cast=True))


def _everybody(call: Call) -> Collection:
    return Collection(call.view.entries("user"), USER, "users")


def _seen(call: Call, key: str) -> Entry:
    """The user as reads see them."""
    found = call.view.user(key)
    if found is None:
        raise not_found(key)
    return found


def _newest(call: Call, key: str) -> Entry:
    """The user as writes see them."""
    found = call.model.newest().user(key)
    if found is None:
        raise not_found(key)
    return found


def _with_addresses(changed: Mapping[str, Any], addresses: Sequence[str]) -> dict[str, Any]:
    """A change of `mail` makes it the first of the user's addresses, and keeps the others, as documented."""
    mail = changed.get("mail")
    if not mail:
        return dict(changed)
    others = [f"smtp:{name}" for _, _, name in (each.partition(":") for each in addresses) if name != mail]
    return {**changed, "proxyAddresses": [f"SMTP:{mail}", *others]}


def _require_leave_date_writable(call: Call, body: Mapping[str, Any]) -> None:
    if LEAVE_DATE in body and not call.permissions.allow(WRITE_LEAVE_DATE):
        raise denied()
