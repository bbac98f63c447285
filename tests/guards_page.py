"""The operator's page about guards, read: its examples by the name of their test, and its tables.

Lives here: reading docs/explanation/guards.md. What an example means is its test's.
"""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

PAGE = (Path(__file__).parents[1] / "docs" / "explanation" / "guards.md").read_text("utf-8")

type Example = dict[str, Any]


def slug(heading: str) -> str:
    """A heading as the name of a test."""
    return re.sub(r"[^a-z0-9]+", "_", heading.replace("'", "").lower()).strip("_")


def _examples() -> dict[str, Example]:
    found: dict[str, Example] = {}
    _, _, examples = PAGE.partition("\n## Worked examples\n")
    for heading, text in re.findall(r"^### (.*)\n((?:(?!#).*\n)*)", examples, re.MULTILINE):
        blocks = re.findall(r"^```yaml\n((?:(?!```).*\n)*)```\n", text, re.MULTILINE)
        assert len(blocks) == 1, f"'{heading}' has {len(blocks)} blocks of figures"
        assert slug(heading) not in found, f"'{heading}' is there twice"
        found[slug(heading)] = YAML(typ="safe", pure=True).load(blocks[0])
    return found


EXAMPLES = _examples()
"""The figures of each example, by its slug."""


def table(first_column: str) -> list[dict[str, str]]:
    """The page's one table whose first column is called that, one mapping a row, without back quotes."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", PAGE, re.MULTILINE):
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])] for line in block.splitlines()]
        if rows[0][0] == first_column:
            found.append([dict(zip(rows[0], row, strict=True)) for row in rows[2:]])
    assert len(found) == 1, f"{len(found)} tables begin with '{first_column}'"
    return found[0]


@pytest.fixture
def example(request: pytest.FixtureRequest) -> Example:
    """The figures of the example that the test is named after."""
    name: str = request.function.__name__
    return EXAMPLES[name.removeprefix("test_")]
