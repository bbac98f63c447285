"""What the OpenAPI document calls valid is taken in, and what is taken in the document calls valid.

In ASCII: the document does not list the letters of all scripts that a name may have. Taken in is a 202 without a
rejected event.
"""

import asyncio
import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it says nothing of its types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.describe import openapi
from shared.services.front import Accepted
from shared.sources.registry import SOURCES
from tests.app.unit.front_desk import KEYS, Desk

ANNA = "7c0f5a0e-0000-4000-8000-00000000a11a"
DOCUMENT = openapi()
ENVELOPE = {"specversion": "1.0", "id": "1", "source": "/hr", "type": "hired", "subject": f"id:{ANNA}"}
FULL: dict[str, Any] = {**ENVELOPE, "time": "2026-03-02T09:15:00Z", "data": {"effective": "2026-04-01"}}
FIELDS = {"employees": [{"id": "119", "action": "Updated", "timestamp": "x", "fields": {"Department": "HR"}}]}
ITEM = {"subscriptionId": ANNA, "clientState": KEYS["graph"][0], "resource": f"Users/{ANNA}", "resourceData": {"id": 1}}
PERSON = {"event_name": "person.updated", "payload": {"id": 67890, "person_id": "1", "person": {"id": "2"}}}
BODIES: dict[str, list[Any]] = {source.name: [source.example] for source in SOURCES}
OF_A_USER = {**FULL, "subject": f"Users/{ANNA}"}
BODIES["hr"] += [FULL, [FULL, FULL], OF_A_USER, [OF_A_USER, FULL]]
BODIES["event-grid"] += [[ENVELOPE], [OF_A_USER]]
BODIES["bamboohr"] += [FIELDS]
BODIES["personio"] += [PERSON]
BODIES["notifications"] = [{"value": [ITEM, {"lifecycleEvent": "missed"}]}]
NOTHING = object()
EDGES = [
    *(
        NOTHING,
        None,
        True,
        0,
        7,
        -1,
        1.5,
        10**20,
        [],
        {},
        [7],
        {"id": None},
        {"id": "7"},
        "",
        " ",
        "x",
        "a\nb",
    ),
    *("x" * length for length in (16, 17, 64, 65, 100, 101, 200, 201, 320, 321, 1024, 1025)),
    *(
        "x x",
        "anna jansen was fired",
        "x " * 7 + "xx",
        "x " * 8 + "x",
        ANNA,
        ANNA.upper(),
        f"id:{ANNA}",
        f"Users/{ANNA}",
    ),
    *(
        "anna@contoso.com",
        "anna@",
        "a@b@c",
        "a b@c",
        "a" * 128 + "@" + "b" * 191,
        "a" * 129 + "@b",
        "upn:a@b",
        "mail:a",
    ),
    *("upn:" + "a" * 128 + "@" + "b" * 255, "upn:" + "a" * 129 + "@b", "employee-id:" + "7" * 64),
    *("employee-id:" + "7" * 65, "employee-id:a b", "employee-id:a " + "b" * 15, "person", "PERSON.x", "employment.x"),
    *("2026-04-01", "2036-03-01", "2036-04-01", "2099-12-31", "2100-01-01", "9999-12-31", "1899-01-01", "0001-01-01"),
    *("2026-04-01T09:00:00", "2026-04-01T09:00:00+02:00", "2046-04-01T09:00:00Z", "9999-12-31T23:59:59Z", "0000-00-00"),
    *("01/04/2026", "2026-04-01T09:00:00.1234567Z", "1.0", "0.3", "document.created"),
]


