"""Which app was assigned which application permission of Microsoft Graph, since when.

Lives here: the assignments, and which of them count at a moment: a managed identity's tokens are kept for up to a day,
and carry the permissions of when they were made. Who may change them is asked before.
"""

import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sandbox.graph.app_roles import offered, role_id
from sandbox.graph.errors import bad_request, not_found
from sandbox.identity import Identity
from sandbox.wire import Clock

_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
_NAMESPACE: Final = uuid.UUID("6b1e1c52-9d0f-4a39-8f4c-0c7f5a0e0004")


@dataclass(frozen=True, slots=True)
class AppRoleAssignment:
    """One permission of one app. `ended` is when it was taken away, None while it stands."""

    id: str
    principal_id: str
    value: str
    created: datetime
    ended: datetime | None = None


class AppRoleBook:
    """Every assignment there is and was."""

    def __init__(self, identities: Iterable[Identity], *, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[str, list[AppRoleAssignment]] = {}
        for identity in identities:
            self.seed(identity)

    def seed(self, identity: Identity) -> None:
        """What an identity had from the beginning."""
        for value in sorted(identity.graph_permissions):
            self._append(identity.object_id.lower(), value, _ALWAYS)

    @property
    def roles(self) -> dict[str, str]:
        """The permissions that can be assigned, values by ids."""
        return offered(frozenset(row.value for rows in self._rows.values() for row in rows))

    def of(self, principal_id: str) -> Sequence[AppRoleAssignment]:
        """What stands of a principal, in the order in which it came."""
        return [row for row in self._rows.get(principal_id.lower(), ()) if row.ended is None]

    def every(self) -> Sequence[AppRoleAssignment]:
        """What stands of everybody."""
        return [row for principal in self._rows for row in self.of(principal)]

    def permissions(self, principal_id: str, lag: timedelta) -> frozenset[str]:
        """What counts now: what stood a `lag` ago."""
        at = self._clock() - lag if lag else None
        return frozenset(
            row.value
            for row in self._rows.get(principal_id.lower(), ())
            if (row.ended is None if at is None else row.created <= at and (row.ended is None or row.ended > at))
        )

    def add(self, principal_id: str, wanted_id: str) -> AppRoleAssignment:
        """Assigns a permission by its id.

        Raises:
            GraphError: 400 for one that Graph does not offer, and for one that the principal has.
        """
        value = self.roles.get(wanted_id.lower())
        if value is None:
            raise bad_request("Permission being assigned was not found on application.")
        if any(role_id(row.value) == wanted_id.lower() for row in self.of(principal_id)):
            raise bad_request("Permission being assigned already exists on the object")
        return self._append(principal_id.lower(), value, self._clock())

    def remove(self, assignment_id: str) -> None:
        """Takes one away. Raises GraphError, 404, where there is none."""
        for rows in self._rows.values():
            for at, row in enumerate(rows):
                if row.id == assignment_id and row.ended is None:
                    rows[at] = replace(row, ended=self._clock())
                    return
        raise not_found(assignment_id)

    def _append(self, principal: str, value: str, at: datetime) -> AppRoleAssignment:
        rows = self._rows.setdefault(principal, [])
        unique = uuid.uuid5(_NAMESPACE, f"{principal} {value} {len(rows)}")
        row = AppRoleAssignment(_name(principal, unique), principal, value, at)
        rows.append(row)
        return row


def _name(principal: str, unique: uuid.UUID) -> str:
    """An assignment's id as Graph spells it: 43 characters that begin with the principal's bytes, as seen."""
    try:
        first = uuid.UUID(principal).bytes_le
    except ValueError:  # tests have identities of shorter names
        first = uuid.uuid5(_NAMESPACE, principal).bytes_le
    return urlsafe_b64encode(first + unique.bytes).decode().rstrip("=")
