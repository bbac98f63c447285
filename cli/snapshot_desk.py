"""A snapshot in the place of the app's store: for questions that CI asks, or somebody without any sign-in.

Lives here: the rows of a store that such a question reads, made in memory of what a snapshot has. What it does not
have (who is not in it, dates, holds, the ledger) is not known, and said so.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from cli import snapshot_file
from cli.operating import StoreDesk
from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.access.plan import Employment
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.billing import OTHER_RECIPIENT_ROLES
from shared.domain.catalogue import Catalogue
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Code
from shared.domain.snapshot import Snapshot, SnapshotPerson, as_read
from shared.domain.view import AccountView, Called, PeopleView, PersonView, ProfileView, RoleRow, View

_SWEEP = "snapshot"


@dataclass(frozen=True, slots=True)
class _At:
    """The moment of a snapshot: a question about it is asked on its day."""

    moment: datetime

    def now(self) -> datetime:
        """That moment."""
        return self.moment


def on_snapshot[T](file: Path, verb: Callable[[StoreDesk], Awaitable[T]]) -> tuple[Snapshot, T]:
    """What a verb finds on a snapshot, and the snapshot. Raises `UsageError` for a file that is none."""
    snapshot = snapshot_file.read(file)

    async def run() -> T:
        rows = SqliteRows(IN_MEMORY)
        try:
            state = RowsState(rows)
            await state.put_view(_view(snapshot), _people(snapshot))
            await state.put_names({one.id: _called(one, snapshot) for one in snapshot.people}, snapshot.as_of)
            await state.put_catalogue(_catalogue(snapshot))
            dice = random.Random()  # noqa: S311 - jitter, no secrets
            return await verb(
                StoreDesk(f"snapshot {file}", _At(snapshot.as_of), dice, partial(RowsLedger, rows), state)
            )
        finally:
            await rows.close()

    return snapshot, asyncio.run(run())


def not_in_it(snapshot: Snapshot) -> str:
    """What is said in front of an answer."""
    return (
        f"On a snapshot of {snapshot.as_of:%Y-%m-%d %H:%M} UTC, in which are no dates, reservations, pauses, holds or "
        "records: who is not in it is not known."
    )


def _view(snapshot: Snapshot) -> View:
    rows: dict[ProfileKey, list[RoleRow]] = {}
    for row in snapshot.rows:
        rows.setdefault(row.profile, []).append(row.as_seen)
    return View(
        sweep=_SWEEP,
        as_of=snapshot.as_of,
        complete=snapshot.complete,
        failures=() if snapshot.complete else (Code.SAID(said="the snapshot does not say what"),),
        policy_digest=snapshot.policy,
        time_zone="UTC",
        accounts=tuple(
            AccountView(
                name=one.name,
                display_name=one.display_name,
                agreement_type=one.agreement_type,
                status=one.status,
                managed=True,
            )
            for one in snapshot.accounts
        ),
        profiles=tuple(
            ProfileView(
                key=one.key,
                name=one.display_name,
                status=one.status,
                opted_in=one.invoice_email_opt_in,
                enforced=True,
                rows=tuple(rows.get(one.key, ())),
            )
            for one in snapshot.profiles
        ),
    )


def _people(snapshot: Snapshot) -> PeopleView:
    return PeopleView(sweep=_SWEEP, people=tuple(_person(one, snapshot) for one in snapshot.people))


def _person(one: SnapshotPerson, snapshot: Snapshot) -> PersonView:
    if one.employment is Employment.UNREADABLE:
        why = Code.PERSON_UNREADABLE(said="the snapshot says no more")
        return PersonView(object_id=one.id, person=None, employment=one.employment, employment_why=why)
    read = as_read(one, snapshot.as_of)
    return PersonView(object_id=one.id, person=read, employment=one.employment, employment_why=Code.EMPLOYED())


def _called(one: SnapshotPerson, snapshot: Snapshot) -> Called:
    return Called(object_id=one.id, kind=PrincipalKind.PERSON, name=one.name, asked=snapshot.as_of, used=snapshot.as_of)


def _catalogue(snapshot: Snapshot) -> Catalogue:
    others: dict[ProfileKey, dict[str, str]] = {}
    for row in snapshot.rows:
        if row.role in OTHER_RECIPIENT_ROLES.values():
            others.setdefault(row.profile, {})[row.principal] = row.role
    return Catalogue(
        snapshot.as_of,
        snapshot.accounts,
        snapshot.profiles,
        other_roles=others,
        policy_digest=snapshot.policy,
        unknown_rules=snapshot.unknown_rules,
    )
