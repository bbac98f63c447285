"""How Hypothesis makes values of the core's types: importing this is enough. No test lives here."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, get_args

from hypothesis import strategies as st

from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.reasons import Code, Reason

# No name that billing gives has blanks around it, and a canonical key is read without them.
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="/%"), min_size=1).map(str.strip).filter(bool)
MOMENTS = st.datetimes(timezones=st.just(UTC))

st.register_type_strategy(Mapping, lambda hint: st.dictionaries(*map(st.from_type, get_args(hint))))
st.register_type_strategy(datetime, MOMENTS)
st.register_type_strategy(PersonKey, st.uuids().map(str).map(PersonKey))
st.register_type_strategy(ProfileKey, st.builds(ProfileKey, NAMES, NAMES))


def reasons(facts: st.SearchStrategy[Any]) -> st.SearchStrategy[Reason]:
    """Reasons of any code, with such facts."""
    return st.sampled_from(Code).flatmap(
        lambda code: st.builds(Reason, st.just(code), st.fixed_dictionaries(dict.fromkeys(sorted(code.facts), facts)))
    )


FACTS = st.recursive(
    st.text() | st.integers() | st.lists(st.text()).map(tuple),
    lambda inner: reasons(inner) | st.lists(reasons(inner)).map(tuple),
    max_leaves=4,
)
st.register_type_strategy(Reason, reasons(FACTS))
