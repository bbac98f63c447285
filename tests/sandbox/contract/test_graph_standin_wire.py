"""The Graph stand-in on the wire: published payloads, headers, spellings, refusals, as they are known."""

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.graph import AuditEntry, Change, GraphModel, GraphService, Switches
from sandbox.identity import Identity
from sandbox.wire import Caller, Request, Response
from tests.published import PUBLISHED, needs_published

BASE = "http://127.0.0.1:5000"
TENANT = "5f3c0000-0000-4000-8000-000000000001"
PORTAL = Identity("portal", "c-portal", "o-portal", TENANT, default=True)

type Published = Callable[[str], Any]


def person(number: int, **more: Any) -> dict[str, Any]:
    upn = f"p{number}@contoso.example"
    return {"id": guid(number), "userPrincipalName": upn, "displayName": f"P {number}", **more}


def guid(number: int) -> str:
    return f"b0000000-0000-4000-8000-{number:012d}"


class Time:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def published() -> Published:
    """Reads a payload that Microsoft publishes."""
    return lambda name: json.loads((PUBLISHED / "graph" / f"{name}.official.json").read_text())


def service_of(time: Time, **seed: Any) -> GraphService:
    model = GraphModel(tenant_id=TENANT, identities=[PORTAL], clock=time, random_source=random.Random(1), **seed)
    return GraphService(model, lambda _: Caller("o-portal", TENANT, "c-portal"))


@pytest.fixture
def service(time: Time) -> GraphService:
    users = [person(n, department="Finance" if n % 2 else "IT") for n in range(1, 6)]
    groups = [{"id": guid(100), "displayName": "G", "members": [guid(1), guid(2)]}]
    return service_of(time, users=users, groups=groups)


def get(service: GraphService, target: str, **headers: str) -> Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return service.handle(Request("GET", f"/v1.0/{target}", sent, base=BASE))


def send(service: GraphService, method: str, target: str, body: Any = None) -> Response:
    raw = b"" if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} if body is not None else {}
    return service.handle(Request(method, f"/v1.0/{target}", headers, raw, BASE))


def content(response: Response) -> Any:
    return json.loads(response.body)


