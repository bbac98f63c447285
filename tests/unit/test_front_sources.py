"""What each source makes of what its system posts: whom it names, when, and what it says of a mistake."""

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from shared.services.front import Accepted, Refusal
from shared.sources.table import SOURCES
from tests.published import PUBLISHED, needs_published
from tests.unit.front_desk import KEYS, NOW, Desk, signed_bamboohr, signed_hr

ANNA = "7c0f5a0e-0000-4000-8000-00000000a11a"
EVENT = {"specversion": "1.0", "id": "1", "source": "/hr", "type": "hired", "subject": "employee-id:004711"}


def published(name: str) -> Any:
    return json.loads((PUBLISHED / "graph" / name).read_text(encoding="utf-8"))


async def test_every_source_takes_in_its_own_example() -> None:
    for source in SOURCES:
        desk = Desk()
        answer = await desk.post(source.name, source.example)
        assert answer.status == 202, (source.name, answer.body)
        assert answer.body == Accepted(accepted=1, ignored=0)
        assert len(desk.queue.messages) == 1


async def test_hr_structured_goes_to_the_queue_as_it_came() -> None:
    desk = Desk()
    event = {**EVENT, "data": {"effective": "2026-04-01", "salary band": 12}, "traceparent": "00-1"}
    assert (await desk.post("hr", event)).status == 202
    assert json.loads(desk.queue.messages[0]) == event
    assert desk.named() == [("identity:employee-id:004711", "2026-04-01")]


async def test_hr_batch_is_one_message_with_every_event() -> None:
    desk = Desk()
    events = [{**EVENT, "id": str(number), "subject": f"employee-id:{number}"} for number in range(100)]
    answer = await desk.post("hr", events, media_type="application/cloudevents-batch+json; charset=utf-8")
    assert answer.body == Accepted(accepted=100, ignored=0)
    assert desk.queue.sends == 1
    assert len(desk.queue.messages) == 1
    assert [key for key, _ in desk.named()] == [f"identity:employee-id:{number}" for number in range(100)]


async def test_hr_binary_has_its_attributes_in_headers() -> None:
    desk = Desk()
    headers = {f"ce-{name}": value for name, value in EVENT.items()} | {
        "ce-subject": "upn:anna%40contoso.com",
        "ce-time": "2026-03-02T09:15:00Z",
    }
    answer = await desk.post("hr", b'{"effective":"2026-04-01"}', media_type="application/json", headers=headers)
    assert answer.status == 202, answer.body
    assert desk.named() == [("identity:upn:anna@contoso.com", "2026-04-01")]
    assert (await desk.post("hr", b"", media_type="", headers=headers)).status == 202


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"ce-subject": "004711"}, "ce-subject"),
        ({"ce-id": None}, "ce-id"),
        ({"ce-specversion": None}, "ce-specversion"),
        ({"ce-specversion": "0.3"}, "ce-specversion"),
        ({"ce-time": "yesterday"}, "ce-time"),
        ({"ce-time": "2026-03-02T09:15:00"}, "ce-time"),
    ],
)
async def test_hr_binary_names_the_header_that_is_wrong(changed: dict[str, str | None], field: str) -> None:
    desk = Desk()
    given = {**{f"ce-{name}": value for name, value in EVENT.items()}, **changed}
    headers = {name: value for name, value in given.items() if value is not None}
    answer = await desk.post("hr", b"{}", media_type="application/json", headers=headers)
    assert answer.status == 400
    assert isinstance(answer.body, Refusal)
    assert answer.body.field == field
    assert desk.queue.messages == []


async def test_hr_batch_with_one_wrong_event_is_refused_whole_and_the_event_named() -> None:
    desk = Desk()
    events = [EVENT, {**EVENT, "subject": "Ben"}, EVENT]
    answer = await desk.post("hr", events, media_type="application/cloudevents-batch+json")
    assert answer.status == 400
    assert isinstance(answer.body, Refusal)
    assert answer.body.field == "[1].subject"
    assert desk.queue.messages == []


async def test_a_graph_collection_is_no_event_of_an_hr_system() -> None:
    desk = Desk()
    answer = await desk.post("hr", {"value": [{"resource": f"Users/{ANNA}"}]})
    assert answer.status == 400
    assert desk.queue.messages == []


