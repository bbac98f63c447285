"""`$filter`: what Graph's directory understands, what it refuses, and whom it matches.

Lives here: reading the expression, judging whether this resource and these headers allow it, and evaluating
it. The grammar is odata-query's; the evaluation and the rules are the directory's own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from odata_query import ast
from odata_query.exceptions import ODataException
from odata_query.grammar import ODataLexer, ODataParser
from sly.lex import Token  # type: ignore[import-untyped]  # sly ships no types

from sandbox.graph.errors import GraphError, malformed, not_built, unsupported_filter, unsupported_query
from sandbox.graph.properties import COMPLEX_MEMBERS, Kind, Property, Resource, Support
from sandbox.graph.switches import Switches

type Truth = bool | None
"""True, false, or unknown because a value is null."""

type Properties = Mapping[str, Any]

_DEEPEST: Final = 100
"""How deep an expression may nest; far beyond what a URL of Graph's length can say sensibly."""

_FUNCTIONS: Final = {"startswith": "startsWith", "endswith": "endsWith"}

_OPERATORS: Final[dict[type, tuple[str, str]]] = {
    ast.Eq: ("eq", "Equal"),
    ast.NotEq: ("ne", "NotEqual"),
    ast.GtE: ("ge", "GreaterThanOrEqual"),
    ast.LtE: ("le", "LessThanOrEqual"),
    ast.Gt: ("gt", "GreaterThan"),
    ast.Lt: ("lt", "LessThan"),
    ast.In: ("in", "Equal"),
}

