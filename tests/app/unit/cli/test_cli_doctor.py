"""`doctor` at an operator's desk: what is wrong with the environment is told, and hides nothing else."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import doctor_words
from cli.__main__ import main
from shared.domain.diagnosis import Check, Name, State
from tests.app.unit.cli_desk import Store, deployed
from tests.app.unit.domain.test_domain_diagnosis import CASES
from tests.app.unit.sign_in import SignIn, signing_in

type Run = Callable[..., tuple[int, str]]


@pytest.fixture(autouse=True)
def sign_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[SignIn]:
    with signing_in(monkeypatch) as one:
        yield one


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store that no full check has been in, and services at whose addresses nobody is."""
    found = deployed(tmp_path, monkeypatch)
    monkeypatch.setenv("INVOICE_ACCESS_GRAPH_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("INVOICE_ACCESS_ARM_URL", "http://127.0.0.1:9")
    return found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def give(*arguments: str) -> tuple[int, str]:
        status = main(["doctor", *arguments])
        said = capsys.readouterr()
        assert said.err == ""
        return status, said.out

    return give


def checks_of(answer: str) -> dict[str, Any]:
    told = json.loads(answer)
    assert told["schema"] == "invoice-access/doctor/1"
    checks = {one["name"]: one for one in told["checks"]}
    assert list(checks) == [name.value for name in Name]
    return checks


def test_each_check_is_told_once_whatever_cannot_be_reached(run: Run) -> None:
    status, answer = run("--json")
    checks = checks_of(answer)
    assert status == 3
    assert (checks["sign-in"]["state"], checks["sign-in"]["found"]) == ("good", "Olga Berg")
    assert (checks["full check"]["state"], checks["full check"]["found"]) == ("to-mend", "there never was one")
    assert checks["settings"]["state"] == checks["policy"]["state"] == checks["host.json"]["state"] == "good"
    assert (checks["queues"]["state"], checks["clock"]["state"]) == ("not-read", "not-read")
    assert json.loads(answer)["complete"] is False


def test_people_are_told_in_aligned_lines_with_the_mend_below(run: Run) -> None:
    lines = run()[1].splitlines()
    assert lines[0] == "  ✓ settings                every one can be used"
    assert lines[3] == "  ✓ sign-in                 Olga Berg"
    at = lines.index("  ✕ full check              there never was one")
    assert lines[at + 1].startswith("      mend: is the function app started")
    assert re.fullmatch(r"20 checks, 1 to mend, \d+ not known\.", lines[-1])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("<your namespace>", "'<your namespace>' is a placeholder"),
        ("@Microsoft.KeyVault(SecretUri=https://v.vault.azure.net/secrets/x/)", "did not resolve this Key Vault"),
    ],
)
def test_a_setting_that_was_never_filled_in_hides_nothing_of_the_store(
    run: Run, monkeypatch: pytest.MonkeyPatch, value: str, said: str
) -> None:
    monkeypatch.setenv("ServiceBusConnection__fullyQualifiedNamespace", value)
    status, answer = run("--json")
    checks = checks_of(answer)
    assert (status, checks["settings"]["state"]) == (3, "to-mend")
    assert said in checks["settings"]["found"]
    assert (checks["store"]["state"], checks["pauses"]["state"]) == ("good", "good")
    assert (checks["queues"]["state"], checks["queues"]["code"]) == ("not-read", "settings-first")


def test_a_policy_with_a_mistake_is_told_with_where(run: Run, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: 2\nrules: []\n")
    checks = checks_of(run("--json")[1])
    assert (checks["policy"]["state"], checks["settings"]["state"]) == ("to-mend", "good")
    assert "policy.yaml: line 1, column 10: version" in checks["policy"]["found"]


def test_a_store_that_is_not_there_is_to_mend_and_none_is_made(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INVOICE_ACCESS_STORE", f"sqlite:{tmp_path / 'nowhere.sqlite'}")
    checks = checks_of(run("--json")[1])
    assert (checks["store"]["state"], checks["pauses"]["state"]) == ("to-mend", "not-read")
    assert not (tmp_path / "nowhere.sqlite").exists()


def test_whoever_is_not_signed_in_is_told_so_and_the_store_is_read(run: Run, sign_in: SignIn) -> None:
    sign_in.out()
    checks = checks_of(run("--json")[1])
    assert (checks["sign-in"]["state"], checks["sign-in"]["mend"]) == (
        "to-mend",
        "`az login`, then give the command again",
    )
    assert checks["store"]["state"] == "good"


def test_on_a_machine_that_knows_nothing_it_says_so_in_few_lines(tmp_path: Path) -> None:
    """A process of its own: what azure-identity logs goes to stderr where nobody listens."""
    environment = {"HOME": str(tmp_path), "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential"}
    done = subprocess.run(
        [sys.executable, "-m", "cli", "doctor"],
        cwd=Path(__file__).parents[4],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (3, "")
    lines = done.stdout.splitlines()
    assert "  ✕ sign-in                 nobody is signed in" in lines
    (together,) = [line for line in lines if "no store to ask" in line]
    said = "there is no store to ask: full check; pauses; our role, billing; "
    assert re.match(rf"  \? \d+ checks +not known: {said}", together)
    assert len(lines) < 15


def test_a_setting_that_overrides_host_json_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "AzureFunctionsJobHost__extensions__serviceBus__prefetchCount"
    monkeypatch.setenv(name, "100")
    checks = checks_of(run("--json")[1])
    assert (checks["host.json"]["state"], checks["host.json"]["found"]) == ("to-mend", f"{name} would override it")


@pytest.mark.parametrize("state", list(State))
def test_every_conclusion_has_words_and_only_what_is_good_has_no_mend(state: State) -> None:
    told: list[Check] = [check() for _, check, _ in CASES]
    for check in (one for one in told if one.state is state):
        assert doctor_words.found(check)
        assert (doctor_words.mend(check) == "") is (state is State.GOOD), check
        assert "{" not in doctor_words.found(check) + doctor_words.mend(check)


def test_blank_leave_dates_are_told_as_the_page_has_them() -> None:
    app = "a0a1d000-0000-4000-8000-000000000002"
    check = Check(Name.LEAVE_DATES, State.TO_MEND, "leave-dates-blank", {"people": 49, "dated": 0, "us": app})
    assert doctor_words.found(check) == (
        "none of 49 people shows one: Graph leaves the attribute out without User-LifeCycleInfo.Read.All"
    )
    assert doctor_words.mend(check).startswith(f"`invoice-access setup permissions {app}` gives it")
