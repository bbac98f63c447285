"""The directory behind the Graph stand-in: membership, deletion, principals and the past that reads see."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.graph import GraphModel, Switches
from sandbox.graph.errors import GraphError
from sandbox.graph.objects import Entry
from sandbox.graph.timeline import Timeline
from sandbox.identity import Identity


def guid(number: int) -> str:
    return f"b0000000-0000-4000-8000-{number:012d}"


def person(number: int, **more: Any) -> dict[str, Any]:
    return {"id": guid(number), "userPrincipalName": f"p{number}@contoso.example", **more}


class Time:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


def directory(time: Time | None = None, **seed: Any) -> GraphModel:
    return GraphModel(
        tenant_id="t",
        identities=[Identity("app", "c-app", "O-APP", "t")],
        clock=time or Time(),
        random_source=random.Random(1),
        **seed,
    )


def live(model: GraphModel, number: int) -> Entry:
    found = model.newest().live(guid(number))
    assert found is not None
    return found


def test_groups_that_contain_each_other_have_members_and_an_end() -> None:
    model = directory(
        users=[person(1), person(2)],
        groups=[
            {"id": guid(10), "displayName": "A", "members": [guid(11), guid(1)]},
            {"id": guid(11), "displayName": "B", "members": [guid(12), guid(2)]},
            {"id": guid(12), "displayName": "C", "members": [guid(10)]},
        ],
    )
    view = model.view()
    everybody = {entry.id for entry in view.transitive_members(live(model, 10))}
    assert everybody == {guid(1), guid(2), guid(10), guid(11), guid(12)}
    assert [group.id for group in view.transitive_groups(guid(2))] == [guid(10), guid(11), guid(12)]


def test_who_is_reached_twice_is_listed_once() -> None:
    model = directory(
        users=[person(1)],
        groups=[
            {"id": guid(10), "displayName": "A", "members": [guid(11), guid(12)]},
            {"id": guid(11), "displayName": "B", "members": [guid(1)]},
            {"id": guid(12), "displayName": "C", "members": [guid(1)]},
        ],
    )
    found = [entry.id for entry in model.view().transitive_members(live(model, 10))]
    assert sorted(found) == [guid(1), guid(11), guid(12)]


def test_a_deleted_member_is_hidden_and_comes_back_with_the_person() -> None:
    model = directory(users=[person(1)], groups=[{"id": guid(10), "displayName": "A", "members": [guid(1)]}])
    model.delete(live(model, 1))
    assert model.view().members(live(model, 10)) == []
    deleted = model.view().entry(guid(1))
    assert deleted is not None
    model.restore(deleted)
    assert [entry.id for entry in model.view().members(live(model, 10))] == [guid(1)]


def test_a_microsoft_365_group_is_deleted_softly_and_a_security_group_for_good() -> None:
    model = directory(
        groups=[
            {"id": guid(10), "displayName": "S"},
            {"id": guid(11), "displayName": "U", "groupTypes": ["Unified"]},
        ]
    )
    model.delete(live(model, 10))
    model.delete(live(model, 11))
    assert model.newest().entry(guid(10)) is None
    unified = model.newest().entry(guid(11))
    assert unified is not None
    assert unified.state == "deleted"
    assert "deletedDateTime" in unified.properties


def test_principals_have_a_type_until_they_are_deleted() -> None:
    model = directory(users=[person(1)], groups=[{"id": guid(10), "displayName": "A"}])
    assert model.principal_type(guid(1).upper()) == "User"
    assert model.principal_type(guid(10)) == "Group"
    assert model.principal_type("o-app") == "ServicePrincipal"
    assert model.principal_type(guid(99)) is None
    model.delete(live(model, 1))
    assert model.principal_type(guid(1)) is None


def test_billing_hears_of_a_person_at_once_whatever_the_lag() -> None:
    model = directory(switches=Switches(replica_lag_seconds=60))
    made = model.create("user", {"userPrincipalName": "new@contoso.example"})
    assert model.principal_type(made.id) == "User"
    assert model.view().live(made.id) is None


def test_memberships_are_seen_as_late_as_people() -> None:
    time = Time()
    model = directory(
        time,
        users=[person(1), person(2)],
        groups=[{"id": guid(10), "displayName": "A", "members": [guid(1)]}],
        switches=Switches(replica_lag_seconds=60),
    )
    model.add_members(live(model, 10), [guid(2)])
    assert model.view().transitive_groups(guid(2)) == []
    time.now += timedelta(seconds=60)
    assert [group.id for group in model.view().transitive_groups(guid(2))] == [guid(10)]


def test_a_group_is_no_member_of_itself() -> None:
    model = directory(groups=[{"id": guid(10), "displayName": "A"}])
    with pytest.raises(GraphError, match="member of itself"):
        model.add_members(live(model, 10), [guid(10)])


def test_adding_several_members_of_whom_one_is_unknown_adds_nobody() -> None:
    model = directory(users=[person(1)], groups=[{"id": guid(10), "displayName": "A"}])
    with pytest.raises(GraphError) as refused:
        model.add_members(live(model, 10), [guid(1), guid(99)])
    assert refused.value.status == 404
    assert model.view().members(live(model, 10)) == []


def test_a_seed_the_directory_could_not_hold_is_refused() -> None:
    with pytest.raises(GraphError, match="'departmnt' does not exist"):
        directory(users=[person(1, departmnt="x")])


def test_ids_come_from_the_injected_random_source() -> None:
    first, second = (directory().create("user", {"userPrincipalName": "n@c.example"}).id for _ in range(2))
    assert first == second


def test_a_timeline_keeps_what_reads_can_still_see_and_no_more() -> None:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    timeline = Timeline(begin, 0)
    for minute in range(1, 100):
        now = begin + timedelta(minutes=minute)
        timeline.write(now, minute, forget_before=now - timedelta(minutes=3))
        for ago in (0, 1, 2, 3):
            if ago <= minute:
                assert timeline.as_of(now - timedelta(minutes=ago)) == minute - ago
    assert timeline.as_of(begin) is None, "nobody can read so far back, so it is forgotten"
    assert timeline.as_of(begin + timedelta(days=1)) == 99
