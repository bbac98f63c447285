"""Examples of a policy: people who are made up, and what they should get and not get.

Only the shape lives here. `load` reads it from YAML; `shared.domain.access.examples` judges it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Whole(StrEnum):
    """The two words that may stand for the profiles that somebody should get."""

    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ExampleProfile:
    """A billing profile as examples speak of it. Where `account` or `profile` are None, any will do."""

    name: str
    account: str | None = None
    profile: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Example:
    """Somebody who is employed, has these texts (`userType` among them) and is in these groups.

    They should get the profiles in `gets`, all or none of them (None: nothing is said), and none in `gets_not`.
    Profiles are called by name or id. `line` is where the example stands in the file.
    """

    name: str
    texts: Mapping[str, str]
    groups: frozenset[str] = frozenset()
    gets: Whole | tuple[str, ...] | None = None
    gets_not: tuple[str, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples of a policy. Without `profiles` they speak of those that exist."""

    profiles: tuple[ExampleProfile, ...] = ()
    examples: tuple[Example, ...] = ()
