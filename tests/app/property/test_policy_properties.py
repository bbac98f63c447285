"""Whatever stands in policy.yaml, it loads or every mistake is told."""

import json
import re
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.policy.load import load_policy
from shared.domain.policy.model import Policy
from shared.errors import Misconfigured
from tests.app.policy_texts import WHOLE

MISTAKE: Final = re.compile(r"line \d+, column \d+: .+", re.DOTALL)
SNIPPETS: Final = (
    "", ":", " ", "\n", "- ", "[", "]", "{", "}", "'", '"', "#", "&a ", "*a", "!x ", "|", ">", "? ", "---\n", "...\n",
    "%YAML 1.1\n", "\t", "null", "5", "-1", "1.5", "true", "\\", "\u0007", "\u2028", "\ufeff", "\x85", "~", "<<: ",
    "e", "name: x\n", "*", "{companyName}", "{", "Europe", "../..", "\0",
)  # fmt: skip
WORDS: Final = (
    "version", "accounts", "enforce", "rules", "name", "who", "member_of", "profiles", "guests", "account", "profile",
    "tag", "email_invoicing", "opt_in", "employment", "time_zone", "daily_limits", "grants", "floor", "protected",
    "other",
)  # fmt: skip


def loaded(text: str) -> Policy | None:
    """The policy, or None where the mistakes were told as they should be."""
    try:
        return load_policy(text)
    except Misconfigured as error:
        wrong = error
    assert wrong.mistakes
    assert all(MISTAKE.fullmatch(mistake) for mistake in wrong.mistakes)
    assert list(wrong.mistakes) == list(dict.fromkeys(wrong.mistakes))
    return None


@st.composite
def mutations(draw: st.DrawFn) -> str:
    text = WHOLE
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 3, 20])))
        text = text[:start] + draw(st.sampled_from(SNIPPETS)) + text[end:]
    return text


scalars = st.none() | st.booleans() | st.integers(-5, 200) | st.floats(0, 1) | st.text(max_size=5)
words = st.sampled_from(WORDS)
values: st.SearchStrategy[Any] = st.recursive(
    scalars | st.sampled_from(["all", "none", "city eq 'x'", "1/2/3 %", "UTC"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)


@given(mutations())
def test_a_policy_with_slips_of_the_hand_loads_or_is_refused(text: str) -> None:
    loaded(text)


@given(st.text(max_size=80) | st.lists(st.sampled_from(SNIPPETS), max_size=12).map("".join))
def test_any_text_loads_or_is_refused(text: str) -> None:
    loaded(text)


@given(st.dictionaries(words, values, max_size=6))
def test_any_shape_loads_or_is_refused(shape: dict[str, Any]) -> None:
    policy = loaded(json.dumps({"version": 1, "rules": [], **shape}))
    # JSON is YAML: how it is laid out says nothing.
    assert (
        loaded(json.dumps({**shape, "rules": shape.get("rules", []), "version": shape.get("version", 1)}, indent=1))
        == policy
    )


@given(st.permutations(range(3)))
def test_the_digest_does_not_depend_on_the_order_of_rules(order: list[int]) -> None:
    head = "version: 1\nrules:\n"
    rules = [f"  - {{profiles: all, who: city eq '{n}', name: r{n}}}\n" for n in range(3)]
    shuffled = load_policy(head + "".join(rules[n] for n in order))
    assert shuffled.digest == load_policy(head + "".join(rules)).digest
