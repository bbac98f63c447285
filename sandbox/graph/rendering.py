"""How a directory object looks on the wire.

Lives here: which properties an answer has and in what form. Never which objects.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.graph.call import Call
from sandbox.graph.errors import GraphError, malformed
from sandbox.graph.objects import RESOURCES, Entry, ObjectKind
from sandbox.graph.permissions import READ_GROUPS, READ_LEAVE_DATE, READ_USERS
from sandbox.graph.properties import COMPLEX_MEMBERS, HIRE_DATE, LEAVE_DATE, Kind, Resource
from sandbox.wire import Response, as_json

JSON_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"
"""The content type of everything that Graph answers with success."""


def chosen_names(
    select: Sequence[str] | None, resource: Resource | None, *, collection: bool
) -> tuple[str, ...] | None:
    """The selected names as the resource writes them; None where nothing is selected.

    A resource of None is the directory object that may be anything: what any kind of object has may be
    selected.

    Raises:
        GraphError: 400 for a name that the resource does not have, 501 for one that is kept outside the
        directory
            when a collection is asked.
    """
    if select is None:
        return None
    resources = [resource] if resource is not None else list(RESOURCES.values())
    names = []
    for name in select:
        found = next((p for r in resources if (p := r.find(name)) is not None), None)
        if found is None:
            of_type = resource.name if resource is not None else "directoryObject"
            raise malformed(
                f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type "
                f"'microsoft.graph.{of_type}'."
            )
        if collection and not found.in_directory:
            raise GraphError(501, "NotImplemented", "This operation target is not yet supported.")
        names.append(found.name)
    return tuple(dict.fromkeys(names))


def readable(call: Call, entry: Entry) -> Mapping[str, Any]:
    """An object's properties as this caller may know them: two dates have a permission of their own.

    Without it they are blank, and the answer no error (user resource page of Graph v1.0, and a recording).
    """
    if call.permissions.allow(READ_LEAVE_DATE):
        return entry.properties
    hidden = {LEAVE_DATE, HIRE_DATE} if call.model.switches.hire_date_needs_permission else {LEAVE_DATE}
    return {**entry.properties, **dict.fromkeys(hidden & entry.properties.keys())}


def rendered(call: Call, entry: Entry, names: Sequence[str] | None, *, typed: bool = False) -> dict[str, Any]:
    """An object as an answer shows it. `typed` puts its type first, as where any kind may come.

    A property that was never set is null; one that may not be read is null too.
    """
    shown: dict[str, Any] = {"@odata.type": f"#microsoft.graph.{entry.kind}"} if typed else {}
    properties: Mapping[str, Any] = readable(call, entry)
    if typed and not _may_read(call, entry.kind):
        properties = {"id": entry.id}
    for name in names if names is not None else entry.resource.by_default:
        found = entry.resource.find(name)
        if found is None:
            continue  # of another kind of object: a group has no jobTitle
        value = properties.get(name)
        match found.kind:
            case Kind.STRINGS | Kind.COMPLEXES:
                shown[name] = list(value or ())
            case Kind.COMPLEX if name == "onPremisesExtensionAttributes":
                shown[name] = {member: (value or {}).get(member) for member in COMPLEX_MEMBERS[name]}
            case _:
                shown[name] = value
    odd = call.model.switches.odd_values.get(entry.id, {})
    return shown | {name: value for name, value in odd.items() if name in shown}


def one_object(
    call: Call, entry: Entry, *, status: int = 200, context: str | None = None, typed: bool = False
) -> Response:
    """The answer that is one object. `context` is the entity set that it is said to come from."""
    names = chosen_names(call.options.select, None if typed else entry.resource, collection=False)
    fields = f"({','.join(names)})" if names is not None else ""
    entity_set = context or entry.resource.segment
    body = {
        "@odata.context": f"{call.root}/$metadata#{entity_set}{fields}/$entity",
        **rendered(call, entry, names, typed=typed),
    }
    return as_json(status, body, {"content-type": JSON_TYPE, "odata-version": "4.0"})


def _may_read(call: Call, kind: ObjectKind) -> bool:
    return call.permissions.allow(READ_USERS if kind == "user" else READ_GROUPS)
