"""Names and texts of strangers are shown on terminals, in JSON and in spreadsheets, and must do nothing there.

Lives here: what does something, and how it is written instead.
"""

import re
from typing import Final

_HARMFUL: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, C1 too, but for line break and tab
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # Unicode's bidirectional controls: a name that reads as another
    "\u2028\u2029\ud800-\udfff]"  # line and paragraph separator; half a surrogate pair, which cannot be written at all
)

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""How what a spreadsheet computes begins. Source: OWASP, CSV Injection."""


def harmless(text: str) -> str:
    r"""The text with what acts on a terminal written out, such as `\x1b` for ESC."""
    return _HARMFUL.sub(lambda found: ascii(found[0])[1:-1], text)


def harmless_json(text: str) -> str:
    """JSON with the same characters as JSON's own escapes: it means what it meant."""
    return _HARMFUL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def harmless_cell(text: str, delimiter: str) -> str:
    """A cell that is text and nothing else, in one line where the delimiter is a tab, which knows no quotes."""
    text = harmless(text)
    if delimiter == "\t":
        text = " ".join(text.splitlines()).replace("\t", " ")
    return f"'{text}" if text.startswith(_FORMULA) else text
