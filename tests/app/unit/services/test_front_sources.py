"""What each source makes of what its system posts: whom it names, when, and what it says of a mistake."""

import hashlib
import hmac
import json
import logging
from typing import Any
from urllib.parse import urlencode

import pytest

from shared.services.front import BODY_BYTES, Accepted, Refusal
from shared.sources.registry import SOURCES
from tests.app.unit.front_desk import KEYS, NOW, Desk, signed_bamboohr, signed_hr
from tests.published import PUBLISHED, needs_published

ANNA = "7c0f5a0e-0000-4000-8000-00000000a11a"
GROUP = "7c0f5a0e-0000-4000-8000-0000000f1a4c"
SUBSCRIPTION = "7c0f5a0e-0000-4000-8000-0000000005b5"
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "1",
    "source": "/hr",
    "type": "hired",
    "subject": "employee-id:004711",
}


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


async def test_a_signed_event_with_changed_headers_is_not_read_as_about_somebody_else() -> None:
    """The signature covers the body: headers alone must make nobody of it, neither with its body nor without."""
    desk = Desk()
    body = json.dumps({**EVENT, "data": {"effective": "2026-04-01"}}).encode()
    other = {f"ce-{name}": value for name, value in EVENT.items()} | {"ce-subject": f"id:{ANNA}"}
    for media_type in ("application/json", "", "text/plain", "application/json; charset=utf-8"):
        answer = await desk.post("hr", body, media_type=media_type, headers=other)
        assert answer.status == 415
        assert isinstance(answer.body, Refusal)
        assert "attributes in the body" in answer.body.remedy
    assert desk.queue.sends == 0
    assert (await desk.post("hr", body, headers=other)).status == 202
    assert desk.named() == [("identity:employee-id:004711", "2026-04-01")]


async def test_good_events_of_a_batch_are_taken_in_and_bad_ones_go_to_rejected_events() -> None:
    for source in ("hr", "event-grid"):
        desk = Desk()
        bad = {**EVENT, "id": "2", "subject": "Ben"}
        events = [EVENT, bad, 7, {**EVENT, "id": "4", "subject": f"id:{ANNA}"}]
        answer = await desk.post(source, events, media_type="application/cloudevents-batch+json")
        assert answer.status == 202
        assert isinstance(answer.body, Accepted)
        assert (answer.body.accepted, answer.body.ignored, answer.body.rejected) == (2, 0, 2)
        assert [mistake.field for mistake in answer.body.mistakes] == ["[1].subject", "[2]"]
        assert "Name one person" in answer.body.mistakes[0].remedy
        assert desk.checked() == [("identity:employee-id:004711", None), (f"person:{ANNA}", None)]
        assert desk.rejected() == [("[1].subject", bad), ("[2]", 7)]


async def test_an_event_that_has_a_name_twice_is_rejected_and_read_as_neither() -> None:
    desk = Desk()
    twice = json.dumps([EVENT, EVENT]).replace("employee-id:004711", "employee-id:1", 1)
    twice = twice.replace('"subject": "employee-id:004711"', f'"subject": "id:{ANNA}", "subject": "employee-id:2"')
    answer = await desk.post("hr", twice.encode(), media_type="application/cloudevents-batch+json")
    assert isinstance(answer.body, Accepted)
    assert (answer.body.accepted, answer.body.rejected) == (1, 1)
    assert desk.checked() == [("identity:employee-id:1", None)]
    assert [field for field, _ in desk.rejected()] == ["[1].subject"]


async def test_one_bad_event_alone_is_kept_as_well() -> None:
    desk = Desk()
    answer = await desk.post("hr", {**EVENT, "subject": "Ben"})
    assert answer.status == 202
    assert isinstance(answer.body, Accepted)
    assert (answer.body.accepted, answer.body.rejected) == (0, 1)
    assert desk.rejected() == [("subject", {**EVENT, "subject": "Ben"})]


async def test_a_group_with_one_odd_member_is_taken_in_for_the_others() -> None:
    desk = Desk()
    members = {"resourceData": {"members@delta": [{"id": ANNA}, {"id": "nobody"}]}}
    change = {**EVENT, "type": "Microsoft.Graph.GroupUpdated", "subject": f"Groups/{GROUP}", "data": members}
    answer = await desk.post("event-grid", change)
    assert isinstance(answer.body, Accepted)
    assert (answer.body.accepted, answer.body.ignored, answer.body.rejected) == (1, 0, 1)
    assert desk.checked() == [(f"person:{ANNA}", None)]
    assert desk.rejected() == [("data.resourceData.members@delta[1].id", change)]


