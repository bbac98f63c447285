"""BambooHR: event-based and field-based webhooks, as JSON or as a form, with BambooHR's own signature.

BambooHR names an employee by its own id. Where the webhook posts the employee number (`Employee #`) or the work
e-mail, those are the better names, as the directory has them. A posted hire or termination date is checked again
on that day.

Source: BambooHR, "Event-Based Webhooks", "Field-Based Webhooks" and the signature sample of "Webhooks": hex
HMAC-SHA256 over body and timestamp, in this order, without anything between. The timestamp was seen as seconds since
1970 and as ISO 8601.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from shared.errors import Rejected, Unreadable
from shared.sources.events import Ignored, as_value
from shared.sources.posted import Posted, WrongMediaType
from shared.sources.signatures import Signature
from shared.sources.source import FORM, JSON, Body, Found, Id, Recorded, Refused, Source, read_body, told
from shared.sources.strict_json import ITEMS_AT_MOST, JsonObject, as_object, kind_of, parse, shown

_REMEDY: Final = "Let BambooHR post it unchanged: an event-based or a field-based webhook, as JSON or as a form"
_NUMBERS: Final = ("employee #", "employee number", "employeenumber")
_MAILS: Final = ("work email", "workemail")
_DATES: Final = ("hire date", "hiredate", "termination date", "terminationdate")
_NO_DATE: Final = "0000-00-00"
# PHP's way of writing nested names in a form: employees[123][Hire Date], data[employeeId].
_NESTED: Final = re.compile(r"(?P<root>[^\[\]]+)(?P<keys>(?:\[[^\[\]]*\])*)")


def _no_fields(value: Any) -> Any:
    """PHP writes an empty array where there are no fields; null says the same."""
    return {} if value is None or value == [] else value


_FIELDS: Final = WithJsonSchema(
    {
        "anyOf": [{"type": "object"}, {"type": "null"}, {"type": "array", "maxItems": 0}],
        "description": "Employee #, Work Email, Hire Date and Termination Date are read, as values or in `value`",
    }
)


class Change(Body):
    """What an event-based webhook says of one employee."""

    employee_id: Id = Field(alias="employeeId")
    company_id: Recorded = Field(None, alias="companyId")


class EventBody(Body):
    """An event-based webhook: one employee."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["employees"]}})

    type: Recorded = None
    timestamp: Recorded = None
    data: Change


class Employee(Body):
    """One employee of a field-based webhook; a field is its value, or an object that has it in `value`."""

    id: Id
    action: Recorded = None
    timestamp: Recorded = None
    fields: Annotated[dict[str, Any], BeforeValidator(_no_fields), _FIELDS] = Field(default_factory=dict)


class FieldsBody(Body):
    """A field-based webhook: several employees with the fields that it was told to post."""

    employees: list[Employee]


def read(posted: Posted) -> Sequence[Found | Ignored | Refused]:
    """One event per employee, or one per date where hire and termination date were both posted."""
    match posted.media_type:
        case "application/json":
            value = parse(posted.body)
        case "application/x-www-form-urlencoded":
            value = _form(posted.body)
        case _:
            raise WrongMediaType(f"{JSON} or {FORM}")
    digest = hashlib.sha256(posted.body).hexdigest()[:16]
    if isinstance(value, JsonObject) and "employees" in value:
        employees = as_object(value, "", _REMEDY)["employees"]
        if not isinstance(employees, list):
            raise Rejected("employees", f"it is {kind_of(employees)}, not an array", _REMEDY)
        found: list[Found | Ignored | Refused] = []
        for place, employee in enumerate(employees):
            try:
                found += _of_fields(read_body(Employee, employee, _REMEDY, f"employees[{place}]"), place, digest)
            except Rejected as rejected:
                found.append(Refused(as_value(rejected), employee))
        return found or [Ignored("a webhook without employees")]
    event = read_body(EventBody, value, _REMEDY)
    return [
        told(
            subject=(f"employee-id:{event.data.employee_id}", "data.employeeId"),
            source=f"/bamboohr/{event.data.company_id or 'unknown'}",
            event_id=f"{event.timestamp or digest}/{event.data.employee_id}",
            event_type=f"bamboohr.{event.type or 'unknown'}",
        )
    ]


def _of_fields(employee: Employee, place: int, digest: str) -> Sequence[Found]:
    at = f"employees[{place}]"
    fields = {name.strip().casefold(): (name, _value(value)) for name, value in employee.fields.items()}
    subject = (f"employee-id:{employee.id}", f"{at}.id")
    for kind, names in (("employee-id", _NUMBERS), ("mail", _MAILS)):
        named = next((fields[name] for name in names if name in fields and fields[name][1]), None)
        if named is not None:
            subject = (f"{kind}:{named[1]}", f"{at}.fields.{shown(named[0])}")
            break
    dates = [fields[name] for name in _DATES if name in fields and fields[name][1] not in {"", _NO_DATE}]
    return [
        told(
            subject=subject,
            source="/bamboohr",
            event_id=f"{employee.timestamp or digest}/{employee.id}" + (f"/{name}" if name else ""),
            event_type=f"bamboohr.{employee.action or 'changed'}",
            effective=(date, f"{at}.fields.{shown(name)}") if name else None,
            place=at,
        )
        for name, date in dates or [("", "")]
    ]


def _value(value: Any) -> str:
    """The text of a posted field; "" for what is none."""
    inner = value.get("value") if isinstance(value, Mapping) else value
    return inner.strip() if isinstance(inner, str) else ""


def _form(body: bytes) -> JsonObject:
    """A form as the JSON that BambooHR would have posted; the employees of a form are named by their ids."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=20 * ITEMS_AT_MOST)
    except ValueError as error:
        raise Unreadable("body", "it is no form in UTF-8", _REMEDY) from error
    made = JsonObject()
    employees: dict[str, JsonObject] = {}
    for name, value in pairs:
        found = _NESTED.fullmatch(name)
        if found is None:
            continue
        keys = re.findall(r"\[([^\[\]]*)\]", found["keys"])
        match (found["root"], keys):
            case ("employees", [who, field]):
                employees.setdefault(who, JsonObject(id=who, fields=JsonObject()))["fields"][field] = value
            case ("employees", [who, *_]):
                employees.setdefault(who, JsonObject(id=who, fields=JsonObject()))
            case ("data", [field]):
                made.setdefault("data", JsonObject())[field] = value
            case (root, []) if root in {"type", "timestamp"}:
                made[root] = value
            case _:
                pass  # changed fields, and whatever else: what is used is read from the directory
    if employees:
        made["employees"] = list(employees.values())
    return made


BAMBOOHR = Source(
    name="bamboohr",
    summary="BambooHR webhooks (event-based or field-based; JSON or form), signed by BambooHR",
    proof=Signature(header="X-BambooHR-Signature", stamp_header="X-BambooHR-Timestamp", signed="{body}{stamp}"),
    keys=lambda settings: settings.bamboohr_keys,
    bodies={
        JSON: {"anyOf": [EventBody, FieldsBody]},
        FORM: {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "`data[employeeId]`, or `employees[<id>][<field>]` for each",
        },
    },
    read=read,
    example={
        "type": "employee.updated",
        "timestamp": "2026-01-31T18:42:00+0000",
        "data": {"companyId": "12345", "employeeId": "67890", "changedFields": ["hireDate"]},
    },
)
