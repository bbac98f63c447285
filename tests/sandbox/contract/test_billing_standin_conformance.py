"""The billing stand-in against what is published: the specification's schemas, examples and error bodies."""

import json
import re
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest

from sandbox.wire import Response
from tests.published import needs_published
from tests.sandbox.contract.billing_standin import (
    ACCOUNT_OWNER,
    ANNA,
    CONFORMANCE,
    INVOICE_MANAGER,
    MANAGER,
    MCA,
    NL,
    NOBODY,
    STRANGER,
    TENANT,
    A,
    P,
    Standin,
    json_of,
    published,
)

pytestmark = needs_published

ROW = f"billingRoleAssignments/{INVOICE_MANAGER}_{MANAGER}"
ROLE = {"principalId": ANNA, "roleDefinitionId": INVOICE_MANAGER}
ACTIONS = {"actions": ["Microsoft.Billing/billingAccounts/read", "Microsoft.Subscription/subscriptions/write"]}
UPDATE = {"properties": {"displayName": "Contoso Nederland", "invoiceEmailOptIn": True}}

EXCHANGES: list[tuple[str, str, Any, int]] = [
    ("GET", "/providers/Microsoft.Billing/billingAccounts", None, 200),
    ("GET", A, None, 200),
    ("GET", f"{A}/associatedTenants", None, 200),
    ("GET", f"{A}/billingPermissions", None, 200),
    ("POST", f"{A}/checkAccess", ACTIONS, 200),
    (
        "POST",
        f"{A}/createBillingRoleAssignment",
        ROLE | {"roleDefinitionId": "50000000-aaaa-bbbb-cccc-100000000002"},
        200,
    ),
    ("POST", f"{A}/resolveBillingRoleAssignments", None, 202),
    ("GET", f"{A}/billingRoleAssignments", None, 200),
    ("GET", f"{A}/billingRoleAssignments/50000000-aaaa-bbbb-cccc-100000000000_{ACCOUNT_OWNER}", None, 200),
    ("GET", f"{A}/billingRoleDefinitions", None, 200),
    ("GET", f"{A}/billingProfiles", None, 200),
    ("GET", P, None, 200),
    ("PUT", P, UPDATE, 200),
    ("GET", f"{P}/billingPermissions", None, 200),
    ("POST", f"{P}/checkAccess", ACTIONS, 200),
    ("POST", f"{P}/createBillingRoleAssignment", ROLE, 200),
    ("POST", f"{P}/resolveBillingRoleAssignments", None, 202),
    ("GET", f"{P}/billingRoleAssignments", None, 200),
    ("GET", f"{P}/{ROW}", None, 200),
    ("GET", f"{P}/billingRoleDefinitions", None, 200),
    ("GET", f"{P}/billingRoleDefinitions/{INVOICE_MANAGER}", None, 200),
]


def specification() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CONFORMANCE / "openapi-2024-04-01.subset.json").read_text())
    return found


def operation_of(method: str, path: str) -> dict[str, Any]:
    for template, operations in specification()["paths"].items():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if re.fullmatch(pattern, path) and method.lower() in operations:
            found: dict[str, Any] = operations[method.lower()]
            return found
    raise LookupError(f"the specification has no {method} {path}")


def check(response: Response, schema: dict[str, Any]) -> None:
    whole = schema | {"definitions": specification()["definitions"]}
    jsonschema.Draft4Validator(whole).validate(json_of(response))


def keys_of(value: Any, path: str = "") -> set[str]:
    """Every path in a JSON value, list items merged."""
    if isinstance(value, dict):
        return {f"{path}.{key}" for key in value}.union(*(keys_of(v, f"{path}.{k}") for k, v in value.items()))
    if isinstance(value, list):
        return set().union(*(keys_of(item, f"{path}[]") for item in value))
    return set()


