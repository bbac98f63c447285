"""A file of many rows, written as they come: for Excel, or a JSON object per line.

Lives here: the two forms and where they go. What is in a row is the verb's.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from cli.out import Form, Out
from shared.answers.documents import Rows, as_csv, as_json


class RowFile:
    """Takes rows, each with every column. No cell is a formula; see `as_csv`.

    Where one document was asked for (`-o json`), nothing is written: `kept` has the rows. Else that is None.
    """

    def __init__(self, out: Out, columns: Sequence[str], *, lines: bool, to: Path | None) -> None:
        self._out = out
        self._columns = columns
        self._lines = lines
        self._to = to
        self._file: TextIO | None = None
        self.kept: list[Mapping[str, Any]] | None = [] if out.form is not Form.TABLE and to is None else None

    def __enter__(self) -> Self:
        if self._to is not None:
            # Excel takes a file for one of its own code page, unless it begins with the mark of UTF-8.
            self._file = self._to.open("w", encoding="utf-8" if self._lines else "utf-8-sig")
        if self.kept is None and not self._lines:
            self._say(as_csv(Rows(self._columns, ())))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, row: Mapping[str, Any]) -> None:
        """Takes one row."""
        if self.kept is not None:
            self.kept.append(row)
        elif self._lines:
            self._say(as_json(row, pretty=False))
        else:
            self._say(as_csv(Rows.of(self._columns, [row])).partition("\n")[2])

    def _say(self, text: str) -> None:
        if self._file is None:
            self._out.say(text)
        else:
            self._file.write(text)
