"""Which application permissions of Microsoft Graph an app has, and giving and taking them.

Lives here: the requests, spelled by msgraph-sdk's builders, and how their answers read. What a failure means is in
`shared.adapters.graph.client`.

Sources: Graph v1.0, "Grant an appRoleAssignment for a service principal" and the methods beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph.generated.models.app_role_assignment import AppRoleAssignment
from msgraph.generated.service_principals.item.service_principal_item_request_builder import (
    ServicePrincipalItemRequestBuilder,
)
from msgraph.generated.service_principals_with_app_id.service_principals_with_app_id_request_builder import (
    ServicePrincipalsWithAppIdRequestBuilder,
)

from cli.setup.table import GRAPH_APP_ID
from shared.adapters.graph.client import GraphClient, Refusal, sendable
from shared.adapters.graph.wire import Answer, Page, parse
from shared.errors import FailedRead, QueryRefused, Transient

NEW_IDENTITY_WAIT: Final = timedelta(seconds=30)
"""How long to wait where the directory does not know an identity everywhere yet."""

_READS: Final = "Application.Read.All (a member of the tenant may read apps unless that was switched off)"
_ASSIGNS: Final = "AppRoleAssignment.ReadWrite.All"
_SELECT: Final = ["id", "appId", "displayName", "servicePrincipalType"]


class _Role(Answer):
    id: str
    value: str | None = None
    is_enabled: bool = True


class _Graph(Answer):
    id: str
    app_roles: list[_Role]


class _App(Answer):
    id: str
    app_id: str
    display_name: str | None = None
    service_principal_type: str | None = None


class _Assignment(Answer):
    id: str
    app_role_id: str
    principal_id: str
    resource_id: str


@dataclass(frozen=True, slots=True)
class App:
    """An app's service principal: `kind` is Graph's word, `ManagedIdentity` for a managed identity."""

    object_id: str
    app_id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Graph:
    """Microsoft Graph in this tenant: its object id, and the ids of its application permissions by their values."""

    object_id: str
    roles: dict[str, str]


class AppPermissions:
    """The directory's answers about one tenant."""

    def __init__(self, graph: GraphClient) -> None:
        self._graph = graph

    async def app(self, given: str) -> App | None:
        """The app of an object id, or of an application (client) id; None where the directory knows neither.

        Raises as `GraphClient.read` does.
        """
        what = f"service principal {given}"
        by_id = ServicePrincipalItemRequestBuilder.ServicePrincipalItemRequestBuilderGetQueryParameters(select=_SELECT)
        one = self._graph.sdk.service_principals.by_service_principal_id(given)
        request = sendable(one.to_get_request_information(RequestConfiguration(query_parameters=by_id)))
        body = await self._graph.read(request, what, _READS)
        if body is None:
            by_app = (
                ServicePrincipalsWithAppIdRequestBuilder.ServicePrincipalsWithAppIdRequestBuilderGetQueryParameters(
                    select=_SELECT
                )
            )
            other = self._graph.sdk.service_principals_with_app_id(given)
            request = sendable(other.to_get_request_information(RequestConfiguration(query_parameters=by_app)))
            body = await self._graph.read(request, what, _READS)
        if body is None:
            return None
        found = parse(_App, body, what)
        return App(found.id.lower(), found.app_id.lower(), found.display_name or "", found.service_principal_type or "")

    async def graph(self) -> Graph:
        """Microsoft Graph itself. Raises as `GraphClient.read` does."""
        what = "Microsoft Graph's own service principal"
        query = ServicePrincipalsWithAppIdRequestBuilder.ServicePrincipalsWithAppIdRequestBuilderGetQueryParameters(
            select=["id", "appRoles"]
        )
        one = self._graph.sdk.service_principals_with_app_id(GRAPH_APP_ID)
        request = sendable(one.to_get_request_information(RequestConfiguration(query_parameters=query)))
        body = await self._graph.read(request, what, _READS)
        if body is None:
            raise FailedRead(f"{what}: the directory says that it is not there")
        found = parse(_Graph, body, what)
        return Graph(found.id.lower(), {role.value: role.id for role in found.app_roles if role.value})

    async def held(self, app: App, graph: Graph) -> dict[str, str]:
        """The app's permissions of Graph: the assignments' ids by the ids of what they give."""
        one = self._graph.sdk.service_principals.by_service_principal_id(app.object_id)
        first = one.app_role_assignments.to_get_request_information()
        what = f"the permissions of {app.object_id}"
        rows = [row async for row in self._graph.pages(_read_page, first, what, _READS)]
        return {row.app_role_id.lower(): row.id for row in rows if row.resource_id.lower() == graph.object_id}

    async def give(self, app: App, graph: Graph, role_id: str) -> None:
        """Gives an app a permission. One that is there is success.

        Raises `Transient` where the directory does not know the app everywhere yet, and as `GraphClient.write` does.
        """
        what = f"giving {app.object_id} a permission"
        body = AppRoleAssignment(
            principal_id=UUID(app.object_id), resource_id=UUID(graph.object_id), app_role_id=UUID(role_id)
        )
        many = self._graph.sdk.service_principals.by_service_principal_id(graph.object_id).app_role_assigned_to
        try:
            answer = await self._graph.write(sendable(many.to_post_request_information(body)), what, _ASSIGNS)
        except QueryRefused:
            # "Permission being assigned already exists" is known by its words alone: what is there tells.
            if role_id.lower() in await self.held(app, graph):
                return
            raise
        if answer is Refusal.ABSENT:
            raise Transient(f"{what}: the directory does not know it everywhere yet", retry_after=NEW_IDENTITY_WAIT)

    async def take(self, graph: Graph, assignment_id: str) -> None:
        """Takes a permission away. One that is gone is success. Raises as `GraphClient.write` does."""
        many = self._graph.sdk.service_principals.by_service_principal_id(graph.object_id).app_role_assigned_to
        one = many.by_app_role_assignment_id(assignment_id)
        await self._graph.write(sendable(one.to_delete_request_information()), "taking a permission away", _ASSIGNS)


def _read_page(body: bytes, what: str) -> tuple[Sequence[_Assignment], str | None]:
    page = parse(Page[_Assignment], body, what)
    return page.value, page.next_link
