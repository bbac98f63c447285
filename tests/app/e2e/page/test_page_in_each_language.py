"""Every page of a Contoso with two weeks behind it, in Dutch and Swedish: no word is of another language."""

import json
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from sandbox.contoso import contoso
from sandbox.contoso.names import FELIX_SMIT
from tests.app.e2e.page.test_page_in_chromium import ADDRESSES
from tests.simulation.page_words import OTHERS, Shown, language_words, said_by_others, words_of, world_words

MORE: Final = ("finance-nl", "own-company", "treasury-group", "Europe/Amsterdam", "Noor de Wit", "Sofie Jansen")
"""What the rules of its policy are called, its time zone, and whoever was hired within the two weeks."""


@pytest.fixture(scope="module")
def client(page: str) -> Iterator[httpx.Client]:
    """Felix Smit, an operator, who signed in."""
    with httpx.Client(base_url=page, follow_redirects=True, timeout=30) as found:
        found.get(f"/.auth/login/aad?as={FELIX_SMIT}").raise_for_status()
        yield found


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("path", ADDRESSES)
def test_a_page_has_no_word_of_another_language(client: httpx.Client, path: str, code: str) -> None:
    html = client.get(path, headers={"accept-language": code}).text
    assert f'<html lang="{code}">' in html
    document = client.get(f"/api{path}" if path != "/" else "/api/overview").text
    known = language_words(code) | world_words(contoso(), *MORE) | words_of(path)
    known |= said_by_others(json.loads(document))
    texts = Shown(html, code).texts
    assert {text.strip(): words for text in texts if (words := words_of(text) - known)} == {}
