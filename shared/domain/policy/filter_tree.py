"""What a filter says, as a tree, and what it means for a person in three-valued logic.

Lives here: the nodes, how texts are compared, and the judgement. How a filter is read and what Graph is asked
for live elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.domain.people import Person


def fold(text: str) -> str:
    """The text as it is compared, without regard to case.

    Letters are equal whose upper and lower case are each other's: the pairs on which every case-insensitive
    comparison agrees. Nothing is equal here (`ß` and `ss`, a Kelvin sign and `k`) Graph might tell apart.
    """
    if text.isascii():
        return text.lower()
    return "".join(fold_character(character) for character in text)


def fold_character(character: str) -> str:
    """One character as it is compared; always one character."""
    lower = character.lower()
    if character.isascii() or (len(lower) == 1 and not lower.isascii() and lower.upper() == character):
        return lower
    return character


@dataclass(frozen=True, slots=True)
class OneOf:
    """`attribute in (texts)`; `eq` is the case of one text."""

    attribute: str
    texts: tuple[str, ...]
    folded: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folded", frozenset(fold(text) for text in self.texts))


@dataclass(frozen=True, slots=True)
class StartsWith:
    """`startsWith(attribute, text)`."""

    attribute: str
    text: str
    folded: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "folded", fold(self.text))


@dataclass(frozen=True, slots=True)
class Not:
    """`not`; also what `ne` is made of."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class Joined:
    """All of these (`and`) or any of these (`or`)."""

    every: bool
    of: tuple["Node", ...]


type Node = OneOf | StartsWith | Not | Joined


def judge(node: Node, person: Person) -> bool | None:
    """Kleene's three-valued truth of a tree for a person: None is unknown."""
    match node:
        case OneOf(attribute=attribute, folded=texts):
            value = person.attributes.get(attribute)
            return None if value is None else fold(value) in texts
        case StartsWith(attribute=attribute, folded=text):
            value = person.attributes.get(attribute)
            return None if value is None else fold(value).startswith(text)
        case Not(of=of):
            truth = judge(of, person)
            return None if truth is None else not truth
        case Joined(every=every, of=parts):
            truths = {judge(part, person) for part in parts}
            decisive = not every
            if decisive in truths:
                return decisive
            return None if None in truths else every


def tests_of(node: Node) -> Iterator[OneOf | StartsWith]:
    """Every test in a tree, left to right."""
    match node:
        case OneOf() | StartsWith():
            yield node
        case Not(of=of):
            yield from tests_of(of)
        case Joined(of=parts):
            for part in parts:
                yield from tests_of(part)


def asked_of(node: Node, *, negated: bool = False) -> Iterator[OneOf | StartsWith]:
    """The tests that, on balance, are not negated: what a person has to be, not what they must not."""
    match node:
        case OneOf() | StartsWith():
            if not negated:
                yield node
        case Not(of=of):
            yield from asked_of(of, negated=not negated)
        case Joined(of=parts):
            for part in parts:
                yield from asked_of(part, negated=negated)


def spell(node: Node) -> str:
    """The canonical spelling of a tree, which reads back as a tree that means the same."""
    match node:
        case OneOf(attribute=attribute, folded=folded):
            listed = ", ".join(quote(text) for text in sorted(folded))
            return f"{attribute} eq {listed}" if len(folded) == 1 else f"{attribute} in ({listed})"
        case StartsWith(attribute=attribute, folded=folded):
            return f"startsWith({attribute}, {quote(folded)})"
        case Not(of=of):
            return f"not ({spell(of)})"
        case Joined(every=every, of=parts):
            return (" and " if every else " or ").join(
                f"({spell(part)})" if isinstance(part, Joined) else spell(part) for part in parts
            )


def quote(text: str) -> str:
    """The text as a literal of OData."""
    return "'" + text.replace("'", "''") + "'"
