"""Tables of the reference that are written by hand are those of the code."""

import re
from pathlib import Path
from typing import Final

from cli.faults import Status
from cli.root import SECTIONS

REFERENCE: Final = Path(__file__).parents[2] / "docs" / "reference"


def rows(page: str, heading: str) -> list[str]:
    """The first cells of the table below a heading."""
    text = (REFERENCE / page).read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| ([^|]+?) \|", text, re.MULTILINE)


def test_every_exit_code_is_on_the_page_of_the_command_line() -> None:
    assert [row for row in rows("command-line.md", "Exit codes") if row.isdigit()] == [f"{each:d}" for each in Status]


def test_every_verb_of_the_root_is_in_the_table_of_verbs_and_none_that_there_is_not() -> None:
    named = {words for row in rows("command-line.md", "Verbs") for words in re.findall(r"`([a-z]+)", row)}
    there = {name for _, names in SECTIONS for name, _ in names}
    assert there <= named, "the table lacks a verb"
    below = {"show", "find", "release", "dismiss", "log", "test", "explain", "replay", "apply", "list", "check"}
    assert named - there <= below
