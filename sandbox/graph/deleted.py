"""The operations on `/directory/deletedItems`: what was deleted in the last 30 days and can still come back.

Lives here: one function per operation, from a call to an answer. What may be read of a user or a group is
asked here, because the path does not say which of the two an id is.
"""

from sandbox.graph.call import Call
from sandbox.graph.errors import bad_request, denied, malformed, not_found
from sandbox.graph.listing import Collection, listed
from sandbox.graph.objects import Entry, ObjectKind, View
from sandbox.graph.permissions import DELETE_USERS, READ_GROUPS, READ_USERS, WRITE_GROUPS
from sandbox.graph.properties import GROUP, USER
from sandbox.graph.rendering import one_object
from sandbox.graph.writing import is_guid
from sandbox.wire import Response


def get_deleted(call: Call, object_id: str) -> Response:
    """GET /directory/deletedItems/{id}."""
    found = _readable(call, object_id)
    if call.options.select is not None and call.model.switches.deleted_select_needs_cast:
        for name in call.options.select:
            if name not in {"id", "deletedDateTime"}:
                raise malformed(
                    "Parsing OData Select and Expand failed: Could not find a property named "
                    f"'{name}' on type 'microsoft.graph.directoryObject'."
                )
    return one_object(call, found, context="directoryObjects", typed=True)


def get_deleted_user(call: Call, object_id: str) -> Response:
    """GET /directory/deletedItems/{id}/microsoft.graph.user."""
    found = _readable(call, object_id)
    if found.kind != "user":
        raise not_found(object_id)
    return one_object(call, found, context="directory/deletedItems/microsoft.graph.user")


def list_deleted_users(call: Call) -> Response:
    """GET /directory/deletedItems/microsoft.graph.user."""
    return _listed(call, "user")


def list_deleted_groups(call: Call) -> Response:
    """GET /directory/deletedItems/microsoft.graph.group."""
    return _listed(call, "group")


def restore_deleted(call: Call, object_id: str) -> Response:
    """POST /directory/deletedItems/{id}/restore."""
    restored = call.model.restore(_writable(call, object_id))
    return one_object(call, restored, context="directoryObjects", typed=True)


def purge_deleted(call: Call, object_id: str) -> Response:
    """DELETE /directory/deletedItems/{id}: for good."""
    call.model.purge(_writable(call, object_id))
    return Response(204)


def _listed(call: Call, kind: ObjectKind) -> Response:
    if not call.permissions.allow(READ_USERS if kind == "user" else READ_GROUPS):
        raise denied()
    resource = USER if kind == "user" else GROUP
    return listed(call, Collection(call.view.entries(kind, "deleted"), resource, resource.segment))


def _readable(call: Call, object_id: str) -> Entry:
    found = _deleted(call.view, object_id)
    if not call.permissions.allow(READ_USERS if found.kind == "user" else READ_GROUPS):
        raise denied()
    return found


def _writable(call: Call, object_id: str) -> Entry:
    found = _deleted(call.model.newest(), object_id)
    if not call.permissions.allow(DELETE_USERS if found.kind == "user" else WRITE_GROUPS):
        raise denied()
    return found


def _deleted(view: View, object_id: str) -> Entry:
    if not is_guid(object_id):
        raise bad_request(f"Invalid object identifier '{object_id}'.")
    found = view.entry(object_id)
    if found is None or found.state != "deleted":
        raise not_found(object_id)
    return found
