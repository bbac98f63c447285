"""What an answer of the command line costs from start to exit, on the store of a large estate.

2,000 people, 200 profiles and 100,000 records in the ledger, on SQLite, with no Azure to ask: whatever wants to ask it
fails. Run it alone with `python -m benchmarks.answers`; `--keep FOLDER` leaves the store there, with a line that says
how to ask it by hand.
"""

import argparse
import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from benchmarks import verify_cost
from benchmarks.figures import Figure, show
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.access.plan import Employment
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.billing import BillingAccount, BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.keys import ProfileKey
from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.domain.policy.load import load_policy
from shared.domain.reasons import Code
from shared.domain.remembered import Holding, PersonState
from shared.domain.view import (
    AccountView,
    Called,
    Mailbox,
    PeopleView,
    PersonView,
    ProfileView,
    RoleRow,
    View,
)
from shared.ports import Stored
from tests.reports import NOTHING, report

MOST_SECONDS: Final = 0.5
"""From start to exit: whoever asks one question after another waits for each."""

PEOPLE: Final = 2_000
PROFILES: Final = 200
RUNS: Final = 5

_ACCOUNT: Final = "5f1c3d2e-1111-4222-8333-0123456789ab:6a2b4c8d-4444-4555-8666-abcdef012345_2019-05-31"
_TREASURY: Final = "7c0f5a0e-0000-4000-8000-0000000a11a1"
_TREASURERS: Final = 10
_POLICY: Final = f"""\
version: 1
enforce: all
rules:
  - name: own-company
    who: "jobTitle in ('Accounts payable clerk', 'Controller')"
    profiles: [{{ tag: {{ company: "{{companyName}}" }} }}]
  - name: treasury
    member_of: [{_TREASURY}]
    profiles: all
email_invoicing: {{ opt_in: all, min_recipients: 2 }}
employment: {{ time_zone: Europe/Amsterdam }}
"""
_NOBODY: Final = "http://127.0.0.1:9"


def person_id(number: int) -> str:
    """The object id of a person, whose chain in the ledger is `verify_cost`'s of the same number."""
    return f"7c0f5a0e-0000-4000-8000-{number:012}"


def asked() -> Mapping[str, list[str]]:
    """What is measured: a question of each kind, also about somebody who has every profile and somebody unknown."""
    return {
        "status": ["status"],
        "status, for programs": ["status", "--json"],
        "who, a profile": ["who", "Company 117"],
        "why, a person": ["why", "person.1234@contoso.example"],
        "why, a person on a profile": ["why", "Person 1234", "Company 34"],
        "why, of 200 profiles": ["why", "Person 3"],
    }


async def build(path: Path, now: datetime) -> None:
    """Makes the store: what a sweep of `now` would leave, and the ledger of some weeks."""
    rows = SqliteRows(path)
    await verify_cost.build(rows, PEOPLE, verify_cost.RECORDS)
    state = RowsState(rows)
    policy = load_policy(_POLICY)
    account = BillingAccount(_ACCOUNT, "Contoso", "MicrosoftCustomerAgreement", "Active")
    profiles = tuple(
        BillingProfile(_key(number), f"Company {number}", "Active", True, {"company": f"Company {number}"})
        for number in range(PROFILES)
    )
    await state.put_catalogue(Catalogue(now, (account,), profiles, policy_digest=policy.digest, unknown_rules={}))
    sweep = "5eeb0000"
    view = View(
        sweep=sweep,
        as_of=now,
        complete=True,
        failures=(),
        policy_digest=policy.digest,
        time_zone="Europe/Amsterdam",
        accounts=(
            AccountView(
                name=_ACCOUNT,
                display_name="Contoso",
                agreement_type="MicrosoftCustomerAgreement",
                status="Active",
                managed=True,
                rows=(),
            ),
        ),
        profiles=tuple(_profile(number, now) for number in range(PROFILES)),
    )
    await state.put_view(view, PeopleView(sweep=sweep, people=tuple(_person(number) for number in range(PEOPLE))))
    await state.put_names({one.object_id: one for one in _names(now)}, now)
    for number in range(PEOPLE):
        mine = _profiles_of(number)
        remembered = PersonState(person_id(number), {_key(one): Holding((_rule(number),), now) for one in mine})
        await state.put_person(Stored(remembered))
    few = [
        Finding(kind=FindingKind.FEW_RECIPIENTS, why=Code.FEW_RECIPIENTS(reached=1, asked=2), profile=_key(number))
        for number in range(3)
    ]
    managed = sum(len(_profiles_of(number)) for number in range(PEOPLE))
    counts = {"profiles": PROFILES, "people": PEOPLE, "managed": managed}
    await state.put_report(report(now, sweep=sweep, counts=replace(NOTHING, **counts), findings=tuple(few)))
    await rows.close()


