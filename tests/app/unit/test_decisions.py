"""The records of decisions: each says when it was made and what lost, and the page lists them all."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "docs" / "decisions"
RECORDS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
ROW = re.compile(r"^\| \[(\d+)\]\(([^)]+)\) \| (\d{4}-\d\d-\d\d) \| (.+?) \|$", re.MULTILINE)


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem[:4])
def test_a_record_has_a_date_and_the_alternative_that_lost(record: Path) -> None:
    text = record.read_text()
    assert re.search(r"^Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert "**Instead of" in text


def test_the_page_lists_every_record_with_its_number_title_and_date() -> None:
    listed = {
        name: (number, title, date) for number, name, date, title in ROW.findall((FOLDER / "README.md").read_text())
    }
    written = {}
    for record in RECORDS:
        head = re.match(r"# (\d+)\. (.+)\n\nDate: (\S+)\n", record.read_text())
        assert head is not None, record.name
        written[record.name] = head.groups()
    assert listed == written
