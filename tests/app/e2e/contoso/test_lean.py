"""What a question costs: who is in the view is asked of nobody, and what an answer does not need is not imported."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from cli import cache
from cli.faults import Status
from tests.app.e2e.contoso.conftest import Desk

ROOT: Final = Path(__file__).parents[4]
HEAVY: Final = (
    # clients, and what shows colours
    *(
        "azure",
        "msal",
        "msgraph",
        "aiohttp",
        "httpx",
        "opentelemetry",
        "rich.console",
    ),  # clients, and what shows colours
    # what reads a policy
    *("odata_query", "sly", "ruamel", "dateutil"),
    *("shared.bootstrap", "shared.domain.policy.load", "shared.domain.policy.schema", "shared.services.sweep"),
)
QUESTIONS: Final = {
    "status": ("status",),
    "status --json": ("status", "--json"),
    "who": ("who", "Contoso UK"),
    "why": ("why", "E00175"),
    "why, on a profile": ("why", "E00175", "Contoso UK"),
}
MOST_MODULES: Final = {"status": 430, "status --json": 430, "who": 430, "why": 450, "why, on a profile": 450}
"""All modules that Python has imported by then, its own and typer's. Each costs about a millisecond."""


def calls(desk: Desk) -> Counter[tuple[str, str]]:
    """What the stand-ins of billing and directory were asked."""
    found: Mapping[str, Mapping[str, int]] = desk.contoso.sandbox.rules.calls
    return Counter({(target, call): n for target, each in found.items() for call, n in each.items()})


@pytest.mark.parametrize("question", QUESTIONS)
def test_who_is_in_the_view_is_asked_of_nobody(question: str, desk: Desk) -> None:
    before = calls(desk)
    assert desk.says(*QUESTIONS[question]).status == Status.DONE
    assert calls(desk) == before


def test_who_is_in_no_view_is_asked_of_the_directory(desk: Desk) -> None:
    before = calls(desk)
    assert desk.says("why", "nobody.of.that.name@contoso.example").status == Status.MISUSE
    assert {target for target, _ in calls(desk) - before} >= {"graph"}


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_answer_imports_what_it_needs_and_nothing_else(question: str, desk: Desk) -> None:
    desk.says(*QUESTIONS[question])  # leaves the policy as it was read
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('\\n'.join(sys.modules), file=sys.stderr))\n"
        "from cli.__main__ import script\n"
        "script()"
    )
    done = subprocess.run(  # noqa: S603 - this interpreter, on our own module
        [sys.executable, "-c", code, *QUESTIONS[question]],
        cwd=ROOT,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    modules = done.stderr.splitlines()
    heavy = [one for one in modules if any(one == each or one.startswith(f"{each}.") for each in HEAVY)]
    assert heavy == []
    assert len(modules) < MOST_MODULES[question]


def test_an_answer_leaves_what_completes_the_next_question(desk: Desk) -> None:
    desk.says("status")
    left = cache.read("names.json")
    assert ["Contoso UK", "W5ZA-9JXF-BG7-TGB"] in left["profiles"]
    assert left["holds"] == [["sweep:mover_revokes", "33 to decide"]]
