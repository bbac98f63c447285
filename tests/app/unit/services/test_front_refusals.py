"""Who is refused at the door, and with which answer."""

import logging
from datetime import timedelta

import pytest

from shared.errors import Misconfigured, Permanent, Transient
from shared.services.front import BODY_BYTES, Refusal, shake_hands, take_events, take_notifications
from shared.settings import SECRET_NAMES, FrontSettings, Part, Settings
from shared.sources.posted import Posted
from shared.sources.registry import SOURCES, wrong_sources
from tests.app.unit.front_desk import ENVIRONMENT, KEYS, NOW, Desk, signed_bamboohr, signed_hr

EVENT = b'{"specversion":"1.0","id":"1","source":"/hr","type":"hired","subject":"employee-id:004711"}'
BAMBOO = b'{"type":"employee.deleted","data":{"employeeId":"7"}}'
PERSON = b'{"company_id":"1","event_name":"person.created","occurred_at":"x","payload":{"id":"7"}}'


@pytest.mark.parametrize("age_seconds", [-301, 301, 86_400])
async def test_a_stale_or_future_timestamp_is_401_however_well_it_is_signed(age_seconds: int) -> None:
    desk = Desk()
    then = NOW - timedelta(seconds=age_seconds)
    assert (await desk.post("hr", EVENT, proof=signed_hr(EVENT, then))).status == 401
    assert (await desk.post("bamboohr", BAMBOO, proof=signed_bamboohr(BAMBOO, then))).status == 401
    assert desk.queue.sends == 0


@pytest.mark.parametrize("age_seconds", [-300, 0, 300])
async def test_five_minutes_either_way_are_allowed(age_seconds: int) -> None:
    then = NOW - timedelta(seconds=age_seconds)
    assert (await Desk().post("hr", EVENT, proof=signed_hr(EVENT, then))).status == 202


async def test_both_keys_in_force_are_taken_and_no_other() -> None:
    for source, body, sign in (("hr", EVENT, signed_hr), ("bamboohr", BAMBOO, signed_bamboohr)):
        for key in KEYS[source]:
            assert (await Desk().post(source, body, proof=sign(body, NOW, key))).status == 202
        assert (await Desk().post(source, body, proof=sign(body, NOW, KEYS[source][0] + "x"))).status == 401
    for secret, status in ((KEYS["personio"][0], 202), (KEYS["personio"][1], 202), ("", 401), ("guess", 401)):
        assert (await Desk().post("personio", PERSON, query={"secret": secret})).status == status
    assert (await Desk().post("personio", PERSON, query={})).status == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"x-signature": ""},
        {"x-timestamp": ""},
        {"x-timestamp": "12e4"},
        {"x-timestamp": "\u0661\u0662"},
        {"x-timestamp": "9" * 400},
        {"x-signature": "v1=\u00e4\ud800"},
    ],
)
async def test_a_signature_that_is_none_is_401(wrong: dict[str, str]) -> None:
    proof = signed_hr(EVENT, NOW) | wrong if wrong else {}
    answer = await Desk().post("hr", EVENT, proof=proof)
    assert answer.status == 401


async def test_a_signature_covers_body_timestamp_and_version() -> None:
    proof = signed_hr(EVENT, NOW)
    assert (await Desk().post("hr", EVENT + b" ", proof=proof)).status == 401
    later = {**proof, "x-timestamp": str(int(proof["x-timestamp"]) + 1)}
    assert (await Desk().post("hr", EVENT, proof=later)).status == 401
    bare = {**proof, "x-signature": proof["x-signature"].removeprefix("v1=")}
    assert (await Desk().post("hr", EVENT, proof=bare)).status == 401
    loud = {**proof, "x-signature": proof["x-signature"].upper()}
    assert (await Desk().post("hr", EVENT, proof=loud)).status == 401


