"""`events send FILE.csv`: whom a file names, what is wrong with it by line and column, and what is sent."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.events_send import EVENTS_A_MESSAGE, send
from cli.people_file import UnreadableFileError, read_people
from shared.errors import Transient
from tests.app.unit.front_desk import Desk

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANNA = "7c0f5a0e-0000-4000-8000-00000000a11a"
PEOPLE = f"""id,upn,mail,employee-id,effective,department
{ANNA},anna@contoso.com,,,,Finance
,,ben@contoso.com,,2026-04-01,Finance

,,,004711,2026-04-01T09:00:00+02:00,"Sales, Nederland"
"""


def quiet(_: int) -> None:
    """Nobody watches."""


async def test_every_line_names_one_person_by_the_best_of_its_names() -> None:
    people = read_people(PEOPLE.encode(), now=NOW)
    assert people.wrong == []
    desk = Desk()
    assert await send(desk.queue, people.events, quiet) == 1
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
    await send(desk.queue, people.events, quiet)
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
    assert str(people.wrong[0]).startswith(f"line 3, {column}: ")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2099-12-31", "means never"),
        ("9999-12-31", "means never"),
        ("1900-01-01", "means never"),
        ("0000-00-00", "means never"),
        ("2036-03-05", "ten years ahead"),
    ],
)
async def test_a_date_that_means_never_costs_the_second_check_and_no_line(text: str, reason: str) -> None:
    people = read_people(f"id,effective\n{ANNA},2026-04-01\n{ANNA},{text}\n".encode(), now=NOW)
    assert people.wrong == []
    assert [(odd.line, odd.column) for odd in people.undated] == [(3, "effective")]
    assert reason in people.undated[0].reason
    assert "checked now" in people.undated[0].reason
    desk = Desk()
    await send(desk.queue, people.events, quiet)
    assert desk.named() == [(f"person:{ANNA}", "2026-04-01"), (f"person:{ANNA}", None)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "01-04-2026",
            "no ISO 8601 date or time. Write it as 2026-04-01, or as 2026-01-04 where the month comes first",
        ),
        ("31/12/2026", "Write it as 2026-12-31"),
        ("12/31/2026", "Write it as 2026-12-31"),
        ("4.4.2026", "Write it as 2026-04-04"),
        ("31-31-2026", "Send a date ('2026-04-01')"),
        ("2026-04-01T09:00:00", "a time without an offset"),
        ("soon", "no ISO 8601 date"),
    ],
)
def test_a_date_that_cannot_be_read_is_a_fault_with_how_to_write_it(text: str, said: str) -> None:
    people = read_people(f"id,effective\n{ANNA},{text}\n".encode(), now=NOW)
    assert people.events == []
    assert [(wrong.line, wrong.column) for wrong in people.wrong] == [(2, "effective")]
    assert said in people.wrong[0].reason


def test_every_fault_of_a_line_is_told() -> None:
    people = read_people(b"id,effective\nAnna,soon\n,,3\n", now=NOW)
    assert [(wrong.line, wrong.column) for wrong in people.wrong] == [
        *((2, "id"), (2, "effective")),
        *((3, "effective"), (3, "id")),
    ]
    assert people.wrong_lines == 2


@pytest.mark.parametrize(
    ("column", "meant"),
    [
        ("efective", "effective"),
        ("Effective Date", "effective"),
        ("effective_date", "effective"),
        ("date", "effective"),
        ("Start date", "effective"),
        ("employeeid", "employee-id"),
        ("employee_id", "employee-id"),
        ("e-mail", "mail"),
    ],
)
def test_a_column_that_is_a_slip_of_another_is_not_dropped(column: str, meant: str) -> None:
    with pytest.raises(UnreadableFileError, match=f"there is no column '.*'; did you mean '{meant}'"):
        read_people(f"id,{column}\n{ANNA},2026-04-01\n".encode(), now=NOW)


def test_other_columns_are_passed_over_and_named() -> None:
    people = read_people(f"id,effective,Department,City\n{ANNA},,Finance,Bonn\n".encode(), now=NOW)
    assert people.wrong == []
    assert people.passed_over == ["Department", "City"]


@pytest.mark.parametrize("content", [b"", b"name,department\nAnna,Finance\n", b"id,id\n", b"id\n\xff\n", b'id\n"a'])
def test_a_file_that_is_no_csv_of_people_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(UnreadableFileError):
        read_people(content, now=NOW)


async def test_people_are_sent_a_hundred_a_message_and_a_failure_says_how_many_were_sent() -> None:
    rows = "\n".join(str(number) for number in range(2 * EVENTS_A_MESSAGE + 1))
    people = read_people(f"employee-id\n{rows}\n".encode(), now=NOW)
    desk = Desk()
    assert await send(desk.queue, people.events, quiet) == 3
    assert len(desk.named()) == 2 * EVENTS_A_MESSAGE + 1
    desk.queue.failure = Transient("away")
    sent: list[int] = []
    with pytest.raises(Transient):
        await send(desk.queue, people.events, sent.append)
    assert sent == []


def test_nothing_is_sent_when_a_line_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "people.csv"
    file.write_text("id\nAnna\n", encoding="utf-8")
    # No address is given: were anything sent, it would say so.
    assert main(["events", "send", str(file)]) == 1
    said = capsys.readouterr().err
    assert f"{file}, line 2, id: " in said
    assert said.startswith("Nothing was sent:\n")
    assert "Mend 1 line, or use --skip-bad" in said


def test_a_missing_file_and_a_missing_address_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SERVICE_BUS_CONNECTION_STRING", "ServiceBusConnection__fullyQualifiedNamespace"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "people.csv"
    assert main(["events", "send", str(file)]) == 2
    file.write_text("employee-id\n7\n", encoding="utf-8")
    assert main(["events", "send", str(file)]) == 2
    nobody = "Endpoint=sb://127.0.0.1:9/;SharedAccessKeyName=x;SharedAccessKey=y"
    missing, address, remedy = capsys.readouterr().err.splitlines()
    assert missing == f"{file}: No such file or directory"
    assert "--namespace" in address
    assert remedy.startswith("(source the app's settings first")
    assert main(["events", "send", str(file), "--connection-string", nobody]) == 1
    said = capsys.readouterr().err
    assert "people-events" in said
    assert "were sent" not in said, "nothing was"
