"""What an answer of Azure Resource Manager says when it is not the one hoped for.

Lives here: the two families of error bodies, Retry-After, how many calls are left, and which of the app's errors
an answer is. No request is made here, and nothing of billing's own resources is known.

Both families were seen from Microsoft.Billing: ARM's `{"error": {"code", "message"}}`, and ASP.NET's
ProblemDetails `{"errors": {field: [message]}, "title"}` for bodies that it finds invalid.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from azure.core.rest import AsyncHttpResponse

from shared.adapters.gate import Kind, read_count
from shared.domain.nameless import nameless
from shared.errors import AccessLost, FailedRead, InvoiceAccessError, MaybeWritten, Permanent, Transient

NEW_PRINCIPAL_WAIT: Final = timedelta(seconds=30)
"""How long to wait where billing does not know a principal that the directory knows: new ones were seen to
take 30 s."""

MAY_BE_WRITTEN: Final = "it may have been written"
"""Said of every write whose outcome is not known: read back before doing anything about it."""

_NO_CLAIMS = "no claims present"
_ABOUT_THE_ADDRESS = frozenset(
    {"invalidresourcetype", "invalidresourcenamespace", "resourceprovidernotfound", "invalidrequesturi"}
)
_CLIENT_ERRORS, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _SERVER_ERRORS = 400, 401, 403, 404, 500
_PASSING = frozenset({408, 409, 423, 425, 429})
_NOTHING_DONE = frozenset({409, 423, 425, 429})
_WAIT_IN_WORDS = re.compile(r"retry after (\d{1,6}) seconds?", re.IGNORECASE)
_LONGEST_QUOTE = 500
_LEFT: Final = {
    kind: (f"x-ms-ratelimit-remaining-tenant-{kind}", "x-ms-ratelimit-remaining-tenant-resource-requests")
    for kind in Kind
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error's body says.

    `code` is empty where it has none, `structured` False where it fits no family.
    """

    code: str
    message: str
    structured: bool

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.code else self.message


def read_refusal(response: AsyncHttpResponse) -> Refusal:
    """Reads an error's body, whatever it is made of."""
    content = response.content
    if not content.strip():
        return Refusal("", "no explanation", structured=False)
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return Refusal("", _quote(content.decode("utf-8", "replace")), structured=False)
    match body:
        case {"error": {"code": code} as error}:
            return Refusal(_quote(str(code)), _quote(_with_details(error)), structured=True)
        case {"errors": dict(fields)}:
            said = [f"{name}: {text}" for name, texts in fields.items() for text in _listed(texts)]
            return Refusal("", _quote("; ".join(said) or str(body.get("title", ""))), structured=True)
        case {"title": str(title), "status": int()}:
            return Refusal("", _quote(f"{title} {body.get('detail') or ''}"), structured=True)
        case _:
            return Refusal("", _quote(str(body)), structured=False)


def is_absence(response: AsyncHttpResponse) -> bool:
    """Whether a 404 says that the thing asked for is not there.

    It does when the service says so in one of its two families, or says nothing more. A page of somebody in
    between is no word of the service, and a code about the address (no such resource type) is not about the
    thing.
    """
    if response.status_code != _NOT_FOUND:
        return False
    if not response.content.strip():
        return True
    refusal = read_refusal(response)
    return refusal.structured and refusal.code.lower() not in _ABOUT_THE_ADDRESS


def asked_wait(headers: Mapping[str, str]) -> timedelta | None:
    """How long an answer asks to wait; None when it does not, or not intelligibly.

    `retry-after-ms` and `x-ms-retry-after-ms` are Azure's own; a date in Retry-After is measured against the
    answer's own Date, because our clock may be another one.
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        if (milliseconds := _number(headers.get(name))) is not None:
            return _lasting(milliseconds / 1000)
    asked = headers.get("retry-after")
    if asked is None:
        return None
    if (seconds := _number(asked)) is not None:
        return _lasting(seconds)
    try:
        wait = parsedate_to_datetime(asked) - parsedate_to_datetime(headers.get("date") or "")
    except (ValueError, TypeError):  # not a date, or one with an offset and one without
        return None
    return max(timedelta(), wait)


def answered_at(headers: Mapping[str, str]) -> datetime | None:
    """The service's own time of an answer, in whole seconds; None when it does not say, or not intelligibly."""
    try:
        said = parsedate_to_datetime(headers.get("date") or "")
    except ValueError:
        return None
    return said if said.tzinfo is not None else None


