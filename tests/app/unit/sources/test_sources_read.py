"""Reading messages: what names a person, what names nobody, and how everything else is rejected."""

import base64
import json
import sys
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.domain.keys import NameKey, NameKind, PersonKey
from shared.errors import Rejected
from shared.sources.events import Ignored, PersonEvent, Read
from shared.sources.read import read_message
from shared.sources.refused import carried
from shared.sources.strict_json import BYTES_AT_MOST, DEPTH_AT_MOST, ITEMS_AT_MOST

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANNA = "7c0f5a0e-0000-4000-8000-00000000a11a"
BEN = "7c0f5a0e-0000-4000-8000-00000000be11"
TENANT = "7c0f5a0e-0000-4000-8000-000000007e7a"


def event(**changes: Any) -> dict[str, Any]:
    made = {"specversion": "1.0", "id": "1", "source": "/hr", "type": "hired", "subject": f"id:{ANNA}", **changes}
    return {name: value for name, value in made.items() if value is not ...}


def read(message: Any) -> list[Read]:
    body = message if isinstance(message, bytes) else json.dumps(message).encode()
    return read_message(body, now=NOW)


def accepted(message: Any) -> PersonEvent:
    (found,) = read(message)
    assert isinstance(found, PersonEvent), found
    return found


def rejected(message: Any) -> Rejected:
    (found,) = read(message)
    assert isinstance(found, Rejected), found
    assert found.reason
    assert found.remedy
    assert found.__traceback__ is None
    assert found.__cause__ is None
    return found


def notification(**changes: Any) -> dict[str, Any]:
    made = {
        "changeType": "updated",
        "subscriptionId": "s",
        "tenantId": TENANT,
        "resource": f"Users/{ANNA}",
        "resourceData": {"@odata.type": "#Microsoft.Graph.User", "id": ANNA, "sequenceNumber": 638059995676961300},
        **changes,
    }
    return {name: value for name, value in made.items() if value is not ...}


def collection(*items: Any) -> dict[str, Any]:
    return {"value": list(items)}


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        (f"id:{ANNA}", PersonKey(ANNA)),
        (f"ID: {ANNA.upper()} ", PersonKey(ANNA)),
        ("upn:Anna@Contoso.com", NameKey(NameKind.UPN, "anna@contoso.com")),
        (
            "upn:kim_fabrikam.com#EXT#@contoso.com",
            NameKey(NameKind.UPN, "kim_fabrikam.com#ext#@contoso.com"),
        ),
        ("mail:o'brien+x@contoso.com", NameKey(NameKind.MAIL, "o'brien+x@contoso.com")),
        ("Mail:zoë@contoso.com", NameKey(NameKind.MAIL, "zoë@contoso.com")),
        ("employee-id:004711", NameKey(NameKind.EMPLOYEE_ID, "004711")),
        ("Employee-Id:nl:42", NameKey(NameKind.EMPLOYEE_ID, "nl:42")),
        (f"Users/{ANNA}", PersonKey(ANNA)),
        (f"/users/{ANNA.upper()}", PersonKey(ANNA)),
        (f"users('{ANNA}')", PersonKey(ANNA)),
    ],
)
def test_a_subject_names_one_person(subject: str, key: PersonKey | NameKey) -> None:
    found = accepted(event(subject=subject))
    assert found == PersonEvent(key, "/hr#1", "hired", None)


def test_what_the_specification_does_not_define_is_ignored() -> None:
    assert accepted(
        event(xml_thing=1, Größe=[], nested={"a": {"a": None}}, dataschema="https://x", datacontenttype="text/xml")
    ).key == PersonKey(ANNA)
    assert accepted(event(data={"effective": None, "salary": 1.5})).effective is None


def test_null_attributes_count_as_not_there() -> None:
    nulls = event(time=None, dataschema=None, datacontenttype=None, data=None, data_base64=None)
    assert accepted(nulls).key == PersonKey(ANNA)


def test_the_type_is_recorded_and_never_judged() -> None:
    assert accepted(event(type="Microsoft.Graph.Nonsense")).event_type == "Microsoft.Graph.Nonsense"


def test_a_byte_order_mark_is_passed_over() -> None:
    assert accepted(b"\xef\xbb\xbf" + json.dumps(event()).encode()).key == PersonKey(ANNA)


