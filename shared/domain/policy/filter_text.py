"""How a filter is read: odata-query's tokens and grammar, and what of it is allowed.

The only parser of filters. Lives here: fitting Graph's way of writing to the library's, and an error for
everything outside the language that says where it is and what to write instead.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Final

from odata_query import ast
from odata_query.exceptions import (
    ArgumentCountException,
    ODataException,
    ParsingException,
    TokenizingException,
)
from odata_query.grammar import ODataLexer, ODataParser
from sly.lex import Token  # type: ignore[import-untyped]  # sly ships no types

from shared.domain.people import TEXT_ATTRIBUTES
from shared.domain.policy.filter_push_down import and_lookalikes, push_down
from shared.domain.policy.filter_tree import Joined, Node, Not, OneOf, StartsWith, tests_of
from shared.domain.policy.filters import Filter

ALLOWED: Final = "allowed are eq, ne, in, and, or, not, startsWith and parentheses"

LONGEST: Final = 4000
"""The longest filter, in characters: it travels in a URL, percent-encoded."""

DEEPEST: Final = 50
"""How deep parentheses and `not` may nest."""

_NO_STARTS_WITH: Final = frozenset(name for name in TEXT_ATTRIBUTES if "/" in name)
"""Attributes on which Graph has no startsWith."""


class FilterError(ValueError):
    """A filter that cannot be used: why, at which character (from 1), and what to write instead."""

    def __init__(self, reason: str, position: int, suggestion: str) -> None:
        super().__init__(f"character {position}: {reason}; {suggestion}")
        self.reason = reason
        self.position = position
        self.suggestion = suggestion


def parse_filter(text: str) -> Filter:
    """Reads a filter.

    Raises:
        FilterError: It is no filter, or it uses what Graph or the three-valued judgement does not support.
    """
    root = read_filter(text)
    attributes = frozenset(test.attribute for test in tests_of(root))
    return Filter(text.strip(), and_lookalikes(root, push_down(root)), attributes, root)


def read_filter(text: str) -> Node:
    """Reads a filter into its tree; raises `FilterError`."""
    if len(text) > LONGEST:
        raise FilterError(
            f"the filter has {len(text)} characters",
            LONGEST + 1,
            f"at most {LONGEST} fit; test a group instead",
        )
    stray = _UNSENDABLE.search(text)
    if stray:
        raise FilterError(f"{stray.group()!r} is no character", stray.start() + 1, "take it out")
    return _Reader(text).read()


_COMPARED: Final = {"EQ", "NE", "IN"}
_JOINED: Final = {"AND", "OR"}
_MISSING_AFTER: Final = {
    **dict.fromkeys(("and", "or", "not"), "a test"),
    **dict.fromkeys(("eq", "ne"), "a text"),
    "in": "a list",
}
_USED: Final = frozenset({"ODATA_IDENTIFIER", "STRING", "NOT", "WS", "(", ")", ",", "/", *_COMPARED, *_JOINED})
_UNSENDABLE = re.compile("[\x00\ud800-\udfff]")
_WORD = re.compile(r"[^\s(),']+")
_QUOTED: Final = "texts stand in single quotes, and a quote inside is doubled: 'O''Neill'"


class _Reader:
    """Turns one text into a tree: odata-query's tokens, fitted to its grammar, then its syntax tree."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = len(text.rstrip())
        # Where each of the grammar's values was written. They live as long as the tokens in `_tokens`.
        self._positions: dict[int, int] = {}
        self._tokens: list[Token] = []

    def read(self) -> Node:
        if not self._text.strip():
            raise FilterError("the filter is empty", 1, "write a test such as department eq 'Finance'")
        self._tokens = self._fitted(self._tokenize())
        self._positions = {id(token.value): token.index for token in self._tokens}
        last = self._tokens[0]

        def feed() -> Iterator[Token]:
            nonlocal last
            for token in self._tokens:
                last = token
                yield token

        try:
            tree = ODataParser().parse(feed())
        except ParsingException as error:
            raise self._misplaced(error.token) from error
        except ArgumentCountException as error:
            raise self._error(
                "startsWith takes an attribute and a text", last.index, "write startsWith(department,'Fin')"
            ) from error
        except ODataException as error:
            raise self._error(str(error), last.index, ALLOWED) from error
        return self._boolean(tree, depth=0)

    # ---- tokens

    def _tokenize(self) -> list[Token]:
        start = len(self._text) - len(self._text.lstrip())
        try:
            return list(ODataLexer().tokenize(self._text[: self._end], index=start))
        except TokenizingException as error:
            at = error.token.index
            raise self._error(f"{self._text[at]!r} has no meaning here", at, _QUOTED) from error

    def _fitted(self, tokens: list[Token]) -> list[Token]:
        """The tokens as the library's grammar wants them. A literal is one token, never looked into."""
        fitted: list[Token] = []
        depth = 0
        for i, token in enumerate(tokens):
            following = tokens[i + 1].type if i + 1 < len(tokens) else None
            if token.type not in _USED:
                raise self._not_supported(token)
            if token.type == "(":
                depth += 1
                if depth > DEEPEST:
                    raise self._error("parentheses nest too deeply", token.index, f"at most {DEEPEST} levels are read")
            elif token.type == ")":
                depth -= 1
                if fitted and _before_space(fitted) == ",":
                    raise self._error("a list does not end with a comma", token.index, "take the last comma out")
                if _closes_list_of_one(fitted):
                    # The grammar wants a list of one to end with a comma; Graph does not.
                    fitted.append(_token(",", ",", token.index))
            elif token.type == "ODATA_IDENTIFIER":
                token = self._identifier(token, tokens[:i], following)  # noqa: PLW2901 - it takes the token's place
            fitted.append(token)
        self._check_attributes(fitted)
        return fitted

    def _identifier(self, token: Token, before: Sequence[Token], following: str | None) -> Token:
        word = self._word(token.index)
        if following in {None, ")"} and (missing := _MISSING_AFTER.get(word.lower())) is not None:
            what = "filter" if following is None else "parenthesis"
            raise self._error(f"the {what} ends after {word!r}", token.index, f"{missing} is missing")
        if following == "(":
            match word.lower():
                case "startswith":
                    # Graph writes startsWith; the library knows the standard's startswith only.
                    return _token(token.type, ast.Identifier("startswith"), token.index)
                case "not":
                    # Graph takes not( as well as not (.
                    return _token("NOT", ast.Not(), token.index)
                case "in" | "and" | "or" | "eq" | "ne":
                    raise self._error(f"{word!r} needs a space on both sides", token.index, ALLOWED)
                case _:
                    raise self._error(f"the function {word!r} is not supported", token.index, ALLOWED)
        if len(before) > 1 and before[-1].type == "WS" and before[-2].type in {"ODATA_IDENTIFIER", "STRING", ")"}:
            near = difflib.get_close_matches(word.lower(), ["eq", "ne", "in", "and", "or"], 1)
            raise self._error(
                f"{word!r} is no operator",
                token.index,
                f"did you mean {near[0]!r}? {ALLOWED}" if near else ALLOWED,
            )
        return token

    def _check_attributes(self, tokens: Sequence[Token]) -> None:
        for i, token in enumerate(tokens):
            starts_path = token.type == "ODATA_IDENTIFIER" and (i == 0 or tokens[i - 1].type != "/")
            if not starts_path or (i + 1 < len(tokens) and tokens[i + 1].type == "("):
                continue
            name = self._word(token.index)
            if name not in TEXT_ATTRIBUTES:
                raise self._error(f"{name!r} is not an attribute", token.index, suggest_attribute(name))

    def _not_supported(self, token: Token) -> FilterError:
        at = token.index + len(self._text[token.index :]) - len(self._text[token.index :].lstrip())
        word = self._word(at)
        match token.type:
            case "NULL" if word.lower() == "null":
                return self._error(
                    "a comparison with null is not supported",
                    at,
                    "an attribute that is null is unknown and never grants, with no test for it",
                )
            case "INTEGER" | "DECIMAL" | "DATE" | "TIME" | "DATETIME" | "GUID" | "BOOLEAN" | "DURATION" | "GEOGRAPHY":
                return self._error(f"{word!r} is not a text", at, _QUOTED)
            case _:
                return self._error(f"{word!r} is not supported", at, ALLOWED)

    # ---- tree

    def _boolean(self, node: object, *, depth: int) -> Node:
        if depth > DEEPEST:
            raise self._error("the filter nests too deeply", 0, f"at most {DEEPEST} levels are read")
        match node:
            case ast.BoolOp(op=op):
                every = isinstance(op, ast.And)
                return Joined(every, tuple(self._boolean(part, depth=depth + 1) for part in _operands(node, type(op))))
            case ast.UnaryOp(op=ast.Not() as op, operand=operand):
                if isinstance(operand, ast.Identifier | ast.Attribute | ast.String):
                    raise self._negates_too_little(op)
                return Not(self._boolean(operand, depth=depth + 1))
            case ast.Compare():
                return self._comparison(node)
            case ast.Call(
                func=ast.Identifier(name="startswith") as function,
                args=[target, ast.String(val=text) as literal],
            ):
                name = self._attribute(target, self._position(function))
                if name in _NO_STARTS_WITH:
                    raise self._error(
                        f"Graph has no startsWith on {name}", self._position(function), "use eq or in there"
                    )
                return StartsWith(name, self._checked(text, literal))
            case ast.Call(func=function):
                raise self._error(
                    "startsWith takes an attribute and a text",
                    self._position(function),
                    "write startsWith(department,'Fin')",
                )
            case _:
                at = self._position(node)
                raise self._error(
                    f"{self._shown(at)} alone is no test", at, "compare it, as in department eq 'Finance'"
                )

    def _comparison(self, node: ast.Compare) -> Node:
        at = self._position(node.comparator)
        if isinstance(node.left, ast.UnaryOp):
            raise self._negates_too_little(node.left.op)
        name = self._attribute(node.left, at)
        match node.comparator, node.right:
            case ast.In(), ast.List(val=[*values]):
                texts = []
                for value in values:
                    if not isinstance(value, ast.String):
                        raise self._error("a list holds texts only", self._position(value, at), _QUOTED)
                    texts.append(self._checked(value.val, value))
                return OneOf(name, tuple(texts))
            case (ast.Eq() | ast.NotEq()) as sign, ast.String(val=text):
                same = OneOf(name, (self._checked(text, node.right),))
                return same if isinstance(sign, ast.Eq) else Not(same)
            case _, (ast.Identifier() | ast.Attribute()):
                raise self._error("an attribute is compared with a text, not with another attribute", at, _QUOTED)
            case _:
                raise self._error("an attribute is compared with one text", at, _QUOTED)

    def _attribute(self, node: object, at: int) -> str:
        match node:
            case ast.Identifier(name=name, namespace=()):
                return name
            case ast.Attribute(owner=ast.Identifier(name=owner), attr=name):
                return f"{owner}/{name}"
            case _:
                raise self._error(
                    "the attribute stands on the left, the text on the right",
                    at,
                    "write department eq 'Finance'",
                )

    def _checked(self, text: str, literal: object) -> str:
        if not text.strip():
            raise self._error(
                "an empty text matches nobody",
                self._position(literal),
                "the directory holds null instead, which is unknown",
            )
        return text

    # ---- errors

    def _position(self, node: object, otherwise: int = 0) -> int:
        """Where one of the grammar's values was written, as an index into the text."""
        pending = [node]
        while pending:
            found = pending.pop()
            if id(found) in self._positions:
                return self._positions[id(found)]
            match found:
                case ast.Compare(left=left, comparator=sign):
                    pending += [sign, left]
                case ast.List(val=[first, *_]):
                    pending.append(first)
                case ast.Attribute(owner=owner):
                    pending.append(owner)
                case _:
                    pass
        return otherwise

    def _word(self, at: int) -> str:
        found = _WORD.match(self._text, at)
        return found.group() if found else self._text[at : at + 1]

    def _shown(self, at: int) -> str:
        return repr(self._word(at)) if self._text[at : at + 1] != "'" else "a text"

    def _error(self, reason: str, at: int, suggestion: str) -> FilterError:
        space = len(self._text[at:]) - len(self._text[at:].lstrip())
        return FilterError(reason, at + space + 1, suggestion)

    def _misplaced(self, token: Token | None) -> FilterError:
        if token is None:
            return FilterError("the filter ends too early", self._end + 1, "a test, a text or ')' is missing")
        at = token.index + len(self._text[token.index :]) - len(self._text[token.index :].lstrip())
        return self._error(
            f"{self._shown(at)} does not fit here", at, f"a test reads department eq 'Finance'; {ALLOWED}"
        )

    def _negates_too_little(self, op: object) -> FilterError:
        return self._error(
            "'not' binds more tightly than eq, ne and in",
            self._position(op),
            "put what is negated in parentheses: not (department eq 'Finance')",
        )


