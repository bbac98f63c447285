"""CloudEvents 1.0: whom an event is about.

Our own senders' events name a person in `subject`; Event Grid's name a user or a group of Microsoft Graph
there. The cloudevents library judges the attributes that the specification defines; what it does not define
is ignored. The library's own reader is not used: it makes up an `id` and a `specversion` that are missing,
and refuses an event for a field that it does not know.

Source: CloudEvents 1.0.2, and its JSON event format.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from cloudevents.core.exceptions import CloudEventValidationError, InvalidAttributeTypeError
from cloudevents.core.v1.event import OPTIONAL_ATTRIBUTES, REQUIRED_ATTRIBUTES, CloudEvent

from shared.domain.keys import NameKey, NameKind, PersonKey
from shared.errors import Rejected
from shared.sources.effective import read_effective
from shared.sources.events import Ignored, PersonEvent, Read, as_value
from shared.sources.graph_notification import Named, lifecycle, read_change, read_resource
from shared.sources.refused import TYPE as REFUSED
from shared.sources.refused import read_carried
from shared.sources.strict_json import JsonObject, as_object, as_text, kind_of, parse, shown

_ATTRIBUTES: Final = (*REQUIRED_ATTRIBUTES, *OPTIONAL_ATTRIBUTES)
_NAMED: Final = re.compile(r"(?P<kind>id|upn|mail|employee-id)\s*:(?P<value>.*)", re.IGNORECASE)
# Event Grid's word for what happened; Microsoft's own samples compare it without regard to case.
_GRAPH: Final = re.compile(r"microsoft\.graph\.(?P<what>[a-z]{1,64})", re.ASCII | re.IGNORECASE)
# RFC 3339, as the specification asks; fractions of any length, as .NET writes seven digits.
_TIMESTAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)

_SUBJECT_REMEDY: Final = (
    "Name one person: 'id:<object id>', 'upn:<user principal name>', 'mail:<address>' or 'employee-id:<number>'"
)
_REMEDIES: Final = {
    "specversion": (
        'Send a CloudEvents 1.0 event in structured mode, with "specversion": "1.0" '
        "(in Event Grid: choose the CloudEvents schema for the subscription)"
    ),
    "id": "Give each event an id of its own, as a text",
    "source": "Say where the event comes from, as a text such as '/hr/payroll'",
    "type": "Say what happened, as a text such as 'com.contoso.hr.hired'; it is recorded and not judged",
    "subject": _SUBJECT_REMEDY,
    "time": "Send the time as RFC 3339 has it ('2026-04-01T07:00:00Z'), or leave it out",
}
_DATA_REMEDY: Final = 'Send data as a JSON object, such as {"effective": "2026-04-01"}, or leave it out'


def read_cloud_event(value: Any, field: str, *, now: datetime) -> list[Read]:
    """Reads one event that was found at `field` ("" for a message that is one event).

    A date that cannot be read is a rejection beside the person: it costs the later check, never the check now.

    Raises:
        Rejected: the event cannot be used; it names the field, from `field` on.
    """
    at = f"{field}." if field else ""
    event = as_object(value, field, _REMEDIES["specversion"])
    judged = _judged(event, at, now)
    said = {
        "id": judged.get_id(),
        "source": judged.get_source(),
        "type": judged.get_type(),
    }
    text = {name: as_text(value, f"{at}{name}", _REMEDIES[name]) for name, value in said.items()}
    if text["type"] == REFUSED:
        raise read_carried(_content(event, at), f"{at}data")
    if (told := _GRAPH.fullmatch(text["type"])) and (nobody := _names_nobody(told["what"], event, at)) is not None:
        return [nobody]
    origin, subject = (
        f"{text['source']}#{text['id']}",
        as_text(judged.get_subject(), f"{at}subject", _REMEDIES["subject"]),
    )
    content = _content(event, at)
    if (resource := read_resource(subject)) is not None:
        return list(read_change(Named(resource, f"{at}subject", origin, text["type"]), content, f"{at}data"))
    key = _key(subject, f"{at}subject")
    try:
        effective = read_effective(content.get("effective"), f"{at}data.effective", now=now)
    except Rejected as rejected:
        return [PersonEvent(key, origin, text["type"]), as_value(rejected)]
    return [PersonEvent(key, origin, text["type"], effective)]


def _names_nobody(what: str, event: JsonObject, at: str) -> Ignored | None:
    """What an event of Microsoft Graph's partner topic is where it is about no user and no group; None where it is.

    `what` is its type without `Microsoft.Graph.`. A lifecycle notification has the subject `Subscriptions/<id>`,
    `Users`, or none.
    """
    content = _content(event, at)
    subject = event["subject"].strip() if isinstance(event.get("subject"), str) else ""
    if content.get("lifecycleEvent") is not None or what.lower().startswith("subscription"):
        which = content.get("subscriptionId") or subject.rpartition("/")[2]
        return lifecycle(which, content.get("lifecycleEvent") or what)
    if read_resource(subject) is not None or _NAMED.fullmatch(subject):
        return None
    return Ignored(
        "an event of Microsoft Graph about neither a user nor a group",
        f"a subscription sends Microsoft.Graph.{what}, which is about neither a user nor a group",
    )


def _judged(event: JsonObject, at: str, now: datetime) -> CloudEvent:
    """The attributes that the specification defines, judged by the library; null counts as not there.

    So does an empty subject: an event of Microsoft Graph that is about nobody may have one.
    """
    attributes = {name: event[name] for name in _ATTRIBUTES if event.get(name) is not None}
    if attributes.get("subject") == "":
        del attributes["subject"]
    # The library would make these two up.
    for name in ("specversion", "id"):
        if name not in attributes:
            raise Rejected(f"{at}{name}", "it is missing", _REMEDIES[name])
    attributes["time"] = _time(attributes["time"], f"{at}time") if "time" in attributes else now
    try:
        return CloudEvent(attributes)
    except CloudEventValidationError as error:
        name, mistakes = next(iter(error.errors.items()))
        remedy = _REMEDIES.get(name, f"Send '{name}' as CloudEvents 1.0 defines it, or leave it out")
        raise Rejected(f"{at}{name}", _mistake(mistakes, attributes.get(name)), remedy) from error


def _mistake(mistakes: Sequence[Exception], value: Any) -> str:
    """What the library found wrong with an attribute, in a sender's words."""
    if value is None:
        return "it is missing"
    if any(isinstance(mistake, InvalidAttributeTypeError) for mistake in mistakes):
        return f"it is {kind_of(value)}, not a text"
    return f"'{shown(str(value))}' is not what CloudEvents 1.0 allows there" if value else "it is empty"


