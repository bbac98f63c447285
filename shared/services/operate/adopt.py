"""Adopts assignments that somebody else made: says what would follow from each, then makes them managed.

Lives here: finding what a choice means, and recording it. What would follow is
`shared.domain.adoption.consequences`'s; nothing is written to Azure: the next check of the
person does that, guarded like any other.
"""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from shared.domain.access.ownership import AdoptedRow, ManagedAssignment
from shared.domain.adoption.consequences import Adoption, Choice, Consequence, Why, chosen_of, consequences
from shared.domain.adoption.first_contact import Existing
from shared.domain.billing import OTHER_RECIPIENT_ROLES, Assignment
from shared.domain.history.records import AdoptBody
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.reasons import Code, Reason
from shared.domain.remembered import Holding
from shared.domain.work import Cause, CauseKind, WorkItem, at_once
from shared.errors import InvoiceAccessError
from shared.services.app import App, unique_id
from shared.services.catalogue import enforced_profiles
from shared.services.identities import app_identities
from shared.services.operate.first_contact import FirstContact, make_first_contact
from shared.services.provenance import Prover, recalled
from shared.services.shared_row import until_stored

_PEOPLE_AT_ONCE: Final = 8

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AdoptionPlan:
    """What a choice means, each with its consequence. `failures` are reads that failed: it may lack some."""

    adoptions: tuple[Adoption, ...]
    failures: tuple[Reason, ...]
    identities: frozenset[str]
    identities_known: bool

    @property
    def able(self) -> tuple[Adoption, ...]:
        """Those that can be adopted."""
        return tuple(one for one in self.adoptions if not one.is_refused)


