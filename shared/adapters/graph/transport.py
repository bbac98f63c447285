"""The network under Microsoft's Graph client: httpx's requests, sent by aiohttp.

Lives here: carrying one request and its answer over, and which of httpx's errors one of aiohttp's is. What is
asked, retried and made of an answer is not known here.

httpx's own transport (httpcore) looks at every connection of its pool for each request and each answer, and
asks the system whether it is still open: with a connection per session, a read costs two to three times the
CPU that it costs here. aiohttp is on board already, it carries billing. Figures: docs/performance.md.
"""

from typing import Final
from urllib.request import getproxies

import aiohttp
import httpx
from yarl import URL

from shared.adapters.http.sent_once import once

CONNECT_SECONDS: Final = 5.0
"""Seconds to wait for a connection; a handler has 45."""

READ_SECONDS: Final = 15.0
"""Seconds to wait for an answer's next bytes; a handler has 45."""

CONNECTIONS: Final = 64
"""The most connections at once: twice the 32 sessions that look at people side by side."""

IDLE_SECONDS: Final = 30.0
"""Seconds after which an unused connection is closed, before the service does it unannounced."""

_TIMEOUT: Final = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends requests through one aiohttp session, opened at the first of them.

    `local` says that the service is on this machine: then no proxy is asked, and no certificates are loaded.
    Answers are read whole, still compressed: httpx decodes them.
    """

    def __init__(self, *, local: bool) -> None:
        self._local = local
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends one request, once. Raises `httpx.TransportError` where no whole answer came."""
        if self._session is None:
            self._session = self._open()
        try:
            async with self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=request.headers.multi_items(),
                data=await request.aread() or None,
                allow_redirects=False,
            ) as answer:
                body = await answer.read()
        except aiohttp.ClientConnectorError as error:
            raise httpx.ConnectError(str(error)) from error
        except aiohttp.ConnectionTimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except aiohttp.ClientError as error:
            raise httpx.ReadError(str(error)) from error
        return httpx.Response(answer.status, headers=answer.raw_headers, content=body)

    async def aclose(self) -> None:
        """Closes every connection; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        # httpx's own certificates, as before any transport of ours; on this machine there are none to check.
        trusted = True if self._local else httpx.create_ssl_context()
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS, ssl=trusted),
            timeout=_TIMEOUT,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            # The environment's proxies count only where there are any: aiohttp looks them up in a thread, per request.
            trust_env=not self._local and bool(getproxies()),
            middlewares=(once,),
        )
