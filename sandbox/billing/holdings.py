"""Role assignments of one scope, with the truth and what readers see of it.

What lives here: one assignment, and the table that remembers when each change becomes visible. Who may change
it, and what HTTP says about it, is elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Assignment:
    """One principal's role at one scope; `pending` while another tenant's principal has not accepted.

    `principal_id` is empty where the row has none.
    """

    name: str
    role: str
    principal_id: str
    principal_tenant_id: str | None
    principal_type: str
    created_on: str
    created_by: str | None
    created_by_tenant: str | None
    billing_request_id: str | None = None
    pending: bool = False
    principal_puid: str | None = None


@dataclass(slots=True)
class AssignmentTable:
    """A scope's assignments by name. Each change is true at once and visible from a given moment on."""

    _versions: dict[str, list[tuple[datetime, Assignment | None]]] = field(default_factory=dict)
    _names_of: dict[str, dict[str, None]] = field(default_factory=dict)  # by principal: asked at every request

    def put(self, assignment: Assignment, visible_from: datetime) -> None:
        """Adds an assignment, or replaces the one of its name."""
        name = assignment.name.casefold()
        self._versions.setdefault(name, []).append((visible_from, assignment))
        self._names_of.setdefault(assignment.principal_id, {})[name] = None

    def remove(self, name: str, hidden_from: datetime) -> None:
        """Removes an assignment; readers see it until `hidden_from`."""
        self._versions[name.casefold()].append((hidden_from, None))

    def actual(self, name: str) -> Assignment | None:
        """The assignment of this name as it truly is."""
        versions = self._versions.get(name.casefold())
        return versions[-1][1] if versions else None

    def every(self) -> Iterator[Assignment]:
        """All assignments as they truly are, oldest name first."""
        return (row for versions in self._versions.values() if (row := versions[-1][1]) is not None)

    def held(self, role: str, principal_id: str) -> Assignment | None:
        """The assignment of this role to this principal as it truly is, whatever its name."""
        return next((row for row in self.of_principal(principal_id) if row.role == role), None)

    def of_principal(self, principal_id: str) -> Iterator[Assignment]:
        """A principal's assignments as they truly are."""
        rows = (self.actual(name) for name in self._names_of.get(principal_id, ()))
        return (row for row in rows if row is not None and row.principal_id == principal_id)

    def seen(self, name: str, now: datetime) -> Assignment | None:
        """The assignment of this name as a reader sees it."""
        versions = self._versions.get(name.casefold(), [])
        return next((row for since, row in reversed(versions) if since <= now), None)

    def all_seen(self, now: datetime) -> list[Assignment]:
        """All assignments as a reader sees them, oldest name first."""
        return [row for name in self._versions if (row := self.seen(name, now)) is not None]
