"""One request on its way through the stand-in: who calls, when, and the checks every operation makes.

What lives here: the `Call`, reading its query and body, and access. Which operation it is about is not known
here.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from sandbox.billing.errors import Refused, error_body, invalid, invalid_fields, service_error
from sandbox.billing.long_running import Operation, Outcome
from sandbox.billing.model import Account, BillingModel, Profile, Scope
from sandbox.wire import Caller, Request, Response, as_json

MAXIMUM_TOP = 50
_AS_OF = "%Y-%m-%d %H:%M:%SZ"
_OF_A_LINK = {"$skiptoken", "$top", "asof", "%24skiptoken", "%24top"}
_MEANT_FOR_SERVER = ("filter", "orderby", "search", "count", "expand")


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose caller is known.

    Query keys are lower-cased; `name` is the path's last segment where that is a name.

    """

    model: BillingModel
    request: Request
    caller: Caller
    now: datetime
    query: dict[str, str]
    name: str = ""

    # -- access

    def permissions(self, scope: Scope) -> list[str]:
        """What the caller may do at a scope."""
        return self.model.permissions(self.caller.object_id, scope)

    def require(self, scope: Scope, permission: str) -> None:
        """Refuses a caller without this permission, or without any."""
        held = self.permissions(scope)
        if permission in held:
            return
        if not held:
            raise self.stranger(scope)
        raise service_error(
            403,
            "AuthorizationFailed",
            f"The caller {self.caller.object_id} lacks a role for this at {scope.id}.",
        )

    def stranger(self, scope: Scope) -> Refused:
        """What a caller without any role at a scope gets."""
        if self.model.switches.stranger == "no-claims":
            return service_error(401, "401", "No claims present for the caller in the system")
        message = f"The caller {self.caller.object_id} has no access to {scope.id}."
        if self.model.switches.stranger == "unauthorized":
            return service_error(401, "Unauthorized", message)
        return service_error(403, "AuthorizationFailed", message)

    def unprocessable(self, account: Account) -> Refused:
        """What an operation of other agreements gets."""
        agreement = account.properties["agreementType"]
        return service_error(
            422, "UnprocessableEntity", f"This operation is not supported for the agreement type {agreement}."
        )

    def sees(self, scope: Scope) -> bool:
        """Whether the caller has a role at the scope, inherited ones included."""
        return bool(self.permissions(scope))

    def sees_within(self, account: Account) -> bool:
        """Whether the caller has a role at the account or at any of its profiles."""
        return self.sees(account) or any(self.sees(profile) for profile in account.profiles.values())

    # -- query and body

    def flag(self, name: str) -> bool:
        """A Boolean of the query, false when absent."""
        value = self.query.get(name.casefold(), "false").casefold()
        if value not in {"true", "false"}:
            raise invalid(self.model.rng, **{name: f"The value '{value}' is not valid."})
        return value == "true"

    def count(self, name: str) -> int | None:
        """A natural number of the query, None when absent."""
        value = self.query.get(name)
        if value is None:
            return None
        if not value.isascii() or not value.isdigit():
            raise invalid(self.model.rng, **{name: f"The value '{value}' is not valid."})
        return int(value)

    def body(self) -> dict[str, Any]:
        """The body as a JSON object."""
        media_type = self.request.headers.get("content-type", "").partition(";")[0].strip().casefold()
        if media_type != "application/json":
            raise service_error(
                415, "UnsupportedMediaType", f"The content type '{media_type}' is not supported; send JSON."
            )
        try:
            parsed = json.loads(self.request.body)
        except ValueError as error:
            raise invalid(self.model.rng, **{"$": f"The body is not valid JSON: {error}"}) from error
        if not isinstance(parsed, dict):
            raise invalid(self.model.rng, **{"$": "The JSON value could not be converted to an object."})
        return parsed

    # -- answers

    def page(self, items: Sequence[Any], *, of_assignments: bool = False) -> Response:
        """One page of a list, with a link to the next when there is one.

        `top` and `skip` cut the list; the service's own page size cuts what is left into pages.
        """
        switches = self.model.switches
        asked = [name for name in _MEANT_FOR_SERVER if self.query.get(name)]
        if asked and switches.undocumented_query == "refused":
            raise invalid_fields(self.model.rng, {name: ["The query option is not supported."] for name in asked})
        top, skip = self.count("top"), self.count("skip") or 0
        if top is not None and not 1 <= top <= MAXIMUM_TOP:
            raise invalid(self.model.rng, top=f"The maximum supported value for top is {MAXIMUM_TOP}.")
        if not of_assignments or switches.assignments_honour_top:
            items = items[skip:] if top is None else items[skip : skip + top]
        told: dict[str, Any] = {"totalCount": len(items)} if switches.total_count and not of_assignments else {}
        start = self._start()
        if start is None and switches.empty_first_page and items:
            return as_json(200, {"nextLink": self._link(0), **told, "value": []})
        start = start or 0
        end = len(items) if of_assignments and switches.assignments_on_one_page else start + switches.page_size
        following = {"nextLink": self._link(end)} if end < len(items) else {}
        return as_json(200, {**following, **told, "value": list(items[start:end])})

    def _start(self) -> int | None:
        """Where the page begins that a link of ours leads to; None for the first page of a list."""
        token = self.query.get("$skiptoken")
        if token is None:
            return None
        try:
            place, _, start = base64.b64decode(token, validate=True).decode().rpartition("|")
            began = datetime.strptime(self.query["asof"], _AS_OF).replace(tzinfo=UTC)
        except (ValueError, KeyError):
            place, start, began = "", "", self.now
        if place != self.request.path.casefold() or not start.isdigit() or began > self.now:
            raise invalid(self.model.rng, skipToken="The token is not as it was issued.")
        return int(start)

    def _link(self, start: int) -> str:
        """The address of the page that begins at `start`, as recorded: a path, its query with spaces as they are."""
        path = self.request.path
        pairs = [pair for pair in self.request.query.split("&") if pair.partition("=")[0].casefold() not in _OF_A_LINK]
        place = f"{path.casefold()}|"
        digits = str(start).zfill(6 if len(place) % 3 else 7)  # so that the token has to be padded, as recorded
        token = quote(base64.b64encode(f"{place}{digits}".encode()), safe="")
        own = [f"$skiptoken={token}", f"$top={self.model.switches.page_size}"]
        link = f"{path}?{'&'.join([*own, *pairs, f'asOf={self.now:{_AS_OF}}'])}"
        if self.model.switches.next_links == "relative":
            return link
        return self.request.base + link.replace(" ", "%20")

    def accepted(self, operation: Operation, body: Any = None, status: int = 202) -> Response:
        """The answer of a long-running operation that is not done: where and when to ask again."""
        signed = self.model.switches.signed_locations
        headers = {
            "location": self.model.operations.location(operation, self.request.base, self.now, signed=signed),
            "retry-after": str(operation.retry_after_seconds),
        }
        return Response(status, headers) if body is None else as_json(status, body, headers)

    def operation_scope(self, scope: Scope) -> str:
        """Under which scope's id an operation's results are."""
        below = isinstance(scope, Profile) and self.model.switches.operation_results_under == "profile"
        return scope.id if below else scope.account.id

    def start(
        self,
        kind: str,
        scope: Scope,
        finish: Callable[[datetime], Outcome],
        *,
        seconds: float,
        polls: int,
        retry_after_seconds: int,
        interim: Callable[[datetime], Any] | None = None,
    ) -> Operation:
        """Accepts a write that is done later, or fails later when the switches say so."""
        status = self.model.switches.operation_failure_status
        failed = error_body("OperationFailed", f"{kind} did not succeed.", self.model.switches.error_bodies)

        def fail(_at: datetime) -> Outcome:
            return Outcome(status or 0, failed)

        return self.model.operations.start(
            kind,
            self.operation_scope(scope),
            now=self.now,
            seconds=seconds,
            polls=polls,
            retry_after_seconds=retry_after_seconds,
            finish=finish if status is None else fail,
            interim=interim,
        )
