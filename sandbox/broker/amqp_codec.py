"""AMQP 1.0 values to bytes and back (OASIS amqp-core-types-v1.0).

Every malformed input ends in `AmqpError`, never in another exception. Frames and messages are built from this
elsewhere.
"""

import struct
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from sandbox.broker.amqp_types import (
    AmqpError,
    Array,
    Byte,
    Char,
    Decimal,
    Described,
    Float,
    Int,
    Long,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
    decode_error,
)

_MAX_DEPTH = 32
_MAX_ARRAY_ITEMS = 65536
_UINT8 = 0xFF

_FIXED: dict[int, tuple[struct.Struct, Callable[[Any], Any]]] = {
    0x50: (struct.Struct(">B"), UByte),
    0x51: (struct.Struct(">b"), Byte),
    0x52: (struct.Struct(">B"), UInt),
    0x53: (struct.Struct(">B"), ULong),
    0x54: (struct.Struct(">b"), Int),
    0x55: (struct.Struct(">b"), Long),
    0x56: (struct.Struct(">B"), bool),
    0x60: (struct.Struct(">H"), UShort),
    0x61: (struct.Struct(">h"), Short),
    0x70: (struct.Struct(">I"), UInt),
    0x71: (struct.Struct(">i"), Int),
    0x72: (struct.Struct(">f"), Float),
    0x73: (struct.Struct(">I"), lambda point: Char(chr(point))),
    0x80: (struct.Struct(">Q"), ULong),
    0x81: (struct.Struct(">q"), Long),
    0x82: (struct.Struct(">d"), float),
    0x83: (struct.Struct(">q"), Timestamp),
    0x98: (struct.Struct(">16s"), lambda raw: UUID(bytes=raw)),
    0x74: (struct.Struct(">4s"), lambda raw: Decimal(0x74, raw)),
    0x84: (struct.Struct(">8s"), lambda raw: Decimal(0x84, raw)),
    0x94: (struct.Struct(">16s"), lambda raw: Decimal(0x94, raw)),
}
_EMPTY: dict[int, Callable[[], Any]] = {
    0x40: lambda: None,
    0x41: lambda: True,
    0x42: lambda: False,
    0x43: lambda: UInt(0),
    0x44: lambda: ULong(0),
    0x45: list,
}
_TEXT: dict[int, Callable[[bytes], Any]] = {
    0xA0: bytes,
    0xB0: bytes,
    0xA1: lambda raw: raw.decode("utf-8"),
    0xB1: lambda raw: raw.decode("utf-8"),
    0xA3: lambda raw: Symbol(raw.decode("ascii")),
    0xB3: lambda raw: Symbol(raw.decode("ascii")),
}
_NARROW = frozenset({0xA0, 0xA1, 0xA3, 0xC0, 0xC1, 0xE0})
_WIDE = frozenset({0xB0, 0xB1, 0xB3, 0xD0, 0xD1, 0xF0})
_MAPS = frozenset({0xC1, 0xD1})
_ARRAYS = frozenset({0xE0, 0xF0})
_UINT32 = struct.Struct(">I")

# --- decoding ------------------------------------------------------------------------------------


def decode(buffer: bytes, at: int = 0) -> tuple[Any, int]:
    """The value that starts at `at`, and where it ends. Raises `AmqpError`."""
    try:
        return _decode(buffer, at, 0)
    except (IndexError, struct.error) as error:
        raise decode_error("The value ends before it is complete.") from error
    except (UnicodeDecodeError, ValueError, TypeError, OverflowError) as error:
        # TypeError: a map key that is itself a list or a map.
        raise decode_error(f"The value cannot be read: {error}.") from error


def _decode(buffer: bytes, at: int, depth: int) -> tuple[Any, int]:
    code = buffer[at]
    if code == 0:
        if depth > _MAX_DEPTH:
            raise decode_error("The value is nested too deeply.")
        descriptor, at = _decode(buffer, at + 1, depth + 1)
        if not isinstance(descriptor, ULong | Symbol):
            raise decode_error("A descriptor is neither a number nor a symbol.")
        value, at = _decode(buffer, at, depth + 1)
        return Described(descriptor, value), at
    return _decode_as(code, buffer, at + 1, depth)


