"""How the state's values lie in rows: as JSON, and back again. One converter for all of them.

Only spelling lives here: no reading, no writing, no decision. A row is read strictly: every field is there and of its
own type, and no other is. What does not fit is `Damaged`, never half read.
"""

import base64
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime
from enum import EnumType
from functools import cached_property, lru_cache
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeAliasType, get_args, get_origin, get_type_hints

from pydantic import ValidationError
from pydantic_core import CoreSchema, PydanticSerializationError, SchemaSerializer, SchemaValidator
from pydantic_core import core_schema as schemas

from shared.adapters.store.rows import ROW_CHARACTERS, Damaged, Row
from shared.domain.guards.pauses import Pause, PauseKind
from shared.domain.keys import PersonKey, ProfileKey, parse_key
from shared.domain.misfits import in_one_line
from shared.domain.reasons import Reason
from shared.errors import Permanent, StoreRefused

FORMAT: Final = 1
"""The number of this form, in every row. What reads the rows of before no more takes the next number."""

_BEGIN: Final = f'{{"format":{FORMAT},'
_PACKED: Final = f'{_BEGIN}"packed":"'
"""How a row begins whose text would be too long: it is deflated (zlib), in base64. People can read all others."""

_UNPACKED_BYTES: Final = 64 * 1024 * 1024
"""The longest text that is unpacked: twenty times what 5,000 holds are, and no more than an instance's memory."""

_NOT_KEPT: Final[Mapping[str, Any]] = {"properties": {}}
"""Fields that no row has, and what they are when it is read: a profile's raw answer."""


class Codec[T]:
    """Spells values of one type. A row of them is called a `what` in errors; `key_of` says which key it has.

    A dataclass is an object of its fields, a reason one of its code and facts. Keys, times and pauses are texts. So is
    raw JSON of other systems, which may be nested deeper than a row.
    """

    def __init__(self, of: Any, what: str, key_of: Callable[[T], str] | None = None) -> None:
        self._of = of
        self._what = what
        self._key_of = key_of

    def text(self, value: T) -> str:
        """A value as JSON, in ASCII, of any length. Raises `Permanent` if a text in it is not Unicode."""
        try:
            spelled = self._writer.to_json(value).decode()
        except PydanticSerializationError as error:
            raise Permanent(f"no {self._what} can be stored with a text that is not Unicode: {error}") from error
        if not spelled.isascii():
            spelled = json.dumps(json.loads(spelled), separators=(",", ":"))
        return f'{_BEGIN}"value":{spelled}}}'

    def body(self, value: T) -> str:
        """The body of a value's row: its JSON, packed where a row would not hold it."""
        text = self.text(value)
        if len(text) <= ROW_CHARACTERS:
            return text
        return f'{_PACKED}{base64.b64encode(zlib.compress(text.encode())).decode()}"}}'

    def value(self, row: Row, text: str | None = None) -> T:
        """The value whose row this is, or that of a `text` to which the row led.

        Raises `Damaged`, and `StoreRefused` for a row of another form.
        """
        try:
            given = _unpacked(row.text) if row.text.startswith(_PACKED) else row.text if text is None else text
            value: T = self._reader.validate_json(given)["value"]
        except ValidationError as error:
            if any(mistake["loc"] == ("format",) for mistake in error.errors(include_url=False)):
                raise StoreRefused(
                    f"row '{row.key}' in '{row.partition}' is not of form {FORMAT}, the only one read here: a build "
                    "from before the first release wrote it; name an empty store in INVOICE_ACCESS_STORE"
                ) from error
            raise self._damaged(row, in_one_line(error, "its text")) from error
        except (ValueError, zlib.error) as error:
            raise self._damaged(row, f"what is packed in it cannot be unpacked: {error}") from error
        if self._key_of is not None and (key := self._key_of(value)) != row.key:
            raise self._damaged(row, f"it is the row of '{key}'")
        return value

    def _damaged(self, row: Row, why: str) -> Damaged:
        return Damaged(f"row '{row.key}' in '{row.partition}' is no {self._what}: {why}")

    @cached_property
    def _schema(self) -> CoreSchema:
        return schema_of(self._of)

    @cached_property
    def _writer(self) -> SchemaSerializer:
        return SchemaSerializer(self._schema)

    @cached_property
    def _reader(self) -> SchemaValidator:
        body = {"format": schemas.literal_schema([FORMAT]), "value": self._schema}
        named = {name: schemas.typed_dict_field(schema) for name, schema in body.items()}
        return SchemaValidator(schemas.typed_dict_schema(named, extra_behavior="forbid"))


