"""How long a process trusts its own copy of the catalogue, and when it asks the store or billing again."""

import asyncio
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
from shared.errors import FailedRead, InvoiceAccessError
from shared.ports import Billing
from shared.services.catalogue import CatalogueStore
from tests.simulation.small_world import POLICY

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOURS = timedelta(hours=3)


class NoAccounts:
    """Billing that lists nothing, and counts how often it is asked.

    It answers once `answers` is set, as it is from the beginning, and raises `failure` where there is one.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.failure: InvoiceAccessError | None = None

    async def accounts(self) -> Sequence[BillingAccount]:
        self.asked += 1
        await self.answers.wait()
        if self.failure is not None:
            raise self.failure
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


async def waiting(count: int, catalogues: CatalogueStore, billing: NoAccounts) -> list[asyncio.Task[Catalogue]]:
    """So many who wait for the catalogue, while billing does not answer."""
    billing.answers.clear()
    tasks = [asyncio.create_task(catalogues.current(NOW)) for _ in range(count)]
    while not billing.asked:  # noqa: ASYNC110 - a condition, and no time
        await asyncio.sleep(0)
    return tasks


async def test_everybody_who_waits_gets_the_catalogue_of_one_read(state: RowsState) -> None:
    billing = NoAccounts()
    waiters = await waiting(32, shelf_of(state, billing), billing)
    billing.answers.set()
    found = await asyncio.gather(*waiters)
    assert billing.asked == 1
    assert all(one is found[0] for one in found)
    assert await state.catalogue() == found[0]


async def test_who_is_cancelled_takes_the_catalogue_from_nobody_else(state: RowsState) -> None:
    billing = NoAccounts()
    first, *others = await waiting(3, shelf_of(state, billing), billing)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    billing.answers.set()
    assert [one.read_at for one in await asyncio.gather(*others)] == [NOW, NOW]
    assert billing.asked == 1


async def test_a_failed_read_is_told_to_everybody_who_waits_and_to_nobody_later(state: RowsState) -> None:
    billing = NoAccounts()
    billing.failure = FailedRead("billing is away")
    catalogues = shelf_of(state, billing)
    waiters = await waiting(3, catalogues, billing)
    billing.answers.set()
    assert await asyncio.gather(*waiters, return_exceptions=True) == [billing.failure] * 3
    billing.failure = None
    assert (await catalogues.current(NOW)).read_at == NOW
    assert billing.asked == 2


async def test_who_reads_later_than_another_instance_takes_what_it_stored(state: RowsState) -> None:
    billing = NoAccounts()
    [reader] = await waiting(1, shelf_of(state, billing), billing)
    judged = replace(read_at(NOW + timedelta(seconds=1)), policy_digest="judged")
    await state.put_catalogue(judged)  # a sweep elsewhere
    billing.answers.set()
    assert await reader == judged
    assert await state.catalogue() == judged


async def test_a_check_that_a_sweep_asked_for_does_not_wait_for_an_older_read(state: RowsState) -> None:
    billing = NoAccounts()
    catalogues = shelf_of(state, billing)
    [older] = await waiting(1, catalogues, billing)
    await state.put_catalogue(replace(read_at(NOW + timedelta(seconds=1)), policy_digest="judged"))
    later = NOW + timedelta(seconds=2)
    assert (await catalogues.current(later, not_before=later)).policy_digest == "judged"
    billing.answers.set()
    assert (await older).policy_digest == "judged"
