"""The query options of a request: what is asked for, before anybody judges whether this collection has it.

Lives here: reading `$select`, `$filter` and their kind from the wire. Options without the dollar sign are
not OData on v1.0 and are ignored, as the real service does.
"""

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus

from sandbox.graph.errors import bad_request, malformed, not_built, unsupported_query
from sandbox.wire import Request

LARGEST_PAGE: Final = 999
"""The most that `$top` may ask for in users, groups and members."""

DEFAULT_PAGE: Final = 100
"""How many objects a page has where `$top` says nothing."""

_NUMBER: Final = re.compile(r"[0-9]{1,9}")

_KNOWN: Final = frozenset(
    {
        "$select",
        "$filter",
        "$top",
        "$count",
        "$orderby",
        "$skiptoken",
        "$search",
        "$expand",
        "$skip",
        "$format",
    }
)


@dataclass(frozen=True, slots=True)
class Options:
    """The query options of one request. `eventual` says that it has the header ConsistencyLevel: eventual."""

    select: tuple[str, ...] | None = None
    filter: str | None = None
    top: int | None = None
    count: bool = False
    order_by: str | None = None
    skip_token: str | None = None
    eventual: bool = False

    @property
    def advanced(self) -> bool:
        """Whether advanced queries are allowed: both the header and `$count=true`."""
        return self.eventual and self.count


def read_options(request: Request) -> Options:
    """The query options of a request.

    Raises:
        GraphError: 400 for an option that is unknown, malformed, repeated or not possible here.
    """
    given: dict[str, str] = {}
    for part in request.query.split("&"):
        name, _, value = part.partition("=")
        key = unquote_plus(name).lower()
        if not key.startswith("$"):
            continue
        if key not in _KNOWN:
            raise malformed(f"The query parameter '{key}' is not supported.")
        if key in given:
            raise malformed(f"Query option '{key}' was specified more than once, but it must be specified once.")
        given[key] = unquote_plus(value)
    eventual = request.headers.get("consistencylevel", "").lower() == "eventual"
    if "$skip" in given:
        raise bad_request("'$skip' is not supported by the service.")
    if "$search" in given:
        if not eventual:
            raise unsupported_query(
                "Request with $search query parameter only works through MSGraph with a special request "
                "header: 'ConsistencyLevel: eventual'"
            )
        raise not_built("$search")
    if "$expand" in given:
        raise not_built("$expand")
    return Options(
        select=_names(given.get("$select")),
        filter=given.get("$filter"),
        top=_page_size(given.get("$top")),
        count=_flag(given.get("$count", "false")),
        order_by=given.get("$orderby"),
        skip_token=given.get("$skiptoken"),
        eventual=eventual,
    )


def without_skip_token(query: str) -> str:
    """The query as it was sent, less its `$skiptoken`: the beginning of a nextLink."""
    return "&".join(
        part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]).lower() != "$skiptoken"
    )


def _names(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        raise malformed("Parsing OData Select and Expand failed: Found an empty name in '$select'.")
    return names


def _page_size(text: str | None) -> int | None:
    if text is None:
        return None
    if not _NUMBER.fullmatch(text):
        raise malformed(f"Invalid value '{text}' for $top query option found.")
    size = int(text)
    if not 1 <= size <= LARGEST_PAGE:
        raise unsupported_query(
            f"Invalid page size specified: '{size}'. Must be between 1 and {LARGEST_PAGE} inclusive."
        )
    return size


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise malformed(f"Invalid value '{text}' for $count query option found.")
    return text.lower() == "true"
