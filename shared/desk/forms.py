"""Forms: whether what comes in is a form that this page gave to this very person, within the last hour.

Lives here: tokens and where a request comes from. Tokens are itsdangerous': signed, not secret, and timed.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from shared.desk.asked import Asked

TOKEN: Final = "token"  # noqa: S105 - the field's name
HOUR: Final = 3600
"""Seconds for which a form may be sent."""


class Forms:
    """Gives tokens to forms, and knows them again. `keys` are the store's, the newest last."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = list(keys)

    def token(self, form: str, person: str, about: str = "") -> str:
        """A token for somebody's form about something as they saw it."""
        return str(self._signed(form).dumps([person, about]))

    def refusal(self, form: str, person: str, token: str, about: str = "") -> str:
        """Why a token is refused: `form-forged` or `form-old`; "" where it is ours, theirs and of this."""
        try:
            given = self._signed(form).loads(token, max_age=HOUR)
        except SignatureExpired:
            return "form-old"
        except BadSignature:
            return "form-forged"
        return "" if given == [person, about] else "form-forged"

    def _signed(self, form: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._keys, salt=form)


def is_from_here(asked: Asked) -> bool:
    """Whether a form was sent by a page of this site, as the browser says.

    Every browser that is kept up to date sends both headers with a form; what sends neither is none. Behind the
    platform's front end `Host` is the site's own name.
    """
    origin, site = asked.headers.get("origin", ""), asked.headers.get("sec-fetch-site", "")
    host = asked.headers.get("host", "")
    return site == "same-origin" and bool(host) and urlsplit(origin).netloc.lower() == host.lower()


def local(path: str) -> str:
    """A path of this site to go on to; "/" for anything else, such as another site's address."""
    is_local = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if is_local and path.isprintable() and path.isascii() else "/"  # a header takes nothing else


def clean(form: Mapping[str, str], name: str, most: int) -> str:
    """A text that somebody typed: without control characters, and no longer than the record takes."""
    text = "".join(c if c.isprintable() else " " for c in form.get(name, "")).strip()
    return text[:most]
