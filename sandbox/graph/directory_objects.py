"""The operation on `/directoryObjects`: which objects these ids are, of any kind.

Lives here: finding them, and how an app's service principal looks. What may be read of an object is asked of each: one
that the caller may not read comes with its type and id alone, as documented.
"""

from collections.abc import Sequence
from typing import Any, Final

from sandbox.graph.call import Call
from sandbox.graph.errors import bad_request, denied, malformed
from sandbox.graph.permissions import READ_APPLICATIONS, READ_DIRECTORY
from sandbox.graph.rendering import JSON_TYPE, chosen_names, rendered
from sandbox.graph.writing import is_guid
from sandbox.identity import Identity
from sandbox.wire import Response, as_json

_MOST_IDS: Final = 1000
"""How many ids one getByIds may ask about, as documented."""


def get_by_ids(call: Call) -> Response:
    """POST /directoryObjects/getByIds: those of the ids that are alive, in no promised order."""
    if call.model.switches.get_by_ids_needs_directory and not call.permissions.allow(READ_DIRECTORY):
        raise denied()
    ids, types = _asked(call, "ids") or [], _asked(call, "types", required=False)
    if not ids or len(ids) > _MOST_IDS:
        raise bad_request(f"The number of ids must be between 1 and {_MOST_IDS}: {len(ids)}.")
    if wrong := [each for each in ids if not is_guid(each)]:
        raise bad_request(f"Invalid GUID: {wrong[0]}")
    names = chosen_names(call.options.select, None, collection=True)
    refused = call.model.switches.get_by_ids_refuses
    if refused is not None and refused in (names or ()):
        raise malformed(
            f"Parsing OData Select and Expand failed: Could not find a property named '{refused}' on type "
            "'microsoft.graph.directoryObject'."
        )
    found = [shown for each in dict.fromkeys(one.lower() for one in ids) if (shown := _object(call, each, names))]
    wanted = None if types is None else {each.lower() for each in types}
    kept = [one for one in found if wanted is None or one["@odata.type"].rpartition(".")[2].lower() in wanted]
    body = {"@odata.context": f"{call.root}/$metadata#directoryObjects", "value": kept}
    return as_json(200, body, {"content-type": JSON_TYPE, "odata-version": "4.0"})


def _asked(call: Call, name: str, *, required: bool = True) -> list[str] | None:
    given = call.body().get(name)
    if given is None and not required:
        return None
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise malformed(f"The parameter '{name}' must be a collection of strings.")
    return given


def _object(call: Call, object_id: str, names: Sequence[str] | None) -> dict[str, Any] | None:
    entry = call.view.live(object_id)
    if entry is not None:
        return rendered(call, entry, names, typed=True)
    identity = call.model.identity(object_id)
    return None if identity is None else _app(call, identity, names)


def _app(call: Call, identity: Identity, names: Sequence[str] | None) -> dict[str, Any]:
    may = call.permissions.allow(READ_APPLICATIONS)
    known = {"id": identity.object_id, "displayName": identity.name, "accountEnabled": True}
    shown = {name: known[name] if may or name == "id" else None for name in known if names is None or name in names}
    return {"@odata.type": "#microsoft.graph.servicePrincipal", **shown}