@pytest.mark.parametrize(
    ("text", "effective"),
    [
        ("2026-04-01", date(2026, 4, 1)),
        (" 2026-04-01 ", date(2026, 4, 1)),
        ("20260401", date(2026, 4, 1)),
        ("2026-W14-3", date(2026, 4, 1)),
        ("1970-01-02", date(1970, 1, 2)),
        ("2036-03-02", date(2036, 3, 2)),
        ("2026-04-01T09:00:00Z", datetime(2026, 4, 1, 9, tzinfo=UTC)),
        ("2026-04-01t09:00:00z", datetime(2026, 4, 1, 9, tzinfo=UTC)),
        ("2026-04-01 00:30+02:00", datetime(2026, 3, 31, 22, 30, tzinfo=UTC)),
        ("2026-04-01T09:00:00.1234567-0530", datetime(2026, 4, 1, 14, 30, 0, 123456, UTC)),
    ],
)
def test_a_date_stays_a_date_and_a_time_becomes_a_moment(text: str, effective: date) -> None:
    found = accepted(event(data={"effective": text})).effective
    assert (found, type(found)) == (effective, type(effective))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("2026-04-01T09:00:00", "without an offset"),
        ("2026-04-01T09", "without an offset"),
        ("2026-02-30", "no ISO 8601"),
        ("2026-04", "no ISO 8601"),
        ("2026-04-01X09:00:00Z", "no ISO 8601"),
        ("01/04/2026", "no ISO 8601"),
        ("next monday", "no ISO 8601"),
        ("\u0662\u0660\u0662\u0666-04-01", "no ISO 8601"),
        ("31 Dec 9999", "no ISO 8601"),
        ("10000-01-01", "no ISO 8601"),
        ("2" * 5000, "characters"),
        (1775030400, "a number"),
        (True, "true or false"),
        (["2026-04-01"], "an array"),
        ({"date": "2026-04-01"}, "an object"),
    ],
)
def test_a_date_that_cannot_be_read_costs_the_later_check_and_not_the_check_now(value: Any, reason: str) -> None:
    person, mistake = read(event(data={"effective": value}))
    assert person == PersonEvent(PersonKey(ANNA), "/hr#1", "hired", None)
    assert isinstance(mistake, Rejected)
    assert mistake.field == "data.effective"
    assert reason in mistake.reason
    assert mistake.__traceback__ is None


@pytest.mark.parametrize(
    "nothing",
    [
        None,
        "",
        " ",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "0001-01-01T00:00:00",
        "0001-01-01T00:00:00+14:00",
        "1899-12-30",
        "1900-01-01",
        "1900-01-01T00:00:00Z",
        "1969-12-31",
        "1970-01-01T00:00:00Z",
        "2036-03-04",
        "2036-03-02T10:00:00+00:00",
        "2099-12-31",
        "9999-12-30T23:00:00Z",
        "9999-12-31",
        "9999-12-31T00:00:00",
        "9999-12-31T23:59:59-12:00",
        "9999-12-31T23:59:59.9999999Z",
    ],
)
def test_a_date_of_never_is_checked_now_and_not_again(nothing: str | None) -> None:
    assert accepted(event(data={"effective": nothing})) == PersonEvent(PersonKey(ANNA), "/hr#1", "hired", None)


