"""Published payloads of Microsoft Graph, Event Grid and HR systems read as what they are."""

import json
from datetime import UTC, datetime

import pytest

from shared.domain.keys import PersonKey
from shared.errors import Rejected
from shared.sources.events import Ignored, PersonEvent, Read
from shared.sources.read import read_message
from tests.published import PUBLISHED, needs_published

PAYLOADS = PUBLISHED / "graph"
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PERSON = "7c0f5a0e-0000-4000-8000-00000000a11a"

pytestmark = needs_published


def read(name: str, **placeholders: str) -> list[Read]:
    text = (PAYLOADS / f"{name}.json").read_text(encoding="utf-8")
    for placeholder, value in placeholders.items():
        text = text.replace(f"<{placeholder.replace('_', '-')}>", value)
    return read_message(text.encode(), now=NOW)


@pytest.mark.parametrize("what", ["updated", "deleted"])
def test_event_grid_names_the_user(what: str) -> None:
    name = f"eventgrid-user-{what}.cloudevent.official"
    (event,) = read(name, user_id=PERSON, tenant_id="t", application_id="a")
    assert isinstance(event, PersonEvent)
    assert event.key == PersonKey(PERSON)
    assert event.origin.startswith("/tenants/t/applications/a#")
    assert event.event_type == f"Microsoft.Graph.User{what.capitalize()}"
    assert event.effective is None


def test_event_grids_group_events_name_nobody() -> None:
    (event,) = read("eventgrid-group-updated.cloudevent.official", group_id=PERSON)
    assert isinstance(event, Ignored)


def test_a_placeholder_is_no_object_id() -> None:
    (event,) = read("eventgrid-user-updated.cloudevent.official")
    assert isinstance(event, Rejected)
    assert (event.field, event.reason) == ("subject", "'<user-id>' is no object id")


@pytest.mark.parametrize(
    "name",
    [
        "lifecycle-notification.official",
        "eventhubs-validation-message.official",
        "change-notification-message.official",
    ],
)
def test_what_names_no_person_is_ignored(name: str) -> None:
    (event,) = read(name)
    assert isinstance(event, Ignored)


def test_notifications_without_a_resource_are_rejected_one_by_one() -> None:
    events = read("change-notification-batch-validation-tokens.official")
    assert [event.field for event in events if isinstance(event, Rejected)] == [
        "value[0].resource",
        "value[1].resource",
    ]


def test_members_in_a_published_group_page_are_people_when_a_notification_has_them() -> None:
    page = json.loads((PAYLOADS / "delta-groups-members-page.official.json").read_text(encoding="utf-8"))
    group, empty = page["value"]
    body = {
        "value": [
            {"resource": f"Groups/{group['id']}", "resourceData": group},
            {"resource": f"Groups/{empty['id']}", "resourceData": empty},
        ]
    }
    *people, nobody = read_message(json.dumps(body).encode(), now=NOW)
    assert [event.key for event in people if isinstance(event, PersonEvent)] == [
        PersonKey(member["id"]) for member in group["members@delta"]
    ]
    assert isinstance(nobody, Ignored)


@pytest.mark.parametrize(
    "name",
    sorted(path.stem for path in PAYLOADS.glob("hr-*.json"))
    + sorted(path.stem for path in PAYLOADS.glob("scim-*.json"))
    + ["batch-request.official", "check-member-groups.official", "subscription-create-request.official"],
)
def test_what_others_send_is_rejected_with_the_field_that_a_cloud_event_has(name: str) -> None:
    (event,) = read(name)
    assert isinstance(event, Rejected)
    assert event.field == "specversion"
    assert "CloudEvents 1.0" in event.remedy
