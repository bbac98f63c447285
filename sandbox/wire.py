"""The seam between a stand-in and whatever carries its bytes.

A stand-in is a plain function from `Request` to `Response` over a state model. Socket servers and in-process
transports are shells around it; they carry out what only a shell can: waiting, hanging up, and asking somebody
else before the answer is given.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import unquote

type Clock = Callable[[], datetime]
"""Tells the time, in UTC. Injected, so that a test may own it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as it came over the wire.

    `target` is path and query exactly as sent (percent-encoding untouched); header names are lower-cased.
    `base` is the scheme and authority the client used (`http://127.0.0.1:5000`), for links in answers.
    """

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base: str = ""

    @property
    def path(self) -> str:
        """The path, percent-decoded."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> str:
        """The query, still encoded; empty when there is none."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A POST that a stand-in wants sent, to `url` as it stands; no answer within `timeout_seconds` is none."""

    url: str
    headers: Mapping[str, str]
    body: bytes = b""
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for an `Outgoing`; header names are lower-cased."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


type Send = Callable[[Outgoing], Awaitable[Reply | None]]
"""Sends a POST; None where nobody answered in time."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What a stand-in has to ask of others before it can answer.

    The shell sends `calls` one after another while its client waits, and gives what came back, in the same
    order, to `then`, which makes the answer.
    """

    calls: tuple[Outgoing, ...]
    then: "Callable[[Sequence[Reply | None]], Response]"


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer, and what the shell is to do around it.

    `delay_seconds` is waited before the answer is sent; with `hang_up` the connection is closed instead of
    answered, as when a network fails after the service did its work. With an `errand` this is not the answer
    yet: see `answered`.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_seconds: float = 0.0
    hang_up: bool = False
    errand: Errand | None = None


type Handler = Callable[[Request], Response]


async def answered(response: Response, send: Send | None) -> Response:
    """The answer itself, once every errand before it is done; without `send`, nobody is ever reached."""
    while (errand := response.errand) is not None:
        replies = [await send(call) if send is not None else None for call in errand.calls]
        following = errand.then(replies)
        response = replace(following, delay_seconds=response.delay_seconds + following.delay_seconds)
    return response


def as_json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose body is `body` as compact JSON."""
    return Response(
        status,
        {"content-type": "application/json; charset=utf-8", **(headers or {})},
        json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(),
    )


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a request's bearer token speaks for: a principal's object id, its tenant and its client id."""

    object_id: str
    tenant_id: str
    client_id: str


type Authenticate = Callable[[Request], Caller | None]
"""Reads the bearer token of a request; None when there is none, or it is expired, forged or for another audience."""
