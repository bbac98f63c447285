"""The words of reasons: every code has them, and they say its facts."""

from string import Formatter

import pytest

from shared.domain.reasons import Code, Fact
from shared.wording.english import ENGLISH
from shared.wording.say import say


@pytest.mark.parametrize("code", Code)
def test_every_code_has_words_that_say_all_of_its_facts_and_no_others(code: Code) -> None:
    said = {name for _, name, _, _ in Formatter().parse(ENGLISH[code]) if name is not None}
    assert said == code.facts


@pytest.mark.parametrize(
    ("template", "fact", "said"),
    [
        ("{said}", "as it is", "as it is"),
        ("{said}", 3, "3"),
        ("{said}", ("a", "b"), "a, b"),
        ("{said}", (Code.EMPLOYED(), Code.EMPLOYED()), "employed; employed"),
        ("because {said}", Code.EMPLOYED(), "because employed"),
        ("{said:time}", "2026-03-02T10:00:00+01:00", "2026-03-02 09:00 UTC"),
        ("{said} {said:person|people}", 1, "1 person"),
        ("{said} {said:person|people}", 0, "0 people"),
        ("{said:rule|rules} {said}", ("a",), "rule a"),
        ("{said:rule|rules} {said}", ("a", "b"), "rules a, b"),
        ("{said:on=given|off=taken}", "off", "taken"),
        ("{said:on=given|off=taken}", "neither", "neither"),
        ("{said:+ and }", ("a", "b"), "a and b"),
        ("{said:?not said}", "", "not said"),
        ("{said:?not said}", "Active", "Active"),
        ("{said:shown}", "a\u00a0b", "'a\\u00a0b'"),
    ],
)
def test_a_fact_is_shown_as_its_template_says(template: str, fact: Fact, said: str) -> None:
    assert say(Code.SAID(said=fact), {**ENGLISH, Code.SAID: template}) == said


def test_another_language_is_another_table_and_nothing_else() -> None:
    dutch = {Code.EMPLOYED: "in dienst", Code.SAID: "omdat {said}"}
    assert say(Code.SAID(said=Code.EMPLOYED()), dutch) == "omdat in dienst"


def test_a_decomposed_accent_is_told_apart_from_the_name_that_looks_the_same() -> None:
    said = say(Code.TEXT_BUT_THERE_IS(text="Socie\u0301te\u0301", near="Soci\u00e9t\u00e9"))
    assert said == r"'Socie\u0301te\u0301', but there is 'Société'"
