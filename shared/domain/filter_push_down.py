"""What Graph's `$filter` is asked for a filter: the same people or more, never fewer.

Graph lists objects by its own logic, where `null eq 'x'` is false and `null ne 'x'` is true, and by its own
idea of when two texts are equal. What is asked only preselects: the filter itself judges everybody listed.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final
from urllib.parse import quote as percent_encoded

from shared.domain.filter_tree import Joined, Node, Not, OneOf, StartsWith, fold_character, quote

_UNSURE_STARTS_WITH: Final = frozenset({"jobTitle"})
"""Attributes on which one page of Graph's documentation has startsWith and another has not."""

_UNSURE_IN: Final = frozenset({"employeeId"})
"""Attributes on which one page has `in` and another has not: pushed down as comparisons joined by `or`."""

_NULL_COMPARABLE: Final = frozenset(
    {"department", "jobTitle", "companyName", "employeeId", "officeLocation", "city", "state", "country"}
)
"""Attributes on which Graph documents comparisons with null.

Source of these three: Microsoft Graph, "Advanced query capabilities on directory objects" (filter support by
property, with `ConsistencyLevel: eventual` and `$count=true`) and "user resource type".
"""

_MOST_SPELLINGS: Final = 16
"""How many ways to write one text are asked for: four letters beyond ASCII. With more, everybody is."""


def push_down(root: Node) -> str:
    """The `$filter` to send for a tree, not yet percent-encoded.

    Nothing but tests joined by `and` and `or`: negations are moved to the tests themselves, which De Morgan allows
    in three values, too. Then each test may be widened by itself without narrowing the whole.
    """
    for form, longest in _FORMS.items():
        text = _widen(root, form).text
        if len(percent_encoded(text)) <= longest:
            return text
    return _widen(root, _Form.KNOWN).text


class _Form(Enum):
    """How exactly Graph is asked: the shorter, the wider."""

    LISTS = "texts in lists"
    CHAINS = "texts in comparisons joined by or"
    SINGLES = "single texts in comparisons, and of several whether the attribute is known"
    KNOWN = "whether attributes are known"


_FORMS: Final = {_Form.LISTS: 1500, _Form.CHAINS: 4000, _Form.SINGLES: 4000}
"""The longest filter of each form, in percent-encoded characters.

Graph's filter page allows a URL of 2,048 characters to an advanced query with `in`; path and other parameters take
some 500 of them. No limit is documented without `in`; 4,000 stays well under what web servers commonly take.
"""


@dataclass(frozen=True, slots=True)
class _Clause:
    """A piece of a pushed-down filter.

    A `joined` one needs parentheses inside another; one that takes `everybody` preselects nothing.
    """

    text: str
    joined: bool = False
    everybody: bool = False


def _widen(node: Node, form: _Form, *, negated: bool = False) -> _Clause:
    match node:
        case Not(of=of):
            return _widen(of, form, negated=not negated)
        case Joined(every=every, of=parts):
            clauses = [_widen(part, form, negated=negated) for part in parts]
            return _all(clauses) if every is not negated else _any(clauses)
        case OneOf(attribute=attribute, texts=texts):
            # How far Graph's equality reaches (accents, say) is documented nowhere: who differs from a text here may
            # equal it there. So a difference asks for everybody whose attribute is known.
            wide = negated or form is _Form.KNOWN
            return _known(attribute, texts[0]) if wide else _equals(attribute, texts, form)
        case StartsWith(attribute=attribute, text=text):
            wide = negated or form is _Form.KNOWN
            return _known(attribute, text) if wide else _begins(attribute, text)


def _all(clauses: Sequence[_Clause]) -> _Clause:
    return _join([clause for clause in clauses if not clause.everybody] or clauses, "and")


def _any(clauses: Sequence[_Clause]) -> _Clause:
    return replace(_join(clauses, "or"), everybody=any(clause.everybody for clause in clauses))


def _join(clauses: Sequence[_Clause], word: str) -> _Clause:
    different = list(dict.fromkeys(clauses))
    if len(different) == 1:
        return different[0]
    return _Clause(f" {word} ".join(f"({c.text})" if c.joined else c.text for c in different), joined=True)


def _equals(attribute: str, texts: Sequence[str], form: _Form) -> _Clause:
    spellings: dict[str, None] = {}
    for text in texts:
        every = _spellings(text)
        if every is None:
            return _known(attribute, text)
        spellings |= dict.fromkeys(every)
    if len(spellings) > 1 and form is _Form.SINGLES:
        return _known(attribute, texts[0])
    if len(spellings) > 1 and form is _Form.LISTS and attribute not in _UNSURE_IN:
        return _Clause(f"{attribute} in ({','.join(map(quote, spellings))})")
    # A list of one is written as a comparison: Graph takes both, many readers of OData only this.
    return _join([_Clause(f"{attribute} eq {quote(text)}") for text in spellings], "or")


def _begins(attribute: str, text: str) -> _Clause:
    spellings = _spellings(text)
    if spellings is None or attribute in _UNSURE_STARTS_WITH:
        return _known(attribute, text)
    return _join([_Clause(f"startsWith({attribute},{quote(each)})") for each in spellings], "or")


def _known(attribute: str, text: str) -> _Clause:
    """Everybody whose attribute is known; where Graph cannot ask for that, the others as well."""
    if attribute in _NULL_COMPARABLE:
        return _Clause(f"{attribute} ne null")
    either = [_Clause(f"{attribute} {sign} {quote(text)}") for sign in ("eq", "ne")]
    return replace(_join(either, "or"), everybody=True)


def _spellings(text: str) -> tuple[str, ...] | None:
    """The spellings that are equal here and might not be for Graph; None where they are too many to list.

    That Graph ignores the case of A to Z is sure; of other letters it is documented nowhere.
    """
    ways = [
        dict.fromkeys((letter, fold_character(letter), letter.upper())) if _has_case_beyond_ascii(letter) else (letter,)
        for letter in text
    ]
    if math.prod(len(way) for way in ways) > _MOST_SPELLINGS:
        return None
    return tuple("".join(letters) for letters in itertools.product(*ways))


def _has_case_beyond_ascii(letter: str) -> bool:
    return not letter.isascii() and (
        fold_character(letter) != letter or (len(letter.upper()) == 1 and fold_character(letter.upper()) == letter)
    )
