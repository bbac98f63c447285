"""`verify`: what it says of a ledger, and its exit status, which is what a schedule checks."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.__main__ import main
from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows import Delete
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.domain.history.records import DigestBody
from shared.services.ledger_audit import DIGEST
from tests.app.unit import cli_desk as desk
from tests.ledger_records import check_body

ANNA = "7c0f5a0e-0000-4000-8000-00000000a11a"
AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the store that the environment names; nothing else of the app is configured, no policy either."""
    path = tmp_path / "ledger.sqlite"
    desk.Store(path).run(lambda state: state.reports(1))  # the app has been here
    monkeypatch.setenv("INVOICE_ACCESS_STORE", f"sqlite:{path}")
    monkeypatch.delenv("ServiceBusConnection__fullyQualifiedNamespace", raising=False)
    monkeypatch.setenv("INVOICE_ACCESS_POLICY", str(tmp_path / "there-is-none.yaml"))
    return path


def on(store: Path, work: Callable[[SqliteRows], Awaitable[str]]) -> str:
    async def run() -> str:
        rows = SqliteRows(store)
        try:
            return await work(rows)
        finally:
            await rows.close()

    return asyncio.run(run())


def append(store: Path, key: str, count: int = 1) -> None:
    async def work(rows: SqliteRows) -> str:
        chain = await RowsLedger(rows).open(key)
        for number in range(count):
            await chain.append(AT, check_body(number))
        return ""

    on(store, work)


def digest(store: Path, *keys: str) -> str:
    """Takes a digest of some heads, and returns it as the command wants it."""

    async def work(rows: SqliteRows) -> str:
        ledger = RowsLedger(rows)
        heads = {key: await ledger.head(key) for key in keys}
        record = await (await ledger.open(DIGEST)).append(AT, DigestBody(heads))
        return f"{record.sequence}:{record.digest}"

    return on(store, work)


def take_out(store: Path, key: str, sequence: int) -> None:
    async def work(rows: SqliteRows) -> str:
        row = await rows.get(f"ledger:{key}", f"record:{sequence:012}")
        assert row is not None
        await rows.write(f"ledger:{key}", Delete(row.key, row.etag))
        return ""

    on(store, work)


