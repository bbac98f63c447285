"""Reasons: a code with its facts, as it is made, spelled for a store, and read again."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from shared.domain.reasons import Code, Reason

ROOT = Path(__file__).parents[4]


def test_a_reason_without_one_of_its_facts_is_none() -> None:
    with pytest.raises(ValueError, match="the facts of 'said' are said, and not none"):
        Code.SAID()


def test_a_reason_with_a_fact_of_another_code_is_none() -> None:
    with pytest.raises(ValueError, match="the facts of 'said' are said, and not rules, said"):
        Code.SAID(said="x", rules=("finance",))


@pytest.mark.parametrize("fact", ["words", 3, ("a", "b"), (), Code.SAID(said="x"), (Code.SAID(said="x"),)])
def test_a_reason_is_the_same_after_it_was_stored(fact: Any) -> None:
    reason = Code.SAID(said=fact)
    again = Reason.read(json.loads(json.dumps(reason.as_json())))
    assert again == reason
    assert hash(again) == hash(reason)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"code": "of-tomorrow"}, "this build knows no reason 'of-tomorrow'; a later one wrote it"),
        ({"code": ["said"]}, r"this build knows no reason \['said'\]; a later one wrote it"),
        ({"code": "said"}, "the facts of 'said' are said, and not none"),
        ({"code": "said", "facts": {"sad": "x"}}, "the facts of 'said' are said, and not sad"),
        ({"code": "said", "facts": ["x"]}, "the facts of 'said' are no object"),
        ({"code": "said", "facts": {"said": True}}, "a reason is a code, and its facts"),
        ({"code": "said", "facts": {"said": None}}, "a reason is a code, and its facts"),
        ({"code": "said", "facts": {"said": {"code": "no"}}}, "this build knows no reason 'no'; a later one wrote it"),
        ({"code": "said", "facts": {"said": "x"}, "by": "olga"}, "a reason is a code, and its facts"),
        ("employed", "a reason is a code, and its facts"),
    ],
)
def test_what_is_no_reason_of_this_build_is_refused_in_one_sentence(given: object, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        Reason.read(given)


def test_every_code_is_made_with_its_own_facts_wherever_it_is_made() -> None:
    """Also where no test goes: a call with a fact that is missing or misspelled raises when it runs, which is late."""
    wrong, made = [], set()
    for path in sorted([*ROOT.glob("shared/**/*.py"), *ROOT.glob("cli/*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Attribute(value=ast.Name(id="Code"), attr=name) if path.name != "english.py":
                    made.add(name)
                case ast.Call(func=ast.Attribute(value=ast.Name(id="Code"), attr=name), args=args, keywords=keywords):
                    if args or {one.arg for one in keywords} != Code[name].facts:
                        wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {name}")
    assert wrong == []
    assert made == set(Code.__members__), "what nobody says any more goes"