def places(value: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place of a body, the body itself first."""
    yield at
    parts: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places(part, (*at, name))


def changed(body: Any, at: tuple[str | int, ...], edge: Any) -> Any:
    """The body with something else, or nothing, at a place; as it was where that is gone."""
    if not at:
        return body if edge is NOTHING else edge
    made = copy.deepcopy(body)
    inner = made
    for name in at[:-1]:
        if not isinstance(inner, dict | list) or (isinstance(inner, dict) and name not in inner) or not inner:
            return body
        inner = inner[name]  # type: ignore[index]
    if not isinstance(inner, dict) and not (
        isinstance(inner, list) and isinstance(at[-1], int) and at[-1] < len(inner)
    ):
        return body
    if edge is not NOTHING:
        inner[at[-1]] = edge  # type: ignore[index]
    elif isinstance(inner, list) or at[-1] in inner:
        del inner[at[-1]]  # type: ignore[arg-type]
    return made


def fits(path: str, media_type: str, body: Any) -> bool:
    schema = DOCUMENT["paths"][path]["post"]["requestBody"]["content"][media_type]["schema"]
    whole = {**schema, "components": DOCUMENT["components"]}
    return bool(jsonschema.Draft202012Validator(whole).is_valid(body))


@pytest.mark.parametrize("name", sorted(BODIES))
def test_a_body_is_taken_in_if_and_only_if_the_document_calls_it_valid(name: str) -> None:
    known = [(body, at) for body in BODIES[name] for at in places(body)]

    @given(start=st.sampled_from(known), edge=st.sampled_from(EDGES), second=st.data())
    @settings(max_examples=600, deadline=None, derandomize=True)
    def agrees(start: tuple[Any, tuple[str | int, ...]], edge: Any, second: st.DataObject) -> None:
        body = changed(*start, edge)
        if second.draw(st.booleans()):
            at = second.draw(st.sampled_from(list(places(body))))
            body = changed(body, at, second.draw(st.sampled_from(EDGES)))
        desk = Desk()
        if name == "notifications":
            assert (asyncio.run(desk.notify(body)).status == 202) == fits(
                "/graph/notifications", "application/json", body
            )
            return
        media_type = "application/json"
        if name in {"hr", "event-grid"}:
            media_type = "application/cloudevents" + ("-batch+json" if isinstance(start[0], list) else "+json")
        answer = asyncio.run(desk.post(name, body, media_type=media_type))
        taken = answer.status == 202 and isinstance(answer.body, Accepted) and not answer.body.rejected
        assert taken == fits(f"/events/{name}", media_type, body), (json.dumps(body), answer.body)

    agrees()


@pytest.mark.parametrize(
    ("name", "body", "is_taken"),
    [
        ("personio", {**PERSON, "company_id": 0, "payload": {"id": 0}}, True),
        ("personio", {**PERSON, "payload": {"id": None, "person_id": None, "person": None}}, False),
        ("personio", {"event_name": "employment.started", "payload": {"id": "e-1"}}, False),
        ("personio", {**PERSON, "payload": {"person": {"id": None}}}, False),
        ("lifecycle-workflows", {"type": 0, "data": {"subject": {"id": ANNA}, "workflow": 0}}, True),
        ("lifecycle-workflows", {"data": {"subject": {"id": "Anna"}}}, False),
        ("lifecycle-workflows", {"data": {"subject": {}}}, False),
        ("bamboohr", {"data": {"employeeId": 7}}, True),
        ("bamboohr", {"type": 0, "data": {"employeeId": 7}, "employees": 0}, False),
        ("hr", {**OF_A_USER, "data": {"effective": "a\nb"}}, True),
        ("hr", {**OF_A_USER, "data": {"effective": 7}}, True),
        ("hr", {**OF_A_USER, "data": 7}, False),
        ("hr", {**ENVELOPE, "data": {"effective": "2036-04-01"}}, True),
        ("hr", {**ENVELOPE, "data": {"effective": "9999-12-31"}}, True),
        ("hr", {**ENVELOPE, "data": {"effective": "1900-01-01T00:00:00Z"}}, True),
        ("notifications", {"value": [7, None, [], {"clientState": 7}]}, True),
        ("notifications", {"value": {}}, False),
    ],
)
async def test_what_is_odd_is_judged_alike(name: str, body: Any, *, is_taken: bool) -> None:
    desk = Desk()
    if name == "notifications":
        assert (await desk.notify(body)).status == (202 if is_taken else 400)
        assert fits("/graph/notifications", "application/json", body) == is_taken
        return
    answer = await desk.post(name, body)
    assert (isinstance(answer.body, Accepted) and not answer.body.rejected) == is_taken
    assert fits(f"/events/{name}", f"application/{'cloudevents+' if name == 'hr' else ''}json", body) == is_taken
