"""`export access` as an auditor types it: what it shows, for people and programs, and what it exits with."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from cli.__main__ import main
from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows import Replace
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.domain.access.ownership import OwnershipBasis
from shared.domain.access.plan import Strength
from shared.domain.history.checks import CheckBody, Ended, Step, Told
from shared.domain.history.records import (
    AdoptBody,
    Appeared,
    Body,
    DigestBody,
    Intended,
    IntendedGrant,
    IntendedRevoke,
    IntentBody,
    Mode,
    UnmanagedBody,
)
from shared.domain.history.unmanaged_sightings import ESTATE
from shared.domain.keys import ProfileKey
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code
from shared.domain.work import Cause, CauseKind
from tests.app.unit import cli_desk as desk
from tests.ledger_records import check_body, forge

WHY = Code.EMPLOYED()

ANNA, BEN, CLEO, OWNER = (f"7c0f5a0e-0000-4000-8000-00000000000{number}" for number in range(1, 5))
NL, DE = ProfileKey("mca:1", "NL-BG7"), ProfileKey("mca:1", "DE-BG7")
GRANTED: Final = datetime(2026, 3, 1, 22, 30, tzinfo=UTC)  # half past eleven in the evening in Amsterdam


class Store:
    """The store that the environment names."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, key: str, at: datetime, body: Body) -> None:
        async def work() -> None:
            rows = SqliteRows(self._path)
            try:
                await (await RowsLedger(rows).open(key)).append(at, body)
            finally:
                await rows.close()

        asyncio.run(work())

    def forge(self, key: str, at: datetime, body: Mapping[str, Any]) -> None:
        """A check that says whatever it says."""

        async def work() -> None:
            rows = SqliteRows(self._path)
            try:
                await forge(rows, key, at, "check", body)
            finally:
                await rows.close()

        asyncio.run(work())

    def damage(self, key: str) -> None:
        """Its first record is no record any more."""

        async def work() -> None:
            rows = SqliteRows(self._path)
            try:
                row = await rows.get(f"ledger:{key}", f"record:{1:012}")
                assert row is not None
                await rows.write(row.partition, Replace(row.key, {"nothing": 1}, row.etag))
            finally:
                await rows.close()

        asyncio.run(work())

    def act(self, person: str, profile: ProfileKey, step: Step, at: datetime) -> None:
        """An intent and the check that carried it out."""
        action: Intended = IntendedGrant("grant", profile, Mode.ENFORCE, WHY, ("own-company",), found_nothing=True)
        if step is Step.REVOKE:
            proof = OwnershipBasis.CREATED_BY
            action = IntendedRevoke("revoke", profile, Mode.ENFORCE, WHY, proof, Strength.STRONG)
        self.append(f"person:{person}", at, IntentBody((action,)))
        told = Told(actions=(Ended(step, Outcome.DONE, WHY, "", profile),))
        cause = Cause(CauseKind.EVENT, "/hr#17", "com.contoso.changed")
        self.append(f"person:{person}", at, CheckBody.of(told, cause, Outcome.DONE, 0, ()))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Anna on NL for half an hour, Ben on DE since, and an unmanaged one; the policy is in Amsterdam's time."""
    path = tmp_path / "store.sqlite"
    monkeypatch.setenv("INVOICE_ACCESS_STORE", f"sqlite:{path}")
    monkeypatch.delenv("ServiceBusConnection__fullyQualifiedNamespace", raising=False)
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "version: 1\naccounts: all\nenforce: none\nrules: []\nemployment: { time_zone: Europe/Amsterdam }\n"
    )
    monkeypatch.setenv("INVOICE_ACCESS_POLICY", str(policy))
    made = Store(path)
    made.act(ANNA, NL, Step.GRANT, GRANTED)
    made.act(ANNA, NL, Step.REVOKE, GRANTED + timedelta(minutes=20))
    made.act(BEN, DE, Step.GRANT, GRANTED)
    made.append(ESTATE, GRANTED, UnmanagedBody((Appeared(NL, BEN, "User", Code.MADE_BY(maker=ANNA), GRANTED),)))
    return made


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["export", "access", *arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


COLUMNS = (
    "day,profile_id,profile,person_id,person,role,managed,rules,since,until,certainty,record,event_source,event_id,"
    "receives,where"
)


def test_whoever_had_something_at_any_time_of_a_day_is_a_row(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "access", "--on", "2026-03-01"]) == 0
    columns, *rows = capsys.readouterr().out.splitlines()
    assert columns == COLUMNS
    day, role = "2026-03-01", "Invoice manager"
    assert sorted(rows) == [
        (
            f"{day},{DE},{DE},{BEN},{BEN},{role},true,own-company,2026-03-01T22:30:00Z,,held,person:{BEN}#1,/hr,17,"
            f"true,{DE}"
        ),
        (
            f"{day},{NL},{NL},{ANNA},{ANNA},{role},true,own-company,2026-03-01T22:30:00Z,2026-03-01T22:50:00Z,held,"
            f"person:{ANNA}#1,/hr,17,true,{NL}"
        ),
        f"{day},{NL},{NL},{BEN},{BEN},{role},false,,2026-03-01T22:30:00Z,,held,estate,,,true,{NL}",
    ]


