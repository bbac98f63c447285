"""What an answer of one of Azure's HTTP APIs says when it is not the one hoped for.

Lives here: the families of error bodies, Retry-After, how many calls are left, and which of the app's errors an answer
of billing is. No request is made here, and nothing of a service's own resources is known.

Microsoft Graph writes `{"error": {"code", "message"}}`. For billing two speakers answer at one address.
Microsoft.Billing itself was recorded with a bare `{"code", "message"}` (2020 to 2024), reported with ARM's `{"error":
{"code", "message"}}`, and reported with ASP.NET's ProblemDetails `{"errors": {field: [message]}, "title"}` for bodies
that it finds invalid. Azure Resource Manager, the gateway before it, writes as Graph does. Names of fields were seen in
both cases and are compared without it; the content type says nothing that the body does not, and is not checked.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final

from azure.core.rest import AsyncHttpResponse

from shared.adapters.http.gate import Kind, read_count
from shared.domain.redact import redact
from shared.errors import AccessLost, FailedRead, InvoiceAccessError, MaybeWritten, Permanent, Transient

NEW_PRINCIPAL_WAIT: Final = timedelta(seconds=30)
"""How long to wait where billing does not know a principal that the directory knows: new ones were seen to
take 30 s."""

MAY_BE_WRITTEN: Final = "it may have been written"
"""Said of every write whose outcome is not known: read back before doing anything about it."""

_GATEWAY: Final = ("x-ms-failure-cause", "gateway")
"""The header of a refusal that Azure Resource Manager made by itself: the service was not asked
(https://github.com/hashicorp/terraform-provider-azurerm/issues/20867 shows it)."""

_SERVICES_OWN: Final = ("x-ms-service-version", "api-supported-versions")
"""Headers of every recorded answer of Microsoft.Billing that no gateway sets."""

_NO_CLAIMS = "no claims present"
_ABOUT_THE_ADDRESS = frozenset(
    {
        "invalidresourcetype",
        "invalidresourcenamespace",
        "resourceprovidernotfound",
        "noregisteredproviderfound",
        "resourcetypenotfound",
        "missingsubscription",
        "subscriptionnotfound",
        "resourcegroupnotfound",
        "tenantnotfound",
        "endpointnotfound",
        "routenotfound",
        "apinotfound",
        "hostnotfound",
        "invalidrequesturi",
    }
)
"""Codes that say that nobody listens at an address; they say nothing about the object there."""

_NOT_THERE = ("notfound", "notexist", "404")
_ABOUT_A_TOKEN = ("authentication", "token")
_BAD_TOKEN = re.compile(r'error="?(?:invalid_token|insufficient_claims)', re.IGNORECASE)
_CLIENT_ERRORS, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _SERVER_ERRORS = 400, 401, 403, 404, 500
_PASSING = frozenset({408, 409, 423, 425, 429})
_NOTHING_DONE = frozenset({409, 423, 425, 429})
_ABOUT_WHAT_WAS_SENT = frozenset({400, 404, 422})
_WAIT_IN_WORDS = re.compile(r"retry after (\d{1,6}) seconds?", re.IGNORECASE)
_LONGEST_QUOTE = 500
_LEFT: Final = {
    kind: (f"x-ms-ratelimit-remaining-tenant-{kind}", "x-ms-ratelimit-remaining-tenant-resource-requests")
    for kind in Kind
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error's body says.

    `code` is empty where it has none, `structured` False where it fits no family. `fields` are those that
    ProblemDetails complains of, lower-cased.
    """

    code: str
    message: str
    structured: bool
    fields: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.code else self.message


def read_refusal(response: AsyncHttpResponse, secrets: Sequence[str] = ()) -> Refusal:
    """Reads an error's body, of any form, status and content type.

    `secrets` are ours, and are not repeated where the service does.
    """
    content = response.content
    if not content.strip():
        return Refusal("", "no explanation", structured=False)
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return Refusal("", _quote(content.decode("utf-8", "replace"), secrets), structured=False)
    return _refusal_in(body, partial(_quote, secrets=secrets))


def _refusal_in(body: Any, say: Callable[[str], str]) -> Refusal:
    match _folded(body):
        case {"error": dict(error)} if "code" in (inner := _folded(error)):
            return Refusal(say(str(inner["code"])), say(_with_details(inner)), structured=True)
        case {"error": str(code), **rest}:  # OAuth's: of a token's issuer or a proxy, never of the service
            return Refusal(say(code), say(str(rest.get("error_description") or body)), structured=False)
        case {"errors": dict(fields), **rest}:
            said = [f"{name}: {text}" for name, texts in fields.items() for text in _listed(texts)]
            named = frozenset(str(name).lower() for name in fields)
            return Refusal("", say("; ".join(said) or str(rest.get("title", ""))), structured=True, fields=named)
        case {"code": str(code), "message": str() | None, **rest} as bare if code:
            return Refusal(say(code), say(_with_details(bare)), structured=True)
        case {"title": str(title), "status": int(), **rest}:
            return Refusal("", say(f"{title} {rest.get('detail') or ''}"), structured=True)
        case _:
            return Refusal("", say(str(body)), structured=False)


def is_absence(response: AsyncHttpResponse) -> bool:
    """Whether a 404 says that the thing asked for is not there.

    That is the service's to say. Its own headers prove that it speaks: then a code need not be known, and even
    silence counts. Without them it must say in one of its families that something was not found. Never absence: what
    Azure Resource Manager refuses by itself, a code about the address, and words in no family (a page of somebody in
    between, "no route matches").
    """
    if response.status_code != _NOT_FOUND or _is_gateways(response):
        return False
    services_own = _is_services(response)
    if not response.content.strip():
        return services_own
    refusal = read_refusal(response)
    code = refusal.code.lower()
    if not refusal.structured or code in _ABOUT_THE_ADDRESS:
        return False
    # Azure Resource Manager's own code for what it does not know; the service's headers make it the service's.
    if code == "resourcenotfound":
        return services_own
    return services_own or not code or code.endswith(_NOT_THERE)


def is_principal_unknown(response: AsyncHttpResponse) -> bool:
    """Whether a refused grant may be about a principal that the service does not know yet.

    No refusal of that kind is documented or recorded. So it is told by what it can be about: a code that names the
    principal, a validation that complains of `principalId` (ours is a well-formed id out of the directory), or the
    service's 404, whose recorded words are "The resource or one of its dependencies could not be found".
    """
    if response.status_code not in _ABOUT_WHAT_WAS_SENT:
        return False
    refusal = read_refusal(response)
    return (
        "principalnotfound" in refusal.code.lower()
        or any(field.rpartition(".")[2] == "principalid" for field in refusal.fields)
        or (is_absence(response) and not any(scope in refusal.code.lower() for scope in ("profile", "account")))
    )


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
    """How long a refusal, its body read, asks to wait: in its headers or its words; None for no time at all."""
    wait = asked_wait(response.headers)
    if wait is None and (words := _WAIT_IN_WORDS.search(read_refusal(response).message)):
        wait = timedelta(seconds=int(words[1]))
    return wait or None


def is_passing(status: int) -> bool:
    """Whether a refusal may pass by itself."""
    return status >= _SERVER_ERRORS or status in _PASSING


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
    if status == _UNAUTHORIZED and _is_about_our_token(response, refusal):
        return Transient(f"{doing}: our token was not accepted ({refusal})")
    if status in {_UNAUTHORIZED, _FORBIDDEN}:
        return AccessLost(scope, str(refusal))
    wait = capped_wait(response, cap)
    unfit = status < _CLIENT_ERRORS or (status == _NOT_FOUND and not _is_said_of_something(response, refusal))
    if not unfit and not is_passing(status):
        return Permanent(said)
    if writing and status not in _NOTHING_DONE:
        return MaybeWritten(f"{said}; {MAY_BE_WRITTEN}", retry_after=wait)
    return (FailedRead if unfit else Transient)(said, retry_after=wait)


def _is_gateways(response: AsyncHttpResponse) -> bool:
    """Whether Azure Resource Manager refused by itself, without asking the service."""
    name, value = _GATEWAY
    return bool(response.headers.get(name, "").lower() == value)


def _is_services(response: AsyncHttpResponse) -> bool:
    """Whether the service itself speaks, whatever it says."""
    return any(name in response.headers for name in _SERVICES_OWN)


def _is_about_our_token(response: AsyncHttpResponse, refusal: Refusal) -> bool:
    """Whether a 401 refuses our token, which passes; the service's own 401 refuses us, which does not.

    The token is Azure Resource Manager's to judge: what it answers by itself is about the token, and so is a code
    such as `ExpiredAuthenticationToken`, `InvalidAuthenticationToken` or `AuthenticationFailed`, and a challenge that
    calls the token invalid or asks for more claims. A challenge as such says nothing: every 401 must carry one (RFC
    9110, section 15.5.2). The service judges roles, in words of which only "No claims present" is known: so what fits
    one of its families, or carries its headers, is its word. A page or silence of somebody in between is none, and
    must not stop everything until an operator resumes.
    """
    if _NO_CLAIMS in refusal.message.lower():
        return False
    code = refusal.code.lower()
    challenge = response.headers.get("www-authenticate", "")
    return (
        _is_gateways(response)
        or any(word in code for word in _ABOUT_A_TOKEN)
        or bool(_BAD_TOKEN.search(challenge))
        or not (refusal.structured or _is_services(response))
    )


def _is_said_of_something(response: AsyncHttpResponse, refusal: Refusal) -> bool:
    """Whether a 404 is about the object, and not about the address."""
    return is_absence(response) or (refusal.structured and refusal.code.lower() in _ABOUT_THE_ADDRESS)


def _folded(body: Any) -> Any:
    """An object with the names of its fields in lower case; anything else as it is."""
    return {str(name).lower(): value for name, value in body.items()} if isinstance(body, dict) else body


def _with_details(error: Mapping[str, Any]) -> str:
    details = error.get("details")
    said = [text for each in _listed(details) if isinstance(each, dict) and (text := _folded(each).get("message"))]
    return "; ".join(str(part) for part in (error.get("message") or "no explanation", *said))


def _listed(texts: Any) -> list[Any]:
    return texts if isinstance(texts, list) else [texts]


def _quote(text: str, secrets: Sequence[str] = ()) -> str:
    flat = redact(" ".join(text.split()), *secrets).encode(errors="backslashreplace").decode()
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
