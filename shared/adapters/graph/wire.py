"""What Microsoft Graph answers, as strict models: what does not fit one of these has said nothing.

Only the few shapes that we read live here. A selected attribute that is missing is an error and not a null:
Graph writes `null` for what is empty, so a key that is absent was never read.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from shared.domain.keys import PersonKey
from shared.domain.misfits import in_one_line
from shared.domain.never import is_before_all, is_never
from shared.domain.people import TEXT_ATTRIBUTES, Person
from shared.errors import FailedRead

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
WITHHELD: Final = "withheld"
"""The kind of pydantic's error for a selected attribute of which a part is missing."""

_EXTENSIONS: Final = frozenset(name.partition("/")[2] for name in TEXT_ATTRIBUTES if "/" in name)


def _object_id(value: str) -> str:
    return PersonKey(value).object_id


def _moment(value: Any) -> datetime | None:
    """An Edm.DateTimeOffset in UTC; None where there is none, and for a date that means "never"."""
    if value is None:
        return None
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise ValueError("not a date with time and offset")
    given = datetime.fromisoformat(value)
    if is_before_all(given):
        raise ValueError("a date before everybody's")
    return None if is_never(given) else given.astimezone(UTC)


def _every_extension(value: dict[str, str | None]) -> dict[str, str | None]:
    if missing := _EXTENSIONS - value.keys():
        raise PydanticCustomError(WITHHELD, "without {names}", {"names": ", ".join(sorted(missing))})
    return value


type ObjectId = Annotated[str, AfterValidator(_object_id)]
type Moment = Annotated[datetime | None, PlainValidator(_moment)]
type Extensions = Annotated[dict[str, str | None], AfterValidator(_every_extension)] | None


class Answer(BaseModel):
    """What every answer's model has in common."""

    model_config = ConfigDict(
        strict=True,
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        hide_input_in_errors=True,  # people's names have no place in a log
    )


class ObjectAnswer(Answer):
    """A directory object of which only the id was selected; `odata_type` where it may be of any kind."""

    id: ObjectId
    odata_type: str | None = Field(None, alias="@odata.type")


class DeletedAnswer(ObjectAnswer):
    """A deleted directory object, with when it was deleted as the directory wrote it: nothing is decided by that."""

    deleted_date_time: Any = Field(None, alias="deletedDateTime")

    @property
    def deleted(self) -> datetime | None:
        """The time; None where there is none that can be read."""
        try:
            at = datetime.fromisoformat(self.deleted_date_time)
        except (TypeError, ValueError):
            return None
        return None if at.tzinfo is None else at


class NamedAnswer(Answer):
    """A deleted user of whom the name was selected as well: `user_principal_name` as the directory keeps it then."""

    id: ObjectId
    user_principal_name: str

    def was_called(self, name: str) -> bool:
        """Whether that was their name: the directory puts a deleted user's id before it, without dashes."""
        kept = self.user_principal_name.lower()
        return kept.removeprefix(self.id.replace("-", "")) == name.lower()


class UserAnswer(Answer):
    """A user with everything that `people.SELECT` asks for.

    `user_principal_name` is never null: every user has one, and Graph blanks it together with everything else
    when our permissions show us of a group's members only that they exist.
    """

    id: ObjectId
    display_name: str | None
    account_enabled: bool | None
    user_type: str | None
    employee_hire_date: Moment
    employee_leave_date_time: Moment
    on_premises_extension_attributes: Extensions
    department: str | None
    job_title: str | None
    company_name: str | None
    employee_type: str | None
    employee_id: str | None
    office_location: str | None
    city: str | None
    state: str | None
    country: str | None
    usage_location: str | None
    user_principal_name: str
    mail: str | None

    def person(self) -> Person:
        """The person of whom this tells, without their groups."""
        return Person(
            object_id=self.id,
            account_enabled=self.account_enabled,
            user_type=self.user_type,
            hire_date=self.employee_hire_date,
            leave_date=self.employee_leave_date_time,
            attributes=self._attributes(),
            display_name=self.display_name,
        )

    def _attributes(self) -> Mapping[str, str | None]:
        extensions = self.on_premises_extension_attributes or {}
        return {
            name: extensions.get(name.partition("/")[2]) if "/" in name else getattr(self, _FIELDS[name])
            for name in TEXT_ATTRIBUTES
        }


_FIELDS: Final = {str(field.alias): name for name, field in UserAnswer.model_fields.items()}


class Page[Item: BaseModel](Answer):
    """One page of a listing; `next_link` leads to the next one and may follow an empty page as well."""

    value: list[Item]
    next_link: str | None = Field(None, alias="@odata.nextLink")


class MemberGroupsAnswer(Answer):
    """Which of the groups that were asked about somebody is in."""

    value: list[str]


def parse[Model: BaseModel](model: type[Model], body: bytes, what: str) -> Model:
    """Reads an answer's body; raises `FailedRead` that says what does not fit, but nothing of the answer."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise misfit(error, what) from error


def misfit(error: ValidationError, what: str) -> FailedRead:
    """The failed read that an answer is which does not fit: where, and why, but nothing of the answer."""
    return FailedRead(f"{what}: Graph's answer does not fit: {in_one_line(error, 'body')}")
