"""Outlasting an outage: what cannot be sent now is sent again and again, for as long as a message may be kept.

Lives here: how long a handler may wait, and the waiting. A message that is given back comes again at once, and a queue
counts how often; so whoever can reach nothing waits first. What to send is known to whoever waits.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from shared.errors import Permanent, Transient

WAIT_SECONDS: Final = 240.0
"""How long a message may be kept in all. Its lock lives five minutes: a batch's by the queue's own setting, as no host
renews it, a session's by the host's renewals. The rest is for the last try, and for giving the message back."""

_FIRST_WAIT_SECONDS: Final = 1.0
_LONGEST_WAIT_SECONDS: Final = 5.0
"""The waits between tries double up to this. Work goes on so long after the queue is back."""

_log = logging.getLogger(__name__)


def patience() -> float:
    """Until when a handler that begins now may wait: a moment of the running loop's clock."""
    return asyncio.get_running_loop().time() + WAIT_SECONDS


async def outlast(send: Callable[[], Awaitable[None]], until: float, what: str) -> None:
    """Sends, and where that fails sends again until `until`; raises what the last try failed with.

    A queue that refuses us is away like one that does not answer: a role that is missing, or a queue that is disabled,
    is given back without a word to this app. `what` names in the log what waits.
    """
    clock = asyncio.get_running_loop().time
    wait, has_waited = _FIRST_WAIT_SECONDS, False
    while True:
        try:
            await send()
        except (Transient, Permanent) as failure:
            if clock() + wait > until:
                raise
            if not has_waited:
                _log.warning("%s: waiting, because %s", what, failure.reason)
                has_waited = True
            await asyncio.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT_SECONDS)
        else:
            if has_waited:
                _log.warning("%s: it was sent at last", what)
            return
