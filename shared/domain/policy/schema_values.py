"""Values of policy.yaml that several of its mappings have: names, texts, object ids, and a word instead of a list.

Lives here: types that pydantic checks, and their words for what is wrong. The mappings are `schema`'s.
"""

import difflib
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictStr, Tag
from pydantic_core import PydanticKnownError

from shared.domain.guids import EXAMPLE, is_guid

WORD, LIST = "(word)", "(list)"
"""The names of a value's two forms in pydantic's locations. No key of the file looks like them."""


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A suggestion: the nearest known word, or all of them."""
    near = difflib.get_close_matches(word.lower(), [each.lower() for each in known], 1)
    if near:
        return f"did you mean {next(each for each in known if each.lower() == near[0])!r}?"
    return f"allowed are {', '.join(known)}"


def object_id(text: str) -> str:
    """An object id, lower-case. Raises ValueError for anything else, as the others do."""
    if not is_guid(text):
        raise ValueError(f"{text!r} is not an object id; it looks like {EXAMPLE}")
    return text.lower()


def filled(text: str) -> str:
    """A name."""
    if text != text.strip() or not text or not text.isprintable():
        raise ValueError(f"{text!r} is no name; write one without space around it")
    return text


def printable(text: str) -> str:
    """A text of which every character can be seen."""
    if not text.isprintable():
        raise ValueError(f"{text!r} has characters that nobody can see; take them out")
    return text


def exact(text: str) -> str:
    """A text without a wildcard."""
    if "*" in text:
        raise ValueError("'*' is a wildcard in name only; write the whole text here, or use name")
    return text


def text_of(value: Any) -> str:
    """A value that has to be a text."""
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return value


def form(value: Any) -> str:
    """Which of its two forms a value has."""
    return WORD if isinstance(value, str) else LIST


class Keys(BaseModel):
    """A mapping of the file, that may have no other keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


type Text = Annotated[StrictStr, Field(min_length=1), AfterValidator(printable)]
type ObjectId = Annotated[StrictStr, AfterValidator(object_id)]
type Word = Annotated[Literal["all", "none"], Tag(WORD)]
