"""Microsoft Graph's change notifications: whom one of them is about.

A notification says that something about a user or a group changed, and not what. It comes in a collection of
Graph's own or, through Event Grid, as a CloudEvent with the same content in `data`.

Source: Graph, "changeNotification resource type" and "Receive change notifications through webhooks"; Event
Grid, "Microsoft Entra events". The forms that occur beyond those pages: `@removed` as a text or an object,
`organizationId` instead of `tenantId`, capital and small letters, and a resource written as an OData key.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.guids import is_guid
from shared.domain.keys import PersonKey
from shared.errors import Rejected
from shared.sources.events import Ignored, PersonEvent, Read, as_value
from shared.sources.strict_json import JsonObject, Numeral, as_object, as_text, kind_of, shown

_RESOURCE: Final = re.compile(
    r"/?(?P<set>users|groups)(?:/(?P<key>[^/()']+)|\('(?P<odata_key>[^/()']+)'\))(?P<rest>/.*)?",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[a-z]{1,64}", re.ASCII | re.IGNORECASE)
# Mailbox notifications write `users/<id>@<tenant>/...`.
_QUALIFIED: Final = re.compile(r"(?P<id>[0-9a-f-]{36})@[0-9a-f-]{36}", re.IGNORECASE)
_REMEDY: Final = "Forward the notification as Microsoft Graph sent it: it names users by object id"
_USER: Final = "#microsoft.graph.user"
_NOT_APPLICABLE: Final = "na"


@dataclass(frozen=True, slots=True)
class Resource:
    """What a notification is about: the user or the group of an id, or something of theirs (`part`)."""

    is_group: bool
    key: str
    part: str


@dataclass(frozen=True, slots=True)
class Named:
    """A resource, the field that named it, and what its event is recorded with."""

    resource: Resource
    field: str
    origin: str
    event_type: str


def read_resource(text: str) -> Resource | None:
    """Reads `Users/<id>`, `groups('<id>')` and their like; None for anything else."""
    found = _RESOURCE.fullmatch(text)
    if found is None:
        return None
    key: str = found["key"] or found["odata_key"]
    if qualified := _QUALIFIED.fullmatch(key):
        key = qualified["id"]
    return Resource(found["set"].lower() == "groups", key, (found["rest"] or "").rstrip("/"))


def lifecycle(subscription_id: Any, event: Any) -> Ignored:
    """A lifecycle notification, which names no person; its notice has an id and a word, never a stranger's text."""
    known = isinstance(subscription_id, str) and is_guid(subscription_id)
    which = subscription_id.lower() if known else "unknown"
    word = event if isinstance(event, str) and _WORD.fullmatch(event) else "unknown"
    return Ignored(
        "a lifecycle notification of a subscription, which names no person",
        f"subscription {which} asks for '{word}'",
    )


def read_notification(value: Any, field: str) -> list[Read]:
    """Reads one item of a collection: the person it names, or whoever joined or left the group it names.

    Raises:
        Rejected: the item is not what Graph sends; it names the part of it, from `field` on.
    """
    item = as_object(value, field, _REMEDY)
    if item.get("lifecycleEvent") is not None:
        return [lifecycle(item.get("subscriptionId"), item["lifecycleEvent"])]
    if _is_not_applicable(item.get("subscriptionId")) or _is_not_applicable(item.get("resource")):
        return [Ignored("a validation message, which names no person")]
    text = as_text(item.get("resource"), f"{field}.resource", _REMEDY)
    resource = read_resource(text)
    if resource is None:
        return [Ignored(f"a notification about '{shown(text)}', which is neither a user nor a group")]
    named = Named(resource, f"{field}.resource", _origin(item), _word(item.get("changeType")))
    return list(read_change(named, item, field))


def read_change(named: Named, change: JsonObject, field: str) -> Iterator[Read]:
    """Reads what a notification, found at `field`, says about what it names.

    Raises:
        Rejected: an id is missing or is none. A member of a group that cannot be read is given as a value.
    """
    resource, content = named.resource, change.get("resourceData")
    details = JsonObject() if content is None else as_object(content, f"{field}.resourceData", _REMEDY)
    if resource.is_group:
        yield from _members(named, details, f"{field}.resourceData.members@delta")
        return
    if resource.part:
        yield Ignored(f"a notification about a user's '{shown(resource.part)}', not about the user")
        return
    key = _person(resource.key, named.field)
    told = details.get("id")
    if told is not None and _person(told, f"{field}.resourceData.id") != key:
        raise Rejected(f"{field}.resourceData.id", "it is another user's than the resource's", _REMEDY)
    yield PersonEvent(key, named.origin, named.event_type)


def _members(named: Named, details: JsonObject, field: str) -> Iterator[Read]:
    if named.resource.part.lower() not in {"", "/members"}:
        yield Ignored(f"a notification about a group's '{shown(named.resource.part)}', not about its members")
        return
    members = details.get("members@delta")
    if members is None:
        yield Ignored("a notification about a group that names no members; the sweep checks them")
        return
    if not isinstance(members, list):
        raise Rejected(field, f"it is {kind_of(members)}, not an array", _REMEDY)
    seen: set[PersonKey] = set()
    for place, value in enumerate(members):
        try:
            member = as_object(value, f"{field}[{place}]", _REMEDY)
            if _word(member.get("@odata.type"), _USER).lower() != _USER:
                yield Ignored("a member of a group that is no user")
                continue
            key = _person(member.get("id"), f"{field}[{place}].id")
        except Rejected as rejected:
            yield as_value(rejected)
            continue
        if key not in seen:  # somebody who joined and left is named twice
            seen.add(key)
            yield PersonEvent(key, named.origin, named.event_type)
    if not members:
        yield Ignored("a notification about a group that names no members; the sweep checks them")


def _person(value: Any, field: str) -> PersonKey:
    text = as_text(value, field, _REMEDY)
    try:
        return PersonKey(text)
    except ValueError as error:
        raise Rejected(field, f"'{shown(text)}' is no object id", _REMEDY) from error


def _origin(item: JsonObject) -> str:
    """Where a notification comes from, as far as it says: Graph writes no `id` for users and groups."""
    content = item.get("resourceData")
    details = content if isinstance(content, JsonObject) else JsonObject()
    tenant = item.get("tenantId") or item.get("organizationId") or details.get("organizationId")
    which = item.get("id") or details.get("sequenceNumber") or details.get("eventTime")
    return f"graph/{_word(tenant)}/{_word(item.get('subscriptionId'))}#{_word(which)}"


def _word(value: Any, default: str = "unknown") -> str:
    """A text or number for the record; what is neither is not worth rejecting a notification for."""
    text = value.digits if isinstance(value, Numeral) else value
    return shown(text.strip(), 120) if isinstance(text, str) and text.strip() else default


def _is_not_applicable(value: Any) -> bool:
    return isinstance(value, str) and value.strip().lower() == _NOT_APPLICABLE
