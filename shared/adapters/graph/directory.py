"""The directory, read from Microsoft Graph.

Lives here: which requests answer which question of `ports.Directory`. What a failure means is in `client`,
how an answer reads is in `wire` and `people`.

Nothing is concluded from an answer that is not complete. "Gone" is said only where the directory itself says
so of the object that was asked for, twice: among the living and among the deleted.
"""

import logging
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import batched
from typing import Final

from azure.core.credentials_async import AsyncTokenCredential
from azure.core.rest import HttpRequest
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.directory.deleted_items.graph_user.graph_user_request_builder import (
    GraphUserRequestBuilder as DeletedUsersRequestBuilder,
)
from msgraph.generated.directory.deleted_items.item.directory_object_item_request_builder import (
    DirectoryObjectItemRequestBuilder,
)
from msgraph.generated.groups.item.group_item_request_builder import GroupItemRequestBuilder
from msgraph.generated.groups.item.transitive_members.graph_user.graph_user_request_builder import (
    GraphUserRequestBuilder,
)
from msgraph.generated.users.item.check_member_groups.check_member_groups_post_request_body import (
    CheckMemberGroupsPostRequestBody,
)
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder

from shared.adapters.graph.called import Names
from shared.adapters.graph.client import GraphClient, sendable
from shared.adapters.graph.people import read_people, read_person, unless_withheld
from shared.adapters.graph.wire import DeletedAnswer, MemberGroupsAnswer, NamedAnswer, ObjectAnswer, Page, parse
from shared.adapters.http.gate import Gate, Kind
from shared.adapters.http.pipeline import Transport
from shared.domain.keys import NameKey, NameKind, PersonKey
from shared.domain.people import SELECT, AbsentPerson, DeletedPerson, ListedPerson, PersonRead, UnreadablePerson
from shared.domain.view import Called
from shared.errors import FailedRead, QueryRefused, Transient
from shared.settings import ClientSettings

PAGE_SIZE: Final = 999
"""People a page. The most that Graph gives."""

GROUPS_A_CALL: Final = 20
"""Groups that one `checkMemberGroups` accepts. Source: Graph, "directoryObject: checkMemberGroups"."""

_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
_USERS: Final = "User.Read.All (and User-LifeCycleInfo.Read.All, for leave dates)"
_MEMBERSHIPS: Final = "GroupMember.Read.All (besides User.Read.All)"

_FILTERS: Final = {
    NameKind.UPN: "userPrincipalName",
    NameKind.MAIL: "mail",
    NameKind.EMPLOYEE_ID: "employeeId",
}

_log = logging.getLogger(__name__)


