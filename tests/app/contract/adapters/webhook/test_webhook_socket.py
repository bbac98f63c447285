"""Notices over sockets: what arrives, what counts as not delivered, and that nobody is told the address."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain, repeat
from typing import Any

import pytest
from pydantic import SecretStr

from sandbox.faults import Effect, Faults, Rule
from sandbox.receivers import Receivers
from sandbox.shell import serve
from sandbox.wire import Request, Response
from shared.adapters.webhook.payloads import plain_json, teams_message
from shared.adapters.webhook.post import Post, Webhook
from shared.domain.notices.notice import Notice, NoticeKind
from shared.domain.reasons import Code
from shared.errors import InvoiceAccessError, Permanent, Transient

SIGNATURE = "s1gn4tur3-that-nobody-may-see"
NOTICE = Notice(
    "0f" * 16,
    NoticeKind.MAIL,
    datetime(2026, 3, 2, tzinfo=UTC),
    Code.NOTICE_MAIL(count=1),
    (Code.PROFILE_MAIL(profile="Contoso UK", day="2026-03-05", because=Code.OPTED_OUT()),),
)


class Site:
    """Receivers on a socket, with faults around them, and channels to them."""

    def __init__(self, receivers: Receivers, faults: Faults, base: str, post: Post) -> None:
        self.receivers, self.faults, self.base, self.post = receivers, faults, base, post

    def channel(self, name: str, *, address: str | None = None) -> Webhook:
        to_body = partial(teams_message if name in {"teams", "finance"} else plain_json, page="")
        url = address or self.receivers.address(self.base, name)
        return Webhook(name, frozenset(NoticeKind), SecretStr(url), to_body, self.post)

    def fault(self, **effect: Any) -> None:
        self.faults.lay(Rule(target="receivers", effect=Effect(**effect)))

    async def failure(self, channel: Webhook | None = None) -> InvoiceAccessError:
        with pytest.raises(InvoiceAccessError) as told:
            await (channel or self.channel("webhook")).tell(NOTICE)
        return told.value


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    receivers = Receivers(lambda: datetime.now(UTC), {"webhook": SIGNATURE, "teams": SIGNATURE, "finance": SIGNATURE})
    faults = Faults()
    server = await serve(faults.wrap("receivers", receivers.handle))
    async with Post.opened() as post:
        yield Site(receivers, faults, server.url, post)
    await server.close()


@pytest.mark.parametrize("name", ["webhook", "teams", "finance"])
async def test_a_notice_arrives_under_its_own_key_at_the_signed_address(site: Site, name: str) -> None:
    await site.channel(name).tell(NOTICE)
    (came,) = site.receivers.received
    assert (came.receiver, came.key) == (name, NOTICE.id)
    assert "Contoso UK" in str(came.body)


async def test_an_address_is_sent_as_it_was_given(site: Site) -> None:
    odd = "a%2Fb%2bc%20d~"  # another spelling of the same would be another signature to who signs the bytes
    heard: list[str] = []

    def hear(request: Request) -> Response:
        heard.append(request.target)
        return site.receivers.handle(request)

    server = await serve(hear)
    address = f"{server.url}/workflows/webhook?sp=%2Ftriggers%2Fmanual%2Frun&sig={odd}"
    await site.failure(site.channel("webhook", address=address))
    assert heard == [f"/workflows/webhook?sp=%2Ftriggers%2Fmanual%2Frun&sig={odd}"]
    await server.close()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_an_outage(site: Site, status: int) -> None:
    site.fault(status=status, headers={"Retry-After": "90"})
    failure = await site.failure()
    assert isinstance(failure, Transient)
    assert failure.retry_after == timedelta(seconds=90)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 401, 403, 404, 410, 413, 415])
async def test_whatever_else_is_a_refusal_and_leads_nowhere(site: Site, status: int) -> None:
    elsewhere = await serve(site.receivers.handle)
    site.fault(status=status, headers={"Location": site.receivers.address(elsewhere.url, "webhook")})
    assert isinstance(await site.failure(), Permanent)
    assert site.receivers.received == []
    await elsewhere.close()


async def test_a_receiver_that_hangs_up_or_is_away_is_an_outage(site: Site) -> None:
    site.fault(hang_up=True)
    assert isinstance(await site.failure(), Transient)
    gone = await serve(site.receivers.handle)
    await gone.close()
    away = site.channel("webhook", address=site.receivers.address(gone.url, "webhook"))
    assert isinstance(await site.failure(away), Transient)


async def test_a_receiver_that_is_too_slow_is_an_outage(site: Site) -> None:
    site.fault(delay_seconds=30)
    async with Post.opened(seconds=0.2) as post:
        site.post = post
        assert isinstance(await site.failure(), Transient)


@asynccontextmanager
async def answering(*pieces: bytes, endless: bool = False) -> AsyncIterator[str]:
    """A server that answers these bytes to whatever comes, the last of them without an end."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with suppress(ConnectionError):
            for piece in chain(pieces, repeat(pieces[-1]) if endless else ()):
                writer.write(piece)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/workflows/webhook?sig={SIGNATURE}"


async def test_an_answer_without_an_end_is_read_no_further(site: Site) -> None:
    async with answering(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65_536, endless=True) as address:
        await site.channel("webhook", address=address).tell(NOTICE)


async def test_an_answer_that_is_no_http_is_an_outage_and_tells_nobody_the_address(site: Site) -> None:
    async with answering(b"220 mail.example ESMTP\r\n\r\n") as address:
        failure = await site.failure(site.channel("webhook", address=address))
    assert isinstance(failure, Transient)
    assert SIGNATURE not in f"{failure!r} {failure.__cause__!r}"


async def test_nobody_is_told_the_address(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    failures = []
    for effect in ({"status": 401}, {"status": 302, "headers": {"Location": "http://["}}, {"hang_up": True}):
        site.faults.lift()
        site.fault(**effect)
        failures.append(await site.failure())
    odd = f"https://[not-an-address]:99999/?sig={SIGNATURE}"
    addresses = (odd, f"http://127.0.0.1:1/?sig={SIGNATURE}", f"http://nobody.invalid/?sig={SIGNATURE}")
    failures += [await site.failure(site.channel("webhook", address=address)) for address in addresses]
    for failure in failures:
        assert SIGNATURE not in f"{failure!r} {failure.__cause__!r}"
        assert failure.__suppress_context__ or failure.__context__ is None
    assert SIGNATURE not in caplog.text
    assert SIGNATURE not in repr(site.channel("webhook"))
