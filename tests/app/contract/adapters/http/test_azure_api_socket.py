"""How Azure's HTTP APIs are reached, against sockets that behave well, badly and not at all."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Callable
from typing import Self

import pytest
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceResponseTimeoutError
from azure.core.rest import HttpRequest

from shared.adapters.http.gate import Kind
from shared.adapters.http.pipeline import AzureApi, SendOnceTransport
from shared.errors import FailedRead, MaybeWritten, Transient

HALF = b"half an answer"

type Answers = Callable[[int], bytes]


def answer(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers])
    return head.encode() + b"\r\n\r\n" + body


class Server:
    """Answers each request on a connection by its number, and keeps what it was sent; no answer means hanging up."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.connections = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lengths = [line for line in head.splitlines() if line.lower().startswith("content-length:")]
                self.heads.append(head)
                self.bodies.append(await reader.readexactly(int(lengths[0].split(":")[1])) if lengths else b"")
                found = self._answers(len(self.heads))
                writer.write(found)
                await writer.drain()
                if not found or found.endswith(HALF):
                    return
        except asyncio.IncompleteReadError:
            return  # the client hung up
        finally:
            writer.close()


class Credential:
    """Gives a token."""

    async def get_token(self, *_scopes: str, **_options: object) -> AccessToken:
        return AccessToken("a-token", 9_999_999_999)

    async def close(self) -> None:
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


def api(url: str) -> AzureApi:
    return AzureApi(
        "A service",
        url,
        "https://service.example/.default",
        Credential(),
        gate=None,
        limits=lambda _answer, _kind: {},
        request_id="client-request-id",
        transport=None,
    )