def environment(folder: Path) -> dict[str, str]:
    """The settings of an operator's shell, with nothing behind an address."""
    # An operator's modules are compiled once, and not for each command.
    dropped = "PYTHONDONTWRITEBYTECODE"
    said = {name: one for name, one in os.environ.items() if not name.startswith("INVOICE_ACCESS_") and name != dropped}
    return said | {
        "INVOICE_ACCESS_STORE": f"sqlite:{folder / 'store.sqlite'}",
        "INVOICE_ACCESS_POLICY": str(folder / "policy.yaml"),
        "INVOICE_ACCESS_GRAPH_URL": _NOBODY,
        "INVOICE_ACCESS_ARM_URL": _NOBODY,
        "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
        "HOME": str(folder),
    }


def prepare(folder: Path) -> None:
    """Puts the store and its policy into a folder."""
    (folder / "policy.yaml").write_text(_POLICY, encoding="utf-8")
    asyncio.run(build(folder / "store.sqlite", datetime.now(UTC)))


def measure(folder: Path, runs: int = RUNS) -> list[Figure]:
    """Asks everything a few times, each in a process of its own, and takes the median."""
    prepare(folder)
    known = environment(folder)
    for words in asked().values():
        _cpu(words, known)  # the first one compiles modules, and leaves the policy as it was read
    return [
        Figure(what, statistics.median(_cpu(words, known) for _ in range(runs)), "s", MOST_SECONDS)
        for what, words in asked().items()
    ]


def _cpu(words: list[str], known: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(  # noqa: S603 - this interpreter, on our own module
        [sys.executable, "-m", "cli", *words], env=known, capture_output=True, check=False, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run.returncode == 0, f"{words}: exit {run.returncode}: {run.stderr or run.stdout}"
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _key(number: int) -> ProfileKey:
    return ProfileKey(_ACCOUNT, f"P{number:03}-BCDE-BG7-PGB")


def _profiles_of(number: int) -> range:
    """The profiles that somebody has: a treasurer all, everybody else that of their company."""
    return range(PROFILES) if number < _TREASURERS else range(number % PROFILES, number % PROFILES + 1)


def _rule(number: int) -> str:
    return "treasury" if number < _TREASURERS else "own-company"


def _person(number: int) -> PersonView:
    title = "Treasurer" if number < _TREASURERS else "Controller"
    own = {
        "jobTitle": title,
        "companyName": f"Company {number % PROFILES}",
        "userPrincipalName": f"person.{number}@contoso.example",
        "mail": f"person.{number}@contoso.example",
        "employeeId": f"E{number:05}",
    }
    return PersonView(
        object_id=person_id(number),
        person=Person(
            object_id=person_id(number),
            account_enabled=True,
            user_type="Member",
            hire_date=datetime(2019, 5, 1, tzinfo=UTC),
            leave_date=None,
            attributes={name: own.get(name) for name in TEXT_ATTRIBUTES if name in own},
            groups=frozenset({_TREASURY}) if number < _TREASURERS else frozenset(),
            display_name=f"Person {number}",
        ),
        employment=Employment.EMPLOYED,
        employment_why=Code.EMPLOYED(),
        rules=(_rule(number),),
        entitled=len(_profiles_of(number)),
    )


def _profile(number: int, now: datetime) -> ProfileView:
    holders = [*range(_TREASURERS), *(one for one in range(_TREASURERS, PEOPLE) if one % PROFILES == number)]
    rows = tuple(
        RoleRow(
            principal=person_id(one),
            role="Invoice manager",
            principal_type="User",
            created_by="a0a1d000-0000-4000-8000-000000000002",
            created_on=now - timedelta(days=60),
            managed=True,
            rules=(_rule(one),),
            given_by=(_rule(one),),
        )
        for one in holders
    )
    return ProfileView(
        key=_key(number),
        name=f"Company {number}",
        status="Active",
        opted_in=True,
        enforced=True,
        currency="EUR",
        invoice_day=5,
        rows=rows,
    )


def _names(now: datetime) -> Iterator[Called]:
    for number in range(PEOPLE):
        yield Called(
            object_id=person_id(number),
            kind=PrincipalKind.PERSON,
            name=f"Person {number}",
            address=f"person.{number}@contoso.example",
            upn=f"person.{number}@contoso.example",
            employee_id=f"E{number:05}",
            mailbox=Mailbox.YES,
            asked=now,
            used=now,
        )


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.answers", description="What an answer costs.")
    parser.add_argument("--keep", type=Path, help="a folder that is made, and keeps the store")
    given = parser.parse_args()
    title = f"An answer from start to exit, {PEOPLE:,} people and {PROFILES} profiles, CPU"
    if given.keep is None:
        with tempfile.TemporaryDirectory() as folder:
            show(title, measure(Path(folder)))
        return
    given.keep.mkdir(parents=True)
    show(title, measure(given.keep))
    print(
        f"INVOICE_ACCESS_STORE=sqlite:{given.keep / 'store.sqlite'} INVOICE_ACCESS_POLICY={given.keep / 'policy.yaml'}"
    )


if __name__ == "__main__":
    main()
