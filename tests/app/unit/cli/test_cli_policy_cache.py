"""A policy that was read before is known again while its file says the same; what was left is never trusted blindly."""

import json
import stat
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Final

import pytest

from cli import cache, policy_cache
from shared.domain.policy.example import Examples
from shared.domain.policy.load import load_policy
from shared.domain.policy.model import Policy
from shared.errors import Misconfigured
from tests.app.policy_texts import LEAST, WHOLE

RICH: Final = (
    WHOLE
    + """\
grants:
  - { name: auditor, person: vera@example.com, profiles: [{ name: Contoso UK }], until: 2126-03-31, why: audit }
  - { name: by-id, person: 7C0F5A0E-0000-4000-8000-00000000000B, profiles: all, guests: true, why: by id }
decisions: { two_people: { above: 10, always: [resume, policy] } }
tests: { profiles: [{ name: Contoso UK }], examples: [{ name: a, person: { city: X }, gets: none }] }
"""
).replace(
    "rules:\n",
    """\
rules:
  - name: nested
    who: "not (city eq 'O''Neill' or startsWith(jobTitle,'Fin')) and department in ('A', 'B') and city ne 'X'"
    profiles: [{ account: bbbb }, { profile: P1 }]
    guests: external_members
""",
    1,
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "invoice-access" / "policy.json"


@pytest.fixture
def read(tmp_path: Path, place: Path) -> Callable[[str], Policy]:
    file = tmp_path / "policy.yaml"

    def given(text: str) -> Policy:
        file.write_text(text, encoding="utf-8")
        return policy_cache.read_policy({"INVOICE_ACCESS_POLICY": str(file)})

    return given


def bare(policy: Policy) -> Policy:
    return replace(policy, tests=Examples())


@pytest.mark.parametrize("text", [LEAST, WHOLE, RICH], ids=["least", "whole", "rich"])
def test_a_policy_comes_back_as_it_was(text: str) -> None:
    policy = load_policy(text)
    back = policy_cache.from_json(json.loads(json.dumps(policy_cache.as_json(policy))))
    assert back == bare(policy)
    for rule, again in zip(policy.rules, back.rules, strict=True):
        # What does not count when filters or grants are compared comes back as well.
        assert (rule.who and (rule.who.requests, rule.who.attributes, rule.who.root)) == (
            again.who and (again.who.requests, again.who.attributes, again.who.root)
        )
        assert (rule.grant and rule.grant.why) == (again.grant and again.grant.why)


def test_every_field_of_a_policy_is_another_one_in_the_richest_example() -> None:
    rich, least = load_policy(RICH), load_policy(LEAST)
    same = {one.name for one in fields(Policy) if getattr(rich, one.name) == getattr(least, one.name)}
    assert same == {"check_days", "stale_leave_days", "date_zones"}


def test_the_second_time_it_is_what_was_left(read: Callable[[str], Policy], place: Path) -> None:
    first = read(WHOLE)
    kept = json.loads(place.read_text(encoding="utf-8"))
    assert stat.S_IMODE(place.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR
    kept["policy"]["digest"] = "as it was left"
    place.write_text(json.dumps(kept), encoding="utf-8")
    assert read(WHOLE) == replace(bare(first), digest="as it was left")


def test_a_file_that_says_something_else_is_read(read: Callable[[str], Policy]) -> None:
    read(WHOLE)
    assert read(LEAST) == load_policy(LEAST)
    assert read(WHOLE) == load_policy(WHOLE)


@pytest.mark.parametrize(
    "spoilt",
    [
        lambda kept: kept | {"policy": {}},
        lambda kept: kept | {"policy": kept["policy"] | {"rules": [{"name": "x"}]}},
        lambda kept: kept | {"policy": kept["policy"] | {"time_zone": "Nowhere/Else"}},
        lambda _: [],
        lambda _: {},
    ],
)
def test_what_somebody_wrote_into_it_is_not_taken(
    spoilt: Callable[[dict[str, object]], object], read: Callable[[str], Policy], place: Path
) -> None:
    read(WHOLE)
    place.write_text(json.dumps(spoilt(json.loads(place.read_text(encoding="utf-8")))), encoding="utf-8")
    assert bare(read(WHOLE)) == bare(load_policy(WHOLE))
    place.write_text("{", encoding="utf-8")
    assert bare(read(WHOLE)) == bare(load_policy(WHOLE))


def test_where_nothing_can_be_left_the_policy_is_read_all_the_same(
    read: Callable[[str], Policy], tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file in the way", encoding="utf-8")
    assert read(WHOLE) == load_policy(WHOLE)
    assert cache.read("policy.json") is None


def test_mistakes_are_told_each_time(read: Callable[[str], Policy]) -> None:
    for _ in range(2):
        with pytest.raises(Misconfigured, match="there is no such key"):
            read("version: 1\nrulez: []\n")


def test_a_file_that_is_not_there_is_told(place: Path, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="INVOICE_ACCESS_POLICY names the policy file"):
        policy_cache.read_policy({"INVOICE_ACCESS_POLICY": str(tmp_path / "nowhere.yaml")})