def _decode_as(code: int, buffer: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The value behind a constructor; `at` is just after it."""
    fixed = _FIXED.get(code)
    if fixed is not None:
        layout, make = fixed
        return make(layout.unpack_from(buffer, at)[0]), at + layout.size
    empty = _EMPTY.get(code)
    if empty is not None:
        return empty(), at
    if code in _NARROW:
        size, start, width = buffer[at], at + 1, 1
    elif code in _WIDE:
        size, start, width = _UINT32.unpack_from(buffer, at)[0], at + 4, 4
    else:
        raise decode_error(f"There is no type with constructor 0x{code:02x}.")
    end = start + size
    if end > len(buffer):
        raise decode_error("The value ends before it is complete.")
    text = _TEXT.get(code)
    if text is not None:
        return text(buffer[start:end]), end
    if depth > _MAX_DEPTH:
        raise decode_error("The value is nested too deeply.")
    count = buffer[start] if width == 1 else _UINT32.unpack_from(buffer, start)[0]
    at = start + width
    items: list[Any]
    if code in _ARRAYS:
        items, at = _decode_array(buffer, at, count, depth + 1)
    else:
        items, at = _decode_items(buffer, at, min(count, end - at + 1), depth + 1)
    if at != end:
        raise decode_error("A list, map or array is not as long as it announces.")
    return (_pairs(items) if code in _MAPS else items), end


def _decode_items(buffer: bytes, at: int, count: int, depth: int) -> tuple[list[Any], int]:
    items = []
    for _ in range(count):
        item, at = _decode(buffer, at, depth)
        items.append(item)
    return items, at


def _pairs(items: list[Any]) -> dict[Any, Any]:
    if len(items) % 2:
        raise decode_error("A map has a key without a value.")
    return dict(zip(items[::2], items[1::2], strict=True))


def _decode_array(buffer: bytes, at: int, count: int, depth: int) -> tuple[Array, int]:
    if count > _MAX_ARRAY_ITEMS:
        raise decode_error(f"An array has more than {_MAX_ARRAY_ITEMS} items.")
    code = buffer[at]
    if code == 0 or (code not in _FIXED and code not in _TEXT and code not in _EMPTY):
        raise AmqpError("amqp:not-implemented", "Arrays of compound or described values are not supported.")
    items = []
    at += 1
    for _ in range(count):
        item, at = _decode_as(code, buffer, at, depth)
        items.append(item)
    return Array(code, items), at


# --- encoding ------------------------------------------------------------------------------------


def encode(value: Any) -> bytes:
    """The bytes of a value, in the shortest form of its type; TypeError when AMQP has no type for it."""
    for kind in type(value).__mro__:
        encoder = _ENCODERS.get(kind)
        if encoder is not None:
            return encoder(value)
    raise TypeError(f"AMQP has no type for {type(value).__name__}.")


def _fixed(code: int) -> Callable[[Any], bytes]:
    layout = _FIXED[code][0]
    prefix = bytes((code,))
    return lambda value: prefix + layout.pack(value)


def _number(small: int, large: int, lowest: int, highest: int, zero: int | None = None) -> Callable[[int], bytes]:
    """Encoder of an integer type that has a one-byte form, and perhaps an empty one for 0."""
    narrow, wide = _fixed(small), _fixed(large)

    def encoder(value: int) -> bytes:
        if value == 0 and zero is not None:
            return bytes((zero,))
        return narrow(value) if lowest <= value <= highest else wide(value)

    return encoder


def _variable(small: int, large: int, raw: bytes) -> bytes:
    if len(raw) <= _UINT8:
        return bytes((small, len(raw))) + raw
    return bytes((large,)) + _UINT32.pack(len(raw)) + raw


def _compound(small: int, large: int, count: int, raw: bytes) -> bytes:
    if len(raw) < _UINT8 and count <= _UINT8:
        return bytes((small, len(raw) + 1, count)) + raw
    return bytes((large,)) + _UINT32.pack(len(raw) + 4) + _UINT32.pack(count) + raw


def _encode_list(items: list[Any]) -> bytes:
    if not items:
        return b"\x45"
    return _compound(0xC0, 0xD0, len(items), b"".join(map(encode, items)))


def _encode_map(pairs: dict[Any, Any]) -> bytes:
    raw = b"".join(encode(part) for pair in pairs.items() for part in pair)
    return _compound(0xC1, 0xD1, 2 * len(pairs), raw)


def _encode_array(array: Array) -> bytes:
    code = array.code
    if code in _FIXED:
        raw = b"".join(_bare(code, item) for item in array)
    elif code in _EMPTY:
        raw = b""
    else:
        code |= 0x10  # always the form with a 32-bit size, so that every item fits
        texts = [item if isinstance(item, bytes) else item.encode("utf-8") for item in array]
        raw = b"".join(_UINT32.pack(len(text)) + text for text in texts)
    return _compound(0xE0, 0xF0, len(array), bytes((code,)) + raw)


def _bare(code: int, item: Any) -> bytes:
    """An array item of a fixed width, without its constructor."""
    if isinstance(item, UUID):
        return item.bytes
    if isinstance(item, Decimal):
        return item.raw
    return _FIXED[code][0].pack(ord(item) if isinstance(item, str) else item)


_encode_ulong = _number(0x53, 0x80, 0, _UINT8, zero=0x44)
_encode_long = _number(0x55, 0x81, -128, 127)
_encode_timestamp = _fixed(0x83)
_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    type(None): lambda _: b"\x40",
    bool: lambda value: b"\x41" if value else b"\x42",
    UByte: _fixed(0x50),
    Byte: _fixed(0x51),
    UShort: _fixed(0x60),
    Short: _fixed(0x61),
    UInt: _number(0x52, 0x70, 0, _UINT8, zero=0x43),
    Int: _number(0x54, 0x71, -128, 127),
    ULong: _encode_ulong,
    Long: _encode_long,
    int: _encode_long,
    Float: _fixed(0x72),
    float: _fixed(0x82),
    Char: lambda value: b"\x73" + _UINT32.pack(ord(value)),
    Timestamp: _encode_timestamp,
    datetime: lambda value: _encode_timestamp(Timestamp.of(value)),
    UUID: lambda value: b"\x98" + value.bytes,
    Decimal: lambda value: bytes((value.code,)) + value.raw,
    bytes: lambda value: _variable(0xA0, 0xB0, value),
    str: lambda value: _variable(0xA1, 0xB1, value.encode("utf-8")),
    Symbol: lambda value: _variable(0xA3, 0xB3, value.encode("ascii")),
    list: _encode_list,
    dict: _encode_map,
    Array: _encode_array,
    Described: lambda value: b"\x00" + encode(value.descriptor) + encode(value.value),
}