@pytest.mark.parametrize(("method", "path", "body", "status"), EXCHANGES)
async def test_every_answer_has_the_specified_shape(method: str, path: str, body: Any, status: int) -> None:
    standin = Standin(update_status=200)
    response = standin.call(method, path, body=body)
    assert response.status == status
    responses = operation_of(method, path)["responses"]
    assert str(status) in responses
    schema = responses["200"]["schema"]  # a resolve's 202 carries the list too, as recorded
    check(response, schema)
    if status == 202:
        assert {name.lower() for name in responses["202"]["headers"]} <= set(response.headers)


async def test_the_exchanges_cover_the_specification() -> None:
    covered = {operation_of(method, path)["operationId"] for method, path, *_ in EXCHANGES}
    every = {op["operationId"] for ops in specification()["paths"].values() for op in ops.values()}
    elsewhere = {
        "BillingProfiles_Delete",
        "BillingRoleAssignments_DeleteByBillingAccount",
        "BillingRoleAssignments_DeleteByBillingProfile",
        "BillingRoleAssignments_CreateOrUpdateByBillingAccount",
    }
    assert covered | elsewhere == every


@pytest.mark.parametrize(
    ("method", "path", "body", "by", "status"),
    [
        ("GET", P, None, STRANGER, 401),
        ("GET", f"{A}/billingProfiles/unknown", None, ACCOUNT_OWNER, 404),
        ("PUT", f"{A}/{ROW}", {"properties": ROLE}, ACCOUNT_OWNER, 422),
        ("POST", f"{P}/createBillingRoleAssignment", ROLE, MANAGER, 403),
        ("POST", f"{P}/createBillingRoleAssignment", ROLE | {"principalId": NOBODY}, ACCOUNT_OWNER, 404),
    ],
)
async def test_wrapped_errors_have_the_specified_shape(method: str, path: str, body: Any, by: str, status: int) -> None:
    standin = Standin(error_bodies="wrapped", unknown_principal_status=404)
    response = standin.call(method, path, body=body, by=by)
    assert response.status == status
    check(response, {"$ref": "#/definitions/ErrorResponse"})
    assert json_of(response)["error"].keys() == {"code", "message"}


async def test_published_error_bodies_are_those_of_the_stand_in() -> None:
    seen = {each["id"]: each for each in json.loads((CONFORMANCE / "errors.json").read_text())["errors"]}
    standin = Standin(reads_bucket=1, reads_per_second=1 / 60, error_bodies="wrapped")
    assert json_of(standin.call("GET", P, by=STRANGER)) == seen["no-claims"]["body"]
    assert json_of(standin.call("GET", P, by=STRANGER)) == seen["rp-throttled"]["body"]
    wrapped = json_of(standin.call("POST", f"{P}/createBillingRoleAssignment", body={"properties": ROLE}))
    expected = seen["role-assignment-bad-body"]["body"]
    assert wrapped.keys() == expected.keys()
    assert {f"properties.{field}": text for field, text in wrapped["errors"].items()} == expected["errors"]
    term = {"soldTo": {"addressLine1": "x", "country": "NL"}, "currentPaymentTerm": {"term": "Net30"}}
    refused = json_of(standin.call("PUT", P, body={"properties": term}))
    expected = seen["validation-problem-details"]["body"]
    assert refused | {"traceId": expected["traceId"]} == expected
    put = standin.call("PUT", f"{P}/{ROW}", body={"properties": ROLE})
    assert put.status == seen["put-role-assignment-on-mca"]["status"]
    assert json_of(put)["error"]["code"] == seen["put-role-assignment-on-mca"]["body"]["error"]["code"]


def world_of(account: dict[str, Any], profiles: list[dict[str, Any]]) -> list[dict[str, Any]]:
    def without(properties: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in properties.items() if key != "hasReadAccess"}

    return [
        {
            "name": account["name"],
            "properties": without(account["properties"]),
            "billingRoleAssignments": [{"principalId": ACCOUNT_OWNER, "role": "Billing account owner"}],
            "billingProfiles": [{"name": each["name"], "properties": without(each["properties"])} for each in profiles],
        }
    ]


