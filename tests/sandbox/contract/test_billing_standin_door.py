"""The billing stand-in's door: tokens, versions, paths, access, throttling, headers, long operations."""

import json

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError

from sandbox.wire import Request
from tests.sandbox.contract.billing_standin import (
    ACCOUNT_OWNER,
    ANNA,
    APP,
    CONTRIBUTOR,
    EA,
    ENTERPRISE_ADMIN,
    MANAGER,
    MCA,
    NL,
    PROFILE_OWNER,
    READER,
    STRANGER,
    A,
    P,
    Standin,
    error_of,
    json_of,
)

ASSIGN = "Microsoft.Billing/billingAccounts/billingProfiles/createBillingRoleAssignment/action"
WRITE = "Microsoft.Billing/billingAccounts/billingProfiles/write"
READ = "Microsoft.Billing/billingAccounts/billingProfiles/read"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer forged"}, {"authorization": "Basic x"}])
async def test_without_a_good_bearer_token_nothing_is_answered(headers: dict[str, str]) -> None:
    refused = Standin().call("GET", A, by=None, headers=headers)
    assert refused.status == 401
    assert refused.headers["www-authenticate"].startswith("Bearer ")
    assert json_of(refused)["error"]["code"] in {"AuthenticationFailed", "InvalidAuthenticationToken"}


@pytest.mark.parametrize(
    ("version", "code"),
    [(None, "MissingApiVersionParameter"), ("2020-05-01", "InvalidApiVersionParameter")],
)
async def test_the_api_version_is_required_and_must_be_the_one(version: str | None, code: str) -> None:
    refused = Standin().call("GET", A, version=version)
    assert refused.status == 400
    assert json_of(refused)["error"]["code"] == code


async def test_a_colon_may_be_encoded_and_names_have_no_case() -> None:
    standin = Standin()
    expected = json_of(standin.call("GET", P))
    for path in (
        P.replace(":", "%3A"),
        P.replace(":", "%3a"),
        P.upper(),
        P.lower(),
        P.replace("billingProfiles", "billingprofiles"),
    ):
        assert json_of(standin.call("GET", path)) == expected
    row = f"{P}/billingRoleAssignments/40000000-AAAA-bbbb-cccc-100000000004_{MANAGER.upper()}"
    assert standin.call("GET", row).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/subscriptions", 404),
        ("GET", f"{P}/invoices", 404),
        ("GET", f"{P}/billingRoleAssignments/a/b", 404),
        ("GET", f"{A}//billingProfiles", 404),
        ("GET", "/providers/Microsoft.Billing/billingAccounts/unknown", 404),
        ("GET", f"{A}/billingProfiles/unknown", 404),
        ("PATCH", P, 405),
        ("POST", f"{P}/billingRoleAssignments", 405),
        ("GET", f"{P}/createBillingRoleAssignment", 405),
        ("DELETE", A, 405),
        ("PUT", f"{A}/billingProfiles", 405),
    ],
)
async def test_other_paths_and_methods_are_refused(method: str, path: str, status: int) -> None:
    refused = Standin().call(method, path)
    assert refused.status == status
    assert set(error_of(refused)) == {"code", "message"}


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", b"{}", 415),
        ("", b"{}", 415),
        ("application/json", b"", 400),
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/json", b"\xff\xfe", 400),
    ],
)
async def test_a_body_must_be_a_json_object(content_type: str, body: bytes, status: int) -> None:
    headers = {"authorization": f"Bearer {ACCOUNT_OWNER}", "content-type": content_type}
    target = f"{P}/createBillingRoleAssignment?api-version=2024-04-01"
    assert Standin().handle(Request("POST", target, headers, body)).status == status


