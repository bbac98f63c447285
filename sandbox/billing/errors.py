"""The service's two families of errors.

What lives here: the exception that carries a refusal to the door, and the shapes of its bodies: ARM's
(`{"error": {"code", "message"}}`) and ASP.NET's ProblemDetails (`{"errors": {field: [message]}}`).
"""

import random
from collections.abc import Mapping

from sandbox.wire import Response, as_json


class Refused(Exception):  # noqa: N818 - it says what happened to a request; nothing went wrong in the stand-in
    """A request that is answered with an error, which it carries as `response`."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status, response.body.decode())
        self.response = response


def arm_error(status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> Refused:
    """A refusal in ARM's shape."""
    return Refused(as_json(status, {"error": {"code": code, "message": message}}, headers))


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
    return Refused(as_json(status, body, {"content-type": "application/problem+json; charset=utf-8"}))
