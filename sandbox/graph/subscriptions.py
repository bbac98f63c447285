"""The operations on `/subscriptions`.

Lives here: one function per operation, from a call to an answer, and the handshake by which both URLs of a new
subscription prove themselves. The handshake is an errand: the shell sends it while the caller of the create waits.

Sources: Graph, "Create subscription", "Update subscription", "Set up notifications: notificationUrl validation",
"Reduce missing change notifications and removed subscriptions" (lifecycle).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

from sandbox.graph.call import Call
from sandbox.graph.errors import GraphError, denied, not_built, not_found
from sandbox.graph.objects import ObjectKind
from sandbox.graph.permissions import SUBSCRIBE_GROUPS, SUBSCRIBE_USERS
from sandbox.graph.rendering import JSON_TYPE
from sandbox.graph.subscription_book import Subscription, Watched, change_types, read_resource
from sandbox.wire import Errand, Outgoing, Reply, Response, as_json

HANDSHAKE_SECONDS: Final = 10.0
"""How long a URL has to answer the handshake, as documented."""

_LONGEST_CLIENT_STATE: Final = 128
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_REQUIRED: Final = ("changeType", "notificationUrl", "resource", "expirationDateTime")
_KNOWN: Final = frozenset(
    {
        *_REQUIRED,
        "lifecycleNotificationUrl",
        "clientState",
        "latestSupportedTlsVersion",
        "includeResourceData",
        "encryptionCertificate",
        "encryptionCertificateId",
        "notificationUrlAppId",
        "notificationQueryOptions",
    }
)
_NOT_IN_THE_WILD: Final = ("EventHub:", "EventGrid:")


def list_subscriptions(call: Call) -> Response:
    """GET /subscriptions: the caller's own, without their secrets."""
    book = call.model.subscriptions
    shows_state = book.switches.client_state_shown == "everywhere"
    found = [_rendered(one, shows_state=shows_state) for one in book.of(call.caller.client_id)]
    if not book.switches.list_lifecycle_url:
        for one in found:
            del one["lifecycleNotificationUrl"]
    return _json(200, {"@odata.context": f"{call.root}/$metadata#subscriptions", "value": found})


def get_subscription(call: Call, subscription_id: str) -> Response:
    """GET /subscriptions/{id}."""
    return _one(call, 200, call.model.subscriptions.own(call.caller.client_id, subscription_id, "Read"))


def create_subscription(call: Call) -> Response:
    """POST /subscriptions: 201 once both URLs have answered the handshake."""
    wanted = _wanted(call, call.body())
    book = call.model.subscriptions
    book.require_room(wanted.application_id, wanted.watched, wanted.changes)
    urls = [wanted.notification_url, *([wanted.lifecycle_url] if wanted.lifecycle_url is not None else [])]
    # Blanks, colons and a plus sign: what changes when it is decoded twice, or not at all.
    tokens = [f"Validation: Testing client application reachability. Request-Id: {call.model.new_id()}+1" for _ in urls]

    def then(replies: Sequence[Reply | None]) -> Response:
        for token, reply in zip(tokens, replies, strict=True):
            _require_echo(token, reply)
        return _one(call, 201, book.add(wanted))

    return Response(202, errand=Errand(tuple(map(_handshake, urls, tokens)), then))


def renew_subscription(call: Call, subscription_id: str) -> Response:
    """PATCH /subscriptions/{id}: a new end, and nothing else."""
    book = call.model.subscriptions
    found = book.own(call.caller.client_id, subscription_id, "Update")
    body = {name: value for name, value in call.body().items() if not name.startswith("@odata.")}
    if surplus := sorted(body.keys() - {"expirationDateTime"}):
        raise _invalid(f"Property '{surplus[0]}' of a subscription cannot be updated.")
    return _one(call, 200, book.renew(found, _expires(call, body)))


def delete_subscription(call: Call, subscription_id: str) -> Response:
    """DELETE /subscriptions/{id}."""
    book = call.model.subscriptions
    book.remove(book.own(call.caller.client_id, subscription_id, "Delete"))
    return Response(204)


def reauthorize_subscription(call: Call, subscription_id: str) -> Response:
    """POST /subscriptions/{id}/reauthorize: the end stays where it is."""
    book = call.model.subscriptions
    book.reauthorize(book.own(call.caller.client_id, subscription_id, "Reauthorize"))
    return Response(204)


# What is asked for


def _wanted(call: Call, given: Mapping[str, Any]) -> Subscription:
    """The subscription that a body asks for, as far as the body alone can be judged."""
    body = {name: value for name, value in given.items() if not name.startswith("@odata.") and value is not None}
    if unknown := sorted(body.keys() - _KNOWN):
        raise _invalid(f"The property '{unknown[0]}' does not exist on type 'microsoft.graph.subscription'.")
    for name in _REQUIRED:
        if name not in body:
            raise _invalid(f"'{name}' is a required property for subscription creation.")
    if body.get("includeResourceData"):
        raise _invalid("Subscriptions to this resource do not support 'includeResourceData'.")
    watched = _watched(_text(body, "resource"))
    _require_permission(call, watched)
    _require_object(call, watched)
    lifecycle = _url(body, "lifecycleNotificationUrl") if "lifecycleNotificationUrl" in body else None
    client_state = _text(body, "clientState") if "clientState" in body else None
    if client_state is not None and len(client_state) > _LONGEST_CLIENT_STATE:
        raise _invalid(f"'clientState' must not be longer than {_LONGEST_CLIENT_STATE} characters.")
    return Subscription(
        id="",
        application_id=call.caller.client_id,
        creator_id=call.caller.object_id,
        resource=_text(body, "resource"),
        change_type=_change_type(call, body),
        notification_url=_url(body, "notificationUrl"),
        lifecycle_url=lifecycle,
        client_state=client_state,
        expires=_expires(call, body),
        authorized_until=call.model.now(),
        tls_version=_text(body, "latestSupportedTlsVersion") if "latestSupportedTlsVersion" in body else "v1_2",
    )


