"""Writes what the public surface promises: the JSON Schema of our event, and the OpenAPI document of the HTTP part.

`make describe` (`python -m cli.describe`) writes event.schema.json, openapi.json, reasons.md, verbs.md and
metrics.md to docs/reference/ from the models, the table of sources, the codes of reasons, the verbs and what telemetry
tells; and it keeps the catalogues of the page by its templates. It is no operator's verb.
What may live here: putting models into documents. What is in them is the models' own.
"""

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from cli.describe_catalogues import catalogues
from cli.describe_telemetry import metrics_page
from cli.describe_verbs import verbs_page
from shared.desk import openapi as page
from shared.domain.reasons import Code
from shared.services.front import Accepted, Refusal
from shared.sources.event_grid import EVENT_GRID
from shared.sources.event_model import Event, UserEvent
from shared.sources.graph_model import Collection
from shared.sources.registry import SOURCES
from shared.sources.signatures import FunctionKey, Signature
from shared.sources.source import Source
from shared.wording.english import ENGLISH

DOCS: Final = Path(__file__).parents[1] / "docs" / "reference"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE: Final = "#/components/schemas/{model}"
_WHY: Final = {
    "400": "Nothing can be read: which field, why, and how to fix it. Nothing was taken in",
    "401": "The proof is missing, wrong or too old",
    "404": "There is no such source here, or its keys are not set",
    "411": "The body came without its length, in chunks perhaps: send Content-Length",
    "413": "The body is too large, or has more events than are read at once",
    "415": "A media type that this source does not read, or a compressed body",
    "503": "The queue cannot be reached now; come again after Retry-After seconds",
}


_SHOWN_AS: Final = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
"""A fact in a template, and how it is shown."""

_REASONS: Final = """# Reasons

`make describe` writes this page, and a test keeps it so.

Why something was done, held, found or left alone is a **code** with its facts: in the [ledger](ledger.md), in the
state, in a sweep's report, and in every `--json` of the command line, which has the English `text` beside it. A program
asks for the code. Text is made when somebody reads it: a sentence may be put better in any release, and a code keeps
its meaning.

A fact is a text, a number, several texts, or other reasons. A moment is UTC. `said` is what somebody else said: a
person, an error or another system. `because` is the reason that this one rests on.

| code | facts | in English |
|---|---|---|"""


def event_schema() -> dict[str, Any]:
    """The JSON Schema of an event: ours, or one that names its user as Microsoft Graph does."""
    return {"$schema": _DIALECT, **TypeAdapter(Event | UserEvent).json_schema()}


def openapi() -> dict[str, Any]:
    """The OpenAPI 3.1 document of the HTTP surface."""
    models: set[type[BaseModel]] = {Accepted, Refusal, Collection}
    for source in SOURCES:
        models |= {model for body in source.bodies.values() for model in _models(body)}
    ordered = sorted(models, key=lambda model: model.__name__)
    references, schemas = models_json_schema(
        [(model, "validation") for model in ordered], ref_template=_REFERENCE, by_alias=True
    )
    named = {model: references[(model, "validation")] for model in ordered}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "invoice-access",
            "version": "1",
            "description": "Everything that can be told to invoice-access over HTTP, and what its page says. An event "
            "says whom to check, and perhaps when again; never what that person should have.",
        },
        "jsonSchemaDialect": _DIALECT,
        "servers": [{"url": "/api"}],
        "paths": {f"/events/{source.name}": _source(source, named) for source in SOURCES}
        | {
            "/graph/notifications": _graph("Microsoft Graph's change notifications", "notifications"),
            "/graph/lifecycle": _graph("Microsoft Graph's notices about our subscriptions", "lifecycle"),
        }
        | page.paths(),
        "components": {
            "schemas": schemas["$defs"] | page.schemas(),
            "securitySchemes": {
                "functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
                "urlSecret": {"type": "apiKey", "in": "query", "name": "secret"},
                "entra": {"type": "http", "scheme": "bearer", "description": "A token of Entra ID for the page"},
            },
        },
    }


def documents() -> dict[Path, str]:
    """Every generated document by its path, as text."""
    made = {DOCS / "event.schema.json": event_schema(), DOCS / "openapi.json": openapi()}
    texts = {path: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for path, document in made.items()}
    return texts | {
        DOCS / "reasons.md": reasons(),
        DOCS / "verbs.md": verbs_page(),
        DOCS / "metrics.md": metrics_page(),
    }


def reasons() -> str:
    """The page of every code: its facts, and its words in English with each fact in braces."""
    rows = []
    for code in sorted(Code):
        facts, words = ", ".join(f"`{fact}`" for fact in sorted(code.facts)), _SHOWN_AS.sub(_for_several, ENGLISH[code])
        rows.append(f"| `{code}` | {facts} | {words} |")
    return "\n".join([_REASONS, *rows, ""])


