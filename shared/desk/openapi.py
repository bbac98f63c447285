"""What the page's JSON promises to programs: a path of the OpenAPI document for each page that only shows something.

Lives here: the description. That the answers are so is a test's to see. What an operator does is not told to programs
yet: forms are for browsers, and the command line does the same.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

TAG: Final = "page"

_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "integer", "minimum": 1}

_SHOWN: Final[Sequence[tuple[str, str, str, Mapping[str, Any], Sequence[str]]]] = (
    ("/overview", "Whether each invoice will be mailed, and what needs a person", "status", {}, ("verdict", "needs")),
    ("/todo", "Everything that needs a person", "todo", {}, ("needs", "dismissed", "released")),
    (
        "/decision",
        "A change that waits",
        "decision",
        {"of": _TEXT},
        ("people", "recipients"),
    ),
    ("/pause", "What is paused, and why", "pauses", {}, ("paused",)),
    ("/profiles", "Every billing profile", "profiles", {"show": _TEXT, "page": _NUMBER}, ("profiles", "found", "all")),
    (
        "/profiles/{account}/{profile}",
        "Who receives an invoice",
        "who",
        {},
        ("profile", "receives"),
    ),
    ("/people", "Everybody with access", "people", {"show": _TEXT, "page": _NUMBER}, ("people", "found", "all")),
    ("/people/{person}", "What somebody has, why, and what would change it", "person", {}, ("person", "why")),
    (
        "/activity",
        "What was changed, held and decided",
        "activity",
        {"from": _TEXT, "before": _TEXT},
        ("entries", "older"),
    ),
    ("/health", "Whether everything runs", "health", {}, ("checks", "limits", "leavers")),
    ("/as-of", "Who had access on a day", "access", {"on": _TEXT, "profile": _TEXT, "person": _TEXT}, ("asked",)),
)
"""Each path, what it answers, its schema's name, its query and what it has at least."""

_WHY: Final = {
    "400": "What was asked for is no date, or is yet to come",
    "403": "The app role is missing",
    "404": "There is no such person, profile or decision: which was looked for, and the nearest",
    "503": "The store cannot be read now, or no full check has been yet",
}


def paths() -> dict[str, Any]:
    """The paths, as the OpenAPI document has them."""
    return {path: {"get": _operation(path, summary, answer, query)} for path, summary, answer, query, _ in _SHOWN}


def schemas() -> dict[str, Any]:
    """The schemas that the paths refer to."""
    found = {_name(answer): _document(answer, has) for _, _, answer, _, has in _SHOWN}
    told = {"code": _TEXT}
    return found | {"Problem": {"type": "object", "properties": told, "required": ["code"]}}


def _document(answer: str, has: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "schema": {"const": f"invoice-access/{answer}/1"},
            "as_of": {"type": "string", "format": "date-time", "description": "When the latest full check ended"},
            "complete": {"type": "boolean", "description": "Whether it could read everything"},
        },
        "required": ["schema", "as_of", "complete", *has],
    }


def _operation(path: str, summary: str, answer: str, query: Mapping[str, Any]) -> dict[str, Any]:
    named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return {
        "operationId": f"page_{answer}",
        "tags": [TAG],
        "summary": summary,
        "security": [{"entra": []}],
        "parameters": [
            *({"name": one, "in": "path", "required": True, "schema": _TEXT} for one in named),
            *({"name": one, "in": "query", "required": False, "schema": kind} for one, kind in query.items()),
        ],
        "responses": {
            "200": _json(summary, _name(answer)),
            "401": {"description": "Nobody of the tenant signed in: the platform's own answer, or ours"},
            **{status: _json(why, "Problem") for status, why in _WHY.items()},
        },
    }


def _json(description: str, schema: str) -> dict[str, Any]:
    return {
        "description": description,
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}},
    }


def _name(answer: str) -> str:
    return f"Page{answer.title().replace('-', '')}"
