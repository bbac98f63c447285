"""Where the command line speaks: names and texts of strangers are shown there, and must do nothing to a terminal.

Every console of the command line is made here. What may live here: how a text looks; no verb's words.
"""

from typing import IO, Any, Final

from rich.console import Console
from rich.text import Text

from cli.harmless import harmless

_ENDLESS: Final = 100_000
"""Columns of what is no terminal: nothing is wrapped."""


class Terminal(Console):
    """A console that shows texts as they are: without markup, emoji, or control sequences."""

    def __init__(
        self,
        *,
        stderr: bool = False,
        width: int | None = None,
        file: IO[str] | None = None,
        wide: bool = False,
        colored: bool | None = None,
    ) -> None:
        given: dict[str, Any] = {}
        if colored is not None:
            given = {"color_system": "standard" if colored else None, "force_terminal": colored, "no_color": False}
        width = _ENDLESS if wide else width
        super().__init__(stderr=stderr, width=width, file=file, highlight=False, markup=False, emoji=False, **given)

    def render_str(self, text: str, **how: Any) -> Text:
        """A text, or a cell of a table, before it is shown."""
        return super().render_str(harmless(text), **how)


def out(width: int | None = None) -> Terminal:
    """Where answers go: stdout. Lines are as long as they are, unless a `width` folds them."""
    made = Terminal(width=width)
    made.soft_wrap = width is None
    return made


def complaints() -> Terminal:
    """Where mistakes are said: stderr."""
    return Terminal(stderr=True)
