"""`report`: the latest sweep's report for people and for programs, from the store alone."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.__main__ import main
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.history.findings import Finding, FindingKind
from shared.domain.history.leavers import Departure, LeaverDay, LeaverDays
from shared.domain.history.report import FeedCheck, HoldCounts, Labels, Report
from shared.domain.keys import ProfileKey
from shared.domain.policy.model import ActionKind, Room
from shared.domain.reasons import Code
from shared.wording.say import say
from tests.app.unit import cli_desk as desk
from tests.reports import NOTHING
from tests.reports import report as a_report

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

FEW = Code.FEW_RECIPIENTS(reached=1, asked=2)
COUNTED = (
    "Counted: accounts 2, managed accounts 0, profiles 0, assignments 0, managed 1,500, unmanaged 0, "
    "people listed 0, people 0, people unreadable 0"
)
REPORT = a_report(
    not_kept=(Code.UNMANAGED_NOT_NOTED(said="the store was away"),),
    counts=replace(NOTHING, accounts=2, managed=1500),
    drift={"leaver-holds": 3},
    feed_check=FeedCheck(AT, feed=True, labels=Labels(1, 2), kinds={"missing": Labels(1, 2)}),
    enqueued=3,
    pauses=("operator-stop",),
    holds=HoldCounts({ActionKind.GRANTS: 4}, {}, {}, {"sweep:grants": 4}),
    would_hold={ActionKind.GRANTS: Room(7, 2, 10)},
    findings=(Finding(kind=FindingKind.FEW_RECIPIENTS, profile=ProfileKey("a", "b"), why=FEW),),
)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the store that the environment names; there is no policy."""
    path = tmp_path / "state.sqlite"
    desk.Store(path).run(lambda state: state.reports(1))  # the app has been here
    monkeypatch.setenv("INVOICE_ACCESS_STORE", f"sqlite:{path}")
    monkeypatch.delenv("ServiceBusConnection__fullyQualifiedNamespace", raising=False)
    monkeypatch.setenv("INVOICE_ACCESS_POLICY", str(tmp_path / "there-is-none.yaml"))
    return path


def keep(store: Path, *reports: Report) -> None:
    async def work() -> None:
        rows = SqliteRows(store)
        try:
            for report in reports:
                await RowsState(rows).put_report(report)
        finally:
            await rows.close()

    asyncio.run(work())


def test_a_report_is_told_in_words(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(store, REPORT)
    assert main(["report"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Sweep 0000, 2026-03-01 09:30:00 UTC, 2.5 s",
        "Complete: everything could be read.",
        COUNTED,
        "Drifted: leaver-holds 3",
        "Checks asked for: 3",
        "Pause: operator-stop",
        "Holds, open: grants 4",
        "Holds, released: none",
        "Holds, dismissed: none",
        "  group sweep:grants: 4",
        "Enforcing everything would hold grants: 7 wanted, 2 left",
        "Not kept: noting what is unmanaged: the store was away",
        "Findings: 1",
        "  few-recipients, profile a/b: 1 of the 2 people whom the policy asks for get its invoices",
    ]


def test_it_is_the_latest_and_says_what_could_not_be_read(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    failures = (Code.PEOPLE_NOT_READ(rules=("x",), said="503"),)
    later = replace(REPORT, started=AT + timedelta(hours=1), complete=False, failures=failures)
    keep(store, later, REPORT)
    assert main(["report"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("Sweep 0000, 2026-03-01 10:30:00 UTC")
    assert said[1:3] == ["INCOMPLETE: 1 read failed:", "  people of rule x: 503"]


def test_for_programs_its_findings_have_their_words_as_well(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(store, REPORT)
    assert main(["report", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["findings"] == [{"kind": "few-recipients", "profile": "a/b", "text": say(FEW), **FEW.as_json()}]
    assert said["not_kept"][0]["text"] == "noting what is unmanaged: the store was away"
    assert said["feed_check"]["labels"] == {"announced": 1, "never_announced": 2, "ratio": 0.333}
    assert said["would_hold"] == {"grants": {"wanted": 7, "left": 2, "limit": 10}}
    assert said["started"] == AT.isoformat()


def test_without_a_report_it_says_so(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report"]) == 1
    said = capsys.readouterr().err
    assert "no sweep has stored a report" in said
    assert "None may have run yet" in said
    assert "is INVOICE_ACCESS_STORE the store that the app uses?" in said


def test_days_on_which_who_left_lost_access_are_told_with_their_figures(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(store, REPORT)
    gone = tuple(Departure(f"7c0f5a0e-0000-4000-8000-00000000000{n}", 1, AT, 60.0 * n) for n in (1, 2, 3))
    days = LeaverDays(AT, (LeaverDay("2026-03-01", gone),))
    desk.Store(store).run(lambda state: state.put_leaver_days(days, AT))
    assert main(["report"]) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said == "Who left, gone on 2026-03-01: 3 people, after 2 min (p95 3 min, longest 3 min)"
    assert main(["report", "--json"]) == 0
    (day,) = json.loads(capsys.readouterr().out)["leaver_days"]
    assert day == {"day": "2026-03-01", "people": 3, "heard": {"p50": 120.0, "p95": 180.0, "max": 180.0}}
