"""The keys of policy.yaml, with their types, limits and defaults.

Lives here: one pydantic model per mapping of the file, which checks single values. `load` checks values against each
other, and `mistakes` has the words for what is wrong.
"""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    PlainValidator,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)

from shared.domain.guids import EXAMPLE, is_guid
from shared.domain.people import TEXT_ATTRIBUTES
from shared.domain.policy.decisions_schema import DecisionsKeys, allowed_in_decisions
from shared.domain.policy.example_schema import TestsKeys, allowed_in_tests
from shared.domain.policy.filter_text import parse_filter, suggest_attribute
from shared.domain.policy.filters import Filter
from shared.domain.policy.model import CHECK_DAYS, EXTERNAL_MEMBERS, STALE_LEAVE_DAYS, Guests
from shared.domain.policy.named_grants import PREFIX
from shared.domain.policy.schema_values import LIST, WORD, Keys, ObjectId, Text, Word, exact, filled, form, text_of
from shared.domain.policy.selectors import template_attributes
from shared.domain.time_zones import zone

VERSION: Final = 1
"""The version of the language that this app reads."""

_ADDRESS: Final = re.compile(r"[^\s@\x00-\x1f\x7f]{1,250}@[^\s@\x00-\x1f\x7f]{1,250}")
"""Whatever is one text around one sign; the directory says whether anybody has it."""

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_LAST_YEAR: Final = 9000

