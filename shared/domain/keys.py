"""What a piece of work is about: the keys, their one canonical spelling, and the shard each hashes to.

A key says which person or profile to check, never what to do with it. Everything that must not happen twice at
the same time (one writer per key) hangs on `canonical` and `session_id`, and on nothing else.
"""

import hashlib
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final
from urllib.parse import unquote

SHARDS: Final = 32
"""How many Service Bus sessions the keys are spread over.

A constant: changing it while messages are queued would let two sessions hold one key. 32 equals host.json's
`maxConcurrentSessions`, so that no shard ever waits for a slot.
"""

_OBJECT_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


EMPLOYEE_ID_CHARACTERS: Final = 64
"""The longest employee id. HR systems' own ids are up to a UUID in braces, which has 38 characters."""

BLANK_CHARACTERS: Final = 16
"""The longest employee id with a blank in it, as in `NL 0047`: as long as `employeeId` in Entra ID can be."""

LOCAL_CHARACTERS: Final = 128
"""The longest part of an address before its `@`. RFC 5321 has 64; a guest's user principal name adds its old domain."""

DOMAIN_CHARACTERS: Final = 255
"""The longest part of an address after its `@`. Source: RFC 5321."""

_ADDRESS = re.compile(f"[^@]{{1,{LOCAL_CHARACTERS}}}@[^@]{{1,{DOMAIN_CHARACTERS}}}")


class NameKind(StrEnum):
    """The names by which a sender may call a person it has no object id for."""

    UPN = "upn"
    MAIL = "mail"
    EMPLOYEE_ID = "employee-id"


@dataclass(frozen=True, slots=True)
class PersonKey:
    """A person, by Entra object id (a GUID, kept lower-case)."""

    object_id: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "object_id", self.object_id.lower())
        if not _OBJECT_ID.fullmatch(self.object_id):
            raise ValueError(
                f"{self.object_id!r} is not an object id (a GUID such as 7c0f5a0e-0000-4000-8000-000000000001)"
            )

    @property
    def canonical(self) -> str:
        """`person:<object id>`."""
        return f"person:{self.object_id}"


@dataclass(frozen=True, slots=True, order=True)
class ProfileKey:
    """A billing profile, by the names of its billing account and itself.

    Spelled as the service spells them (with `%3A` decoded); compared and hashed without regard to case, as ARM
    compares ids.
    """

    account: str = field(compare=False)
    profile: str = field(compare=False)
    folded: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "account", unquote(self.account))
        object.__setattr__(self, "profile", unquote(self.profile))
        if not self.account or not self.profile or "/" in self.account + self.profile:
            raise ValueError(f"'{self.account}/{self.profile}' is not a billing account and a billing profile name")
        object.__setattr__(self, "folded", f"{self.account}/{self.profile}".lower())

    @classmethod
    def parse(cls, text: str) -> "ProfileKey":
        """Reads `<account>/<profile>`; raises ValueError on anything else."""
        account, slash, profile = text.partition("/")
        if not slash:
            raise ValueError(f"{text!r} is not '<billing account>/<billing profile>'")
        return cls(account, profile)

    @property
    def canonical(self) -> str:
        """`profile:<account>/<profile>`, lower-case."""
        return f"profile:{self.folded}"

    def __str__(self) -> str:
        return f"{self.account}/{self.profile}"


@dataclass(frozen=True, slots=True)
class NameKey:
    """A person whose object id is not known (yet): a user principal name, mail address or employee id.

    A key stands in messages and in the store, so that it must not carry prose: no blanks in an address, and in an
    employee id only where the directory could hold it.
    Raises ValueError, which says what is wrong and never repeats the name.
    """

    kind: NameKind
    value: str

    def __post_init__(self) -> None:
        value = self.value.strip().lower()
        if not value:
            raise ValueError(f"an empty {self.kind} names nobody")
        if (reason := _no_name(self.kind, value)) is not None:
            raise ValueError(reason)
        object.__setattr__(self, "value", value)

    @property
    def canonical(self) -> str:
        """`identity:<kind>:<value>`, lower-case."""
        return f"identity:{self.kind}:{self.value}"


def _no_name(kind: NameKind, value: str) -> str | None:
    """Why a text that is trimmed can be nobody's name of that kind; None where it can."""
    if not value.isprintable():
        return f"something in the {kind} cannot be seen"
    if kind is not NameKind.EMPLOYEE_ID:
        if " " not in value and _ADDRESS.fullmatch(value):
            return None
        before, after = LOCAL_CHARACTERS, DOMAIN_CHARACTERS
        return f"a {kind} is 1 to {before} characters, one '@' and a domain of 1 to {after}, without blanks"
    most = BLANK_CHARACTERS if " " in value else EMPLOYEE_ID_CHARACTERS
    if len(value) <= most:
        return None
    with_blanks = " with a blank in it" if " " in value else ""
    return f"it has {len(value):,} characters; an employee id{with_blanks} has at most {most}"


type Key = PersonKey | ProfileKey | NameKey


def parse_key(text: str) -> Key:
    """Reads a canonical key, whatever its case; raises ValueError that says what a key looks like."""
    kind, _, rest = text.strip().partition(":")
    match kind.lower():
        case "person":
            return PersonKey(rest)
        case "profile":
            return ProfileKey.parse(rest)
        case "identity":
            name, _, value = rest.partition(":")
            if name.lower() in set(NameKind):
                return NameKey(NameKind(name.lower()), value)
    raise ValueError(
        f"{text!r} is not a key: 'person:<object id>', 'profile:<account>/<profile>' "
        "or 'identity:<upn|mail|employee-id>:<value>'"
    )


def chain_key(key: Key) -> str:
    """The ledger's key: the canonical one, with a name replaced by its digest (ids and not names)."""
    if isinstance(key, NameKey):
        return f"identity:{key.kind}:{hashlib.sha256(key.value.encode()).hexdigest()}"
    return key.canonical


def session_id(key: Key) -> str:
    """The Service Bus session (one of `SHARDS`) under which this key is written, as text `0`..`31`."""
    digest = hashlib.sha256(key.canonical.encode()).digest()
    return str(int.from_bytes(digest) % SHARDS)
