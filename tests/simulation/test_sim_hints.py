"""A hint widens what a check reads, and only to what billing lists: whoever sends work may write anything there."""

import pytest

from shared.domain.keys import PersonKey, ProfileKey
from tests.simulation.small_world import EA, FEMKE, MCA, NL
from tests.simulation.stage import Stage


@pytest.mark.parametrize(
    "hint", [ProfileKey(MCA, "GONE-BG7"), ProfileKey(EA, "NL-BG7"), ProfileKey("nobody", "NL-BG7")]
)
async def test_a_hint_at_a_profile_that_nobody_lists_leads_nowhere(stage: Stage, hint: ProfileKey) -> None:
    await stage.enqueue(PersonKey(FEMKE), hints=(hint,))
    await stage.advance(minutes=10)
    check = await stage.last_check(FEMKE)
    assert stage.held(FEMKE) == {NL}
    assert check.read == (NL,)
    assert not stage.queues.waiting
    assert not stage.raised
