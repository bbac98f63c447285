"""docs/explanation/guards.md is true: each example of its arithmetic is a test of that name; its tables are the code's.

Examples that need services are in tests/simulation/test_sim_guards_page.py.
"""

import ast
from datetime import UTC, datetime
from pathlib import Path

from shared.domain.access.plan import StoppedBy, Strength
from shared.domain.guards.daily_limits import ALLOWANCE, WINDOW, Reservations, left, limit, reserve
from shared.domain.guards.pauses import Pause, PauseKind, Pauses, Setting, stops
from shared.domain.keys import ProfileKey
from shared.domain.policy.model import DEFAULT_DAILY_LIMITS, ActionKind
from shared.domain.reasons import Code
from tests.guards_page import EXAMPLES, PAGE, Example, example, table

__all__ = ["example"]

TESTS = Path(__file__).parents[4]
PROFILE = ProfileKey("mca:1", "NL-BG7")
STRONG = Strength.STRONG
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


# -- the examples


def is_allowed(example: Example) -> bool:
    allowed: int = example["allowed"]
    return limit(DEFAULT_DAILY_LIMITS[ActionKind(example["kind"])], example["managed"]) == allowed


def test_a_small_company(example: Example) -> None:
    assert is_allowed(example)


def test_the_count_caps(example: Example) -> None:
    assert is_allowed(example)


def test_the_percentage_counts(example: Example) -> None:
    assert is_allowed(example)


def test_a_share_is_rounded_up(example: Example) -> None:
    assert is_allowed(example)


def test_nothing_is_managed_yet(example: Example) -> None:
    assert {kind: limit(DEFAULT_DAILY_LIMITS[kind], example["managed"]) for kind in ActionKind} == example["allowed"]


def are_reserved(example: Example) -> bool:
    """Reserves one after the other, and compares each answer."""
    row = Reservations(ActionKind.MOVER_REVOKES)
    answers = []
    for one in example["reservations"]:
        at = one["at"]
        assert isinstance(at, datetime)
        reserved = reserve(row, one["action"], example["allowed"], at)
        answers.append(reserved is not None)
        row = reserved or row
    return answers == [one["reserved"] for one in example["reservations"]]


def test_the_same_assignment_twice_counts_once(example: Example) -> None:
    assert are_reserved(example)


def test_the_window_slides(example: Example) -> None:
    assert are_reserved(example)


def test_the_latest_write_counts(example: Example) -> None:
    assert are_reserved(example)


# -- the page


def test_every_example_has_a_test_of_its_name_and_every_such_test_an_example() -> None:
    modules = (
        TESTS / "app" / "unit" / "domain" / "guards" / "test_domain_guards_page.py",
        TESTS / "simulation" / "test_sim_guards_page.py",
    )
    tests = [
        function.name.removeprefix("test_")
        for module in modules
        for function in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and function.name.startswith("test_")
        if "example" in {argument.arg for argument in function.args.args}
    ]
    assert sorted(tests) == sorted(EXAMPLES)


def test_the_daily_limits_are_the_defaults() -> None:
    said = {row.pop("daily limit").strip("`"): row for row in table("daily limit")}
    assert {kind: (int(row["floor"]), int(row["count"]), int(row["percent"])) for kind, row in said.items()} == {
        kind: (one.floor, one.count, one.percent) for kind, one in DEFAULT_DAILY_LIMITS.items()
    }


def test_the_formula_is_on_the_page_and_so_are_window_and_allowance() -> None:
    assert "max(floor, min(count, ceil(percent x what is managed)))" in PAGE
    assert f"for {WINDOW.total_seconds() / 3600:g} hours" in PAGE
    assert f"and for {ALLOWANCE.total_seconds() / 60:g} minutes more" in PAGE
    row = reserve(Reservations(ActionKind.GRANTS), "a", 1, NOW)
    assert row is not None
    assert left(row, 1, NOW + WINDOW) == 0


def test_every_cause_of_the_pause_is_on_the_page_with_what_passes_it() -> None:
    said = {row["kind"].strip("`"): row["a leaver's revoke, on strong evidence"] for row in table("kind")}
    for pause_kind in PauseKind:
        pauses = Pauses({Pause(pause_kind): Setting(NOW, "somebody", Code.SAID(said="because"))})
        passes = stops(pauses, ActionKind.LEAVER_REVOKES, STRONG, PROFILE) is None
        assert said.pop(pause_kind.value) == ("passes" if passes else "stopped")
        for kind, strength in ((ActionKind.LEAVER_REVOKES, Strength.WEAK), (ActionKind.MOVER_REVOKES, STRONG)):
            assert stops(pauses, kind, strength, PROFILE) is not None
        for kind in (ActionKind.GRANTS, ActionKind.PROFILE_UPDATES):
            assert stops(pauses, kind, None, PROFILE) is not None
    assert not said


def test_everything_that_stops_an_action_is_on_the_page() -> None:
    assert [row["stopped by"].strip("`") for row in table("stopped by")] == [each.value for each in StoppedBy]