@pytest.mark.parametrize("path", [A, f"{A}/billingProfiles", P, f"{P}/billingRoleAssignments"])
async def test_a_stranger_is_told_that_it_has_no_claims_or_is_forbidden(path: str) -> None:
    standin = Standin()
    refused = standin.call("GET", path, by=STRANGER)
    assert refused.status == 401
    assert "www-authenticate" not in refused.headers
    assert json_of(refused) == {"code": "401", "message": "No claims present for the caller in the system"}
    standin.turn(stranger="forbidden")
    assert standin.call("GET", path, by=STRANGER).status == 403


async def test_the_client_raises_an_authentication_error_for_a_stranger() -> None:
    standin = Standin()
    async with standin.client(STRANGER) as client:
        with pytest.raises(ClientAuthenticationError):
            await client.billing_profiles.get(MCA, NL)
        assert [account async for account in client.billing_accounts.list()] == []


@pytest.mark.parametrize(
    ("caller", "reads", "assigns"),
    [
        (ACCOUNT_OWNER, 200, 200),
        (PROFILE_OWNER, 200, 200),
        (CONTRIBUTOR, 200, 403),
        (READER, 200, 403),
        (MANAGER, 200, 403),
        (STRANGER, 401, 401),
    ],
)
async def test_roles_say_who_may_read_and_assign(caller: str, reads: int, assigns: int) -> None:
    standin = Standin()
    assert standin.call("GET", f"{P}/billingRoleAssignments", by=caller).status == reads
    created = standin.create(ANNA, by=caller)
    assert created.status == assigns
    row = f"{P}/billingRoleAssignments/40000000-aaaa-bbbb-cccc-100000000004_{MANAGER}"
    assert standin.call("DELETE", row, by=caller).status == assigns
    assert {entry.caller for entry in standin.model.audit} == ({caller} if assigns == 200 else set())


async def test_a_profile_owner_has_no_say_at_the_account() -> None:
    standin = Standin()
    assert standin.call("GET", f"{A}/billingRoleAssignments", by=PROFILE_OWNER).status == 401
    assert standin.call("GET", f"{A}/billingProfiles/B5LA-FLMV-BG7-M77W-SGB", by=PROFILE_OWNER).status == 401


async def test_a_granted_role_takes_effect_and_a_revoked_one_ends() -> None:
    standin = Standin()
    assert standin.call("GET", P, by=ANNA).status == 401
    standin.create(ANNA)
    assert standin.call("GET", P, by=ANNA).status == 200
    standin.call("DELETE", f"{P}/billingRoleAssignments/40000000-aaaa-bbbb-cccc-100000000004_{ANNA}")
    assert standin.call("GET", P, by=ANNA).status == 401


async def test_permissions_answer_strangers_with_nothing() -> None:
    standin = Standin()
    async with standin.client(STRANGER) as client:
        found = [each async for each in client.billing_permissions.list_by_billing_profile(MCA, NL)]
        decided = await client.billing_permissions.check_access_by_billing_profile(MCA, NL, {"actions": [WRITE]})
    assert [each.actions for each in found] == [[]]
    assert [each.access_decision for each in decided] == ["NotAllowed"]
    assert "notActions" not in json_of(standin.call("GET", f"{P}/billingPermissions"))["value"][0]


@pytest.mark.parametrize(
    ("caller", "decisions"),
    [
        (PROFILE_OWNER, ["Allowed", "Allowed", "Allowed", "NotAllowed"]),
        (CONTRIBUTOR, ["Allowed", "Allowed", "NotAllowed", "NotAllowed"]),
        (MANAGER, ["Allowed", "NotAllowed", "NotAllowed", "NotAllowed"]),
    ],
)
async def test_check_access_answers_in_the_order_asked(caller: str, decisions: list[str]) -> None:
    standin = Standin()
    asked = {"actions": [READ, WRITE.upper(), ASSIGN, "Microsoft.Billing/noAction"]}
    answered = json_of(standin.call("POST", f"{P}/checkAccess", by=caller, body=asked))
    assert [each["accessDecision"] for each in answered] == decisions
    assert [each["action"] for each in answered] == asked["actions"]
    standin.turn(check_access_answers=False)
    answered = json_of(standin.call("POST", f"{P}/checkAccess", by=caller, body=asked))
    assert {each["accessDecision"] for each in answered} == {"NotAllowed"}


