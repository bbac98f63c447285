"""The operations on `/servicePrincipals`: which apps the tenant has, and which permissions of Graph they were assigned.

Lives here: one function per operation, from a call to an answer. Only what one needs to give an app its permissions is
built: a service principal by its id or application id, and the assignments of permissions of Microsoft Graph.

Sources: Graph v1.0, resource types "servicePrincipal" and "appRoleAssignment", "Grant an appRoleAssignment for a
service principal". Refusals as clients report them.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sandbox.graph.app_role_book import AppRoleAssignment
from sandbox.graph.app_roles import GRAPH_APP_ID, GRAPH_NAME, graph_object_id, role_id
from sandbox.graph.call import Call
from sandbox.graph.errors import bad_request, denied, malformed, not_built, not_found
from sandbox.graph.permissions import READ_APPLICATIONS
from sandbox.graph.rendering import JSON_TYPE
from sandbox.graph.writing import is_guid
from sandbox.identity import Identity
from sandbox.wire import Response, as_json

BY_APP_ID: Final = "appId="
"""How a key begins that is an application id: `servicePrincipals(appId='...')`."""


def get_service_principal(call: Call, key: str) -> Response:
    """GET /servicePrincipals/{id} and /servicePrincipals(appId='{id}')."""
    _require_reader(call)
    properties = _graph(call) if _is_graph(call, key) else _app(_identity(call, key))
    shown = properties if call.options.select is None else _selected(properties, call.options.select)
    return _json(200, {"@odata.context": f"{call.root}/$metadata#servicePrincipals/$entity", **shown})


def list_app_role_assignments(call: Call, key: str) -> Response:
    """GET /servicePrincipals/{id}/appRoleAssignments: what this app was assigned."""
    _require_reader(call)
    identity = _identity(call, key)
    return _listed(call, f"('{identity.object_id}')/appRoleAssignments", call.model.app_roles.of(identity.object_id))


def list_app_role_assigned_to(call: Call, key: str) -> Response:
    """GET /servicePrincipals/{id}/appRoleAssignedTo: who was assigned a permission of this app."""
    _require_reader(call)
    rows = call.model.app_roles.every() if _is_graph(call, key) else ()
    if not rows:
        _known(call, key)
    return _listed(call, f"('{key.lower()}')/appRoleAssignedTo", rows)


def assign_to(call: Call, key: str) -> Response:
    """POST /servicePrincipals/{id of Graph}/appRoleAssignedTo."""
    return _assign(call, call.body(), at="resourceId", key=key)


def assign(call: Call, key: str) -> Response:
    """POST /servicePrincipals/{id of the app}/appRoleAssignments: the same, from the other side."""
    return _assign(call, call.body(), at="principalId", key=key)


def unassign(call: Call, key: str, assignment_id: str) -> Response:
    """DELETE of an assignment, under the app or under Graph."""
    _known(call, key)
    call.model.app_roles.remove(assignment_id)
    return Response(204)


def _assign(call: Call, body: Mapping[str, Any], *, at: str, key: str) -> Response:
    asked = {name: _guid(body, name) for name in ("principalId", "resourceId", "appRoleId")}
    if asked[at] != _known(call, key):
        raise bad_request("Not a valid reference update.")
    if asked["resourceId"] != graph_object_id(call.model.tenant_id):
        if call.model.identity(asked["resourceId"]) is None:
            raise not_found(asked["resourceId"])
        raise not_built("permissions of other apps than Microsoft Graph")
    principal = call.model.identity(asked["principalId"])
    if principal is None:
        if call.model.newest().live(asked["principalId"]) is not None:
            raise bad_request("Permission being assigned can only be assigned to applications.")
        raise not_found(asked["principalId"])
    row = call.model.app_roles.add(principal.object_id, asked["appRoleId"])
    context = f"{call.root}/$metadata#servicePrincipals('{key.lower()}')/{_COLLECTION[at]}/$entity"
    return _json(201, {"@odata.context": context, **_rendered(call, row)})


_COLLECTION: Final = {"resourceId": "appRoleAssignedTo", "principalId": "appRoleAssignments"}


def _require_reader(call: Call) -> None:
    """Apps need a permission. A member of the tenant may read apps by the directory's defaults."""
    speaker = call.model.speaker(call.caller.object_id)
    is_person = speaker is not None and speaker.person is not None
    if not is_person and not call.permissions.allow(READ_APPLICATIONS):
        raise denied()


