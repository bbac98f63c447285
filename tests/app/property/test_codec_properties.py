"""Whatever a value of the state is, its row gives it back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.store.codec import Codec
from shared.adapters.store.rows import Row
from shared.domain.billing import BillingProfile
from shared.domain.catalogue import Catalogue
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.daily_limits import Reservations
from shared.domain.guards.holds import KeyHolds
from shared.domain.guards.pauses import Pauses
from shared.domain.history.unmanaged_sightings import Sighted
from shared.domain.remembered import PersonState, ProfileState
from tests.made_values import MOMENTS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
RAW = st.none() | st.dictionaries(st.text(), JSON)
st.register_type_strategy(BillingProfile, st.builds(BillingProfile, properties=st.just({})))

VALUES: Mapping[Any, st.SearchStrategy[Any]] = {
    PersonState: st.from_type(PersonState),
    ProfileState: st.builds(ProfileState, before=RAW, after=RAW, answered=RAW),
    Catalogue: st.from_type(Catalogue),
    KeyHolds: st.from_type(KeyHolds),
    Reservations: st.from_type(Reservations),
    Pauses: st.from_type(Pauses),
    Baseline: st.from_type(Baseline),
    tuple[Sighted, ...]: st.lists(st.from_type(Sighted)).map(tuple),
    Mapping[datetime, bool]: st.dictionaries(MOMENTS, st.booleans()),
}


@given(st.sampled_from([*VALUES]).flatmap(lambda of: st.tuples(st.just(of), VALUES[of])))
def test_a_value_comes_back_from_its_row_as_it_was(case: tuple[Any, Any]) -> None:
    of, value = case
    codec = Codec[Any](of, "value")
    body = codec.body(value)
    assert body.isascii()
    assert codec.value(Row("partition", "key", body, "1")) == value
