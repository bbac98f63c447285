"""Who decides about holds, as the policy says it: what each form means, and what is wrong with others."""

import pytest

from shared.domain.policy.load import load_policy
from shared.domain.policy.model import Always, TwoPeople
from shared.errors import Misconfigured

BEFORE = "version: 1\nrules: []\n"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", None),
        ("decisions: {}", None),
        ("decisions: { two_people: none }", TwoPeople()),
        ("decisions: { two_people: { above: 0 } }", TwoPeople(0)),
        ("decisions: { two_people: { above: 10, always: [resume, policy] } }", TwoPeople(10, frozenset(Always))),
        ("decisions: { two_people: { always: [policy] } }", TwoPeople(None, frozenset({Always.POLICY}))),
    ],
)
def test_a_policy_says_what_takes_two_people_and_is_the_same_policy(said: str, meant: TwoPeople | None) -> None:
    policy = load_policy(BEFORE + said)
    assert policy.two_people == meant
    assert policy.digest == load_policy(BEFORE).digest


@pytest.mark.parametrize(
    ("two_people", "mistake"),
    [
        ("{}", "decisions.two_people: nothing is written here; give above, always or both, or write none"),
        ("maybe", "decisions.two_people: 'maybe' is neither a mapping nor a word known here; allowed are none"),
        ("{ abov: 1 }", "decisions.two_people.abov: there is no such key; did you mean 'above'?"),
        ("{ above: -1 }", "decisions.two_people.above: -1 is too little"),
        ("{ above: ten }", "decisions.two_people.above: 'ten' is not a whole number"),
        ("{ always: [pause] }", "decisions.two_people.always[0]: Input should be 'resume' or 'policy'"),
        ("{ always: [] }", "decisions.two_people.always"),
    ],
)
def test_what_says_nothing_or_something_else_is_a_mistake(two_people: str, mistake: str) -> None:
    with pytest.raises(Misconfigured) as wrong:
        load_policy(f"{BEFORE}decisions: {{ two_people: {two_people} }}\n")
    (said,) = wrong.value.mistakes
    assert mistake in said