def _watched(resource: str) -> Watched:
    if "://" in resource:
        raise _invalid("'resource' must be a relative path without the base URL.")
    found = read_resource(resource)
    if found is None:
        raise not_built(f"subscriptions to '{resource}'")
    return found


def _require_permission(call: Call, watched: Watched) -> None:
    needed = SUBSCRIBE_USERS if watched.kind == "users" else SUBSCRIBE_GROUPS
    if watched.part == "members" and call.model.subscriptions.switches.group_member_permission:
        needed = needed | {"GroupMember.Read.All"}
    if not call.permissions.allow(needed):
        raise denied()


def _require_object(call: Call, watched: Watched) -> None:
    kind: ObjectKind = "user" if watched.kind == "users" else "group"
    if watched.object_id and call.model.newest().live(watched.object_id, kind) is None:
        raise not_found(watched.object_id)


def _change_type(call: Call, body: Mapping[str, Any]) -> str:
    given = _text(body, "changeType")
    allowed = {"updated", "deleted"} | ({"created"} if call.model.subscriptions.switches.accept_created else set())
    if wrong := sorted(change_types(given) - allowed):
        raise _invalid(f"Invalid 'changeType' attribute: '{wrong[0]}'.")
    return given


def _url(body: Mapping[str, Any], name: str) -> str:
    url = _text(body, name)
    if url.startswith(_NOT_IN_THE_WILD):
        raise not_built(f"delivery to {url.partition(':')[0]}")
    try:
        parts = urlsplit(url)
        secure = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    except ValueError:
        secure = False
    if not secure or not parts.hostname:
        raise _invalid(f"'{name}' must be an absolute https URL.")
    return url


def _expires(call: Call, body: Mapping[str, Any]) -> datetime:
    """The asked-for end; sooner than the least is raised, later than the most refused."""
    switches, now = call.model.subscriptions.switches, call.model.now()
    try:
        asked = datetime.fromisoformat(_text(body, "expirationDateTime"))
        if asked.tzinfo is None:
            raise _invalid("'expirationDateTime' must be a date and time in UTC.")
        asked = asked.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _invalid("'expirationDateTime' must be a date and time in UTC.") from error
    if asked <= now:
        raise _invalid("Subscription expiration must be in the future.")
    latest = now + timedelta(minutes=switches.longest_minutes)
    if asked > latest:
        if switches.refuse_longer:
            raise _invalid(f"Subscription expiration can only be {switches.longest_minutes} minutes in the future.")
        return latest
    return max(asked, min(latest, now + timedelta(minutes=switches.shortest_minutes)))


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise _invalid(f"'{name}' is a required property for subscription creation, as text.")
    return value


# The handshake


def _handshake(url: str, token: str) -> Outgoing:
    separator = "&" if urlsplit(url).query else "?"
    return Outgoing(
        f"{url}{separator}validationToken={quote_plus(token)}",  # blanks as plus signs, as recorded
        {"content-type": "text/plain; charset=utf-8"},
        timeout_seconds=HANDSHAKE_SECONDS,
    )


def _require_echo(token: str, reply: Reply | None) -> None:
    if reply is None:
        raise GraphError(400, "ValidationError", "Subscription validation request timed out.")
    is_text = reply.headers.get("content-type", "").partition(";")[0].strip().lower() == "text/plain"
    if reply.status != HTTPStatus.OK or not is_text or reply.body != token.encode():
        told = f" HTTP status code is '{_status_name(reply.status)}'." if reply.status != HTTPStatus.OK else ""
        message = (
            f"Subscription validation request failed.{told} Notification endpoint must respond with 200 OK to "
            "validation request."
        )
        raise GraphError(400, "ValidationError", message)


def _status_name(status: int) -> str:
    """A status as .NET calls it: `ServiceUnavailable`."""
    known = status in HTTPStatus.__members__.values()
    return HTTPStatus(status).name.title().replace("_", "") if known else str(status)


# What is answered


def written(moment: datetime) -> str:
    """A time as subscriptions write it: UTC, as much of a second as there is, `Z`."""
    fraction = f".{moment.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}{fraction}Z"


def _rendered(found: Subscription, *, shows_state: bool) -> dict[str, Any]:
    return {
        "id": found.id,
        "resource": found.resource,
        "applicationId": found.application_id,
        "changeType": found.change_type,
        "clientState": found.client_state if shows_state else None,
        "notificationUrl": found.notification_url,
        "notificationQueryOptions": None,
        "lifecycleNotificationUrl": found.lifecycle_url,
        "expirationDateTime": written(found.expires),
        "creatorId": found.creator_id,
        "includeResourceData": None,
        "latestSupportedTlsVersion": found.tls_version,
        "encryptionCertificate": None,
        "encryptionCertificateId": None,
        "notificationUrlAppId": None,
        "notificationContentType": "application/json",
    }


def _one(call: Call, status: int, found: Subscription) -> Response:
    context = f"{call.root}/$metadata#subscriptions/$entity"
    shows_state = call.model.subscriptions.switches.client_state_shown != "nowhere"
    return _json(status, {"@odata.context": context, **_rendered(found, shows_state=shows_state)})


def _json(status: int, body: Mapping[str, Any]) -> Response:
    return as_json(status, body, {"content-type": JSON_TYPE, "odata-version": "4.0"})


def _invalid(message: str) -> GraphError:
    return GraphError(400, "InvalidRequest", message)
