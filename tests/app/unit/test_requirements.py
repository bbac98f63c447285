"""What is imported is required by name: a package that only comes along with another may stop to come along."""

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OURS = {"shared", "functions", "cli", "sandbox", "tests", "benchmarks", "deploy", "function_app"}
APP = ["requirements.txt"]
ALL = ["requirements.txt", "requirements-dev.txt"]


@cache
def owners() -> dict[str, str]:
    """The distribution of each installed module, by its dotted name; a namespace such as `azure` has none."""
    found: dict[str, str] = {}
    for distribution in distributions():
        name = _normal(distribution.name)
        for file in distribution.files or ():
            if file.suffix in {".py", ".so"} and ".." not in file.parts:
                parts = [*file.parts[:-1], file.name.partition(".")[0]]
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = name
    return found


def imported(folder: Path) -> Iterator[str]:
    """The absolute modules that a folder's code imports, and what it takes from them, which may be modules too."""
    for path in folder.rglob("*.py") if folder.is_dir() else [folder]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


def owner(module: str) -> str | None:
    """Whose an imported module or name is; None for ours, Python's own, and what is not installed."""
    if module.partition(".")[0] in OURS | sys.stdlib_module_names:
        return None
    while module:
        if module in owners():
            return owners()[module]
        module = module.rpartition(".")[0]
    return None


def required(files: list[str]) -> set[str]:
    lines = "\n".join((ROOT / file).read_text(encoding="utf-8") for file in files)
    return {_normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", lines, re.MULTILINE)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize(
    ("folders", "files"),
    [(["shared", "functions", "function_app.py"], APP), (["cli", "sandbox", "tests", "benchmarks", "deploy"], ALL)],
)
def test_every_package_that_is_imported_is_required_by_name(folders: list[str], files: list[str]) -> None:
    used = {whose for folder in folders for module in imported(ROOT / folder) if (whose := owner(module))}
    assert len(used) > 10
    assert used - required(files) == set()


def test_the_app_and_the_rest_are_told_apart() -> None:
    assert owner("azure.core.exceptions.HttpResponseError") == "azure-core"
    assert owner("azure.servicebus.aio.ServiceBusClient") == "azure-servicebus"
    assert owner("json") is owner("shared.errors") is None
