"""How a sender shows that it is who it says: a signature, a secret in the URL, or the host's function key.

Pure: keys and the time are given. What a signature is made of is described, not programmed, so that another sender's
is one more description. Every comparison takes the same time whatever is wrong, and every key in force is compared, so
that an answer tells nothing about the right one.
"""

import binascii
import hmac
import re
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Final, Literal

from shared.errors import Rejected
from shared.sources.posted import Posted

_SIGNATURES_AT_MOST: Final = 10
"""How many signatures of one header are compared: senders write two while they rotate a key."""

_HEX: Final = re.compile(r"(?:[0-9a-f]{2})+", re.ASCII | re.IGNORECASE)
_SECONDS: Final = re.compile(r"[0-9]{1,11}", re.ASCII)
_MILLISECONDS: Final = re.compile(r"[0-9]{12,14}", re.ASCII)
_KEY_PREFIX: Final = "whsec_"  # Standard Webhooks writes it before a key in Base64


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """An HMAC in the header `header`, over what `signed` says.

    `signed` is a template: `{body}`, `{stamp}`, and `{any-other-name}` for the header of that name; everything else is
    meant as it stands. The time of signing is in the header `stamp_header`, or among the entries of the signature's own
    header, after `stamp_entry` (`t=`): seconds or milliseconds since 1970, or ISO 8601 with an offset. Without either,
    nothing tells a captured request from a fresh one: it may come again, and causes the same check again.

    A signature is what follows `prefix`, in hex of any case or in Base64 of either alphabet, padded or not. Where the
    header is a list, `separator` parts it, and any signature in it that holds is enough. `keys` says how the key is
    given: the text itself, or its bytes in Base64, after `whsec_` or not.
    """

    header: str
    signed: str
    algorithm: Literal["sha256", "sha384", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    separator: str = ""
    stamp_header: str = ""
    stamp_entry: str = ""
    keys: Literal["text", "base64"] = "text"

    def __post_init__(self) -> None:
        """Raises `ValueError` for a description that would protect less than it seems to."""
        names = {name for _, name, _, _ in Formatter().parse(self.signed) if name is not None}
        if "body" not in names:
            raise ValueError(f"{self.header}: a signature that does not cover {{body}} proves nothing")
        if ("stamp" in names) != bool(self.stamp_header or self.stamp_entry):
            raise ValueError(f"{self.header}: {{stamp}} is signed where there is a stamp, and nowhere else")

    @property
    def refusal(self) -> Rejected:
        """What is said to a sender whose signature does not hold, whatever is wrong with it."""
        return Rejected(
            self.header, "it is missing, wrong or too old", "Sign the request as docs/reference/sources.md says"
        )

    def holds(self, posted: Posted, keys: Sequence[str], now: datetime, window: timedelta) -> bool:
        """Whether one of the keys in force made the signature and, where it has a stamp, within `window` of now."""
        given = posted.headers.get(self.header.lower(), "")
        entries = [entry.strip() for entry in given.split(self.separator)] if self.separator else [given]
        stamp = self._stamp(posted, entries)
        message = self._message(posted, stamp)
        signatures = [_decoded(entry.removeprefix(self.prefix), self.encoding) for entry in self._signatures(entries)]
        secrets = [secret for key in keys if (secret := self._key(key))]  # an empty key is anybody's
        right = [hmac.digest(secret, message, self.algorithm) for secret in secrets]
        is_signed = False
        for signature in signatures:
            for one in right:
                is_signed |= hmac.compare_digest(signature, one)  # also after one that fits
        if not (self.stamp_header or self.stamp_entry):
            return is_signed
        signed_at = moment(stamp)
        return is_signed and signed_at is not None and abs(now - signed_at) <= window

    def unreadable_keys(self, keys: Sequence[str]) -> int:
        """How many of the keys are not given as this signature has them."""
        return sum(1 for key in keys if self.keys == "base64" and not _base64(key.removeprefix(_KEY_PREFIX)))

    def _signatures(self, entries: Sequence[str]) -> Sequence[str]:
        return [entry for entry in entries if entry.startswith(self.prefix)][:_SIGNATURES_AT_MOST]

    def _stamp(self, posted: Posted, entries: Sequence[str]) -> str:
        if self.stamp_header:
            return posted.headers.get(self.stamp_header.lower(), "")
        found = [entry for entry in entries if self.stamp_entry and entry.startswith(self.stamp_entry)]
        return found[0].removeprefix(self.stamp_entry) if found else ""

    def _message(self, posted: Posted, stamp: str) -> bytes:
        message = b""
        for text, name, _, _ in Formatter().parse(self.signed):
            message += text.encode()
            match name:
                case None:
                    pass  # the template ends with text
                case "body":
                    message += posted.body
                case "stamp":
                    message += _bytes(stamp)
                case _:
                    message += _bytes(posted.headers.get(name.lower(), ""))
        return message

    def _key(self, key: str) -> bytes:
        return _base64(key.removeprefix(_KEY_PREFIX)) if self.keys == "base64" else _bytes(key)


@dataclass(frozen=True, slots=True)
class UrlSecret:
    """A secret as a parameter of the URL, for systems whose signature is not public. Proxies and logs may see it."""

    parameter: str = "secret"

    @property
    def refusal(self) -> Rejected:
        """What is said to a sender without a secret in force."""
        remedy = f"Give the system a URL that ends in ?{self.parameter}=, as docs/reference/sources.md says"
        return Rejected(self.parameter, "it is missing or wrong", remedy)

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


def moment(text: str) -> datetime | None:
    """The moment that a stamp stands for: seconds or milliseconds since 1970, or ISO 8601 with an offset; else None."""
    if _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text), UTC)
    if _MILLISECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text) / 1000, UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _is_one_of(given: str, right: Sequence[str]) -> bool:
    is_right = False
    for one in right:
        is_right |= hmac.compare_digest(_bytes(given), _bytes(one))  # also after one that fits
    return is_right


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _decoded(text: str, encoding: Literal["hex", "base64"]) -> bytes:
    """The bytes of a signature; none where it is not written so, which is no signature's length."""
    if encoding == "base64":
        return _base64(text)
    return bytes.fromhex(text) if _HEX.fullmatch(text) else b""


def _base64(text: str) -> bytes:
    """The bytes of Base64 in either alphabet, padded or not; none where it is not Base64."""
    bare = text.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
