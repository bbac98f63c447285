"""Where the command line speaks: names and texts of strangers are shown there, and must do nothing to a terminal.

Every console of the command line is made here. What may live here: how a text looks; no verb's words.
"""

from typing import IO, Any, Final

from rich.console import Console
from rich.text import Text

from shared.wording.harmless import harmless

_ENDLESS: Final = 100_000
"""Columns of what is no terminal: nothing is wrapped."""


class Terminal(Console):
    """A console that shows texts as they are: without markup, emoji, or control sequences."""

    def __init__(
        self,
        *,
        file: IO[str],
        wide: bool,
        colored: bool,
    ) -> None:
        super().__init__(
            file=file,
            width=_ENDLESS if wide else None,
            color_system="standard" if colored else None,
            force_terminal=colored,
            no_color=False,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def render_str(self, text: str, **how: Any) -> Text:
        """A text, or a cell of a table, before it is shown."""
        return super().render_str(harmless(text), **how)
