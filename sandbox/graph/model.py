"""The directory itself: users, groups, what was deleted, and how reads trail writes.

Lives here: state and its rules (unique names, soft deletion, membership, replication). No HTTP, no query
options, no permissions: those are asked before and after.
"""

import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal

from sandbox.graph.app_role_book import AppRoleBook
from sandbox.graph.errors import bad_request, not_found
from sandbox.graph.objects import RESOURCES, Entry, ObjectKind, State, View
from sandbox.graph.subscription_book import SubscriptionBook
from sandbox.graph.switches import Switches
from sandbox.graph.timeline import Timeline
from sandbox.graph.writing import as_date_time, seeded_properties
from sandbox.identity import Identity
from sandbox.wire import Clock

type ChangeKind = Literal["created", "updated", "deleted", "restored", "purged"]
type PrincipalType = Literal["User", "Group", "ServicePrincipal"]

_LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened to an object. It names no properties, as the real notifications do not."""

    at: datetime
    kind: ChangeKind
    object_kind: ObjectKind
    object_id: str
    members_added: tuple[str, ...] = ()
    members_removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One call that changed the directory, or would have: who, what, and how it ended."""

    at: datetime
    caller_object_id: str
    method: str
    path: str
    status: int


class GraphModel:
    """A tenant's directory. Writes take effect at once; reads go through `view`, which may lag behind."""

    def __init__(
        self,
        *,
        tenant_id: str,
        identities: Sequence[Identity] = (),
        people: Sequence[Identity] = (),
        users: Sequence[Mapping[str, Any]] = (),
        deleted_users: Sequence[Mapping[str, Any]] = (),
        groups: Sequence[Mapping[str, Any]] = (),
        clock: Clock,
        random_source: random.Random,
        switches: Switches | None = None,
    ) -> None:
        """Seeds the directory with what was always there.

        Raises:
            GraphError: for an object that the directory could not hold.
        """
        self.tenant_id = tenant_id
        self.switches = switches if switches is not None else Switches()
        self.audit: list[AuditEntry] = []
        """Every call that changed the directory or tried to, oldest first."""
        self.subscriptions = SubscriptionBook(clock=clock, new_id=self.new_id)
        """Which app is told of which changes."""
        self._clock = clock
        self._random = random_source
        self.app_roles = AppRoleBook(identities, clock=clock)
        """Which identity was assigned which application permission."""
        self._identities = {identity.object_id.lower(): identity for identity in identities}
        self._known_from: dict[str, datetime] = {}
        self._people = {person.object_id.lower(): person for person in people}
        self._timelines: dict[str, Timeline[Entry]] = {}
        self._listeners: list[Callable[[Change], None]] = []
        for user in users:
            self._seed("user", user)
        for user in deleted_users:
            deleted = {"deletedDateTime": as_date_time(clock()), **user}
            deleted["userPrincipalName"] = _mangled(user["id"], user["userPrincipalName"])
            self._seed("user", deleted, state="deleted")
        for group in groups:
            own = {name: value for name, value in group.items() if name != "members"}
            self._seed("group", own, members=group.get("members", ()))

    # Reading

    def now(self) -> datetime:
        """The time, in UTC."""
        return self._clock()

    def view(self) -> View:
        """What reads see now: everything that is older than the replica lag."""
        return View(self._timelines, self._clock() - timedelta(seconds=self.switches.replica_lag_seconds))

    def newest(self) -> View:
        """What writes see: everything."""
        return View(self._timelines, datetime.max.replace(tzinfo=UTC))

    def identity(self, object_id: str) -> Identity | None:
        """The managed identity with that object id; None while a new one is not known yet."""
        if object_id.lower() in self._known_from and self._clock() < self._known_from[object_id.lower()]:
            return None
        return self._identities.get(object_id.lower())

    def identity_of_app(self, client_id: str) -> Identity | None:
        """The managed identity with that application id."""
        found = next((one for one in self._identities.values() if one.client_id.lower() == client_id.lower()), None)
        return None if found is None else self.identity(found.object_id)

    def speaker(self, object_id: str) -> Identity | None:
        """Whoever may speak to this directory under that object id: a managed identity, or a person who signs in."""
        found = self._identities.get(object_id.lower())
        if found is None:
            return self._people.get(object_id.lower())
        granted = self.app_roles.permissions(object_id, timedelta(seconds=self.switches.permission_lag_seconds))
        return found if granted == found.graph_permissions else replace(found, graph_permissions=granted)

    def principal_type(self, object_id: str) -> PrincipalType | None:
        """What kind of principal that object id is; None for what does not exist or is deleted."""
        if self.identity(object_id) is not None:
            return "ServicePrincipal"
        found = self.newest().live(object_id)
        if found is None:
            return None
        return "User" if found.kind == "user" else "Group"

    def on_change(self, callback: Callable[[Change], None]) -> None:
        """Calls `callback` after every change from now on, in the order of the changes."""
        self._listeners.append(callback)

    def new_id(self) -> str:
        """A fresh GUID from the injected random source."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    # Writing

    def add_identity(self, identity: Identity) -> None:
        """Makes a managed identity, which is known as late as the switch says."""
        self._identities[identity.object_id.lower()] = identity
        self._known_from[identity.object_id.lower()] = self._clock() + timedelta(
            seconds=self.switches.identity_lag_seconds
        )
        self.app_roles.seed(identity)

    def create(self, kind: ObjectKind, properties: Mapping[str, Any], members: Sequence[str] = ()) -> Entry:
        """Adds an object with a new id.

        Raises:
            GraphError: 400 for a userPrincipalName that is taken.
        """
        if kind == "user":
            self._require_free_upn(properties["userPrincipalName"], but_for="")
        object_id = self.new_id()
        entry = Entry(
            kind,
            object_id,
            len(self._timelines),
            {**properties, "id": object_id, "createdDateTime": as_date_time(self._clock())},
            dict.fromkeys(members),
        )
        self._timelines[object_id] = Timeline(self._clock(), entry)
        self._tell("created", entry, added=tuple(members))
        return entry

    def update(self, entry: Entry, properties: Mapping[str, Any]) -> Entry:
        """Sets properties of an object.

        Raises:
            GraphError: 400 for a userPrincipalName that is taken.
        """
        if "userPrincipalName" in properties:
            self._require_free_upn(properties["userPrincipalName"], but_for=entry.id)
        changed = replace(entry, properties={**entry.properties, **properties})
        self._write(changed)
        self._tell("updated", changed)
        return changed

    def delete(self, entry: Entry) -> None:
        """Deletes an object: users and Microsoft 365 groups softly, security groups for good."""
        if entry.kind == "group" and "Unified" not in (entry.properties.get("groupTypes") or ()):
            self._write(replace(entry, state="gone"))
            self._tell("purged", entry)
            return
        properties = {**entry.properties, "deletedDateTime": as_date_time(self._clock())}
        if entry.kind == "user":
            properties["userPrincipalName"] = _mangled(entry.id, properties["userPrincipalName"])
        self._write(replace(entry, properties=properties, state="deleted"))
        self._tell("deleted", entry)

    def restore(self, entry: Entry) -> Entry:
        """Brings a softly deleted object back, with its memberships.

        Raises:
            GraphError: 400 where its userPrincipalName was given to somebody else meanwhile.
        """
        properties = {name: value for name, value in entry.properties.items() if name != "deletedDateTime"}
        if entry.kind == "user":
            upn = str(properties["userPrincipalName"]).removeprefix(entry.id.replace("-", ""))
            self._require_free_upn(upn, but_for=entry.id)
            properties["userPrincipalName"] = upn
        restored = replace(entry, properties=properties, state="live")
        self._write(restored)
        self._tell("restored", restored)
        return restored

    def purge(self, entry: Entry) -> None:
        """Deletes an object for good."""
        self._write(replace(entry, state="gone"))
        self._tell("purged", entry)

    def add_members(self, group: Entry, object_ids: Sequence[str]) -> None:
        """Adds members to a group.

        Raises:
            GraphError: 404 for one that does not exist, 400 for one that is a member already or is the group.
        """
        newest = self.newest()
        members = dict(group.members)
        for object_id in object_ids:
            member = newest.live(object_id)
            if member is None:
                raise not_found(object_id)
            if member.id == group.id:
                raise bad_request("A group cannot be added as a member of itself.")
            if member.id in members:
                raise bad_request(
                    "One or more added object references already exist for the following modified "
                    "properties: 'members'."
                )
            members[member.id] = None
        changed = replace(group, members=members)
        self._write(changed)
        self._tell("updated", changed, added=tuple(i for i in members if i not in group.members))

    def remove_member(self, group: Entry, object_id: str) -> None:
        """Takes a direct member out of a group.

        Raises:
            GraphError: 404 for one that is not a direct member.
        """
        member_id = object_id.lower()
        if member_id not in group.members:
            raise not_found(object_id)
        changed = replace(group, members={i: None for i in group.members if i != member_id})
        self._write(changed)
        self._tell("updated", changed, removed=(member_id,))

    # Inside

    def _seed(
        self,
        kind: ObjectKind,
        properties: Mapping[str, Any],
        *,
        members: Sequence[str] = (),
        state: State = "live",
    ) -> None:
        object_id = str(properties["id"]).lower()
        given = {"createdDateTime": as_date_time(_LONG_AGO), **properties, "id": object_id}
        if kind == "user" and state == "deleted":
            given["userPrincipalName"] = _mangled(object_id, str(given["userPrincipalName"]))
        own = seeded_properties(RESOURCES[kind], given)
        entry = Entry(kind, object_id, len(self._timelines), own, dict.fromkeys(i.lower() for i in members), state)
        # The world was always so: no lag hides it.
        self._timelines[object_id] = Timeline(datetime.min.replace(tzinfo=UTC), entry)

    def _write(self, entry: Entry) -> None:
        now = self._clock()
        horizon = now - timedelta(seconds=self.switches.replica_lag_seconds)
        self._timelines[entry.id].write(now, entry, forget_before=horizon)

    def _tell(
        self,
        kind: ChangeKind,
        entry: Entry,
        *,
        added: tuple[str, ...] = (),
        removed: tuple[str, ...] = (),
    ) -> None:
        change = Change(self._clock(), kind, entry.kind, entry.id, added, removed)
        for listener in self._listeners:
            listener(change)

    def _require_free_upn(self, upn: str, *, but_for: str) -> None:
        taken = self.newest().user(upn)
        if taken is not None and taken.id != but_for:
            message = "Another object with the same value for property userPrincipalName already exists."
            raise bad_request(
                message,
                details=[{"code": "ObjectConflict", "message": message, "target": "userPrincipalName"}],
            )


def _mangled(object_id: str, upn: str) -> str:
    """The name that a deleted user has, so that the old one is free: the id without dashes before it."""
    prefix = object_id.lower().replace("-", "")
    return upn if upn.startswith(prefix) else prefix + upn
