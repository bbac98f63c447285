r"""Keys as Table Storage can hold them: an order-preserving spelling without the characters that it forbids.

Only the spelling lives here. Table Storage forbids `/ \ # ?` and control characters in keys, has trouble
with `%`, and doubles `'` in addresses. Source: "Understanding the Table service data model", characters
disallowed in key fields.

Each run of forbidden characters borrows the nearest allowed character before it as its leader, which is then
spelled longer itself. So spelled keys compare as the keys do, and no spelling begins with another one.
"""

import re
from typing import Final

_SPELLED: Final = {
    **{code: f"!{code:02x}" for code in range(0x22)},  # control characters, the space (trimmed by some tools) and '!'
    **{
        ord(mark): f"{pair[0]}{n}"
        for pair in ('"#', "$%", "&'", "./", ">?", "[\\", "~\x7f")
        for n, mark in enumerate(pair)
    },
}
_MEANT: Final = {spelled: chr(code) for code, spelled in _SPELLED.items()}
_ANY_SPELLED: Final = re.compile(r"![01][0-9a-f]|!2[01]|[\"$&.>\[~][01]")


def spell(key: str) -> str:
    """The spelling of an ASCII key: at most three characters for each of its own."""
    return key.translate(_SPELLED)


def unspell(spelled: str) -> str:
    """The key that was spelled so."""
    return _ANY_SPELLED.sub(lambda match: _MEANT[match[0]], spelled)
