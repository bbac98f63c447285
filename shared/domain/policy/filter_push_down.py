"""What Graph's `$filter` is asked for a filter: the same people or more, never fewer.

Graph lists objects by its own logic, where `null eq 'x'` is false and `null ne 'x'` is true, and by its own
idea of when two texts are equal. What is asked only preselects: the filter itself judges everybody listed.

The URL of an advanced query has a longest length. What does not fit into one request is asked for in several, which
together list everybody, or in a wider form.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote as percent_encoded

from shared.domain.alike import lookalikes
from shared.domain.people import PERSONAL_ATTRIBUTES, SELECT
from shared.domain.policy.filter_tree import Joined, Node, Not, OneOf, StartsWith, fold_character, quote

LONGEST_URL: Final = 2048
"""The longest URL of an advanced query, in characters as they are sent: with the host and every other parameter.
Source: the owner of Graph's page on advanced queries, who said so in a review of it (July 2023)."""

_OTHER_PARTS: Final = len(
    "https://microsoftgraph.chinacloudapi.cn/v1.0/users?%24count=true&%24filter=&%24select=&%24top=999"
) + len(percent_encoded(",".join(SELECT), safe=""))
"""What a listing's URL has besides its filter, on the cloud with the longest name."""

_PAGE_TOKEN: Final = 400
"""What is left free for the `$skiptoken` of a nextLink, which repeats the query and is a URL like any other. A token
holds the last row's user principal name (113 characters at most) and id, in base64."""

LONGEST_FILTER: Final = LONGEST_URL - _OTHER_PARTS - _PAGE_TOKEN
"""The longest filter of one request, in percent-encoded characters."""

MOST_REQUESTS: Final = 20
"""How many requests one filter may take. Beyond it everybody whose attribute is known is hardly more to list."""

EVERYBODY: Final = ""
"""The filter that leaves nobody out."""

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


def push_down(root: Node) -> tuple[tuple[str, ...], ...]:
    """The `$filter`s to send for a tree, not yet percent-encoded, in ever wider forms; the last lists everybody.

    Each form is what to ask for in one request each: together they list everybody who is meant, some of them twice
    perhaps. Nothing but tests joined by `and` and `or`: negations are moved to the tests themselves, which De Morgan
    allows in three values, too. Then each test may be widened by itself without narrowing the whole.
    """
    forms = []
    for known in (False, True):
        clauses = _requests(root, LONGEST_FILTER, known=known)
        if len(clauses) <= MOST_REQUESTS and not any(clause.everybody for clause in clauses):
            forms.append(tuple(clause.text for clause in clauses))
    return (*dict.fromkeys(forms), (EVERYBODY,))


