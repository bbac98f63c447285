"""The tutorial: how long it is until a tenant is observed; each step there says who, what changes and how back."""

import re
from pathlib import Path
from typing import Final

import pytest

from tests.documented_commands import blocks

TUTORIAL: Final = Path(__file__).parents[2] / "docs" / "tutorial"
MOST_WORDS: Final = 2000
"""Until an app observes a real tenant: what somebody reads before lunch."""


def steps(page: str) -> dict[str, str]:
    """Each numbered step of a page by its heading."""
    _, *parts = re.split(r"^## ", (TUTORIAL / page).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {part.partition("\n")[0]: part for part in parts if part.startswith("Step ")}


def test_until_observing_it_has_at_most_two_thousand_words() -> None:
    pages = [(TUTORIAL / page).read_text(encoding="utf-8") for page in ("index.md", "sandbox.md", "observe.md")]
    assert 500 < sum(len(page.split()) for page in pages) <= MOST_WORDS


@pytest.mark.parametrize("page", ["observe.md", "enforce.md"])
def test_each_step_in_a_tenant_says_who_runs_it_what_it_changes_and_how_to_undo_it(page: str) -> None:
    found = steps(page)
    assert [int(heading.split()[1].rstrip(".")) for heading in found] == [*range(1, len(found) + 1)]
    assert len(found) > 4
    for heading, text in found.items():
        for word in ("Who", "Changes", "Undo"):
            assert f"**{word}**" in text, f"{heading}: {word}"


@pytest.mark.parametrize("page", ["index.md", "observe.md", "enforce.md"])
def test_a_page_about_a_tenant_says_that_nobody_ran_it_there(page: str) -> None:
    assert re.search(r"(?i)\bnot run by us|never run by us", (TUTORIAL / page).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "page",
    sorted({block.page for block in blocks() if block.marked and block.page.parent.name != "reference"}),
    ids=lambda page: page.stem,
)
def test_a_page_that_needs_azure_says_how_to_undo_it(page: Path) -> None:
    assert re.search(r"(?i)\bundo|take back|take it down", page.read_text(encoding="utf-8"))
