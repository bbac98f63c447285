"""What every test keeps to."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parents[2]
LONGEST_NAME: Final = 80
"""Characters. What does not fit is two tests, or says more than what happens when, with which result."""


def names(source: str) -> Iterator[str]:
    """The names of the tests in a file."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name


def test_no_name_of_a_test_is_longer_than_80_characters() -> None:
    every = [(path.name, name) for path in TESTS.rglob("test_*.py") for name in names(path.read_text(encoding="utf-8"))]
    assert len(every) > 1000
    assert [(file, name) for file, name in every if len(name) > LONGEST_NAME] == []
