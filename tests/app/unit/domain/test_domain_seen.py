"""What a view shows, as decisions take it: managed where the sweep proved it, whoever made it."""

from datetime import UTC, datetime

import pytest

from shared.domain.access.ownership import ManagedAssignment, UnmanagedAssignment
from shared.domain.keys import ProfileKey
from shared.domain.seen import held_as_seen
from shared.domain.view import RoleRow

AT = datetime(2026, 3, 3, 8, tzinfo=UTC)
UK = ProfileKey("mca", "UK")
ANNA, MAKER = "b0a1d000-0000-4000-8000-000000000001", "a0a1d000-0000-4000-8000-000000000002"


@pytest.mark.parametrize("made_by", [MAKER, None])
@pytest.mark.parametrize("made_on", [AT, None])
@pytest.mark.parametrize("rules", [("finance",), ()])
def test_what_a_sweep_proved_managed_is_managed(
    made_by: str | None, made_on: datetime | None, rules: tuple[str, ...]
) -> None:
    row = RoleRow(
        principal=ANNA, role="Invoice manager", created_by=made_by, created_on=made_on, managed=True, rules=rules
    )
    held = held_as_seen(UK, row)
    assert isinstance(held, ManagedAssignment)
    assert (held.profile, held.assignment.principal_id, held.rules) == (UK, ANNA, frozenset(rules) or None)


@pytest.mark.parametrize("made_by", [MAKER, None])
@pytest.mark.parametrize("made_on", [AT, None])
def test_what_it_did_not_prove_is_unmanaged(made_by: str | None, made_on: datetime | None) -> None:
    row = RoleRow(principal=ANNA, role="Invoice manager", created_by=made_by, created_on=made_on)
    held = held_as_seen(UK, row)
    assert isinstance(held, UnmanagedAssignment)
    assert held.assignment.is_invoice_manager
