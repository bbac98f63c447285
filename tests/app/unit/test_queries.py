"""Microsoft's own compiler of KQL takes every query of an alert and of the workbook, on the columns there are."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.npm import installed
from tests.workspace import ALERTS, QUERIES, TABLES, panels

KUSTO = Path(__file__).parents[2] / "kusto"


def wrong(queries: Mapping[str, str]) -> dict[str, list[str]]:
    """What the compiler finds wrong, by query."""
    installed(KUSTO, "@kusto/language-service-next/Kusto.Language.Bridge.min.js")
    tables = {
        table: f"({', '.join(f'{name}: {kind}' for name, kind in columns.items())})"
        for table, columns in TABLES.items()
    }
    done = subprocess.run(
        ["node", "compile.cjs"],  # noqa: S607 - as it is on the path
        cwd=KUSTO, input=json.dumps({"tables": tables, "queries": queries}), capture_output=True, text=True,
        timeout=60, check=True,
    )  # fmt: skip
    found: dict[str, list[str]] = json.loads(done.stdout)
    return {name: told for name, told in found.items() if told}


def test_the_compiler_finds_nothing_wrong_with_any_query() -> None:
    alerts = {name: (QUERIES / f"{name}.kql").read_text(encoding="utf-8") for name in ALERTS}
    assert len(alerts) > 8
    assert wrong(alerts | panels()) == {}


def test_the_compiler_knows_the_columns_and_the_language() -> None:
    found = wrong({"a column": "AppTraces | where Mesage has 'x'", "a word": "AppTraces | summarise count()"})
    assert found["a column"] == [
        "line 1: The name 'Mesage' does not refer to any known column, table, variable or function."
    ]
    assert found["a word"]
