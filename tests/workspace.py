"""What Log Analytics does with the app's log and measures, as far as it goes here: the same queries over the same rows.

duckdb-kql runs Microsoft's KQL on DuckDB. It is no Log Analytics: what it does not know it refuses, and what it knows
may differ in corners. That each query finds a row of the very log that the app writes is proved; that Azure takes it as
it is was not tried.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import duckdb_kql

from tests.heard import Heard

INFRA: Final = Path(__file__).parents[1] / "infra"
QUERIES: Final = INFRA / "queries"
ALERTS: Final = sorted(path.stem for path in QUERIES.glob("*.kql"))


def panels() -> dict[str, str]:
    """The queries of the workbook, by their titles."""
    items = json.loads((INFRA / "workbook.json").read_text(encoding="utf-8"))["items"]
    return {item["name"]: item["content"]["query"] for item in items if item["type"] == 3}


TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "AppTraces": {"TimeGenerated": "datetime", "Message": "string", "SeverityLevel": "int", "AppRoleName": "string"},
    "AppMetrics": {
        "TimeGenerated": "datetime", "Name": "string", "Sum": "real", "Min": "real", "Max": "real", "ItemCount": "int",
        "Properties": "dynamic",
    },
    "AppDependencies": {
        "TimeGenerated": "datetime", "Name": "string", "DurationMs": "real", "Success": "bool", "OperationId": "string",
        "Properties": "dynamic",
    },
    "_LogOperation": {"TimeGenerated": "datetime", "Category": "string", "Detail": "string"},
}  # fmt: skip
"""The columns that queries use, by table, with KQL's types. Source: Azure Monitor's reference of each table."""

_TYPES: Final = {
    "datetime": "timestamp", "string": "varchar", "int": "integer", "real": "double", "bool": "boolean",
    "dynamic": "json",
}  # fmt: skip
_SEVERITY: Final = {logging.INFO: 1, logging.WARNING: 2, logging.ERROR: 3, logging.CRITICAL: 4}
"""How Application Insights counts levels."""


class Workspace(logging.Handler):
    """A workspace in memory, into which everything goes that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._rows = duckdb.connect()
        for table, columns in TABLES.items():
            told = ", ".join(f"{name} {_TYPES[kind]}" for name, kind in columns.items())
            self._rows.execute(f"create table {table} ({told})")
        self._count = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a line in, after all others."""
        row = (self._next(), record.getMessage(), _SEVERITY[record.levelno], "invoice-access")
        self._rows.execute("insert into AppTraces values (?, ?, ?, ?)", row)

    def take_in(self, heard: Heard) -> None:
        """Takes in what telemetry told, as Microsoft's exporter lays it out."""
        for name, facts, low, high, total, count in heard.exported():
            row = (self._next(), name, total, low, high, count, json.dumps(facts))
            self._rows.execute("insert into AppMetrics values (?, ?, ?, ?, ?, ?, ?)", row)
        for span in heard.spans():
            said = json.dumps(dict(span.attributes or {}))
            step = (self._next(), span.name, 1.0, span.status.is_ok, "", said)
            self._rows.execute("insert into AppDependencies values (?, ?, ?, ?, ?, ?)", step)

    def asked(self, query: str) -> Sequence[dict[str, Any]]:
        """The rows that a query finds."""
        found = duckdb_kql.query(self._rows, query)
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]

    def alert(self, name: str) -> Sequence[dict[str, Any]]:
        """The rows that an alert's query finds: any is an alert."""
        return self.asked((QUERIES / f"{name}.kql").read_text(encoding="utf-8"))

    def _next(self) -> datetime:
        self._count += 1
        return datetime(2026, 3, 2, tzinfo=UTC).replace(tzinfo=None) + timedelta(seconds=self._count)
