"""What the billing adapter sends, how it follows long-running answers, and under whose name."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from sandbox.wire import Response, as_json
from shared.adapters.http.pipeline import request_options
from shared.domain.billing import INVOICE_MANAGER, Written
from shared.errors import MaybeWritten, Permanent, Transient
from tests.app.contract.billing_script import (
    KEY,
    MANAGED,
    NAME,
    OWN,
    PERSON,
    PROFILE,
    PROFILE_ID,
    SERVICES_OWN,
    TENANT,
    WRITES,
    Credential,
    Service,
    Tokenless,
    arm,
    assignment_row,
    bare,
    own_assignment,
    page,
    profile_row,
)

# -- granting


@pytest.mark.parametrize(
    "answer",
    [
        as_json(200, assignment_row()),
        as_json(201, assignment_row()),
        as_json(200, assignment_row(createdByPrincipalId=...)),
        Response(200),
        Response(201),
        Response(202),
        Response(200, {}, b"<html>"),
        as_json(200, assignment_row(createdByPrincipalId="7c0f5a0e-0000-4000-8000-0000000000bb")),
    ],
)
async def test_a_grant_that_is_answered_at_once_is_done(answer: Response) -> None:
    service = Service(answer)
    billing = service.billing(INVOICE_ACCESS_FORMER_IDENTITIES="7C0F5A0E-0000-4000-8000-0000000000BB")
    assert await billing.grant_invoice_manager(KEY, PERSON.upper()) is Written.DONE
    (request,) = service.requests
    assert request.path == f"{PROFILE_ID}/createBillingRoleAssignment"
    assert json.loads(request.body) == {
        "principalId": PERSON,
        "principalTenantId": TENANT,
        "roleDefinitionId": f"{PROFILE_ID.replace(':', '%3A')}/billingRoleDefinitions/{INVOICE_MANAGER}",
    }


@pytest.mark.parametrize(
    "answer",
    [
        arm(409, "Conflict", "exists already"),
        bare(409, "Conflict", "The role assignment conflicts with an existing role assignment."),
        as_json(409, {"title": "Conflict", "status": 409}),
        as_json(409, {"errors": {"PrincipalId": ["holds it"]}, "title": "Conflict", "status": 409}),
        Response(409),
        Response(409, {"content-type": "text/html"}, b"<html>conflict</html>"),
        as_json(200, assignment_row(createdByPrincipalId="7c0f5a0e-0000-4000-8000-0000000000cc")),
    ],
)
async def test_an_assignment_that_was_there_before_is_already_so(answer: Response) -> None:
    assert await Service(answer).billing().grant_invoice_manager(KEY, PERSON) is Written.ALREADY


async def test_a_grant_on_a_profile_that_is_gone_is_refused() -> None:
    with pytest.raises(Permanent, match="no such profile"):
        await (
            Service(arm(404, "BillingProfileNotFound", "no such profile")).billing().grant_invoice_manager(KEY, PERSON)
        )


@pytest.mark.parametrize("verb", WRITES)
async def test_a_long_running_write_is_followed_to_its_end(verb: str) -> None:
    signed = f"{OWN}/operationResults/x?api-version=2024-04-01&s=" + "a" * 5000
    service = Service(
        Response(202, {"location": f"{OWN}/operationResults/x?t=1", "retry-after": "0"}),
        as_json(202, {"value": []}, {"location": signed, "retry-after": "7"}),
        Response(202, {"retry-after": "86400"}),
        Response(202),
        Response(204),
    )
    assert await WRITES[verb](service.billing()) is (None if verb == "PUT" else Written.DONE)
    assert service.verbs == [verb, "GET", "GET", "GET", "GET"]
    assert [request.query[-8:] for request in service.requests[2:]] == ["aaaaaaaa"] * 3
    assert service.waits == [0.5, 7, 900, 2]


@pytest.mark.parametrize(
    "poll",
    [
        arm(404, "NotFound", "no such operation"),
        arm(400, "OperationFailed", "it failed"),
        arm(403, "AuthorizationFailed", "no"),
        arm(500, "X", "x"),
        Response(200, hang_up=True),
        Response(302),
    ],
)
async def test_a_poll_that_fails_leaves_the_outcome_open(poll: Response) -> None:
    service = Service(Response(202, {"location": "/operationResults/x"}), poll)
    with pytest.raises(MaybeWritten, match="may have been written"):
        await service.billing().grant_invoice_manager(KEY, PERSON)
    assert service.verbs.count("POST") == 1


# -- revoking, opting in


@pytest.mark.parametrize(
    ("answer", "written"),
    [
        (Response(200), Written.DONE),
        (as_json(200, assignment_row()), Written.DONE),
        (Response(202), Written.DONE),
        (Response(204), Written.ALREADY),
        (arm(404, "NotFound", "no such assignment"), Written.ALREADY),
        (bare(404, "NotFound", "The resource or one of its dependencies could not be found."), Written.ALREADY),
        (Response(404, SERVICES_OWN), Written.ALREADY),
    ],
)
async def test_a_revoke_ends_with_the_assignment_gone(answer: Response, written: Written) -> None:
    service = Service(answer)
    assert await service.billing().revoke_invoice_manager(own_assignment()) is written
    assert [request.path for request in service.requests] == [f"{PROFILE_ID}/billingRoleAssignments/{NAME}"]


@pytest.mark.parametrize(
    ("answer", "is_shown"),
    [
        (as_json(200, profile_row()), True),
        (as_json(200, {"nothing": "of it"}), False),
        (Response(200), False),
        (as_json(201, profile_row()), False),
        (Response(202), False),
    ],
)
async def test_opting_in_sends_every_writable_field_back_and_no_other(answer: Response, is_shown: bool) -> None:
    service = Service(answer)
    shown = await service.billing().opt_in(PROFILE)
    assert (shown is not None and shown.key == PROFILE.key) is is_shown
    assert json.loads(service.requests[0].body) == {
        "properties": {"displayName": "Contoso NL", "invoiceEmailOptIn": True, "poNumber": None},
        "tags": {"company": "Contoso"},
    }


# -- who we are, and what was sent


async def test_our_identities_are_the_tokens_own_and_the_former_ones() -> None:
    service, credential = Service(Response(200)), Credential()
    credential.expires_on = 0
    one, two = "7c0f5a0e-0000-4000-8000-0000000000b1", "7c0f5a0e-0000-4000-8000-0000000000b2"
    billing = service.billing(credential, INVOICE_ACCESS_FORMER_IDENTITIES=f"{one.upper()}, {two}")
    assert await billing.identities() == {MANAGED, one, two}
    credential.claims["oid"] = PERSON
    assert await billing.identities() == {PERSON, one, two}
    assert service.requests == []


async def test_a_token_that_names_nobody_is_told_apart_from_no_token() -> None:
    service, credential = Service(Response(200)), Credential()
    del credential.claims["oid"]
    with pytest.raises(Transient, match="does not say who we are"):
        await service.billing(credential).identities()
    with pytest.raises(Transient, match="no token"):
        await service.billing(Tokenless()).identities()


async def test_every_request_is_counted_by_kind() -> None:
    service = Service(
        arm(503, "Busy", "busy"),
        page(link="/next"),
        page(),
        Response(202, {"location": "/operationResults/x"}),
        Response(200),
        Response(204),
    )
    billing = service.billing()
    await billing.assignments(KEY)
    await billing.opt_in(PROFILE)
    await billing.revoke_invoice_manager(own_assignment())
    assert (billing.calls.reads, billing.calls.writes) == (4, 2)
    await billing.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"])
def test_http_is_for_this_machine_only(url: str) -> None:
    assert request_options(url)["enforce_https"] is False
    assert "enforce_https" not in request_options("https://arm.example")
    with pytest.raises(ValueError, match="this machine only"):
        request_options("http://arm.example")


def test_the_scripted_rows_are_read_by_the_clients_own_models() -> None:
    from azure.mgmt.billing import models  # noqa: PLC0415 - 100 ms that only this test needs

    rows: Sequence[Any] = [
        models.BillingRoleAssignment(assignment_row()),
        models.BillingProfile(profile_row()),
    ]
    assert rows[0].properties.principal_id == PERSON.upper()
    assert rows[1].properties.invoice_email_opt_in is False
