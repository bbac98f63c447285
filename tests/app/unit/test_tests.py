"""What every test keeps to: a name that can be read at a glance, and the public way in."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parents[2]
LONGEST_NAME: Final = 80
"""Characters. What does not fit is two tests, or says more than what happens when, with which result."""

OURS: Final = ("shared", "functions", "cli", "sandbox")
STORE: Final = {"state", "ledger", "state_rows", "ledger_rows"}
"""What an app and a stage call their store: to have it fail is for `Rows` that fail (`EventfulRows`)."""
ADAPTERS: Final = {"RowsState", "RowsLedger", "RowsChain", "SqliteRows", "TableRows"}


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(TESTS.rglob("*.py")):
        if "node_modules" not in path.parts:
            yield path.name, ast.parse(path.read_text(encoding="utf-8"))


def names(tree: ast.Module) -> Iterator[str]:
    """The names of the tests in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            yield node.name


def back_doors(tree: ast.Module) -> Iterator[int]:
    """The lines that import a private name of ours, or put something in the place of a method of the store."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=imported) if module.partition(".")[0] in OURS:
                found = any(alias.name.startswith("_") for alias in imported)
            case ast.Assign(targets=[ast.Attribute(value=ast.Attribute(attr="state" | "ledger"))]):
                found = True
            case ast.Call(func=ast.Attribute(attr="setattr"), args=[ast.Attribute(attr=of), *_]):
                found = of in STORE
            case ast.Call(func=ast.Attribute(attr="setattr"), args=[ast.Constant(value=str(of)), *_]):
                found = of.startswith("shared.adapters.store")
            case ast.ClassDef(bases=bases):
                found = any(isinstance(base, ast.Name) and base.id in ADAPTERS for base in bases)
            case _:
                found = False
        if found and isinstance(node, ast.stmt | ast.expr):
            yield node.lineno


def test_no_name_of_a_test_is_longer_than_80_characters() -> None:
    every = [(file, name) for file, tree in trees() for name in names(tree)]
    assert len(every) > 1000
    assert [(file, name) for file, name in every if len(name) > LONGEST_NAME] == []


def test_no_test_comes_in_by_a_back_door() -> None:
    """Private attributes are for ruff (SLF001)."""
    assert [(file, line) for file, tree in trees() for line in back_doors(tree)] == []


@pytest.mark.parametrize(
    "source",
    [
        "from shared.services.sweep.sweep import _held",
        "stage.app.state.put_person = busy",
        "monkeypatch.setattr(stage.app.ledger, 'open', lost)",
        "patch.setattr(stage.state_rows, 'write', refuses)",
        "monkeypatch.setattr('shared.adapters.store.ledger.RECORD_CHARACTERS', 250)",
        "class Busy(RowsState): ...",
    ],
)
def test_a_back_door_is_noticed(source: str) -> None:
    assert [*back_doors(ast.parse(source))] == [1]