_LITERAL_TYPES: Final[dict[type, str]] = {
    ast.String: "Edm.String",
    ast.Boolean: "Edm.Boolean",
    ast.Integer: "Edm.Int32",
    ast.Float: "Edm.Double",
    ast.Date: "Edm.Date",
    ast.DateTime: "Edm.DateTimeOffset",
    ast.GUID: "Edm.Guid",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was read and allowed."""

    judge: Callable[[Properties], Truth]

    def matches(self, properties: Properties) -> bool:
        """Whether an object is listed: only true lists, unknown does not."""
        return self.judge(properties) is True


def read_filter(text: str, resource: Resource, *, advanced: bool, switches: Switches) -> Filter:
    """Reads `$filter` for a resource.

    `advanced` says that the request has both ConsistencyLevel: eventual and `$count=true`.

    Raises:
        GraphError: 400 for an expression that is malformed, names what does not exist, or asks what the
        directory
            does not allow of that property in this kind of request.
    """
    try:
        node = ODataParser().parse(_for_the_grammar(list(ODataLexer().tokenize(text))))
    except ODataException as error:
        raise malformed(f"Invalid filter clause: {error}") from error
    if not advanced:
        _require_low(node, switches.highest_filter)
    return Filter(_Reader(resource, advanced=advanced, switches=switches).read(node, negated=False, depth=0))


def _require_low(node: object, highest: int | None) -> None:
    """Refuses a tree that is higher than a plain filter may be."""
    if highest is None:
        return
    height, level = 0, [node]
    while level and height <= _DEEPEST:  # deeper is refused by whoever reads it
        height += 1
        level = [below for node in level for below in _below(node)]
    if height > highest:
        raise unsupported_query(f"search filter expression has excessive height: {height}. Max allowed: {highest}")


def _below(node: object) -> Iterator[object]:
    match node:
        case ast.BoolOp(op=operator):
            yield from _clauses(node, type(operator))
        case ast.UnaryOp(operand=operand):
            yield operand


def _for_the_grammar(tokens: list[Token]) -> Iterator[Token]:
    """The tokens as odata-query's grammar has them.

    It knows function names in lower case only, takes `not(` for a function, and wants a comma in a list of
    one. Working on tokens leaves what stands inside string literals alone.
    """
    in_list = False
    for index, token in enumerate(tokens):
        following = tokens[index + 1].type if index + 1 < len(tokens) else None
        before = next((t.type for t in reversed(tokens[:index]) if t.type != "WS"), None)
        if token.type == "ODATA_IDENTIFIER" and following == "(":
            name = token.value.full_name().lower()
            if name == "not":
                token.type, token.value = "NOT", ast.Not()
            else:
                token.value = ast.Identifier(name)
        elif token.type == "(" and before == "IN":
            in_list = True
            size = 0
        elif in_list and token.type == ",":
            size += 1
        elif in_list and token.type == ")":
            in_list = False
            if before == ",":
                raise malformed("Invalid filter clause: An expression is missing after ','.")
            if size == 0:
                yield _comma_at(token)
        yield token


def _comma_at(token: Token) -> Token:
    comma = Token()
    comma.type = comma.value = ","
    comma.lineno, comma.index = token.lineno, token.index
    return comma


class _Reader:
    """Turns a parsed expression into a judgement, refusing what the directory does not allow."""

    def __init__(self, resource: Resource, *, advanced: bool, switches: Switches) -> None:
        self._resource = resource
        self._advanced = advanced
        self._switches = switches

    def read(self, node: object, *, negated: bool, depth: int) -> Callable[[Properties], Truth]:
        if depth > _DEEPEST:
            raise malformed("Invalid filter clause: The expression is too deeply nested.")
        match node:
            case ast.BoolOp(op=ast.Or()):
                return self._any_of(list(_clauses(node, ast.Or)), negated=negated, depth=depth)
            case ast.BoolOp():
                judges = [self.read(n, negated=negated, depth=depth + 1) for n in _clauses(node, ast.And)]
                return lambda properties: _all(judge(properties) for judge in judges)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                inner = self.read(operand, negated=True, depth=depth + 1)
                return lambda properties: _not(inner(properties))
            case ast.Compare(comparator=comparator, left=left, right=right):
                return self._comparison(_OPERATORS[type(comparator)], left, right, negated=negated)
            case ast.Call(func=func, args=[target, ast.String(val=prefix)]) if func.name in _FUNCTIONS:
                return self._affix(_FUNCTIONS[func.name], target, prefix, negated=negated)
            case ast.CollectionLambda(
                operator=ast.Any(), owner=ast.Identifier(name=name), lambda_=ast.Lambda() as test
            ):
                return self._any_item(self._named(name), test, negated=negated)
            case ast.CollectionLambda():
                raise not_built("lambda expressions but any on a property in $filter")
            case _:
                raise unsupported_query("Unsupported or invalid query filter clause specified.")

    def _any_of(self, nodes: list[object], *, negated: bool, depth: int) -> Callable[[Properties], Truth]:
        self._require_few(len(nodes))
        judges = [self.read(node, negated=negated, depth=depth + 1) for node in nodes]
        return lambda properties: _any(judge(properties) for judge in judges)

    def _require_few(self, clauses: int) -> None:
        most = self._switches.most_or_clauses
        if most is not None and clauses > most and not self._advanced:
            raise unsupported_query(
                "Too many child clauses specified in search filter expression containing 'OR' operators: "
                f"{clauses}. Max allowed: {most}."
            )

    def _comparison(
        self, operator: tuple[str, str], left: object, right: object, *, negated: bool
    ) -> Callable[[Properties], Truth]:
        sign, kind_of_operator = operator
        found, value_of = self._property(left)
        self._require(found, sign, negated=negated)
        if isinstance(right, ast.List):
            self._require_few(len(right.val))
            wanted = {_literal(found, item, kind_of_operator) for item in right.val}
            return self._known(value_of, lambda value: value in wanted, of_null=False)
        if isinstance(right, ast.Null):
            self._require(found, "null", negated=negated)
            is_null = sign == "eq"
            return lambda properties: (value_of(properties) is None) == is_null
        literal = _literal(found, right, kind_of_operator)
        match sign:
            case "eq":
                return self._known(value_of, lambda value: value == literal, of_null=False)
            case "ne":
                return self._known(value_of, lambda value: value != literal, of_null=True)
            case "ge":
                return lambda properties: None if (v := value_of(properties)) is None else v >= literal
            case _:
                return lambda properties: None if (v := value_of(properties)) is None else v <= literal

    def _known(
        self, value_of: Callable[[Properties], Any], judge: Callable[[Any], bool], *, of_null: bool
    ) -> Callable[[Properties], Truth]:
        """Equality, where null either is a value like others or makes everything unknown."""
        null_gives = of_null if self._switches.null_is_comparable else None

        def truth(properties: Properties) -> Truth:
            value = value_of(properties)
            return null_gives if value is None else judge(value)

        return truth

    def _affix(self, function: str, target: object, affix: str, *, negated: bool) -> Callable[[Properties], Truth]:
        found, value_of = self._property(target)
        self._require(found, function, negated=negated)
        wanted = affix.casefold()

        def truth(properties: Properties) -> Truth:
            value = value_of(properties)
            if value is None:
                return None
            return bool(value.startswith(wanted) if function == "startsWith" else value.endswith(wanted))

        return truth

    def _any_item(self, found: Property, inner: ast.Lambda, *, negated: bool) -> Callable[[Properties], Truth]:
        """`any` on a collection of texts, with one test of its item: the only kind of lambda the directory knows."""
        if found.kind is not Kind.STRINGS:
            raise unsupported_filter(found.name, self._resource.title)
        match inner.expression:
            case ast.Compare(comparator=ast.Eq(), left=item, right=ast.String(val=text)) if item == inner.identifier:
                function, wanted = "eq", text.casefold()
            case ast.Call(func=func, args=[item, ast.String(val=text)]) if (
                func.name in _FUNCTIONS and item == inner.identifier
            ):
                function, wanted = _FUNCTIONS[func.name], text.casefold()
            case _:
                raise unsupported_filter(found.name, self._resource.title)
        self._require(found, function, negated=negated)
        is_meant: Callable[[str], bool] = {
            "eq": wanted.__eq__,
            "startsWith": lambda value: value.startswith(wanted),
            "endsWith": lambda value: value.endswith(wanted),
        }[function]
        return lambda properties: any(is_meant(value.casefold()) for value in properties.get(found.name) or ())

    def _property(self, node: object) -> tuple[Property, Callable[[Properties], Any]]:
        """The property that an expression names, and how to take its comparable value from an object."""
        match node:
            case ast.Identifier(name=name, namespace=()):
                found = self._named(name)
                if found.kind in {Kind.COMPLEX, Kind.COMPLEXES, Kind.STRINGS}:
                    raise unsupported_filter(found.name, self._resource.title)
                return found, lambda properties: _comparable(found, properties.get(found.name))
            case ast.Attribute(owner=ast.Identifier(name=name, namespace=()), attr=member):
                found = self._named(name)
                inner = next((m for m in COMPLEX_MEMBERS.get(found.name, ()) if m.lower() == member.lower()), None)
                if inner is None:
                    raise self._unknown(f"{name}/{member}")
                return found, lambda properties: _comparable(found, (properties.get(found.name) or {}).get(inner))
            case _:
                raise unsupported_query("Unsupported or invalid query filter clause specified.")

    def _named(self, name: str) -> Property:
        found = self._resource.find(name)
        if found is None:
            raise self._unknown(name)
        return found

    def _unknown(self, name: str) -> GraphError:
        return malformed(
            f"Invalid filter clause: Could not find a property named '{name}' on type "
            f"'microsoft.graph.{self._resource.name}'."
        )

    def _require(self, found: Property, operator: str, *, negated: bool) -> None:
        for needed in (operator, "not") if negated else (operator,):
            support = found.support(needed)
            if support is Support.PAGE_ONLY and self._switches.page_only_filters:
                support = Support.ADVANCED
            if support in {Support.NEVER, Support.PAGE_ONLY} or (support is Support.ADVANCED and not self._advanced):
                raise unsupported_filter(found.name, self._resource.title)


def _clauses(node: object, operator: type) -> Iterator[object]:
    """The clauses of a chain of one operator, which the grammar nests to the left."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if isinstance(current, ast.BoolOp) and isinstance(current.op, operator):
            waiting += [current.right, current.left]
        else:
            yield current


def _literal(found: Property, node: object, operator: str) -> Any:
    """The literal as a value to compare with, if it is of the property's type."""
    edm = _LITERAL_TYPES.get(type(node))
    wanted = Kind.STRING.value if found.kind is Kind.COMPLEX else found.kind.value
    if edm != wanted:
        raise malformed(
            "Invalid filter clause: A binary operator with incompatible types was detected. Found operand "
            f"types '{wanted}' and '{edm}' for operator kind '{operator}'."
        )
    value = node.val  # type: ignore[attr-defined]  # every literal in _LITERAL_TYPES has it
    if found.kind is Kind.BOOLEAN:
        return value.lower() == "true"
    if found.kind is Kind.DATE_TIME:
        moment = _moment(value)
        if moment is None or moment.tzinfo is None:
            raise malformed(f"Invalid filter clause: '{value}' is not a valid Edm.DateTimeOffset.")
        return moment
    return value.casefold()


def _comparable(found: Property, value: Any) -> Any:
    if found.kind is Kind.DATE_TIME and value is not None:
        return _moment(value)
    return value.casefold() if isinstance(value, str) else value


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _all(truths: Iterable[Truth]) -> Truth:
    unknown = False
    for truth in truths:
        if truth is False:
            return False
        unknown = unknown or truth is None
    return None if unknown else True


def _any(truths: Iterable[Truth]) -> Truth:
    unknown = False
    for truth in truths:
        if truth is True:
            return True
        unknown = unknown or truth is None
    return None if unknown else False


def _not(truth: Truth) -> Truth:
    return None if truth is None else not truth
