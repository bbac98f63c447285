"""Every command of the command line that the documentation shows is given, page by page, at a desk at Contoso.

Which commands there are, and that each is run or marked, is in tests/documented_commands.py and tests/docs. What an
answer says has tests of its own; here it has to be an answer.
"""

import asyncio
import json
import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from cli.faults import Status
from sandbox.contoso.names import GRACE_TAYLOR
from sandbox.settings import STANDARD_POLICY
from tests.app.e2e.contoso.conftest import Desk
from tests.documented_commands import ROOT, SETS_UP, Block, blocks

PAYROLL: Final = re.compile(r"^( *- name: payroll\n(?: +[a-z]+: [^\n]*\n)+)", re.MULTILINE)
TODAY: Final = datetime.now(UTC).date()
DAYS: Final = {"why": TODAY + timedelta(days=1), "who": TODAY - timedelta(days=1), "export": TODAY - timedelta(days=1)}
"""The day that stands for the day of an example: Contoso lives now. What if is about days to come."""
NAMES: Final = {"PROFILE": "Contoso UK", "PERSON": "E00175"}
RUN: Final = [block for block in blocks() if not block.marked]
PAGES: Final = sorted({block.page for block in RUN if any(one.startswith("invoice-access ") for one in block.commands)})


ANSWERS: Final = (
    "status", "plan", "plan --policy new.yaml", "who PROFILE", "who PROFILE --on 2026-03-02", "why PERSON PROFILE",
    "why PERSON --set jobTitle=Controller", "doctor", "pauses", "profiles", "profiles show PROFILE", "people",
    "people show PERSON", "people find wright", "holds", "holds show sweep:mover_revokes", "holds log",
    "policy check new.yaml", "policy test new.yaml", "policy explain own-company", "events rejected", "events dead",
    "ledger verify", "ledger show digest", "export access --on 2026-03-02", "completion bash", "version",
)  # fmt: skip
"""Every question, in the forms whose answers differ."""


@pytest.fixture
def ready(own_desk: Desk) -> Desk:
    """A desk with the files that examples name."""
    policy = STANDARD_POLICY.read_text(encoding="utf-8")
    pages = [
        (ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("tutorial/sandbox.md", "how-to/add-a-rule.md")
    ]
    (rule,) = {textwrap.indent(textwrap.dedent(found), "  ") for page in pages for found in PAYROLL.findall(page)}
    for name in ("policy.yaml", "before.yaml"):
        own_desk.file(name, policy)
    own_desk.file("new.yaml", policy.replace("rules:\n", f"rules:\n{rule}\n", 1))
    own_desk.file("people.csv", f"id,effective\n{GRACE_TAYLOR},\n")
    return own_desk


def is_rejected(desk: Desk) -> str:
    """Has one event among the rejected that can be used now; its id."""

    async def send() -> None:
        event = {"specversion": "1.0", "id": "1", "source": "/a/page", "type": "hired", "subject": f"id:{GRACE_TAYLOR}"}
        async with (
            ServiceBusClient.from_connection_string(desk.contoso.sandbox.service_bus) as client,
            client.get_queue_sender("rejected-events") as sender,
        ):
            await sender.send_messages(
                ServiceBusMessage(json.dumps(event), application_properties={"field": "subject"})
            )

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, send()).result()
    (found,) = (item["id"] for item in desk.asks("events", "rejected")["items"] if item["source"] == "/a/page")
    return str(found)


def words_of(command: str, desk: Desk) -> list[str]:
    """The arguments of a command, with what this Contoso has in the place of what an example has."""
    words = [NAMES.get(word, word) for word in shlex.split(command, comments=True)[1:]]
    if ">" in words:
        words = words[: words.index(">")]
    for at, word in enumerate(words):
        if word == "--on" and re.fullmatch(r"\d{4}-\d\d-\d\d", words[at + 1]):
            words[at + 1] = f"{DAYS[words[0]]}"
        if word == "--digest":
            records = desk.asks("ledger", "show", "digest")["records"]
            words[at + 1] = f"{records[-1]['sequence']}:{records[-1]['digest']}"
    return words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_are_answered(page: Path, ready: Desk) -> None:
    given = [one for block in RUN if block.page == page for one in block.commands if one.startswith("invoice-access ")]
    rejected = is_rejected(ready) if any(" events rejected show" in one for one in given) else ""
    for command in given:
        words = words_of(command, ready)
        if words[:2] == ["events", "rejected"] and words[2:]:
            words[-1] = rejected
        said = ready.says(*words, typed="y\n" * 3)
        assert said.status == Status.DONE, f"{command}\n{said.err}"
        assert said.out or said.err, command


def documented(schema: str) -> set[str]:
    """The fields of an answer that the table of the command line names."""
    page = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    rows = {row[0]: row[1] for row in re.findall(r"^\| (`[a-z]+[^|]*/1`) \| ([^\n]*) \|$", page, re.MULTILINE)}
    (names,) = (names for names in rows if f"`{schema}`" in names)
    told = rows[names] + (rows["`people/1`, `people-find/1`"] if "one of these" in rows[names] else "")
    return {field.removesuffix("[]") for field in re.findall(r"`([^`]+)`", told)}


@pytest.mark.parametrize("question", ANSWERS)
def test_an_answer_in_json_has_the_fields_that_are_documented(question: str, ready: Desk) -> None:
    said = ready.says(*words_of(f"invoice-access {question}", ready), "--json")
    assert said.status == Status.DONE, said.err
    answer = said.document
    assert {*answer} - {"schema", "as_of", "complete"} <= documented(answer["schema"].removeprefix("invoice-access/"))
    assert {"schema", "as_of", "complete"} <= {*answer}


def shells() -> Iterator[Block]:
    """The blocks whose lines a shell runs, but for those that another test runs."""
    for block in RUN:
        if any(SETS_UP.fullmatch(one) for one in block.commands) and not any("$KEY" in one for one in block.commands):
            yield block


@pytest.mark.parametrize("block", [*shells()], ids=lambda block: block.name)
def test_the_lines_that_ready_a_shell_do_so(block: Block, ready: Desk) -> None:
    environment = ready.contoso.sandbox.environment
    assert environment is not None
    lines = [re.sub(r"\S+/app\.env", str(environment), one) for one in block.commands if SETS_UP.fullmatch(one)]
    lines = [one.replace(".venv/", f"{ROOT}/.venv/") for one in lines]
    asked = "command -v invoice-access >/dev/null" if any("/app.env" in one for one in block.commands) else ""
    script = "\n".join([*lines, asked])
    done = subprocess.run(  # noqa: S603 - what the page says
        ["/bin/sh", "-euc", script], cwd=ready.folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
