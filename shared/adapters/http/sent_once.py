"""One request is one attempt, also in aiohttp.

Lives here: what turns off aiohttp's own second attempt, for every adapter that sends through it. When a reused
connection breaks, aiohttp sends GET, PUT and DELETE again by itself (https://docs.aiohttp.org, `ClientSession`;
RFC 9112 section 9.3.1). A write must not be sent twice, and what reads are repeated, and counted, is the
adapters' to say.
"""

import aiohttp


class ConnectionLost(aiohttp.ClientError):
    """The connection broke after a request went out: nobody knows whether it was carried out."""


async def once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A client middleware: turns the errors that aiohttp answers with a second attempt into one that it does not."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise ConnectionLost(f"the connection broke before an answer came: {error}") from error
