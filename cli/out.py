"""Where a verb speaks: stdout is the answer, stderr is everything else.

Lives here: what is needed before a verb runs. Forms of an answer are `cli.answer`'s, which is imported when there is
one: `--help` and completion have none.
"""

import os
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, TextIO

from cli.faults import Fault, UsageError

if TYPE_CHECKING:
    from cli.answer import Answer, Line, Table


class Form(StrEnum):
    """What an answer looks like."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    TSV = "tsv"


class Color(StrEnum):
    """When there is colour: on a terminal, unless `NO_COLOR` is set (https://no-color.org)."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Out:
    """Where a verb speaks, in the form that was asked for."""

    def __init__(self, form: Form = Form.TABLE, color: Color = Color.AUTO) -> None:
        self.form = form
        self._color = color

    def answer(self, answer: "Answer") -> int:
        """Says the answer, whole or not at all; the status to end with."""
        from cli import answer as forms  # noqa: PLC0415 - see the module's docstring
        from shared.answers import documents  # noqa: PLC0415

        match self.form:
            case Form.JSON:
                said = documents.as_json(forms.as_document(answer), pretty=sys.stdout.isatty())
            case Form.CSV | Form.TSV:
                said = documents.as_csv(answer.rows, "\t" if self.form is Form.TSV else ",")
            case Form.TABLE:
                said = forms.show(answer.text, sys.stdout, colored=self._colored(sys.stdout))
        _write(sys.stdout, said)
        return answer.status

    def say(self, text: str) -> None:
        """Writes a text to stdout that is the answer as it stands, such as a file's."""
        _write(sys.stdout, text)

    def note(self, *lines: "Line | Table") -> None:
        """Says what is no part of the answer, on stderr: what is about to happen, and what may be missing."""
        from cli import answer as forms  # noqa: PLC0415 - see the module's docstring

        _write(sys.stderr, forms.show(lines, sys.stderr, colored=self._colored(sys.stderr)))

    def confirm(self, question: str, *, yes: bool, needed: str = "--yes") -> bool:
        """Asks on the terminal; anything but a yes is a no. Raises `UsageError` where nobody can be asked."""
        if yes:
            return True
        if not sys.stdin.isatty():
            raise UsageError("nothing was changed, because there is no terminal to ask at", mend=f"Give {needed}.")
        return self.ask(f"{question} [y/N] ").strip().lower() in {"y", "yes"}

    def ask(self, question: str) -> str:
        """A line that is typed in answer; "" where the terminal is closed."""
        from shared.wording.harmless import harmless  # noqa: PLC0415 - see the module's docstring

        _write(sys.stderr, harmless(question))
        return sys.stdin.readline()

    def _colored(self, stream: TextIO) -> bool:
        if self._color is Color.AUTO:
            return stream.isatty() and not os.environ.get("NO_COLOR")
        return self._color is Color.ALWAYS


def tell(fault: Fault, *, as_json: bool) -> None:
    """Says a fault on stderr: one JSON object, or its message and what mends it."""
    if as_json:
        from shared.answers import documents  # noqa: PLC0415 - see the module's docstring

        told = {"code": fault.code, "message": fault.message, "mend": fault.mend, "nearest": list(fault.nearest)}
        _write(sys.stderr, documents.as_json(told, pretty=sys.stderr.isatty()))
        return
    from shared.wording.harmless import harmless  # noqa: PLC0415

    lines = [fault.message, *(f"  {line}" for line in fault.details), *([fault.mend] if fault.mend else [])]
    _write(sys.stderr, "".join(f"{harmless(line)}\n" for line in lines))


def _write(stream: TextIO, text: str) -> None:
    """Writes at once; where the reader has gone, the rest is not missed."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # What Python would flush at its end must not fail again: https://docs.python.org/3/library/signal.html
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
