"""Microsoft.Billing's JSON (api-version 2024-04-01), read into the app's own facts.

Lives here: the models of what we read and the bodies of what we send. An answer that lacks what a decision
rests on is a failed read that names what is missing, never an empty one. No request is made here.

The client library's own models are not used: they read a list without `value` as an empty list, and an object
without its properties as one whose properties are None.
"""

import json
import math
import re
from collections.abc import Iterator, Sequence
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from itertools import islice
from typing import Annotated, Any, Final, Self
from urllib.parse import unquote

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel

from shared.domain.access.opt_in import FLAG, writable
from shared.domain.billing import (
    INVOICE_MANAGER,
    MANAGED_AGREEMENTS,
    AccountAssignment,
    Assignment,
    BillingAccount,
    BillingProfile,
    UnreadRow,
)
from shared.domain.keys import ProfileKey
from shared.domain.misfits import in_one_line, place_of
from shared.errors import FailedRead

_PROFILE_ID: Final = re.compile(
    r"/?providers/Microsoft\.Billing/billingAccounts/([^/]+)/billingProfiles/([^/]+)/?", re.IGNORECASE
)
_MOST_MISTAKES = 5
_WHOLE: Final = "the answer"
_MISFIT: Final = f"{_WHOLE} does not fit: "


def _moment(value: Any) -> Any:
    """A timestamp of seven fraction digits; the least date of .NET (year 1) means that there is none.

    The year 9999 is no year in which anything was made, and its last hours are beyond what UTC can show.
    """
    if not isinstance(value, str):
        return value
    moment = datetime.fromisoformat(value)
    if moment.year == MINYEAR:
        return None
    if moment.year == MAXYEAR:
        # Not the nearest date that fits: an intent of ours before it would make somebody else's row managed.
        raise ValueError("a date on which nothing was made")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


type Text = Annotated[str, StringConstraints(min_length=1)]
type Moment = Annotated[datetime | None, BeforeValidator(_moment)]


class _Wire(BaseModel):
    """A piece of an answer: strict types, and whatever else the service says is left alone."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, alias_generator=to_camel)


class _Page(_Wire):
    value: list[dict[str, Any]]
    next_link: str | None = None


class _AccountProperties(_Wire):
    agreement_type: Text
    account_status: str | None = None
    display_name: str | None = None

    @model_validator(mode="after")
    def _status_where_it_matters(self) -> Self:
        if self.agreement_type.lower() in MANAGED_AGREEMENTS and not self.account_status:
            raise ValueError("accountStatus is missing")
        return self


class _Account(_Wire):
    id: Text
    name: Text
    properties: _AccountProperties


class _ProfileProperties(_Wire):
    display_name: Text
    status: Text
    invoice_email_opt_in: bool | None = None
    tags: dict[str, str] | None = None


class _Profile(_Wire):
    id: Text
    name: Text
    tags: dict[str, str] | None = None
    properties: _ProfileProperties


class _AssignmentProperties(_Wire):
    principal_id: Text
    role_definition_id: Text
    scope: str | None = None
    principal_type: str | None = None
    principal_tenant_id: str | None = None
    created_by_principal_id: str | None = None
    created_on: Moment = None


class _Assignment(_Wire):
    id: Text
    name: Text
    properties: _AssignmentProperties


def read_json(content: bytes, what: str) -> Any:
    """Reads a body; raises `FailedRead` for what is not JSON, and for what nobody could write down as JSON again."""
    endless = False

    def number(text: str) -> float:
        nonlocal endless
        value = float(text)
        endless = endless or not math.isfinite(value)
        return value

    try:
        body = json.loads(content, parse_float=number, parse_constant=number)
        # Of what is ASCII without an escape every text can be written: looking costs less than writing it all down.
        is_plain = content.isascii() and b"\\u" not in content and not endless
        odd = [] if is_plain or _can_be_written(body) else list(islice(_odd(body), _MOST_MISTAKES))
    except (ValueError, RecursionError) as error:
        raise FailedRead(f"{what}: the answer is not JSON ({error})") from error
    if odd:
        raise FailedRead(f"{what}: {_MISFIT}{'; '.join(odd)}")
    return body


def read_page(body: Any, what: str) -> tuple[list[dict[str, Any]], str | None]:
    """One page of a list: its rows, and the link to the next page (None at the end)."""
    page = _fit(_Page, body, what)
    return page.value, page.next_link or None


def read_account(row: Any, what: str) -> BillingAccount:
    """A billing account of any agreement type."""
    account = _fit(_Account, row, what)
    return BillingAccount(
        name=unquote(account.name),
        display_name=account.properties.display_name or "",
        agreement_type=account.properties.agreement_type,
        status=account.properties.account_status or "",
    )


def read_profile(row: Any, account: str, what: str) -> BillingProfile:
    """A profile of `account`, its key spelled as its id and name spell it."""
    profile = _fit(_Profile, row, what)
    named = _PROFILE_ID.fullmatch(profile.id)
    if named is None:
        raise FailedRead(f"{what}: id is not a billing profile's: {profile.id}")
    try:
        key, asked = ProfileKey(named[1], profile.name), ProfileKey(account, named[2])
    except ValueError as error:
        raise FailedRead(f"{what}: {error}") from error
    if key != asked:
        raise FailedRead(f"{what}: the answer is about another profile, {profile.id} named {profile.name}")
    tags = profile.properties.tags if profile.tags is None else profile.tags
    return BillingProfile(
        key=key,
        display_name=profile.properties.display_name,
        status=profile.properties.status,
        invoice_email_opt_in=profile.properties.invoice_email_opt_in,
        tags=tags or {},
        properties=row["properties"],
    )


def read_assignment(row: Any, profile: ProfileKey, what: str) -> Assignment | None:
    """An assignment made at `profile`; None for one that says it was made elsewhere and is inherited.

    The role is the last segment of its definition's id: ids of the same role differ by scope, and the
    published examples put a profile's role under the account.
    """
    assignment = _fit(_Assignment, row, what)
    properties = assignment.properties
    if properties.scope and not _is_at(properties.scope, profile):
        return None
    return Assignment(
        profile=profile,
        name=assignment.name,
        role=_last_segment(properties.role_definition_id),
        principal_id=properties.principal_id.lower(),
        principal_type=properties.principal_type,
        created_by=(properties.created_by_principal_id or "").lower() or None,
        created_on=properties.created_on,
        principal_tenant=(properties.principal_tenant_id or "").lower() or None,
    )


def read_listed_assignment(row: Any, profile: ProfileKey, what: str) -> Assignment | UnreadRow | None:
    """A row of a list, as `read_assignment`; one that does not fit is unread where it says its name and its role.

    The service's schema does not require a principal: rows for Everyone and for a principal of another kind of account
    have none. A row without name, role or properties is no row of the service's, and fails the list.
    """
    try:
        return read_assignment(row, profile, what)
    except FailedRead as misfit:
        match row:
            case {"name": str(name), "properties": {"roleDefinitionId": str(), **rest}} if name:
                if isinstance(scope := rest.get("scope"), str) and scope and not _is_at(scope, profile):
                    return None
                return UnreadRow(profile, name, misfit.reason.removeprefix(f"{what}: {_MISFIT}"))
        raise


def read_account_assignment(row: Any, account: str, what: str) -> AccountAssignment | str | None:
    """A row of an account's list; None for one made elsewhere, and its name where it says too little.

    A row without name, role or properties is no row of the service's, and fails the list.
    """
    match row:
        case {"name": str(name), "properties": {"roleDefinitionId": str(), **rest}} if name:
            if isinstance(scope := rest.get("scope"), str) and scope and _last_segment(scope) != account.lower():
                return None
            try:
                properties = _fit(_Assignment, row, what).properties
            except FailedRead:
                return name
            return AccountAssignment(
                account=account,
                name=name,
                role=_last_segment(properties.role_definition_id),
                principal_id=properties.principal_id.lower(),
                principal_type=properties.principal_type,
                created_by=(properties.created_by_principal_id or "").lower() or None,
                created_on=properties.created_on,
                principal_tenant=(properties.principal_tenant_id or "").lower() or None,
            )
    raise FailedRead(f"{what}: {_MISFIT}a row has no name or no role")


def made_by(content: bytes) -> str | None:
    """Who made the assignment that the answer to a create shows; None where it does not show that.

    The answer is no proof of anything: whoever needs one reads the assignment back.
    """
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    match body:
        case {"properties": {"createdByPrincipalId": str(creator)}} if creator:
            return creator.lower()
        case _:
            return None


def assignment_name(principal_id: str) -> str:
    """The name of a person's Invoice manager assignment: role and principal, the same on every profile."""
    return f"{INVOICE_MANAGER}_{principal_id.lower()}"


