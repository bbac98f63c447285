"""How a sender shows that it is who it says: a signature, a secret in the URL, or the host's function key.

Pure: keys and the time are given. Every comparison takes the same time whatever is wrong, and every key in force
is compared, so that an answer tells nothing about the right one.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from shared.errors import Rejected
from shared.sources.posted import Posted

_SECONDS: Final = re.compile(r"[0-9]{1,11}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signature:
    """HMAC-SHA256, in lower-case hex, over what `signed` makes of body and timestamp, after `prefix` in its header.

    `moment` reads the timestamp header; None where it is none.
    """

    header: str
    timestamp_header: str
    prefix: str
    signed: Callable[[bytes, bytes], bytes]
    moment: Callable[[str], datetime | None]

    @property
    def refusal(self) -> Rejected:
        """What is said to a sender whose signature does not hold, whatever is wrong with it."""
        return Rejected(self.header, "it is missing, wrong or too old", "Sign the request as docs/sources.md says")

    def holds(self, posted: Posted, keys: Sequence[str], now: datetime, window: timedelta) -> bool:
        """Whether one of the keys in force made the signature, and within `window` of now."""
        stamp = posted.headers.get(self.timestamp_header.lower(), "")
        given = posted.headers.get(self.header.lower(), "")
        message = self.signed(posted.body, _bytes(stamp))
        right = [self.prefix + hmac.digest(_bytes(key), message, hashlib.sha256).hex() for key in keys]
        moment = self.moment(stamp)
        is_signed = _is_one_of(given, right)
        return is_signed and moment is not None and abs(now - moment) <= window


@dataclass(frozen=True, slots=True)
class UrlSecret:
    """A secret as a parameter of the URL, for systems whose signature is not public. Proxies and logs may see it."""

    parameter: str = "secret"

    @property
    def refusal(self) -> Rejected:
        """What is said to a sender without a secret in force."""
        mend = f"Give the system a URL that ends in ?{self.parameter}=, as docs/sources.md says"
        return Rejected(self.parameter, "it is missing or wrong", mend)

    def holds(self, posted: Posted, keys: Sequence[str], now: datetime, window: timedelta) -> bool:
        """Whether one of the secrets in force was given."""
        del now, window
        return _is_one_of(posted.query.get(self.parameter, ""), keys)


@dataclass(frozen=True, slots=True)
class FunctionKey:
    """A function key, which the Functions host has checked before we are called."""

    @property
    def refusal(self) -> Rejected:
        """What would be said to a sender without a key; the host says it first."""
        return Rejected("x-functions-key", "it is missing or wrong", "Send the function key of this app")

    def holds(self, posted: Posted, keys: Sequence[str], now: datetime, window: timedelta) -> bool:
        """Always: the host lets nobody in without one."""
        del posted, keys, now, window
        return True


type Proof = Signature | UrlSecret | FunctionKey


def is_client_state(given: object, states: Sequence[str]) -> bool:
    """Whether a Graph notification's `clientState` is one of those in force."""
    return _is_one_of(given if isinstance(given, str) else "", states)


def unix_seconds(text: str) -> datetime | None:
    """The moment that a number of seconds since 1970 stands for; None where it is no such number."""
    return datetime.fromtimestamp(int(text), UTC) if _SECONDS.fullmatch(text) else None


def unix_seconds_or_iso(text: str) -> datetime | None:
    """The moment of either spelling; an ISO 8601 time without an offset is none."""
    if (moment := unix_seconds(text)) is not None:
        return moment
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _is_one_of(given: str, right: Sequence[str]) -> bool:
    is_right = False
    for one in right:
        is_right |= hmac.compare_digest(_bytes(given), _bytes(one))  # also after one that fits
    return is_right


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
