"""What is nobody's fault but ours: a bug raises, comes back and ends as a dead letter; and whoever shares a name."""

from dataclasses import replace

import pytest

from shared.domain.keys import NameKey, NameKind, PersonKey
from shared.domain.outcome import Outcome
from shared.domain.people import PersonRead
from tests.simulation.small_world import DE, FEMKE, NL
from tests.simulation.stage import Stage


class WithABug:
    """A directory adapter with a mistake in it: no error of the tree, a plain KeyError."""

    async def person(self, object_id: str, groups: frozenset[str]) -> PersonRead:
        raise KeyError(object_id, groups)


async def test_a_bug_is_no_outcome_it_raises_out_of_reconcile(stage: Stage) -> None:
    stage.app = replace(stage.app, directory=WithABug())  # type: ignore[arg-type] # it lacks the rest on purpose
    before = len(await stage.records(PersonKey(FEMKE)))
    with pytest.raises(KeyError):
        await stage.check(PersonKey(FEMKE))
    assert len(await stage.records(PersonKey(FEMKE))) == before


async def test_a_name_that_two_had_leads_to_a_check_of_both_with_the_hints_of_the_event(stage: Stage) -> None:
    """One has it now, the other had it while they held something: the directory and the memory are both asked."""
    anna = stage.hire("anna", mail="team@contoso.example")
    await stage.event_about(anna)
    assert stage.held(anna) == {NL}
    stage.change(anna, mail="anna.other@contoso.example")
    await stage.event_about(anna)
    bert = stage.hire("bert", mail="team@contoso.example")
    outcome = await stage.check(NameKey(NameKind.MAIL, "team@contoso.example"), hints=(DE,))
    assert outcome is Outcome.DONE
    waiting = {item.key: item.hints for due, item in stage.queues.items() if due <= stage.now}
    assert waiting[PersonKey(anna)] == waiting[PersonKey(bert)] == (DE,)
    await stage.run_until_quiet()
    assert stage.held(bert) == {NL}
