import json
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

import pytest

from sandbox.faults import Faults, Rule, Switchboard, faults_handler, path_template
from sandbox.wire import Handler, Request, Response


class Work:
    """A stand-in that counts what it did."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, _request: Request) -> Response:
        self.done += 1
        return Response(200, body=b"done")


def rule(**fields: Any) -> Rule:
    return Rule.model_validate({"target": "arm", "effect": {"status": 503}, **fields})


def test_a_rule_replaces_the_answer_as_often_as_it_says_and_the_work_is_not_done() -> None:
    faults, work = Faults(), Work()
    handle = faults.wrap("arm", work)
    laid = faults.lay(rule(effect={"status": 429, "headers": {"retry-after": "7"}, "body": {"error": "slow"}}, times=2))
    answers = [handle(Request("GET", "/x")) for _ in range(3)]
    assert [answer.status for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert json.loads(answers[0].body) == {"error": "slow"}
    assert (laid.hits, work.done) == (2, 1)


def test_after_means_that_the_work_was_done_before_it_failed() -> None:
    faults, work = Faults(), Work()
    handle = faults.wrap("arm", work)
    faults.lay(rule(effect={"hang_up": True, "after": True}))
    answer = handle(Request("PUT", "/x"))
    assert answer.hang_up
    assert work.done == 1


def test_a_delay_alone_leaves_the_answer() -> None:
    faults = Faults()
    handle = faults.wrap("arm", Work())
    faults.lay(rule(effect={"delay_seconds": 1.5}))
    answer = handle(Request("GET", "/x"))
    assert (answer.status, answer.body, answer.delay_seconds) == (200, b"done", 1.5)


@pytest.mark.parametrize(
    ("fields", "hit"),
    [
        ({}, True),
        ({"method": "put"}, True),
        ({"method": "GET"}, False),
        ({"path": "/billingProfiles/[^/]+$"}, True),
        ({"path": "^/users"}, False),
        ({"path": "a b"}, True),
        ({"target": "graph"}, False),
    ],
)
def test_a_rule_is_about_its_target_method_and_path(fields: dict[str, Any], hit: bool) -> None:
    faults = Faults()
    handle = faults.wrap("arm", Work())
    faults.lay(rule(**fields))
    answer = handle(Request("PUT", "/billingProfiles/a%20b?api-version=1"))
    assert (answer.status == 503) is hit


def test_the_first_rule_that_is_not_used_up_counts() -> None:
    faults = Faults()
    handle = faults.wrap("arm", Work())
    faults.lay(rule(times=1))
    faults.lay(rule(effect={"status": 500}, times=1))
    assert [handle(Request("GET", "/")).status for _ in range(3)] == [503, 500, 200]


def test_a_probability_is_drawn_from_the_injected_random_source() -> None:
    faults = Faults(Random(3))
    handle = faults.wrap("arm", Work())
    faults.lay(rule(probability=0.25))
    failed = sum(handle(Request("GET", "/")).status == 503 for _ in range(1000))
    assert 200 < failed < 300


@pytest.mark.parametrize(
    ("path", "template"),
    [
        (
            "/providers/Microsoft.Billing/billingAccounts/a:b_2019-05-31/billingProfiles/p/billingRoleAssignments/r_q",
            "/providers/Microsoft.Billing/billingAccounts/{}/billingProfiles/{}/billingRoleAssignments/{}",
        ),
        ("/v1.0/users/ada@contoso.example", "/v1.0/users/{}"),
        ("/v1.0/users/delta", "/v1.0/users/delta"),
        ("/v1.0/users/$count", "/v1.0/users/$count"),
        ("/v1.0/groups/g/members/$ref", "/v1.0/groups/{}/members/$ref"),
        (
            "/v1.0/users/x/transitiveMemberOf/microsoft.graph.group",
            "/v1.0/users/{}/transitiveMemberOf/microsoft.graph.group",
        ),
        ("/v1.0/directory/deletedItems/x", "/v1.0/directory/deletedItems/{}"),
    ],
)
def test_calls_of_one_kind_have_one_template(path: str, template: str) -> None:
    assert path_template(path) == template


@dataclass(frozen=True)
class FrozenSwitches:
    status: Literal[200, 202] = 200
    lag_seconds: float = 0.0


@dataclass
class OpenSwitches:
    throttle: bool = False
    limit: int | None = 15


class Owner:
    def __init__(self, switches: Any) -> None:
        self.switches = switches


@pytest.fixture
def owners() -> dict[str, Owner]:
    return {"arm": Owner(FrozenSwitches()), "graph": Owner(OpenSwitches())}


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def door(faults: Faults, owners: dict[str, Owner]) -> Handler:
    return faults_handler(faults, Switchboard(owners))


def ask(door: Handler, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    answer = door(Request(method, path, body=b"" if body is None else json.dumps(body).encode()))
    return answer.status, json.loads(answer.body) if answer.body else None


def test_rules_are_laid_listed_and_lifted_through_the_door(door: Handler, faults: Faults) -> None:
    handle = faults.wrap("graph", Work())
    status, laid = ask(door, "POST", "/faults", {"target": "graph", "times": 3, "effect": {"status": 500}})
    assert status == 201
    handle(Request("GET", "/v1.0/users"))
    _, listed = ask(door, "GET", "/faults")
    assert listed["faults"] == [
        {
            "id": laid["id"],
            "hits": 1,
            "target": "graph",
            "times": 3,
            "probability": 1.0,
            "effect": {"status": 500, "headers": {}, "delay_seconds": 0.0, "hang_up": False, "after": False},
        }
    ]
    assert ask(door, "DELETE", "/faults/other")[0] == 404
    assert ask(door, "DELETE", f"/faults/{laid['id']}")[0] == 204
    assert handle(Request("GET", "/v1.0/users")).status == 200
    ask(door, "POST", "/faults", {"target": "graph", "effect": {"hang_up": True}})
    assert ask(door, "DELETE", "/faults")[0] == 204
    assert ask(door, "GET", "/faults") == (200, {"faults": []})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"effect": {"status": 500}}, "target"),
        ({"target": "bus", "effect": {"status": 500}}, "target"),
        ({"target": "arm", "effect": {"status": 42}}, "effect.status"),
        ({"target": "arm", "effect": {}}, "effect"),
        ({"target": "arm", "effect": {"delay_seconds": 1, "after": True}}, "effect"),
        ({"target": "arm", "effect": {"delay_seconds": -1}}, "effect.delay_seconds"),
        ({"target": "arm", "effect": {"status": 500}, "path": "("}, "path"),
        ({"target": "arm", "effect": {"status": 500}, "times": 0}, "times"),
        ({"target": "arm", "effect": {"status": 500}, "probability": 2}, "probability"),
        ({"target": "arm", "effect": {"status": 500}, "tines": 1}, "tines"),
        (None, "body"),
    ],
)
def test_a_rule_that_is_not_one_is_refused_by_field(door: Handler, body: Any, field: str) -> None:
    status, refusal = ask(door, "POST", "/faults", body)
    assert status == 400
    assert field in [each["field"] for each in refusal["error"]["fields"]]
    assert ask(door, "GET", "/faults")[1] == {"faults": []}


def test_switches_are_turned_frozen_or_not(door: Handler, owners: dict[str, Owner]) -> None:
    assert ask(door, "PUT", "/switches/arm/status", {"value": 202}) == (200, {"value": 202})
    assert ask(door, "PUT", "/switches/graph/limit", {"value": None})[0] == 200
    assert ask(door, "GET", "/switches")[1] == {
        "arm": {"status": 202, "lag_seconds": 0.0},
        "graph": {"throttle": False, "limit": None},
    }
    assert owners["arm"].switches == FrozenSwitches(status=202)
    assert owners["graph"].switches == OpenSwitches(limit=None)


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/switches/arm/status", {"value": 201}, 400, "arm.status"),
        ("/switches/arm/status", {"valeu": 202}, 400, "value"),
        ("/switches/arm/nothing", {"value": 1}, 404, "status, lag_seconds"),
        ("/switches/bus/status", {"value": 1}, 404, "arm, graph"),
        ("/switches/arm", {"value": 1}, 404, "/switches/{stand-in}/{name}"),
    ],
)
def test_a_switch_that_cannot_be_turned_so_is_refused(
    door: Handler, path: str, body: Any, status: int, said: str
) -> None:
    answered, refusal = ask(door, "PUT", path, body)
    assert answered == status
    assert said in refusal["error"]["message"]


def test_calls_are_counted_per_stand_in_and_kind(door: Handler, faults: Faults) -> None:
    arm, graph = faults.wrap("arm", Work()), faults.wrap("graph", Work())
    for person in ("a", "b"):
        graph(Request("GET", f"/v1.0/users/{person}?$select=id"))
    arm(Request("GET", "/providers/Microsoft.Billing/billingAccounts"))
    assert ask(door, "GET", "/calls")[1] == {
        "arm": {"GET /providers/Microsoft.Billing/billingAccounts": 1},
        "graph": {"GET /v1.0/users/{}": 2},
    }
    assert ask(door, "DELETE", "/calls")[0] == 204
    assert ask(door, "GET", "/calls")[1] == {"arm": {}, "graph": {}}


def test_an_unknown_door_says_which_there_are(door: Handler) -> None:
    status, refusal = ask(door, "GET", "/fault")
    assert status == 404
    assert "/switches, /calls, /subscriptions" in refusal["error"]["message"]