@needs_published
async def test_bamboohr_event_webhook_as_published() -> None:
    desk = Desk()
    assert (await desk.post("bamboohr", published("hr-bamboohr-event-webhook.official.json"))).status == 202
    assert desk.named() == [("identity:employee-id:67890", None)]
    assert desk.events()[0]["source"] == "/bamboohr/12345"
    assert desk.events()[0]["type"] == "bamboohr.employee.updated"


async def test_bamboohr_field_webhook_names_people_by_number_then_mail_then_id_and_looks_again_on_their_dates() -> None:
    desk = Desk()
    employees = [
        {"id": 119, "action": "Updated", "changedFields": ["Hire Date"], "fields": {"Hire Date": "2026-04-01"}},
        {"id": "120", "fields": {"Employee #": {"value": "004712"}, "workEmail": "ben@contoso.com"}},
        {"id": "121", "fields": {"Work Email": "carla@contoso.com", "Termination Date": "0000-00-00"}},
        {"id": "122", "fields": {"hireDate": "2026-05-01", "terminationDate": "2026-12-31"}},
        {"id": "123", "action": "Deleted", "changedFields": [], "fields": {}},
    ]
    answer = await desk.post("bamboohr", {"employees": employees, "fields": {"hireDate": "Hire Date"}})
    assert answer.body == Accepted(accepted=6, ignored=0)
    assert desk.named() == [
        ("identity:employee-id:119", "2026-04-01"),
        ("identity:employee-id:004712", None),
        ("identity:mail:carla@contoso.com", None),
        ("identity:employee-id:122", "2026-05-01"),
        ("identity:employee-id:122", "2026-12-31"),
        ("identity:employee-id:123", None),
    ]


async def test_bamboohr_forms_are_read_like_its_json() -> None:
    desk = Desk()
    form = urlencode({"type": "employee.created", "data[companyId]": "1", "data[employeeId]": "67890"})
    assert (await desk.post("bamboohr", form.encode(), media_type="application/x-www-form-urlencoded")).status == 202
    form = urlencode(
        {
            "employees[12345][changedFields][0]": "Hire Date",
            "employees[12345][Hire Date]": "2026-04-01",
            "employees[12345][Employee #]": "9",
            "employees[12346][changedFields][0]": "First Name",
        }
    )
    assert (await desk.post("bamboohr", form.encode(), media_type="application/x-www-form-urlencoded")).status == 202
    assert desk.named() == [
        ("identity:employee-id:67890", None),
        ("identity:employee-id:9", "2026-04-01"),
        ("identity:employee-id:12346", None),
    ]


async def test_a_mistake_is_told_with_the_senders_own_name_for_the_field() -> None:
    desk = Desk()
    employees = [{"id": "1", "fields": {}}, {"id": "2", "fields": {"Hire Date": "01/04/2026"}}]
    answer = await desk.post("bamboohr", {"employees": employees})
    assert isinstance(answer.body, Refusal)
    assert (answer.status, answer.body.field) == (400, "employees[1].fields.Hire Date")
    answer = await desk.post("bamboohr", {"employees": [{"id": "1"}, {}]})
    assert isinstance(answer.body, Refusal)
    assert (answer.status, answer.body.field, answer.body.reason) == (400, "employees[1].id", "it is missing")
    assert desk.queue.messages == []


