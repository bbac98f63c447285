"""What the adapters make of what the services say about their limits: sense is heeded, rubbish is ignored."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Request, Response, as_json
from shared.adapters.graph.client import GraphClient, sendable
from shared.adapters.graph.directory import GraphDirectory
from shared.adapters.http.answers import calls_left
from shared.adapters.http.gate import Kind
from shared.errors import Transient
from shared.settings import Settings
from tests.app.contract.billing_script import KEY, OWN, PERSON, Credential, Service, arm, assignment_row
from tests.simulation.virtual_time import VirtualLoop

RUBBISH = ["", "-1", "+5", "0x10", "1e3", "12.5", "soon", "7, 6", "9" * 10, "9" * 5000, "\u0663", "nan"]
ABSENT = as_json(404, {"error": {"code": "Request_ResourceNotFound", "message": "no"}})
GRAPH = "https://graph.microsoft.com"


def in_virtual_time[T](work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


async def seconds_for(count: int, read: Callable[[], Coroutine[Any, Any, Any]]) -> float:
    """How long reads take one after another, where the service itself takes no time."""
    begun = asyncio.get_running_loop().time()
    for _ in range(count):
        await read()
    return asyncio.get_running_loop().time() - begun


def of_billing(headers: dict[str, str], count: int = 10) -> float:
    billing = Service(as_json(200, assignment_row(), headers)).billing()
    return in_virtual_time(seconds_for(count, lambda: billing.assignment(KEY, PERSON)))


def of_graph(headers: dict[str, str], count: int = 10) -> float:
    async def play() -> float:
        transport = HandlerTransport(lambda _: _with(ABSENT, headers))
        directory = GraphDirectory(settings(), Credential(), transport=transport)
        found = await seconds_for(count, lambda: directory.person(PERSON, frozenset()))
        await directory.close()
        return found

    return in_virtual_time(play())


def _with(answer: Response, headers: dict[str, str]) -> Response:
    return replace(answer, headers={**answer.headers, **headers})


def settings(**more: str) -> Settings:
    return Settings.read(
        {
            "INVOICE_ACCESS_STORE": "sqlite:unused",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
            "INVOICE_ACCESS_ARM_URL": OWN,
            "INVOICE_ACCESS_GRAPH_URL": GRAPH,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        ({"x-ms-ratelimit-remaining-tenant-reads": "249"}, 249),
        ({"x-ms-ratelimit-remaining-tenant-reads": " 0 "}, 0),
        ({"x-ms-ratelimit-remaining-tenant-writes": "3"}, None),
        ({"x-ms-ratelimit-remaining-tenant-resource-requests": "14"}, 14),
        (
            {"x-ms-ratelimit-remaining-tenant-reads": "249", "x-ms-ratelimit-remaining-tenant-resource-requests": "3"},
            3,
        ),
        (
            {"x-ms-ratelimit-remaining-tenant-reads": "2", "x-ms-ratelimit-remaining-tenant-resource-requests": "30"},
            2,
        ),
        ({}, None),
        *(({"x-ms-ratelimit-remaining-tenant-reads": text}, None) for text in RUBBISH),
    ],
)
def test_what_arm_says_is_left_is_read_where_it_is_a_count(headers: dict[str, str], left: int | None) -> None:
    assert calls_left(headers, Kind.READS) == left


def test_reads_are_spaced_where_arm_says_that_little_is_left() -> None:
    assert of_billing({"x-ms-ratelimit-remaining-tenant-reads": "200"}) == 0
    assert of_billing({"x-ms-ratelimit-remaining-tenant-reads": "12"}) == pytest.approx(9 * 2 / 25, rel=0.2)
    assert of_billing({"x-ms-ratelimit-remaining-tenant-reads": "0"}) == pytest.approx(9 / 2.5, rel=0.2)


@pytest.mark.parametrize("text", [text for text in RUBBISH if text.isascii()])
def test_rubbish_about_what_is_left_slows_nothing_down(text: str) -> None:
    assert of_billing({"x-ms-ratelimit-remaining-tenant-reads": text}, 300) == 0
    assert of_graph({"x-ms-throttle-limit-percentage": text}, 20) == 0


def test_calls_to_graph_are_spaced_where_it_says_that_its_limit_is_reached() -> None:
    assert of_graph({}) == 0
    assert of_graph({"x-ms-throttle-limit-percentage": "0.8"}) == 0
    assert of_graph({"x-ms-throttle-limit-percentage": "1.0"}) == pytest.approx(2 * 9 / 10, rel=0.2)
    assert of_graph({"x-ms-throttle-limit-percentage": "1.8"}) == pytest.approx(2 * 9 / 10, rel=0.2)


@pytest.mark.parametrize("headers", [{}, {"retry-after": "-5"}, {"retry-after": "soon"}, {"retry-after": "inf"}])
def test_a_refusal_without_a_sensible_wait_slows_down_and_stops_nothing(headers: dict[str, str]) -> None:
    answers = iter([Response(429, headers), as_json(200, assignment_row())])
    billing = Service(lambda _request: next(answers)).billing()
    assert in_virtual_time(seconds_for(1, lambda: billing.assignment(KEY, PERSON))) < 1


def test_a_wait_that_is_asked_for_is_capped() -> None:
    async def play() -> tuple[float, int]:
        service = Service(arm(429, "429", "slow", retry_after="999999999"), as_json(200, assignment_row()))
        billing = service.billing(INVOICE_ACCESS_RETRY_CAP_SECONDS="60")
        for _ in range(2):
            with pytest.raises(Transient) as put_off:
                await billing.assignment(KEY, PERSON)
        assert put_off.value.retry_after is not None
        await asyncio.sleep(60.001)
        await billing.assignment(KEY, PERSON)
        return put_off.value.retry_after.total_seconds(), len(service.requests)

    rest, requests = in_virtual_time(play())
    assert rest == pytest.approx(60, abs=0.01)
    assert requests == 2


def test_graph_is_not_asked_during_a_wait_and_reads_wait_out_only_a_short_one() -> None:
    asked: list[float] = []

    def answer(_: Request) -> Response:
        asked.append(asyncio.get_running_loop().time())
        return Response(429, {"retry-after": "30"}) if len(asked) == 1 else ABSENT

    async def play() -> None:
        directory = GraphDirectory(settings(), Credential(), transport=HandlerTransport(answer))
        for after in (0, 0, 10):
            await asyncio.sleep(after)
            with pytest.raises(Transient) as put_off:
                await directory.person(PERSON, frozenset())
            assert put_off.value.retry_after is not None
        await asyncio.sleep(15)
        await directory.person(PERSON, frozenset())
        await directory.close()

    in_virtual_time(play())
    assert asked[:2] == [0, pytest.approx(30, abs=0.01)]


async def test_without_a_gate_graph_is_asked_whatever_it_said() -> None:
    transport = HandlerTransport(lambda _: Response(429, {"retry-after": "11"}))
    graph = GraphClient(settings(), Credential(), transport=transport)
    for _ in range(3):
        with pytest.raises(Transient, match="429"):
            await graph.read(sendable(graph.sdk.users.to_get_request_information()), "people", "any")
    assert graph.calls == 3
    await graph.close()