def test_data_may_come_wrapped_in_base64() -> None:
    wrapped = base64.b64encode(b'{"effective": "2026-04-01"}').decode()
    assert accepted(event(data_base64=wrapped)).effective == date(2026, 4, 1)
    for wrong in ("%%%", "AAA", base64.b64encode(b"no json").decode(), base64.b64encode(b"[1]").decode(), 7, "ü"):
        assert rejected(event(data_base64=wrong)).field == "data_base64"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"specversion": ...}, "specversion"),
        ({"specversion": None}, "specversion"),
        ({"specversion": "0.3"}, "specversion"),
        ({"specversion": 1.0}, "specversion"),
        ({"id": ...}, "id"),
        ({"id": ""}, "id"),
        ({"id": 7}, "id"),
        ({"id": []}, "id"),
        ({"id": "a\nb"}, "id"),
        ({"source": ...}, "source"),
        ({"source": {}}, "source"),
        ({"source": "x" * 2000}, "source"),
        ({"type": ...}, "type"),
        ({"type": " "}, "type"),
        ({"type": "\ud800"}, "type"),
        ({"subject": ...}, "subject"),
        ({"subject": None}, "subject"),
        ({"subject": ""}, "subject"),
        ({"subject": False}, "subject"),
        ({"subject": ANNA}, "subject"),
        ({"subject": "id:"}, "subject"),
        ({"subject": "id:anna"}, "subject"),
        ({"subject": f"id:{ANNA}x"}, "subject"),
        ({"subject": "name:anna"}, "subject"),
        ({"subject": "upn:anna"}, "subject"),
        ({"subject": "mail:@contoso.com"}, "subject"),
        ({"subject": "mail:anna@"}, "subject"),
        ({"subject": "mail:a\u0000b@contoso.com"}, "subject"),
        ({"subject": "upn:\udc00@contoso.com"}, "subject"),
        ({"subject": "employee-id:  "}, "subject"),
        ({"subject": "employee-id:" + "1" * 400}, "subject"),
        ({"subject": "Users/anna@contoso.com"}, "subject"),
        ({"subject": "Users/"}, "subject"),
        ({"time": "yesterday"}, "time"),
        ({"time": "2026-02-30T00:00:00Z"}, "time"),
        ({"time": "2026-04-01T00:00:00"}, "time"),
        ({"time": 7}, "time"),
        ({"datacontenttype": 7}, "datacontenttype"),
        ({"dataschema": ""}, "dataschema"),
        ({"data": "{}"}, "data"),
        ({"data": []}, "data"),
        ({"data": 0}, "data"),
    ],
)
def test_a_malformed_event_is_rejected_by_the_name_of_the_field(changes: Mapping[str, Any], field: str) -> None:
    assert rejected(event(**changes)).field == field


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"hired: anna", "not JSON"),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
        (b'{"id": "\xc3\x28"}', "not UTF-8"),
        (b"\x1f\x8b\x08\x00", "not UTF-8"),
        (json.dumps(event()).encode() + b"}", "not JSON"),
        (b'{"id": NaN}', "NaN"),
        (b'{"id": -Infinity}', "Infinity"),
        (b'"' + b"x" * 100, "not JSON"),
        (b"7", "a number"),
        (b"9" * 10_000, "a number"),
        (b"null", "null"),
        (b'"hired"', "a text"),
        (b"true", "true or false"),
        (b" " * (BYTES_AT_MOST + 1), "bytes"),
        (b"[" * 100_000 + b"]" * 100_000, "nested"),
        (b'{"a":' * 100_000, "nested"),
        (b'{"value":' + b"[" * DEPTH_AT_MOST + b"]" * DEPTH_AT_MOST + b"}", "nested"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_bytes_that_are_no_message_are_rejected_as_a_whole(body: bytes, reason: str) -> None:
    found = rejected(body)
    assert found.field == "body"
    assert reason in found.reason


def test_brackets_inside_a_text_are_not_depth() -> None:
    deep = "[{" * 1000 + '\\"' + "]" * 10
    assert accepted(event(note=deep, other="\\")).key == PersonKey(ANNA)
    assert accepted(event(nested=json.loads("[" * 60 + "]" * 60))).key == PersonKey(ANNA)


def test_numbers_of_any_size_harm_nobody() -> None:
    body = json.dumps(event()).encode()[:-1] + b', "n": ' + b"9" * 50_000 + b', "x": 1e99999, "y": -0.0}'
    assert accepted(body).key == PersonKey(ANNA)


@pytest.mark.parametrize(
    "noise",
    [
        b"\x00" * 262_144,
        bytes(range(256)) * 1024,
        b"a" * 262_144,
        b'"' * 262_144,
        b'"' + b'\\"' * 131_071,
        b"\\" * 262_144,
        b"[" + b"1," * 131_071,
        b'{"specversion": "' + b"1" * 262_000 + b'"}',
    ],
    ids=range(8),
)
def test_256_kilobytes_of_noise_are_rejected_in_few_words(noise: bytes) -> None:
    found = rejected(noise)
    assert len(found.reason) + len(found.remedy) < 500


def test_a_name_that_is_there_twice_is_rejected_where_it_would_be_read() -> None:
    assert rejected(json.dumps(event()).encode()[:-1] + b', "subject": "id:x"}').field == "subject"
    twice = json.dumps(event(data={})).encode().replace(b"{}", b'{"effective": "2026-04-01", "effective": null}')
    assert rejected(twice).field == "data.effective"
    assert rejected(b'{"value": [], "value": []}').field == "value"
    elsewhere = json.dumps(event(extra={})).encode().replace(b"{}", b'{"a": 1, "a": 2}')
    assert accepted(elsewhere).key == PersonKey(ANNA)


def test_each_event_of_a_batch_stands_alone() -> None:
    found = read([event(), event(subject="anna"), 7, [event()], event(id=...), event(subject=f"id:{BEN}")])
    assert [item.key for item in found if isinstance(item, PersonEvent)] == [PersonKey(ANNA), PersonKey(BEN)]
    assert [item.field for item in found if isinstance(item, Rejected)] == ["[1].subject", "[2]", "[3]", "[4].id"]


def test_an_empty_batch_and_an_empty_collection_name_nobody() -> None:
    for empty in (b"[]", b'{"value": []}'):
        (found,) = read(empty)
        assert isinstance(found, Ignored)


def test_more_events_than_a_message_may_carry_are_rejected() -> None:
    assert len(read([event()] * ITEMS_AT_MOST)) == ITEMS_AT_MOST
    assert rejected([{}] * (ITEMS_AT_MOST + 1)).field == "body"
    assert rejected(collection(*[{}] * (ITEMS_AT_MOST + 1))).field == "value"


@pytest.mark.parametrize(
    "resource",
    [
        f"Users/{ANNA}",
        f"users/{ANNA.upper()}",
        f"/Users/{ANNA}",
        f"users('{ANNA}')",
        f"Users/{ANNA}@{TENANT}",
        f"Users/{ANNA}/",
    ],
)
def test_a_notification_names_its_user(resource: str) -> None:
    found = accepted(collection(notification(resource=resource)))
    assert found == PersonEvent(PersonKey(ANNA), f"graph/{TENANT}/s#638059995676961300", "updated")


def test_a_notification_says_where_it_comes_from_as_far_as_it_knows() -> None:
    other = notification(tenantId=..., organizationId="o", resourceData={"id": ANNA}, id="n", changeType=...)
    assert accepted(collection(other)) == PersonEvent(PersonKey(ANNA), "graph/o/s#n", "unknown")
    bare = {"resource": f"Users/{ANNA}", "tenantId": {"a": 1}, "id": "x\ny"}
    assert accepted(collection(bare)).origin == "graph/unknown/unknown#x?y"
    inner = notification(tenantId=None, resourceData={"organizationId": "i", "eventTime": "e"})
    assert accepted(collection(inner)).origin == "graph/i/s#e"


@pytest.mark.parametrize(
    "item",
    [
        notification(lifecycleEvent="missed", resource=""),
        {"lifecycleEvent": "reauthorizationRequired", "organizationId": TENANT},
        notification(subscriptionId="NA"),
        notification(resource="NA", subscriptionId=...),
        notification(resource=f"Users/{ANNA}/messages/AAMk"),
        notification(resource="communications/callRecords/1"),
        notification(resource=f"Groups/{ANNA}"),
        notification(resource=f"Groups/{ANNA}", resourceData={"members@delta": []}),
        notification(resource=f"Groups/{ANNA}/owners", resourceData={"members@delta": [{"id": ANNA}]}),
        notification(
            resource=f"Groups/{ANNA}",
            resourceData={"members@delta": [{"id": ANNA, "@odata.type": "#microsoft.graph.group"}]},
        ),
    ],
)
def test_what_names_no_person_is_ignored(item: Any) -> None:
    (found,) = read(collection(item))
    assert isinstance(found, Ignored)
    assert found.reason


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (7, "value[1]"),
        (None, "value[1]"),
        (notification(resource=...), "value[1].resource"),
        (notification(resource=7), "value[1].resource"),
        (notification(resource=""), "value[1].resource"),
        (notification(resource="Users/anna@contoso.com"), "value[1].resource"),
        (notification(resourceData=[]), "value[1].resourceData"),
        (notification(resourceData={"id": BEN}), "value[1].resourceData.id"),
        (notification(resourceData={"id": 7}), "value[1].resourceData.id"),
        (
            notification(resource=f"Groups/{BEN}", resourceData={"members@delta": {}}),
            "value[1].resourceData.members@delta",
        ),
        (
            notification(resource=f"Groups/{BEN}", resourceData={"members@delta": [{"id": "x"}]}),
            "value[1].resourceData.members@delta[0].id",
        ),
        (
            notification(resource=f"Groups/{BEN}", resourceData={"members@delta": [ANNA]}),
            "value[1].resourceData.members@delta[0]",
        ),
    ],
)
def test_an_unusable_notification_is_rejected_by_its_place_and_stops_no_other(item: Any, field: str) -> None:
    first, found, last = read(collection(notification(), item, notification(resource=f"users/{ANNA}")))
    assert isinstance(first, PersonEvent)
    assert isinstance(last, PersonEvent)
    assert isinstance(found, Rejected)
    assert found.field == field
    assert found.remedy


