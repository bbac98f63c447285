"""Names and texts of strangers are shown by the command line, and do nothing to a terminal."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.answer import Answer, Table
from cli.faults import UsageError
from cli.out import Color, Out, tell
from shared.answers.documents import Rows
from shared.wording.harmless import harmless

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
    for color in Color:
        out = Out(color=color)
        out.answer(Answer("x", {}, [text, Table(("NAME",), [(text,)])], Rows((), [])))
        out.note(text)
        tell(UsageError(text), as_json=False)
        said = capsys.readouterr()
        assert said.out.count(shown) == 2
        assert said.err == f"{shown}\n{shown}\n"


@given(st.text())
def test_nothing_that_is_shown_commands_a_terminal(text: str) -> None:
    safe = harmless(text)
    assert not any(
        ord(one) < 0x20 or 0x7F <= ord(one) < 0xA0 or one in "\u061c\u200e\u200f" for one in safe if one not in "\n\t"
    )
    assert not any(one in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" for one in safe)
    safe.encode()


def test_every_console_of_the_command_line_is_made_in_one_place() -> None:
    made = {
        path.name
        for path in CLI.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Console"
    }
    assert made == set()
