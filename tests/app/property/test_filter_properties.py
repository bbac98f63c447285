"""What holds for every filter: of its reading, of its three values, and of what Graph is asked."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.domain.policy.filter_push_down import LONGEST_FILTER, MOST_REQUESTS
from shared.domain.policy.filter_text import LONGEST, FilterError, parse_filter

type Values = Mapping[str, str | None]

ATTRIBUTES: Final = (
    "department",
    "jobTitle",
    "employeeId",
    "employeeType",
    "mail",
    "onPremisesExtensionAttributes/extensionAttribute1",
)
TEXTS: Final = (
    "Finance", "FINANCE", "fin", "O'Neill", "o'NEILL", "a) or (b", "\u00c9mile", "\u00e9mile", "emile",
    "Stra\u00dfe", "STRASSE", "\u212aelvin", "kelvin", "\u0130i", "\u03a3\u03b1\u03c2", "\u03c3\u0391\u03c3",
    "\u00e9\u00e8\u00ea\u00eb\u00e0", "\u00c9\u00c8\u00ca\u00cb\u00c0", "not null", "in ('x')",
)  # fmt: skip

texts = st.sampled_from(TEXTS)
spaces = st.sampled_from(["", " ", "  ", "\n"])
spaced = st.sampled_from([" ", "  ", " \n "])
people = st.fixed_dictionaries({name: texts | texts | st.none() for name in ATTRIBUTES})


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@st.composite
def single_tests(draw: st.DrawFn) -> str:
    name, text = draw(st.sampled_from(ATTRIBUTES)), literal(draw(texts))
    match draw(st.sampled_from(["eq", "ne", "in", "startsWith"])):
        case "in":
            several = [literal(each) for each in draw(st.lists(texts, min_size=1, max_size=3))]
            listed = draw(spaces).join(["(", f"{draw(spaces)},{draw(spaces)}".join(several), ")"])
            return f"{name}{draw(spaced)}in{draw(spaced)}{listed}"
        case "startsWith" if "/" not in name:
            word = draw(st.sampled_from(["startsWith", "startswith"]))
            return f"{word}({draw(spaces)}{name},{draw(spaces)}{text})"
        case sign:
            sign = sign if sign != "startsWith" else "EQ"
            return f"{name}{draw(spaced)}{sign}{draw(spaced)}{text}"


def combined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        parts.map("not ({})".format),
        parts.map("not({})".format),
        parts.map("( {} )".format),
        st.tuples(parts, st.sampled_from(["and", "or", "AND", "Or"]), parts).map(" ".join),
    )


filters = st.recursive(single_tests(), combined, max_leaves=6)


def person(values: Values) -> Person:
    known: dict[str, str | None] = dict.fromkeys(TEXT_ATTRIBUTES)
    return Person("7c0f5a0e-0000-4000-8000-000000000001", True, None, None, None, known | dict(values))


# ------------------------------------------------------------------------- Graph, as far as it matters, on its own

ASCII_ONLY = str.maketrans({chr(n): chr(n + 32) for n in range(65, 91)})

COMPARISONS: Final[dict[str, Callable[[str], str]]] = {
    "only A to Z": lambda text: text.translate(ASCII_ONLY),
    "lower case": str.lower,
    "upper case": str.upper,
    "case folding": str.casefold,
    "without accents": lambda text: "".join(
        letter for letter in unicodedata.normalize("NFKD", text).casefold() if not unicodedata.combining(letter)
    ),
}
"""Ways in which a directory might ignore case. What Graph does beyond A to Z is not documented."""

WORDS = re.compile(r"\s*('(?:[^']|'')*'|[(),]|[\w/]+)")


class Listing:
    """Evaluates a pushed-down filter: a reader of its own, with Graph's logic of nulls."""

    def __init__(self, odata: str, values: Values, fold: Callable[[str], str], of_null: bool | None) -> None:
        self.words: Iterator[str] = iter([*WORDS.findall(odata), ""])
        self.next = next(self.words)
        self.values, self.fold, self.of_null = values, fold, of_null

    def lists(self) -> bool:
        if self.next == "":
            return True  # without a filter
        truth = self.either()
        assert self.next == "", f"not understood from {self.next!r} on"
        return truth is True

    def take(self, word: str | None = None) -> str:
        taken, self.next = self.next, next(self.words)
        assert word is None or taken == word, f"{word!r} expected, not {taken!r}"
        return taken

    def either(self) -> bool | None:
        truths = [self.both()]
        while self.next == "or":
            self.take()
            truths.append(self.both())
        return True if True in truths else None if None in truths else False

    def both(self) -> bool | None:
        truths = [self.one()]
        while self.next == "and":
            self.take()
            truths.append(self.one())
        return False if False in truths else None if None in truths else True

    def one(self) -> bool | None:
        if self.next == "(":
            self.take()
            truth = self.either()
            self.take(")")
            return truth
        if self.next == "startsWith":
            self.take()
            self.take("(")
            value = self.values[self.take()]
            self.take(",")
            prefix = self.text()
            self.take(")")
            return None if value is None else self.fold(value).startswith(self.fold(prefix or ""))
        value = self.values[self.take()]
        match self.take():
            case "eq":
                return self.same(value, self.text())
            case "ne":
                same = self.same(value, self.text())
                return None if same is None else not same
            case "in":
                self.take("(")
                several = [self.text()]
                while self.take() == ",":
                    several.append(self.text())
                truths = [self.same(value, text) for text in several]
                return True if True in truths else truths[0]
            case sign:
                raise AssertionError(f"{sign!r} is not sent to Graph")

    def text(self) -> str | None:
        word = self.take()
        assert word == "null" or word[0] == word[-1] == "'"
        return None if word == "null" else word[1:-1].replace("''", "'")

    def same(self, value: str | None, text: str | None) -> bool | None:
        if text is None:
            return value is None
        return self.of_null if value is None else self.fold(value) == self.fold(text)


