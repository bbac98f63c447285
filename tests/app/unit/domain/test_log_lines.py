"""Log lines stay whole, whatever is in them: Application Insights cuts a message after 32,768 characters."""

import json
import logging
from typing import Any

import pytest

from shared.adapters.process import quiet_libraries
from shared.domain.log_line import LINE_CHARACTERS, json_of

LIMIT = 32_768

LINES: list[dict[str, Any]] = [
    {"check": "person:1", "actions": [{"profile": "p" * 50, "why": "w" * 50}] * 5_000},
    {"check": "person:1", "alert": "a" * 100_000, "notes": ["n" * 70_000]},
    {"check": "person:1", "failures": ["\U0001f600" * 10_000] * 3, "counts": {"people": 3}},
    {"check": "person:1", **{f"field-{number}": "\x1b" * 5_000 for number in range(20)}},
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_json_stays_json_and_says_what_went(line: dict[str, Any]) -> None:
    text = json_of(line)
    assert len(text) < LIMIT - 1_000
    read = json.loads(text)
    assert read["check"] == "person:1"
    assert read["shortened"]
    assert set(line) <= read.keys() | read["shortened"].keys()


def test_a_line_that_fits_is_as_it_was() -> None:
    line = {"check": "person:1", "actions": [{"action": "grant"}] * 300}
    assert json.loads(json_of(line)) == line


@pytest.mark.parametrize("text", ["x" * 1_000_000, "\U0001f600" * 17_000, "\ud800" * 40_000, "é" * 32_500])
def test_any_other_line_is_cut_with_a_word_about_it(text: str, caplog: pytest.LogCaptureFixture) -> None:
    factory = logging.getLogRecordFactory()
    try:
        quiet_libraries()
        logging.getLogger("shared.anything").warning("queue: %s", text)
        logging.getLogger("shared.anything").warning("queue: %s", "short")
    finally:
        logging.setLogRecordFactory(factory)
    long, short = (record.getMessage() for record in caplog.records)
    assert short == "queue: short"
    assert len(long.encode("utf-16-le", "surrogatepass")) // 2 <= LINE_CHARACTERS < LIMIT
    assert long.endswith("characters more)")
