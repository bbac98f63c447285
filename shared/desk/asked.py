"""A request to the desk and its answer, whatever carries them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlencode

FORM_BYTES: Final = 16_384
"""The longest form: the longest reason that the record takes, escaped, and what goes with it."""

_FIELDS: Final = 20
"""Fields of a form at most; ours have six."""

FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)  # without slots: what is read once is kept with it
class Asked:
    """A request. `segments` are those of its path, unescaped; header names are lower-case; `query` has no empty values.

    `api` is whether the answer is for a program: its path began with `/api`.
    """

    method: str
    segments: tuple[str, ...]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    api: bool = False

    @property
    def path(self) -> str:
        """Where the page of this request is."""
        return "/" + "/".join(quote(one, safe="") for one in self.segments)

    @property
    def address(self) -> str:
        """Where to come back to: the path with its query. What was posted is in no address."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @cached_property
    def form(self) -> Mapping[str, str] | None:
        """The fields of a form, each with its first value; None where the body is none, or too long for one."""
        media = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != FORM or len(self.body) > FORM_BYTES:
            return None
        try:
            read = parse_qs(
                self.body.decode(), keep_blank_values=True, strict_parsing=bool(self.body), max_num_fields=_FIELDS
            )
        except ValueError:
            return None
        return {name: values[0] for name, values in read.items()}

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        """The cookies; none where they cannot be read."""
        try:
            return {name: one.value for name, one in SimpleCookie(self.headers.get("cookie", "")).items()}
        except CookieError:
            return {}

    def whole(self, name: str, *, least: int = 1, most: int = 10_000) -> int:
        """A number of the query; `least` where it is none, and no more than `most`."""
        text = self.query.get(name, "")
        return min(max(int(text), least), most) if text.isascii() and text.isdigit() and len(text) < 7 else least  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as HTTP has it."""

    status: int
    body: bytes
    media_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """An answer before it has a form: a template and the document that it is made of, which programs get as JSON.

    `answer` names the document's schema. `moves_to` is where a browser goes on after a form was done. `extra` is what
    the page alone needs, such as the tokens of its forms. `export` is what is downloaded instead: its name, its media
    type and its text.
    """

    template: str
    answer: str
    body: Mapping[str, Any]
    status: int = 200
    moves_to: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)
    export: tuple[str, str, str] | None = None


def problem(status: int, code: str, **facts: Any) -> Page:
    """What happened instead of what was asked for, and what to do: the words are the template's, by `code`."""
    return Page("problem.html", "problem", {"code": code, **facts}, status)
