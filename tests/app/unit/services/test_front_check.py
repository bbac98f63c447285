"""`check FILE.csv`: whom a file names, what is wrong with it by line and column, and what is sent."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from cli.__main__ import main
from cli.check import EVENTS_A_MESSAGE, UnreadableFileError, read_people, send
from shared.errors import Transient
from tests.app.unit.front_desk import Desk

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANNA = "7c0f5a0e-0000-4000-8000-00000000a11a"
PEOPLE = f"""id,upn,mail,employee-id,effective,department
{ANNA},anna@contoso.com,,,,Finance
,,ben@contoso.com,,2026-04-01,Finance

,,,004711,2026-04-01T09:00:00+02:00,"Sales, Nederland"
"""


def quiet() -> Progress:
    return Progress(console=Console(file=io.StringIO()))


async def test_every_line_names_one_person_by_the_best_of_its_names() -> None:
    people = read_people(PEOPLE.encode(), now=NOW)
    assert people.wrong == []
    desk = Desk()
    assert await send(desk.queue, people.events, quiet()) == 1
    assert desk.named() == [
        (f"person:{ANNA}", None),
        ("identity:mail:ben@contoso.com", "2026-04-01"),
        ("identity:employee-id:004711", "2026-04-01T07:00:00+00:00"),
    ]
    assert len({event["id"] for event in desk.events()}) == 3


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
async def test_excel_writes_semicolons_capitals_and_a_byte_order_mark(delimiter: str) -> None:
    text = delimiter.join(("Employee-ID", " Effective ")) + "\r\n" + delimiter.join(("7", "2026-04-01")) + "\r\n"
    people = read_people(b"\xef\xbb\xbf" + text.encode(), now=NOW)
    desk = Desk()
    await send(desk.queue, people.events, quiet())
    assert desk.named() == [("identity:employee-id:7", "2026-04-01")]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("Anna,,", "id"),
        (",anna,", "upn"),
        (",,2026-04-01", "id"),
        (f"{ANNA},,2026-04-01,more", "effective"),
    ],
)
def test_a_mistake_is_told_by_line_and_column(line: str, column: str) -> None:
    people = read_people(f"id,upn,effective\n{ANNA},,\n{line}\n".encode(), now=NOW)
    assert len(people.events) == 1
    assert [(wrong.line, wrong.column) for wrong in people.wrong] == [(3, column)]
    assert str(people.wrong[0]).startswith(f"line 3, column '{column}': ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("01-04-2026", "no ISO 8601 date"),
        ("2026-04-01T09:00:00", "a time without an offset"),
        ("soon", "no ISO 8601 date"),
        ("2099-12-31", "means never"),
        ("9999-12-31", "means never"),
        ("1900-01-01", "means never"),
        ("0000-00-00", "means never"),
        ("2036-03-05", "ten years ahead"),
    ],
)
async def test_an_odd_date_costs_the_second_check_and_no_line(text: str, reason: str) -> None:
    people = read_people(f"id,effective\n{ANNA},2026-04-01\n{ANNA},{text}\n".encode(), now=NOW)
    assert people.wrong == []
    assert [(odd.line, odd.column) for odd in people.undated] == [(3, "effective")]
    assert reason in people.undated[0].reason
    assert "checked now" in people.undated[0].reason
    desk = Desk()
    await send(desk.queue, people.events, quiet())
    assert desk.named() == [(f"person:{ANNA}", "2026-04-01"), (f"person:{ANNA}", None)]


def test_a_file_with_an_odd_date_is_sent_and_the_date_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "people.csv"
    file.write_text("employee-id,effective\n7,someday\n", encoding="utf-8")
    nobody = "Endpoint=sb://127.0.0.1:9/;SharedAccessKeyName=x;SharedAccessKey=y"
    assert main(["check", str(file), "--connection-string", nobody]) == 1
    said = capsys.readouterr().err
    assert "line 2, column 'effective': 'someday' is no ISO 8601 date or time. They are checked now" in said
    assert "people-events" in said, "it went on to send"


@pytest.mark.parametrize("content", [b"", b"name,department\nAnna,Finance\n", b"id,id\n", b"id\n\xff\n", b'id\n"a'])
def test_a_file_that_is_no_csv_of_people_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(UnreadableFileError):
        read_people(content, now=NOW)


async def test_people_are_sent_a_hundred_a_message_and_a_failure_says_how_many_were_sent() -> None:
    rows = "\n".join(str(number) for number in range(2 * EVENTS_A_MESSAGE + 1))
    people = read_people(f"employee-id\n{rows}\n".encode(), now=NOW)
    desk = Desk()
    assert await send(desk.queue, people.events, quiet()) == 3
    assert len(desk.named()) == 2 * EVENTS_A_MESSAGE + 1
    desk.queue.failure = Transient("away")
    with quiet() as progress, pytest.raises(Transient):
        await send(desk.queue, people.events, progress)
    assert progress.tasks[0].completed == 0


def test_nothing_is_sent_when_a_line_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id\nAnna\n", encoding="utf-8")
    # No address is given: were anything sent, it would say so.
    assert main(["check", str(file)]) == 1
    said = capsys.readouterr().err
    assert "line 2, column 'id'" in said
    assert "Nothing was sent. Fix 1 line, or" in said


def test_a_missing_file_and_a_missing_address_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SERVICE_BUS_CONNECTION_STRING", "ServiceBusConnection__fullyQualifiedNamespace"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "people.csv"
    assert main(["check", str(file)]) == 1
    file.write_text("employee-id\n7\n", encoding="utf-8")
    assert main(["check", str(file)]) == 1
    nobody = "Endpoint=sb://127.0.0.1:9/;SharedAccessKeyName=x;SharedAccessKey=y"
    missing, address = capsys.readouterr().err.splitlines()
    assert missing == f"{file}: No such file or directory"
    assert "--namespace" in address
    assert main(["check", str(file), "--connection-string", nobody]) == 1
    said = capsys.readouterr().err
    assert "people-events" in said
    assert "was sent" not in said, "the bar shows nothing as done"
