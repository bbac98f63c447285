"""The policy that an app in a sandbox reads: as the mode wants it, until somebody edits what is enforced."""

from pathlib import Path

import pytest

from sandbox.policy_in_force import PolicyInForce
from sandbox.settings import Mode

POLICY = "version: 1\nenforce: {}   # for now\nrules: []\n"


@pytest.fixture
def given(tmp_path: Path) -> Path:
    file = tmp_path / "given.yaml"
    file.write_text(POLICY.format("all"))
    return file


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "policy.yaml"


def test_the_copy_is_as_the_mode_wants_it(given: Path, place: Path) -> None:
    PolicyInForce(given, place, Mode.OBSERVE).render()
    assert place.read_text() == POLICY.format("none")
    assert given.read_text() == POLICY.format("all")


def test_an_enforce_that_is_edited_in_the_copy_stays(given: Path, place: Path) -> None:
    policy = PolicyInForce(given, place, Mode.OBSERVE)
    policy.render()
    place.write_text(POLICY.format("all"))
    policy.render()
    assert place.read_text() == POLICY.format("all")


@pytest.mark.parametrize("edited", ["[{ name: A }]", "none", "'all'"])
def test_an_enforce_that_is_edited_in_the_given_file_wins_over_the_mode(given: Path, place: Path, edited: str) -> None:
    given.write_text(POLICY.format("[{ name: B }]"))
    policy = PolicyInForce(given, place, Mode.OBSERVE)
    policy.render()
    assert "enforce: none" in place.read_text()
    given.write_text(POLICY.format(edited))
    policy.render()
    assert place.read_text() == POLICY.format(edited)


def test_another_edit_of_the_given_file_is_in_force_and_the_mode_still_is(given: Path, place: Path) -> None:
    policy = PolicyInForce(given, place, Mode.OBSERVE)
    policy.render()
    given.write_text(POLICY.format("all") + "protected: []\n")
    policy.render()
    assert place.read_text() == POLICY.format("none") + "protected: []\n"


def test_a_copy_that_somebody_removed_is_made_again(given: Path, place: Path) -> None:
    policy = PolicyInForce(given, place, Mode.ENFORCE)
    policy.render()
    place.unlink()
    policy.render()
    assert place.read_text() == given.read_text()


def test_without_a_mode_the_policy_is_the_apps_as_it_is(place: Path) -> None:
    place.write_text(POLICY.format("none"))
    PolicyInForce(place, place, None).render()
    assert place.read_text() == POLICY.format("none")


def test_a_policy_that_is_gone_is_said_by_its_name(given: Path, place: Path) -> None:
    policy = PolicyInForce(given, place, Mode.ENFORCE)
    given.unlink()
    with pytest.raises(FileNotFoundError) as gone:
        policy.render()
    assert gone.value.filename == str(given)
