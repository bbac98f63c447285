"""Every example in docs/reference/events.md reads as the page says it does."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.errors import Rejected
from shared.sources.events import Ignored, PersonEvent, Read
from shared.sources.read import read_message

PAGE = (Path(__file__).parents[4] / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```json (.+?)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def in_words(read: Read) -> str:
    match read:
        case PersonEvent(key=key, effective=None):
            return key.canonical
        case PersonEvent(key=key, effective=effective):
            return f"{key.canonical} effective {effective}"
        case Ignored():
            return "ignored"
        case Rejected(field=field):
            return f"rejected:{field}"


@pytest.mark.parametrize(("says", "body"), EXAMPLES, ids=[says for says, _ in EXAMPLES])
def test_the_example_reads_as_the_page_says(says: str, body: str) -> None:
    assert " and ".join(in_words(read) for read in read_message(body.encode(), now=NOW)) == says


def test_no_example_of_the_page_is_left_out() -> None:
    assert len(EXAMPLES) == PAGE.count("```json") >= 8