def test_everybody_who_joined_or_left_a_group_is_checked_once() -> None:
    members = [
        {"id": ANNA},
        {"id": ANNA.upper(), "@removed": "deleted"},
        {"id": "nobody"},
        {"id": BEN, "@removed": {"reason": "changed"}, "@odata.type": "#Microsoft.Graph.User"},
    ]
    for resource in (f"Groups/{TENANT}", f"groups/{TENANT}/members"):
        for message in (
            collection(notification(resource=resource, resourceData={"members@delta": members})),
            event(subject=resource, data={"resourceData": {"members@delta": members}}),
        ):
            found = read(message)
            people = [item.key for item in found if isinstance(item, PersonEvent)]
            assert people == [PersonKey(ANNA), PersonKey(BEN)]
            assert sum(isinstance(item, Rejected) for item in found) == 1


def test_an_object_with_a_specversion_is_a_cloud_event_whatever_else_it_has() -> None:
    assert accepted(event(value=[notification(resource=f"Users/{BEN}")])).key == PersonKey(ANNA)
    assert rejected({"value": "x"}).field == "specversion"


def test_ten_years_ahead_are_counted_from_now() -> None:
    body = json.dumps(event(data={"effective": "2036-06-01"})).encode()
    (early,) = read_message(body, now=NOW)
    (late,) = read_message(body, now=NOW + timedelta(days=100))
    assert isinstance(early, PersonEvent)
    assert isinstance(late, PersonEvent)
    assert (early.effective, late.effective) == (None, date(2036, 6, 1))


