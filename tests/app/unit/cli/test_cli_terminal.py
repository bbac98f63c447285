"""Names and texts of strangers are shown by the command line, and do nothing to a terminal."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table

from cli import terminal
from cli.faults import UsageError
from cli.harmless import harmless
from cli.operating import operate_on_store

CLI = Path(__file__).parents[4] / "cli"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Anna\x1b[2J\x1b[31m", r"Anna\x1b[2J\x1b[31m"),
        ("Anna\x9b31m\x85", r"Anna\x9b31m\x85"),
        ("gpj.exe\u202ebat", r"gpj.exe\u202ebat"),
        ("a\rb\x07\x08\u2028", r"a\rb\x07\x08\u2028"),
        ("half \ud83d", r"half \ud83d"),
        ("Zoë 李 :new: [bold] x", "Zoë 李 :new: [bold] x"),
    ],
)
def test_what_acts_on_a_terminal_is_written_out(text: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert harmless(text) == shown
    terminal.out().print(text, end="|")
    table = Table(box=None, pad_edge=False)
    table.add_column("name", overflow="fold")
    table.add_row(text)
    terminal.out(200).print(table)
    terminal.complaints().print(text, soft_wrap=True)
    said = capsys.readouterr()
    assert said.out.startswith(shown)
    assert shown in said.out.partition("|")[2]
    assert said.err == f"{shown}\n"


@given(st.text())
def test_nothing_that_is_shown_commands_a_terminal(text: str) -> None:
    safe = harmless(text)
    assert not any(
        ord(one) < 0x20 or 0x7F <= ord(one) < 0xA0 or one in "\u061c\u200e\u200f" for one in safe if one not in "\n\t"
    )
    assert not any(one in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" for one in safe)
    safe.encode()


def test_a_verb_shows_a_mistake_harmlessly(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOICE_ACCESS_STORE", "sqlite::memory:")

    async def verb(_: object) -> int:
        raise UsageError("--why: \x1b]0;owned\x07")

    assert operate_on_store(verb) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_every_console_of_the_command_line_is_made_in_one_place() -> None:
    made = {
        path.name
        for path in CLI.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Console"
    }
    assert made == set()
