"""The stand-in's door: from a request to the operation it means, and the headers of every answer.

What lives here: authentication, throttling, the api-version, the table of paths, operationResults, and
headers. What an operation does is in the module of its subject.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from urllib.parse import parse_qsl

from sandbox.billing import accounts, permissions, profiles, role_assignments
from sandbox.billing.call import Call
from sandbox.billing.errors import Refused, gateway_error, not_found, service_error
from sandbox.billing.long_running import API_VERSION, new_guid
from sandbox.billing.model import Account, BillingModel, Profile, Scope
from sandbox.billing.switches import Switches
from sandbox.billing.throttle import HEADER, CallKind
from sandbox.wire import Authenticate, Handler, Request, Response, as_json

type _OnScope = Callable[[Call, Scope], Response]

_PREFIX = ["providers", "microsoft.billing", "billingaccounts"]
_SUPPORTED = "2019-10-01-preview, 2020-05-01, 2020-12-15-privatepreview, 2022-10-01-privatepreview, 2024-04-01"
_GATEWAY_HEADERS = {
    "cache-control": "no-cache",
    "expires": "-1",
    "pragma": "no-cache",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-cache": "CONFIG_NOCACHE",
    "x-content-type-options": "nosniff",
}
_SERVICE_HEADERS = {
    **_GATEWAY_HEADERS,
    "api-supported-versions": _SUPPORTED,
    "x-frame-options": "DENY",
    "x-ms-service-version": "10.6.2873.826",
}

_ON_SCOPE: dict[tuple[str, bool], dict[str, _OnScope]] = {
    ("billingroleassignments", False): {"GET": role_assignments.list_assignments},
    ("billingroleassignments", True): {
        "GET": role_assignments.get_assignment,
        "PUT": role_assignments.put_assignment,
        "DELETE": role_assignments.delete_assignment,
    },
    ("createbillingroleassignment", False): {"POST": role_assignments.create_assignment},
    ("resolvebillingroleassignments", False): {"POST": role_assignments.resolve_assignments},
    ("billingroledefinitions", False): {"GET": permissions.list_definitions},
    ("billingroledefinitions", True): {"GET": permissions.get_definition},
    ("billingpermissions", False): {"GET": permissions.list_permissions},
    ("checkaccess", False): {"POST": permissions.check_access},
}
"""Operations that an account and a profile share, by the segment after the scope and whether a name
follows."""

_OPEN_TO_ALL = {"billingpermissions", "checkaccess"}
"""What strangers are answered too, with nothing in it."""

_READ_ACCOUNT: dict[str, Callable[[Call, Account], Response]] = {
    "": accounts.get_account,
    "billingprofiles": profiles.list_profiles,
    "associatedtenants": accounts.list_associated_tenants,
}
"""Reads of an account alone, by what follows its name."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a path points: the account, below it perhaps a profile, and the segments after those, as sent."""

    account: str
    profile: str | None
    rest: tuple[str, ...]


def billing_handler(model: BillingModel, authenticate: Authenticate) -> Handler:
    """The billing stand-in as a function from request to answer.

    Args:
        model: the state it reads and changes.
        authenticate: reads the bearer token of a request.
    """
    return partial(_handle, model, authenticate)


def _handle(model: BillingModel, authenticate: Authenticate, request: Request) -> Response:
    now = model.now()
    caller = authenticate(request)
    limits: dict[str, str] = {}
    by_gateway = False
    try:
        if caller is None:
            raise _unauthenticated(request)
        kind = _kind(request, model.switches)
        has_own = kind == "reads" and model.switches.own_requests_bucket is not None
        counted: tuple[CallKind, ...] = (kind, "own") if has_own else (kind,)
        for each in counted:
            taken = model.throttle.take(caller.object_id, each, now, model.switches)
            limits[HEADER[each]] = str(taken.remaining)
            if taken.wait_seconds:
                raise _throttled(taken.wait_seconds, with_header=model.switches.throttled_with_retry_after)
        query = {key.casefold(): value for key, value in parse_qsl(request.query, keep_blank_values=True)}
        _require_api_version(query)
        response = _dispatch(Call(model, request, caller, now, query))
    except Refused as refused:
        response = refused.response(model.switches.error_bodies)
        by_gateway = refused.by_gateway
    own = _GATEWAY_HEADERS if by_gateway else _SERVICE_HEADERS
    headers = {"date": format_datetime(now, usegmt=True), **own, **limits, **_trace(model, now)}
    if response.status != 202:  # noqa: PLR2004 - absent on 202 Accepted, as recorded
        headers["vary"] = "Accept-Encoding"
    return replace(response, headers={**headers, **response.headers})


def _dispatch(call: Call) -> Response:
    place = _place(call.request.path)
    method = call.request.method.upper()
    if place is None:
        return _only(method, {"GET": lambda: accounts.list_accounts(call)})
    account = call.model.account(place.account)
    if account is None:
        raise not_found()
    if place.rest and place.rest[0].casefold() == "operationresults":
        return _only(method, {"GET": lambda: _operation_result(call, place)})
    if place.profile is not None:
        return _below_profile(call, account, place, method)
    read = _READ_ACCOUNT.get("/".join(place.rest).casefold())
    if read is not None:
        return _only(method, {"GET": lambda: read(call, account)})
    return _on_scope(call, account, place.rest, method)


