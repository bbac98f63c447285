"""The words of notifications: what one item of a collection says, for a person, a group, or a subscription.

Lives here: the shapes as they were seen on the wire, which differ from Graph's own answers in many a letter:
`Users/` and `#Microsoft.Graph.User` with capitals, a sequence number that no double can hold, dates with an offset
and seven digits, `@removed` as a text. When anything is sent is not known here.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final, Literal

from sandbox.graph.model import Change
from sandbox.graph.subscription_book import Subscription

type ChangeType = Literal["updated", "deleted"]

_YEAR_ONE: Final = datetime(1, 1, 1, tzinfo=UTC)
_TICKS_A_SECOND: Final = 10_000_000


def change_type(change: Change) -> ChangeType:
    """What a change is called: only what is gone for good is `deleted`; a creation and a soft deletion are updates."""
    return "deleted" if change.kind == "purged" else "updated"


def concerns(subscription: Subscription, change: Change) -> bool:
    """Whether a subscription is about a change."""
    watched = subscription.watched
    if watched.kind != f"{change.object_kind}s" or change_type(change) not in subscription.changes:
        return False
    if watched.object_id and watched.object_id != change.object_id:
        return False
    if watched.part == "owners":
        return False  # this directory's groups have none
    return watched.part == "" or bool(change.members_added or change.members_removed)


def content(change: Change, tenant_id: str, sequence: int) -> dict[str, Any]:
    """The members of an item that say what happened; those about the subscription come when it is sent."""
    title = change.object_kind.capitalize()
    path = f"{title}s/{change.object_id}"
    details: dict[str, Any] = {
        "@odata.type": f"#Microsoft.Graph.{title}",
        "@odata.id": path,
        "id": change.object_id,
        "organizationId": tenant_id,
        "sequenceNumber": sequence,
    }
    if members := _members(change.members_added, change.members_removed):
        details["members@delta"] = members
    return {"changeType": change_type(change), "resource": path, "resourceData": details}


def addressed(
    item: Mapping[str, Any], subscription: Subscription, tenant_id: str, *, offset_hours: int
) -> dict[str, Any]:
    """An item as one subscription's app gets it."""
    return {
        **item,
        "clientState": subscription.client_state,
        "subscriptionExpirationDateTime": with_offset(subscription.expires, offset_hours),
        "subscriptionId": subscription.id,
        "tenantId": tenant_id,
    }


def reauthorization_required(
    subscription: Subscription, tenant_id: str, *, offset_hours: int, as_seen: bool
) -> dict[str, Any]:
    """The item that asks an app to reauthorize a subscription.

    `as_seen` gives it the members that were seen and are not documented (`organizationId` for `tenantId` among them).
    """
    shown: dict[str, Any] = {
        "lifecycleEvent": "reauthorizationRequired",
        "clientState": subscription.client_state,
        "subscriptionExpirationDateTime": with_offset(subscription.expires, offset_hours),
        "subscriptionId": subscription.id,
    }
    if not as_seen:
        return {**shown, "tenantId": tenant_id}
    empty: dict[str, Any] = {"resource": "", "sequence": None, "resourceData": {}, "encryptedContent": None}
    return {**shown, "organizationId": tenant_id, **empty}


def ticks(moment: datetime) -> int:
    """A moment as .NET counts it, which is what sequence numbers look like: tenths of microseconds since year one."""
    passed = moment - _YEAR_ONE
    return (passed.days * 86_400 + passed.seconds) * _TICKS_A_SECOND + passed.microseconds * 10


def with_offset(moment: datetime, hours: int) -> str:
    """A moment with seven digits of a second and an offset."""
    local = moment.astimezone(timezone(timedelta(hours=hours)))
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond:06d}0{local:%:z}"


def _members(added: Sequence[str], removed: Sequence[str]) -> list[dict[str, str]]:
    return [{"id": member} for member in added] + [{"id": member, "@removed": "deleted"} for member in removed]
