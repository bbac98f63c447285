"""What the billing adapter makes of refusals, and what is repeated."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sandbox.wire import Response, as_json
from shared.adapters.billing.arm import ArmBilling
from shared.adapters.http.answers import answered_at, asked_wait
from shared.errors import AccessLost, MaybeWritten, Permanent, Transient
from tests.app.contract.billing_script import (
    ACCOUNT,
    KEY,
    OWN,
    PERSON,
    PROBLEM,
    SERVICES_OWN,
    WRITES,
    Service,
    Tokenless,
    arm,
    assignment_row,
    bare,
)

# -- refusals


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (arm(401, "401", "No claims present for the caller in the system"), AccessLost, "no billing role on"),
        (bare(401, "401", "No claims present for the caller in the system"), AccessLost, "no billing role on"),
        (arm(401, "AuthenticationFailed", "No claims present for the caller"), AccessLost, "no billing role on"),
        (bare(401, "Unauthorized", "in words nobody knows"), AccessLost, "nobody knows"),
        (bare(401, "Unauthorized", "nobody knows", www_authenticate="Bearer"), AccessLost, "nobody knows"),
        (as_json(401, {"title": "Unauthorized", "status": 401}), AccessLost, "Unauthorized"),
        (Response(401, SERVICES_OWN, b"keep out"), AccessLost, "keep out"),
        (Response(401, SERVICES_OWN), AccessLost, "no explanation"),
        (bare(403, "Forbidden", "in words nobody knows"), AccessLost, "nobody knows"),
        (as_json(403, {"title": "Forbidden", "status": 403}), AccessLost, "Forbidden"),
        (Response(403, {"content-type": "text/html"}, b"<html>keep out</html>"), AccessLost, "keep out"),
        (arm(403, "AuthorizationFailed", "lacks a role"), AccessLost, "lacks a role"),
        (Response(403), AccessLost, "no explanation"),
        (arm(401, "ExpiredAuthenticationToken", "expired"), Transient, "token"),
        (Response(401), Transient, "token"),
        (Response(401, {"content-type": "text/html"}, b"<html>sign in</html>"), Transient, "token"),
        (bare(401, "ExpiredAuthenticationToken", "expired"), Transient, "token"),
        (arm(401, "InvalidAuthenticationTokenAudience", "for another"), Transient, "token"),
        (arm(401, "AuthenticationFailed", "The 'Authorization' header is missing."), Transient, "token"),
        (as_json(401, {"error": "invalid_token", "error_description": "it expired"}), Transient, "it expired"),
        (arm(401, "Anything", "at all", x_ms_failure_cause="gateway"), Transient, "token"),
        (
            bare(401, "Unauthorized", "x", www_authenticate='Bearer realm="", error="invalid_token"'),
            Transient,
            "token",
        ),
        *(  # another token is asked for in a way that nobody can read: no base64, no UTF-8
            (
                bare(401, "X", "x", www_authenticate=f'Bearer error="insufficient_claims", claims="{claims}"'),
                Transient,
                "token",
            )
            for claims in ("a", "_w==")
        ),
        (arm(429, "429", "Too many requests."), Transient, "Too many"),
        (bare(429, "429", "Too many requests."), Transient, "429: Too many"),
        (bare(500, "InternalServerError", "oops"), Transient, "InternalServerError: oops"),
        (bare(503, "Busy", "busy"), Transient, "Busy: busy"),
        (bare(400, "BadRequest", "no"), Permanent, "BadRequest: no"),
        (
            as_json(400, {"Code": "BadRequest", "Message": "no", "Details": [{"Message": "why"}]}),
            Permanent,
            "BadRequest: no; why",
        ),
        (bare(409, "Conflict", "in progress"), Transient, "Conflict: in progress"),
        (bare(418, "Teapot", "in words nobody knows"), Permanent, "Teapot: in words"),
        (arm(500, "InternalServerError", "oops"), Transient, "oops"),
        (
            Response(502, {"content-type": "text/html"}, b"<html>Bad\n gateway</html>"),
            Transient,
            "Bad gateway",
        ),
        (arm(408, "RequestTimeout", "slow"), Transient, "slow"),
        (arm(409, "Conflict", "another operation is in progress"), Transient, "in progress"),
        (
            arm(422, "UnprocessableEntity", "not supported"),
            Permanent,
            "422 UnprocessableEntity: not supported",
        ),
        (as_json(400, PROBLEM), Permanent, "PrincipalId: The value 'x' is not valid."),
        (
            as_json(400, {"error": {"code": "Bad", "message": "no", "details": [{"message": "why"}]}}),
            Permanent,
            "no; why",
        ),
        (as_json(400, {"errors": {}, "title": "Invalid"}), Permanent, "Invalid"),
        (as_json(400, ["odd"]), Permanent, "odd"),
        (Response(400, {}, b"x" * 100_000), Permanent, "xxx..."),
    ],
)
async def test_a_refusal_becomes_the_error_that_says_what_to_do(
    answer: Response, error: type[Exception], said: str
) -> None:
    calls: list[Callable[[ArmBilling], Any]] = [
        lambda billing: billing.assignment(KEY, PERSON),
        lambda billing: billing.assignments(KEY),
    ]
    for call in calls:
        with pytest.raises(error) as caught:
            await call(Service(answer).billing())
        assert type(caught.value) is error
        assert said in str(caught.value)
        assert len(str(caught.value)) < 1000


async def test_the_lost_role_names_its_scope() -> None:
    gone = arm(401, "401", "No claims present for the caller in the system")
    with pytest.raises(AccessLost) as caught:
        await Service(gone).billing().assignments(KEY)
    assert caught.value.scope == str(KEY)
    with pytest.raises(AccessLost) as caught:
        await Service(gone).billing().profiles(ACCOUNT)
    assert caught.value.scope == ACCOUNT


@pytest.mark.parametrize(
    "refused",
    [
        arm(400, "PrincipalNotFound", "The principal does not exist in the tenant."),
        bare(422, "BillingPrincipalNotFound", "The principal does not exist in the tenant."),
        bare(404, "NotFound", "The resource or one of its dependencies could not be found."),
        arm(404, "NotFound", "The resource or one of its dependencies could not be found."),
        as_json(400, PROBLEM),
        as_json(400, {"Errors": {"properties.PrincipalID": ["who?"]}, "Title": "One or more", "Status": 400}),
    ],
)
async def test_a_principal_that_billing_may_not_know_yet_is_worth_another_try(refused: Response) -> None:
    service = Service(refused)
    with pytest.raises(Transient) as caught:
        await service.billing().grant_invoice_manager(KEY, PERSON)
    assert type(caught.value) is Transient
    assert caught.value.retry_after == timedelta(seconds=30)
    assert service.verbs == ["POST"]


@pytest.mark.parametrize(
    "refused",
    [
        bare(404, "BillingProfileNotFound", "no such profile"),
        bare(400, "BadRequest", "no"),
        as_json(400, {"errors": {"RoleDefinitionId": ["which?"]}, "title": "One or more", "status": 400}),
        bare(422, "UnprocessableEntity", "not under this agreement"),
    ],
)
async def test_a_grant_that_is_refused_for_another_reason_is_not_tried_again(refused: Response) -> None:
    with pytest.raises(Permanent):
        await Service(refused).billing().grant_invoice_manager(KEY, PERSON)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "17"}, 17),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "1500", "retry-after": "17"}, 1.5),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 -0000", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "1e300"}, 1e9),
        ({}, None),
    ],
)
def test_how_long_to_wait_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert asked_wait(headers) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("date", "told"),
    [
        ("Mon, 02 Mar 2026 09:00:07 GMT", datetime(2026, 3, 2, 9, 0, 7, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 10:00:07 +0100", datetime(2026, 3, 2, 9, 0, 7, tzinfo=UTC)),
        ("Mon, 02 Mar 2026 09:00:07 -0000", None),  # a time without a zone
        ("2026-03-02T09:00:07Z", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_the_services_own_time_is_read_where_it_is_told(date: str | None, told: datetime | None) -> None:
    assert answered_at({} if date is None else {"date": date}) == told


@pytest.mark.parametrize(
    ("answer", "minutes"),
    [
        (arm(429, "429", "Too many requests.", retry_after="86400"), 15),
        (arm(503, "Busy", "busy", retry_after="999999999999999999"), 15),
        (arm(429, "429", "Too many requests. Please retry after 60 seconds."), 1),
        (bare(429, "429", "Too many requests. Please retry after 60 seconds."), 1),
        (arm(503, "Busy", "busy", retry_after="120"), 2),
    ],
)
async def test_the_wait_handed_on_is_capped(answer: Response, minutes: int) -> None:
    service = Service(answer)
    with pytest.raises(Transient) as caught:
        await service.billing().grant_invoice_manager(KEY, PERSON)
    assert caught.value.retry_after == timedelta(minutes=minutes)


# -- repeating


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_read_is_repeated_twice_and_no_more(status: int) -> None:
    passing = arm(status, "X", "x")
    service = Service(passing, passing, as_json(200, assignment_row()))
    assert await service.billing().assignment(KEY, PERSON) is not None
    failing = Service(passing)
    with pytest.raises(Transient):
        await failing.billing().assignment(KEY, PERSON)
    assert len(failing.requests) == 3
    assert sum(failing.waits) < 10


async def test_a_lost_connection_is_no_answer_and_a_read_is_repeated() -> None:
    service = Service(Response(200, hang_up=True), as_json(200, assignment_row()))
    assert await service.billing().assignment(KEY, PERSON) is not None
    failing = Service(Response(200, hang_up=True))
    with pytest.raises(Transient) as caught:
        await failing.billing().assignment(KEY, PERSON)
    assert "written" not in caught.value.reason
    assert len(failing.requests) == 3


async def test_a_read_whose_asked_wait_is_longer_than_a_handler_has_is_not_repeated() -> None:
    service = Service(arm(429, "429", "Too many requests.", retry_after="60"))
    with pytest.raises(Transient) as caught:
        await service.billing().assignment(KEY, PERSON)
    assert caught.value.retry_after == timedelta(seconds=60)
    assert len(service.requests) == 1
    assert service.waits == []


async def test_a_read_waits_as_the_service_asks() -> None:
    service = Service(arm(429, "429", "x", retry_after="3"), as_json(200, assignment_row()))
    assert await service.billing().assignment(KEY, PERSON) is not None
    assert service.waits == [3]


@pytest.mark.parametrize("verb", WRITES)
@pytest.mark.parametrize(
    "answer",
    [
        arm(429, "429", "Too many requests.", retry_after="1"),
        arm(400, "Bad", "bad", retry_after="1"),
        arm(408, "Timeout", "slow"),
        arm(500, "InternalServerError", "oops", retry_after="0"),
        arm(502, "BadGateway", "oops"),
        arm(503, "Busy", "busy", retry_after_ms="1"),
        arm(504, "GatewayTimeout", "slow"),
        Response(200, hang_up=True),
        Response(307, {"location": f"{OWN}/elsewhere"}),
        arm(409, "MissingSubscriptionRegistration", "register first"),
    ],
)
async def test_a_write_is_sent_once_whatever_comes_back(verb: str, answer: Response) -> None:
    service = Service(answer)
    with contextlib.suppress(Transient, Permanent):  # which of them is proved below
        await WRITES[verb](service.billing())
    assert service.verbs == [verb]


@pytest.mark.parametrize("verb", WRITES)
@pytest.mark.parametrize(
    ("answer", "unsure"),
    [
        (Response(200, hang_up=True), True),
        (Response(200, delay_seconds=1000), True),
        (arm(500, "X", "x"), True),
        (arm(504, "X", "x"), True),
        (arm(408, "X", "x"), True),
        (Response(404, {}, b"<html>gateway</html>"), True),
        (arm(429, "429", "x"), False),
        (arm(401, "ExpiredAuthenticationToken", "x"), False),
    ],
)
async def test_a_write_whose_outcome_is_unknown_says_so(verb: str, answer: Response, *, unsure: bool) -> None:
    with pytest.raises(Transient) as caught:
        await WRITES[verb](Service(answer).billing())
    assert isinstance(caught.value, MaybeWritten) is unsure
    assert ("may have been written" in caught.value.reason) is unsure


@pytest.mark.parametrize("verb", WRITES)
async def test_without_a_token_nothing_is_sent(verb: str) -> None:
    service = Service(Response(200))
    with pytest.raises(Transient, match="no token") as caught:
        await WRITES[verb](service.billing(Tokenless()))
    assert not isinstance(caught.value, MaybeWritten)
    assert "may have been" not in caught.value.reason
    assert service.requests == []