def calls_left(headers: Mapping[str, str], kind: Kind) -> int | None:
    """How many more calls of a kind an answer says would be granted now; None when it does not, or not intelligibly.

    A service that has limits of its own says so under another name; then the lower one counts. Source: Azure Resource
    Manager, "Understand how Azure Resource Manager throttles requests".
    """
    tenant, own = _LEFT[kind]
    left, own_left = read_count(headers.get(tenant)), read_count(headers.get(own))
    return own_left if left is None or (own_left is not None and own_left < left) else left


def said_wait(response: AsyncHttpResponse) -> timedelta | None:
    """How long a refusal, its body read, asks to wait: in its headers or its words."""
    wait = asked_wait(response.headers)
    if wait is None and (words := _WAIT_IN_WORDS.search(read_refusal(response).message)):
        wait = timedelta(seconds=int(words[1]))
    return wait


def capped_wait(response: AsyncHttpResponse, cap: timedelta) -> timedelta | None:
    """How long a refusal, its body read, asks to wait, and at most `cap`."""
    wait = said_wait(response)
    return None if wait is None else min(wait, cap)


def failure(
    response: AsyncHttpResponse, *, doing: str, scope: str, cap: timedelta, writing: bool = False
) -> InvoiceAccessError:
    """Which error an answer is that refuses, or does not fit.

    Args:
        response: the answer, its body read.
        doing: what was asked for, as a sentence's beginning (`reading billing profile X`).
        scope: whose billing role it takes, for `AccessLost`.
        cap: the longest wait to hand on.
        writing: whether it was a write: then a failure inside the service says that it may have been written.
    """
    status, refusal = response.status_code, read_refusal(response)
    said = f"{doing}: {status} {refusal}"
    if status == _FORBIDDEN or (status == _UNAUTHORIZED and _NO_CLAIMS in refusal.message.lower()):
        return AccessLost(scope, str(refusal))
    if status == _UNAUTHORIZED:
        return Transient(f"{doing}: our token was not accepted ({refusal})")
    wait = capped_wait(response, cap)
    if refusal.code.lower() == "principalnotfound":
        return Transient(said, retry_after=min(cap, NEW_PRINCIPAL_WAIT) if wait is None else wait)
    unfit = status < _CLIENT_ERRORS or (status == _NOT_FOUND and not refusal.structured)
    passing = status >= _SERVER_ERRORS or status in _PASSING
    if not unfit and not passing:
        return Permanent(said)
    if writing and status not in _NOTHING_DONE:
        return MaybeWritten(f"{said}; {MAY_BE_WRITTEN}", retry_after=wait)
    return (FailedRead if unfit else Transient)(said, retry_after=wait)


def _with_details(error: Mapping[str, Any]) -> str:
    details = error.get("details")
    said = [each["message"] for each in _listed(details) if isinstance(each, dict) and each.get("message")]
    return "; ".join(str(part) for part in (error.get("message") or "no explanation", *said))


def _listed(texts: Any) -> list[Any]:
    return texts if isinstance(texts, list) else [texts]


def _quote(text: str) -> str:
    flat = nameless(" ".join(text.split())).encode(errors="backslashreplace").decode()
    return flat if len(flat) <= _LONGEST_QUOTE else f"{flat[:_LONGEST_QUOTE]}..."


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _lasting(seconds: float) -> timedelta:
    """A duration, an absurd one as the longest there is in days that still adds up."""
    return timedelta(seconds=min(seconds, 1e9))
