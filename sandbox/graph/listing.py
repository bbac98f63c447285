"""How a collection is answered: filtered, ordered, cut into pages, counted.

Lives here: what is the same for users, groups, members and deleted items. Which objects there are to choose
from is decided by the caller.
"""

import base64
import binascii
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from sandbox.graph.call import Call
from sandbox.graph.errors import GraphError, bad_request, malformed, unsupported_query
from sandbox.graph.filters import read_filter
from sandbox.graph.objects import Entry
from sandbox.graph.properties import Resource
from sandbox.graph.query import DEFAULT_PAGE, Options, without_skip_token
from sandbox.graph.rendering import JSON_TYPE, chosen_names, readable, rendered
from sandbox.wire import Response, as_json

type Rank = tuple[str, int]
"""An object's place in a listing: what it is ordered by, then its age."""

_TOKEN_PREFIX: Final = "RFNwdA+/"  # noqa: S105  a page token is no secret
"""Every token has characters that do not survive being decoded and encoded again carelessly, as real ones
do."""

_REAL_ROOT: Final = "https://graph.microsoft.com"

_ORDERED_PLAINLY: Final = frozenset({"displayName", "userPrincipalName"})
"""What a plain request may order by; createdDateTime and others need an advanced one."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A set of objects that a request may list.

    `resource` is None for a set of directory objects of any kind; `context` is how the metadata names the
    set; `cast` says that the path narrows a mixed set to one kind.
    """

    entries: Iterable[Entry]
    resource: Resource | None
    context: str
    cast: bool = False


@dataclass(frozen=True, slots=True)
class _Position:
    """Where a page begins: after that rank; `after_gap` when the empty page before it has been given out.

    `name` is the last row's user principal name, which real tokens hold as well.
    """

    rank: Rank | None
    after_gap: bool
    name: str = ""


def listed(call: Call, collection: Collection) -> Response:
    """One page of a collection.

    Raises:
        GraphError: for a query that Graph refuses on this collection.
    """
    options, switches = call.options, call.model.switches
    _require_cast_allowed(call, collection)
    names = chosen_names(options.select, collection.resource, collection=True)
    position = _read_token(call, options.skip_token) if options.skip_token is not None else None
    order, descending = _order(options, collection.resource)

    def rank(entry: Entry) -> Rank:
        value = entry.properties.get(order) if order is not None else None
        return (str(value or "").casefold(), entry.sequence)

    found = sorted(_filtered(call, collection), key=rank, reverse=descending)
    begin = position.rank if position is not None else None
    remaining = (
        [e for e in found if (rank(e) < begin if descending else rank(e) > begin)] if begin is not None else found
    )
    gap = switches.empty_pages and bool(remaining) and not (position is not None and position.after_gap)
    page = [] if gap else remaining[: options.top or DEFAULT_PAGE]
    following: _Position | None = None
    if gap:
        following = _Position(begin, after_gap=True)
    elif len(page) < len(remaining):
        name = str(page[-1].properties.get("userPrincipalName") or "")
        following = _Position(rank(page[-1]), after_gap=False, name=name)

    fields = f"({','.join(names)})" if names is not None else ""
    body: dict[str, Any] = {"@odata.context": f"{call.root}/$metadata#{collection.context}{fields}"}
    if options.advanced and position is None:
        body["@odata.count"] = len(found)
    if following is not None:
        body["@odata.nextLink"] = _next_link(call, following)
    body["value"] = [rendered(call, entry, names, typed=collection.resource is None) for entry in page]
    return as_json(200, body, {"content-type": JSON_TYPE, "odata-version": "4.0"})


def counted(call: Call, collection: Collection) -> Response:
    """How many objects a collection has, as plain text.

    Raises:
        GraphError: 400 without ConsistencyLevel: eventual, as documented.
    """
    if not call.options.eventual:
        raise bad_request("$count is not currently supported.")
    number = sum(1 for _ in _filtered(call, collection))
    return Response(200, {"content-type": "text/plain", "odata-version": "4.0"}, str(number).encode())


def _require_cast_allowed(call: Call, collection: Collection) -> None:
    if collection.cast and call.model.switches.cast_needs_advanced and not call.options.advanced:
        raise unsupported_query(
            "Casting to a specific type is only supported with the header 'ConsistencyLevel: eventual' "
            "and '$count=true'."
        )


def _require_short(call: Call) -> None:
    longest = call.model.switches.longest_advanced_url
    length = len(_REAL_ROOT) + len(call.request.target)
    if call.options.eventual and longest is not None and length > longest:
        raise unsupported_query(f"The URL of an advanced query exceeds {longest} characters: {length}.")


def _filtered(call: Call, collection: Collection) -> list[Entry]:
    _require_short(call)
    text = call.options.filter
    if text is None:
        return list(collection.entries)
    if collection.resource is None:
        raise unsupported_query("Filter on a collection of directory objects needs a cast to one type.")
    # The segment `$count` is itself an advanced query: it needs no second `$count`.
    advanced = call.options.advanced or (call.options.eventual and call.request.path.endswith("/$count"))
    chosen = read_filter(text, collection.resource, advanced=advanced, switches=call.model.switches)
    return [entry for entry in collection.entries if chosen.matches(readable(call, entry))]


def _order(options: Options, resource: Resource | None) -> tuple[str | None, bool]:
    """The property to order by, and whether downwards."""
    if options.order_by is None:
        return None, False
    name, _, direction = options.order_by.strip().partition(" ")
    found = resource.find(name) if resource is not None else None
    if found is None or direction.strip().lower() not in {"", "asc", "desc"}:
        raise unsupported_query("Sorting not supported for current query.")
    if not options.advanced and (options.filter is not None or found.name not in _ORDERED_PLAINLY):
        raise unsupported_query("Sorting not supported for current query.")
    return found.name, direction.strip().lower() == "desc"


def _next_link(call: Call, position: _Position) -> str:
    request = call.request
    base = call.model.switches.foreign_next_link or request.base
    path = request.target.partition("?")[0]
    token = f"$skiptoken={quote(_token(call, position), safe='')}"
    kept = without_skip_token(request.query)
    return f"{base}{path}?{kept}&{token}" if kept else f"{base}{path}?{token}"


def _token(call: Call, position: _Position) -> str:
    state = [position.rank, position.after_gap, int(call.model.now().timestamp()), position.name]
    return _TOKEN_PREFIX + base64.b64encode(json.dumps(state).encode()).decode()


def _read_token(call: Call, token: str) -> _Position:
    refusal = malformed("Invalid skiptoken was specified.")
    if not token.startswith(_TOKEN_PREFIX):
        raise refusal
    try:
        state = json.loads(base64.b64decode(token.removeprefix(_TOKEN_PREFIX), validate=True))
    except (ValueError, binascii.Error) as error:
        raise refusal from error
    rank: Rank | None
    match state:
        case [[str(key), int(sequence)], bool(after_gap), int(issued), str()]:
            rank = (key, sequence)
        case [None, bool(after_gap), int(issued), str()]:
            rank = None
        case _:
            raise refusal
    lifetime = call.model.switches.page_token_lifetime_seconds
    if lifetime is not None and call.model.now().timestamp() - issued > lifetime:
        raise GraphError(400, "Directory_ExpiredPageToken", "The specified page token value has expired.")
    return _Position(rank, after_gap)