async def test_bamboohrs_signature_is_the_documented_one() -> None:
    body, stamp = b'{"type":"employee.deleted","data":{"employeeId":"7"}}', str(int(NOW.timestamp()))
    signature = hmac.new(KEYS["bamboohr"][0].encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
    headers = {"x-bamboohr-signature": signature, "x-bamboohr-timestamp": stamp}
    assert signed_bamboohr(body, NOW) == headers
    iso = NOW.isoformat()
    signature = hmac.new(KEYS["bamboohr"][1].encode(), body + iso.encode(), hashlib.sha256).hexdigest()
    headers = {"x-bamboohr-signature": signature, "x-bamboohr-timestamp": iso}
    assert (await Desk().post("bamboohr", body, proof=headers)).status == 202


async def test_hrs_signature_is_the_documented_one() -> None:
    body, stamp = json.dumps(EVENT).encode(), str(int(NOW.timestamp()))
    signature = "v1=" + hmac.new(KEYS["hr"][0].encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert signed_hr(body, NOW) == {"x-signature": signature, "x-timestamp": stamp}
    assert (await Desk().post("hr", body, proof={"x-signature": signature, "x-timestamp": stamp})).status == 202


@pytest.mark.parametrize(
    ("name", "payload", "key"),
    [
        ("person.updated", {"id": 67890}, "identity:employee-id:67890"),
        ("person.created", {"person_id": "67890"}, "identity:employee-id:67890"),
        ("employment.terminated", {"id": "e-1", "person_id": "67890"}, "identity:employee-id:67890"),
        ("employment.started", {"id": "e-1", "person": {"id": "67890"}}, "identity:employee-id:67890"),
        ("document.created", {"id": "d-1"}, None),
    ],
)
async def test_personio_names_the_person_of_its_event(name: str, payload: dict[str, Any], key: str | None) -> None:
    desk = Desk()
    body = {"company_id": "1", "event_name": name, "occurred_at": "2026-03-01T00:00:00Z", "payload": payload}
    answer = await desk.post("personio", body)
    assert answer.body == (Accepted(accepted=0, ignored=1) if key is None else Accepted(accepted=1, ignored=0))
    assert [found for found, _ in desk.named()] == ([] if key is None else [key])


async def test_personio_an_employment_without_a_person_is_told_so() -> None:
    body = {"company_id": "1", "event_name": "employment.created", "occurred_at": "x", "payload": {"id": "e-1"}}
    answer = await Desk().post("personio", body)
    assert isinstance(answer.body, Refusal)
    assert (answer.status, answer.body.field) == (400, "payload")


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ({"id": ANNA, "userPrincipalName": "anna@contoso.com"}, f"person:{ANNA}"),
        ({"userPrincipalName": "anna@contoso.com", "email": "a@contoso.com"}, "identity:upn:anna@contoso.com"),
        ({"id": "", "email": "a@contoso.com", "manager": {"id": "x"}}, "identity:mail:a@contoso.com"),
    ],
)
@needs_published
async def test_lifecycle_workflows_callouts_name_their_subject(subject: dict[str, Any], key: str) -> None:
    schema = published("lcw-custom-extension-callout.schema.official.json")
    assert set(subject) <= set(schema["properties"]["data"]["properties"]["subject"]["properties"])
    desk = Desk()
    workflow = {"id": "w-1", "displayName": "Leavers", "workflowVersion": 3}
    body = {"data": {"subject": subject, "workflow": workflow}, "source": "lcw", "type": "callout"}
    assert (await desk.post("lifecycle-workflows", body)).status == 202
    assert [found for found, _ in desk.named()] == [key]


@pytest.mark.parametrize("subject", [{}, {"id": "Anna"}, {"id": None}])
async def test_a_callout_that_names_nobody_is_refused(subject: dict[str, Any]) -> None:
    answer = await Desk().post("lifecycle-workflows", {"data": {"subject": subject}})
    assert answer.status == 400
    assert isinstance(answer.body, Refusal)
    assert answer.body.field.startswith("data.subject")


@needs_published
async def test_event_grids_events_go_on_as_they_came() -> None:
    desk = Desk()
    text = json.dumps(published("eventgrid-user-updated.cloudevent.official.json")).replace("<user-id>", ANNA)
    assert (await desk.post("event-grid", json.loads(text))).status == 202
    assert desk.events() == [json.loads(text)]
    assert desk.named() == [(f"person:{ANNA}", None)]


async def test_a_number_beyond_any_float_comes_out_as_it_went_in() -> None:
    desk = Desk()
    text = json.dumps({**EVENT, "data": {"n": "@"}}).replace('"@"', "638059995676961300.000000000000000001E+400")
    await desk.post("hr", text.encode())
    assert b"638059995676961300.000000000000000001E+400" in desk.queue.messages[0]


async def test_half_a_surrogate_pair_comes_out_as_it_went_in() -> None:
    desk = Desk()
    text = json.dumps({**EVENT, "note": "@"}).replace("@", "\\ud800 \u20ac")
    assert (await desk.post("hr", text.encode())).status == 202
    assert desk.events()[0]["note"] == "\ud800 \u20ac"