def shape(value: Any) -> Any:
    """What a payload is made of, without its values."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    return type(value).__name__


@needs_published
def test_check_member_groups_answers_as_published(published: Published, time: Time) -> None:
    example = published("check-member-groups")
    wanted = example["response"]["value"]
    groups = [
        {"id": group_id, "displayName": group_id[:8], "members": [guid(1)] if group_id in wanted else []}
        for group_id in example["request"]["groupIds"]
    ]
    service = service_of(time, users=[person(1)], groups=groups)
    response = send(service, "POST", f"users/{guid(1)}/checkMemberGroups", example["request"])
    said = response.body.decode().replace(BASE, "https://graph.microsoft.com")
    assert json.loads(said) == example["response"]


@needs_published
def test_count_without_the_header_is_refused_as_published(published: Published, service: GraphService) -> None:
    example = published("error-400-count-without-consistencylevel")
    response = get(service, "users/$count")
    found = content(response)
    assert response.status == 400
    assert shape(found) == shape(example)
    assert found["error"]["code"] == example["error"]["code"]
    assert found["error"]["message"] == example["error"]["message"]
    assert found["error"]["innerError"]["date"] == "2026-03-01T12:00:30"
    assert list(found["error"]) == list(example["error"])


@needs_published
def test_search_without_the_header_is_refused_as_published(published: Published, service: GraphService) -> None:
    example = published("error-400-search-without-consistencylevel")["error"]
    found = content(get(service, "users?$search=%22displayName:a%22"))["error"]
    assert (found["code"], found["message"]) == (example["code"], example["message"])


@needs_published
def test_properties_kept_elsewhere_are_501_for_a_collection_as_published(
    published: Published, service: GraphService
) -> None:
    example = published("error-501-property-outside-directory")["error"]
    response = get(service, "users?$select=skills")
    found = content(response)["error"]
    assert response.status == 501
    assert (found["code"], found["message"]) == (example["code"], example["message"])
    assert content(get(service, f"users/{guid(1)}?$select=skills"))["skills"] == []


@needs_published
def test_answers_carry_the_headers_of_a_published_answer(published: Published, service: GraphService) -> None:
    example = next(r for r in published("batch-response")["responses"] if r["status"] == 200)
    query = "users?$select=id,displayName,userPrincipalName&$count=true&$top=1"
    response = get(service, query, consistencylevel="eventual")
    assert response.headers["content-type"] == example["headers"]["Content-Type"]
    assert response.headers["odata-version"] == example["headers"]["OData-Version"]
    assert response.headers["cache-control"] == example["headers"]["Cache-Control"]
    found = content(response)
    assert set(found) - {"@odata.nextLink"} == set(example["body"])
    assert found["@odata.context"] == f"{BASE}/v1.0/$metadata#users(id,displayName,userPrincipalName)"
    assert shape(found["value"][0]) == shape(example["body"]["value"][0])


@needs_published
def test_a_denied_call_answers_as_published(published: Published, service: GraphService, time: Time) -> None:
    example = next(r for r in published("batch-response")["responses"] if r["status"] == 403)
    nobody = GraphService(service.model, lambda _: Caller("o-nobody", TENANT, "c-nobody"))
    response = get(nobody, "users", client_request_id="e70c5c1b")
    found = content(response)
    assert response.status == 403
    assert shape(found) == shape(example["body"])
    assert found["error"]["code"] == example["body"]["error"]["code"]
    assert found["error"]["message"] == example["body"]["error"]["message"]
    assert found["error"]["innerError"]["client-request-id"] == "e70c5c1b"
    assert response.headers["client-request-id"] == "e70c5c1b"
    assert found["error"]["innerError"]["request-id"] == response.headers["request-id"]


@pytest.mark.parametrize(
    "target",
    [
        f"users/{guid(1)}?$select=department",
        f"users/{guid(1).upper()}?%24select=Department",
        "users/P1@contoso.example?$select=department",
        "users/p1%40contoso.example?$select=department",
        "users('p1@contoso.example')?$SELECT=department",
        f"Users/{guid(1)}/?$select=department",
    ],
)
def test_one_person_has_many_spellings(service: GraphService, target: str) -> None:
    found = content(get(service, target))
    assert found["department"] == "Finance"
    assert found["@odata.context"] == f"{BASE}/v1.0/$metadata#users(department)/$entity"


@pytest.mark.parametrize("cast", ["graph.user", "microsoft.graph.user", "Microsoft.Graph.User"])
def test_a_cast_has_a_short_and_a_long_spelling(service: GraphService, cast: str) -> None:
    target = f"groups/{guid(100)}/transitiveMembers/{cast}?$count=true&$select=id"
    found = content(get(service, target, consistencylevel="EVENTUAL"))
    assert found["@odata.count"] == 2
    assert found["value"] == [{"id": guid(1)}, {"id": guid(2)}]


def test_members_of_any_kind_say_their_type(service: GraphService) -> None:
    found = content(get(service, f"groups/{guid(100)}/members?$select=id"))
    assert found["value"][0] == {"@odata.type": "#microsoft.graph.user", "id": guid(1)}
    assert found["@odata.context"] == f"{BASE}/v1.0/$metadata#directoryObjects(id)"


def test_count_true_without_the_header_is_silently_ignored(service: GraphService) -> None:
    response = get(service, "users?$count=true")
    assert response.status == 200
    assert "@odata.count" not in content(response)


def test_counting_answers_plain_text(service: GraphService) -> None:
    response = get(service, "users/$count?$filter=department%20ne%20'IT'", consistencylevel="eventual")
    assert (response.status, response.body) == (200, b"3")
    assert response.headers["content-type"] == "text/plain"


@pytest.mark.parametrize(
    ("target", "status", "code"),
    [
        ("users?$top=1000", 400, "Request_UnsupportedQuery"),
        ("users?$top=0", 400, "Request_UnsupportedQuery"),
        ("users?$top=ten", 400, "BadRequest"),
        ("users?$top=" + "9" * 5000, 400, "BadRequest"),
        ("users?$skip=1", 400, "Request_BadRequest"),
        ("users?$selct=id", 400, "BadRequest"),
        ("users?$select=id&$select=id", 400, "BadRequest"),
        ("users?$select=departmnt", 400, "BadRequest"),
        ("users?$select=id,", 400, "BadRequest"),
        ("users?$count=maybe", 400, "BadRequest"),
        ("users?$orderby=department", 400, "Request_UnsupportedQuery"),
        ("users?$orderby=displayName%20sideways", 400, "Request_UnsupportedQuery"),
        ("users?$filter=department%20eq%20'x'&$orderby=displayName", 400, "Request_UnsupportedQuery"),
        ("users?$skiptoken=nonsense", 400, "BadRequest"),
        ("users?$skiptoken=RFNwdA%2B%2FNQ%3D%3D", 400, "BadRequest"),
        (f"groups/{guid(100)}/members?$filter=department%20eq%20'x'", 400, "Request_UnsupportedQuery"),
        ("users/delta", 501, "NotImplemented"),
        ("users?$expand=manager", 501, "NotImplemented"),
        ("nonsense", 400, "BadRequest"),
        (f"users/{guid(1)}/nonsense", 400, "BadRequest"),
        (f"groups/{guid(1)}", 404, "Request_ResourceNotFound"),
        ("groups/nonsense", 400, "Request_BadRequest"),
        (f"directory/deletedItems/{guid(1)}", 404, "Request_ResourceNotFound"),
    ],
)
def test_wrong_questions_are_refused(service: GraphService, target: str, status: int, code: str) -> None:
    response = get(service, target)
    assert (response.status, content(response)["error"]["code"]) == (status, code)
    assert response.headers["content-type"] == "application/json"


def test_wrong_versions_and_methods_are_refused(service: GraphService) -> None:
    assert content(service.handle(Request("GET", "/beta/users")))["error"]["message"] == "Invalid version: beta"
    assert send(service, "PUT", f"users/{guid(1)}", {}).status == 405
    assert send(service, "DELETE", "users").status == 405


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"content-type": "application/json"}, b'{"department": '),
        ({"content-type": "application/json"}, b"[1]"),
        ({"content-type": "application/json"}, b"\xff\xfe"),
        ({"content-type": "application/json"}, b"[" * 100_000),
        ({"content-type": "text/plain"}, b"{}"),
        ({}, b"{}"),
        ({"content-type": "application/json"}, b""),
    ],
)
def test_a_body_that_is_no_json_object_is_400(service: GraphService, headers: dict[str, str], body: bytes) -> None:
    response = service.handle(Request("PATCH", f"/v1.0/users/{guid(1)}", headers, body, BASE))
    assert response.status == 400
    assert content(response)["error"]["code"] == "BadRequest"


def follow(service: GraphService, target: str, **headers: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = content(get(service, target, **headers))
        found += page["value"]
        link = page.get("@odata.nextLink")
        if link is None:
            return found
        assert link.startswith(f"{BASE}/v1.0/")
        target = link.removeprefix(f"{BASE}/v1.0/")


def test_a_next_link_keeps_the_question_as_it_was_asked(service: GraphService) -> None:
    query = "users?%24select=id&$filter=department%20ne%20'IT'&$count=true&$top=2"
    first = content(get(service, query, consistencylevel="eventual"))
    assert first["@odata.count"] == 3
    link = first["@odata.nextLink"]
    assert link.startswith(f"{BASE}/v1.0/{query}&$skiptoken=")
    second = get(service, link.removeprefix(f"{BASE}/v1.0/"), consistencylevel="eventual")
    assert [user["id"] for user in content(second)["value"]] == [guid(5)]
    assert "@odata.count" not in content(second)
    without_header = get(service, link.removeprefix(f"{BASE}/v1.0/"))
    assert content(without_header)["error"]["code"] == "Request_UnsupportedQuery"


def test_a_token_that_was_decoded_and_sent_raw_is_refused(service: GraphService) -> None:
    link = content(get(service, "users?$top=2"))["@odata.nextLink"].removeprefix(f"{BASE}/v1.0/")
    assert get(service, link).status == 200
    assert get(service, link.replace("%2B", "+")).status == 400


def test_a_page_token_grows_old(service: GraphService, time: Time) -> None:
    service.model.switches.page_token_lifetime_seconds = 600
    link = content(get(service, "users?$top=2"))["@odata.nextLink"].removeprefix(f"{BASE}/v1.0/")
    time.now += timedelta(seconds=601)
    assert content(get(service, link))["error"]["code"] == "Directory_ExpiredPageToken"


def test_people_who_come_and_go_between_pages_repeat_and_hide_nobody(service: GraphService) -> None:
    first = content(get(service, "users?$top=2&$select=id"))
    send(service, "DELETE", f"users/{guid(1)}")
    link = first["@odata.nextLink"].removeprefix(f"{BASE}/v1.0/")
    seen = [user["id"] for user in first["value"] + follow(service, link)]
    assert seen == [guid(1), guid(2), guid(3), guid(4), guid(5)]


def test_an_advanced_querys_whole_url_has_a_longest_length_and_a_plain_ones_has_not(
    service: GraphService,
) -> None:
    fits = 2048 - len("https://graph.microsoft.com/v1.0/users?$count=true&$select=id&$filter=city%20eq%20%27%27")
    for length, status in ((fits, 200), (fits + 1, 400)):
        path = f"users?$count=true&$select=id&$filter=city%20eq%20%27{'x' * length}%27"
        response = get(service, path, consistencylevel="eventual")
        assert response.status == status
        assert get(service, path).status == 200
        service.model.switches.longest_advanced_url = None
        assert get(service, path, consistencylevel="eventual").status == 200
        service.model.switches.longest_advanced_url = 2048
    assert content(response)["error"]["code"] == "Request_UnsupportedQuery"


@pytest.mark.parametrize(
    ("target", "units"),
    [
        ("users", 2),
        ("users?$select=id", 1),
        ("users?$select=id&$top=5", 1),
        (f"users/{guid(1)}", 1),
        (f"groups/{guid(100)}/members", 3),
        (f"groups/{guid(100)}/transitiveMembers?$select=id", 4),
        (f"groups/{guid(100)}/transitiveMembers?$select=id&$top=5", 3),
    ],
)
def test_answers_say_what_they_cost(service: GraphService, target: str, units: int) -> None:
    assert get(service, target).headers["x-ms-resource-unit"] == str(units)


@pytest.mark.parametrize(("told", "percentage"), [(False, None), (True, "1.0")])
@pytest.mark.parametrize("retry_after", [0, 1, 200, None])
def test_throttling_counts_refused_requests_and_says_what_the_switches_say(
    service: GraphService, time: Time, retry_after: int | None, percentage: str | None, *, told: bool
) -> None:
    service.model.switches = Switches(
        throttle=True, throttle_percentage=told, resource_units_per_10_seconds=4, retry_after_seconds=retry_after
    )
    assert get(service, "users").status == 200
    assert get(service, "users").headers.get("x-ms-throttle-limit-percentage") == percentage
    refused = get(service, "users")
    assert refused.status == 429
    assert refused.headers.get("retry-after") == (None if retry_after is None else str(retry_after))
    assert refused.headers["x-ms-throttle-scope"] == f"Tenant_Application/ReadWrite/c-portal/{TENANT}"
    time.now += timedelta(seconds=9)
    assert get(service, "users").status == 429
    time.now += timedelta(seconds=2)
    assert get(service, "users").status == 200, "the first three have left the window"


@pytest.mark.parametrize(
    ("target", "status"),
    [("users?$top=ten", 400), ("users?$orderby=department", 400), ("groups/nonsense", 400), ("users", 403)],
)
def test_a_question_that_is_refused_costs_nothing(service: GraphService, target: str, status: int) -> None:
    service.model.switches = Switches(throttle=True, resource_units_per_10_seconds=2)
    nobody = GraphService(service.model, lambda _: Caller("o-nobody", TENANT, "c-portal"))
    asked = nobody if status == 403 else service
    for _ in range(5):
        refused = get(asked, target)
        assert (refused.status, refused.headers["x-ms-resource-unit"]) == (status, "0")
    assert get(service, "users").status == 200
    assert get(service, "users").status == 429, "and the one that was answered does"


def test_a_new_person_is_answered_with_the_default_set_and_a_location(service: GraphService) -> None:
    body = person(9, accountEnabled=True, mailNickname="p9", department="Finance")
    del body["id"]
    body["passwordProfile"] = {"password": "xWwvJ]6NMw+bWH-d", "forceChangePasswordNextSignIn": False}
    response = send(service, "POST", "users", body)
    made = content(response)
    assert response.status == 201
    assert response.headers["location"].startswith(f"{BASE}/v2/{TENANT}/directoryObjects/{made['id']}")
    assert made["@odata.context"] == f"{BASE}/v1.0/$metadata#users/$entity"
    assert len(made) == 12
    assert "department" not in made
    assert "password" not in response.body.decode()


def test_extension_attributes_are_merged_and_always_fifteen(service: GraphService) -> None:
    for number in (1, 2):
        change = {"onPremisesExtensionAttributes": {f"extensionAttribute{number}": f"v{number}"}}
        assert send(service, "PATCH", f"users/{guid(1)}", change).status == 204
    found = content(get(service, f"users/{guid(1)}?$select=onPremisesExtensionAttributes"))
    attributes = found["onPremisesExtensionAttributes"]
    assert len(attributes) == 15
    assert (attributes["extensionAttribute1"], attributes["extensionAttribute2"]) == ("v1", "v2")
    assert attributes["extensionAttribute3"] is None


def test_dates_are_understood_with_any_offset_and_kept_in_utc(service: GraphService) -> None:
    change = {"employeeHireDate": "2026-01-02T03:04:05.1234567+02:00"}
    assert send(service, "PATCH", f"users/{guid(1)}", change).status == 204
    found = content(get(service, f"users/{guid(1)}?$select=employeeHireDate"))
    assert found["employeeHireDate"] == "2026-01-02T01:04:05Z"
    assert send(service, "PATCH", f"users/{guid(1)}", {"employeeHireDate": None}).status == 204
    assert content(get(service, f"users/{guid(1)}?$select=employeeHireDate"))["employeeHireDate"] is None


def test_members_can_be_bound_twenty_at_a_time(service: GraphService) -> None:
    urls = [f"https://graph.microsoft.com/v1.0/directoryObjects/{guid(n)}" for n in range(1, 6)]
    body = {
        "displayName": "Bound",
        "mailEnabled": False,
        "mailNickname": "bound",
        "securityEnabled": True,
        "members@odata.bind": urls[:2],
    }
    made = content(send(service, "POST", "groups", body))
    more = send(service, "PATCH", f"groups/{made['id']}", {"members@odata.bind": urls[2:]})
    assert more.status == 204
    members = content(get(service, f"groups/{made['id']}/members?$select=id"))["value"]
    assert [member["id"] for member in members] == [guid(n) for n in range(1, 6)]
    assert send(service, "PATCH", f"groups/{made['id']}", {"members@odata.bind": urls * 5}).status == 400
    bad = {"@odata.id": "http://[nonsense"}
    assert send(service, "POST", f"groups/{made['id']}/members/$ref", bad).status == 400


def test_deleted_properties_may_need_the_cast(service: GraphService) -> None:
    send(service, "DELETE", f"users/{guid(1)}")
    item = f"directory/deletedItems/{guid(1)}"
    assert content(get(service, f"{item}?$select=department"))["@odata.type"] == "#microsoft.graph.user"
    service.model.switches.deleted_select_needs_cast = True
    assert get(service, f"{item}?$select=department").status == 400
    assert content(get(service, f"{item}/microsoft.graph.user?$select=department"))["department"] == "Finance"
    assert get(service, f"{item}/microsoft.graph.group").status == 400


def test_what_changes_the_directory_is_audited_with_its_outcome(service: GraphService, time: Time) -> None:
    get(service, "users")
    send(service, "POST", f"users/{guid(1)}/checkMemberGroups", {"groupIds": []})
    send(service, "PATCH", f"users/{guid(1)}", {"department": "Sales"})
    send(service, "PATCH", f"users/{guid(9)}", {"department": "Sales"})
    send(service, "DELETE", f"groups/{guid(100)}/members/{guid(1)}/$ref")
    assert service.model.audit == [
        AuditEntry(time.now, "o-portal", "PATCH", f"/v1.0/users/{guid(1)}", 204),
        AuditEntry(time.now, "o-portal", "PATCH", f"/v1.0/users/{guid(9)}", 404),
        AuditEntry(time.now, "o-portal", "DELETE", f"/v1.0/groups/{guid(100)}/members/{guid(1)}/$ref", 204),
    ]


def test_listeners_hear_of_changes_in_their_order(service: GraphService) -> None:
    heard: list[Change] = []
    service.model.on_change(heard.append)
    send(service, "PATCH", f"users/{guid(1)}", {"department": "Sales"})
    send(service, "PATCH", f"users/{guid(9)}", {"department": "Sales"})
    send(service, "DELETE", f"groups/{guid(100)}/members/{guid(1)}/$ref")
    send(service, "DELETE", f"users/{guid(1)}")
    send(service, "POST", f"directory/deletedItems/{guid(1)}/restore")
    send(service, "DELETE", f"users/{guid(1)}")
    send(service, "DELETE", f"directory/deletedItems/{guid(1)}")
    assert [(change.kind, change.object_id, change.members_removed) for change in heard] == [
        ("updated", guid(1), ()),
        ("updated", guid(100), (guid(1),)),
        ("deleted", guid(1), ()),
        ("restored", guid(1), ()),
        ("deleted", guid(1), ()),
        ("purged", guid(1), ()),
    ]


# -- objects of any kind by id


def by_ids(service: GraphService, query: str = "", **body: Any) -> Response:
    return send(service, "POST", f"directoryObjects/getByIds{query}", body)


def test_objects_of_any_kind_are_found_by_id_each_with_its_type(service: GraphService) -> None:
    found = content(by_ids(service, "?$select=id,displayName,assignedPlans", ids=[guid(100), guid(1).upper(), guid(9)]))
    assert found["value"] == [
        {"@odata.type": "#microsoft.graph.group", "id": guid(100), "displayName": "G"},
        {"@odata.type": "#microsoft.graph.user", "id": guid(1), "displayName": "P 1", "assignedPlans": []},
    ]


def test_objects_by_id_are_of_the_types_that_are_asked_for(service: GraphService) -> None:
    found = content(by_ids(service, ids=[guid(100), guid(1)], types=["User"]))
    assert [one["id"] for one in found["value"]] == [guid(1)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": []},
        {"ids": ["x"]},
        {"ids": [guid(n) for n in range(1001)]},
        {"ids": [1]},
        {"ids": [guid(1)], "types": 1},
    ],
)
def test_objects_by_id_are_asked_for_by_up_to_1000_guids(service: GraphService, body: dict[str, Any]) -> None:
    assert by_ids(service, **body).status == 400


def test_a_property_that_nothing_has_cannot_be_selected_of_objects_by_id(service: GraphService) -> None:
    assert by_ids(service, "?$select=shoeSize", ids=[guid(1)]).status == 400