def test_a_ledger_that_holds_is_0_and_what_is_newer_than_the_digest_is_named(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    append(store, "operator", 3)
    kept = digest(store, "operator")
    append(store, "operator", 2)
    append(store, "person:new")
    assert main(["ledger", "verify", "--digest", kept]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out == [
        (
            "3 chains, 7 records. Digest 1 covers 4. Nothing that it covers was changed, removed or reordered; "
            "3 newer are consistent."
        ),
        "  operator: 2 records",
        "  person:new: 1 record, not in the digest",
    ]
    assert main(["ledger", "verify", "--digest", kept, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["chains"], found["records"], found["covered"], found["faults"]) == (3, 7, 4, [])
    assert (found["newer"], found["unknown"]) == ({"operator": 2, "person:new": 1}, ["person:new"])


def test_a_line_of_the_log_is_taken_as_it_stands(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append(store, "operator")
    kept = digest(store, "operator")
    line = kept.replace(":", " ")
    for text in (kept, line, line.upper(), f"ledger digest: {line}", f" ledger digest:  {line}\n"):
        assert main(["ledger", "verify", "--digest", text]) == 0
        assert "; nothing is newer." in capsys.readouterr().out


def test_without_a_digest_it_says_that_the_inner_consistency_alone_was_checked(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    append(store, "operator")
    assert main(["ledger", "verify"]) == 0
    assert "consistent in themselves. No digest was given, so nothing more was checked" in capsys.readouterr().out


def test_a_fault_is_3_and_is_named_with_its_chain(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append(store, "operator", 3)
    kept = digest(store, "operator")
    take_out(store, "operator", 2)
    assert main(["ledger", "verify", "--digest", kept]) == 3
    assert main(["ledger", "verify"]) == 3
    said = capsys.readouterr()
    assert said.out.splitlines() == ["operator: record 2 is missing", "1 fault in 1 chain."] * 2
    assert main(["ledger", "verify", "-o", "csv"]) == 3
    assert capsys.readouterr().out == "chain,fault\noperator,record 2 is missing\n"


def test_a_digest_of_another_ledger_is_3_and_proves_nothing(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append(store, "operator")
    digest(store, "operator")
    assert main(["ledger", "verify", "--digest", f"1:{'f' * 64}"]) == 3
    said = capsys.readouterr().out
    assert "digest: record 1 was replaced" in said
    assert "nothing is proved by it" in said
    assert "covers" not in said


def test_long_lists_of_what_is_newer_are_cut_unless_asked_for(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = digest(store)
    for number in range(23):
        append(store, f"person:{number:02}")
    assert main(["ledger", "verify", "--digest", kept]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "  and 3 chains more; --newer lists all" in lines
    assert not any("person:22" in line for line in lines)
    assert main(["ledger", "verify", "--digest", kept, "--newer"]) == 0
    assert "  person:22: 1 record, not in the digest" in capsys.readouterr().out.splitlines()


def test_an_empty_store_is_3_as_it_is_probably_the_wrong_one(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "verify"]) == 3
    assert "is INVOICE_ACCESS_STORE the store that the app uses?" in capsys.readouterr().out


@pytest.mark.parametrize(
    "text", [" ", "7", "7:abc", f"0:{'f' * 64}", f"-1:{'f' * 64}", f"7:{'g' * 64}", f"digest: 7 {'f' * 64}"]
)
def test_what_is_no_digest_is_2(store: Path, capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert main(["ledger", "verify", f"--digest={text}"]) == 2
    assert "is no digest\nGive the number" in capsys.readouterr().err


def test_settings_that_are_missing_are_2(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("INVOICE_ACCESS_STORE")
    assert main(["ledger", "verify"]) == 2
    assert "INVOICE_ACCESS_STORE" in capsys.readouterr().err


def test_a_store_that_cannot_be_read_is_1_and_says_nothing_of_the_ledger(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store.write_bytes(b"this is no database of anybody, and long enough to be checked")
    assert main(["ledger", "verify"]) == 1
    said = capsys.readouterr()
    assert "Nothing was changed; give the command again." in said.err
    assert said.out == ""


# -- one chain


def test_a_chain_is_shown_record_by_record(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append(store, f"person:{ANNA}", 2)
    assert main(["ledger", "show", ANNA.upper()]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"person:{ANNA}: 2 records."
    assert [line.partition("  ")[0] for line in out[1:] if line.startswith("#")] == ["#1", "#2"]
    assert main(["ledger", "show", f"person:{ANNA}", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["sequence"] for one in found["records"]] == [1, 2]
    assert found["records"][0]["body"]["outcome"]
    assert found["records"][1]["previous"] == found["records"][0]["digest"]


def test_a_chain_is_found_by_a_name_and_nobody_is_guessed(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append(store, f"person:{ANNA}")
    names = {ANNA: desk.called(ANNA, "Anna Berg", "anna@contoso.example")}
    desk.Store(store).run(lambda state: state.put_names(names, AT))
    assert main(["ledger", "show", "anna berg"]) == 0
    assert capsys.readouterr().out.startswith(f"person:{ANNA}: 1 record.")
    assert main(["ledger", "show", "Anna Borg"]) == 2
    assert "nobody and no profile is called 'Anna Borg'\n  anna@contoso.example\n" in capsys.readouterr().err
    assert main(["ledger", "show", "operator"]) == 2
    assert "there is no record of operator" in capsys.readouterr().err


def test_of_a_damaged_chain_what_can_be_read_is_shown_and_it_is_1(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    append(store, f"person:{ANNA}", 3)
    take_out(store, f"person:{ANNA}", 2)
    assert main(["ledger", "show", f"person:{ANNA}", "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["complete"] is False
    assert json.loads(said.err)["code"] == "damaged"
