"""The managed identity endpoint: what it gives, what it refuses, and whose tokens it knows again."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from sandbox.identity import Identity, IdentityEndpoint
from sandbox.wire import Request, Response

PORTAL = Identity("portal", "c0000000-0000-4000-8000-000000000001", "a0000000-0000-4000-8000-000000000001", "t", True)
APP = Identity("app", "c0000000-0000-4000-8000-000000000002", "a0000000-0000-4000-8000-000000000002", "t")
GRAPH = "https://graph.microsoft.com"


class Time:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def endpoint(time: Time) -> IdentityEndpoint:
    return IdentityEndpoint([PORTAL, APP], clock=time, token_lifetime_seconds=3600)


def ask(endpoint: IdentityEndpoint, query: str, **headers: str) -> Response:
    sent = {"x-identity-header": "anything", **headers}
    return endpoint.handle(Request("GET", f"/msi/token?{query}", sent))


def answer(response: Response) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(response.body)
    return found


def bearer(token: str) -> Request:
    return Request("GET", "/", {"authorization": f"Bearer {token}"})


def test_without_a_client_id_the_default_identity_is_given(endpoint: IdentityEndpoint) -> None:
    given = answer(ask(endpoint, f"api-version=2019-08-01&resource={GRAPH}"))
    assert given["client_id"] == PORTAL.client_id
    assert given["token_type"] == "Bearer"


@pytest.mark.parametrize("resource", [GRAPH, "https://servicebus.azure.net/", "https://Vault.Example"])
def test_the_resource_is_echoed_exactly(endpoint: IdentityEndpoint, resource: str) -> None:
    assert answer(ask(endpoint, f"api-version=2019-08-01&resource={resource}"))["resource"] == resource


def test_a_user_assigned_identity_is_asked_for_by_client_id_in_any_case(endpoint: IdentityEndpoint) -> None:
    given = answer(ask(endpoint, f"api-version=2019-08-01&resource={GRAPH}&client_id={APP.client_id.upper()}"))
    claims = jwt.decode(given["access_token"], options={"verify_signature": False})
    assert claims["oid"] == APP.object_id
    assert claims["appid"] == APP.client_id
    assert claims["tid"] == "t"
    assert claims["exp"] - claims["iat"] == 3600
    assert given["expires_on"] == str(claims["exp"])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("resource=https://graph.microsoft.com", 400),
        ("api-version=2017-09-01&resource=https://graph.microsoft.com", 400),
        ("api-version=2019-08-01", 400),
        ("api-version=2019-08-01&resource=https://graph.microsoft.com&client_id=nobody", 400),
    ],
)
def test_what_the_real_endpoint_refuses_is_refused(endpoint: IdentityEndpoint, query: str, status: int) -> None:
    assert ask(endpoint, query).status == status


def test_a_request_without_the_identity_header_gets_no_token(endpoint: IdentityEndpoint) -> None:
    response = ask(endpoint, f"api-version=2019-08-01&resource={GRAPH}", **{"x-identity-header": ""})
    assert response.status == 401
    assert "access_token" not in answer(response)


def test_a_token_is_known_again_for_its_audience_alone(endpoint: IdentityEndpoint) -> None:
    token = endpoint.issue(APP, GRAPH)
    caller = endpoint.authenticate(GRAPH)(bearer(token))
    assert caller is not None
    assert (caller.object_id, caller.client_id, caller.tenant_id) == (APP.object_id, APP.client_id, "t")
    assert endpoint.authenticate("https://management.azure.com")(bearer(token)) is None


@pytest.mark.parametrize(
    "asked_for",
    [
        "https://servicebus.azure.net/",
        "https://servicebus.azure.net",
        "https://servicebus.azure.net//.default",
    ],
)
def test_slash_and_default_make_no_other_audience(endpoint: IdentityEndpoint, asked_for: str) -> None:
    token = endpoint.issue(APP, asked_for)
    assert endpoint.accepts(token, "https://servicebus.azure.net/")
    assert not endpoint.accepts(token, "https://servicebus.azure.net.example/")


def test_a_token_ends_with_its_hour(endpoint: IdentityEndpoint, time: Time) -> None:
    token = endpoint.issue(APP, GRAPH)
    time.now += timedelta(seconds=3599)
    assert endpoint.accepts(token, GRAPH)
    time.now += timedelta(seconds=1)
    assert not endpoint.accepts(token, GRAPH)


def test_tokens_of_another_sandbox_garbage_and_unsigned_ones_speak_for_nobody(
    endpoint: IdentityEndpoint,
) -> None:
    authenticate = endpoint.authenticate(GRAPH)
    other = IdentityEndpoint([APP]).issue(APP, GRAPH)
    unsigned = jwt.encode({"aud": GRAPH, "oid": APP.object_id, "exp": 1 << 40, "nbf": 0}, "", algorithm="none")
    assert authenticate(bearer(other)) is None
    assert authenticate(bearer(unsigned)) is None
    assert authenticate(bearer("garbage")) is None
    assert authenticate(Request("GET", "/")) is None
