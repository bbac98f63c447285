"""What services say, without what they repeat."""

import time

import pytest

from shared.domain.redact import redact


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Resource 'anna@contoso.example' does not exist", "Resource (a name)' does not exist"),
        ("the user anna.o'dell@contoso.example, it says", "the user (a name), it says"),
        ("/users/anna%40contoso.example/manager", "(a name)/manager"),
        ("a guest, x_other.example#EXT#@contoso.example", "a guest, (a name)"),
        ("POST https://app.example/api?code=secret failed", "POST (an address) failed"),
        ("see https://aka.ms/help?who=anna", "see https://aka.ms/help"),
        ("see https://anna@aka.ms/help", "see (an address)"),
        ("see https://[broken", "see (an address)"),
        ("Property 'manager@odata.bind' is invalid", "Property 'manager@odata.bind' is invalid"),
        ("quota @ 90 %", "quota @ 90 %"),
        ("principal 7c0f5a0e-0000-4000-8000-000000000001 not found", None),
    ],
)
def test_addresses_and_what_looks_like_a_mail_address_are_taken_out(said: str, kept: str | None) -> None:
    assert redact(said) == (said if kept is None else kept)


@pytest.mark.parametrize(
    "spelled", ["O'Dell 47", "o'dell 47", "O''Dell 47", "O%27Dell%2047", "O'Dell%2047", "O%27%27Dell%2047"]
)
def test_a_known_text_is_taken_out_however_it_is_escaped(spelled: str) -> None:
    assert redact(f"filter '{spelled}' is invalid", "O'Dell 47") == "filter '(the name)' is invalid"


def test_a_known_text_is_not_taken_out_of_words() -> None:
    assert redact("only NL here, not even nl", "nl", "") == "only (the name) here, not even (the name)"


def test_it_is_quick_on_whatever_is_said() -> None:
    begun = time.process_time()
    for letter in "a.%'@/":
        redact(letter * 1_000_000, "a" * 50)
    assert time.process_time() - begun < 5
