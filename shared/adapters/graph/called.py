"""What principals of any kind are called, and whether they have a mailbox, as Microsoft Graph says.

Lives here: the requests for it and how their answers read. No decision rests on a name: a row that says little is read
as far as it goes, and what the directory does not let us know stays unknown.
"""

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import batched, islice
from typing import Any, Final

from azure.core.rest import HttpRequest
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from msgraph.generated.directory.deleted_items.graph_user.graph_user_request_builder import (
    GraphUserRequestBuilder as DeletedUsersRequestBuilder,
)
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from pydantic import Field, ValidationError

from shared.adapters.graph.client import GraphClient
from shared.adapters.graph.people import as_python
from shared.adapters.graph.wire import Answer, misfit
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.keys import PersonKey
from shared.domain.policy.filter_tree import quote
from shared.domain.view import Called, Mailbox
from shared.errors import FailedRead, Permanent, QueryRefused

IDS_A_CALL: Final = 500
"""Object ids that one request asks about: half of what `getByIds` takes, as people's plans make answers long."""

IDS_A_FILTER: Final = 15
"""Object ids in one filter: as many clauses as a filter without advanced parameters may have."""

MOST_FILTERS: Final = 20
"""Requests with a filter that one question makes at the most, of each kind. Whom they leave out is not known."""

_PLANS: Final = "assignedPlans"
_SELECT: Final = ("id", "displayName", "mail", "userPrincipalName", "employeeId", "accountEnabled", "userType", _PLANS)

_USER: Final = "user"
_DELETED: Final = "deleted user"
_NEEDS: Final = "User.Read.All and GroupMember.Read.All (or Directory.Read.All)"

_KINDS: Final = {
    "group": PrincipalKind.GROUP,
    "directoryrole": PrincipalKind.GROUP,
    "administrativeunit": PrincipalKind.GROUP,
    "serviceprincipal": PrincipalKind.APP,
    "application": PrincipalKind.APP,
}
"""The kinds of directory object that are no user, lower-case."""

_log = logging.getLogger(__name__)


class _Rows(Answer):
    """A page of directory objects, each of which may be anything."""

    value: list[dict[str, Any]]
    next_link: str | None = Field(None, alias="@odata.nextLink")


class Names:
    """Asks what principals are called, in as few requests as Graph allows: see `ports.Directory.called`."""

    def __init__(self, graph: GraphClient) -> None:
        self._graph = graph
        self._root = graph.sdk.path_parameters["baseurl"]

    async def called(self, ids: Collection[str], at: datetime) -> Mapping[str, Called]:
        """See `ports.Directory.called`. Raises as `GraphClient.read` does."""
        asked = sorted({one for given in ids if (one := _guid(given)) is not None})
        unknown = {given: Called(object_id=given, kind=PrincipalKind.UNKNOWN, asked=at, used=at) for given in ids}
        found, elsewhere = await self._living(asked, at)
        missing = [one for one in asked if one not in found]
        found |= await self._deleted(missing, at)
        kind = PrincipalKind.UNKNOWN if elsewhere else PrincipalKind.GONE
        nobody = {one: Called(object_id=one, kind=kind, asked=at, used=at) for one in missing}
        known = nobody | found
        return {given: known.get(_guid(given) or "", unknown[given]) for given in unknown}

    async def _living(self, asked: Sequence[str], at: datetime) -> tuple[dict[str, Called], bool]:
        """Those whom the directory has; and whether there may be others that could not be asked about.

        Graph's page asks for Directory.Read.All to read objects of any kind by id, and was seen to give users to an
        app that may read users. Where it does not, users are listed.
        """
        found: dict[str, Called] = {}
        try:
            for chunk in batched(asked, IDS_A_CALL, strict=False):
                found |= {one.object_id: one for one in await self._by_ids(chunk, at)}
        except (Permanent, QueryRefused) as refusal:
            _log.warning("what groups and apps are called cannot be asked: %s", refusal)
        else:
            return found, False
        for ids in _filters(asked):
            query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
                filter=ids, select=list(_SELECT), top=IDS_A_FILTER
            )
            first = self._graph.sdk.users.to_get_request_information(RequestConfiguration(query_parameters=query))
            async for row in self._graph.pages(_page, first, "what users are called", _NEEDS):
                if (one := _read(row, at, _USER)) is not None:
                    found[one.object_id] = one
        return found, True

    async def _by_ids(self, ids: Sequence[str], at: datetime) -> list[Called]:
        what = f"what {len(ids)} principals are called"
        try:
            rows = await self._post(ids, _SELECT, what)
        except QueryRefused:
            # A directory object as such has no plans: then nobody's mailbox is known.
            rows = await self._post(ids, _SELECT[:-1], what)
        return [one for row in rows if (one := _read(row, at)) is not None]

    async def _post(self, ids: Sequence[str], select: Sequence[str], what: str) -> list[dict[str, Any]]:
        address = f"{self._root}/directoryObjects/getByIds?$select={','.join(select)}"
        request = HttpRequest("POST", address, json={"ids": list(ids)})
        body = await self._graph.read(request, what, _NEEDS)
        if body is None:
            raise FailedRead(f"{what}: Graph knows no such question")
        return [*_page(body, what)[0]]

    async def _deleted(self, missing: Sequence[str], at: datetime) -> dict[str, Called]:
        """Those of them who are among the deleted items, which keep users for thirty days."""
        found = {}
        try:
            for ids in _filters(missing):
                query = DeletedUsersRequestBuilder.GraphUserRequestBuilderGetQueryParameters(
                    filter=ids, select=list(_SELECT[:-1]), top=IDS_A_FILTER, count=True
                )
                headers = HeadersCollection({"ConsistencyLevel": "eventual"})
                first = self._graph.sdk.directory.deleted_items.graph_user.to_get_request_information(
                    RequestConfiguration(query_parameters=query, headers=headers)
                )
                async for row in self._graph.pages(_page, first, "what the deleted were called", _NEEDS):
                    if (one := _read(row, at, _DELETED)) is not None:
                        found[one.object_id] = one
        except QueryRefused as refusal:
            _log.warning("what the deleted were called cannot be asked: %s", refusal)
        return found


