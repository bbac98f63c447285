"""Forms: only one that the page gave to this person, lately, and sent from the page, does anything."""

import pytest

from shared.desk import forms
from shared.desk.asked import FORM, Asked
from shared.desk.forms import Forms, clean, is_from_here, local

OLGA, PETE = "olga", "pete"


def test_a_token_is_good_for_its_form_its_person_and_what_it_is_about() -> None:
    given = Forms(["key"])
    token = given.token("release", OLGA, "as listed")
    assert given.refusal("release", OLGA, token, "as listed") == ""
    for form, person, about in (("dismiss", OLGA, "as listed"), ("release", PETE, "as listed"), ("release", OLGA, "")):
        assert given.refusal(form, person, token, about) == "form-forged"


def test_a_token_of_another_key_or_of_nobody_is_forged() -> None:
    token = Forms(["another key"]).token("release", OLGA)
    assert [Forms(["key"]).refusal("release", OLGA, one) for one in (token, "", "x.y.z", token[:-1])] == [
        "form-forged"
    ] * 4


def test_a_token_of_an_older_key_is_still_good() -> None:
    token = Forms(["old"]).token("release", OLGA)
    assert Forms(["old", "new"]).refusal("release", OLGA, token) == ""


def test_a_token_of_more_than_an_hour_ago_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Forms(["key"])
    token = given.token("release", OLGA)
    monkeypatch.setattr(forms, "HOUR", -1)
    assert given.refusal("release", OLGA, token) == "form-old"


@pytest.mark.parametrize(
    ("headers", "is_ours"),
    [
        ({"origin": "https://page.example", "host": "page.example", "sec-fetch-site": "same-origin"}, True),
        ({"origin": "https://evil.example", "host": "page.example", "sec-fetch-site": "same-origin"}, False),
        ({"origin": "https://page.example", "host": "page.example", "sec-fetch-site": "cross-site"}, False),
        ({"origin": "https://page.example", "host": "page.example"}, False),
        ({"host": "page.example", "sec-fetch-site": "same-origin"}, False),
        ({"origin": "null", "host": "page.example", "sec-fetch-site": "same-origin"}, False),
        ({"origin": "", "host": "", "sec-fetch-site": "same-origin"}, False),
    ],
)
def test_a_form_comes_from_the_page_itself(headers: dict[str, str], is_ours: bool) -> None:
    assert is_from_here(Asked("POST", (), headers=headers)) is is_ours


@pytest.mark.parametrize(
    ("path", "goes"),
    [
        ("/profiles?show=left", "/profiles?show=left"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("/a\r\nSet-Cookie: x=1", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_nobody_is_sent_to_another_site(path: str, goes: str) -> None:
    assert local(path) == goes


def test_whatever_the_address_a_reader_comes_back_to_it_after_the_language() -> None:
    asked = Asked("GET", ("profiles", "Büro 1?", "a/b"), {"show": "é"})
    assert asked.address == "/profiles/B%C3%BCro%201%3F/a%2Fb?show=%C3%A9"
    assert local(asked.address) == asked.address
    assert local("/profiles/Büro") == "/"


@pytest.mark.parametrize("body", [b"a" * 20_000, b"\xff=%ff", b"&".join(b"a=1" for _ in range(50)), b"nothing"])
def test_a_body_that_is_no_form_of_ours_has_no_fields(body: bytes) -> None:
    asked = Asked("POST", (), headers={"content-type": FORM}, body=body)
    assert asked.form is None or set(asked.form) <= {"\ufffd", "a"}


def test_a_form_of_another_media_type_is_none() -> None:
    assert Asked("POST", (), headers={"content-type": "text/plain"}, body=b"q=x").form is None


def test_what_somebody_typed_has_no_control_characters_and_an_end() -> None:
    assert clean({"why": " a\r\nb\x00\u202ec "}, "why", 500) == "a  b  c"
    assert clean({"why": "x" * 900}, "why", 500) == "x" * 500
    assert clean({}, "why", 500) == ""
