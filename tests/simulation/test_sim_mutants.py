"""The mutants: each still fits the source, names invariants that exist, and some are really run and caught."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.simulation.mutants.command import ROOT, main, run_mutant
from tests.simulation.mutants.every import MODULES, MUTANTS
from tests.simulation.mutants.mutant import MovedOnError, Mutant

ENGINE = ROOT / "tests" / "simulation" / "engine"
BY_NAME = {mutant.name: mutant for mutant in MUTANTS}
HARMLESS = Mutant(
    name="harmless",
    promise="Nothing: a reason is worded in another way.",
    file="shared/wording/english.py",
    old='Code.ACCOUNT_DISABLED: "the account is disabled"',
    new='Code.ACCOUNT_DISABLED: "their account is disabled"',
    caught_by=("no_leaver_holds_managed",),
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_fits_the_source_once_and_changes_what_it_does(mutant: Mutant) -> None:
    assert mutant.text(ROOT) != (ROOT / mutant.file).read_text()


def test_there_are_at_least_twenty_and_each_has_a_name_of_its_own() -> None:
    assert len(BY_NAME) == len(MUTANTS) >= 20


def test_the_page_says_how_many_there_are_in_each_module() -> None:
    page = (ROOT / "docs" / "explanation" / "simulation.md").read_text()
    said = dict(re.findall(r"^\| `(of_\w+)` \| (\d+) \|", page, re.MULTILINE))
    assert {name: int(number) for name, number in said.items()} == {
        module.__name__.rpartition(".")[2]: len(module.MUTANTS) for module in MODULES
    }


def test_a_mutant_is_caught_by_invariants_that_exist_and_never_by_a_crash_alone() -> None:
    known: set[str] = set()
    for module in ENGINE.glob("*.py"):
        known |= set(re.findall(r'violate\(\s*"(\w+)"', module.read_text()))
        known |= set(re.findall(r"^def ([a-z]\w+)\(judge: ", module.read_text(), re.MULTILINE))
    for mutant in MUTANTS:
        assert mutant.caught_by or mutant.stories, f"{mutant.name} says neither invariant nor story"
        assert set(mutant.caught_by) <= known - {"NoBug"}, mutant.name


def test_a_mutant_is_noticed_by_stories_that_exist() -> None:
    for mutant in MUTANTS:
        for story in mutant.stories:
            file, _, name = story.partition("::")
            assert re.search(rf"^(async )?def {name}\(", (ROOT / file).read_text(), re.MULTILINE), story


def test_a_mutant_from_under_which_the_code_moved_on_says_so(tmp_path: Path) -> None:
    source = tmp_path / HARMLESS.file
    source.parent.mkdir(parents=True)
    with pytest.raises(MovedOnError, match=r"there is no shared/wording/english\.py"):
        HARMLESS.text(tmp_path)
    source.write_text("")
    with pytest.raises(MovedOnError, match="0 times"):
        HARMLESS.text(tmp_path)
    source.write_text(f"{HARMLESS.old}\n{HARMLESS.old}\n")
    with pytest.raises(MovedOnError, match="2 times"):
        HARMLESS.text(tmp_path)
    source.write_text(f"{HARMLESS.old}\n")
    with pytest.raises(MovedOnError, match="changes nothing"):
        replace(HARMLESS, new=f"{HARMLESS.old}  # in other words").text(tmp_path)
    with pytest.raises(MovedOnError, match="not deployed"):
        replace(HARMLESS, file="sandbox/wire.py").text(ROOT)


@pytest.mark.parametrize("name", ["no-intent", "guests-are-people"])
def test_a_mutant_is_caught_by_the_invariant_that_it_breaks(name: str) -> None:
    report = run_mutant(BY_NAME[name], seeds=20)
    assert report.wrong == ""
    assert report.catch is not None
    assert report.catch.invariant in BY_NAME[name].caught_by


@pytest.mark.parametrize("name", ["record-before-its-head", "copy-trusted-for-an-hour"])
def test_a_mutant_is_caught_by_the_first_seed_or_by_its_story(name: str) -> None:
    report = run_mutant(BY_NAME[name], seeds=1)
    assert report.wrong == ""
    assert report.story in {"", *BY_NAME[name].stories}


def test_a_story_that_notices_nothing_is_reported() -> None:
    story = "tests/app/unit/services/test_catalogue_shelf.py::test_a_clock_that_was_set_back_trusts_no_copy"
    report = run_mutant(replace(HARMLESS, caught_by=(), stories=(story,)))
    assert report.wrong == f"not noticed by {story}"


def test_what_breaks_no_promise_survives_and_is_reported() -> None:
    report = run_mutant(HARMLESS, seeds=2)
    assert report.wrong == "not noticed within 2 seeds by no_leaver_holds_managed, nor by anything else"


def test_the_command_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list", "--only", "unmanaged-is-managed"]) == 0
    assert capsys.readouterr().out.split() == ["unmanaged-is-managed", *BY_NAME["unmanaged-is-managed"].promise.split()]