def _for_several(fact: re.Match[str]) -> str:
    """A fact in braces; the words for several where a template has words for one and for several in its place."""
    _, between, several = (fact[2] or "").partition("|")
    return several if between and "=" not in several else f"{{{fact[1]}}}"


def describe() -> int:
    """Writes the documents. 2, and nothing is written, where it is not called from the folder of this very project."""
    here = Path.cwd()
    if here.resolve() != DOCS.parents[1].resolve():
        sys.stderr.write(f"Nothing was written: this writes {DOCS}, and was called from {here}. Call it from there.\n")
        return 2
    for path, text in (documents() | catalogues()).items():
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path}\n")
    return 0


def _models(body: type[BaseModel] | Mapping[str, Any]) -> list[type[BaseModel]]:
    if isinstance(body, Mapping):
        return list(body.get("anyOf", ()))
    return [body]


def _schema(body: type[BaseModel] | Mapping[str, Any], named: Mapping[type[BaseModel], Any]) -> Any:
    if isinstance(body, Mapping):
        return {**body, "anyOf": [named[model] for model in body["anyOf"]]} if "anyOf" in body else body
    return named[body]


def _source(source: Source, named: Mapping[type[BaseModel], Any]) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = []
    security: list[dict[str, list[str]]] = []
    match source.proof:
        case Signature():
            how = f"HMAC-{source.proof.algorithm.upper()} in {source.proof.encoding}"
            parameters = [_header(source.proof.header, f"{source.proof.prefix}<{how}>; see docs/reference/sources.md")]
            if source.proof.stamp_header:
                parameters.append(
                    _header(source.proof.stamp_header, "The time of signing; see docs/reference/sources.md")
                )
        case FunctionKey():
            security = [{"functionKey": []}]
        case _:
            security = [{"urlSecret": []}]
    first = next(iter(source.bodies))
    good = {"202": _json("Taken in: on the queue, but for what goes to rejected-events", "Accepted")}
    if source.is_ping is not None:
        good["200"] = {"description": "A ping: somebody is there"}
    post: dict[str, Any] = {
        "operationId": f"events_{source.name.replace('-', '_')}",
        "summary": source.summary,
        "security": security,
        "parameters": parameters,
        "requestBody": {
            "required": True,
            "content": {
                media_type: {"schema": _schema(body, named)}
                | ({"examples": {"one": {"value": source.example}}} if media_type == first else {})
                for media_type, body in source.bodies.items()
            },
        },
        "responses": _responses(good, *_WHY),
    }
    path: dict[str, Any] = {"post": post}
    if source is EVENT_GRID:
        path["options"] = _handshake()
    return path


def _handshake() -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    allowed = {"WebHook-Allowed-Origin": text, "WebHook-Allowed-Rate": text}
    return {
        "operationId": "events_event_grid_handshake",
        "summary": "Event Grid asks whether it may deliver here (CloudEvents web hooks)",
        "security": [{"functionKey": []}],
        "parameters": [_header("WebHook-Request-Origin", "The DNS name that events will come from")],
        "responses": _responses({"200": {"description": "It may", "headers": allowed}}, "400", "401", "404"),
    }


def _graph(summary: str, name: str) -> dict[str, Any]:
    token = {
        "name": "validationToken",
        "in": "query",
        "required": False,
        "schema": {"type": "string"},
        "description": "Present while Graph validates the URL; the answer is the token itself",
    }
    schema = {"$ref": _REFERENCE.format(model=Collection.__name__)}
    echoed = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "post": {
            "operationId": f"graph_{name}",
            "summary": summary,
            "security": [],
            "parameters": [token],
            "requestBody": {"required": False, "content": {"application/json": {"schema": schema}}},
            "responses": _responses(
                {
                    "200": {"description": "The validation token, escaped", "content": echoed},
                    "202": {"description": "Whatever was in it: the answer tells nothing about clientState"},
                },
                "400",
                "404",
                "411",
                "413",
                "503",
            ),
        }
    }


def _header(name: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": description,
    }


def _responses(good: dict[str, Any], *bad: str) -> dict[str, Any]:
    made = dict(good)
    for status in bad:
        made[status] = _json(_WHY[status], "Refusal")
        if status in {"401", "404"}:
            made[status].pop("content")  # where the host refuses by itself, there is no body
        if status == "503":
            made[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return made


def _json(description: str, model: str) -> dict[str, Any]:
    schema = {"$ref": _REFERENCE.format(model=model)}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


if __name__ == "__main__":
    sys.exit(describe())