async def test_every_401_says_the_same() -> None:
    stale = await Desk().post("hr", EVENT, proof=signed_hr(EVENT, NOW - timedelta(hours=1)))
    wrong = await Desk().post("hr", EVENT, proof=signed_hr(EVENT, NOW, "some-other-key-of-mine"))
    missing = await Desk().post("hr", EVENT, proof={})
    assert stale == wrong == missing


async def test_an_unknown_source_and_one_without_its_keys_are_404_alike() -> None:
    bare = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("INVOICE_ACCESS_")}
    unknown = await Desk().post("workday", EVENT)
    assert unknown.status == 404
    for source in ("hr", "bamboohr", "personio", "event-grid", "lifecycle-workflows"):
        assert await Desk(bare).post(source, EVENT) == unknown


async def test_a_source_behind_a_function_key_alone_is_there_when_it_was_switched_on() -> None:
    bare = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("INVOICE_ACCESS_")}
    switched_on = Desk({**bare, "INVOICE_ACCESS_FUNCTION_KEY_SOURCES": "Event-Grid"})
    assert (await switched_on.post("event-grid", EVENT)).status == 202
    assert (await switched_on.post("lifecycle-workflows", EVENT)).status == 404
    (mistake,) = wrong_sources(FrontSettings.read({**bare, "INVOICE_ACCESS_FUNCTION_KEY_SOURCES": "event-gird hr"}))[:1]
    assert mistake == (
        "INVOICE_ACCESS_FUNCTION_KEY_SOURCES: no source 'event-gird' is behind a function key; "
        "give event-grid or lifecycle-workflows"
    )


@pytest.mark.parametrize(
    ("source", "media_type"),
    [
        ("hr", "application/json"),
        ("hr", "application/cloudevents+avro"),
        ("hr", ""),
        ("event-grid", "application/json"),
        ("bamboohr", "text/xml"),
        ("personio", "text/plain"),
        ("lifecycle-workflows", "application/cloudevents+json"),
    ],
)
async def test_a_wrong_media_type_is_415_and_told_the_right_one(source: str, media_type: str) -> None:
    answer = await Desk().post(source, EVENT, media_type=media_type)
    assert answer.status == 415
    assert isinstance(answer.body, Refusal)
    assert "application/" in answer.body.remedy


async def test_a_body_that_came_in_chunks_is_411_before_any_proof_is_judged() -> None:
    """The Functions host hands on none of it: the signature would not hold, and 401 would send its sender astray."""
    chunked = {"transfer-encoding": "chunked", "content-type": "application/json"}
    for source in SOURCES:
        desk = Desk()
        answer = await take_events(desk.front, source.name, Posted(b"", chunked | signed_hr(EVENT, NOW)))
        assert answer.status == 411
        assert isinstance(answer.body, Refusal)
        assert answer.body.field == "Content-Length"
        assert desk.queue.sends == 0
    desk = Desk()
    assert (await take_notifications(desk.front, Posted(b"", chunked))).status == 411
    handshake = Posted(b"", chunked, {"validationToken": "t"})
    assert (await take_notifications(desk.front, handshake)).status == 200


async def test_an_empty_body_of_a_known_length_is_judged_by_its_proof() -> None:
    assert (await Desk().post("hr", b"", proof={})).status == 401
    assert (await Desk().post("hr", b"")).status == 400


async def test_a_compressed_body_is_415() -> None:
    assert (await Desk().post("hr", EVENT, headers={"content-encoding": "gzip"})).status == 415


async def test_a_body_that_is_too_large_is_413_before_anything_is_made_of_it() -> None:
    large = EVENT[:-1] + b',"x":"' + b"x" * 200_000 + b'"}'
    assert (await Desk().post("hr", large, proof={})).status == 413


@pytest.mark.parametrize(
    ("failure", "after"),
    [
        (Transient("the broker is away"), "30"),
        (Transient("busy", retry_after=timedelta(seconds=7)), "7"),
        (Permanent("Azure Service Bus Data Sender is missing"), "30"),
    ],
)
async def test_a_queue_that_cannot_be_reached_is_503_with_retry_after(failure: Exception, after: str) -> None:
    desk = Desk()
    desk.queue.failure = failure
    answer = await desk.post("hr", EVENT)
    assert (answer.status, answer.headers["Retry-After"]) == (503, after)


