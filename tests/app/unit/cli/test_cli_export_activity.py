"""`export activity` and `export ledger`: what is in a file, for Excel and for programs, and what it exits with."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from cli.verbs.export import CauseOf, Kind
from shared.domain.history.activity import ActivityKind
from shared.domain.history.checks import Step
from shared.domain.history.records import DecisionBody, Verb
from shared.domain.work import CauseKind
from tests.app.unit import cli_desk as desk
from tests.app.unit.cli.test_cli_export import ANNA, BEN, DE, GRANTED, NL, OWNER, Store, store
from tests.app.unit.cli_desk import Said

__all__ = ["store"]  # a fixture
FORMULA = "=HYPERLINK(A1)"


def activity(capsys: Said, *arguments: str) -> list[dict[str, str]]:
    """The rows of the sheet."""
    assert main(["export", "activity", *arguments]) == 0
    return [*csv.DictReader(io.StringIO(capsys.readouterr().out))]


def paused(store: Store, why: str = "Key rotation") -> None:
    store.append("operator", GRANTED, DecisionBody(Verb.PAUSE, OWNER, why))


def test_what_happened_is_a_row_each_newest_first_with_the_record(store: Store, capsys: Said) -> None:
    rows = activity(capsys)
    told = [(row["kind"], row["person_id"], row["profile_id"], row["record"]) for row in rows]
    assert told[0] == ("removed", ANNA, str(NL), f"person:{ANNA}#4")
    assert set(told[1:]) == {
        ("given", ANNA, str(NL), f"person:{ANNA}#2"),
        ("given", BEN, str(DE), f"person:{BEN}#2"),
        ("by-others", BEN, str(NL), "estate#1"),
    }
    assert (rows[0]["at"], rows[0]["cause"]) == ("2026-03-01T22:50:00Z", "event")
    assert (rows[0]["event_source"], rows[0]["event_id"], rows[0]["why"]) == ("/hr", "17", "employed")


@pytest.mark.parametrize(
    ("arguments", "kinds"),
    [
        (("--person", ANNA), ["removed", "given"]),
        (("--person", ANNA, "--kind", "given"), ["given"]),
        (("--kind", "given", "--kind", "removed"), ["removed", "given", "given"]),
        (("--profile", str(DE)), ["given"]),
        (("--cause", "sweep"), []),
        (("--from", "2026-03-01", "--until", "2026-03-01"), ["removed", "given", "given", "by-others"]),
        (("--from", "2026-03-02"), []),
        (("--until", "2026-03-01T23:35+01:00", "--cause", "event"), ["given", "given"]),
    ],
)
def test_a_filter_leaves_what_it_asks_for(
    store: Store, capsys: Said, arguments: tuple[str, ...], kinds: list[str]
) -> None:
    assert sorted(row["kind"] for row in activity(capsys, *arguments)) == sorted(kinds)


def test_who_decided_is_told_and_no_cell_is_a_formula(store: Store, capsys: Said) -> None:
    paused(store, FORMULA)
    (row,) = activity(capsys, "--kind", "paused")
    assert (row["by_id"], row["why"]) == (OWNER, f"'{FORMULA}")
    assert main(["export", "activity", "--kind", "paused", "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out)["why"] == FORMULA


def test_names_are_those_of_the_last_view(store: Store, capsys: Said, tmp_path: Path) -> None:
    names = {ANNA: desk.called(ANNA, "Anna Ek")}
    desk.Store(tmp_path / "store.sqlite").run(lambda state: state.put_names(names, GRANTED))
    assert {row["person"] for row in activity(capsys, "--person", "anna ek")} == {"Anna Ek"}


def test_a_file_for_excel_begins_with_its_mark_and_stdout_stays_empty(
    store: Store, capsys: Said, tmp_path: Path
) -> None:
    to = tmp_path / "activity.csv"
    assert main(["export", "activity", "--out", str(to)]) == 0
    assert capsys.readouterr().out == ""
    assert to.read_bytes().startswith("\N{ZERO WIDTH NO-BREAK SPACE}at,kind,".encode())
    assert len(to.read_text(encoding="utf-8-sig").splitlines()) == 5


def test_one_document_has_the_same_rows(store: Store, capsys: Said) -> None:
    assert main(["export", "activity", "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["schema"] == "invoice-access/export-activity/1"
    assert told["activity"][0]["kind"] == "removed"
    assert len(told["activity"]) == 4


def test_nothing_that_happened_is_a_file_with_titles_alone(store: Store, capsys: Said) -> None:
    assert activity(capsys, "--kind", "adopted") == []


@pytest.mark.parametrize("option", ["--from", "--until"])
def test_a_bound_that_is_no_day_is_refused_by_its_name(store: Store, capsys: Said, option: str) -> None:
    assert main(["export", "activity", option, "yesterday"]) == 2
    assert capsys.readouterr().err.startswith(f"{option}: 'yesterday' is no day and no moment")


def test_the_options_spell_every_kind_and_cause() -> None:
    """They stand in the verb's own module, so that help imports nothing."""
    assert [one.value for one in Kind] == [one.value for one in ActivityKind]
    assert [one.value for one in CauseOf] == [one.value for one in CauseKind]


def records(capsys: Said, *arguments: str, status: int = 0) -> list[dict[str, Any]]:
    assert main(["export", "ledger", "--format", "jsonl", *arguments]) == status
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_every_record_is_exported_as_it_is_stored(store: Store, capsys: Said) -> None:
    told = records(capsys)
    assert [(one["key"], one["sequence"]) for one in told] == [
        ("estate", 1),
        *((f"person:{ANNA}", number) for number in range(1, 5)),
        *((f"person:{BEN}", number) for number in range(1, 3)),
    ]
    assert told[2]["body"]["actions"][0]["outcome"] == "done"
    assert told[1]["previous"] == "0" * 64
    assert told[2]["previous"] == told[1]["digest"]


def test_one_chain_and_some_days_can_be_asked_for(store: Store, capsys: Said) -> None:
    assert {one["key"] for one in records(capsys, "--key", ANNA)} == {f"person:{ANNA}"}
    assert [one["sequence"] for one in records(capsys, "--key", ANNA, "--from", "2026-03-01T23:45+01:00")] == [3, 4]
    assert records(capsys, "--from", "2026-03-02") == []


def test_a_sheet_has_a_record_a_row_with_its_body_as_json(store: Store, capsys: Said) -> None:
    assert main(["export", "ledger", "--key", BEN]) == 0
    rows = [*csv.DictReader(io.StringIO(capsys.readouterr().out))]
    assert [row["kind"] for row in rows] == ["intent", "check"]
    assert json.loads(rows[1]["body"])["outcome"] == "done"


def test_a_record_that_cannot_be_read_is_told_and_the_others_are_there(store: Store, capsys: Said) -> None:
    store.damage(f"person:{ANNA}")
    assert main(["export", "ledger", "--format", "jsonl"]) == 1
    said = capsys.readouterr()
    assert {json.loads(line)["key"] for line in said.out.splitlines()} == {"estate", f"person:{BEN}"}
    assert said.err.startswith("Not exported: ")
    assert ANNA in said.err


def test_more_is_given_than_fits_a_page(store: Store, capsys: Said) -> None:
    for _ in range(30):
        store.act(OWNER, NL, Step.GRANT, GRANTED)
    assert len(activity(capsys, "--person", OWNER)) == 30