class GraphDirectory:
    """`ports.Directory` on Microsoft Graph v1.0, by msgraph-sdk. See `GraphClient` for the arguments."""

    def __init__(
        self, settings: ClientSettings, credential: AsyncTokenCredential, *, transport: Transport | None = None
    ) -> None:
        # Graph counts units for an app in a tenant, whatever it asks.
        self._gate = Gate("Microsoft Graph", {Kind.READS: settings.graph_calls_per_second}, settings)
        self._graph = GraphClient(settings, credential, transport=transport, gate=self._gate)
        self._names = Names(self._graph)
        nobody = self._graph.sdk.users.by_user_id(_NOBODY)
        self._person_at = sendable(nobody.to_get_request_information(_SELECT_PERSON)).url
        self._memberships_at = sendable(
            nobody.check_member_groups.to_post_request_information(CheckMemberGroupsPostRequestBody())
        ).url

    @property
    def calls(self) -> Mapping[str, int]:
        """How many requests were sent to Graph so far, repetitions included, by kind: all are `reads`."""
        return {"reads": self._graph.calls}

    @property
    def waited(self) -> float:
        """Seconds for which calls waited for their turn so far."""
        return self._gate.waited

    async def close(self) -> None:
        """Closes the connections. The credential stays open: it is not ours."""
        await self._graph.close()

    async def person(self, object_id: str, groups: frozenset[str]) -> PersonRead:
        """Reads one person, and which of `groups` they are in (transitively). See `ports.Directory`.

        Raises:
            Transient: try again later, as when the person was deleted between two of the reads.
            FailedRead: an answer that is not complete, or about somebody else.
            Permanent: Graph refuses.
        """
        object_id = PersonKey(object_id).object_id
        what = f"person {object_id}"
        request = HttpRequest("GET", self._person_at.replace(_NOBODY, object_id))
        body = await self._graph.read(request, what, _USERS)
        if body is None:
            return await self._deleted_or_absent(object_id)
        person = read_person(body, what)
        _same(person.object_id, object_id, what)
        if isinstance(person, UnreadablePerson) or not groups:
            return person
        return replace(person, groups=await self.groups_of(object_id, groups))

    async def groups_of(self, object_id: str, groups: frozenset[str]) -> frozenset[str]:
        """Reads which of `groups` a person is in (transitively). See `ports.Directory`. Raises as `person` does."""
        object_id = PersonKey(object_id).object_id
        what = f"groups of person {object_id}"
        address = self._memberships_at.replace(_NOBODY, object_id)
        within: set[str] = set()
        for asked in batched(sorted(map(_guid, groups)), GROUPS_A_CALL, strict=False):
            request = HttpRequest("POST", address, json={"groupIds": asked})
            body = await self._graph.read(request, what, _MEMBERSHIPS)
            if body is None:
                raise Transient(f"{what}: the person was there a moment ago, and now is not")
            answered = {group.lower() for group in parse(MemberGroupsAnswer, body, what).value}
            if not answered <= set(asked):
                raise FailedRead(f"{what}: Graph names groups that were not asked about")
            within |= answered
        return frozenset(within)

    async def find(self, name: NameKey) -> Sequence[str]:
        """The object ids of everybody who is called that. See `ports.Directory`. Raises as `person` does."""
        quoted = "'" + name.value.replace("'", "''") + "'"
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter=f"{_FILTERS[name.kind]} eq {quoted}", select=["id"], top=PAGE_SIZE
        )
        first = self._graph.sdk.users.to_get_request_information(RequestConfiguration(query_parameters=query))
        what = f"everybody whose {_FILTERS[name.kind]} is the one asked for"
        pages = self._graph.pages(_read_objects, first, what, _USERS)
        if found := [one.id async for one in pages]:
            return found
        for check in (self._with_another_name, self._among_the_deleted):
            try:
                if found := await check(name, quoted):
                    break
            except QueryRefused as refusal:
                _log.warning("%s", refusal)
        return found

    async def _with_another_name(self, name: NameKey, quoted: str) -> list[str]:
        """Who has the name among their addresses, now that they are called otherwise."""
        if name.kind is NameKind.EMPLOYEE_ID:
            return []  # it stands in one place only
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter=f"userPrincipalName eq {quoted} or {_among_addresses(quoted)}",
            select=["id"],
            top=PAGE_SIZE,
            count=True,
        )
        first = self._graph.sdk.users.to_get_request_information(_advanced(query))
        what = "everybody with the name asked for among their addresses"
        pages = self._graph.pages(_read_objects, first, what, _USERS)
        return [one.id async for one in pages]

    async def _among_the_deleted(self, name: NameKey, quoted: str) -> list[str]:
        """Who was called that when they were deleted. The directory puts their id before a deleted user's name."""
        odata_filter = {
            NameKind.UPN: f"endsWith(userPrincipalName,{quoted})",
            NameKind.MAIL: _among_addresses(quoted),
            NameKind.EMPLOYEE_ID: f"employeeId eq {quoted}",
        }[name.kind]
        query = DeletedUsersRequestBuilder.GraphUserRequestBuilderGetQueryParameters(
            filter=odata_filter, select=["id", "userPrincipalName"], top=PAGE_SIZE, count=True
        )
        first = self._graph.sdk.directory.deleted_items.graph_user.to_get_request_information(_advanced(query))
        pages = self._graph.pages(_read_names, first, "everybody deleted who had the name asked for", _USERS)
        by_its_end = name.kind is NameKind.UPN
        return [one.id async for one in pages if not by_its_end or one.was_called(name.value)]

    def people(self, odata_filter: str) -> AsyncIterator[ListedPerson]:
        """Lists everybody whom a `$filter` preselects, without their groups; an empty filter lists everybody.

        Whoever stops at an error has an unfinished list. Raises as `person` does.
        """
        query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(
            filter=odata_filter or None, select=list(SELECT), top=PAGE_SIZE, count=True
        )
        first = self._graph.sdk.users.to_get_request_information(_advanced(query))
        return self._people(first, "people by filter", _USERS)

    def members(self, group: str) -> AsyncIterator[ListedPerson]:
        """Lists every person in a group, transitively, without their groups.

        Raises:
            Permanent: there is no such group (`group_exists` tells), or Graph refuses.
            Transient, FailedRead: as `person`.
        """
        return self._people(self._members(group, SELECT), f"members of group {group}", _MEMBERSHIPS)

    async def ids_in(self, group: str) -> Sequence[str]:
        """The object ids of the people in a group. See `ports.Directory`. Raises as `members` does."""
        pages = self._graph.pages(
            _read_objects, self._members(group, ["id"]), f"members of group {group}", _MEMBERSHIPS
        )
        return [*dict.fromkeys([one.id async for one in pages])]

    def _members(self, group: str, select: Sequence[str]) -> RequestInformation:
        query = GraphUserRequestBuilder.GraphUserRequestBuilderGetQueryParameters(
            select=[*select], top=PAGE_SIZE, count=True
        )
        members = self._graph.sdk.groups.by_group_id(_guid(group)).transitive_members.graph_user
        first: RequestInformation = members.to_get_request_information(_advanced(query))
        return first

    async def called(self, ids: Collection[str], at: datetime) -> Mapping[str, Called]:
        """What principals are called. See `ports.Directory`. Raises as `person` does."""
        return await self._names.called(ids, at)

    def _people(self, first: RequestInformation, what: str, needs: str) -> AsyncIterator[ListedPerson]:
        return unless_withheld(self._graph.pages(read_people, first, what, needs), what)

    async def group_exists(self, group: str) -> bool:
        """Whether the directory knows a group of this object id. Raises as `person` does."""
        group = _guid(group)
        what = f"group {group}"
        request = self._graph.sdk.groups.by_group_id(group).to_get_request_information(_SELECT_GROUP_ID)
        body = await self._graph.read(sendable(request), what, _MEMBERSHIPS)
        if body is None:
            return False
        _same(parse(ObjectAnswer, body, what).id, group, what)
        return True

    async def _deleted_or_absent(self, object_id: str) -> DeletedPerson | AbsentPerson:
        what = f"deleted person {object_id}"
        deleted = self._graph.sdk.directory.deleted_items.by_directory_object_id(object_id)
        request = sendable(deleted.to_get_request_information(_SELECT_DELETED_ID))
        body = await self._graph.read(request, what, _USERS)
        if body is None:
            return AbsentPerson(object_id)
        answer = parse(DeletedAnswer, body, what)
        _same(answer.id, object_id, what)
        if answer.odata_type is not None and answer.odata_type.lower() != "#microsoft.graph.user":
            return AbsentPerson(object_id)  # a deleted group or application: nobody of that id is known
        return DeletedPerson(object_id, answer.deleted)


