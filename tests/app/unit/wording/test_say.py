"""The words of reasons: every code has them, and they say its facts."""

from string import Formatter
from zoneinfo import ZoneInfo

import pytest

from shared.domain.reasons import Code, Fact
from shared.wording.english import ENGLISH
from shared.wording.languages import TABLES, language
from shared.wording.say import Table, say


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
@pytest.mark.parametrize("code", Code)
def test_every_code_has_words_that_say_all_of_its_facts_and_no_others(code: Code, table: Table) -> None:
    said = {name for _, name, _, _ in Formatter().parse(table[code]) if name is not None}
    assert said == code.facts


@pytest.mark.parametrize(("code", "alike"), [("nl", {Code.HAS_TEXT}), ("sv", set())])
def test_no_words_of_another_language_are_english(code: str, alike: set[Code]) -> None:
    same = {one for one in Code if TABLES[code][one] == ENGLISH[one]}
    assert {one for one in same if any(text.strip(" :,;") for text, *_ in Formatter().parse(ENGLISH[one]))} == alike


def test_a_language_writes_days_moments_and_attributes_in_its_own_way() -> None:
    amsterdam = ZoneInfo("Europe/Amsterdam")
    left = Code.LEAVE_DATE_PAST(left="2026-07-02T23:30:00+00:00")
    assert language("nl").say(left, amsterdam) == "de datum uit dienst is voorbij (3 juli 2026 01:30)"
    over = Code.MAILS_ON(day="2026-05-05", profiles=1, each=2)
    assert language("sv").say(over) == "5 maj 2026: 1 profil, 2 personer var"
    assert language("nl").say(Code.HAS_NO_TEXT(attribute="jobTitle")) == "functie is leeg"
    assert language("nl").say(Code.HAS_NO_TEXT(attribute="extra")) == "extra is leeg"


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
        ("{said:day?not known}", "", "not known"),
        ("{said:day?not known}", "2026-03-02", "2026-03-02"),
        ("{said:named}", "jobTitle", "jobTitle"),
        ("{said:shown}", "", "''"),
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
