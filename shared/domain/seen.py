"""What a view shows, in the form in which decisions are made: to explain one, and never to write anything.

Lives here: assignments as a sweep proved them. A check proves anew what it reads.
"""

from datetime import UTC, datetime

from shared.domain.access.ownership import Held, Intent, prove
from shared.domain.billing import INVOICE_MANAGER, OTHER_RECIPIENT_ROLES, Assignment
from shared.domain.keys import ProfileKey
from shared.domain.view import RoleRow

INVOICE_MANAGER_NAME = "Invoice manager"

_ROLES = {name: role for role, name in OTHER_RECIPIENT_ROLES.items()} | {INVOICE_MANAGER_NAME: INVOICE_MANAGER}
_UNSAID = datetime(1970, 1, 1, tzinfo=UTC)


def made_on(held: Held) -> datetime | None:
    """When an assignment was made, as far as anybody said so."""
    made = held.assignment.created_on
    return None if made == _UNSAID else made


def held_as_seen(profile: ProfileKey, row: RoleRow) -> Held:
    """A row of a view as it was proved: managed, or not.

    What the sweep proved stands for the proof, whatever that was: our hand where it says one, else our intent.
    """
    role = _ROLES.get(row.role, row.role)
    assignment = Assignment(
        profile,
        f"{role}_{row.principal}",
        role,
        row.principal,
        row.principal_type,
        row.created_by,
        row.created_on if not row.managed or row.created_by else row.created_on or _UNSAID,
    )
    if not row.managed:
        return prove(assignment, identities=frozenset())
    ours = frozenset() if row.created_by is None else frozenset({row.created_by})
    made = Intent(assignment.created_on or _UNSAID, found_nothing=True)
    return prove(assignment, identities=ours, intent=made, rules=frozenset(row.rules) or None)