def _read_objects(body: bytes, what: str) -> tuple[Sequence[ObjectAnswer], str | None]:
    page = parse(Page[ObjectAnswer], body, what)
    return page.value, page.next_link


def _read_names(body: bytes, what: str) -> tuple[Sequence[NamedAnswer], str | None]:
    page = parse(Page[NamedAnswer], body, what)
    return page.value, page.next_link


def _among_addresses(quoted: str) -> str:
    """The filter for whoever has an address. Graph knows no other test for lists of texts than `any`.

    `proxyAddresses` have a prefix, `SMTP:` before the first and `smtp:` before the others; whether its case matters is
    not documented.
    """
    value = quoted[1:]
    proxies = (f"proxyAddresses/any(p:p eq '{prefix}:{value})" for prefix in ("smtp", "SMTP"))
    return " or ".join([f"mail eq {quoted}", *proxies, f"otherMails/any(o:o eq {quoted})"])


def _advanced[Query](query: Query) -> RequestConfiguration[Query]:
    """Marks a request as an advanced query, which `$count=true` does only together with this header.

    Every page needs it anew. Source: Graph, "Advanced query capabilities on directory objects".
    """
    return RequestConfiguration(query_parameters=query, headers=HeadersCollection({"ConsistencyLevel": "eventual"}))


def _guid(group: str) -> str:
    return PersonKey(group).object_id


def _same(answered: str, asked: str, what: str) -> None:
    if answered != asked:
        raise FailedRead(f"{what}: Graph's answer is about another object")


_SELECT_PERSON: Final = RequestConfiguration(
    query_parameters=UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(select=list(SELECT))
)
_SELECT_DELETED_ID: Final = RequestConfiguration(
    query_parameters=DirectoryObjectItemRequestBuilder.DirectoryObjectItemRequestBuilderGetQueryParameters(
        select=["id", "deletedDateTime"]
    )
)
_SELECT_GROUP_ID: Final = RequestConfiguration(
    query_parameters=GroupItemRequestBuilder.GroupItemRequestBuilderGetQueryParameters(select=["id"])
)
