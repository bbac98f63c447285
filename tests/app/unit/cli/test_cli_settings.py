"""What every verb says where the app's settings are missing or wrong: the same words, with the remedy."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.__main__ import main
from tests.app.policy_texts import LEAST
from tests.app.unit.cli_desk import Store
from tests.app.unit.sign_in import SignIn, signing_in

NAMESPACE = "ServiceBusConnection__fullyQualifiedNamespace"
REMEDY = "(source the app's settings first; sandbox: `set -a; . <state>/app.env; set +a`; docs/reference/settings.md)"
STORE_ONLY = [
    ["report"],
    ["ledger", "verify"],
    ["export", "access", "--on", "2026-03-01", "--time-zone", "UTC"],
    ["status"],
    ["people"],
    ["profiles"],
    ["holds", "list"],
    ["holds", "show", "x"],
    ["holds", "log"],
    ["pause", "--why", "x"],
    ["resume", "--yes"],
    ["pauses"],
]
APP = [
    ["adopt", "--left"],
    ["holds", "release", "x", "--yes", "--as-listed", "2026-03-02T09:00Z"],
    ["holds", "dismiss", "x", "--yes"],
]


@pytest.fixture(autouse=True)
def sign_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[SignIn]:
    with signing_in(monkeypatch) as one:
        yield one


@pytest.fixture(autouse=True)
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No setting but that of the policy, which is a good one."""
    for name in [name for name in os.environ if name.startswith("INVOICE_ACCESS_")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv(NAMESPACE, raising=False)
    monkeypatch.delenv("SERVICE_BUS_CONNECTION_STRING", raising=False)
    path = tmp_path / "policy.yaml"
    path.write_text(LEAST)
    monkeypatch.setenv("INVOICE_ACCESS_POLICY", str(path))
    return path


def store_beside(policy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store in which the app has been, as the only setting."""
    path = policy.with_name("store.sqlite")
    Store(path).run(lambda state: state.reports(1))
    monkeypatch.setenv("INVOICE_ACCESS_STORE", f"sqlite:{path}")


@pytest.mark.parametrize("verb", [*STORE_ONLY, *APP], ids=" ".join)
def test_what_is_missing_is_said_in_the_same_words_and_ends_with_the_remedy(
    verb: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(verb) == 2
    lines = capsys.readouterr().err.splitlines()
    missing = ["INVOICE_ACCESS_STORE"] if verb in STORE_ONLY else ["INVOICE_ACCESS_STORE", NAMESPACE]
    assert lines == [
        f"this command cannot start: {len(missing)} mistake{'s' * (len(missing) > 1)}",
        *(f"  - {name}: give it a value" for name in missing),
        REMEDY,
    ]


def test_a_check_without_an_address_ends_with_the_remedy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "people.csv"
    file.write_text("employee-id\n7\n", encoding="utf-8")
    assert main(["events", "send", str(file)]) == 2
    assert capsys.readouterr().err.endswith(f"{REMEDY}\n")


def test_where_nothing_is_missing_the_mistake_stands_alone(
    policy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INVOICE_ACCESS_STORE", f"sqlite:{policy.with_name('store.sqlite')}")
    monkeypatch.setenv(NAMESPACE, "127.0.0.1:9")
    policy.write_text("version: 2\nrules: []\n")
    assert main(["adopt", "--left"]) == 2
    said = capsys.readouterr().err
    assert "this command cannot start: 1 mistake" in said
    assert REMEDY not in said


@pytest.mark.parametrize("verb", STORE_ONLY, ids=" ".join)
def test_what_touches_the_store_alone_needs_its_setting_and_no_policy(
    verb: list[str], policy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store_beside(policy, monkeypatch)
    policy.write_text("a policy that cannot be read stops no emergency stop")
    assert main(verb) in {0, 1, 3} or verb == ["holds", "show", "x"]
    assert "cannot start" not in capsys.readouterr().err


def test_a_wrong_policy_stops_no_emergency_stop(
    policy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store_beside(policy, monkeypatch)
    policy.write_text("rules: [")
    assert main(["pause", "--why", "stop"]) == 0
    assert main(["pauses", "--exit-code"]) == 3
    assert "set by Olga Berg: stop" in capsys.readouterr().out
