"""What is too much for one is split, in order, into as few as hold it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.by_size import by_size


@given(st.lists(st.integers(0, 12)), st.integers(1, 10), st.integers(1, 5))
def test_groups_hold_everything_in_order_and_none_could_take_the_next_item(
    sizes: list[int], most: int, most_items: int
) -> None:
    groups = list(by_size(sizes, lambda size: size, most=most, most_items=most_items))
    assert [size for group in groups for size in group] == sizes
    for group in groups:
        assert 1 <= len(group) <= most_items
        assert sum(group) <= most or len(group) == 1
    for group, following in pairwise(groups):
        assert len(group) == most_items or sum(group) + following[0] > most
