"""Microsoft Graph v1.0 as one function from request to response.

Lives here: what every request goes through (who asks, what for, is it allowed, is there enough of the quota
left) and every answer carries (request ids, resource units, error bodies). Operations live in rooms of their
own.
"""

from collections.abc import Callable, Sequence
from datetime import UTC
from typing import Any

from sandbox.graph.call import Call
from sandbox.graph.errors import GraphError, denied
from sandbox.graph.model import AuditEntry, GraphModel
from sandbox.graph.permissions import permissions_of
from sandbox.graph.query import Options, read_options
from sandbox.graph.routes import Route, find_route
from sandbox.graph.throttling import FREE_STATUSES, Meter, cost, documented_limit
from sandbox.wire import Authenticate, Caller, Errand, Reply, Request, Response, as_json

AUDIENCE = "https://graph.microsoft.com"
"""Whom tokens for this stand-in must be for."""

_WARN_FROM_SHARE = 0.8
"""From which share of the limit on the real service says how much is used."""


class GraphService:
    """The stand-in: `handle` answers requests on the directory of `model`."""

    def __init__(self, model: GraphModel, authenticate: Authenticate) -> None:
        self.model = model
        self._authenticate = authenticate
        self._meters: dict[str, Meter] = {}

    def handle(self, request: Request) -> Response:
        """Answers one request."""
        headers = {"cache-control": "no-cache", "request-id": self.model.new_id()}
        headers["client-request-id"] = request.headers.get("client-request-id") or headers["request-id"]

        def operate() -> Response:
            caller = self._caller(request)
            route, values = find_route(request)
            return self._allowed(request, caller, route, values, headers)

        return self._finished(operate, headers)

    def _finished(self, step: Callable[[], Response], headers: dict[str, str]) -> Response:
        """What a step answers, or its refusal; where others have to be asked first, what follows then."""
        try:
            answer = step()
        except GraphError as error:
            answer = self._refusal(error, headers)
        if (errand := answer.errand) is None:
            return Response(answer.status, {**headers, **answer.headers}, answer.body)

        def then(replies: Sequence[Reply | None]) -> Response:
            return self._finished(lambda: errand.then(replies), headers)

        return Response(answer.status, errand=Errand(errand.calls, then))

    def _caller(self, request: Request) -> Caller:
        caller = self._authenticate(request)
        if caller is None:
            given = "authorization" in request.headers
            message = "Access token validation failure." if given else "Access token is empty."
            raise GraphError(401, "InvalidAuthenticationToken", message)
        return caller

    def _allowed(
        self, request: Request, caller: Caller, route: Route, values: list[str], headers: dict[str, str]
    ) -> Response:
        """The operation's answer; it or its refusal is audited where the operation changes something."""
        status = 500
        try:
            options = read_options(request)
            self._meter(caller, route, options, headers)
            permissions = permissions_of(self.model.speaker(caller.object_id))
            if not all(permissions.allow(needed) for needed in route.needs):
                raise denied()
            call = Call(request, caller, self.model, permissions, options, self.model.view())
            answer = route.operation(call, *values)
        except GraphError as error:
            status = error.status
            if status in FREE_STATUSES:
                self._take_back(caller, headers)
            raise
        else:
            status = answer.status
            return answer
        finally:
            if route.changes:
                self.model.audit.append(
                    AuditEntry(self.model.now(), caller.object_id, request.method, request.path, status)
                )

    def _meter(self, caller: Caller, route: Route, options: Options, headers: dict[str, str]) -> None:
        units = cost(route.resource_units, options)
        headers["x-ms-resource-unit"] = str(units)
        switches = self.model.switches
        if not switches.throttle:
            return
        spent = self._meters.setdefault(caller.client_id, Meter()).spend(self.model.now(), units)
        limit = switches.resource_units_per_10_seconds or documented_limit(
            sum(1 for _ in self.model.newest().entries("user"))
        )
        if switches.throttle_percentage and spent / limit >= _WARN_FROM_SHARE:
            headers["x-ms-throttle-limit-percentage"] = f"{spent / limit:.1f}"
        if spent > limit:
            if switches.retry_after_seconds is not None:
                headers["retry-after"] = str(switches.retry_after_seconds)
            headers["x-ms-throttle-information"] = "ResourceUnitLimitExceeded"
            headers["x-ms-throttle-scope"] = f"Tenant_Application/ReadWrite/{caller.client_id}/{self.model.tenant_id}"
            raise GraphError(429, "TooManyRequests", "Too many requests.")

    def _take_back(self, caller: Caller, headers: dict[str, str]) -> None:
        """A request that costs nothing is not counted, whether it was by now or not."""
        was_counted = "x-ms-resource-unit" in headers
        headers["x-ms-resource-unit"] = "0"
        if was_counted and self.model.switches.throttle:
            self._meters[caller.client_id].take_back()

    def _refusal(self, error: GraphError, headers: dict[str, str]) -> Response:
        inner: dict[str, Any] = {
            "date": self.model.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": headers["request-id"],
            "client-request-id": headers["client-request-id"],
        }
        body = {"error": {"code": error.code, "message": error.message, **error.extra, "innerError": inner}}
        return as_json(error.status, body, {"content-type": "application/json"})
