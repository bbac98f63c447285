"""The pages and documents that describe the public surface tell the truth."""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped] # it says nothing of its types
import pytest
from pydantic import Field

from cli.describe import documents
from shared.errors import Rejected
from shared.services.front import Answer, Front, take_events
from shared.settings import SECRET_NAMES, FrontSettings, Secrets, SourceSettings
from shared.sources import registry as table
from shared.sources.posted import Posted
from shared.sources.read import read_message
from shared.sources.source import Source
from tests.app.unit.front_desk import ENVIRONMENT, Desk

DOCS = Path(__file__).parents[4] / "docs" / "reference"
PAGE = (DOCS / "sources.md").read_text(encoding="utf-8")
SCHEMA = json.loads((DOCS / "event.schema.json").read_text(encoding="utf-8"))
EXAMPLES = re.findall(r"^```json (.+?)\n(.*?)^```$", (DOCS / "events.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
GUID = "7c0f5a0e-0000-4000-8000-00000000a11a"
EVENT = {"specversion": "1.0", "id": "1", "source": "/hr", "type": "hired", "subject": f"id:{GUID}"}


@pytest.mark.parametrize("path", sorted(documents()), ids=lambda path: path.name)
def test_the_document_is_the_one_that_the_code_describes(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == documents()[path], "run: make describe"


def test_every_source_is_in_the_table_with_its_setting() -> None:
    for source in table.SOURCES:
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `POST /events/{source.name}`"))
        assert ("function key" in row) == (source.keys is None)
    of_sources = SECRET_NAMES & {str(field.alias) for field in SourceSettings.model_fields.values()}
    assert of_sources
    for name in of_sources:
        assert f"`{name}`" in PAGE


async def test_the_pages_own_source_reads_gusto_in_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    code = re.search(r"^```python gusto\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert code is not None
    assert len([line for line in code[1].splitlines() if line]) <= 35
    module: dict[str, Any] = {"__name__": "gusto"}
    exec(code[1], module)  # noqa: S102 - the page's own example
    gusto: Source = module["GUSTO"]
    monkeypatch.setattr(table, "SOURCES", (*table.SOURCES, gusto))
    desk = Desk({**ENVIRONMENT, "INVOICE_ACCESS_FUNCTION_KEY_SOURCES": "gusto"})
    front: Front = desk.front
    body = {"uuid": "03ff", "event_type": "employee.terminated", "entity_uuid": "bcfc9744", "timestamp": 1671058841}
    headers = {"content-type": "application/json"}
    assert (await take_events(front, "gusto", Posted(json.dumps(body).encode(), headers))).status == 202
    assert desk.named() == [("identity:employee-id:bcfc9744", None)]
    assert (await take_events(front, "gusto", Posted(b"{", headers))).status == 400
    assert (await take_events(front, "gusto", Posted(b"{}", headers))).status == 202
    assert desk.rejected() == [("entity_uuid", {})]
    assert (await take_events(front, "gusto", Posted(json.dumps(gusto.example).encode(), headers))).status == 202


async def test_the_pages_hibob_holds_its_signature_answers_its_ping_and_names_its_people(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code = re.search(r"^```python hibob\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    setting = re.search(r"^```python hibob-setting\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert code is not None
    assert setting is not None
    module: dict[str, Any] = {"__name__": "hibob", "Secrets": Secrets, "Field": Field, "FrontSettings": FrontSettings}
    exec(code[1], module)  # noqa: S102 - the page's own example
    exec(f"class Settings(FrontSettings):\n{setting[1]}", module)  # noqa: S102 - and its setting
    monkeypatch.setattr(table, "SOURCES", (*table.SOURCES, module["HIBOB"]))
    desk = Desk()
    keys = ("0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210")
    settings = module["Settings"].model_validate({**ENVIRONMENT, "INVOICE_ACCESS_HIBOB_KEYS": " ".join(keys)})
    front = Front(settings, desk.clock, desk.queue)

    async def post(body: bytes, media_type: str = "application/json", **headers: str) -> Answer:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return await take_events(front, "hibob", Posted(body, {"content-type": media_type, **sent}))

    body = (
        b'{"version":"v2","type":"employee.left","triggeredAt":"2026-02-28T23:00:00",'
        b'"data":{"employeeId":"3332883884017713938"}}'
    )
    for key in keys:
        signature = base64.b64encode(hmac.new(key.encode(), body, hashlib.sha512).digest()).decode()
        assert (await post(body, bob_signature=signature)).status == 202
    assert desk.named() == [("identity:employee-id:3332883884017713938", None)] * 2
    assert desk.events()[0]["id"] == "2026-02-28T23:00:00/3332883884017713938"
    assert (await post(body + b" ", bob_signature=signature)).status == 401
    assert (await post(body)).status == 401
    # HiBob asks in either way, before it shows the key, and takes no other answer than 200.
    for ping, media_type in (
        (b"Ping test", "text/plain"),
        (b'"Ping test"', "application/json"),
        (b'{"text":"Ping test"}', "application/json"),
        (b'{"text": "Ping test"}', "application/json"),
    ):
        assert (await post(ping, media_type)).status == 200
    assert (await post(b'{"text":"Ping"}')).status == 401
    assert len(desk.queue.messages) == 2
    assert (await take_events(front, "event-grid", Posted(b"Ping test", {}))).status == 415


def test_the_schema_is_a_schema_and_agrees_with_the_examples_of_the_page() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    fits = jsonschema.Draft202012Validator(SCHEMA).is_valid
    judged = 0
    for says, text in EXAMPLES:
        event = json.loads(text)
        if isinstance(event, dict) and "value" not in event:
            judged += 1
            assert fits(event) is not ("rejected" in says or says == "ignored"), says
    assert judged >= 5


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"subject": f"Users/{GUID.upper()}"},
        {"subject": "upn:kim_fabrikam.com#EXT#@contoso.com"},
        {"subject": "employee-id:" + "7" * 64},
        {"subject": "employee-id:NL 00 47 1234567"},
        {"subject": f"mail:{'a' * 128}@{'b' * 255}"},
        {"data": {"effective": "2026-04-01T09:00:00.1234567+02:00"}},
        {"data": {"effective": None, "more": {}}, "time": None},
        {"time": "2026-03-02T09:15:00.1234567+01:00", "traceparent": "00-1", "data": None},
    ],
)
def test_what_fits_the_schema_is_read(change: dict[str, Any]) -> None:
    event = {**EVENT, **change}
    jsonschema.Draft202012Validator(SCHEMA).validate(event)
    assert [read for read in read_message(json.dumps(event).encode(), now=NOW) if isinstance(read, Rejected)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"id": ""},
        {"id": 7},
        {"source": "a\nb"},
        {"type": "x" * 1025},
        {"subject": "Anna"},
        {"subject": "id:Anna"},
        {"subject": "mail:@contoso.com"},
        {"subject": "upn:anna"},
        {"subject": "upn:anna jansen was fired@contoso.com"},
        {"subject": "mail:anna@contoso.com was fired"},
        {"subject": "mail:anna@home@contoso.com"},
        {"subject": f"mail:{'a' * 129}@contoso.com"},
        {"subject": f"mail:a@{'b' * 256}"},
        {"subject": "employee-id:Anna Jansen was fired"},
        {"subject": "employee-id:NL 00 47 12345678"},
        {"subject": "employee-id:" + "7" * 65},
        {"data": []},
        {"data": {"effective": "2026-04-01T09:00:00"}},
        {"data": {"effective": "01/04/2026"}},
        {"data": {"effective": 7}},
        {"time": "2026-03-02"},
    ],
)
def test_what_is_rejected_does_not_fit_the_schema(change: dict[str, Any]) -> None:
    event = {**EVENT, **change}
    assert any(isinstance(read, Rejected) for read in read_message(json.dumps(event).encode(), now=NOW))
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(event)