def _is_graph(call: Call, key: str) -> bool:
    return key.lower() in {f"{BY_APP_ID}{GRAPH_APP_ID}".lower(), graph_object_id(call.model.tenant_id)}


def _identity(call: Call, key: str) -> Identity:
    app_id = key.removeprefix(BY_APP_ID)
    found = call.model.identity(key) if app_id == key else call.model.identity_of_app(app_id)
    if found is None:
        raise not_found(app_id)
    return found


def _known(call: Call, key: str) -> str:
    """The object id of the service principal of that key. Raises GraphError, 404, where there is none."""
    return graph_object_id(call.model.tenant_id) if _is_graph(call, key) else _identity(call, key).object_id.lower()


def _graph(call: Call) -> dict[str, Any]:
    return {
        "id": graph_object_id(call.model.tenant_id),
        "accountEnabled": True,
        "appDisplayName": GRAPH_NAME,
        "appId": GRAPH_APP_ID,
        "displayName": GRAPH_NAME,
        "servicePrincipalType": "Application",
        "appRoles": [
            {
                "allowedMemberTypes": ["Application"],
                "description": value,
                "displayName": value,
                "id": found,
                "isEnabled": True,
                "origin": "Application",
                "value": value,
            }
            for found, value in call.model.app_roles.roles.items()
        ],
    }


def _app(identity: Identity) -> dict[str, Any]:
    return {
        "id": identity.object_id,
        "accountEnabled": True,
        "appDisplayName": None,
        "appId": identity.client_id,
        "displayName": identity.name,
        "servicePrincipalType": "ManagedIdentity",
        "appRoles": [],
    }


def _selected(properties: Mapping[str, Any], select: Iterable[str]) -> dict[str, Any]:
    names = {name.lower(): name for name in properties}
    unknown = [name for name in select if name.lower() not in names]
    if unknown:
        raise malformed(
            f"Parsing OData Select and Expand failed: Could not find a property named '{unknown[0]}' on type "
            "'microsoft.graph.servicePrincipal'."
        )
    wanted = {name.lower() for name in select}
    return {name: value for name, value in properties.items() if name.lower() in wanted}


def _listed(call: Call, what: str, rows: Iterable[AppRoleAssignment]) -> Response:
    context = f"{call.root}/$metadata#servicePrincipals{what}"
    return _json(200, {"@odata.context": context, "value": [_rendered(call, row) for row in rows]})


def _rendered(call: Call, row: AppRoleAssignment) -> dict[str, Any]:
    principal = call.model.identity(row.principal_id)
    always = row.created == datetime.min.replace(tzinfo=UTC)
    return {
        "id": row.id,
        "deletedDateTime": None,
        "appRoleId": role_id(row.value),
        "createdDateTime": None if always else f"{row.created.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z",
        "principalDisplayName": principal.name if principal is not None else None,
        "principalId": row.principal_id,
        "principalType": "ServicePrincipal",
        "resourceDisplayName": GRAPH_NAME,
        "resourceId": graph_object_id(call.model.tenant_id),
    }


def _guid(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not is_guid(value):
        raise bad_request(f"Invalid value specified for property '{name}' of resource 'AppRoleAssignment'.")
    return value.lower()


def _json(status: int, body: Mapping[str, Any]) -> Response:
    return as_json(status, body, {"content-type": JSON_TYPE, "odata-version": "4.0"})
