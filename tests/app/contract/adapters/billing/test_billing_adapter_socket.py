"""The billing adapter on a real network: connections break, and no write is sent twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from shared.adapters.billing.arm import ArmBilling
from shared.errors import FailedRead, MaybeWritten, Transient
from shared.settings import Settings
from tests.app.contract.billing_script import KEY, PERSON, WRITES, Credential

_NONE = b'{"code":"NotFound","message":"The resource or one of its dependencies could not be found."}'
ABSENT = b"HTTP/1.1 404 Not Found\r\ncontent-length: %d\r\n\r\n%s" % (len(_NONE), _NONE)
CUT_OFF = b'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"id":'
HANG_UP = b""


@dataclass(slots=True)
class Wire:
    """A server that answers with bytes: reads always as told, the rest as told for its verb.

    `seen` is every request's verb, `connections` which connection it came on. The first read can be answered
    with `first_read` instead. An answer of no bytes, or one cut off, ends the connection.
    """

    on_read: bytes = ABSENT
    on_write: bytes = HANG_UP
    first_read: bytes | None = None
    reset: bool = False
    seen: list[str] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode("latin-1").lower().split("\r\n")
                lengths = [int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")]
                await reader.readexactly(lengths[0] if lengths else 0)
                verb = lines[0].split()[0].upper()
                self.seen.append(verb)
                self.connections.append(id(writer))
                answer = self.on_read if verb == "GET" else self.on_write
                if verb == "GET" and self.first_read is not None:
                    answer, self.first_read = self.first_read, None
                writer.write(answer)
                await writer.drain()
                if answer in {HANG_UP, CUT_OFF}:
                    if self.reset:
                        writer.transport.abort()
                    return
        except asyncio.IncompleteReadError:
            return  # the client closed its side
        finally:
            writer.close()


@asynccontextmanager
async def talking_to(wire: Wire, *, listening: bool = True) -> AsyncIterator[ArmBilling]:
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    wire.url = f"http://{host}:{port}"
    if not listening:
        server.close()
    settings = Settings.read(
        {
            "INVOICE_ACCESS_STORE": "sqlite:unused",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
            "INVOICE_ACCESS_ARM_URL": wire.url,
        }
    )
    billing = ArmBilling(settings, Credential())
    try:
        yield billing
    finally:
        await billing.close()
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("verb", WRITES)
@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("answer", [HANG_UP, CUT_OFF])
async def test_a_write_on_a_connection_that_breaks_is_sent_once(verb: str, answer: bytes, *, reset: bool) -> None:
    wire = Wire(on_write=answer, reset=reset)
    async with talking_to(wire) as billing:
        assert await billing.assignment(KEY, PERSON) is None  # leaves a connection open for the write to take
        with pytest.raises(MaybeWritten, match="may have been written"):
            await WRITES[verb](billing)
        assert wire.seen == ["GET", verb]
        assert len(set(wire.connections)) == 1


@pytest.mark.parametrize("verb", WRITES)
async def test_a_write_with_nobody_listening_fails(verb: str) -> None:
    wire = Wire()
    async with talking_to(wire, listening=False) as billing:
        with pytest.raises(Transient):
            await WRITES[verb](billing)
    assert wire.seen == []


@pytest.mark.parametrize("reset", [True, False])
@pytest.mark.parametrize("answer", [HANG_UP, CUT_OFF])
async def test_a_read_on_a_connection_that_breaks_is_repeated(answer: bytes, *, reset: bool) -> None:
    wire = Wire(first_read=answer, reset=reset)
    async with talking_to(wire) as billing:
        assert await billing.assignment(KEY, PERSON) is None
    assert wire.seen == ["GET", "GET"]


async def test_a_redirect_is_not_followed() -> None:
    elsewhere = Wire()
    async with talking_to(elsewhere):
        wire = Wire(on_read=f"HTTP/1.1 302 Found\r\nlocation: {elsewhere.url}/\r\ncontent-length: 0\r\n\r\n".encode())
        async with talking_to(wire) as billing:
            with pytest.raises(FailedRead):
                await billing.assignment(KEY, PERSON)
    assert (wire.seen, elsewhere.seen) == (["GET"], [])