async def test_a_world_of_the_published_profiles_answers_with_them() -> None:
    example = published("billingProfilesListByBillingAccount")
    account = published("billingAccountsGet")["responses"]["200"]["body"]
    account["name"] = example["parameters"]["billingAccountName"]
    profiles = example["responses"]["200"]["body"]["value"]
    standin = Standin(world_of(account, profiles))
    path = f"/providers/Microsoft.Billing/billingAccounts/{account['name']}/billingProfiles"
    listed = json_of(standin.call("GET", path))["value"]
    for expected, found in zip(profiles, listed, strict=True):
        assert {key: found[key] for key in expected if key != "properties"} == {
            key: value for key, value in expected.items() if key != "properties"
        }
        shared = {key: found["properties"][key] for key in expected["properties"]}
        assert shared == expected["properties"]


async def test_a_world_of_the_published_account_answers_with_it() -> None:
    expected = published("billingAccountsGet")["responses"]["200"]["body"]
    standin = Standin(world_of(expected, []))
    found = json_of(standin.call("GET", expected["id"]))
    assert found["properties"] == expected["properties"]
    assert keys_of(expected) == keys_of(found)
    listed = json_of(standin.call("GET", "/providers/Microsoft.Billing/billingAccounts"))["value"]
    assert [each["id"] for each in listed] == [expected["id"]]


async def test_a_world_of_the_published_enterprise_account_answers_with_it() -> None:
    expected = published("billingAccountsGetEA")["responses"]["200"]["body"]
    world = world_of(expected, [])
    world[0]["billingRoleAssignments"][0]["role"] = "Enterprise administrator"
    assert json_of(Standin(world).call("GET", expected["id"])) == expected


async def test_the_published_assignments_have_no_key_that_the_stand_in_lacks() -> None:
    standin = Standin()
    listed = json_of(standin.call("GET", f"{P}/billingRoleAssignments"))
    example = published("billingRoleAssignmentListByBillingProfile")["responses"]["200"]["body"]
    never_recorded = {".value[].properties.principalTenantName"}
    resolved_only = {".value[].properties.userEmailAddress"}
    assert keys_of(example) - keys_of(listed) == never_recorded | resolved_only
    created = json_of(standin.call("POST", f"{P}/createBillingRoleAssignment", body=ROLE))
    assert keys_of(published("billingRoleAssignmentCreateByBillingProfile")["responses"]["200"]["body"]) <= keys_of(
        created
    )
    row = json_of(standin.call("GET", f"{P}/{ROW}"))
    assert keys_of(published("billingRoleAssignmentGetByBillingProfile")["responses"]["200"]["body"]) <= keys_of(row)


async def test_a_world_of_the_published_assignments_keeps_their_names_and_makers() -> None:
    example = published("billingRoleAssignmentListByBillingProfile")
    rows = example["responses"]["200"]["body"]["value"]
    seeds = [
        {
            "name": row["name"],
            "principalId": row["properties"]["principalId"],
            "role": row["properties"]["roleDefinitionId"].rpartition("/")[2],
            "principalType": row["properties"]["principalType"],
            "principalTenantId": row["properties"]["principalTenantId"],
            "createdOn": row["properties"]["createdOn"],
            "createdByPrincipalId": row["properties"]["createdByPrincipalId"],
            "createdByPrincipalTenantId": row["properties"]["createdByPrincipalTenantId"],
        }
        for row in rows
    ]
    account = published("billingAccountsGet")["responses"]["200"]["body"]
    account["name"] = example["parameters"]["billingAccountName"]
    profile = {"name": example["parameters"]["billingProfileName"], "properties": {"displayName": "x"}}
    world = world_of(account, [profile])
    world[0]["billingProfiles"][0]["billingRoleAssignments"] = seeds
    path = rows[0]["id"].rpartition("/")[0]
    listed = json_of(Standin(world, whole_second_timestamps=False).call("GET", path))["value"]
    for expected, found in zip(rows, listed, strict=True):
        expected["properties"] = {
            key: value
            for key, value in expected["properties"].items()
            if key not in {"userEmailAddress", "principalTenantName"}
        }
        assert found.pop("properties").items() >= expected.pop("properties").items()
        assert found == expected