def grant_body(profile_path: str, principal_id: str, tenant_id: str) -> dict[str, Any]:
    """The body of createBillingRoleAssignment: flat, since 2024-04-01."""
    return {
        "principalId": principal_id.lower(),
        "principalTenantId": tenant_id,
        "roleDefinitionId": f"{profile_path}/billingRoleDefinitions/{INVOICE_MANAGER}",
    }


def opt_in_body(profile: BillingProfile) -> dict[str, Any]:
    """The body of the PUT that turns invoice e-mail on: every other writable field as it was read.

    Tags are in the envelope or among the properties; the schema has both places. They go back to where they
    came from, and into the envelope in any case.
    """
    properties = writable(profile) | {FLAG: True}
    if "tags" in profile.properties:
        properties["tags"] = profile.properties["tags"]
    body: dict[str, Any] = {"properties": properties}
    if profile.tags:
        body["tags"] = dict(profile.tags)
    return body


def _can_be_written(value: Any) -> bool:
    """Whether a value can be written down again, as digests, ledger and queues do.

    JSON can spell half of a surrogate pair and a number beyond every number (`1e999`), and its reader takes both: the
    one has no UTF-8, the other no digits.
    """
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return False
    return True


def _odd(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[str]:
    """What of a value keeps it from being written down again, by its place."""
    match value:
        case str() if not _can_be_written(value):
            yield f"{_place(place)}: its text is not Unicode"
        case float() if not math.isfinite(value):
            yield f"{_place(place)}: its number is none"
        case list():
            for number, inner in enumerate(value):
                yield from _odd(inner, (*place, number))
        case dict():
            for name, inner in value.items():
                if _can_be_written(name):
                    yield from _odd(inner, (*place, name))
                else:
                    yield f"{_place(place)}: the text of a name in it is not Unicode"


def _fit[Model: _Wire](model: type[Model], body: Any, what: str) -> Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise FailedRead(f"{what}: {_MISFIT}{in_one_line(error, _WHOLE)}") from error


def _place(path: Sequence[str | int]) -> str:
    return place_of(path) or _WHOLE


def _is_at(scope: str, profile: ProfileKey) -> bool:
    return _last_segment(scope) == profile.profile.lower()


def _last_segment(identifier: str) -> str:
    return unquote(identifier.rstrip("/").rpartition("/")[2]).lower()
