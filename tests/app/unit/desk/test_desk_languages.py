"""The languages of the page: whose a reader gets, and that each has words for everything."""

import pytest

from cli.describe_catalogues import catalogue, catalogues
from shared.desk.asked import Asked
from shared.desk.languages import CATALOGUES, chosen, translations
from shared.wording.attributes import ATTRIBUTES
from shared.wording.languages import LANGUAGES, TABLES

OTHERS = sorted(LANGUAGES.keys() - {"en"})


def test_every_language_but_english_has_a_catalogue() -> None:
    assert {path.stem for path in CATALOGUES.iterdir()} == set(OTHERS)
    assert LANGUAGES.keys() == TABLES.keys() == ATTRIBUTES.keys()


def test_the_catalogues_have_the_messages_of_the_page_and_no_others() -> None:
    stale = [path.name for path, text in catalogues().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run: make describe"


@pytest.mark.parametrize("code", OTHERS)
def test_every_message_has_words_that_somebody_read(code: str) -> None:
    messages = [message for message in catalogue(code) if message.id]
    unsaid = [message.id for message in messages if not all(_forms(message.string)) or message.fuzzy]
    assert len(messages) > 500
    assert unsaid == [], f"write their words into shared/desk/locale/{code}.po"


def _forms(words: object) -> tuple[object, ...]:
    return tuple(words) if isinstance(words, (list, tuple)) else (words,)


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_has_every_form_and_placeholder_of_its_message(code: str) -> None:
    assert [(message.id, str(errors[0])) for message, errors in catalogue(code).check()] == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_message_in_several_forms_is_said_in_each(code: str) -> None:
    words = translations(code)
    said = {words.ngettext("%(number)s minute", "%(number)s minutes", count) for count in (0, 1, 2)}
    assert len(said - {"%(number)s minute", "%(number)s minutes"}) == 2


@pytest.mark.parametrize("code", OTHERS)
def test_every_attribute_that_has_a_name_has_one_in_each_language(code: str) -> None:
    assert ATTRIBUTES[code].keys() == ATTRIBUTES["en"].keys()


@pytest.mark.parametrize(
    ("asked_for", "cookie", "code"),
    [
        ("nl-BE,nl;q=0.9,en;q=0.8", "", "nl"),
        ("sv", "", "sv"),
        ("fr,de;q=0.9", "", "en"),
        ("fr, sv;q=0.5, nl;q=0.7", "", "nl"),
        ("nl;q=0, sv;q=0.1", "", "sv"),
        ("*", "", "en"),
        ("", "", "en"),
        ("nl;q=x,sv", "", "sv"),
        ("sv", "nl", "nl"),
        ("sv", "xx", "sv"),
        ("\u00e9, nl", "", "nl"),
    ],
)
def test_a_reader_gets_what_they_chose_or_what_the_browser_prefers(asked_for: str, cookie: str, code: str) -> None:
    headers = {"accept-language": asked_for, "cookie": f"language={cookie}" if cookie else ""}
    assert chosen(Asked("GET", (), headers=headers)) == code
