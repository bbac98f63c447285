"""The types of AMQP 1.0 that Python has no type for (OASIS amqp-core-types-v1.0).

Numbers keep their AMQP width through small subclasses, so that what was decoded is encoded the same again.
Their bytes are in `amqp_codec`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


class AmqpError(Exception):
    """Something the peer sent, or asks for, that the protocol does not allow; `condition` names it."""

    def __init__(self, condition: str, description: str) -> None:
        super().__init__(description)
        self.condition = condition


def decode_error(description: str) -> AmqpError:
    """The error for bytes that are not what they should be."""
    return AmqpError("amqp:decode-error", description)


class Symbol(str):
    """A name from a constrained domain; ASCII."""

    __slots__ = ()


class Char(str):
    """One Unicode character."""

    __slots__ = ()


class UByte(int):
    """8 bits, unsigned."""


class UShort(int):
    """16 bits, unsigned."""


class UInt(int):
    """32 bits, unsigned."""


class ULong(int):
    """64 bits, unsigned."""


class Byte(int):
    """8 bits, signed."""


class Short(int):
    """16 bits, signed."""


class Int(int):
    """32 bits, signed."""


class Long(int):
    """64 bits, signed. A plain int is encoded like this."""


class Float(float):
    """32 bits, binary. A plain float is encoded as a double."""


class Timestamp(int):
    """Milliseconds since 1970-01-01T00:00Z. Not a datetime, because the service uses the year 10000."""

    @classmethod
    def of(cls, moment: datetime) -> "Timestamp":
        """The timestamp of an aware datetime."""
        return cls((moment - _EPOCH) // timedelta(milliseconds=1))

    def moment(self) -> datetime:
        """The datetime in UTC; what lies outside of datetime's range becomes its first or last moment."""
        try:
            return _EPOCH + timedelta(milliseconds=int(self))
        except OverflowError:
            return _FIRST if self < 0 else _LAST


@dataclass(frozen=True, slots=True)
class Decimal:
    """A decimal number, which nothing here computes with: its constructor and its bytes."""

    code: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Described:
    """A value with a descriptor that says what it is."""

    descriptor: Any
    value: Any


def fields_of(value: Described | None) -> list[Any]:
    """The fields of a described list; none when it is not there or not a list."""
    return value.value if value is not None and isinstance(value.value, list) else []


class Array(list[Any]):
    """Values of one primitive type; `code` is its constructor (a width of fixed size, or of 32 bits)."""

    def __init__(self, code: int, items: list[Any]) -> None:
        super().__init__(items)
        self.code = code


def array_of_longs(items: list[int]) -> Array:
    """An array of 64-bit numbers."""
    return Array(0x81, items)


def array_of_timestamps(moments: list[datetime]) -> Array:
    """An array of points in time."""
    return Array(0x83, [Timestamp.of(moment) for moment in moments])


def array_of_symbols(names: list[str]) -> Array:
    """An array of names."""
    return Array(0xB3, [Symbol(name) for name in names])