async def test_check_access_refuses_what_is_no_list() -> None:
    assert Standin().call("POST", f"{P}/checkAccess", body={"actions": "read"}).status == 400


async def test_an_enterprise_account_answers_with_named_actions() -> None:
    standin = Standin(check_access_answers=False)
    scope = f"/providers/Microsoft.Billing/billingAccounts/{EA}"
    held = json_of(standin.call("GET", f"{scope}/billingPermissions", by=ENTERPRISE_ADMIN))
    assert "Microsoft.Billing/billingAccounts/write" in held["value"][0]["actions"]
    asked = {"actions": ["Microsoft.Billing/billingAccounts/read", "Microsoft.Billing/billingAccounts/noAction"]}
    decided = json_of(standin.call("POST", f"{scope}/checkAccess", by=ENTERPRISE_ADMIN, body=asked))
    assert [each["accessDecision"] for each in decided] == ["Allowed", "NotAllowed"]


async def test_role_definitions_offer_four_roles_on_a_profile_and_three_on_an_account() -> None:
    standin = Standin()
    async with standin.client(MANAGER) as client:
        on_profile = [each async for each in client.billing_role_definition.list_by_billing_profile(MCA, NL)]
        one = await client.billing_role_definition.get_by_billing_profile(MCA, NL, str(on_profile[3].name))
    assert [each.properties.role_name for each in on_profile if each.properties] == [
        "Billing profile owner",
        "Billing profile contributor",
        "Billing profile reader",
        "Invoice manager",
    ]
    assert one.properties is not None
    assert one.properties.role_name == "Invoice manager"
    path = f"{A}/billingRoleDefinitions"
    assert len(json_of(standin.call("GET", path))["value"]) == 3
    standin.turn(basic_purchaser=True)
    assert json_of(standin.call("GET", path))["value"][-1]["properties"]["roleName"] == "Basic Purchaser"
    standin.turn(duplicate_role_definitions=True)
    twice = json_of(standin.call("GET", path))["value"]
    assert twice[-1] == twice[-2]
    assert standin.call("GET", f"{path}/{ANNA}").status == 404


async def test_reads_writes_deletes_and_checks_have_buckets_of_their_own() -> None:
    standin = Standin()
    reads = standin.call("GET", P).headers
    writes = standin.create(ANNA, by=ACCOUNT_OWNER).headers
    deletes = standin.call("DELETE", f"{P}/billingRoleAssignments/{ANNA}").headers
    checks = standin.call("POST", f"{P}/checkAccess", body={"actions": []}).headers
    assert reads["x-ms-ratelimit-remaining-tenant-reads"] == "249"
    assert writes["x-ms-ratelimit-remaining-tenant-writes"] == "199"
    assert deletes["x-ms-ratelimit-remaining-tenant-deletes"] == "199"
    assert checks["x-ms-ratelimit-remaining-tenant-writes"] == "198"
    standin.turn(check_access_bucket=800)
    checks = standin.call("POST", f"{P}/checkAccess", body={"actions": []}).headers
    assert checks["x-ms-ratelimit-remaining-tenant-writes"] == "799"
    assert standin.call("GET", P, by=APP).headers["x-ms-ratelimit-remaining-tenant-reads"] == "249"


async def test_the_service_may_have_a_limit_of_its_own_for_reads() -> None:
    standin = Standin(own_requests_bucket=2, own_requests_per_second=0.5)
    told = [standin.call("GET", P) for _ in range(3)]
    assert [each.status for each in told] == [200, 200, 429]
    assert told[0].headers["x-ms-ratelimit-remaining-tenant-resource-requests"] == "1"
    assert told[0].headers["x-ms-ratelimit-remaining-tenant-reads"] == "249"
    assert "x-ms-ratelimit-remaining-tenant-resource-requests" not in standin.create(ANNA).headers


