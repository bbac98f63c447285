"""Who is meant by what is typed: one, several, or nobody with the nearest."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.lookup import Candidate, look_up

ID = "b0a1d000-0000-4000-8000-{:012}"
QUENTIN = Candidate(ID.format(175), ("Quentin Wright", "quentin.wright@contoso.example", "E00175"), "Financial analyst")
NAMESAKE = Candidate(ID.format(343), ("Quentin Wright", "quentin.wright@litware.example", "E00343"))
ZOE = Candidate(ID.format(12), ("Zoë Müller", "zoe.mueller@contoso.example", "E00012"))
PEOPLE = (QUENTIN, NAMESAKE, ZOE)


@pytest.mark.parametrize(
    "text",
    [
        "Zoë Müller",
        "zoë müller",
        "  Zoë  Müller ",
        unicodedata.normalize("NFD", "Zoë Müller"),
        "ZOE.MUELLER@contoso.example",
        "e00012",
        ZOE.id,
        ZOE.id.upper(),
    ],
)
def test_whoever_is_called_so_is_meant_by_any_name_as_the_eye_reads_it(text: str) -> None:
    assert look_up(text, PEOPLE).only == ZOE


def test_several_of_one_name_are_all_told_and_nobody_is_chosen() -> None:
    found = look_up("quentin wright", PEOPLE)
    assert found.matches == (QUENTIN, NAMESAKE)
    assert found.only is None
    assert found.nearest == ()


@pytest.mark.parametrize(
    ("text", "first"),
    [("qentin.wright@contoso.example", QUENTIN), ("Zoe Muller", ZOE), ("E00344", NAMESAKE), ("mueller", ZOE)],
)
def test_nobody_of_that_name_is_nobody_and_the_nearest_come_first(text: str, first: Candidate) -> None:
    found = look_up(text, PEOPLE)
    assert found.matches == ()
    assert found.nearest[0] == first
    assert len(found.nearest) <= 3


def test_what_is_like_nobody_has_no_nearest() -> None:
    assert look_up("Xyzzy", PEOPLE) == look_up(" Xyzzy ", PEOPLE)
    assert look_up("Xyzzy", PEOPLE).nearest == ()
    assert look_up("", PEOPLE).matches == ()


def test_an_id_is_never_somebody_elses_name() -> None:
    impostor = Candidate(ID.format(999), (QUENTIN.id,))
    assert look_up(QUENTIN.id, (impostor, *PEOPLE)).only == QUENTIN


@given(st.text(), st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=6))
def test_only_somebody_who_is_called_so_is_ever_meant(text: str, called: list[tuple[str, str]]) -> None:
    people = [Candidate(f"id{number}", labels) for number, labels in enumerate(called)]
    found = look_up(text, people)
    assert found.only is None or found.matches == (found.only,)
    assert not (found.matches and found.nearest)
    again = look_up(text, reversed(people))
    assert set(again.matches) == set(found.matches)
