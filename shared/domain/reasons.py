"""Reasons: why something was done, held, found or left alone, as a code with its facts.

Lives here: the codes, with the names of the facts that each has, and the value that is kept and passed on. The words
are `shared.wording`'s, and are made when somebody reads: people read them in several languages, and programs none.

A fact is what JSON has: a text, a whole number, several texts, or other reasons where one rests on another. A moment
is an ISO text with its offset. Ids, and never names of people. What a person, an error or another system said in their
own words is a fact called `said`. Errors that are raised stay text (`shared.errors`): their raiser knows no reader.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

type Fact = str | int | tuple[str, ...] | "Reason" | tuple["Reason", ...]


class Code(StrEnum):
    """What a reason says, each with the names of its facts. `Code.GIVEN_BY(rules=("finance",))` is the reason."""

    facts: frozenset[str]

    def __new__(cls, value: str, facts: str = "") -> Self:
        """A member: its value, and the names of its facts."""
        code = str.__new__(cls, value)
        code._value_ = value
        code.facts = frozenset(facts.split())
        return code

    def __call__(self, **facts: Fact) -> "Reason":
        """The reason with these facts."""
        return Reason(self, facts)

    SAID = "said", "said"
    """Words that are not ours: a person's, or those of an error or of another system."""

    # -- where a person stands with the company
    EMPLOYED = "employed"
    DELETED = "deleted"
    ACCOUNT_DISABLED = "account-disabled"
    DISABLED_UNTIL_HIRE_DATE = "disabled-until-hire-date", "hired"
    HIRE_DATE_TO_COME = "hire-date-to-come", "hired"
    LEAVE_DATE_PAST = "leave-date-past", "left"
    NOT_IN_DIRECTORY = "not-in-directory"
    PERSON_UNREADABLE = "person-unreadable", "said"


@dataclass(frozen=True, slots=True)
class Reason:
    """A code with its facts. Raises ValueError where the facts are not those of the code."""

    code: Code
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.facts.keys() != self.code.facts:
            raise ValueError(
                f"the facts of '{self.code}' are {_listed(self.code.facts)}, and not {_listed(self.facts)}"
            )

    def __hash__(self) -> int:
        return hash((self.code, frozenset(self.facts.items())))

    def as_json(self) -> dict[str, Any]:
        """For a store, and for programs: `{"code": ...}`, and `facts` where the code has any."""
        if not self.facts:
            return {"code": self.code.value}
        return {"code": self.code.value, "facts": {name: _plain(fact) for name, fact in self.facts.items()}}

    @classmethod
    def read(cls, given: object) -> Self:
        """The reason that `as_json` spelled. Raises ValueError for anything else, as of a later build."""
        if not isinstance(given, dict) or not {"code"} <= given.keys() <= {"code", "facts"}:
            raise ValueError("a reason is a code, and its facts")
        try:
            code = Code(given["code"])
        except ValueError:
            raise ValueError(f"this build knows no reason {given['code']!r}; a later one wrote it") from None
        facts = given.get("facts", {})
        if not isinstance(facts, dict):
            raise ValueError(f"the facts of '{code}' are no object")  # noqa: TRY004 - a value that does not fit
        return cls(code, {name: _fact(fact) for name, fact in facts.items()})


def _plain(fact: Fact) -> object:
    if isinstance(fact, Reason):
        return fact.as_json()
    return [_plain(one) for one in fact] if isinstance(fact, tuple) else fact


def _fact(given: object) -> Fact:
    match given:
        case str() | int() if not isinstance(given, bool):
            return given
        case list() if all(isinstance(one, str) for one in given):
            return tuple(given)
        case list():
            return tuple(map(Reason.read, given))
        case _:
            return Reason.read(given)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"