@contextlib.asynccontextmanager
async def talking(answers: Answers) -> AsyncIterator[tuple[Server, AzureApi, str]]:
    server = Server(answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    asked = api(url)
    yield server, asked, f"{url}/v1.0/users"
    await asked.close()
    listening.close()
    await listening.wait_closed()


async def test_a_request_arrives_as_it_was_made_and_its_answer_too() -> None:
    answers = answer(b'{"value": []}', "X-Twice: one", "X-Twice: two", "Request-Id: 7")
    async with talking(lambda _: answers) as (server, asked, url):
        target = f"{url}?$select=id&$filter=displayName%20eq%20'O''Neil%2B'&$skiptoken=a%2Fb"
        got = await asked.send(HttpRequest("POST", target, json={"groupIds": ["g"]}), "asking", kind=Kind.READS)
    assert got.json() == {"value": []}
    assert got.headers["x-twice"] == "one, two"
    (head,) = server.heads
    assert head.startswith("POST /v1.0/users?$select=id&$filter=displayName%20eq%20'O''Neil%2B'&$skiptoken=a%2Fb HTTP")
    names = [line.partition(":")[0].lower() for line in head.splitlines()[1:] if line]
    assert sorted(names) == sorted(set(names)), "no header is sent twice"
    assert "client-request-id: " in head.lower()
    assert "authorization: bearer a-token" in head.lower()
    assert server.bodies == [b'{"groupIds": ["g"]}']


async def test_what_no_address_may_have_is_encoded_and_adds_no_header() -> None:
    async with talking(lambda _: answer(b"{}")) as (server, asked, url):
        await asked.send(HttpRequest("GET", f"{url}?$skiptoken=a b{{c}}é\r\nX-Of-The-Answer: 1"), "asking")
    (head,) = server.heads
    assert head.startswith("GET /v1.0/users?$skiptoken=a%20b%7Bc%7D%C3%A9%0D%0AX-Of-The-Answer:%201 HTTP/1.1\r\n")


@pytest.mark.parametrize("odd", ["x:y@", "x@", "@"])
async def test_a_link_with_a_user_of_its_own_is_not_followed(odd: str) -> None:
    async with talking(lambda _: answer(b"{}")) as (server, asked, url):
        with pytest.raises(FailedRead, match=r"asking: .*user of its own"):
            await asked.send(HttpRequest("GET", url.replace("http://", f"http://{odd}")), "asking")
    assert server.heads == []


async def test_one_connection_serves_one_request_after_another() -> None:
    async with talking(lambda _: answer(b"{}")) as (server, asked, url):
        for _ in range(3):
            await asked.send(HttpRequest("GET", url), "asking")
        assert (server.connections, len(server.heads)) == (1, 3)


async def test_a_compressed_answer_is_read_once_decoded() -> None:
    body = b'{"value": [1, 2, 3]}'
    packed = answer(gzip.compress(body), "Content-Encoding: gzip")
    async with talking(lambda _: packed) as (_, asked, url):
        assert (await asked.send(HttpRequest("GET", url), "asking")).content == body


@pytest.mark.parametrize(("method", "error"), [("GET", Transient), ("POST", MaybeWritten)])
@pytest.mark.parametrize("status", ["200 OK", "429 Too Many Requests"])
async def test_a_compressed_answer_that_is_none_is_no_answer(method: str, error: type[Transient], status: str) -> None:
    odd = answer(b"plain", "Content-Encoding: gzip", status=status)
    async with talking(lambda _: odd) as (_, asked, url):
        with pytest.raises(Transient, match="asking: an answer that cannot be unpacked") as raised:
            await asked.send(HttpRequest(method, url), "asking")
    assert type(raised.value) is error


async def test_an_answer_that_trickles_in_is_not_waited_for_without_end() -> None:
    async def trickle(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not writer.is_closing():
                writer.write(b".")
                await writer.drain()
                await asyncio.sleep(0.01)

    listening = await asyncio.start_server(trickle, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    transport = SendOnceTransport()
    with pytest.raises(ServiceResponseTimeoutError):
        await transport.send(HttpRequest("GET", url), read_timeout=0.2)
    await transport.close()
    listening.close()
    await listening.wait_closed()


async def test_a_redirect_is_handed_on_and_not_followed() -> None:
    moved = answer(b"", "Location: http://elsewhere.example/", status="302 Found")
    async with talking(lambda _: moved) as (server, asked, url):
        assert (await asked.send(HttpRequest("GET", url), "asking")).status_code == 302
        assert len(server.heads) == 1


@pytest.mark.parametrize("fails_at", [1, 2])
async def test_a_connection_that_breaks_is_an_error_and_a_write_is_sent_once(fails_at: int) -> None:
    """Also on a connection that was used before, where aiohttp by itself would send a DELETE again."""
    async with talking(lambda number: b"" if number == fails_at else answer(b"{}")) as (server, asked, url):
        for _ in range(fails_at - 1):
            await asked.send(HttpRequest("DELETE", url), "ending it")
        with pytest.raises(MaybeWritten, match="ending it: "):
            await asked.send(HttpRequest("DELETE", url), "ending it")
        assert len(server.heads) == fails_at
        assert (await asked.send(HttpRequest("DELETE", url), "ending it")).status_code == 200
        assert (asked.calls.reads, asked.calls.writes) == (0, fails_at + 1)


@pytest.mark.parametrize("broken", [b"", answer(HALF + HALF).removesuffix(HALF)])
async def test_a_read_whose_answer_ends_early_is_sent_again_whatever_its_method(broken: bytes) -> None:
    async with talking(lambda number: broken if number == 1 else answer(b"{}")) as (server, asked, url):
        await asked.send(HttpRequest("POST", url, json={}), "asking", kind=Kind.READS)
        assert len(server.heads) == 2
        assert (asked.calls.reads, asked.calls.writes) == (2, 0)


async def test_nobody_there_is_an_error() -> None:
    async with talking(lambda _: b"") as (_, _asked, url):
        pass
    asked = api(url.removesuffix("/v1.0/users"))
    with pytest.raises(Transient, match="asking: "):
        await asked.send(HttpRequest("GET", url), "asking")
    assert asked.calls.reads == 3
    await asked.close()
