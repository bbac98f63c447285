"""How long a process trusts its own copy of the catalogue, and when it asks the store or billing again."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.billing import BillingAccount
from shared.domain.catalogue import Catalogue
from shared.domain.policy.load import load_policy
from shared.ports import Billing
from shared.services.catalogue import CatalogueStore
from tests.simulation.small_world import POLICY

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOURS = timedelta(hours=3)


class NoAccounts:
    """Billing that lists nothing, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def accounts(self) -> Sequence[BillingAccount]:
        self.asked += 1
        return ()


@pytest.fixture
async def state() -> AsyncIterator[RowsState]:
    rows = SqliteRows(IN_MEMORY)
    yield RowsState(rows)
    await rows.close()


def shelf_of(state: RowsState, billing: NoAccounts | None = None) -> CatalogueStore:
    return CatalogueStore(state, cast("Billing", billing or NoAccounts()), load_policy(POLICY, "policy.yaml"), HOURS)


def read_at(moment: datetime) -> Catalogue:
    return Catalogue(read_at=moment, accounts=(), profiles=())


async def found_elsewhere(state: RowsState, catalogues: CatalogueStore) -> Catalogue:
    """A process takes a copy, and another one's sweep stores a newer catalogue a second later."""
    await state.put_catalogue(read_at(NOW))
    assert (await catalogues.current(NOW)).read_at == NOW
    newer = read_at(NOW + timedelta(seconds=1))
    await state.put_catalogue(newer)
    return newer


async def test_a_copy_is_trusted_for_half_a_minute_and_no_longer(state: RowsState) -> None:
    catalogues = shelf_of(state)
    newer = await found_elsewhere(state, catalogues)
    assert (await catalogues.current(NOW + timedelta(seconds=29.9))).read_at == NOW
    assert (await catalogues.current(NOW + timedelta(seconds=30))).read_at == newer.read_at


async def test_a_clock_that_was_set_back_trusts_no_copy(state: RowsState) -> None:
    catalogues = shelf_of(state)
    newer = await found_elsewhere(state, catalogues)
    assert (await catalogues.current(NOW - timedelta(seconds=1))).read_at == newer.read_at


async def test_half_a_minute_counts_from_the_copy_and_not_from_its_latest_use(state: RowsState) -> None:
    catalogues = shelf_of(state)
    newer = await found_elsewhere(state, catalogues)
    for seconds in (10, 20, 29):
        assert (await catalogues.current(NOW + timedelta(seconds=seconds))).read_at == NOW
    assert (await catalogues.current(NOW + timedelta(seconds=31))).read_at == newer.read_at


@pytest.mark.parametrize("off", [HOURS, -HOURS])
async def test_what_is_too_old_is_read_anew_once_for_everybody(state: RowsState, off: timedelta) -> None:
    billing = NoAccounts()
    await state.put_catalogue(replace(read_at(NOW - off), policy_digest="judged"))
    assert (await shelf_of(state, billing).current(NOW)).policy_digest == "judged"
    assert billing.asked == 0
    later = NOW + timedelta(seconds=1 if off > timedelta(0) else -1)
    assert (await shelf_of(state, billing).current(later)).read_at == later
    assert (await shelf_of(state, billing).current(later)).read_at == later
    assert billing.asked == 1