@settings(max_examples=400)
@given(filters, people)
def test_graph_lists_everybody_whom_the_filter_accepts(text: str, values: Values) -> None:
    meant = parse_filter(text)
    if meant.judge(person(values)) is True:
        for form in meant.requests:
            for name, fold in COMPARISONS.items():
                for of_null in (False, None):
                    assert any(Listing(each, values, fold, of_null).lists() for each in form), (name, of_null)


@given(st.lists(filters, min_size=8, max_size=14), st.sampled_from([" and ", " or "]), people)
def test_graph_lists_them_as_well_when_the_filter_is_long(several: list[str], word: str, values: Values) -> None:
    text = word.join(f"({each})" for each in several)
    assume(len(text) <= LONGEST)
    meant = parse_filter(text)
    assert all(len(quote(each, safe="")) <= LONGEST_FILTER for form in meant.requests for each in form)
    assert all(len(form) <= MOST_REQUESTS for form in meant.requests)
    if meant.judge(person(values)) is True:
        for form in meant.requests:
            for fold in COMPARISONS.values():
                assert any(Listing(each, values, fold, None).lists() for each in form)


@given(filters)
def test_what_graph_is_asked_stays_within_what_graph_supports(text: str) -> None:
    odata = " ".join(each for form in parse_filter(text).requests for each in form)
    for unsupported in ("employeeType", "mail", "onPremisesExtensionAttributes/extensionAttribute1"):
        assert f"{unsupported} ne null" not in odata
    assert "startsWith(jobTitle" not in odata
    assert "employeeId in" not in odata
    bare = re.sub(r"'(?:[^']|'')*'", "''", odata)
    assert "not" not in bare.split()


@given(filters, people, st.sampled_from(ATTRIBUTES))
def test_a_blank_never_grants(text: str, values: Values, blanked: str) -> None:
    """What is true with a blank is true whatever stood there; what is false with a blank, too."""
    meant = parse_filter(text)
    with_blank = meant.judge(person({**values, blanked: None}))
    if with_blank is not None:
        assert meant.judge(person(values)) is with_blank


@given(filters)
def test_who_is_blank_throughout_is_unknown(text: str) -> None:
    assert parse_filter(text).judge(person({})) is None


@given(filters, people)
def test_a_negation_is_true_exactly_where_the_filter_is_false(text: str, values: Values) -> None:
    truth = parse_filter(text).judge(person(values))
    assert parse_filter(f"not ({text})").judge(person(values)) is (None if truth is None else not truth)


@given(filters, people)
def test_the_canonical_spelling_reads_back_as_the_same(text: str, values: Values) -> None:
    meant = parse_filter(text)
    again = parse_filter(meant.meaning)
    assert again.meaning == meant.meaning
    assert again.attributes == meant.attributes
    assert again.judge(person(values)) is meant.judge(person(values))


@given(filters, st.data())
def test_case_of_people_does_not_matter(text: str, data: st.DataObject) -> None:
    plain = st.sampled_from(["Finance", "O'Neill", "\u00c9mile", "in ('x')"])
    values: dict[str, str | None] = data.draw(st.fixed_dictionaries({name: st.none() | plain for name in ATTRIBUTES}))
    shouted = {name: value if value is None else value.upper() for name, value in values.items()}
    meant = parse_filter(text)
    assert meant.judge(person(values)) is meant.judge(person(shouted))


PIECES: Final = (
    "department", "city", "mail", "onPremisesExtensionAttributes", "/extensionAttribute1", "startsWith", "not", "in",
    "eq", "ne", "and", "or", "null", "any", "(", ")", ",", "'a'", "'", "''", " ", "  ", "5", "-", "=", ":", "\n", ".",
)  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(max_size=60))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        attributes, position = parse_filter(text).attributes, 1
    except FilterError as error:
        attributes, position = frozenset(), error.position
    assert attributes <= set(TEXT_ATTRIBUTES)
    assert 1 <= position <= len(text) + 1
