"""One fact of a person that is otherwise than it is: for a question that begins with "what if".

Lives here: what such a fact is, how people write it, and the person it makes. What would follow is `why`'s.
"""

import difflib
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Final

from shared.domain.guids import is_guid
from shared.domain.people import TEXT_ATTRIBUTES, Person

MEMBER_OF: Final = "memberOf"
ENABLED: Final = "accountEnabled"
USER_TYPE: Final = "userType"
HIRED: Final = "employeeHireDate"
LEFT: Final = "employeeLeaveDateTime"

CHANGEABLE: Final = (*TEXT_ATTRIBUTES, MEMBER_OF, ENABLED, USER_TYPE, HIRED, LEFT)
"""What of a person can be otherwise, as Graph names it."""

_ANOTHER: Final = "\uffff another text"
"""Stands for any text that no policy asks for: it begins with what is no character, and nothing compares with that."""


@dataclass(frozen=True, slots=True)
class Change:
    """A fact that is otherwise: an attribute has this text, None for none.

    With `no_longer` it is another text than that, whichever; with None, any at all. For `memberOf` the text is a
    group's object id: they are in it as well, or no longer; None for in none. For dates it is ISO, a day or a moment.
    """

    attribute: str
    text: str | None
    no_longer: bool = False

    def __str__(self) -> str:
        if self.attribute == MEMBER_OF:
            return f"{'not ' * self.no_longer}member of {self.text or 'no group'}"
        return f"{self.attribute} {'not ' * self.no_longer}{self.text or 'blank'}"

    def of(self, person: Person) -> Person:
        """The person with this fact otherwise. Raises ValueError for a text that cannot be one, which says why."""
        match self.attribute:
            case "memberOf":
                return replace(person, groups=self._groups(person.groups))
            case "accountEnabled":
                return replace(person, account_enabled=_truth(self.text))
            case "userType":
                return replace(person, user_type=self.text)
            case "employeeHireDate":
                return replace(person, hire_date=_moment(self.text))
            case "employeeLeaveDateTime":
                return replace(person, leave_date=_moment(self.text))
            case _:
                text = _ANOTHER if self.no_longer else self.text
                return replace(person, attributes={**person.attributes, self.attribute: text})

    def _groups(self, groups: frozenset[str]) -> frozenset[str]:
        if self.text is None:
            return frozenset()
        if not is_guid(self.text):
            raise ValueError(f"{self.text!r} is no group's object id")
        return groups - {self.text.lower()} if self.no_longer else groups | {self.text.lower()}


def read_change(text: str) -> Change:
    """Reads `attribute=text`, as people write it; nothing behind the sign is blank.

    `memberOf=ID` is in that group as well, `memberOf!=ID` no longer. Raises ValueError, which says what to write.
    """
    attribute, sign, value = text.partition("=")
    no_longer = attribute.endswith("!")
    attribute = attribute.removesuffix("!").strip()
    if not sign:
        raise ValueError(f"{text!r} sets nothing; write attribute=text, such as jobTitle=Controller")
    known = next((one for one in CHANGEABLE if one.lower() == attribute.lower()), None)
    if known is None:
        raise ValueError(f"{attribute!r} is not an attribute; {_nearest(attribute)}")
    if no_longer and known != MEMBER_OF:
        raise ValueError(f"{text!r}: != is for memberOf only; write {known}= and the text it has instead")
    value = value.strip() if known in {MEMBER_OF, ENABLED, USER_TYPE, HIRED, LEFT} else value
    change = Change(known, value if value.strip() else None, no_longer)
    try:
        change.of(Person("", None, None, None, None, dict.fromkeys(TEXT_ATTRIBUTES)))  # whoever it is
    except ValueError as wrong:
        raise ValueError(f"{known}: {wrong}") from wrong
    return change


def _nearest(attribute: str) -> str:
    near = difflib.get_close_matches(attribute.lower(), [one.lower() for one in CHANGEABLE], 1)
    if near:
        return f"did you mean {next(one for one in CHANGEABLE if one.lower() == near[0])!r}?"
    return f"allowed are {', '.join(one for one in CHANGEABLE if '/' not in one)} and {_EXTENSIONS}"


def _truth(text: str | None) -> bool | None:
    if text is None:
        return None
    if text.lower() not in {"true", "false"}:
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


def _moment(text: str | None) -> datetime | None:
    """A moment, in UTC where it says no zone. A mere day is midnight UTC, as the directory keeps one."""
    if text is None:
        return None
    try:
        if len(text) <= _DAY_CHARACTERS:
            return datetime.combine(date.fromisoformat(text), time.min, UTC)
        moment = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise ValueError(f"{text!r} is not a date; write 2026-04-01") from wrong
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


_DAY_CHARACTERS: Final = len("2026-04-01")
_EXTENSIONS: Final = "onPremisesExtensionAttributes/extensionAttribute1 to 15"