_DAILY_LIMIT = re.compile(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*/\s*(\d{1,6})\s*%?\s*")


def _account_name(text: str) -> str:
    if "/" in text or "*" in text:
        raise ValueError(f"{text!r} is not a billing account's name; write its name alone, without a path or wildcard")
    return filled(text)


def _templates(text: str) -> str:
    for name in template_attributes(text):
        if name not in TEXT_ATTRIBUTES:
            raise ValueError(f"the template {{{name}}} names no attribute; {suggest_attribute(name)}")
    if re.search(r"[{}]", re.sub(r"\{[^{}]*\}", "", text)):
        raise ValueError("a brace stands alone; a template reads {companyName}")
    return text


def _no_templates(text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError("a template stands for a person's attribute, and nobody is meant here; write the text itself")
    return text


def _rule_name(text: str) -> str:
    if text.casefold().startswith(PREFIX):
        raise ValueError(f"{text!r} looks like a named grant, which records call so; write another name")
    return filled(text)


def _no_address(text: str) -> str:
    if "@" in text:
        raise ValueError("the name of a grant is recorded where no address may be; write another one, such as auditor")
    return filled(text)


def _person(text: str) -> str:
    if not is_guid(text) and _ADDRESS.fullmatch(text) is None:
        # It may be somebody's address all the same, and this goes to the log.
        raise ValueError(f"this is neither an address nor an object id; write jane@contoso.com or {EXAMPLE}")
    return text


def _day(value: Any) -> date:
    text = text_of(value)
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError(f"{text!r} is not a day; write the last day, such as 2027-03-31")
    if day.year > _LAST_YEAR:
        raise ValueError(f"{text!r} is no end; take until out where there is none")
    return day


def _filter(value: Any) -> Filter:
    return parse_filter(text_of(value))


def _zone(value: Any) -> ZoneInfo:
    return zone(text_of(value))


def _guests(value: Any) -> Guests:
    if isinstance(value, bool):
        return value
    if value == EXTERNAL_MEMBERS:
        return EXTERNAL_MEMBERS
    remedy = f"write one, without quotes; {EXTERNAL_MEMBERS} lets in those whose userType is Member, true all of them"
    raise ValueError(f"{value!r} is none of false, {EXTERNAL_MEMBERS} and true; {remedy}")


def _version(number: int) -> int:
    if number != VERSION:
        raise ValueError(f"version {number} is not read here; write version: {VERSION}")
    return number


def _daily_limit(value: Any) -> Any:
    """`2/10/20 %` as the mapping that it abbreviates."""
    if isinstance(value, dict | DailyLimitKeys):
        return value
    parts = _DAILY_LIMIT.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        raise ValueError(f"{value!r} is not a daily limit; write floor/count/percent, such as 2/10/20 %")
    return dict(zip(("floor", "count", "percent"), map(int, parts.groups()), strict=True))


type TimeZone = Annotated[ZoneInfo, PlainValidator(_zone)]


type Plain = Annotated[Text, AfterValidator(_no_templates)]
type Templated = Annotated[Text, AfterValidator(_templates)]


class _SelectorKeys[Text](Keys):
    name: Text | None = None
    account: Annotated[Text, AfterValidator(exact)] | None = None
    profile: Annotated[Text, AfterValidator(exact)] | None = None
    tag: Annotated[dict[str, Text], Field(min_length=1)] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _picks_something(cls, value: Any) -> Any:
        if value == {}:
            raise ValueError("an empty selector picks nothing; name something, or write all instead of the list")
        return value


class PlainSelector(_SelectorKeys[Plain]):
    """A selector where nobody is meant: its texts are the texts."""


class RuleSelector(_SelectorKeys[Templated]):
    """A selector of a rule: its texts may be templates, filled in for each person."""


type PlainSelection = Annotated[
    Word | Annotated[list[PlainSelector], Field(min_length=1), Tag(LIST)], Discriminator(form)
]
type RuleSelection = Annotated[
    Word | Annotated[list[RuleSelector], Field(min_length=1), Tag(LIST)], Discriminator(form)
]


class RuleKeys(Keys):
    """One rule. `load` checks that it has `who` or `member_of`."""

    name: Annotated[StrictStr, Field(max_length=64), AfterValidator(_rule_name)]
    """Unique, whatever the case: records and findings name the rule by it."""

    profiles: RuleSelection
    who: Annotated[Filter | None, PlainValidator(_filter)] = None
    member_of: Annotated[list[ObjectId], Field(min_length=1)] = Field(default_factory=list)
    guests: Annotated[Guests, PlainValidator(_guests)] = False


class GrantKeys(Keys):
    """One named grant: a rule for one person, whom it names."""

    name: Annotated[StrictStr, Field(max_length=64 - len(PREFIX)), AfterValidator(_no_address)]
    """Unique, whatever the case: records and findings name the grant by it, and never by the address."""

    person: Annotated[StrictStr, AfterValidator(_person)]
    profiles: RuleSelection
    until: Annotated[date | None, PlainValidator(_day)] = None
    """The last day, in the policy's time zone."""

    why: Annotated[Text, Field(max_length=200), AfterValidator(filled)]
    guests: Annotated[Guests, PlainValidator(_guests)] = False


class EmailInvoicingKeys(Keys):
    """Which profiles shall send their invoices by e-mail."""

    opt_in: PlainSelection = "none"
    min_recipients: Annotated[StrictInt, Field(ge=0, le=100)] = 0
    """Fewer recipients than this on a profile are a finding. Nobody needs a hundred for one invoice."""

    check_days: Annotated[StrictInt, Field(ge=0, le=27)] = CHECK_DAYS
    """Days before a profile's invoice day from which on it is proved that the invoice will reach people; 0 for never.
    Every month has 28 days: with more the checks of two invoices would overlap."""


class EmploymentKeys(Keys):
    """How hire and leave dates are read."""

    lead_days: Annotated[StrictInt, Field(ge=0, le=90)] = 0
    """Days before the hire date at which access is given. Beyond a quarter the date is a plan, not a hire."""

    mover_grace_hours: Annotated[StrictInt, Field(ge=0, le=744)] = 0
    """Hours for which a mover keeps access that no rule gives any more. At most a month: one invoice."""

    time_zone: TimeZone = Field(default_factory=lambda: zone("UTC"))
    """Where days begin and end, by its IANA name."""

    date_zones: Annotated[list[TimeZone], Field(min_length=1, max_length=10)] = Field(default_factory=list)
    """Other zones at whose midnight dates are stored: a Workday tenant writes Pacific midnights. A group of companies
    has a handful of HR systems; with all 24 hours listed, every full hour would be read as a day."""

    stale_leave_days: Annotated[StrictInt, Field(ge=1, le=3650)] = STALE_LEAVE_DAYS
    """An enabled account that still has managed access, and a leave date more than so many days ago, is held: with a
    right date the access would be gone by then. A month is a payroll's run; with ten years nobody is held."""


class DailyLimitKeys(Keys):
    """How much of one kind may be written in 24 h."""

    floor: Annotated[StrictInt, Field(ge=0, le=100_000)]
    count: Annotated[StrictInt, Field(ge=0, le=100_000)]
    percent: Annotated[StrictInt, Field(ge=0, le=100)]

    @model_validator(mode="after")
    def _floor_is_under_count(self) -> Self:
        if self.floor > self.count:
            raise ValueError(f"the floor ({self.floor}) is above the count ({self.count}), which then means nothing")
        return self


type DailyLimitText = Annotated[DailyLimitKeys, BeforeValidator(_daily_limit)]


class DailyLimitsKeys(Keys):
    """The daily limits; one that is left out has its default."""

    mover_revokes: DailyLimitText | None = None
    leaver_revokes: DailyLimitText | None = None
    grants: DailyLimitText | None = None
    profile_updates: DailyLimitText | None = None


class PolicyKeys(Keys):
    """The whole file."""

    version: Annotated[StrictInt, AfterValidator(_version)]
    rules: list[RuleKeys]
    grants: list[GrantKeys] = Field(default_factory=list)
    accounts: Annotated[
        Annotated[Literal["all"], Tag(WORD)]
        | Annotated[list[Annotated[StrictStr, AfterValidator(_account_name)]], Field(min_length=1), Tag(LIST)],
        Discriminator(form),
    ] = "all"
    enforce: PlainSelection = "none"
    email_invoicing: EmailInvoicingKeys = EmailInvoicingKeys()
    employment: EmploymentKeys = Field(default_factory=EmploymentKeys)
    daily_limits: DailyLimitsKeys = DailyLimitsKeys()
    decisions: DecisionsKeys = DecisionsKeys()
    protected: list[ObjectId] = Field(default_factory=list)
    tests: TestsKeys = TestsKeys()


def allowed_keys(path: Sequence[str | int]) -> tuple[str, ...]:
    """The keys that the mapping at a path of the file may have; none where any may stand (a tag's name)."""
    match path:
        case []:
            model: type[Keys] = PolicyKeys
        case ["rules" | "grants" as key, int()]:
            model = RuleKeys if key == "rules" else GrantKeys
        case ["rules" | "grants", int(), "profiles", int()] | ["enforce", int()] | ["email_invoicing", "opt_in", int()]:
            model = RuleSelector
        case ["email_invoicing"]:
            model = EmailInvoicingKeys
        case ["employment"]:
            model = EmploymentKeys
        case ["decisions", *within]:
            return allowed_in_decisions(within)
        case ["daily_limits"]:
            model = DailyLimitsKeys
        case ["daily_limits", str()]:
            model = DailyLimitKeys
        case ["tests", *within]:
            return allowed_in_tests(within)
        case _:
            return ()
    return tuple(model.model_fields)