async def test_who_calls_too_often_is_told_when_to_come_back() -> None:
    standin = Standin(reads_bucket=2, reads_per_second=0.5)
    answers = [standin.call("GET", P) for _ in range(3)]
    assert [each.status for each in answers] == [200, 200, 429]
    assert answers[-1].headers["retry-after"] == "2"
    assert json_of(answers[-1])["error"]["code"] == "429"
    assert standin.call("GET", P, by=APP).status == 200
    standin.clock.pass_by(2)
    assert standin.call("GET", P).status == 200


async def test_a_429_may_come_without_retry_after() -> None:
    standin = Standin(reads_bucket=1, reads_per_second=0.1, throttled_with_retry_after=False)
    standin.call("GET", P)
    refused = standin.call("GET", P)
    assert refused.status == 429
    assert "retry-after" not in refused.headers
    assert "retry after 10 seconds" in json_of(refused)["message"]


async def test_the_client_waits_as_told_when_throttled() -> None:
    standin = Standin(reads_bucket=1, reads_per_second=0.25)
    async with standin.client() as client:
        await client.billing_profiles.get(MCA, NL)
        await client.billing_profiles.get(MCA, NL)
    assert standin.clock.slept == [4.0]


async def test_answers_carry_the_recorded_headers() -> None:
    standin = Standin()
    answered = standin.call("GET", P).headers
    accepted = standin.call("POST", f"{P}/resolveBillingRoleAssignments").headers
    for headers in (answered, accepted):
        assert "2024-04-01" in headers["api-supported-versions"]
        assert headers["cache-control"] == "no-cache"
        assert headers["x-ms-service-version"].startswith("10.6.")
        assert headers["x-ms-request-id"]
        assert headers["content-type"] == "application/json; charset=utf-8"
    assert answered["vary"] == "Accept-Encoding"
    assert "vary" not in accepted
    assert answered["x-ms-request-id"] != accepted["x-ms-request-id"]


async def test_a_signed_location_is_long_and_must_come_back_untouched() -> None:
    standin = Standin()
    accepted = standin.call("POST", f"{P}/resolveBillingRoleAssignments")
    location = accepted.headers["location"].removeprefix("https://management.azure.com")
    assert 5_000 < len(accepted.headers["location"]) < 6_000
    assert location.startswith(f"{A}/operationResults/resolveBillingRoleAssignments_")
    assert standin.call("GET", location[:-1]).status == 403
    assert standin.call("GET", location.partition("&")[0]).status == 403
    assert standin.call("GET", location).status == 202


async def test_a_location_is_short_when_so_switched_and_forgotten_in_time() -> None:
    standin = Standin(signed_locations=False, resolve_polls=0, operation_kept_seconds=60)
    accepted = standin.call("POST", f"{P}/resolveBillingRoleAssignments")
    location = accepted.headers["location"].removeprefix("https://management.azure.com")
    assert location.endswith("?api-version=2024-04-01")
    standin.clock.pass_by(60)
    assert standin.call("GET", location).status == 200
    assert standin.call("GET", location).status == 200
    standin.clock.pass_by(1)
    assert standin.call("GET", location).status == 404
    assert standin.call("GET", f"{A}/operationResults").status == 404


async def test_a_failed_create_can_be_read_by_the_client_as_an_error() -> None:
    standin = Standin()
    async with standin.client() as client:
        with pytest.raises(HttpResponseError) as failure:
            await client.billing_role_assignments.begin_create_by_billing_profile(
                MCA, NL, json.loads('{"roleDefinitionId": "x", "principalId": "y"}')
            )
    assert failure.value.status_code == 400


async def test_the_same_seed_gives_the_same_answers() -> None:
    first, second = (Standin().call("POST", f"{P}/resolveBillingRoleAssignments") for _ in range(2))
    assert first == second