@pytest.mark.parametrize("subject", ["Subscriptions/7c0f5a0e-0000-4000-8000-0000000005b5", "Users", "", None, ...])
@pytest.mark.parametrize("kind", ["SubscriptionReauthorizationRequired", "subscriptionREMOVED", "DriveUpdated"])
def test_what_else_a_partner_topic_sends_is_ignored_with_a_notice(kind: str, subject: Any) -> None:
    for prefix in ("Microsoft.Graph", "microsoft.graph"):
        (found,) = read(event(type=f"{prefix}.{kind}", subject=subject, data={"resource": "users"}))
        assert isinstance(found, Ignored)
        assert found.notice


def test_a_notice_has_no_strangers_text_in_it() -> None:
    lifecycle = {"lifecycleEvent": "Anna\nforged", "subscriptionId": "anna@contoso.com"}
    found = read(event(type="Microsoft.Graph.SubscriptionRemoved", subject="Users", data=lifecycle))
    found += read(collection({**lifecycle, "resource": "users"}))
    assert [item.notice for item in found if isinstance(item, Ignored)] == [
        "subscription unknown asks for 'unknown'"
    ] * 2


def test_each_bad_event_of_a_batch_is_rejected_alone_as_a_message_that_can_be_fixed() -> None:
    bad = event(subject="anna", note=[1.50, "\u20ac"])
    *_, found = read([event(), bad])
    assert isinstance(found, Rejected)
    assert found.event is not None
    assert rejected(found.event).field == "subject"
    assert json.loads(found.event) == bad
    *_, found = read(collection(notification(), notification(resource="Users/anna")))
    assert isinstance(found, Rejected)
    assert found.event is not None
    assert rejected(found.event).field == "value[0].resource"
    assert rejected(json.dumps(bad).encode()).event is None, "the message is the event"


def test_what_the_http_part_refused_is_rejected_with_what_was_sent() -> None:
    why = Rejected("employees[3].id", "it is missing", "Let it post the id")
    for sent, body in (
        ({"a": [1]}, b'{"a":[1]}'),
        ("a=\u20ac&b".encode(), "a=\u20ac&b".encode()),
        ("a", b'"a"'),
        (None, b"null"),
    ):
        carried_event = carried(why, sent, "bamboohr")
        for message in (carried_event, [carried_event]):
            (found,) = read(message)
            assert isinstance(found, Rejected)
            assert (found.field, found.reason, found.remedy, found.event) == (why.field, why.reason, why.remedy, body)
    forged = event(type="invoice-access.refused", subject=..., data={"field": "x"})
    assert rejected(forged).field == "data.reason"


def test_reading_needs_no_deep_stack() -> None:
    limit = sys.getrecursionlimit()
    body = json.dumps(event(nested=json.loads("[" * 60 + "]" * 60))).encode()
    try:
        sys.setrecursionlimit(250)
        assert isinstance(read_message(body, now=NOW)[0], PersonEvent)
    finally:
        sys.setrecursionlimit(limit)