def test_what_was_taken_moments_ago_is_not_exported_of_now(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    """An unmanaged one, adopted and removed; the next sweep has not noted that it is gone."""
    taken = GRANTED + timedelta(minutes=10)
    row = AdoptBody(
        NL, "row", ANNA, GRANTED, "User", by="olga", why="chosen", consequence="revoked", shown=WHY, rules=()
    )
    store.append(f"person:{BEN}", taken, row)
    revoke = IntendedRevoke("revoke", NL, Mode.ENFORCE, WHY, OwnershipBasis.ADOPTED, Strength.STRONG)
    store.append(f"person:{BEN}", taken, IntentBody((revoke,)))
    told = Told(actions=(Ended(Step.REVOKE, Outcome.DONE, WHY, "", NL),))
    cause = Cause(CauseKind.OPERATOR, "operator:olga")
    store.append(f"person:{BEN}", taken, CheckBody.of(told, cause, Outcome.DONE, 0, ()))
    before = asked(capsys, "--on", GRANTED.isoformat(), "--profile", str(NL))["access"]
    assert [(one["person_id"], one["managed"]) for one in before] == [(ANNA, True), (BEN, False)]
    moments_later = (taken + timedelta(seconds=1)).isoformat()
    for more in ([], ["--person", BEN], ["--profile", str(NL)]):
        after = asked(capsys, "--on", moments_later, *more)["access"]
        assert (BEN, str(NL)) not in {(one["person_id"], one["profile_id"]) for one in after}


def test_a_file_has_names_and_nothing_that_a_spreadsheet_computes(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {ANNA: desk.called(ANNA, "=Anna", "anna@contoso.example"), BEN: desk.called(BEN, "Zoë")}
    desk.Store(tmp_path / "store.sqlite").run(lambda state: state.put_names(names, GRANTED))
    file = tmp_path / "access.csv"
    assert main(["export", "access", "--on", "2026-03-01", "--out", str(file)]) == 0
    assert capsys.readouterr().out == ""
    assert file.read_bytes().startswith(b"\xef\xbb\xbfday,"), "Excel takes it for UTF-8"
    assert f"{ANNA},'=Anna," in file.read_text(encoding="utf-8")
    assert (
        main(["export", "access", "--on", "2026-03-01", "--person", "anna@contoso.example", "--format", "jsonl"]) == 0
    )
    (line,) = capsys.readouterr().out.splitlines()
    one = json.loads(line)
    assert (one["person"], one["rules"], one["managed"], one["until"]) == (
        "=Anna",
        ["own-company"],
        True,
        "2026-03-01T22:50:00Z",
    )


def test_a_day_is_one_of_the_policys_time_zone_or_of_another(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    def people(*arguments: str) -> set[str]:
        return {row["id"] for row in asked(capsys, *arguments)["managed"]}

    assert people("--on", "2026-03-01") == {ANNA, BEN}
    assert people("--on", "2026-03-02") == {BEN}
    assert people("--on", "2026-03-02", "--time-zone", "Asia/Tokyo") == {ANNA, BEN}
    assert people("--on", "2026-03-01", "--time-zone", "Asia/Tokyo") == set()
    assert people("--on", "2026-03-01T23:40+01:00") == {ANNA, BEN}
    assert people("--on", "2026-03-01T23:40Z") == {BEN}


def test_without_a_policy_a_day_is_one_in_utc_and_that_is_said(
    store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INVOICE_ACCESS_POLICY", "there-is-none.yaml")
    assert main(["export", "access", "--on", "2026-03-01", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["from"] == "2026-03-01T00:00:00Z"
    assert "No policy could be read" in told.err


def test_programs_get_everything(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    found = asked(capsys, "--on", "2026-03-01", "--person", ANNA.upper(), "--profile", str(NL).lower())
    (row,) = found["managed"]
    assert (row["id"], row["profile"], row["certainty"]) == (ANNA, str(NL), "held")
    assert (row["since"], row["how"], row["rules"], row["record"]) == (
        GRANTED.isoformat(),
        "granted",
        ["own-company"],
        1,
    )
    assert (row["origin"], row["event_type"]) == ("/hr#17", "com.contoso.changed")
    assert row["ended"]["how"] == "revoked"
    assert found["unmanaged"] == []
    (unmanaged,) = asked(capsys, "--on", "2026-03-02", "--profile", str(NL))["unmanaged"]
    seen = GRANTED.isoformat()
    assert (unmanaged["id"], unmanaged["first_seen"], unmanaged["last_seen"]) == (BEN, seen, seen)
    assert (unmanaged["certainty"], unmanaged["left"]) == ("perhaps", None)


BEGINS = "This ledger begins 2026-03-01 22:30:00 UTC; of what was before, it knows"


@pytest.mark.parametrize(
    ("day", "said"), [("2026-02-28", f"{BEGINS} nothing."), ("2026-03-01", f"{BEGINS} no more."), ("2026-03-02", None)]
)
def test_what_was_before_the_ledger_it_does_not_claim_to_know(
    store: Store, capsys: pytest.CaptureFixture[str], day: str, said: str | None
) -> None:
    assert main(["export", "access", "--on", day]) == 0
    told = capsys.readouterr().err
    assert (said or "") in told
    assert ("begins" in told) is (said is not None)
    assert asked(capsys, "--on", day)["known_from"] == "2026-03-01T22:30:00Z"


def test_a_ledger_without_records_is_said_to_be_empty(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, store: Store, tmp_path: Path
) -> None:
    desk.Store(tmp_path / "other.sqlite").run(lambda state: state.reports(1))
    monkeypatch.setenv("INVOICE_ACCESS_STORE", f"sqlite:{tmp_path / 'other.sqlite'}")
    assert main(["export", "access", "--on", "2026-03-01"]) == 0
    assert "This ledger has no record of anybody: is INVOICE_ACCESS_STORE the store that the app uses?" in (
        capsys.readouterr().err
    )
    assert asked(capsys, "--on", "2026-03-01")["known_from"] is None


def test_of_one_person_the_ledger_is_as_old_as_its_digests(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.append("digest", GRANTED - timedelta(days=9), DigestBody({}))
    found = asked(capsys, "--on", "2026-02-25", "--person", CLEO)
    assert found["known_from"] == "2026-02-20T22:30:00Z"
    assert main(["export", "access", "--on", "2026-02-25", "--person", ANNA]) == 0
    assert "begins" not in capsys.readouterr().err


NOBODY, NOTHING = "No record names this person.", "No record names this profile."


@pytest.mark.parametrize(
    ("arguments", "said", "not_named"),
    [
        (["--person", CLEO], NOBODY, ["person"]),
        (["--person", CLEO, "--profile", str(NL)], NOBODY, ["person"]),
        (["--profile", "mca:1/FR-BG7"], NOTHING, ["profile"]),
        (["--person", ANNA, "--profile", str(DE)], "No record of this person names this profile.", ["profile"]),
        (["--person", ANNA], None, []),
        (["--person", BEN, "--profile", str(NL)], None, []),  # an unmanaged one
        (["--person", OWNER], None, []),  # of whom a sweep noted nothing but what is unmanaged
        (["--profile", str(DE)], None, []),
        (["--profile", "mca:1/AT-BG7"], None, []),  # on which nobody ever held anything
    ],
)
def test_whom_and_what_no_record_names_is_said(
    store: Store, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str | None, not_named: list[str]
) -> None:
    store.append("profile:mca:1/at-bg7", GRANTED, check_body())
    store.append(ESTATE, GRANTED, UnmanagedBody((Appeared(DE, OWNER, "User", Code.ANOTHER_ROLE(), GRANTED),)))
    assert main(["export", "access", "--on", "2026-03-02", *arguments]) == 0
    told = capsys.readouterr().err
    assert [line for line in told.splitlines() if line.startswith("No record")] == ([] if said is None else [said])
    assert asked(capsys, "--on", "2026-03-02", *arguments)["not_named"] == not_named


def test_a_profile_that_a_check_only_read_is_named(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    fr = "mca:1/FR-BG7"
    store.append(f"person:{ANNA}", GRANTED, check_body(told=Told(read=(ProfileKey.parse(fr),), held={})))
    assert asked(capsys, "--on", "2026-03-02", "--profile", fr)["not_named"] == []


def test_of_a_chain_that_cannot_be_read_nobody_says_whom_it_names(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    store.append(f"person:{CLEO}", GRANTED, check_body())
    store.damage(f"person:{CLEO}")
    assert main(["export", "access", "--on", "2026-03-02", "--person", CLEO, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["not_named"] == []


def test_a_chain_that_cannot_be_read_is_1_and_hides_no_other(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    store.forge(f"person:{ANNA}", GRANTED, {"actions": 7})
    assert main(["export", "access", "--on", "2026-03-01", "--json"]) == 1
    told = capsys.readouterr()
    assert [row["id"] for row in json.loads(told.out)["managed"]] == [BEN]
    assert f"person:{ANNA} could not be read" in told.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--on", "yesterday"], "--on: 'yesterday' is no day and no moment"),
        (["--on", "2026-02-30"], "--on: '2026-02-30' is no day"),
        (["--on", "9999-12-31"], "--on: '9999-12-31' is no day"),
        (["--on", "2026-03-01T09:00"], "does not say of which time zone"),
        (["--on", "2999-01-01"], "is yet to come"),
        (["--on", "2026-03-01", "--time-zone", "Mars/Olympus"], "--time-zone: 'Mars/Olympus' is not a time zone"),
        (["--on", "2026-03-01", "--time-zone", "../etc"], "--time-zone: '../etc' is not a time zone"),
        (["--on", "2026-03-01", "--person", "anna"], "nobody is called 'anna'"),
        (["--on", "2026-03-01", "--profile", "NL"], "no profile is called 'NL'"),
        ([], "Missing option '--on'"),
    ],
)
def test_what_cannot_be_asked_is_2_and_says_what_to_give(
    store: Store, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["export", "access", *arguments]) == 2
    assert said in capsys.readouterr().err.replace("\n", " ")


def test_without_a_store_it_says_which_setting_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INVOICE_ACCESS_STORE", raising=False)
    assert main(["export", "access", "--on", "2026-03-01", "--time-zone", "UTC"]) == 2
    assert "INVOICE_ACCESS_STORE" in capsys.readouterr().err
