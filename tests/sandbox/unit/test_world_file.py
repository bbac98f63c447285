"""The world file: what it may say, and that every mistake in it is named with its place."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.world import WorldError, load_world, parse_world

TENANT = "5f3c0000-0000-4000-8000-000000000001"
PORTAL = {
    "name": "portal",
    "clientId": "c0000000-0000-4000-8000-000000000001",
    "objectId": "a0000000-0000-4000-8000-000000000001",
    "default": True,
}


def person(number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"b0000000-0000-4000-8000-{number:012d}",
        "userPrincipalName": f"p{number}@contoso.example",
        **more,
    }


def small(**more: Any) -> dict[str, Any]:
    return {"tenantId": TENANT, "identities": [PORTAL], **more}


def test_yaml_and_json_say_the_same(tmp_path: Path) -> None:
    as_json = tmp_path / "world.json"
    as_json.write_text(
        json.dumps(small(users=[person(1, department="Finance", employeeHireDate="2024-02-01T00:00:00Z")]))
    )
    as_yaml = tmp_path / "world.yaml"
    as_yaml.write_text(f"""
tenantId: {TENANT}
identities:
  - {{name: portal, clientId: {PORTAL["clientId"]}, objectId: {PORTAL["objectId"]}, default: true}}
users:
  - id: b0000000-0000-4000-8000-000000000001
    userPrincipalName: p1@contoso.example
    department: Finance
    employeeHireDate: 2024-02-01T00:00:00Z    # YAML would make this a date of its own
""")
    assert load_world(as_yaml) == load_world(as_json)
    assert load_world(as_json).users[0].properties()["displayName"] == "p1"


def test_every_mistake_is_listed_with_its_place() -> None:
    with pytest.raises(WorldError) as caught:
        parse_world(
            {
                "tenantId": "here",
                "identities": [],
                "users": [
                    person(1, departmnt="Finance"),
                    {"id": "no guid", "userPrincipalName": "nobody"},
                    person(2, accountEnabled="yes"),
                    person(3, employeeHireDate="yesterday"),
                ],
                "groups": [{"id": TENANT}],
                "usres": [],
            }
        )
    said = str(caught.value)
    for place in (
        "tenantId: must be a GUID",
        "identities: exactly one identity must have `default: true`",
        "users[0]: Property 'departmnt' does not exist",
        "users[1].id: must be a GUID",
        "users[1].userPrincipalName: ",
        "users[2].accountEnabled: ",
        "users[3]: Cannot convert",
        "groups[0].displayName: ",
        "usres: ",
    ):
        assert place in said


def test_ids_and_names_that_are_used_twice_are_named_with_both_owners() -> None:
    with pytest.raises(WorldError) as caught:
        parse_world(
            small(
                users=[person(1), {**person(1), "userPrincipalName": "P2@contoso.example"}, person(2)],
                groups=[{"id": person(2)["id"], "displayName": "G"}],
            )
        )
    said = str(caught.value)
    assert f"id {person(1)['id']} is used twice: by user p1@contoso.example and by user P2@" in said
    assert f"id {person(2)['id']} is used twice: by user p2@contoso.example and by group G" in said
    assert "userPrincipalName p2@contoso.example is used twice" in said


def test_a_member_must_be_of_this_world() -> None:
    stranger = person(9)["id"]
    with pytest.raises(WorldError, match=f"group G has a member .* {stranger}"):
        parse_world(small(groups=[{"id": person(5)["id"], "displayName": "G", "members": [stranger]}]))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("broken.json", '{"tenantId": ', "not well-formed"),
        ("broken.yaml", "tenantId: [", "not well-formed"),
        ("twice.yaml", "tenantId: a\ntenantId: b", "not well-formed"),
        ("list.json", "[]", "the world: "),
    ],
)
def test_a_file_that_is_no_world_says_so(tmp_path: Path, name: str, text: str, said: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(WorldError, match=said) as caught:
        load_world(path)
    assert name in str(caught.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="cannot be read"):
        load_world(tmp_path / "nowhere.yaml")


def test_an_identity_is_of_the_worlds_directory_unless_it_says_otherwise() -> None:
    other = "5f3c0000-0000-4000-8000-000000000009"
    app = {
        "name": "app",
        "clientId": "C0000000-0000-4000-8000-000000000002",
        "objectId": "a0000000-0000-4000-8000-000000000002",
        "tenantId": other,
        "graphPermissions": ["User.Read.All"],
    }
    portal, found = parse_world(small(identities=[PORTAL, app])).principals()
    assert portal.tenant_id == TENANT
    assert portal.default
    assert found.tenant_id == other
    assert found.client_id == "c0000000-0000-4000-8000-000000000002"
    assert found.graph_permissions == {"User.Read.All"}


def test_the_directory_has_the_people_groups_and_deleted_people_of_the_file() -> None:
    world = parse_world(
        small(
            users=[person(1, employeeHireDate="2024-02-01T00:00:00+01:00")],
            deletedUsers=[person(2)],
            groups=[
                {
                    "id": "7c000000-0000-4000-8000-000000000001",
                    "displayName": "G",
                    "members": [person(1)["id"], person(2)["id"]],
                }
            ],
        )
    )
    view = world.directory(clock=lambda: datetime(2026, 3, 1, tzinfo=UTC), random_source=random.Random(1)).view()
    user = view.user("P1@contoso.example")
    assert user is not None
    assert user.properties["employeeHireDate"] == "2024-01-31T23:00:00Z"
    deleted = view.entry(person(2)["id"])
    assert deleted is not None
    assert deleted.state == "deleted"
    group = view.live("7c000000-0000-4000-8000-000000000001", "group")
    assert group is not None
    assert [member.id for member in view.members(group)] == [user.id]
