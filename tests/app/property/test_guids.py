"""One check says what a GUID is; the schema of our events, which is for senders, says the same."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.guids import EXAMPLE, is_guid
from shared.sources.event_model import GUID

NEARLY = st.text("0123456789abcdefABCDEFg-{} \n\u0661\uff10", min_size=30, max_size=40)


@given(st.from_regex(GUID, fullmatch=True) | NEARLY | st.uuids().map(str) | st.text())
@example(EXAMPLE)
@example(EXAMPLE.upper())
@example(EXAMPLE + "\n")
@example(f"{{{EXAMPLE}}}")
@example(EXAMPLE.replace("-", ""))
def test_a_text_is_a_guid_where_the_schema_of_our_events_says_so(text: str) -> None:
    assert is_guid(text) == (re.fullmatch(GUID, text) is not None)