async def test_each_proof_names_its_own_field_and_how_to_remedy_it() -> None:
    said = {}
    for source, body in (("hr", EVENT), ("bamboohr", BAMBOO), ("personio", PERSON)):
        answer = await Desk().post(source, body, proof={}, query={})
        assert isinstance(answer.body, Refusal)
        said[source] = (answer.body.field.casefold(), answer.body.remedy)
    assert said["hr"][0] == "x-signature"
    assert said["bamboohr"][0] == "x-bamboohr-signature"
    assert said["personio"][0] == "secret"
    assert "Sign" in said["hr"][1]
    assert "?secret=" in said["personio"][1]


async def test_a_request_refused_for_what_is_in_it_leaves_one_line_without_its_values(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    wrong = EVENT.replace(b"employee-id:004711", b"who-is-that")
    assert (await desk.post("hr", wrong)).status == 202
    assert (await desk.post("hr", b"{who-is-that")).status == 400
    assert (await desk.post("personio", PERSON, media_type="text/hidden")).status == 415
    assert (await desk.post("event-grid", b"[" + b" " * BODY_BYTES)).status == 413
    assert (await desk.notify(b"{who-is-that")).status == 400
    assert (await desk.post("workday", EVENT)).status == 404
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "hr: events rejected: 1; fields: subject",
        "hr: a request was refused with 400: body",
        "personio: a request was refused with 415: content-type",
        "event-grid: a request was refused with 413: body",
        "graph: a request was refused with 400: body",
    ]


async def test_no_key_is_ever_told_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    with caplog.at_level(logging.DEBUG):
        answers = [await desk.post("hr", EVENT, proof={}), await desk.post("personio", PERSON, query={"secret": "no"})]
    said = caplog.text + repr(desk.front) + repr(answers)
    for keys in KEYS.values():
        for key in keys:
            assert key not in said


def test_a_weak_secret_stops_the_start_without_being_shown() -> None:
    for name in ("GRAPH_CLIENT_STATES", "HR_KEYS", "BAMBOOHR_KEYS", "PERSONIO_SECRETS"):
        for value in (
            "hunter2",
            "x" * 129,
            "a-good-long-secret hunter2",
            " ".join(f"a-good-secret-no-{n}" for n in "123456"),
        ):
            with pytest.raises(Misconfigured, match=f"INVOICE_ACCESS_{name}") as caught:
                FrontSettings.read({**ENVIRONMENT, f"INVOICE_ACCESS_{name}": value})
            assert "hunter2" not in str(caught.value)
            assert "xxx" not in str(caught.value)
        assert f"INVOICE_ACCESS_{name}" in SECRET_NAMES


def test_the_front_needs_no_policy_and_no_store_and_ignores_the_cores_settings() -> None:
    settings = FrontSettings.read({**ENVIRONMENT, "INVOICE_ACCESS_PART": "front", "INVOICE_ACCESS_SETTLE_SECONDS": "5"})
    assert settings.part is Part.FRONT
    with pytest.raises(Misconfigured, match="no such setting"):
        FrontSettings.read({**ENVIRONMENT, "INVOICE_ACCESS_HR_KEY": "x"})
    with pytest.raises(Misconfigured, match="INVOICE_ACCESS_STORE"):
        Settings.read(ENVIRONMENT)


def test_event_grid_is_let_in_for_the_name_that_it_asks_for() -> None:
    front = Desk().front
    answer = shake_hands(front, Posted(b"", {"webhook-request-origin": "eventgrid.azure.net"}))
    assert answer.status == 200
    assert answer.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
    assert answer.headers["WebHook-Allowed-Rate"] == "*"
    for origin in ("", "a\r\nSet-Cookie: b", "*", "x" * 300):
        assert shake_hands(front, Posted(b"", {"webhook-request-origin": origin})).status == 400
