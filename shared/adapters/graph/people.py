"""People in Microsoft Graph's answers, read one by one: one odd person says nothing about the others.

Lives here: telling an answer that does not fit from a person whose attributes do not. An answer that fits is read as a
whole, which is the usual and by far the fastest case.
"""

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from pydantic import Field, ValidationError
from pydantic_core import ErrorDetails

from shared.adapters.graph.wire import WITHHELD, Answer, Page, UserAnswer, misfit
from shared.domain.keys import PersonKey
from shared.domain.misfits import details_of, said_of
from shared.domain.people import SELECT, TEXT_ATTRIBUTES, ListedPerson, UnreadablePerson
from shared.errors import FailedRead

_NAME: Final = "userPrincipalName"

_UNUSED: Final = "displayName"
"""The selected attribute by which nothing is decided: no value of it makes a person unreadable."""

_ATTRIBUTES: Final = {*SELECT, *(name.rpartition("/")[2] for name in TEXT_ATTRIBUTES)}


class _LoosePage(Answer):
    """A page whose people may be anything."""

    value: list[dict[str, Any]]
    next_link: str | None = Field(None, alias="@odata.nextLink")


def read_person(body: bytes, what: str) -> ListedPerson:
    """Reads the answer about one person. Raises `FailedRead` if it does not say whom it is about.

    It also raises if a selected attribute is missing: with only one person in an answer, nobody can tell whether the
    person or the answer is odd. That the account is disabled is believed if no selected attribute is missing.
    """
    try:
        return UserAnswer.model_validate_json(body).person()
    except ValidationError as error:
        given = as_python(body, what)
        if not isinstance(given, dict):
            raise misfit(error, what) from error
        person = _read(given, what)
        if isinstance(person, UnreadablePerson) and person.withheld and person.account_enabled is not False:
            raise misfit(error, what) from error
        return person


def read_people(body: bytes, what: str) -> tuple[Sequence[ListedPerson], str | None]:
    """Reads one page of people, and the link to the next. Raises `FailedRead` if it does not say whom it lists."""
    try:
        page = Page[UserAnswer].model_validate_json(body)
    except ValidationError:
        try:
            loose = _LoosePage.model_validate(as_python(body, what))
        except ValidationError as error:
            raise misfit(error, what) from error
        return [_read(one, f"{what}: no. {n}") for n, one in enumerate(loose.value)], loose.next_link
    return [answer.person() for answer in page.value], page.next_link


async def unless_withheld(people: AsyncIterator[ListedPerson], what: str) -> AsyncIterator[ListedPerson]:
    """The people of a listing. Raises `FailedRead` at its end if all of them lack the same selected attribute.

    Then the attribute was never read. If only some of them lack it, these are unreadable.
    """
    lacking: frozenset[str] | None = None
    async for person in people:
        lacks = person.withheld if isinstance(person, UnreadablePerson) else frozenset[str]()
        lacking = lacks if lacking is None else lacking & lacks
        yield person
    if lacking:
        raise FailedRead(f"{what}: Graph's answers leave out {', '.join(sorted(lacking))} of everybody")


def _read(given: dict[str, Any], what: str) -> ListedPerson:
    try:
        return UserAnswer.model_validate(given).person()
    except ValidationError as error:
        problems = details_of(error)
        odd = {problem["loc"][0] for problem in problems}
        if "id" in odd:
            raise misfit(error, what) from error
        if odd == {_UNUSED} and _UNUSED in given:
            return _read({**given, _UNUSED: None}, what)
        enabled = given.get("accountEnabled")
        is_cut = any(problem["type"] == "missing" for problem in problems)  # then nothing of it is believed
        return UnreadablePerson(
            PersonKey(given["id"]).object_id,
            enabled if isinstance(enabled, bool) and not is_cut else None,
            tuple(f"{_place(problem)}: {said_of(problem)}" for problem in problems),
            frozenset(str(problem["loc"][0]) for problem in problems if _is_withheld(problem, given)),
        )


def _place(problem: ErrorDetails) -> str:
    """The attribute that a problem is about, without keys that were not asked for, which may be anything."""
    return "/".join(str(part) for part in problem["loc"] if part in _ATTRIBUTES)


def _is_withheld(problem: ErrorDetails, given: dict[str, Any]) -> bool:
    # Every user has a name; without the permission to see more than the object's existence it comes as null.
    blanked = problem["loc"] == (_NAME,) and given.get(_NAME) is None
    return blanked or problem["type"] in {"missing", WITHHELD}


def as_python(body: bytes, what: str) -> Any:
    """The answer, even if some texts in it are not UTF-8 or have raw control characters.

    A text that could not be stored becomes bytes, which fit no attribute.
    """
    try:
        return _writable(json.loads(body.decode("utf-8", "surrogateescape"), strict=False))
    except (ValueError, RecursionError) as error:
        raise FailedRead(f"{what}: Graph's answer does not fit: body: Invalid JSON") from error


def _writable(value: Any) -> Any:
    match value:
        case str():
            return value if _is_writable(value) else b""
        case list():
            return [_writable(one) for one in value]
        case dict():
            return {name: _writable(one) for name, one in value.items() if _is_writable(name)}
        case _:
            return value


def _is_writable(text: str) -> bool:
    """Whether a text has no half of a surrogate pair, which JSON can escape and no log, row or message can hold."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
