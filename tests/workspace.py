"""What Log Analytics does with the app's log and measures, as far as it goes here: the same queries over the same rows.

duckdb-kql runs Microsoft's KQL on DuckDB. It is no Log Analytics: what it does not know it refuses, and what it knows
may differ in corners. That each query finds a row of the very log that the app writes is proved; that Azure takes it as
it is was not tried.
"""

import json
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import duckdb_kql

from tests.heard import Heard

QUERIES: Final = Path(__file__).parents[1] / "infra" / "queries"

_TABLES: Final = """
create table AppTraces (TimeGenerated timestamp, Message varchar, SeverityLevel integer, AppRoleName varchar);
create table AppMetrics (
    TimeGenerated timestamp, Name varchar, Sum double, Min double, Max double, ItemCount integer, Properties json
);
create table AppDependencies (
    TimeGenerated timestamp, Name varchar, DurationMs double, Success boolean, OperationId varchar, Properties json
);
create table _LogOperation (TimeGenerated timestamp, Category varchar, Detail varchar);
"""
_SEVERITY: Final = {logging.INFO: 1, logging.WARNING: 2, logging.ERROR: 3, logging.CRITICAL: 4}
"""How Application Insights counts levels."""


class Workspace(logging.Handler):
    """A workspace in memory, into which everything goes that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._rows = duckdb.connect()
        self._rows.execute(_TABLES)
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
