"""The desk's site: which page a request is for, who may see it, and the form of its answer.

Lives here: the way from a request to an answer. Each page is a module of `pages`. An error of ours becomes a page that
says what happened; nobody sees a stack trace.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from shared.answers.documents import as_json, document_of
from shared.desk.app import Desk
from shared.desk.asked import FORM_BYTES, Asked, Page, Reply, problem
from shared.desk.forms import local
from shared.desk.frame import Frame, first_start, read_frame
from shared.desk.languages import COOKIE, chosen
from shared.desk.pages import (
    activity,
    as_of,
    check,
    decision,
    health,
    overview,
    pause,
    people,
    person,
    profile,
    profiles,
    todo,
    words,
)
from shared.desk.rendered import HEADERS, html
from shared.desk.visitor import Role, Stranger, Visitor, visitor_of
from shared.errors import InvoiceAccessError, Transient
from shared.wording.languages import LANGUAGES

type Handler = Callable[[Desk, Visitor, Frame, Asked], Awaitable[Page]]

_log = logging.getLogger(__name__)

_STYLE: Final = Path(__file__).with_name("static") / "style.css"
_YEAR: Final = 365 * 24 * 3600

PAGES: Final[Mapping[str, tuple[Handler, Role]]] = {
    "": (overview.show, Role.READER),
    "overview": (overview.show, Role.READER),
    "todo": (todo.show, Role.READER),
    "decision": (decision.show, Role.READER),
    "confirm": (decision.confirm, Role.OPERATOR),
    "check": (check.ask, Role.OPERATOR),
    "pause": (pause.show, Role.READER),
    "profiles": (profiles.show, Role.READER),
    "profiles/*": (profile.show, Role.READER),
    "people": (people.show, Role.READER),
    "people/*": (person.show, Role.READER),
    "activity": (activity.show, Role.READER),
    "health": (health.show, Role.READER),
    "as-of": (as_of.show, Role.AUDITOR),
    "words": (words.show, Role.READER),
}
"""Each page by its path, `*` for what is behind it, and the role that it needs."""

POSTED: Final = frozenset({"activity", "as-of", "people", "check", "decision", "confirm", "pause"})
"""The pages to which forms are sent: a search, and what an operator does."""

SECTIONS: Final = tuple(dict.fromkeys(path.partition("/")[0] for path in PAGES if path))
"""The first segments of the pages' paths: each is a function of the app, under `/` and under `/api`."""


async def answer(desk: Desk, asked: Asked, environment: Mapping[str, str]) -> Reply:
    """The answer to a request, whatever happens."""
    visitor = visitor_of(asked.headers, desk.settings, environment)
    if isinstance(visitor, Stranger):
        status = 503 if visitor is Stranger.NO_SIGN_IN else 401
        return _bare(asked, problem(status, visitor.value))
    if asked.segments in _FILES:
        return _FILES[asked.segments](asked)
    if visitor.role is None:
        return _bare(asked, problem(403, "no-role", name=visitor.actor.name))
    return await _answer(desk, asked, visitor)


async def _answer(desk: Desk, asked: Asked, visitor: Visitor) -> Reply:
    try:
        frame = await read_frame(desk)
        if frame is None:
            return _bare(asked, await first_start(desk, api=asked.api), visitor)
        return _formed(desk, asked, await _page(desk, visitor, frame, asked), visitor, frame)
    except Transient as failure:
        _log.warning("the page could not be made: %s", failure)
        return _bare(asked, problem(503, "try-again", said=str(failure)), visitor)
    except InvoiceAccessError as failure:
        _log.warning("the page could not be made: %s", failure)
        return _bare(asked, problem(409, "refused", said=str(failure)), visitor)


async def _page(desk: Desk, visitor: Visitor, frame: Frame, asked: Asked) -> Page:
    first, *rest = asked.segments or ("",)
    found = PAGES.get(f"{first}/*" if rest else first)
    if found is None:
        return problem(404, "no-page")
    handler, role = found
    if asked.method == "POST" and (asked.api or first not in POSTED):
        return problem(405, "method")
    if asked.method == "POST" and asked.form is None:
        return problem(413 if len(asked.body) > FORM_BYTES else 400, "form-forged")
    if not visitor.may(role):
        return problem(403, "role-missing", role=role.value)
    return await handler(desk, visitor, frame, asked)


def _formed(desk: Desk, asked: Asked, page: Page, visitor: Visitor, frame: Frame) -> Reply:
    """A page in the form that was asked for."""
    if page.export is not None:
        name, media_type, text = page.export
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Reply(200, text.encode(), media_type, {**HEADERS, **headers})
    document = document_of(page.answer, page.body, frame.view.as_of, complete=frame.view.complete)
    if asked.api:
        return _json(page.status, document)
    if page.moves_to:
        return Reply(303, b"", "text/plain; charset=utf-8", {**HEADERS, "Location": page.moves_to})
    context = {**frame.context(desk, SECTIONS), "visitor": visitor, "asked": asked, "it": document, **page.extra}
    return _html(asked, page, context)


def _bare(asked: Asked, page: Page, visitor: Visitor | None = None) -> Reply:
    """An answer for which nothing was read of the estate."""
    if asked.api:
        return _json(page.status, dict(page.body))
    context = {"visitor": visitor, "asked": asked, "it": page.body, **page.extra}
    return _html(asked, replace(page, template="bare.html"), context)


def _html(asked: Asked, page: Page, context: Mapping[str, Any]) -> Reply:
    text = html(page.template, chosen(asked), context)
    return Reply(page.status, text.encode("utf-8", "replace"), "text/html; charset=utf-8", HEADERS)


def _json(status: int, document: Mapping[str, Any]) -> Reply:
    return Reply(status, as_json(document, pretty=False).encode(), "application/json", HEADERS)


def _style(_asked: Asked) -> Reply:
    """The one CSS file, which every page asks for under its version."""
    headers = {**HEADERS, "Cache-Control": f"private, max-age={_YEAR}, immutable"}
    return Reply(200, _STYLE.read_bytes(), "text/css; charset=utf-8", headers)


def _language(asked: Asked) -> Reply:
    """Remembers the language that the reader chose, and goes back to where they were."""
    wanted = asked.query.get("to", "")
    headers = {**HEADERS, "Location": local(asked.query.get("back", "/"))}
    if wanted in LANGUAGES:
        headers["Set-Cookie"] = f"{COOKIE}={wanted}; Path=/; Max-Age={_YEAR}; HttpOnly; SameSite=Lax"
    return Reply(303, b"", "text/plain; charset=utf-8", headers)


_FILES: Final[Mapping[tuple[str, ...], Callable[[Asked], Reply]]] = {("style.css",): _style, ("language",): _language}
"""What is no page: whoever signed in may have it."""
