"""`people` and `profiles`: what the latest full check saw, narrowed, shown and found; the same for programs."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.__main__ import main
from tests.app.unit.cli.test_cli_status_who import ACCOUNT, GRACE, KARIN, QUENTIN, UK, show
from tests.app.unit.cli_desk import Said, deployed


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contoso UK with a leaver, somebody whose removal waits, and somebody who is as they should be."""
    show(deployed(tmp_path, monkeypatch))


def asked(capsys: Said, *arguments: str) -> dict[str, Any]:
    assert main([*arguments, "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(
    ("narrowed", "expected"),
    [
        ([], ["External Audit", "Grace Taylor", "Karin Wilson", "Quentin Wright"]),
        (["--unmanaged"], ["Grace Taylor"]),
        (["--left"], ["Grace Taylor"]),
        (["--waiting"], ["Quentin Wright"]),
        (["--differs"], ["Grace Taylor", "Quentin Wright"]),
        (["--differs", "--waiting"], ["Quentin Wright"]),
        (["--left", "--waiting"], []),
    ],
    ids=str,
)
def test_people_are_narrowed_and_several_filters_narrow_together(
    narrowed: list[str], expected: list[str], capsys: Said
) -> None:
    assert sorted(one["name"] for one in asked(capsys, "people", *narrowed)["people"]) == expected


def test_a_list_for_people_has_names_and_how_each_got_there(capsys: Said) -> None:
    assert main(["people", "--left"]) == 0
    titles, grace, figures = capsys.readouterr().out.splitlines()
    assert titles.split() == ["PERSON", "IS", "EMPLOYMENT", "HAS", "BY", "WAITS"]
    assert grace == "Grace Taylor      left 2025-06-30  Contoso UK  by hand, portal-administrator"
    assert figures == "1 person of 4."
    assert main(["people", "--left", "--waiting"]) == 0
    assert capsys.readouterr().out == "Nobody: no one in the latest full check is so.\n"


def test_a_spreadsheet_has_whole_ids(capsys: Said) -> None:
    assert main(["people", "--waiting", "-o", "csv"]) == 0
    columns, row = capsys.readouterr().out.splitlines()
    assert columns.startswith("id,name,address,employee_id,kind,job,company,employment,")
    assert row.startswith(f"{QUENTIN},Quentin Wright,")


def test_a_person_is_shown_with_what_they_have_and_what_waits(capsys: Said) -> None:
    assert main(["people", "show", "quentin wright"]) == 0
    out = capsys.readouterr().out
    assert f"Quentin Wright ({QUENTIN}): works here. Has Contoso UK." in out
    assert "Contoso UK  Invoice manager  was rule treasury-group  2024-03-15" in out
    assert "Waits for a decision:" in out
    found = asked(capsys, "people", "show", KARIN)
    (held,) = found["held"]
    assert (held["managed"], held["should"], held["rules"], held["since"]) == (
        *(True, True),
        *(["own-company"], "2024-03-15T22:37:20Z"),
    )
    assert held["profile"] == {"id": str(UK), "name": "Contoso UK"}
    assert main(["people", "show", "Quentin Wrigth"]) == 2
    assert "nobody is called 'Quentin Wrigth'\n  Quentin Wright\n" in capsys.readouterr().err


def test_people_are_found_by_a_part_of_their_name(capsys: Said) -> None:
    assert [one["id"] for one in asked(capsys, "people", "find", "TAYL")["people"]] == [GRACE]
    assert asked(capsys, "people", "find", "nobody at all")["people"] == []


def test_profiles_are_listed_with_who_receives_them_and_what_differs(capsys: Said) -> None:
    assert main(["profiles"]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split() == ["PROFILE", "ID", "MAIL", "NEXT", "RECIPIENTS", "MANAGED", "DIFFERS"]
    assert out[1].split()[:3] == ["Contoso", "France", "R8TC-2LNQ-BG7-TGB"]
    assert out[2].startswith("Contoso UK      W5ZA-9JXF-BG7-TGB  on ")
    assert out[2].endswith("3        2  1 waits, 1 left")
    assert out[3] == "2 profiles."
    assert [one["name"] for one in asked(capsys, "profiles", "--differs")["profiles"]] == ["Contoso UK"]
    assert [one["name"] for one in asked(capsys, "profiles", "--unmanaged", "--left")["profiles"]] == ["Contoso UK"]


def test_a_profile_is_shown_with_everybody_who_has_a_role_there(capsys: Said) -> None:
    assert main(["profiles", "show", "w5za-9jxf-bg7-tgb"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"Contoso UK ({ACCOUNT}/W5ZA-9JXF-BG7-TGB)\n")
    assert "External Audit  Billing profile reader  by hand, portal-administrator  2024-03-15" in out
    found = asked(capsys, "profiles", "show", "Contoso UK")
    assert {one["name"]: one["should"] for one in found["roles"]} == {
        "Karin Wilson": True,
        "Grace Taylor": False,
        "Quentin Wright": False,
        "External Audit": False,
    }
    assert main(["profiles", "show", "Contoso Spain"]) == 2
    assert "Contoso" in capsys.readouterr().err