async def test_5000_events_go_in_messages_that_intake_reads_and_5001_are_too_many() -> None:
    desk = Desk()
    many = [{"id": number} for number in range(5000)]
    answer = await desk.post("bamboohr", {"employees": many})
    assert answer.body == Accepted(accepted=5000, ignored=0)
    assert [key for key, _ in desk.named()] == [f"identity:employee-id:{number}" for number in range(5000)]
    assert max(map(len, desk.queue.messages)) <= BODY_BYTES
    assert len(desk.queue.messages) == 5
    answer = await desk.post("bamboohr", {"employees": [*many, {"id": 1}]})
    assert answer.status == 413


async def test_a_message_has_no_more_bytes_than_a_request_may() -> None:
    desk = Desk()
    many = [{"id": f"{number:064}"} for number in range(999)]
    assert (await desk.post("bamboohr", {"employees": many})).body == Accepted(accepted=999, ignored=0)
    assert desk.queue.sends == 1
    assert len(desk.queue.messages) > 1
    assert max(map(len, desk.queue.messages)) <= BODY_BYTES
    assert [key for key, _ in desk.named()] == [f"identity:employee-id:{number:064}" for number in range(999)]


@pytest.mark.parametrize(
    ("kind", "subject", "data"),
    [
        ("SubscriptionReauthorizationRequired", f"Subscriptions/{SUBSCRIPTION}", {}),
        ("subscriptionreauthorizationrequired", "Users", {"subscriptionId": SUBSCRIPTION}),
        ("SUBSCRIPTIONREAUTHORIZATIONREQUIRED", None, {"subscriptionId": SUBSCRIPTION.upper()}),
        ("SubscriptionReauthorizationRequired", "", {"subscriptionId": SUBSCRIPTION}),
        (
            "SubscriptionReauthorizationRequired",
            f"Users/{ANNA}",
            {"lifecycleEvent": "reauthorizationRequired", "subscriptionId": SUBSCRIPTION, "resource": "users"},
        ),
        ("SubscriptionRemoved", f"subscriptions('{SUBSCRIPTION}')", {"subscriptionId": SUBSCRIPTION}),
        ("Missed", f"Subscriptions/{SUBSCRIPTION}", {"lifecycleEvent": "missed", "subscriptionId": SUBSCRIPTION}),
    ],
)
async def test_event_grids_lifecycle_notices_are_warned_of_once_and_name_nobody(
    kind: str, subject: str | None, data: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk()
    notice = {**EVENT, "type": f"Microsoft.Graph.{kind}", "source": "/tenants/t/applications/a", "data": data}
    notice = {name: value for name, value in {**notice, "subject": subject}.items() if value is not None}
    answer = await desk.post("event-grid", notice)
    assert (answer.status, answer.body) == (202, Accepted(accepted=0, ignored=1))
    assert desk.queue.sends == 0
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    asked = data.get("lifecycleEvent", kind)
    assert line == f"event-grid: subscription {SUBSCRIPTION} asks for '{asked}'"


@pytest.mark.parametrize("subject", [None, "Users", "Drives/1", "communications/callRecords/1"])
async def test_another_subject_of_the_partner_topic_is_warned_of_once_and_costs_no_other(
    subject: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk()
    other = {**EVENT, "type": "Microsoft.Graph.PresenceUpdated", "subject": subject}
    batch = [other, EVENT, {**other, "id": "3"}]
    answer = await desk.post("event-grid", batch, media_type="application/cloudevents-batch+json")
    assert answer.body == Accepted(accepted=1, ignored=2)
    assert desk.named() == [("identity:employee-id:004711", None)]
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "Microsoft.Graph.PresenceUpdated, which is about neither a user nor a group" in line


async def test_a_graph_collection_is_no_event_of_an_hr_system() -> None:
    desk = Desk()
    answer = await desk.post("hr", {"value": [{"resource": f"Users/{ANNA}"}]})
    assert isinstance(answer.body, Accepted)
    assert (answer.body.accepted, answer.body.mistakes[0].field) == (0, "specversion")
    assert desk.checked() == []


@needs_published
async def test_bamboohr_event_webhook_as_published() -> None:
    desk = Desk()
    assert (await desk.post("bamboohr", published("hr-bamboohr-event-webhook.official.json"))).status == 202
    assert desk.named() == [("identity:employee-id:67890", None)]
    assert desk.events()[0]["source"] == "/bamboohr/12345"
    assert desk.events()[0]["type"] == "bamboohr.employee.updated"


async def test_bamboohr_field_webhook_names_people_three_ways_and_checks_their_dates() -> None:
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


@pytest.mark.parametrize("nothing", [{}, [], None])
async def test_bamboohr_an_employee_without_fields_is_named_by_the_id(nothing: Any) -> None:
    desk = Desk()
    employee = {"id": "119", "action": "Deleted", "changedFields": [], "fields": nothing}
    assert (await desk.post("bamboohr", {"employees": [employee]})).body == Accepted(accepted=1, ignored=0)
    assert desk.named() == [("identity:employee-id:119", None)]


async def test_bamboohr_a_date_of_never_asks_for_no_later_check_and_costs_nobody_elses() -> None:
    desk = Desk()
    employees = [
        {"id": "119", "fields": {"Employee #": {"value": "E1"}, "Hire Date": {"value": "2026-12-01"}}},
        {"id": "120", "fields": {"Employee #": {"value": "E2"}, "Termination Date": {"value": "2099-12-31"}}},
        {"id": "121", "fields": {"Employee #": {"value": "E3"}, "Termination Date": {"value": "2026-11-30"}}},
    ]
    assert (await desk.post("bamboohr", {"employees": employees})).body == Accepted(accepted=3, ignored=0)
    assert desk.named() == [
        ("identity:employee-id:e1", "2026-12-01"),
        ("identity:employee-id:e2", None),
        ("identity:employee-id:e3", "2026-11-30"),
    ]


async def test_bamboohr_unreadable_date_is_told_as_written_and_the_person_is_checked_now() -> None:
    desk = Desk()
    employees = [{"id": "1", "fields": {"Hire Date": "2026-04-01"}}, {"id": "2", "fields": {"Hire Date": "01/04/2026"}}]
    answer = await desk.post("bamboohr", {"employees": employees})
    assert isinstance(answer.body, Accepted)
    assert (answer.status, answer.body.accepted, answer.body.rejected) == (202, 2, 1)
    assert answer.body.mistakes[0].field == "employees[1].fields.Hire Date"
    assert desk.checked() == [("identity:employee-id:1", "2026-04-01"), ("identity:employee-id:2", None)]
    ((field, event),) = desk.rejected()
    assert field == "[1].data.effective"
    assert (event["subject"], event["data"]) == ("employee-id:2", {"effective": "01/04/2026"})


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({}, "employees[1].id"),
        ({"id": ""}, "employees[1].id"),
        ({"id": "2", "fields": "x"}, "employees[1].fields"),
        ({"id": "2", "fields": ["x"]}, "employees[1].fields"),
        (7, "employees[1]"),
        ({"id": "2", "fields": {"Work Email": "nobody"}}, "employees[1].fields.Work Email"),
    ],
)
async def test_bamboohr_one_bad_employee_costs_no_other(bad: Any, field: str) -> None:
    desk = Desk()
    answer = await desk.post("bamboohr", {"employees": [{"id": "1"}, bad, {"id": "3"}]})
    assert isinstance(answer.body, Accepted)
    assert (answer.status, answer.body.accepted, answer.body.rejected) == (202, 2, 1)
    assert answer.body.mistakes[0].field == field
    assert [key for key, _ in desk.checked()] == ["identity:employee-id:1", "identity:employee-id:3"]
    ((told, sent),) = desk.rejected()
    assert told == field
    assert sent == bad or sent["subject"] == "mail:nobody"


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
    desk = Desk()
    answer = await desk.post("personio", body)
    assert isinstance(answer.body, Accepted)
    assert (answer.status, answer.body.accepted, answer.body.mistakes[0].field) == (202, 0, "payload")
    assert desk.rejected() == [("payload", body)], "the request as it came"


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


