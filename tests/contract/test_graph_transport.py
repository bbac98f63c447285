"""The transport under the Graph client against sockets that behave well, badly and not at all."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from shared.adapters.graph.transport import AiohttpTransport

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


@asynccontextmanager
async def talking(answers: Answers) -> AsyncIterator[tuple[Server, httpx.AsyncClient, str]]:
    server = Server(answers)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1.0/users"
    async with httpx.AsyncClient(transport=AiohttpTransport(local=True)) as client:
        yield server, client, url
    listening.close()
    await listening.wait_closed()


async def test_a_request_arrives_as_it_was_made_and_its_answer_too() -> None:
    answers = answer(b'{"value": []}', "X-Twice: one", "X-Twice: two", "Request-Id: 7")
    async with talking(lambda _: answers) as (server, client, url):
        target = f"{url}?$select=id&$filter=displayName%20eq%20'O''Neil%2B'&$skiptoken=a%2Fb"
        got = await client.post(target, json={"groupIds": ["g"]}, headers={"Client-Request-Id": "42"})
    assert got.json() == {"value": []}
    assert got.headers.get_list("x-twice") == ["one", "two"]
    (head,) = server.heads
    assert head.startswith("POST /v1.0/users?$select=id&$filter=displayName%20eq%20'O''Neil%2B'&$skiptoken=a%2Fb HTTP")
    names = [line.partition(":")[0].lower() for line in head.splitlines()[1:] if line]
    assert sorted(names) == sorted(set(names)), "no header is sent twice"
    assert "client-request-id: 42" in head.lower()
    assert server.bodies == [b'{"groupIds":["g"]}']


async def test_one_connection_serves_one_request_after_another() -> None:
    async with talking(lambda _: answer(b"{}")) as (server, client, url):
        for _ in range(3):
            await client.get(url)
        assert (server.connections, len(server.heads)) == (1, 3)


async def test_a_compressed_answer_is_read_once_decoded() -> None:
    body = b'{"value": [1, 2, 3]}'
    packed = answer(gzip.compress(body), "Content-Encoding: gzip")
    async with talking(lambda _: packed) as (_, client, url):
        assert (await client.get(url)).content == body


async def test_a_compressed_answer_that_is_none_is_an_error() -> None:
    async with talking(lambda _: answer(b"plain", "Content-Encoding: gzip")) as (_, client, url):
        with pytest.raises(httpx.DecodingError):
            await client.get(url)


async def test_a_redirect_is_handed_on_and_not_followed() -> None:
    moved = answer(b"", "Location: http://elsewhere.example/", status="302 Found")
    async with talking(lambda _: moved) as (server, client, url):
        assert (await client.get(url)).status_code == 302
        assert len(server.heads) == 1


@pytest.mark.parametrize("fails_at", [1, 2])
async def test_a_connection_that_breaks_is_an_error_and_the_request_is_sent_once(fails_at: int) -> None:
    """Also on a connection that was used before, where aiohttp by itself would send a GET again."""
    async with talking(lambda number: b"" if number == fails_at else answer(b"{}")) as (server, client, url):
        for _ in range(fails_at - 1):
            await client.get(url)
        with pytest.raises(httpx.ReadError):
            await client.get(url)
        assert len(server.heads) == fails_at
        assert (await client.get(url)).status_code == 200


async def test_an_answer_that_ends_early_is_an_error() -> None:
    whole = answer(HALF + HALF)
    async with talking(lambda _: whole.removesuffix(HALF)) as (_, client, url):
        with pytest.raises(httpx.ReadError):
            await client.get(url)


async def test_nobody_there_is_an_error() -> None:
    async with talking(lambda _: b"") as (_, _client, url):
        pass
    async with httpx.AsyncClient(transport=AiohttpTransport(local=True)) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_closed_connections_open_again() -> None:
    transport = AiohttpTransport(local=True)
    async with talking(lambda _: answer(b"{}")) as (server, _, url):
        for _ in range(2):
            assert (await transport.handle_async_request(httpx.Request("GET", url))).status_code == 200
            await transport.aclose()
        assert server.connections == 2