class Fate(StrEnum):
    """What became of one adoption."""

    ADOPTED = "adopted"
    REFUSED = "refused"
    """The world moved since the plan was shown; nothing was recorded."""
    FAILED = "failed"
    """Something could not be read or stored; to adopt it again is safe."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """One adoption, what became of it, and why."""

    adoption: Adoption
    fate: Fate
    why: Reason | None = None


async def plan_adoption(app: App, choice: Choice, by: str = "") -> AdoptionPlan:
    """Says for each unmanaged assignment that `choice` means what the next check would do with it, were it managed.

    `by` is the object id of who asks: nobody adopts their own access, which is refused here and in `apply_adoption`.
    Reads everything, as first contact does, and writes nothing. Raises as that does.
    """
    choice = replace(choice, pairs=tuple((profile, principal.lower()) for profile, principal in choice.pairs))
    contact = await make_first_contact(app)
    enforced = enforced_profiles(app.policy, contact.estate.catalogue)
    meant: dict[str, list[tuple[Existing, Why]]] = {}
    for existing in contact.existing:
        if (why := chosen_of(existing, choice)) is not None:
            meant.setdefault(existing.principal_id, []).append((existing, why))
    adoptions = [
        adoption
        for of_one in meant.values()
        for adoption in consequences(
            of_one,
            policy=app.policy,
            catalogue=contact.estate.catalogue,
            enforced=enforced,
            now=contact.estate.read_at,
        )
    ]
    adoptions = [_for_others(one, by) for one in adoptions]
    adoptions += _not_found(contact, choice)
    adoptions.sort(key=lambda one: (one.profile, one.principal_id))
    return AdoptionPlan(tuple(adoptions), contact.failures, contact.identities, contact.identities_known)


async def apply_adoption(app: App, adoptions: Iterable[Adoption], by: str) -> tuple[Adopted, ...]:
    """Makes assignments managed, person by person, and has each person checked. What is refused changes nothing.

    Each row is read anew first: one that is not the row that was shown is refused, with the difference. The ledger
    comes before the state, so that whoever is interrupted leaves evidence without effect: to adopt again is safe.
    """
    by_person: dict[str, list[Adoption]] = {}
    for adoption in adoptions:
        by_person.setdefault(adoption.principal_id, []).append(adoption)
    gate = asyncio.Semaphore(_PEOPLE_AT_ONCE)

    async def adopt(of_one: Sequence[Adoption]) -> list[Adopted]:
        async with gate:
            return await _Adopting(app, by).of_person(of_one)

    fates = await asyncio.gather(*map(adopt, by_person.values()))
    return tuple(fate for of_one in fates for fate in of_one)


def _for_others(adoption: Adoption, by: str) -> Adoption:
    """An adoption as it is for who asks: of their own access it is refused."""
    if adoption.principal_id != by.lower():
        return adoption
    own = Code.OWN_ACCESS(profile=str(adoption.profile))
    return replace(adoption, consequence=Consequence.REFUSED, text=own)


def _not_found(contact: FirstContact, choice: Choice) -> Iterable[Adoption]:
    """The chosen ones that are no Invoice manager assignment, each refused with the reason."""
    existing = {(one.profile, one.principal_id) for one in contact.existing}
    known = {profile.key for profile in contact.estate.catalogue.profiles}
    for profile, principal in dict.fromkeys(choice.pairs):
        if (profile, principal) in existing:
            continue
        others = [row for row in contact.estate.rows.get(profile, ()) if row.principal_id == principal]
        if profile not in known:
            why = Code.NO_SUCH_MANAGED_PROFILE()
        elif profile not in contact.estate.rows:
            why = Code.PROFILE_NOT_READ()
        elif others:
            held = tuple(sorted(OTHER_RECIPIENT_ROLES.get(row.role, f"role {row.role}") for row in others))
            why = Code.HOLDS_ANOTHER_ROLE(roles=held)
        else:
            why = Code.NO_SUCH_ASSIGNMENT()
        yield Adoption(profile, principal, Why.CHOSEN, Consequence.REFUSED, why)


class _Adopting:
    """The adoption of one person's assignments."""

    def __init__(self, app: App, by: str) -> None:
        self._app = app
        self._by = by

    async def of_person(self, adoptions: Sequence[Adoption]) -> list[Adopted]:
        fates: dict[ProfileKey, Adopted] = {}
        able: list[Adoption] = []
        for adoption in adoptions:
            try:
                refused = await self._refused(adoption)
            except InvoiceAccessError as failure:
                fates[adoption.profile] = Adopted(adoption, Fate.FAILED, Code.NOT_READ_ANEW(said=str(failure)))
                continue
            if refused is None:
                able.append(adoption)
            else:
                fates[adoption.profile] = Adopted(adoption, Fate.REFUSED, refused)
        if able:
            fate, why = await self._record(able)
            fates |= {adoption.profile: Adopted(adoption, fate, why) for adoption in able}
        return [fates[adoption.profile] for adoption in adoptions]

    async def _refused(self, adoption: Adoption) -> Reason | None:
        """Why an assignment may not be adopted now; None where it is the one that was shown."""
        adoption = _for_others(adoption, self._by)
        shown = adoption.row
        if adoption.is_refused or shown is None:
            return adoption.text
        app = self._app
        live = await app.billing.assignment(adoption.profile, adoption.principal_id)
        if live is None:
            return Code.ASSIGNMENT_GONE()
        if (difference := _difference(shown, live)) is not None:
            return difference
        identities, _ = await app_identities(app)
        row = await app.state.person(adoption.principal_id)
        prover = Prover(identities, app.ledger, app.settings.on_its_way)
        held = await prover.held(live, row.value if row.is_there else None)
        return Code.MANAGED_BY_NOW() if isinstance(held, ManagedAssignment) else None

    async def _record(self, adoptions: Sequence[Adoption]) -> tuple[Fate, Reason | None]:
        """The evidence first, then what checks go by, then a check."""
        key = PersonKey(adoptions[0].principal_id)
        try:
            await self._append(key, adoptions)
        except InvoiceAccessError as failure:
            return Fate.FAILED, Code.EVIDENCE_NOT_RECORDED(said=str(failure))
        try:
            await self._store(key, adoptions)
        except InvoiceAccessError as failure:
            return Fate.FAILED, Code.EVIDENCE_ALONE_RECORDED(said=str(failure))
        _log.info("adopt: %s adopted %d of %s", self._by, len(adoptions), key.canonical)
        try:
            await self._enqueue(key)
        except InvoiceAccessError as failure:
            return Fate.ADOPTED, Code.CHECK_NOT_ASKED_FOR(said=str(failure))
        return Fate.ADOPTED, None

    async def _append(self, key: PersonKey, adoptions: Sequence[Adoption]) -> None:
        """One record for each; a check of the same time costs it, or us, another try."""
        left = list(adoptions)

        async def attempt() -> None:
            chain = await self._app.ledger.open(key.canonical)
            while left:
                await chain.append(self._app.clock.now(), _evidence(left[0], self._by))
                left.pop(0)

        await until_stored(self._app, f"the ledger of {key.canonical}", attempt)

    async def _store(self, key: PersonKey, adoptions: Sequence[Adoption]) -> None:
        async def attempt() -> None:
            # Where the state was lost, what was adopted before this is in the ledger alone, until a row says so.
            row = await self._app.state.person(key.object_id)
            state = await recalled(row, self._app.ledger)
            holdings = dict(state.holdings)
            for adoption in adoptions:
                before = holdings.get(adoption.profile, Holding())
                holdings[adoption.profile] = replace(before, rules=adoption.rules, adopted=True)
            await self._app.state.put_person(row.becoming(replace(state, holdings=holdings)))

        await until_stored(self._app, f"what we remember of {key.canonical}", attempt)

    async def _enqueue(self, key: PersonKey) -> None:
        """One check: what was adopted is remembered by now, and read at every check."""
        cause = Cause(CauseKind.OPERATOR, f"operator:{self._by}")
        unique = unique_id(self._app.random)
        item = WorkItem(key, cause, first_asked=self._app.clock.now())
        await self._app.queues.send_work([at_once(item, unique)])


def _difference(shown: Assignment, live: Assignment) -> Reason | None:
    """What tells the row that is there from the one that was shown; None where it is the same."""
    before, after = AdoptedRow.of(shown), AdoptedRow.of(live)
    if before == after and before is not None:
        return None
    compared = (
        (Code.MAKER_DIFFERS, shown.created_by, live.created_by),
        (Code.TIME_DIFFERS, shown.created_on, live.created_on),
        (Code.NAME_DIFFERS, shown.name.lower(), live.name.lower()),
    )
    found = tuple(code(was=str(was or ""), now=str(now or "")) for code, was, now in compared if was != now)
    return Code.NOT_THE_ONE_SHOWN(differences=found or (Code.HAS_NO_TIME(),))


def _evidence(adoption: Adoption, by: str) -> AdoptBody:
    """What the ledger keeps: the very row, who took it over, and what they were shown. Ids and no names."""
    row = adoption.row
    assert row is not None, "only what can be adopted has evidence"
    assert row.created_on is not None, "only what can be adopted has evidence"
    return AdoptBody(
        profile=adoption.profile,
        name=row.name.lower(),
        created_by=row.created_by,
        created_on=row.created_on,
        principal_type=row.principal_type,
        by=by,
        why=adoption.why.value,
        consequence=adoption.consequence.value,
        shown=adoption.text,
        rules=adoption.rules,
    )
