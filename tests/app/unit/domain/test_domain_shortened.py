"""A record that is too long: what goes first, and what is left in the end."""

from typing import Any

from shared.domain.shortened import SHORTENED, cuts

RECORD: dict[str, Any] = {
    "outcome": "done",
    "why": "x" * 900,
    "attempt": 3,
    "wanted": {"a/1": ["rule"], "a/2": ["rule"]},
    "read": ["a/1", "a/2", "a/3"],
    "held": {"a/1": {"rules": ["rule"]}},
    "actions": [{"action": "grant", "profile": "a/1"}],
    "next": [{"kind": "settle"}],
}


def test_what_can_be_read_again_goes_before_what_was_done() -> None:
    gone = [set(RECORD) - set(short) for short in cuts(RECORD)]
    assert gone == [
        {"wanted"},
        {"wanted", "read"},
        {"wanted", "read", "held"},
        {"wanted", "read", "held", "actions"},
        {"wanted", "read", "held", "actions", "next"},
    ]


def test_a_field_is_whole_or_gone_and_the_record_says_how_much_it_was() -> None:
    for short in cuts(RECORD):
        assert {name: short[name] for name in short if name in RECORD and name != "why"}.items() <= RECORD.items()
        assert short[SHORTENED] == {name: len(RECORD[name]) for name in RECORD if name not in short}


def test_what_is_left_in_the_end_is_short() -> None:
    *_, last = cuts({**RECORD, "why": "x" * 10_000_000, "more": ["y" * 10_000_000]})
    assert len(str(last)) < 1_000
