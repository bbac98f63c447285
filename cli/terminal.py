"""Where the command line speaks: names and texts of strangers are shown there, and must do nothing to a terminal.

Every console of the command line is made here. What may live here: how a text looks; no verb's words.
"""

import re
from typing import Any, Final

from rich.console import Console
from rich.text import Text

_HARMFUL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, C1 too, but for line break and tab
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # Unicode's bidirectional controls: a name that reads as another
    "\u2028\u2029\ud800-\udfff]"  # line and paragraph separator; half a surrogate pair, which cannot be written at all
)


class Terminal(Console):
    """A console that shows texts as they are: without markup, emoji, or control sequences."""

    def __init__(self, *, stderr: bool = False, width: int | None = None) -> None:
        super().__init__(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)

    def render_str(self, text: str, **how: Any) -> Text:
        """A text, or a cell of a table, before it is shown."""
        return super().render_str(harmless(text), **how)


def harmless(text: str) -> str:
    r"""The text with what acts on a terminal written out, such as `\x1b` for ESC."""
    return _HARMFUL.sub(lambda found: ascii(found[0])[1:-1], text)


def out(width: int | None = None) -> Terminal:
    """Where answers go: stdout. Lines are as long as they are, unless a `width` folds them."""
    made = Terminal(width=width)
    made.soft_wrap = width is None
    return made


def complaints() -> Terminal:
    """Where mistakes are said: stderr."""
    return Terminal(stderr=True)
