"""Refusals: the service's own, and those of Azure Resource Manager before it.

What lives here: the exception that carries a refusal to the door, and the shapes of its bodies: the service's, bare
(`{"code", "message"}`) or wrapped (`{"error": {"code", "message"}}`) as the switch says; ASP.NET's ProblemDetails
(`{"errors": {field: [message]}}`); and Azure Resource Manager's, always wrapped.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sandbox.wire import Response, as_json

type Shape = Literal["bare", "wrapped"]


@dataclass(eq=False)
class Refused(Exception):  # noqa: N818 - it says what happened to a request; nothing went wrong in the stand-in
    """A request that is answered with an error: its parts, and who refuses it.

    `by_gateway` is Azure Resource Manager, which did not ask the service. `problem` is a whole body of ProblemDetails.
    """

    status: int
    code: str = ""
    message: str = ""
    headers: Mapping[str, str] | None = None
    by_gateway: bool = False
    problem: Mapping[str, Any] | None = None

    def response(self, shape: Shape) -> Response:
        """The answer, its body shaped as the service shapes its errors."""
        if self.problem is not None:
            return as_json(self.status, self.problem, {"content-type": "application/problem+json; charset=utf-8"})
        if self.by_gateway:
            headers = {"x-ms-failure-cause": "gateway", **(self.headers or {})}
            return as_json(self.status, error_body(self.code, self.message, "wrapped"), headers)
        return as_json(self.status, error_body(self.code, self.message, shape), self.headers)


def error_body(code: str, message: str, shape: Shape) -> dict[str, Any]:
    """The body of an error that has a code."""
    bare = {"code": code, "message": message}
    return bare if shape == "bare" else {"error": bare}


def gateway_error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Refused:
    """A refusal by Azure Resource Manager itself."""
    return Refused(status, code, message, headers, by_gateway=True)


def service_error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Refused:
    """A refusal by the service."""
    return Refused(status, code, message, headers)


def not_found() -> Refused:
    """What the service says of everything that is not there, as recorded: it does not say what is missing."""
    return service_error(404, "NotFound", "The resource or one of its dependencies could not be found.")


def invalid(rng: random.Random, **fields: str) -> Refused:
    """A 400 in ProblemDetails' shape; keys are field paths with `__` for the dot."""
    return invalid_fields(rng, {name.replace("__", "."): [message] for name, message in fields.items()})


def invalid_fields(rng: random.Random, fields: Mapping[str, list[str]], *, status: int = 400) -> Refused:
    """A refusal in ProblemDetails' shape, naming each field and what is wrong with it."""
    trace = f"00-{rng.randbytes(16).hex()}-{rng.randbytes(8).hex()}-00"
    body = {
        "errors": dict(fields),
        "type": "https://tools.ietf.org/html/rfc9110#section-15.5.1",
        "title": "One or more validation errors occurred.",
        "status": status,
        "traceId": trace,
    }
    return Refused(status, problem=body)
