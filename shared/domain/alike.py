"""Texts that check alike: which differ by nothing that the eye sees, or by one letter, and how to show the difference.

Lives here: comparing two texts. Whose texts are compared, and what follows, is `near_misses`'.
"""

import difflib
import unicodedata
from collections.abc import Iterable
from typing import Final

_MINUS_SIGN: Final = "\u2212"

_LONG_ENOUGH: Final = 8
"""Characters from which one letter may be a slip: in shorter texts (UK, US) it is often another word."""


_SIMILAR: Final = 0.84
"""How similar a text is that is suggested: of ten letters, two may differ."""

_MOST_COMPARED: Final = 1000
"""Texts that are compared letter by letter for a suggestion: some ten milliseconds."""


def likeness(text: str) -> str:
    """The text as the eye reads it: without blanks and what nobody sees, in one case, one Unicode form, one dash.

    Two texts of one likeness differ in nothing that somebody who compares them on a screen would notice.
    """
    if text.isascii():
        return "".join(text.lower().split())
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join("".join(map(_seen, plain)).split())


def _seen(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Pd" or character == _MINUS_SIGN:
        return "-"
    return "" if category == "Cf" else character


def lookalikes(text: str) -> tuple[str, ...]:
    """The texts of the same likeness that are written most often by mistake: few enough to ask for each of them."""
    written = (
        f"{text} ",
        f" {text}",
        text.replace(" ", "\u00a0"),
        text.replace(" ", "  "),
        text.replace("-", "\u2013"),
        text.replace("\u2013", "-"),
        unicodedata.normalize("NFC", text),
        unicodedata.normalize("NFD", text),
    )
    return tuple(each for each in dict.fromkeys(written) if each != text)


def one_letter_apart(one: str, other: str) -> bool:
    """Whether two long enough texts differ in one letter: another, one more, one less, or two that changed places."""
    if min(len(one.strip()), len(other.strip())) < _LONG_ENOUGH:
        return False
    short, long = sorted((likeness(one), likeness(other)), key=len)
    at = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    if len(short) < len(long):
        return len(long) == len(short) + 1 and short[at:] == long[at + 1 :]
    swapped = short[at : at + 2] == long[at : at + 2][::-1] and short[at + 2 :] == long[at + 2 :]
    return short != long and (swapped or short[at + 1 :] == long[at + 1 :])


def closest(text: str, known: Iterable[str]) -> str | None:
    """The known text that was perhaps meant; None where there is none.

    The first one that looks like this one, or is one letter away, or differs in accents alone; else the most similar.
    """
    known = list(known)
    read = likeness(text)
    for each in known:
        if likeness(each) == read:
            return each
    for each in known:
        if one_letter_apart(text, each):
            return each
    bare = _without_accents(read)
    for each in known:
        if _without_accents(likeness(each)) == bare:
            return each
    by_likeness = {likeness(each): each for each in reversed(known)} if len(known) <= _MOST_COMPARED else {}
    similar = difflib.get_close_matches(read, by_likeness, 1, _SIMILAR)
    return by_likeness[similar[0]] if similar else None


def _without_accents(read: str) -> str:
    if read.isascii():
        return read
    return "".join(one for one in unicodedata.normalize("NFD", read) if unicodedata.category(one) != "Mn")


def shown(text: str) -> str:
    """The text in quotes, with every character escaped that looks like another one or like nothing."""
    return "'" + "".join(map(_visible, text)) + "'"


def plain(text: str) -> str:
    """The text as it is, or `shown` where there is something in it or around it that the eye does not see."""
    quoted = shown(text)
    is_seen = quoted[1:-1] == text and text == " ".join(text.split()) and text != ""
    return text if is_seen else quoted


def _visible(character: str) -> str:
    if character.isascii() and character.isprintable():
        return character
    category = unicodedata.category(character)
    if character.isprintable() and category not in {"Pd", "Mn", "Me", "Cf"} and character != _MINUS_SIGN:
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - Python's own two ways to escape
