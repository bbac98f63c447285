"""The keys of `tests` in policy.yaml: people who are made up, and what they should get.

Lives here: one pydantic model per mapping, as in `schema`.
"""

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import AfterValidator, Discriminator, Field, StrictStr, Tag

from shared.domain.people import TEXT_ATTRIBUTES
from shared.domain.policy.filter_text import suggest_attribute
from shared.domain.policy.schema_values import LIST, Keys, ObjectId, Text, Word, exact, filled, form

USER_TYPE: Final = "userType"


def _attribute(name: str) -> str:
    if name != USER_TYPE and name not in TEXT_ATTRIBUTES:
        raise ValueError(f"{name!r} is not an attribute; {suggest_attribute(name)}")
    return name


type _Names = Annotated[list[Text], Field(min_length=1)]


class ExampleProfileKeys(Keys):
    """A billing profile as examples speak of it: it need not exist."""

    name: Text
    account: Annotated[Text, AfterValidator(exact)] | None = None
    profile: Annotated[Text, AfterValidator(exact)] | None = None
    tag: dict[str, Text] = Field(default_factory=dict)


class ExampleKeys(Keys):
    """Somebody who is made up. `load` checks that something is expected of them."""

    name: Annotated[StrictStr, Field(max_length=200), AfterValidator(filled)]
    person: dict[Annotated[StrictStr, AfterValidator(_attribute)], Text]
    member_of: list[ObjectId] = Field(default_factory=list)
    gets: Annotated[Word | Annotated[_Names, Tag(LIST)], Discriminator(form)] | None = None
    gets_not: _Names = Field(default_factory=list)


class TestsKeys(Keys):
    """The examples of a policy."""

    __test__ = False  # it is called as the key is, and is none of pytest's

    profiles: Annotated[list[ExampleProfileKeys], Field(min_length=1)] | None = None
    examples: list[ExampleKeys] = Field(default_factory=list)


def allowed_in_tests(path: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that the mapping at a path within `tests` may have; none where any may stand."""
    match path:
        case []:
            return tuple(TestsKeys.model_fields)
        case ["profiles", int()]:
            return tuple(ExampleProfileKeys.model_fields)
        case ["examples", int()]:
            return tuple(ExampleKeys.model_fields)
        case _:
            return ()