def and_lookalikes(root: Node, forms: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """The forms of a tree, behind one that lists whoever just misses a text as well, so that a sweep can tell.

    Only where that costs no request more than the first form does.
    """
    clauses = _requests(_with_lookalikes(root), LONGEST_FILTER, known=False)
    if len(clauses) > len(forms[0]) or any(clause.everybody for clause in clauses):
        return forms
    return tuple(dict.fromkeys((tuple(clause.text for clause in clauses), *forms)))


def _with_lookalikes(node: Node, *, negated: bool = False) -> Node:
    """The tree whose texts, where they are asked for, are joined by those that look like them."""
    match node:
        case OneOf(attribute=attribute, texts=texts) if not negated and attribute not in PERSONAL_ATTRIBUTES:
            every = dict.fromkeys(each for text in texts for each in (text, *lookalikes(text)))
            return OneOf(attribute, tuple(every))
        case Not(of=of):
            return Not(_with_lookalikes(of, negated=not negated))
        case Joined(every=every_one, of=parts):
            return Joined(every_one, tuple(_with_lookalikes(part, negated=negated) for part in parts))
        case _:
            return node


@dataclass(frozen=True, slots=True)
class _Clause:
    """A piece of a pushed-down filter.

    A `joined` one needs parentheses inside another; one that takes `everybody` preselects nothing.
    """

    text: str
    joined: bool = False
    everybody: bool = False

    @property
    def length(self) -> int:
        """In characters as they are sent."""
        return len(percent_encoded(self.text, safe=""))


_ALL: Final = _Clause(EVERYBODY, everybody=True)
_BESIDE: Final = len(percent_encoded("() and ()", safe=""))
"""What it takes to put one clause beside another."""


def _requests(node: Node, room: int, *, known: bool, negated: bool = False) -> list[_Clause]:
    """Clauses of at most `room` characters each, that together list everybody who is meant.

    `known` asks of each attribute only whether it is known.
    """
    whole = _widen(node, known=known, negated=negated)
    if whole.everybody or whole.length <= room:
        return [whole]
    match node:
        case Not(of=of):
            return _requests(of, room, known=known, negated=not negated)
        case Joined(every=every, of=parts) if every is not negated:
            return _one_condition_split(parts, room, known=known, negated=negated)
        case Joined(of=parts):
            split = [_requests(part, room, known=known, negated=negated) for part in parts]
            return _packed([clause for clauses in split for clause in clauses], room)
        case OneOf(attribute=attribute, texts=texts) if not (known or negated):
            return _packed_texts(attribute, texts, room)
        case OneOf(attribute=attribute) | StartsWith(attribute=attribute):
            clause = _known(attribute)
            return [clause if clause.length <= room else _ALL]


def _one_condition_split(parts: Sequence[Node], room: int, *, known: bool, negated: bool) -> list[_Clause]:
    """Requests for those who meet all of several conditions, of which one takes several requests.

    The short conditions go into each of them, as far as half of the room takes them. Leaving any away only widens.
    """
    widened = [(_widen(part, known=known, negated=negated), part) for part in parts]
    kept: list[_Clause] = []
    long: list[Node] = []
    for clause, part in sorted(widened, key=lambda pair: pair[0].length):
        if clause.everybody:
            continue
        if _all([*kept, clause]).length <= room // 2:
            kept.append(clause)
        else:
            long.append(part)
    left = room - (_all(kept).length + _BESIDE if kept else 0)
    split = [_requests(part, left, known=known, negated=negated) for part in long]
    fewest = min((found for found in split if not any(one.everybody for one in found)), key=len, default=[_ALL])
    return [_all([*kept, clause]) for clause in fewest]


def _packed(clauses: Sequence[_Clause], room: int) -> list[_Clause]:
    """The same clauses, joined by `or` into as few as fit."""
    packed: list[list[_Clause]] = []
    for clause in dict.fromkeys(clauses):
        if packed and _any([*packed[-1], clause]).length <= room:
            packed[-1].append(clause)
        else:
            packed.append([clause])
    return [_any(each) for each in packed]


def _packed_texts(attribute: str, texts: Sequence[str], room: int) -> list[_Clause]:
    """Requests for an attribute in a list of texts."""
    packed: list[list[str]] = []
    for text in texts:
        spellings = _spellings(text)
        if spellings is None or any(_among(attribute, [each]).length > room for each in spellings):
            return _requests(OneOf(attribute, (text,)), room, known=True)
        for each in spellings:
            if packed and _among(attribute, [*packed[-1], each]).length <= room:
                packed[-1].append(each)
            else:
                packed.append([each])
    return [_among(attribute, each) for each in packed]


def _widen(node: Node, *, known: bool, negated: bool) -> _Clause:
    match node:
        case Not(of=of):
            return _widen(of, known=known, negated=not negated)
        case Joined(every=every, of=parts):
            clauses = [_widen(part, known=known, negated=negated) for part in parts]
            return _all(clauses) if every is not negated else _any(clauses)
        case OneOf(attribute=attribute, texts=texts):
            # How far Graph's equality reaches (accents, say) is documented nowhere: who differs from a text here may
            # equal it there. So a difference asks for everybody whose attribute is known.
            return _known(attribute) if negated or known else _equals(attribute, texts)
        case StartsWith(attribute=attribute, text=text):
            return _known(attribute) if negated or known else _begins(attribute, text)


def _all(clauses: Sequence[_Clause]) -> _Clause:
    narrowing = [clause for clause in clauses if not clause.everybody]
    return _join(narrowing, "and") if narrowing else _ALL


def _any(clauses: Sequence[_Clause]) -> _Clause:
    return _ALL if any(clause.everybody for clause in clauses) else _join(clauses, "or")


def _join(clauses: Sequence[_Clause], word: str) -> _Clause:
    different = list(dict.fromkeys(clauses))
    if len(different) == 1:
        return different[0]
    return _Clause(f" {word} ".join(f"({c.text})" if c.joined else c.text for c in different), joined=True)


def _equals(attribute: str, texts: Sequence[str]) -> _Clause:
    every = [_spellings(text) for text in texts]
    if None in every:
        return _known(attribute)
    return _among(attribute, list(dict.fromkeys(itertools.chain.from_iterable(filter(None, every)))))


def _among(attribute: str, spellings: Sequence[str]) -> _Clause:
    if len(spellings) > 1 and attribute not in _UNSURE_IN:
        return _Clause(f"{attribute} in ({','.join(map(quote, spellings))})")
    # A list of one is written as a comparison: Graph takes both, many readers of OData only this.
    return _join([_Clause(f"{attribute} eq {quote(text)}") for text in spellings], "or")


def _begins(attribute: str, text: str) -> _Clause:
    spellings = _spellings(text)
    if spellings is None or attribute in _UNSURE_STARTS_WITH:
        return _known(attribute)
    return _join([_Clause(f"startsWith({attribute},{quote(each)})") for each in spellings], "or")


def _known(attribute: str) -> _Clause:
    """Everybody whose attribute is known; where Graph cannot ask for that, the others as well."""
    return _Clause(f"{attribute} ne null") if attribute in _NULL_COMPARABLE else _ALL


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