async def test_the_published_update_is_accepted_and_answered_as_published() -> None:
    example = published("billingProfilesCreateOrUpdate")
    expected = example["responses"]["200"]["body"]
    account = published("billingAccountsGet")["responses"]["200"]["body"]
    account["name"] = example["parameters"]["billingAccountName"]
    before = {"displayName": "before", "currency": "USD", "systemId": "11111111-1111-1111-1111-111111111111"}
    world = world_of(account, [{"name": expected["name"], "properties": before}])
    standin = Standin(world, update_status=200)
    found = json_of(standin.call("PUT", expected["id"], body=example["parameters"]["parameters"]))
    assert {key: found["properties"][key] for key in expected["properties"]} == expected["properties"]
    standin.turn(update_status=202, signed_locations=False)
    accepted = standin.call("PUT", expected["id"], body=example["parameters"]["parameters"])
    headers = example["responses"]["202"]["headers"]
    assert accepted.headers["retry-after"] == headers["retry-after"]
    guid = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert re.sub(f"_{guid}\\?", "_?", accepted.headers["location"]) == re.sub(f"_{guid}\\?", "_?", headers["location"])


@pytest.mark.parametrize(
    ("example", "scope"),
    [
        ("billingRoleDefinitionListByBillingProfile", P),
        ("billingRoleDefinitionListByBillingAccount", A),
    ],
)
async def test_every_published_role_is_offered_with_at_least_its_permissions(example: str, scope: str) -> None:
    standin = Standin(basic_purchaser=True)
    found = {each["name"]: each for each in json_of(standin.call("GET", f"{scope}/billingRoleDefinitions"))["value"]}
    expected = {each["name"]: each for each in published(example)["responses"]["200"]["body"]["value"]}
    assert found.keys() == expected.keys()
    for name, role in expected.items():
        offered = found[name]["properties"]
        assert offered["roleName"] == role["properties"]["roleName"]
        [permissions], [wanted] = offered["permissions"], role["properties"]["permissions"]
        same = {each for each in permissions["actions"] if scope == A or each.startswith("4")}
        assert same == set(wanted["actions"])
        assert "notActions" not in permissions


async def test_check_access_answers_the_published_question_as_published() -> None:
    example = published("checkAccessByBillingAccount")
    answered = Standin().call("POST", f"{A}/checkAccess", body=example["parameters"]["parameters"])
    assert json_of(answered) == example["responses"]["200"]["body"]


async def test_associated_tenants_have_the_published_keys() -> None:
    example = published("associatedTenantsListByBillingAccount")["responses"]["200"]["body"]
    found = json_of(Standin().call("GET", f"{A}/associatedTenants"))
    request = ".value[].properties.provisioningBillingRequestId"  # only where one is under way
    assert keys_of(example) - keys_of(found) == {request}


async def test_the_client_parses_a_whole_tour() -> None:
    standin = Standin()
    async with standin.client() as client:
        account = await client.billing_accounts.get(MCA)
        permissions = [each async for each in client.billing_permissions.list_by_billing_account(MCA)]
        definitions = [each async for each in client.billing_role_definition.list_by_billing_account(MCA)]
        decided = await client.billing_permissions.check_access_by_billing_account(MCA, ACTIONS)
        resolving = await client.billing_role_assignments.begin_resolve_by_billing_account(MCA)
        resolved = await resolving.result()
        profile = await client.billing_profiles.get(MCA, NL)
    assert account.properties is not None
    assert account.properties.agreement_type == "MicrosoftCustomerAgreement"
    assert account.system_data is not None
    assert permissions[0].actions is not None
    assert "40000000-aaaa-bbbb-cccc-200000000000" in permissions[0].actions
    assert len(definitions) == 3
    assert [each.access_decision for each in decided] == ["Allowed", "NotAllowed"]
    assert resolved.value is not None
    assert resolved.value[0].properties is not None
    assert resolved.value[0].properties.user_email_address == "01@contoso.com"
    assert resolved.value[0].properties.principal_tenant_id == TENANT
    assert profile.tags == {"company": "Contoso Nederland"}