def _time(value: Any, field: str) -> datetime:
    text = as_text(value, field, _REMEDIES["time"])
    if _TIMESTAMP.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper())
        except ValueError:
            pass  # a 30th of February
    raise Rejected(field, f"'{shown(text)}' is no RFC 3339 timestamp", _REMEDIES["time"])


def _content(event: JsonObject, at: str) -> JsonObject:
    """`data`, or what `data_base64` wraps; an empty object where there is neither."""
    if event.get("data") is not None:
        return as_object(event["data"], f"{at}data", _DATA_REMEDY)
    wrapped, field = event.get("data_base64"), f"{at}data_base64"
    if wrapped is None:
        return JsonObject()
    if not isinstance(wrapped, str):
        raise Rejected(field, f"it is {kind_of(wrapped)}, not a text", _DATA_REMEDY)
    try:
        body = base64.b64decode(wrapped, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Rejected(field, "it is not Base64", _DATA_REMEDY) from error
    return as_object(parse(body, field=field), field, _DATA_REMEDY)


def _key(subject: str, field: str) -> PersonKey | NameKey:
    found = _NAMED.fullmatch(subject)
    if found is None:
        raise Rejected(field, f"'{shown(subject)}' does not say what kind of name it is", _SUBJECT_REMEDY)
    kind, value = found["kind"].lower(), found["value"].strip()
    if not value:
        raise Rejected(field, f"nothing follows '{kind}:'", _SUBJECT_REMEDY)
    if kind == "id":
        try:
            return PersonKey(value)
        except ValueError as error:
            raise Rejected(field, f"'{shown(value)}' is no object id", _SUBJECT_REMEDY) from error
    try:
        return NameKey(NameKind(kind), value)
    except ValueError as error:
        raise Rejected(field, str(error), _SUBJECT_REMEDY) from error