def _filters(ids: Sequence[str]) -> Iterator[str]:
    for chunk in islice(batched(ids, IDS_A_FILTER, strict=False), MOST_FILTERS):
        yield f"id in ({','.join(map(quote, chunk))})"


def _page(body: bytes, what: str) -> tuple[Sequence[dict[str, Any]], str | None]:
    try:
        page = _Rows.model_validate(as_python(body, what))
    except ValidationError as error:
        raise misfit(error, what) from error
    return page.value, page.next_link


def _read(row: Mapping[str, Any], at: datetime, kind: str | None = None) -> Called | None:
    """A directory object as it says what it is called; None where it does not say which one it is.

    `kind` is what the list is of, where its rows do not say. A kind that the app may not read has a type and an id, and
    nothing else.
    """
    object_id = _guid(row.get("id"))
    if object_id is None:
        return None
    said = kind or _text(row, "@odata.type").rpartition(".")[2].lower()
    upn = _text(row, "userPrincipalName")
    called = Called(
        object_id=object_id,
        kind=_KINDS.get(said, PrincipalKind.UNKNOWN),
        name=_text(row, "displayName"),
        asked=at,
        used=at,
    )
    if said not in {_USER, _DELETED}:
        return called
    is_guest = _text(row, "userType").lower() == "guest" or "#ext#" in upn.lower()
    return replace(
        called,
        kind=PrincipalKind.GONE if said == _DELETED else PrincipalKind.GUEST if is_guest else PrincipalKind.PERSON,
        address=_text(row, "mail"),
        # The directory puts a deleted user's id before their name, without dashes.
        upn=upn.removeprefix(object_id.replace("-", "")) if said == _DELETED else upn,
        employee_id=_text(row, "employeeId"),
        mailbox=Mailbox.NO if said == _DELETED else _mailbox(row),
    )


def _mailbox(row: Mapping[str, Any]) -> Mailbox:
    """Whether a user has a mailbox: yes with an address and a plan for one, no without an address.

    An address alone may be anybody's, such as a guest's at home; and of a disabled account nobody knows what becomes of
    its mail.
    """
    if _text(row, "userPrincipalName") and "mail" in row and not _text(row, "mail"):
        return Mailbox.NO
    plans = row.get(_PLANS)
    has_plan = isinstance(plans, list) and any(_is_mailbox(plan) for plan in plans)
    return Mailbox.YES if has_plan and _text(row, "mail") and row.get("accountEnabled") is True else Mailbox.NOT_KNOWN


def _is_mailbox(plan: Any) -> bool:
    match plan:
        case {"service": str(service), "capabilityStatus": str(status)}:
            return service.lower() == "exchange" and status.lower() == "enabled"
    return False


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""


def _guid(value: Any) -> str | None:
    try:
        return PersonKey(value).object_id if isinstance(value, str) else None
    except ValueError:
        return None
