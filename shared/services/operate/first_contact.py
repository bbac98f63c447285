"""First contact: reads every existing assignment and who has it, and classifies each.

Lives here: the reads and their order. What an assignment is is
`shared.domain.adoption.first_contact`'s; nothing is written.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from shared.domain.access.ownership import Held
from shared.domain.adoption.first_contact import (
    Existing,
    IsGroup,
    NotRead,
    Owner,
    PrincipalKind,
    PrincipalRead,
    classify,
    is_no_person,
    table,
)
from shared.domain.billing import Assignment
from shared.domain.keys import PersonKey
from shared.domain.people import AbsentPerson
from shared.domain.reasons import Code, Reason
from shared.errors import InvoiceAccessError
from shared.services.app import App
from shared.services.estate import Estate, read_estate
from shared.services.identities import app_identities
from shared.services.provenance import Prover

_READS_AT_ONCE: Final = 8
"""Principals read side by side: quick enough for thousands, and no burst."""


@dataclass(frozen=True, slots=True)
class FirstContact:
    """Every Invoice manager assignment, by profile and principal. `failures` are reads that failed: it may lack some.

    `identities` are the object ids that count as managed, and `identities_known` whether the app itself said so:
    without a sweep's word it is whoever reads.
    """

    estate: Estate
    existing: tuple[Existing, ...]
    failures: tuple[Reason, ...]
    identities: frozenset[str]
    identities_known: bool

    @property
    def table(self) -> Mapping[Owner, Mapping[PrincipalKind, int]]:
        """How many there are, by owner and kind of principal."""
        return table(self.existing)


async def make_first_contact(app: App) -> FirstContact:
    """Reads and classifies everything: bulk reads, and one of the directory for each person whom no rule preselects.

    Raises `Transient` or `Permanent` where accounts, profiles or our own store cannot be read at all.
    """
    estate = await read_estate(app)
    identities, known = await app_identities(app)
    rows = [row for rows in estate.rows.values() for row in rows if row.is_invoice_manager]
    held = await _proved(app, estate, rows, identities)
    reads = await _principals(app, estate, rows)
    names = {profile.key: profile.display_name for profile in estate.catalogue.profiles}
    existing = [
        classify(
            one,
            reads[one.assignment.principal_id],
            policy=app.policy,
            catalogue=estate.catalogue,
            profile_name=names[one.profile],
            now=estate.read_at,
        )
        for one in held
    ]
    in_order = sorted(existing, key=lambda one: (one.profile, one.principal_id))
    return FirstContact(estate, tuple(in_order), tuple(estate.all_failures), identities, known)


async def _proved(app: App, estate: Estate, rows: Iterable[Assignment], identities: frozenset[str]) -> list[Held]:
    """Whose each row is; by the ledger's own evidence, as a person reads this before deciding."""
    gate, prover = asyncio.Semaphore(_READS_AT_ONCE), Prover(identities, app.ledger, app.settings.on_its_way)

    async def prove(row: Assignment) -> Held:
        async with gate:
            return await prover.held(row, estate.states.get(row.principal_id))

    return list(await asyncio.gather(*map(prove, rows)))


async def _principals(app: App, estate: Estate, rows: Iterable[Assignment]) -> dict[str, PrincipalRead]:
    """What the directory says of each principal, each asked about once."""
    home = await app.billing.tenant()
    gate = asyncio.Semaphore(_READS_AT_ONCE)

    async def read(row: Assignment) -> PrincipalRead:
        if is_no_person(row.principal_type):
            return None
        known = estate.unreadable.get(row.principal_id) or estate.people.get(row.principal_id)
        if known is not None:
            return known
        if row.principal_tenant is not None and row.principal_tenant != home:
            return NotRead(Code.OF_ANOTHER_TENANT(tenant=row.principal_tenant))
        async with gate:
            return await _read(app, row)

    by_principal = {row.principal_id: row for row in rows}
    return dict(zip(by_principal, await asyncio.gather(*map(read, by_principal.values())), strict=True))


async def _read(app: App, row: Assignment) -> PrincipalRead:
    """Asks the directory; a read that fails says why and nothing else."""
    try:
        key = PersonKey(row.principal_id)
    except ValueError as wrong:
        return NotRead(Code.SAID(said=str(wrong)))
    try:
        found = await app.directory.person(key.object_id, app.policy.groups)
        if isinstance(found, AbsentPerson) and (row.principal_type or "").lower() != "user":
            return IsGroup() if await app.directory.group_exists(key.object_id) else found
    except InvoiceAccessError as failure:
        return NotRead(Code.DIRECTORY_NOT_READ(said=str(failure)))
    return found
