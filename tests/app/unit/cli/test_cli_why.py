"""`why`, as it is asked: what cannot be asked is refused with what to give instead, before anything is read."""

import json
from pathlib import Path

import pytest

from cli.__main__ import main
from tests.app.unit.cli_desk import Said, deployed

GROUP = "7c0f5a0e-0000-4000-8000-000000000001"


@pytest.fixture(autouse=True)
def _deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deployed(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "jobtitel=Controller"], "--set: 'jobtitel' is not an attribute; did you mean 'jobTitle'?"),
        (["--set", "jobTitle"], "--set: 'jobTitle' sets nothing; write attribute=text, such as jobTitle=Controller"),
        (["--on", "1-4-2126"], "--on: '1-4-2126' is no day and no moment; give a day such as 2026-04-01, or a moment"),
        (["--on", "2126-04-01T09:00"], "--on: '2126-04-01T09:00' does not say of which time zone; give a day"),
        (["--on", "2020-01-01"], "--on: '2020-01-01' is past; why answers for today and days to come"),
    ],
)
def test_what_cannot_be_asked_is_refused_and_says_what_to_write(arguments: list[str], said: str, capsys: Said) -> None:
    assert main(["why", "quentin.wright@contoso.example", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(said)


def test_a_past_day_says_which_verb_answers_that(capsys: Said) -> None:
    assert main(["why", "quentin", "--on", "2020-01-01", "--json"]) == 2
    assert json.loads(capsys.readouterr().err)["mend"] == "`invoice-access who PROFILE --on DAY` says who held it then."


def test_before_the_first_full_check_it_says_so(capsys: Said) -> None:
    sets = ["--set", f"memberOf={GROUP}", "--set", "jobTitle=Controller"]
    assert main(["why", "quentin", "Contoso UK", *sets, "--on", "2126-04-01"]) == 1
    assert capsys.readouterr().err.startswith("no full check (sweep) has left a view yet.")
