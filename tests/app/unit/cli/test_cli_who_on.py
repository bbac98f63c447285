"""`who PROFILE --on DAY`: who received a profile's invoices on a past day and who could open them, by the ledger."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows import Replace
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.domain.billing import BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.history.checks import CheckBody, Ended, Step, Told
from shared.domain.history.records import (
    MEMBER,
    Appeared,
    Body,
    IntendedGrant,
    IntentBody,
    Left,
    Mode,
    RoleGone,
    RolesBody,
    RoleSeen,
    SettingsSeen,
    UnmanagedBody,
)
from shared.domain.history.unmanaged_sightings import ESTATE
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from shared.domain.work import Cause, CauseKind
from tests.app.unit.cli_desk import NOW, Said, Store, called, deployed

ANNA, BEN, CLEO, DORA, AUDIT, OWNER = (f"7c0f5a0e-0000-4000-8000-00000000000{number}" for number in range(1, 7))
NAMES = {ANNA: "Anna", BEN: "Ben", CLEO: "Cleo", DORA: "Dora", AUDIT: "External Audit", OWNER: "Olga"}
NL = ProfileKey("mca:1", "NL-BG7")
BEGAN = datetime(2026, 2, 10, 9, tzinfo=UTC)
READER = "Billing profile reader"


class Ledger:
    """The ledger beside the command line."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, key: str, at: datetime, body: Body) -> None:
        async def use(rows: SqliteRows) -> None:
            await (await RowsLedger(rows).open(key)).append(at, body)

        self._store.run_rows(use)

    def damage(self, key: str) -> None:
        async def use(rows: SqliteRows) -> None:
            row = await rows.get(f"ledger:{key}", f"record:{1:012}")
            assert row is not None
            await rows.write(row.partition, Replace(row.key, {"nothing": 1}, row.etag))

        self._store.run_rows(use)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """Anna by a rule, Ben by hand, Cleo a reader for a week, Dora in a group of readers, Olga at the account."""
    store = deployed(tmp_path, monkeypatch)
    catalogue = Catalogue(NOW, (), (BillingProfile(NL, "Contoso Nederland", "Active", True),))
    store.run(lambda state: state.put_catalogue(catalogue))
    store.run(lambda state: state.put_names({one: called(one, name) for one, name in NAMES.items()}, NOW))
    made = Ledger(store)
    why = Code.EMPLOYED()
    grant = IntendedGrant("grant", NL, Mode.ENFORCE, why, ("own-company",), found_nothing=True)
    made.append(f"person:{ANNA}", BEGAN, IntentBody((grant,)))
    told = Told(actions=(Ended(Step.GRANT, Outcome.DONE, why, "", NL),))
    made.append(
        f"person:{ANNA}", BEGAN, CheckBody.of(told, Cause(CauseKind.EVENT, "/hr#1", "hired"), Outcome.DONE, 0, ())
    )
    made.append(ESTATE, BEGAN, UnmanagedBody((Appeared(NL, BEN, "User", Code.MADE_BY(maker=OWNER), BEGAN),)))
    roles = (
        RoleSeen(str(NL), READER, CLEO, "User", BEGAN),
        RoleSeen(str(NL), READER, AUDIT, "Group", BEGAN),
        RoleSeen(AUDIT, MEMBER, DORA, "User", BEGAN),
        RoleSeen("mca:1", "Billing account owner", OWNER, "User", BEGAN),
        RoleSeen("mca:1/DE-BG7", READER, BEN, "User", BEGAN),
    )
    made.append(ESTATE, BEGAN, RolesBody(appeared=roles, settings=(SettingsSeen(NL, True, 2, "d", BEGAN),)))
    week = BEGAN + timedelta(days=7)
    gone = RoleGone(str(NL), READER, CLEO, "User", BEGAN, week - timedelta(hours=1), Left.GONE)
    made.append(ESTATE, week, RolesBody(left=(gone,), settings=(SettingsSeen(NL, False, 0, "e", week),)))
    return made


def asked(said: Said, day: str) -> Mapping[str, Any]:
    assert main(["who", "Contoso Nederland", "--on", day, "-o", "json"]) == 0
    found: Mapping[str, Any] = json.loads(said.readouterr().out)
    return found


@pytest.mark.usefixtures("ledger")
def test_whoever_received_it_that_day_is_told_by_what_and_whoever_could_open_it(capsys: Said) -> None:
    assert main(["who", "Contoso Nederland", "--on", "2026-02-12"]) == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("Contoso Nederland on 2026-02-12 (")
    assert first.endswith("): 2 Invoice managers, 2 more by another role.")
    words = [" ".join(line.split()) for line in lines]
    assert "Anna rule own-company since 2026-02-10 until now certain, record 1" in words
    assert "▲ Ben unmanaged seen since 2026-02-10 until now perhaps" in words
    assert f"Cleo {READER}, role at the profile seen since 2026-02-10 until 2026-02-17 certain" in words
    at = words.index("Could open it without being sent it:")
    assert any(line.startswith("▲ Dora member of External Audit") for line in words[at:])
    assert any(line.startswith("▲ Olga Billing account owner, role at the account") for line in words[at:])
    assert words[-1] == "Invoice mail was on; 2 addresses set on the profile itself."
    assert not any("DE-BG7" in line for line in words)


@pytest.mark.usefixtures("ledger")
def test_whose_role_ended_before_that_day_is_not_told(capsys: Said) -> None:
    found = asked(capsys, "2026-02-20")
    assert {one["name"] for one in found["had"]} == {"Anna", "Ben", "External Audit", "Dora", "Olga"}
    assert found["settings"]["opted_in"] is False
    assert found["settings"]["addresses"] == 0


@pytest.mark.usefixtures("ledger")
def test_of_a_day_before_the_first_record_it_says_that_nothing_was_recorded(capsys: Said) -> None:
    assert main(["who", "Contoso Nederland", "--on", "2026-01-31"]) == 0
    said = capsys.readouterr().out
    assert "0 Invoice managers. Owners, contributors, readers and account roles: not recorded before" in said
    assert "The ledger begins 2026-02-10; of what was before, it knows nothing." in said


@pytest.mark.usefixtures("ledger")
def test_programs_get_whole_ids_moments_and_what_is_recorded_since_when(capsys: Said) -> None:
    found = asked(capsys, "2026-02-12")
    assert found["profile"] == {"id": str(NL), "name": "Contoso Nederland"}
    assert found["roles_recorded_from"] == "2026-02-10T09:00:00Z"
    (dora,) = [one for one in found["had"] if one["name"] == "Dora"]
    assert (dora["role"], dora["receives"], dora["group"]) == (MEMBER, False, {"id": AUDIT, "name": "External Audit"})
    (anna,) = [one for one in found["had"] if one["name"] == "Anna"]
    assert (anna["record"], anna["certainty"]) == (f"person:{ANNA}#1", "held")


def test_a_chain_that_cannot_be_read_is_told_and_the_rest_answered(ledger: Ledger, capsys: Said) -> None:
    ledger.damage(f"person:{ANNA}")
    assert main(["who", "Contoso Nederland", "--on", "2026-02-12"]) == 1
    said = capsys.readouterr()
    assert f"person:{ANNA} could not be read" in said.err
    assert "Ben" in said.out


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "2999-01-01"])
def test_a_day_that_is_none_or_to_come_is_refused(day: str, capsys: Said) -> None:
    assert main(["who", "Contoso Nederland", "--on", day]) == 2
    assert "--on" in capsys.readouterr().err