@pytest.mark.parametrize("odd", [{}, [], 7.5, None, True, "", "x" * 5000, {"id": {}}])
async def test_a_value_that_is_only_recorded_costs_nobody_a_check(odd: Any) -> None:
    desk = Desk()
    bodies = {
        "bamboohr": {"type": odd, "timestamp": odd, "data": {"companyId": odd, "employeeId": "7"}},
        "personio": {"company_id": odd, "event_name": "person.updated", "occurred_at": odd, "payload": {"id": "7"}},
        "lifecycle-workflows": {
            "data": {"subject": {"id": ANNA}, "workflow": odd, "taskProcessingResult": odd},
            "source": odd,
            "type": odd,
        },
    }
    for source, body in bodies.items():
        assert (await desk.post(source, body)).body == Accepted(accepted=1, ignored=0), source
    employees = [{"id": "7", "action": odd, "timestamp": odd}]
    assert (await desk.post("bamboohr", {"employees": employees})).body == Accepted(accepted=1, ignored=0)
    seven = ("identity:employee-id:7", None)
    assert desk.named() == [seven, seven, (f"person:{ANNA}", None), seven]


@pytest.mark.parametrize("subject", [{}, {"id": "Anna"}, {"id": None}])
async def test_a_callout_that_names_nobody_is_kept_on_rejected_events(subject: dict[str, Any]) -> None:
    desk = Desk()
    answer = await desk.post("lifecycle-workflows", {"data": {"subject": subject}})
    assert isinstance(answer.body, Accepted)
    assert (answer.status, answer.body.accepted, answer.body.rejected) == (202, 0, 1)
    assert answer.body.mistakes[0].field.startswith("data.subject")
    assert len(desk.rejected()) == 1
    assert desk.checked() == []


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
