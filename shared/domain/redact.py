"""What others say, made fit for logs and ledger: without the names, addresses and secrets that they repeat.

Services quote what they refuse. Lives here: taking that out of their words. Where their words come in is the adapters'
business.
"""

import re
from typing import Final
from urllib.parse import quote, urlsplit

NAME: Final = "(a name)"
"""What stands for a user principal name or a mail address."""

ADDRESS: Final = "(an address)"
"""What stands for a web address."""

KNOWN: Final = "(the name)"
"""What stands for a text that is known to be one: a person's name that we asked about, or a secret of ours."""

_READ_CHARACTERS: Final = 2000
"""Of how much something is said at all: what takes names out must not be slow."""

_ADDRESS: Final = re.compile(r"https?://[^\s\"<>]+", re.IGNORECASE)
_MAIL: Final = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]*\w[#~-]?(?:@|%40)(?!odata\.)[\w-][\w.-]*")
_MANUALS: Final = frozenset({"aka.ms", "go.microsoft.com", "learn.microsoft.com", "docs.microsoft.com"})


def redact(text: str, *known: str) -> str:
    """The text without web addresses, what looks like a mail address, and what is `known`, however it is escaped.

    Addresses of manuals stay, without their query. What is longer than any error is cut.
    """
    text = text[:_READ_CHARACTERS]
    spelled = {spelling for one in known if one for spelling in _spellings(one)}
    if spelled:
        any_of = "|".join(re.escape(one) for one in sorted(spelled, key=len, reverse=True))
        text = re.sub(f"(?<![a-z])(?:{any_of})(?![a-z])", KNOWN, text, flags=re.IGNORECASE)
    return _MAIL.sub(NAME, _ADDRESS.sub(_address, text))


def _spellings(text: str) -> set[str]:
    """As it is, in an OData literal, and both in an address."""
    plain = {text, text.replace("'", "''")}
    return plain | {quote(one, safe=safe) for one in plain for safe in ("", "@", "'", "@'")}


def _address(found: re.Match[str]) -> str:
    try:
        parts = urlsplit(found[0])
        is_manual = parts.hostname in _MANUALS and parts.username is None
    except ValueError:
        return ADDRESS
    return f"{parts.scheme}://{parts.netloc}{parts.path}" if is_manual else ADDRESS
