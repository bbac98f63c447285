"""Completion of profiles and holds: from what the last answer left for this store, as the shell wants it typed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from cli import completing
from shared.domain.access.plan import StoppedBy
from shared.domain.guards.hold_listing import HoldGroup
from shared.domain.guards.holds import Hold, action_id
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from shared.domain.view import ProfileView
from tests.app.unit.cli.test_cli_command import imported, run
from tests.app.unit.cli_desk import NOW

UK: Final = ProfileKey("A:1", "W5ZA-9JXF-BG7-TGB")
EVIL: Final = ProfileKey("A:1", "EVIL-9JXF-BG7-TGB")
ANNA: Final = PersonKey("b0a1d000-0000-4000-8000-000000000001")
STORE: Final = "sqlite:/some/where.sqlite"
HOLD: Final = Hold(
    id=action_id(ANNA, ActionKind.GRANTS, UK),
    key=ANNA,
    kind=ActionKind.GRANTS,
    profile=UK,
    basis=None,
    why=Code.SAID(said="why"),
    stopped_by=StoppedBy.SWEEP,
    since=NOW,
    renewed=NOW,
    group="sweep:grants",
)

type Complete = Callable[[str, str], list[str]]


def profile(key: ProfileKey, name: str) -> ProfileView:
    return ProfileView(key=key, name=name, status="Active", opted_in=True, enforced=True, rows=())


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("INVOICE_ACCESS_STORE", STORE)
    completing.leave(
        profiles=[profile(UK, "Contoso UK"), profile(EVIL, 'Contoso "$(reboot)"; x')],
        holds=[HoldGroup("sweep:grants", is_group=True, holds=(HOLD,))],
    )
    return tmp_path / "invoice-access" / "names.json"


@pytest.fixture
def complete(tmp_path: Path) -> Complete:
    def asked(shell: str, typed: str) -> list[str]:
        words = typed.split(" ")
        environment = {
            "XDG_CACHE_HOME": str(tmp_path),
            "INVOICE_ACCESS_STORE": STORE,
            "_INVOICE_ACCESS_COMPLETE": f"complete_{shell}",
            "_TYPER_COMPLETE_ARGS": typed,
            "_TYPER_COMPLETE_FISH_ACTION": "get-args",
            "_TYPER_COMPLETE_WORD_TO_COMPLETE": words[-1],
            "COMP_WORDS": typed,
            "COMP_CWORD": str(len(words) - 1),
        }
        return [line for line in run(**environment).stdout.splitlines() if line]

    return asked


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        ("bash", ["EVIL-9JXF-BG7-TGB", "Contoso\\ UK"]),
        ("fish", ["EVIL-9JXF-BG7-TGB\tContoso    reboot    x", "Contoso UK\tW5ZA-9JXF-BG7-TGB"]),
        ("powershell", ["EVIL-9JXF-BG7-TGB:::Contoso    reboot    x", "'Contoso UK':::W5ZA-9JXF-BG7-TGB"]),
    ],
)
def test_a_profile_is_completed_as_each_shell_wants_it(shell: str, expected: list[str], complete: Complete) -> None:
    assert complete(shell, "invoice-access who con") == expected


def test_what_zsh_evaluates_has_nothing_of_a_name_but_letters(complete: Complete) -> None:
    said = "\n".join(complete("zsh", "invoice-access who con"))
    assert '"Contoso UK":"W5ZA-9JXF-BG7-TGB"' in said
    assert "$" not in said
    assert "`" not in said


def test_an_id_completes_as_well_and_so_do_options_and_every_argument(complete: Complete) -> None:
    assert complete("bash", "invoice-access why anna w5z") == ["W5ZA-9JXF-BG7-TGB"]
    assert complete("bash", "invoice-access pause --on W5") == ["W5ZA-9JXF-BG7-TGB"]
    assert complete("bash", "invoice-access profiles show w5") == ["W5ZA-9JXF-BG7-TGB"]
    assert complete("bash", "invoice-access adopt w5") == ["W5ZA-9JXF-BG7-TGB"]


def test_holds_and_groups_are_completed_without_anybodys_name(complete: Complete, place: Path) -> None:
    for verb in ("show", "release", "dismiss"):
        assert complete("bash", f"invoice-access holds {verb} sw") == ["sweep:grants"]
    assert ANNA.object_id not in place.read_text(encoding="utf-8")


def test_a_name_that_is_in_quotes_is_not_quoted_again(complete: Complete) -> None:
    assert complete("bash", 'invoice-access who "Contoso') == ["EVIL-9JXF-BG7-TGB", "Contoso UK"]


def test_what_was_left_for_another_store_is_not_offered(complete: Complete, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVOICE_ACCESS_STORE", "sqlite:/another.sqlite")
    completing.leave(profiles=[])
    assert complete("bash", "invoice-access who con") == []


@pytest.mark.parametrize("spoilt", ["{", "[]", '{"store": 1}', '{"profiles": 5}', '{"profiles": [["a"], 5, [1, 2]]}'])
def test_a_file_that_somebody_spoilt_completes_nothing(spoilt: str, place: Path, complete: Complete) -> None:
    kept = json.loads(place.read_text(encoding="utf-8"))
    try:
        told = json.loads(spoilt)
    except ValueError:
        told = None
    text = json.dumps(kept | told) if isinstance(told, dict) else spoilt
    place.write_text(text, encoding="utf-8")
    assert complete("bash", "invoice-access who con") == []


def test_to_complete_a_name_imports_declarations_and_nothing_else(tmp_path: Path) -> None:
    asked = {
        "_INVOICE_ACCESS_COMPLETE": "complete_bash",
        "COMP_WORDS": "invoice-access who con",
        "COMP_CWORD": "2",
        "XDG_CACHE_HOME": str(tmp_path),
    }
    found = imported(**asked)
    assert "cli.verbs.who" in found
    heavy = ("shared.domain", "shared.settings", "shared.adapters", "pydantic", "asyncio", "azure", "rich", "ssl")
    assert [module for module in found if module.startswith(heavy)] == []
