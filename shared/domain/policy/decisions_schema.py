"""The keys of `decisions` in policy.yaml: who decides about holds and pauses.

Lives here: one pydantic model per mapping of it, as `schema` has for the rest of the file.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, StrictInt, Tag, model_validator

from shared.domain.policy.model import Always
from shared.domain.policy.schema_values import LIST, WORD, Keys, form


class TwoPeopleKeys(Keys):
    """Which decisions take two people."""

    above: Annotated[StrictInt, Field(ge=0, le=100_000)] | None = None
    """More changes than this at once."""

    always: Annotated[list[Always], Field(min_length=1)] = Field(default_factory=list)
    """However few changes it is."""

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, value: Any) -> Any:
        if value == {}:
            raise ValueError("nothing is written here; give above, always or both, or write none")
        return value


type _TwoPeople = Annotated[
    Annotated[Literal["none"], Tag(WORD)] | Annotated[TwoPeopleKeys, Tag(LIST)], Discriminator(form)
]


class DecisionsKeys(Keys):
    """Who decides about holds and pauses."""

    two_people: _TwoPeople | None = None


def allowed_in_decisions(path: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that the mapping at a path under `decisions` may have; none where there is no mapping."""
    match path:
        case []:
            return tuple(DecisionsKeys.model_fields)
        case ["two_people"]:
            return tuple(TwoPeopleKeys.model_fields)
        case _:
            return ()
