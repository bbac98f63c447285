"""Directory objects at one moment: what reads see.

Lives here: the value that one object is, and the questions one may ask a whole directory at one time. Nothing
here changes anything.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

from sandbox.graph.properties import GROUP, USER, Resource
from sandbox.graph.timeline import Timeline

type ObjectKind = Literal["user", "group"]
type State = Literal["live", "deleted", "gone"]

RESOURCES: Final[Mapping[str, Resource]] = {"user": USER, "group": GROUP}
"""How Graph describes each kind of object in this directory."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One directory object at one time.

    `sequence` is its place in listings. `members` are the ids of a group's direct members, in the order they
    were added; members that are deleted stay in it and are not shown, so that a restored person is a member
    again.
    """

    kind: ObjectKind
    id: str
    sequence: int
    properties: Mapping[str, Any]
    members: Mapping[str, None] = field(default_factory=dict)
    state: State = "live"

    @property
    def resource(self) -> Resource:
        """How Graph describes this kind of object."""
        return RESOURCES[self.kind]


class View:
    """The directory as reads see it at one moment."""

    def __init__(self, timelines: Mapping[str, Timeline[Entry]], as_of: datetime) -> None:
        self._timelines = timelines
        self._as_of = as_of

    def entry(self, object_id: str) -> Entry | None:
        """The object of that id in whatever state, or None where it never was or is gone for good."""
        timeline = self._timelines.get(object_id.lower())
        found = timeline.as_of(self._as_of) if timeline is not None else None
        return found if found is not None and found.state != "gone" else None

    def live(self, object_id: str, kind: ObjectKind | None = None) -> Entry | None:
        """The object of that id, unless it is deleted or of another kind."""
        found = self.entry(object_id)
        if found is None or found.state != "live" or kind not in {None, found.kind}:
            return None
        return found

    def entries(self, kind: ObjectKind, state: State = "live") -> Iterator[Entry]:
        """All objects of a kind and state, in the order of their creation."""
        for timeline in self._timelines.values():
            found = timeline.as_of(self._as_of)
            if found is not None and found.kind == kind and found.state == state:
                yield found

    def user(self, key: str) -> Entry | None:
        """The live user with that object id or, in any case, that userPrincipalName."""
        if "@" not in key:
            return self.live(key, "user")
        wanted = key.casefold()
        for found in self.entries("user"):
            if str(found.properties["userPrincipalName"]).casefold() == wanted:
                return found
        return None

    def members(self, group: Entry) -> list[Entry]:
        """The direct members of a group that are not deleted."""
        return [found for object_id in group.members if (found := self.live(object_id)) is not None]

    def transitive_members(self, group: Entry) -> list[Entry]:
        """Members, members of members and so on, each once; groups that contain each other end somewhere."""
        seen: dict[str, Entry] = {}
        waiting = [group]
        while waiting:
            for member in self.members(waiting.pop()):
                if member.id not in seen:
                    seen[member.id] = member
                    if member.kind == "group":
                        waiting.append(member)
        return list(seen.values())

    def transitive_groups(self, object_id: str) -> list[Entry]:
        """The groups that contain this object, directly or through other groups."""
        groups = list(self.entries("group"))
        found: dict[str, Entry] = {}
        waiting = [object_id]
        while waiting:
            inner = waiting.pop()
            for group in groups:
                if inner in group.members and group.id not in found:
                    found[group.id] = group
                    waiting.append(group.id)
        return sorted(found.values(), key=lambda group: group.sequence)
