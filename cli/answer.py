"""What a verb answers, and its forms: for people, as JSON, CSV or TSV.

Lives here: making text of an answer. Where it is no terminal that reads it, rich is not even imported. No verb's words.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO

from cli.faults import Status
from shared.answers.documents import Rows, document_of
from shared.wording.harmless import harmless

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


class Shade(StrEnum):
    """What a colour says, never alone: a word says it as well. The values are rich's styles."""

    PLAIN = ""
    GIVEN = "green"
    REMOVED = "red"
    WAITS = "yellow"
    DIM = "dim"
    BOLD = "bold"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a line or of a cell, in a shade."""

    text: str
    shade: Shade = Shade.PLAIN


type Line = str | Part | tuple[str | Part, ...]
type Cell = Line | int | None


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under titles, two blanks apart; numbers stand right. Without `titled` the titles are not shown to people."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    titled: bool = True
    indent: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a verb says, in every form.

    `verb` names its schema, `invoice-access/<verb>/1`. `body` is what JSON has beside `schema`, `as_of` and `complete`:
    whole ids, moments in UTC. `text` is for people, `rows` for a spreadsheet. `as_of` is when that was so (None: now),
    `complete` whether everything could be read.
    """

    verb: str
    body: Mapping[str, Any]
    text: Iterable[Line | Table]
    rows: Rows
    as_of: datetime | None = None
    complete: bool = True
    status: Status = Status.DONE


def show(text: Iterable[Line | Table], stream: TextIO, *, colored: bool) -> str:
    """Lines and tables as a stream shows them. Where it is no terminal nothing is wrapped or cut."""
    terminal = stream.isatty()
    if not (colored or terminal):
        return "".join(f"{line}\n" for each in text for line in _plain(each))
    from cli.terminal import Terminal  # noqa: PLC0415 - rich, which only a terminal needs

    buffer = io.StringIO()
    console = Terminal(file=buffer, wide=not terminal, colored=colored)
    for each in text:
        _rich(console, each)
    return buffer.getvalue()


def as_document(answer: Answer) -> dict[str, Any]:
    """What JSON says: the schema, as of when, whether all of it could be read, and the answer."""
    return document_of(answer.verb, answer.body, answer.as_of or datetime.now(UTC), complete=answer.complete)


def counted(number: int, what: str, several: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {what if number == 1 else several or f'{what}s'}"


def _parts(cell: Cell) -> tuple[Part, ...]:
    match cell:
        case None:
            return ()
        case int():
            return (Part(f"{cell:,}"),)
        case str():
            return (Part(cell),)
        case Part():
            return (cell,)
        case tuple():
            return tuple(Part(each) if isinstance(each, str) else each for each in cell)


def _text(cell: Cell) -> str:
    return harmless("".join(part.text for part in _parts(cell)))


def _plain(each: Line | Table) -> Iterable[str]:
    """Lines for what is no terminal: whole, however long."""
    if not isinstance(each, Table):
        yield from _text(each).split("\n")
        return
    rows = [[_text(cell).replace("\n", " ") for cell in row] for row in each.rows]
    if each.titled:
        rows.insert(0, list(each.columns))
    widths = [max((_width(row[at]) for row in rows), default=0) for at in range(len(each.columns))]
    right = _numbers(each)
    for row in rows:
        cells = [
            (" " * (widths[at] - _width(text)) + text) if at in right else text + " " * (widths[at] - _width(text))
            for at, text in enumerate(row)
        ]
        yield f"{' ' * each.indent}{'  '.join(cells)}".rstrip()


def _numbers(table: Table) -> frozenset[int]:
    """The columns whose every cell is a number, or empty."""
    return frozenset(
        at
        for at in range(len(table.columns))
        if table.rows and all(row[at] is None or isinstance(row[at], int) for row in table.rows)
    )


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - a table of Unicode's widths

    return cell_len(text)


def _rich(console: "Console", each: Line | Table) -> None:
    from rich.table import Table as RichTable  # noqa: PLC0415 - rich, which only a terminal needs

    if not isinstance(each, Table):
        console.print(_styled(each), soft_wrap=True)
        return
    right = _numbers(each)
    table = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=each.titled, header_style="")
    for at, column in enumerate(each.columns):
        table.add_column(column, overflow="fold", justify="right" if at in right else "left")
    for row in each.rows:
        table.add_row(*(_styled(cell) for cell in row))
    if each.indent:
        from rich.padding import Padding  # noqa: PLC0415

        console.print(Padding(table, (0, 0, 0, each.indent)))
    else:
        console.print(table)


def _styled(cell: Cell) -> "Text":
    from rich.text import Text  # noqa: PLC0415

    text = Text()
    for part in _parts(cell):
        text.append(harmless(part.text), style=part.shade.value)
    return text
