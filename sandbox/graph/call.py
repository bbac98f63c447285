"""One call on its way through the stand-in: who asks what of which directory.

Lives here: the values that every operation needs together, and the body of the request. No operation lives
here.
"""

import json
from dataclasses import dataclass
from typing import Any

from sandbox.graph.errors import malformed
from sandbox.graph.model import GraphModel
from sandbox.graph.objects import View
from sandbox.graph.permissions import Permissions
from sandbox.graph.query import Options
from sandbox.wire import Caller, Request


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose caller and query options are known. `view` is the directory as this read sees it."""

    request: Request
    caller: Caller
    model: GraphModel
    permissions: Permissions
    options: Options
    view: View

    @property
    def root(self) -> str:
        """The version root that links in answers begin with."""
        return f"{self.request.base}/v1.0"

    def body(self) -> dict[str, Any]:
        """The request's JSON object.

        Raises:
            GraphError: 400 where there is none.
        """
        refusal = malformed(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of "
            "valid JSON format."
        )
        if not self.request.headers.get("content-type", "").lower().startswith("application/json"):
            raise refusal
        try:
            found = json.loads(self.request.body)
        except (ValueError, RecursionError) as error:  # the latter: nested a thousand deep
            raise refusal from error
        if not isinstance(found, dict):
            raise refusal
        return found