def _unpacked(text: str) -> bytes:
    unpacking = zlib.decompressobj()
    found = unpacking.decompress(base64.b64decode(text[len(_PACKED) : -2], validate=True), _UNPACKED_BYTES)
    if not unpacking.eof:
        raise ValueError(f"it has no end within {_UNPACKED_BYTES:,} bytes")
    return found


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("the time has no zone")
    return at


def _pause(text: str) -> Pause:
    kind, _, scope = text.partition(" ")
    return Pause(PauseKind(kind), scope)


def _holder(text: str) -> PersonKey | ProfileKey:
    if isinstance(key := parse_key(text), PersonKey | ProfileKey):
        return key
    raise ValueError("a name holds nothing")


def _spelled(key: PersonKey | ProfileKey) -> str:
    # The canonical key of a profile is lower-case, and the service's own spelling is to be kept.
    return f"profile:{key}" if isinstance(key, ProfileKey) else key.canonical


def _as_text(read: Callable[[str], Any], write: Callable[[Any], str]) -> CoreSchema:
    spelling = schemas.plain_serializer_function_ser_schema(write, return_schema=schemas.str_schema())
    return schemas.no_info_after_validator_function(read, schemas.str_schema(strict=True), serialization=spelling)


_SCHEMAS: Final[Mapping[Any, CoreSchema]] = {
    str: schemas.str_schema(strict=True),
    int: schemas.int_schema(strict=True),
    float: schemas.float_schema(strict=True),
    bool: schemas.bool_schema(strict=True),
    datetime: _as_text(_time, datetime.isoformat),
    date: _as_text(date.fromisoformat, date.isoformat),
    ProfileKey: _as_text(lru_cache(4096)(ProfileKey.parse), str),
    PersonKey | ProfileKey: _as_text(lru_cache(_holder), _spelled),  # each of a key's holds names it
    Pause: _as_text(_pause, lambda pause: f"{pause.kind.value} {pause.scope}" if pause.scope else pause.kind.value),
    Reason: schemas.no_info_plain_validator_function(
        Reason.read, serialization=schemas.plain_serializer_function_ser_schema(Reason.as_json)
    ),
    frozenset[str]: schemas.frozenset_schema(
        schemas.str_schema(strict=True), serialization=schemas.plain_serializer_function_ser_schema(sorted)
    ),
    Mapping[str, Any]: _as_text(json.loads, lambda raw: json.dumps(raw, separators=(",", ":"), allow_nan=False)),
}


def schema_of(annotation: Any, *, sparse: bool = False) -> CoreSchema:
    """What the values of a type are in JSON. Where it is `sparse`, a field at its default may be left out.

    Of several dataclasses each is told by its first field, a `Literal`.
    """
    if isinstance(annotation, TypeAliasType):
        return schema_of(annotation.__value__, sparse=sparse)
    if annotation in _SCHEMAS:
        return _SCHEMAS[annotation]
    if isinstance(annotation, EnumType):
        return schemas.enum_schema(annotation, [*annotation], sub_type="str")
    if get_origin(annotation) is Literal:
        return schemas.literal_schema([*get_args(annotation)])
    if get_origin(annotation) is None:
        return _dataclass_schema(annotation, sparse=sparse)
    return _generic_schema(annotation, sparse=sparse)


def _generic_schema(annotation: Any, *, sparse: bool) -> CoreSchema:
    origin, inner = get_origin(annotation), [each for each in get_args(annotation) if each not in {NoneType, ...}]
    found = [schema_of(each, sparse=sparse) for each in inner]
    if origin is UnionType and len(inner) > 1:
        tag = fields(inner[0])[0].name
        choices = {get_args(get_type_hints(one)[tag])[0]: schema for one, schema in zip(inner, found, strict=True)}
        return schemas.tagged_union_schema(choices, tag)
    if origin is UnionType:
        return schemas.nullable_schema(*found)
    if origin is Mapping:
        return schemas.dict_schema(*found)
    return schemas.tuple_schema(found, variadic_item_index=0 if ... in get_args(annotation) else None)


def _dataclass_schema(annotation: Any, *, sparse: bool) -> CoreSchema:
    hints, found = get_type_hints(annotation), []
    for each in fields(annotation):
        if each.name in _NOT_KEPT:
            empty = schemas.with_default_schema(schemas.any_schema(), default=_NOT_KEPT[each.name])
            found.append(schemas.dataclass_field(each.name, empty, init=False, serialization_exclude=True))
            continue
        schema = schema_of(hints[each.name], sparse=sparse)
        if sparse and each.default is not MISSING:
            schema = schemas.with_default_schema(schema, default=each.default)
        found.append(schemas.dataclass_field(each.name, schema))
    arguments = schemas.dataclass_args_schema(annotation.__name__, found, extra_behavior="forbid")
    return schemas.dataclass_schema(annotation, arguments, [each.name for each in fields(annotation)], slots=True)
