"""The in-process transport for azure-core: what a handler answers is what the client sees."""

import json
from typing import Any

import pytest
from azure.core import AsyncPipelineClient
from azure.core.exceptions import (
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.policies import AsyncRetryPolicy, ContentDecodePolicy
from azure.core.rest import HttpRequest

from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Handler, Request, Response, as_json

BASE = "https://management.azure.com"


class Recorder:
    """A handler that keeps what it was asked, and a sleep that keeps how long."""

    def __init__(self, *answers: Response) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []
        self.slept: list[float] = []

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        return self.answers.pop(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def client(self, **options: Any) -> AsyncPipelineClient[Any, Any]:
        handler: Handler = self
        transport = HandlerTransport(handler, sleep=self.sleep, **options)
        return AsyncPipelineClient(BASE, transport=transport, policies=[AsyncRetryPolicy(), ContentDecodePolicy()])


async def test_a_request_arrives_as_it_was_sent() -> None:
    recorder = Recorder(as_json(200, {"ok": True}, {"X-One": "1"}))
    async with recorder.client() as client:
        sent = HttpRequest("POST", f"{BASE}/a:b/c%3Ad?q=%20x", json={"a": 1}, headers={"X-Two": "2"})
        answer = await client.send_request(sent)
    [asked] = recorder.asked
    assert (asked.method, asked.target, asked.base) == ("POST", "/a:b/c%3Ad?q=%20x", BASE)
    assert asked.headers["x-two"] == "2"
    assert asked.headers["content-type"] == "application/json"
    assert json.loads(asked.body) == {"a": 1}
    assert answer.status_code == 200
    assert answer.reason == "OK"
    assert answer.headers["x-one"] == answer.headers["X-ONE"] == "1"
    assert answer.json() == {"ok": True}
    assert answer.text() == '{"ok":true}'
    assert await answer.read() == answer.content == answer.body()
    assert answer.is_closed
    assert answer.url == sent.url


@pytest.mark.parametrize("content", [None, b"bytes", "text"])
async def test_a_body_may_be_absent_bytes_or_text(content: str | bytes | None) -> None:
    recorder = Recorder(Response(204))
    async with recorder.client() as client:
        await client.send_request(HttpRequest("PUT", f"{BASE}/", content=content))
    expected = content.encode() if isinstance(content, str) else content or b""
    assert recorder.asked[0].body == expected


async def test_a_body_can_be_streamed() -> None:
    recorder = Recorder(Response(200, {}, b"x" * 10_000))
    async with recorder.client() as client:
        answer = await client.send_request(HttpRequest("GET", f"{BASE}/"), stream=True)
        pieces = [piece async for piece in answer.iter_bytes()]
    assert len(pieces) > 1
    assert b"".join(pieces) == b"x" * 10_000
    assert answer.is_stream_consumed


async def test_an_error_status_can_be_raised() -> None:
    recorder = Recorder(as_json(404, {"error": {"code": "NotFound", "message": "gone"}}), Response(200))
    async with recorder.client() as client:
        answer = await client.send_request(HttpRequest("GET", f"{BASE}/"))
        with pytest.raises(HttpResponseError, match="NotFound"):
            answer.raise_for_status()
        (await client.send_request(HttpRequest("GET", f"{BASE}/"))).raise_for_status()


@pytest.mark.parametrize("failure", [ServiceRequestError, ServiceResponseError])
async def test_a_hang_up_is_a_network_failure_after_the_work_was_done(failure: type[Exception]) -> None:
    recorder = Recorder(Response(200, hang_up=True))
    async with recorder.client(hang_up_as=failure) as client:
        with pytest.raises(failure):
            await client.send_request(HttpRequest("POST", f"{BASE}/"))
    assert len(recorder.asked) == 1


async def test_a_read_is_repeated_after_a_hang_up_by_the_clients_own_policy() -> None:
    recorder = Recorder(Response(200, hang_up=True), Response(200, hang_up=True), as_json(200, 1))
    async with recorder.client() as client:
        answer = await client.send_request(HttpRequest("GET", f"{BASE}/"))
    assert answer.json() == 1
    assert len(recorder.asked) == 3
    assert recorder.slept[-1] == pytest.approx(1.6)


async def test_a_delay_is_waited_by_the_given_sleep() -> None:
    recorder = Recorder(Response(200, delay_seconds=7))
    async with recorder.client() as client:
        await client.send_request(HttpRequest("GET", f"{BASE}/"))
    assert recorder.slept == [7]


async def test_a_delay_longer_than_the_read_timeout_is_a_timeout() -> None:
    recorder = Recorder(Response(200, delay_seconds=7))
    async with recorder.client() as client:
        with pytest.raises(ServiceResponseTimeoutError):
            await client.send_request(HttpRequest("POST", f"{BASE}/"), read_timeout=3)
    assert recorder.slept == [3]


async def test_a_stream_is_no_body_for_a_stand_in() -> None:
    async def pieces() -> Any:
        yield b"x"

    recorder = Recorder(Response(200))
    async with recorder.client() as client:
        with pytest.raises(TypeError):
            await client.send_request(HttpRequest("POST", f"{BASE}/", content=pieces()))
    assert recorder.asked == []
