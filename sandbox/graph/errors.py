"""How Graph says no: the error codes and messages that clients meet, as one exception.

Lives here: `GraphError` and a constructor for each refusal that is made in more than one place. Which
request is refused is decided where it is handled.
"""

from collections.abc import Mapping
from typing import Any


class GraphError(Exception):
    """A request that Graph refuses: HTTP status, code, message, and members beside them (`details`)."""

    def __init__(self, status: int, code: str, message: str, extra: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.extra = dict(extra or {})


def not_found(key: str) -> GraphError:
    """404 for a directory object that does not exist, or not where it was looked for."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{key}' does not exist or one of its queried reference-property objects are not present.",
    )


def denied() -> GraphError:
    """403 for a caller without the application permission."""
    return GraphError(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")


def bad_request(message: str, **extra: Any) -> GraphError:
    """400 of the directory itself."""
    return GraphError(400, "Request_BadRequest", message, extra)


def malformed(message: str) -> GraphError:
    """400 of the layer in front of the directory: the request cannot be read."""
    return GraphError(400, "BadRequest", message)


def unsupported_query(message: str) -> GraphError:
    """400 for a query that is well-formed, and that this collection or these headers do not allow."""
    return GraphError(400, "Request_UnsupportedQuery", message)


def unsupported_filter(property_name: str, resource: str) -> GraphError:
    """400 for an operator that the property does not have, or has for advanced queries only."""
    return unsupported_query(
        f"Unsupported or invalid query filter clause specified for property '{property_name}' of resource '{resource}'."
    )


def not_built(what: str) -> GraphError:
    """501 for what the real Graph can do and this stand-in cannot; it says so rather than guess."""
    return GraphError(501, "NotImplemented", f"This stand-in for Microsoft Graph has no {what}.")


def invalid_value(property_name: str, resource: str) -> GraphError:
    """400 for a value that the property cannot hold."""
    message = f"Invalid value specified for property '{property_name}' of resource '{resource}'."
    return bad_request(message, details=[{"code": "InvalidValue", "message": message, "target": property_name}])
