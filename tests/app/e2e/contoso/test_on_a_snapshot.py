"""Questions that are asked of a snapshot: by CI, or by somebody who may not sign in. Nothing of Azure is there."""

import json
import os
from pathlib import Path

import pytest

from cli.faults import Status
from tests.app.e2e.contoso.conftest import Desk

POLICY_WITH_EXAMPLES = """
tests:
  examples:
    - { name: a clerk, person: { jobTitle: Accounts payable clerk, companyName: Contoso UK }, gets: [Contoso UK] }
"""


@pytest.fixture
def away(desk: Desk) -> Desk:
    """A desk where only two files are: a snapshot with names, and the policy."""
    assert desk.says("export", "view", "--names", "--out", "view.json").status == Status.DONE
    assert desk.says("export", "view", "--out", "pseudonyms.json").status == Status.DONE
    policy = (desk.contoso.sandbox.state / "policy.yaml").read_text(encoding="utf-8")
    file = desk.file("policy.yaml", policy + POLICY_WITH_EXAMPLES)
    desk.contoso = type(desk.contoso)(desk.contoso.sandbox, {}, Path("/nowhere"), desk.contoso.ended)
    for name in [one for one in os.environ if one.startswith(("INVOICE_ACCESS_", "IDENTITY_", "ServiceBus"))]:
        desk.monkeypatch.delenv(name)
    desk.more |= {"INVOICE_ACCESS_POLICY": str(file), "INVOICE_ACCESS_STORE": ""}
    return desk


def test_why_is_answered_of_who_is_in_it_and_says_what_is_not_known(away: Desk) -> None:
    said = away.says("why", "E00175", "Contoso UK", "--snapshot", "view.json")
    assert (said.status, said.err) == (Status.DONE, "")
    first, *rest = said.lines
    assert first.startswith("On a snapshot of ")
    assert "no dates" in first
    verdict = next(line for line in rest if line.startswith("Quentin Wright "))
    assert verdict.startswith("Quentin Wright holds Contoso UK. No rule gives it any more;")
    assert "  directory  works here at that time" in rest
    assert any("own-company no: jobTitle is Financial analyst" in line for line in rest)
    assert any(line.startswith("  billing    Invoice manager, managed, given by rule treasury-group") for line in rest)
    assert "1970" not in said.out


def test_why_for_programs_on_a_snapshot_gives_no_reason_that_it_does_not_know(away: Desk) -> None:
    told = away.asks("why", "E00175", "--snapshot", "view.json")
    directory = told["steps"][0]
    assert (directory["employment"], directory["reason"]) == ("employed", None)
    (billing,) = [one for one in told["steps"] if one["step"] == "billing"]
    assert {one["since"] for one in billing["profiles"]} == {None}


def test_who_is_not_in_it_is_not_known_and_nobody_is_asked(away: Desk) -> None:
    for who in ("nobody@contoso.example", "b0a1d000-0000-4000-8000-00000000dead"):
        said = away.says("why", who, "--snapshot", "view.json", "--json")
        assert (said.status, said.out) == (Status.MISUSE, "")
        assert json.loads(said.err)["code"] == "not-known"


def test_a_rule_is_explained_under_pseudonyms(away: Desk) -> None:
    said = away.says("policy", "explain", "own-company", "--policy", "policy.yaml", "--snapshot", "pseudonyms.json")
    assert (said.status, said.err) == (Status.DONE, "")
    assert said.lines[0].startswith("On a snapshot of ")
    assert "Rule own-company is for jobTitle in (" in said.out
    people = [line for line in said.lines if line.startswith("  Person ")]
    assert len(people) > 30
    assert "Karin" not in said.out


def test_examples_of_profiles_that_exist_are_judged_by_those_in_it(away: Desk) -> None:
    without = away.says("policy", "test", "policy.yaml")
    assert without.status == Status.MISUSE
    assert "--snapshot FILE" in without.err
    said = away.says("policy", "test", "policy.yaml", "--snapshot", "pseudonyms.json")
    assert (said.status, said.out) == (Status.DONE, "1 of 1 example holds.\n")


@pytest.mark.parametrize("verb", [("why", "x"), ("policy", "explain", "own-company")])
def test_a_file_that_is_no_snapshot_is_told(away: Desk, verb: tuple[str, ...]) -> None:
    said = away.says(*verb, "--snapshot", "policy.yaml")
    assert (said.status, said.out) == (Status.MISUSE, "")
    assert "this is no snapshot" in said.err
