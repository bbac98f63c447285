"""What a piece of work is about: the keys, their one canonical spelling, and the shard each hashes to.

A key says which person or profile to look at, never what to do with it. Everything that must not happen twice at
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


class IdentityKind(StrEnum):
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
class IdentityKey:
    """A person whose object id is not known (yet): a user principal name, mail address or employee id."""

    kind: IdentityKind
    value: str

    def __post_init__(self) -> None:
        value = self.value.strip().lower()
        if not value:
            raise ValueError(f"an empty {self.kind} names nobody")
        object.__setattr__(self, "value", value)

    @property
    def canonical(self) -> str:
        """`identity:<kind>:<value>`, lower-case."""
        return f"identity:{self.kind}:{self.value}"


type Key = PersonKey | ProfileKey | IdentityKey


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
            if name.lower() in set(IdentityKind):
                return IdentityKey(IdentityKind(name.lower()), value)
    raise ValueError(
        f"{text!r} is not a key: 'person:<object id>', 'profile:<account>/<profile>' "
        "or 'identity:<upn|mail|employee-id>:<value>'"
    )


def chain_key(key: Key) -> str:
    """The ledger's key: the canonical one, with a name replaced by its digest (ids and not names)."""
    if isinstance(key, IdentityKey):
        return f"identity:{key.kind}:{hashlib.sha256(key.value.encode()).hexdigest()}"
    return key.canonical


def session_id(key: Key) -> str:
    """The Service Bus session (one of `SHARDS`) under which this key is written, as text `0`..`31`."""
    digest = hashlib.sha256(key.canonical.encode()).digest()
    return str(int.from_bytes(digest) % SHARDS)
