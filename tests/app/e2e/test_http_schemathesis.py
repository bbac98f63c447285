"""The OpenAPI document, played against the running app: whatever it allows or forbids, no request ends in a 5xx.

Every answer has to be one that the document knows, in the shape that it says.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS as KNOWN
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from sandbox.settings import PAGE_AUDIENCE, Options
from sandbox.up import running
from tests.app.unit.front_desk import ENVIRONMENT, KEYS

DOCUMENT = json.loads((Path(__file__).parents[3] / "docs" / "reference" / "openapi.json").read_text(encoding="utf-8"))
PAGE = {
    operation["operationId"]
    for path in DOCUMENT["paths"].values()
    for operation in path.values()
    if "page" in operation.get("tags", ())
}
"""The page's, whose sign-in stands before the app."""
OPERATIONS = sorted(
    {operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()} - PAGE
)
EXAMPLES = 12
CHECKS = [
    *KNOWN.get_by_names(["not_a_server_error"]),
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


def prove(request: requests.PreparedRequest, function_key: str) -> None:
    """Gives a request the proof that its URL asks for, as its sender would."""
    body = request.body or b""
    body = body.encode() if isinstance(body, str) else body
    assert isinstance(body, bytes)
    stamp = str(int(time.time()))
    path = (request.url or "").partition("?")[0]
    if path.endswith("/hr"):
        digest = hmac.new(KEYS["hr"][1].encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
        request.headers.update({"X-Timestamp": stamp, "X-Signature": f"v1={digest}"})
    elif path.endswith("/bamboohr"):
        digest = hmac.new(KEYS["bamboohr"][1].encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
        request.headers.update({"X-BambooHR-Timestamp": stamp, "X-BambooHR-Signature": digest})
    elif path.endswith("/personio"):
        request.prepare_url(request.url or "", {"secret": KEYS["personio"][0]})
    else:
        request.headers["x-functions-key"] = function_key


def play(operation: Any, api: str, function_key: str, token: str = "") -> Counter[int]:
    """Plays good and bad cases of one operation, proved and not; the statuses that it answered with."""
    seen: Counter[int] = Counter()
    with requests.Session() as session:
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @seed(1)
            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def once(case: Any) -> None:
                request = requests.Request(**case.as_transport_kwargs(base_url=api)).prepare()
                prove(request, function_key)
                if token:
                    request.headers["authorization"] = f"Bearer {token}"
                response = session.send(request, timeout=30)
                seen[response.status_code] += 1
                case.validate_response(response, checks=CHECKS)

            once()
    return seen


@pytest.mark.filterwarnings("ignore::DeprecationWarning:schemathesis")
async def test_no_request_that_the_document_can_think_of_is_a_server_error(tmp_path: Path) -> None:
    own = {name: value for name, value in ENVIRONMENT.items() if name.startswith("INVOICE_ACCESS_")}
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    found = [operation.ok() for operation in schema.get_all_operations() if isinstance(operation, Ok)]
    every = {operation.definition.raw["operationId"]: operation for operation in found}
    operations = {name: operation for name, operation in every.items() if name not in PAGE}
    assert sorted(operations) == OPERATIONS
    seen: dict[str, Counter[int]] = {}
    options = Options(state=tmp_path, notifications=False, settings={**own, "INVOICE_ACCESS_PART": "front"})
    async with running(options) as sandbox:
        assert sandbox.host is not None
        for name, operation in operations.items():
            seen[name] = await asyncio.to_thread(
                play, operation, f"{sandbox.functions}/api", sandbox.host.keys.function
            )
    accepted = {name for name, statuses in seen.items() if statuses[200] + statuses[202]}
    assert accepted == set(OPERATIONS), seen


@pytest.mark.filterwarnings("ignore::DeprecationWarning:schemathesis")
async def test_no_question_to_the_page_that_the_document_can_think_of_is_a_server_error(tmp_path: Path) -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    found = [operation.ok() for operation in schema.get_all_operations() if isinstance(operation, Ok)]
    seen: dict[str, Counter[int]] = {}
    async with running(Options(state=tmp_path, page=True)) as sandbox:
        assert sandbox.host is not None
        await sandbox.host.run_now("sweep", "")
        auditor = next(
            one for one in sandbox.world.people_signing_in() if one.person and "Operator" in one.person.roles
        )
        token = sandbox.tokens.issue(auditor, PAGE_AUDIENCE)
        for operation in found:
            name = operation.definition.raw["operationId"]
            if name in PAGE:
                seen[name] = await asyncio.to_thread(play, operation, f"{sandbox.page}/api", "", token)
    assert seen.keys() == PAGE
    assert all(statuses[401] == 0 for statuses in seen.values()), seen
    assert {name for name, statuses in seen.items() if statuses[200]} >= {"page_status", "page_todo", "page_people"}
