"""Subscriptions to changes in the directory: as they should be, and as the directory shows them."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class WantedSubscription:
    """A subscription as it should be: to what, for which changes, and where Graph is to say so.

    `resource` is a path without a slash before it (`users`, `groups/<id>/members`). `client_state` is a secret.
    """

    resource: str
    change_types: frozenset[str]
    notification_url: str = field(repr=False)
    lifecycle_url: str = field(repr=False)
    client_state: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as the directory shows it.

    `client_state` and `lifecycle_url` are None where it does not show them. A subscription that has no address for
    lifecycle notifications has an empty one.
    """

    id: str
    resource: str
    change_types: frozenset[str]
    notification_url: str = field(repr=False)
    lifecycle_url: str | None = field(repr=False)
    client_state: str | None = field(repr=False)
    expires: datetime
