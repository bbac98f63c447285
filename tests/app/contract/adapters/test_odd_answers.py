"""Answers that are JSON and yet say nothing: what Python or UTF-8 cannot hold is a failed read, and no bug."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from sandbox.wire import Response, as_json
from shared.adapters.billing.arm import ArmBilling
from shared.domain.people import Person, UnreadablePerson
from shared.errors import FailedRead, InvoiceAccessError, Permanent, QueryRefused, Transient
from tests.app.contract.adapters.graph.test_directory_adapter_scripted import (
    ANNA,
    BEN,
    GRAPH,
    GROUPS,
    NOT_FOUND,
    ok,
    one_after_another,
    read,
    user,
)
from tests.app.contract.adapters.graph.test_directory_adapter_scripted import directory as graph_directory
from tests.app.contract.billing_script import (
    ACCOUNT,
    KEY,
    PERSON,
    PROFILE_ID,
    WRITES,
    Service,
    account_row,
    assignment_row,
    page,
    profile_row,
)

ALONE = "\ud800"
"""Half of a pair that UTF-16 spells a character with: JSON can escape it, UTF-8 has no bytes for it."""

EXTENSIONS = {f"extensionAttribute{n}": None for n in range(1, 16)}

RAW = b"\xed\xa0\x80"
"""The same as bytes, which are no UTF-8."""


def escaped(body: Any) -> Response:
    """An answer in ASCII: whatever is beyond it is escaped, as JSON lets everybody do."""
    return Response(200, {"content-type": "application/json"}, json.dumps(body).encode())


def raw(body: Any) -> Response:
    """The same, with the bytes that the escape stands for."""
    return Response(200, {"content-type": "application/json"}, json.dumps(body).encode().replace(b"\\ud800", RAW))


def said_by(error: InvoiceAccessError) -> str:
    """What an error says, once it is sure that logs and queues can carry it."""
    return str(error).encode().decode()


# -- billing: dates


@pytest.mark.parametrize(
    "beyond",
    [
        "9999-12-31T23:59:59-08:00",
        "9999-12-31T23:59:59.9999999-00:01",
        "9999-12-31T23:59:59.9999999Z",
        "9999-12-31T23:59:59",
        "9999-06-01T00:00:00+14:00",
    ],
)
async def test_a_time_at_which_nothing_was_made_is_a_failed_read_of_that_row_that_names_it(beyond: str) -> None:
    row = assignment_row(createdOn=beyond)
    with pytest.raises(FailedRead, match=r"properties\.createdOn") as one:
        await Service(escaped(row)).billing().assignment(KEY, PERSON)
    assert beyond not in said_by(one.value)
    listed = await Service(page(row)).billing().assignments(KEY)
    assert listed.rows == ()
    (unread,) = listed.unread
    assert "properties.createdOn" in unread.why
    assert beyond not in unread.why


@pytest.mark.parametrize(
    ("first", "year"),
    [("0001-01-01T00:00:00+14:00", None), ("0002-01-01T00:00:00+14:00", 1), ("9998-12-31T23:59:59-14:00", 9999)],
)
async def test_the_times_next_to_those_are_read(first: str, year: int | None) -> None:
    found = await Service(escaped(assignment_row(createdOn=first))).billing().assignment(KEY, PERSON)
    assert found is not None
    assert (found.created_on.year if found.created_on else None) == year


# -- billing: text and numbers


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (profile_row(poNumber=ALONE), "properties.poNumber"),
        (profile_row(poNumber=f"PO {ALONE} 17"), "properties.poNumber"),
        (profile_row(shipTo={"lines": ["here", {"city": ALONE}]}), "properties.shipTo.lines[1].city"),
        (profile_row(shipTo={ALONE: 1}), "properties.shipTo"),
        (profile_row(displayName=ALONE), "properties.displayName"),
        (profile_row() | {"tags": {"company": ALONE}}, "tags.company"),
        (profile_row() | {"tags": {ALONE: "Contoso"}}, "tags"),
        (profile_row() | {"name": f"{KEY.profile}{ALONE}"}, "name"),
        (profile_row() | {"id": PROFILE_ID + ALONE}, "id"),
        (profile_row() | {ALONE: None}, "the answer"),
        (profile_row(spend=float("nan")), "properties.spend"),
        (profile_row(spend=[1, float("-inf")]), "properties.spend[1]"),
    ],
)
@pytest.mark.parametrize("spelled", [escaped, raw])
async def test_what_cannot_be_written_down_again_is_a_failed_read_that_names_it(
    row: Any, place: str, spelled: Any
) -> None:
    with pytest.raises(FailedRead) as one:
        await Service(spelled(row)).billing().profile(KEY)
    assert f"does not fit: {place}: " in said_by(one.value)
    with pytest.raises(FailedRead) as listed:
        await Service(spelled({"value": [profile_row(), row]})).billing().profiles(ACCOUNT)
    inside = "value[1]" if place == "the answer" else f"value[1].{place}"
    assert f"does not fit: {inside}: " in said_by(listed.value)


async def test_a_number_beyond_every_number_is_a_failed_read() -> None:
    body = json.dumps(profile_row(spend=17)).replace("17", "1e999").encode()
    with pytest.raises(FailedRead, match=r"properties\.spend"):
        await Service(Response(200, {}, body)).billing().profile(KEY)


async def test_such_text_among_accounts_and_assignments_is_a_failed_read() -> None:
    with pytest.raises(FailedRead, match=r"value\[0\]\.properties\.displayName"):
        await Service(escaped({"value": [account_row(displayName=ALONE)]})).billing().accounts()
    with pytest.raises(FailedRead, match=r"value\[0\]\.properties\.principalId"):
        await Service(escaped({"value": [assignment_row(principalId=ALONE)]})).billing().assignments(KEY)
    with pytest.raises(FailedRead, match="nextLink"):
        await Service(page(link="/next?" + "x"), escaped({"value": [], "nextLink": ALONE})).billing().assignments(KEY)


async def test_characters_of_every_kind_are_read_however_they_are_spelled() -> None:
    row = profile_row(displayName="Zoë \N{GRINNING FACE}", poNumber="\x7f\ufffe\N{LINE SEPARATOR}")
    assert b"\\ud83d\\ude00" in escaped(row).body
    for answer in (escaped(row), Response(200, {}, json.dumps(row, ensure_ascii=False).encode())):
        profile = await Service(answer).billing().profile(KEY)
        assert profile is not None
        assert profile.properties == row["properties"]


async def test_what_is_too_deep_to_say_where_it_is_is_a_failed_read() -> None:
    body = json.dumps(profile_row(x=17)).replace("17", '{"a":' * 3000 + r'"\ud800"' + "}" * 3000).encode()
    with pytest.raises(FailedRead):
        await Service(Response(200, {}, body)).billing().profile(KEY)


@pytest.mark.parametrize("name", ["a/b", "a%2Fb"])
async def test_a_name_that_no_profile_has_is_a_failed_read(name: str) -> None:
    row = profile_row() | {"id": PROFILE_ID.replace(KEY.profile, name.replace("/", "%2F")), "name": name}
    with pytest.raises(FailedRead, match="not a billing account and a billing profile name"):
        await Service(page(row)).billing().profiles(ACCOUNT)


# -- billing: refusals


ASKED: dict[str, Callable[[ArmBilling], Any]] = {"GET": lambda billing: billing.profiles(ACCOUNT), **WRITES}


@pytest.mark.parametrize("verb", ASKED)
@pytest.mark.parametrize("status", [400, 403, 503])
@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": ALONE, "message": f"a {ALONE} b"}},
        {"error": {"code": "Busy", "message": "m", "details": [{"message": ALONE}, 7]}},
        {"error": {"code": "Busy", "message": "m", "details": 7}},
        {"error": {"code": "Busy", "message": "m", "details": True}},
        {"errors": {ALONE: [ALONE]}},
        {"title": ALONE, "status": 1},
        {"hello": ALONE},
    ],
)
async def test_a_refusal_in_odd_words_is_the_refusal_that_it_is(status: int, body: Any, verb: str) -> None:
    answer = Response(status, {"content-type": "application/json"}, json.dumps(body).encode())
    with pytest.raises(Transient if status == 503 else Permanent) as refused:
        await ASKED[verb](Service(answer).billing())
    assert said_by(refused.value)


# -- Graph


@pytest.mark.parametrize(
    ("odd", "problem"),
    [
        ({"department": f"Finance {ALONE}"}, "department: "),
        ({"companyName": "\udc00"}, "companyName: "),
        ({"userPrincipalName": ALONE}, "userPrincipalName: "),
        ({"onPremisesExtensionAttributes": {**EXTENSIONS, "extensionAttribute3": ALONE}}, "onPremises.*Attribute3: "),
        ({"onPremisesExtensionAttributes": {**EXTENSIONS, "extensionAttribute3": [ALONE]}}, "onPremises.*Attribute3: "),
    ],
)
async def test_a_text_that_cannot_be_written_down_again_makes_one_person_unreadable(
    odd: dict[str, Any], problem: str
) -> None:
    body = user(accountEnabled=True, **odd)
    for spelled in (escaped(body).body, raw(body).body):
        found = await read(Response(200, {"content-type": "application/json"}, spelled))
        assert isinstance(found, UnreadablePerson)
        assert (found.object_id, found.account_enabled, found.withheld) == (ANNA, True, frozenset())
        assert re.match(problem, found.why)
        assert found.why.encode()
    for listed in (escaped({"value": [body, user(BEN)]}).body, raw({"value": [body, user(BEN)]}).body):
        answer = Response(200, {"content-type": "application/json"}, listed)
        async with graph_directory(one_after_another(answer)) as (graph, _):
            kinds = {one.object_id: type(one) async for one in graph.people("")}
        assert kinds == {ANNA: UnreadablePerson, BEN: Person}


@pytest.mark.parametrize(
    "body",
    [
        user(displayName=ALONE),
        user(displayName=7),
        user(somethingNew={ALONE: 1}),
        {**user(), ALONE: 1},
        user(onPremisesExtensionAttributes={**EXTENSIONS, ALONE: None}),
        user(onPremisesExtensionAttributes={**EXTENSIONS, "extensionAttribute16": "x"}),
    ],
)
async def test_such_a_text_that_decides_nothing_makes_nobody_unreadable(body: Any) -> None:
    for spelled in (escaped(body).body, raw(body).body):
        found = await read(Response(200, {"content-type": "application/json"}, spelled))
        assert isinstance(found, Person)
        assert found.display_name is None


async def test_control_characters_in_a_text_are_a_text_however_they_are_spelled() -> None:
    for spelled in (b'"Fin\x01ance"', b'"Fin\\u0001ance"'):
        body = json.dumps(user(department="@")).encode().replace(b'"@"', spelled)
        found = await read(Response(200, {"content-type": "application/json"}, body))
        assert isinstance(found, Person)
        assert found.attributes["department"] == "Fin\x01ance"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 100_000, b'{"value": 1' + b"0" * 5000 + b"}"])
async def test_an_answer_that_is_no_json_object_stays_a_failed_read(body: bytes) -> None:
    answer = Response(200, {"content-type": "application/json"}, body)
    async with graph_directory(lambda _: answer) as (graph, _):
        with pytest.raises(FailedRead):
            await graph.person(ANNA, frozenset())
        with pytest.raises(FailedRead):
            assert [person async for person in graph.people("")]


async def test_a_text_that_cannot_be_written_down_again_elsewhere_is_a_failed_read() -> None:
    body = {"value": [], "@odata.nextLink": f"{GRAPH}/{ALONE}"}
    async with graph_directory(one_after_another(escaped(body))) as (graph, _):
        with pytest.raises(FailedRead):
            assert [person async for person in graph.people("")]
    with pytest.raises(FailedRead):
        await read(ok(user()), escaped({"value": [ALONE]}), groups=GROUPS[:1])
    with pytest.raises(FailedRead):
        await read(as_json(404, NOT_FOUND), escaped({"id": ANNA, "@odata.type": ALONE}))


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (504, {"code": "UnknownError", "message": ""}, Transient, "504 UnknownError: no explanation"),
        (
            429,
            {"code": "TooManyRequests", "innerError": {"date": "2024-02-20"}},
            Transient,
            "429 TooManyRequests: no explanation",
        ),
        (503, {"code": "MailboxInfoStale", "message": "x"}, Transient, "503 MailboxInfoStale: x"),
        (
            400,
            {"code": "", "message": "The query is not valid."},
            QueryRefused,
            "400 The query is not valid.",
        ),
        (
            400,
            {"code": "-1, Microsoft.SharePoint.Client", "message": "x"},
            QueryRefused,
            "-1, Microsoft.SharePoint.Client: x",
        ),
    ],
)
async def test_a_refused_listing_with_parts_blank_or_left_out_says_what_there_is(
    status: int, body: dict[str, Any], error: type[InvoiceAccessError], said: str
) -> None:
    answer = as_json(status, {"error": body})
    async with graph_directory(lambda _: answer) as (graph, _):
        with pytest.raises(error) as refused:
            await anext(aiter(graph.people("department eq 'Finance'")))
    assert said in str(refused.value)


@pytest.mark.parametrize(("status", "error"), [(400, Permanent), (403, Permanent), (404, FailedRead), (503, Transient)])
async def test_a_refusal_of_graph_in_odd_words_is_the_refusal_that_it_is(
    status: int, error: type[InvoiceAccessError]
) -> None:
    said = {"error": {"code": ALONE, "message": f"a {ALONE} b", "innerError": {"date": "9999-12-31T23:59:59-08:00"}}}
    headers = {"content-type": "application/json", "retry-after": "60"}
    with pytest.raises(error) as refused:
        await read(Response(status, headers, json.dumps(said).encode()))
    assert r"\ud800: a \ud800 b" in said_by(refused.value)
