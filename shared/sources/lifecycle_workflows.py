"""Microsoft Entra Lifecycle Workflows: the callout of a custom task extension, as a Logic App forwards it.

Lifecycle Workflows call Logic Apps only; the Logic App posts `triggerBody()` here unchanged, with a function key.
A callout says which workflow ran for whom, and not what it decided: joiner, mover and leaver look the same.

Source: Entra, "Trigger Logic Apps based on custom task extensions" (the request body JSON schema).
"""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from shared.errors import Rejected
from shared.sources.event_model import ADDRESS, GUID
from shared.sources.events import Ignored
from shared.sources.posted import Posted, WrongMediaType
from shared.sources.signatures import FunctionKey
from shared.sources.source import JSON, Body, Found, Recorded, Source, read_json, told

_REMEDY: Final = "Let the Logic App post triggerBody() unchanged, as application/json"

_ODD: Final = [{"type": "string", "maxLength": 320}, {"type": "number"}]
_Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=320), WithJsonSchema({"anyOf": _ODD})]


def _is(name: str, pattern: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"type": "string", "pattern": rf"^\s*{pattern}\s*$"}}}


def _is_none(*names: str) -> dict[str, Any]:
    blank = {"anyOf": [{"type": "null"}, {"type": "string", "pattern": r"^\s*$"}]}
    return {"properties": dict.fromkeys(names, blank)}


_NAMES_SOMEBODY: Final[dict[str, Any]] = {
    "anyOf": [
        _is("id", GUID),
        {"allOf": [_is_none("id"), _is("userPrincipalName", ADDRESS)]},
        {"allOf": [_is_none("id", "userPrincipalName"), _is("email", ADDRESS)]},
    ]
}


class Subject(Body):
    """Whom the workflow ran for: the first name that there is counts."""

    model_config = ConfigDict(json_schema_extra=_NAMES_SOMEBODY)

    id: _Text | None = None
    user_principal_name: _Text | None = Field(None, alias="userPrincipalName")
    email: _Text | None = None


class Named(Body):
    """Something with an id: the workflow, or the result that waits."""

    id: Recorded = None


_Named = Annotated[
    Named,
    BeforeValidator(lambda value: value if isinstance(value, dict) else {}),
    WithJsonSchema({"description": "Its `id` is recorded"}),
]


class Callout(Body):
    """What a callout carries."""

    subject: Subject
    workflow: _Named = Field(default_factory=Named)
    result: _Named = Field(default_factory=Named, alias="taskProcessingResult")


class CalloutBody(Body):
    """A callout."""

    data: Callout
    source: Recorded = None
    type: Recorded = None


def read(posted: Posted) -> Sequence[Found | Ignored]:
    """One event about the workflow's subject, by the best of its names."""
    if posted.media_type != JSON:
        raise WrongMediaType(JSON)
    body = read_json(CalloutBody, posted, _REMEDY)
    about = body.data.subject
    if about.id:
        subject = (f"id:{about.id}", "data.subject.id")
    elif about.user_principal_name:
        subject = (f"upn:{about.user_principal_name}", "data.subject.userPrincipalName")
    elif about.email:
        subject = (f"mail:{about.email}", "data.subject.email")
    else:
        raise Rejected("data.subject", "it names nobody (id, userPrincipalName or email)", _REMEDY)
    return [
        told(
            subject=subject,
            source=f"/lifecycle-workflows/{body.data.workflow.id or 'unknown'}",
            event_id=body.data.result.id or hashlib.sha256(posted.body).hexdigest()[:32],
            event_type=body.type or "lifecycle-workflows.callout",
        )
    ]


LIFECYCLE_WORKFLOWS = Source(
    name="lifecycle-workflows",
    summary="Microsoft Entra Lifecycle Workflows, as a Logic App forwards them, behind a function key",
    proof=FunctionKey(),
    bodies={JSON: CalloutBody},
    read=read,
    example={
        "data": {
            "subject": {
                "id": "7c0f5a0e-0000-4000-8000-00000000a11a",
                "userPrincipalName": "anna@contoso.com",
                "email": "anna@contoso.com",
            },
            "workflow": {"id": "7c0f5a0e-0000-4000-8000-000000003f10", "workflowVersion": 1},
            "taskProcessingResult": {"id": "7c0f5a0e-0000-4000-8000-0000000072e5"},
        },
        "source": "Lifecycle workflows",
        "type": "lifecycleEvent",
    },
)
