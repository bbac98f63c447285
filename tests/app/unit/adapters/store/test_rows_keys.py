"""Keys in Table Storage's spelling: reversible, in the same order, and without what it forbids."""

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.store.rows import KEY_CHARACTERS, after, fitting
from shared.adapters.store.rows_tables import spell, unspell

KEYS = st.text(st.characters(max_codepoint=0x7F), max_size=30)
FORBIDDEN = set("/\\#?%' ") | {chr(code) for code in range(0x20)} | {"\x7f"}


@given(KEYS)
def test_a_spelled_key_is_found_again_and_holds_nothing_forbidden(key: str) -> None:
    spelled = spell(key)
    assert unspell(spelled) == key
    assert spelled.isascii()
    assert not FORBIDDEN & set(spelled)
    assert len(spelled) <= 3 * len(key)


@given(KEYS, KEYS)
def test_spelled_keys_compare_as_the_keys_do(one: str, other: str) -> None:
    assert (spell(one) < spell(other)) == (one < other)


@given(KEYS.filter(bool).filter(lambda prefix: prefix[-1] != "\x7f"), KEYS)
def test_what_comes_after_a_prefix_is_after_all_that_begins_with_it(prefix: str, rest: str) -> None:
    assert prefix <= prefix + rest < after(prefix)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_has_a_key_of_its_own_that_fits(text: str) -> None:
    key = fitting("room:", text)
    assert key.isascii()
    assert len(key) <= KEY_CHARACTERS
    assert key == f"room:{text}" or len(key) == len("room:sha256:") + 64
