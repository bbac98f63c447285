"""Which app is told of which changes, until when: subscriptions as state with rules.

Lives here: the subscriptions there are, what their service refuses, and their silent end. No HTTP, no handshake,
and nothing that is sent: see `subscriptions` and `deliveries`.

Sources: Graph, "Change notifications delivery: webhooks", "subscription resource type" and "Set up change
notifications: supported resources" (limits, quotas, the message of a 409).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import Field

from sandbox.graph.errors import GraphError
from sandbox.graph.writing import is_guid
from sandbox.wire import Clock

type ResourceKind = Literal["users", "groups"]
type Part = Literal["", "members", "owners"]

_RESOURCE: Final = re.compile(r"/?(users|groups)(?:/([^/]+)(?:/(members|owners))?)?", re.IGNORECASE)


@dataclass(slots=True)
class SubscriptionSwitches:
    """How the subscription service decides where the documentation does not, or may come to."""

    accept_created: bool = False
    """Whether `created` is accepted for users and groups. The supported list says no and 400 was seen; the Event
    Grid page shows it all the same. Accepted or not, a creation is told as `updated`."""

    longest_minutes: Annotated[int, Field(ge=1)] = 41_760
    """The longest lifetime of a subscription to directory objects, in minutes (under 29 days). Older texts said
    4,230."""

    refuse_longer: bool = True
    """Whether more than that is 400, as the page says it will be. Off: it is cut to the longest."""

    shortest_minutes: Annotated[int, Field(ge=0)] = 45
    """What less than that is raised to, as the resource's page says."""

    most_per_app: Annotated[int, Field(ge=0)] = 100
    """Subscriptions to users and groups that one app may have in one tenant; more is 403."""

    most_per_tenant: Annotated[int, Field(ge=0)] = 1000
    """Subscriptions to users and groups that all apps together may have in one tenant; more is 403."""

    client_state_shown: Literal["by id", "everywhere", "nowhere"] = "by id"
    """Where a subscription's clientState is shown. No list shows it, by design; reading one by its id, creating and
    renewing do. `nowhere`: one report, not confirmed, of tenants where no answer does, and notifications come without
    it. `everywhere`: as the examples of older pages have it."""

    list_lifecycle_url: bool = True
    """Whether a list has lifecycleNotificationUrl. Lists without the key were seen."""

    conflict_by_resource: bool = False
    """Whether 409 is for any second subscription of the app to a resource. The pages say: to the same combination
    of resource and kinds of change."""

    renewal_moves_end: bool = True
    """Whether a renewal that is answered with 200 moves the end. In an incident none did."""

    extension_errors: bool = False
    """Whether a subscription that is not there is refused as the store behind the resource would: ExtensionError,
    with the status in the message."""

    group_member_permission: bool = False
    """Whether GroupMember.Read.All is enough to be told of a group's members. It is enough to read them; the
    page on subscriptions lists Group.Read.All."""

    authorized_seconds: Annotated[float, Field(gt=0)] = 24 * 3600.0
    """How long a create, renewal or reauthorization counts, in seconds: as long as the token lives that made it.
    A managed identity's lives about a day, an ordinary one an hour. After that nothing is delivered."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What a subscription is about: all users or groups, one of them, or one's members or owners."""

    kind: ResourceKind
    object_id: str = ""
    part: Part = ""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscription. `resource` and `change_type` are as they were given."""

    id: str
    application_id: str
    creator_id: str
    resource: str
    change_type: str
    notification_url: str
    lifecycle_url: str | None
    client_state: str | None = field(repr=False)
    expires: datetime
    authorized_until: datetime
    tls_version: str = "v1_2"

    @property
    def changes(self) -> frozenset[str]:
        """The kinds of change it is for."""
        return change_types(self.change_type)

    @property
    def watched(self) -> Watched:
        """What it is about."""
        found = read_resource(self.resource)
        assert found is not None, "nothing else was let in"
        return found


def change_types(text: str) -> frozenset[str]:
    """The words of a changeType; case and order do not matter."""
    return frozenset(word.strip().lower() for word in text.split(","))


def read_resource(text: str) -> Watched | None:
    """What a resource path of users or groups is about; None for anything else."""
    found = _RESOURCE.fullmatch(text)
    if found is None:
        return None
    kind, object_id, part = found[1].lower(), found[2] or "", (found[3] or "").lower()
    if (object_id and not is_guid(object_id)) or (part and kind == "users"):
        return None
    return Watched("users" if kind == "users" else "groups", object_id.lower(), _PARTS[part])


_PARTS: Final[dict[str, Part]] = {"": "", "members": "members", "owners": "owners"}


class SubscriptionBook:
    """Every subscription of the tenant. One that has expired is not there any more, and nobody was told."""

    def __init__(self, *, clock: Clock, new_id: Callable[[], str]) -> None:
        self.switches = SubscriptionSwitches()
        self._clock = clock
        self._new_id = new_id
        self._all: dict[str, Subscription] = {}
        self._listeners: list[Callable[[], None]] = []

    def on_change(self, callback: Callable[[], None]) -> None:
        """Calls `callback` after every change to the book from now on."""
        self._listeners.append(callback)

    def live(self) -> list[Subscription]:
        """Every subscription that has not expired, oldest first."""
        now = self._clock()
        self._all = {found.id: found for found in self._all.values() if found.expires > now}
        return list(self._all.values())

    def get(self, subscription_id: str) -> Subscription | None:
        """The subscription of that id, whoever's it is, unless it has expired."""
        found = self._all.get(subscription_id.lower())
        return found if found is not None and found.expires > self._clock() else None

    def of(self, application_id: str) -> list[Subscription]:
        """The subscriptions that an app made: the only ones it can see."""
        return [found for found in self.live() if found.application_id == application_id]

    def own(self, application_id: str, subscription_id: str, operation: str) -> Subscription:
        """One of the app's own; `operation` is what the store behind the resource calls what is being done.

        Raises:
            GraphError: 404 for one that is not there, has expired, or is another app's.
        """
        found = self.get(subscription_id)
        if found is None or found.application_id != application_id:
            if self.switches.extension_errors:
                message = f"Operation: {operation}; Exception: [Status Code: NotFound; Reason: Not Found]"
                raise GraphError(404, "ExtensionError", message)
            raise GraphError(404, "ResourceNotFound", "The object was not found.")
        return found

    def require_room(self, application_id: str, watched: Watched, changes: frozenset[str]) -> None:
        """Asks whether the app may have one more, of this.

        Raises:
            GraphError: 409 for one that it has already, 403 for one too many.
        """
        mine = self.of(application_id)
        for found in mine:
            if found.watched == watched and (found.changes == changes or self.switches.conflict_by_resource):
                message = f"Subscription Id {found.id} already exists for the requested combination"
                raise GraphError(409, "Conflict", message)
        for limit, count, whose in (
            (self.switches.most_per_app, len(mine), "application in the tenant"),
            (self.switches.most_per_tenant, len(self.live()), "tenant"),
        ):
            if count >= limit:
                message = f"The limit of {limit} subscriptions to directory resources per {whose} has been reached."
                raise GraphError(403, "Forbidden", message)

    def add(self, wanted: Subscription) -> Subscription:
        """Keeps a subscription whose URLs have been validated; it gets its id and authorization here.

        Raises:
            GraphError: as `require_room`; somebody may have been faster.
        """
        self.require_room(wanted.application_id, wanted.watched, wanted.changes)
        return self._keep(replace(wanted, id=self._new_id(), authorized_until=self._authorized()))

    def renew(self, found: Subscription, expires: datetime) -> Subscription:
        """Moves the end of a subscription; that is an authorization, too."""
        end = expires if self.switches.renewal_moves_end else found.expires
        return self._keep(replace(found, expires=end, authorized_until=self._authorized()))

    def reauthorize(self, found: Subscription) -> None:
        """Takes the caller's token for a subscription's further life."""
        self._keep(replace(found, authorized_until=self._authorized()))

    def remove(self, found: Subscription) -> None:
        """Ends a subscription."""
        del self._all[found.id]
        self._tell()

    def _authorized(self) -> datetime:
        return self._clock() + timedelta(seconds=self.switches.authorized_seconds)

    def _keep(self, kept: Subscription) -> Subscription:
        self._all[kept.id] = kept
        self._tell()
        return kept

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