def suggest_attribute(name: str) -> str:
    """What to write instead of an unknown attribute's name: the nearest one, or all of them."""
    by_lower = {known.lower(): known for known in TEXT_ATTRIBUTES}
    by_lower |= {known.lower().rpartition("/")[2]: known for known in TEXT_ATTRIBUTES}
    near = difflib.get_close_matches(name.lower(), by_lower, 1)
    if near:
        return f"did you mean {by_lower[near[0]]!r}?"
    plain = ", ".join(known for known in TEXT_ATTRIBUTES if "/" not in known)
    return f"allowed are {plain} and onPremisesExtensionAttributes/extensionAttribute1 to 15"


def _operands(node: ast.BoolOp, op: type) -> list[object]:
    """What one run of `and` or `or` joins, left to right. The grammar nests it leftward, however long."""
    found: list[object] = []
    left: object = node
    while isinstance(left, ast.BoolOp) and isinstance(left.op, op):
        found.append(left.right)
        left = left.left
    return [left, *reversed(found)]


def _token(kind: str, value: object, index: int) -> Token:
    token = Token()
    token.type, token.value, token.lineno, token.index = kind, value, 1, index
    return token


def _before_space(tokens: Sequence[Token]) -> str:
    kinds = [token.type for token in tokens[-2:] if token.type != "WS"]
    return kinds[-1] if kinds else ""


def _closes_list_of_one(tokens: Sequence[Token]) -> bool:
    """Whether a `)` after these tokens closes `in ( <one literal>`."""
    kinds = [token.type for token in tokens[-5:] if token.type != "WS"]
    return kinds[-3:] == ["IN", "(", "STRING"]
