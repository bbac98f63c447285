"""Every command of the documentation is run by a test, or says that it needs Azure.

Those of the command line run in tests/app/e2e/contoso/test_documented_commands.py.
"""

import os
import re
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from cli.root import ROOT as VERBS
from sandbox.up import read_arguments
from shared.sources.hr import HR
from shared.sources.posted import Posted
from shared.sources.signatures import Signature
from tests.documented_commands import ELSEWHERE, PAGES, ROOT, SETS_UP, Block, blocks

MADE: Final = re.compile(r"^([a-z]+):.*##", re.MULTILINE)
NOT_IN_CI: Final = frozenset({"mutants", "bench", "fuzz", "describe", "lock"})
"""What is made by hand alone; each has tests of its own."""
STARTS: Final = re.compile(r"^(?: {4}|\t|\$ )(?:invoice-access|az|azd|make|func|docker|python -m) .*", re.MULTILINE)
NAMED: Final = re.compile(r"`invoice-access((?: [a-z]+)+)")


def is_a_verb(words: list[str]) -> bool:
    """Whether these words begin with a verb, or are a noun."""
    command: Any = VERBS
    context = VERBS.make_context("invoice-access", [], resilient_parsing=True)
    for word in words:
        if not hasattr(command, "list_commands"):
            return True
        command = command.get_command(context, word)
        if command is None:
            return False
    return True


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block.name)
def test_a_command_is_of_a_kind_that_a_test_runs_or_says_that_it_needs_azure(block: Block) -> None:
    if block.marked:
        return
    made = {*MADE.findall((ROOT / "Makefile").read_text(encoding="utf-8"))}
    checked = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in block.commands:
        if command.startswith("make "):
            target = command.split()[1]
            assert target in made, command
            assert target in NOT_IN_CI or f"make {target}" in checked, command
            continue
        known = command.startswith(("invoice-access ", *ELSEWHERE)) or SETS_UP.fullmatch(command)
        assert known, f'{command}: run it in a test, or write ```console title="Needs Azure" above'


def test_what_others_start_has_tests_there() -> None:
    for place in ELSEWHERE.values():
        assert (ROOT / place).is_file(), place


def test_the_sandbox_takes_the_options_that_are_documented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    starts = [command for block in blocks() for command in block.commands if command.startswith("python -m sandbox up")]
    assert len(starts) > 1
    for command in starts:
        words = shlex.split(command, comments=True)[4:]
        for file in (word for word in words if word.endswith((".yaml", ".json"))):
            (tmp_path / file).touch()
        read_arguments(words)


def test_no_command_hides_where_no_test_looks_for_one() -> None:
    """Between other fences, or indented: nobody would run it. Every verb's usage is a page of its own."""
    hidden = [
        (page.name, line)
        for page in PAGES
        if page.name != "verbs.md"
        for line in STARTS.findall(
            re.sub(r"^( *)```.*?^\1```$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
        )
    ]
    assert hidden == []


def test_every_verb_that_prose_names_exists() -> None:
    named = {(page.name, words) for page in PAGES for words in NAMED.findall(page.read_text("utf-8"))}
    assert len(named) > 10
    assert [one for one in sorted(named) if not is_a_verb(one[1].split()) and one[1] != " does not start"] == []


def test_the_documented_signature_is_one_that_the_app_accepts() -> None:
    (block,) = (block for block in blocks() if any(command.startswith("signature=") for command in block.commands))
    script = "\n".join([*block.commands, 'printf "%s\\n%s\\n%s" "$now" "$signature" "$body"'])
    said = subprocess.run(  # noqa: S603 - what the page says
        ["/bin/sh", "-euc", script], env=os.environ | {"KEY": "k" * 32}, capture_output=True, text=True, check=True
    )
    now, signature, body = said.stdout.split("\n", 2)
    posted = Posted(body.encode(), {"x-timestamp": now, "x-signature": f"v1={signature}"})
    proof = HR.proof
    assert isinstance(proof, Signature)
    assert proof.holds(posted, ["k" * 32], datetime.fromtimestamp(int(now), UTC), timedelta(minutes=5))
    assert not proof.holds(posted, ["j" * 32], datetime.fromtimestamp(int(now), UTC), timedelta(minutes=5))