def _below_profile(call: Call, account: Account, place: _Place, method: str) -> Response:
    assert place.profile is not None, "a path below a profile names one"
    profile = account.profiles.get(place.profile.casefold())
    open_to_all = place.rest and place.rest[0].casefold() in _OPEN_TO_ALL
    if not open_to_all and not call.sees_within(account):
        raise call.stranger(account)
    if not account.managed and not (
        call.model.switches.unmanaged_profiles == "readable" and (open_to_all or _reads(method, place))
    ):
        raise call.unprocessable(account)
    if not place.rest and method == "PUT" and profile is None:
        return profiles.put_profile(replace(call, name=place.profile), account, None)
    if profile is None or profile.deleted:
        raise not_found()
    if place.rest:
        return _on_scope(call, profile, place.rest, method)
    return _only(
        method,
        {
            "GET": lambda: profiles.get_profile(call, profile),
            "PUT": lambda: profiles.put_profile(call, account, profile),
            "DELETE": lambda: profiles.delete_profile(call, profile),
        },
    )


def _reads(method: str, place: _Place) -> bool:
    """Whether a request below a profile works under every agreement: the profile and its role definitions."""
    return method == "GET" and (not place.rest or place.rest[0].casefold() == "billingroledefinitions")


def _on_scope(call: Call, scope: Account | Profile, rest: tuple[str, ...], method: str) -> Response:
    named = len(rest) == 2  # noqa: PLR2004 - a collection and a name in it
    operations = _ON_SCOPE.get((rest[0].casefold(), named)) if len(rest) == 1 or named else None
    if operations is None:
        raise _unknown_path(call.request)
    call = replace(call, name=rest[1]) if named else call
    return _only(method, {verb: partial(operation, call, scope) for verb, operation in operations.items()})


def _operation_result(call: Call, place: _Place) -> Response:
    """Polls an operation; its Location is an address like any other, but for the signature."""
    name = place.rest[1] if len(place.rest) == 2 else ""  # noqa: PLR2004 - the collection and a name
    operations = call.model.operations
    if call.model.switches.signed_locations and not operations.is_genuine(name, call.query):
        raise service_error(403, "InvalidSignature", "The address of this operation is not as it was issued.")
    operation = operations.poll(name, call.now)
    if operation is None:
        raise not_found()
    if operation.outcome is None:
        return call.accepted(operation, operation.interim(call.now) if operation.interim else None)
    if operation.outcome.body is None:
        return Response(operation.outcome.status)
    return as_json(operation.outcome.status, operation.outcome.body)


def _place(path: str) -> _Place | None:
    """What a path points at; None for the list of accounts."""
    segments = path.strip("/").split("/")
    if [each.casefold() for each in segments[:3]] != _PREFIX or "" in segments:
        raise gateway_error(404, "InvalidResourceType", f"The resource type of {path} could not be found.")
    match segments[3:]:
        case []:
            return None
        case [account, collection, profile, *rest] if collection.casefold() == "billingprofiles":
            return _Place(account, profile, tuple(rest))
        case [account, *rest]:
            return _Place(account, None, tuple(rest))
    raise AssertionError("unreachable: the patterns are exhaustive")


def _only(method: str, operations: dict[str, Callable[[], Response]]) -> Response:
    operation = operations.get(method)
    if operation is None:
        message = f"The method {method} is not allowed here."
        raise service_error(405, "MethodNotAllowed", message, {"allow": ", ".join(operations)})
    return operation()


def _kind(request: Request, switches: Switches) -> CallKind:
    if switches.check_access_bucket is not None and request.path.casefold().endswith("/checkaccess"):
        return "check-access"
    match request.method.upper():
        case "GET" | "HEAD" | "OPTIONS":
            return "reads"
        case "DELETE":
            return "deletes"
        case _:
            return "writes"


def _require_api_version(query: dict[str, str]) -> None:
    version = query.get("api-version")
    if not version:
        message = "The api-version query parameter (?api-version=) is required for all requests."
        raise gateway_error(400, "MissingApiVersionParameter", message)
    if version != API_VERSION:
        message = f"The api-version '{version}' is invalid. The supported version here is '{API_VERSION}'."
        raise gateway_error(400, "InvalidApiVersionParameter", message)


def _unauthenticated(request: Request) -> Refused:
    sent = "authorization" in request.headers
    code = "InvalidAuthenticationToken" if sent else "AuthenticationFailed"
    message = (
        "The access token is invalid, expired or for another audience."
        if sent
        else "Authentication failed. The 'Authorization' header is missing."
    )
    return gateway_error(
        401,
        code,
        message,
        {"www-authenticate": f'Bearer error="invalid_token", error_description="{message}"'},
    )


def _throttled(seconds: int, *, with_header: bool) -> Refused:
    message = f"Too many requests. Please retry after {seconds} seconds."
    if with_header:
        return gateway_error(429, "429", message, {"retry-after": str(seconds)})
    return service_error(429, "429", message)


def _unknown_path(request: Request) -> Refused:
    return gateway_error(404, "InvalidResourceType", f"The resource type of {request.path} could not be found.")


def _trace(model: BillingModel, now: datetime) -> dict[str, str]:
    request = new_guid(model.rng)
    edge = request.replace("-", "").upper()
    return {
        "x-ms-request-id": request,
        "x-ms-correlation-request-id": request,
        "x-ms-routing-request-id": f"WESTEUROPE:{now:%Y%m%dT%H%M%SZ}:{request}",
        "x-msedge-ref": f"Ref A: {edge} Ref B: AMS01 Ref C: {now:%Y-%m-%dT%H:%M:%SZ}",
    }
