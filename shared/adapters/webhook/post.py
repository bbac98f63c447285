"""Notices sent over HTTP, each as one POST to an address that is a secret.

Lives here: sending, and which error it is when a notice does not arrive. The address comes from the settings and from
nowhere else: no redirect is followed, so that no answer leads elsewhere, and no proxy of the environment is asked.
Nobody is told the address: a workflow's carries its signature. So no error of the client is shown, which may quote it;
its kind is.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
from pydantic import SecretStr
from yarl import URL

from shared.adapters.http.answers import asked_wait
from shared.domain.notices.notice import Notice, NoticeKind
from shared.errors import Permanent, Transient

SECONDS: Final = 10.0
"""How long an answer may take, connecting included. A workflow takes a message in within a second."""

_ANSWER_BYTES: Final = 4096
"""How much of an answer is read: none of it is needed, and a connection is used again once it is read."""

_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that say nothing of the notice: the same may succeed later. All others from 300 on are refusals."""


@dataclass(slots=True)
class Post:
    """A connection to the world outside, for one run of the timer: runs are minutes apart."""

    session: aiohttp.ClientSession

    @classmethod
    def opened(cls, seconds: float = SECONDS) -> Self:
        """Opens nothing yet; to be closed. An answer may take so many seconds."""
        return cls(
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=seconds),
                headers={"User-Agent": "invoice-access"},
                trust_env=False,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        await self.session.close()


@dataclass(frozen=True, slots=True)
class Webhook:
    """`ports.Channel`: an address that takes notices by POST, in the form that `body_of` makes."""

    name: str
    kinds: frozenset[NoticeKind]
    address: SecretStr
    body_of: Callable[[Notice], Mapping[str, Any]]
    post: Post

    async def tell(self, notice: Notice) -> None:
        """Sends a notice, under an `Idempotency-Key` that stays the same. See `ports.Channel`."""
        body = json.dumps(self.body_of(notice), separators=(",", ":"), ensure_ascii=False).encode("utf-8", "replace")
        headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": notice.id}
        try:
            # Spelled as it was given: a signature in the query is of these very bytes.
            address = URL(self.address.get_secret_value(), encoded=True)
            async with self.post.session.post(address, data=body, headers=headers, allow_redirects=False) as answer:
                await answer.content.read(_ANSWER_BYTES)
                status, wait = answer.status, asked_wait(answer.headers)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            # Without the error's words and as no cause of it: these may quote the address.
            raise Transient(f"no answer from {self.name}: {type(error).__name__}") from None
        if status < HTTPStatus.MULTIPLE_CHOICES:
            return
        if status in _PASSING:
            raise Transient(f"{self.name} answers {status}", retry_after=wait)
        raise Permanent(f"{self.name} answers {status}: see whether its address is still right")
