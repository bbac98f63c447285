"""One row of assignments that cannot be read costs that row: it is told, and everything else goes on."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.domain.billing import INVOICE_MANAGER
from shared.domain.guards.pauses import Pause, PauseKind
from tests.english import english
from tests.simulation.small_world import DE, DIETER, FEMKE, HARRY, NL, POLICY, by_hand, world
from tests.simulation.stage import Stage

READER = "Billing profile reader"


def with_rows(*rows: Any) -> dict[str, Any]:
    """The small world, with more rows on the Dutch profile."""
    given = world()
    given["billingAccounts"][0]["billingProfiles"][0]["billingRoleAssignments"] += rows
    return given


@pytest.mark.parametrize(
    "odd",
    [
        {"principalType": "Everyone", "role": READER},
        {"principalType": "Everyone", "role": INVOICE_MANAGER},
        {"principalPuid": "10030000BBBBBBBB", "role": READER},
    ],
)
async def test_a_row_without_a_principal_is_told_and_stops_nothing(
    set_stage: Callable[..., Stage], odd: dict[str, Any]
) -> None:
    stage = set_stage(given=with_rows(odd))
    report = await stage.settle()
    assert (report.complete, report.failures, report.pauses) == (True, (), ())
    (told,) = [one for one in report.findings if one.kind == "assignment-not-read"]
    assert told.profile == NL
    assert told.assignment.startswith("40000000-aaaa-bbbb-cccc-10000000000")
    assert "properties.principalId is missing" in english(told.why)
    assert stage.held(FEMKE) == {NL}
    assert stage.held(DIETER) == {DE}
    stage.change(FEMKE, accountEnabled=False)
    report = await stage.settle()
    assert report.complete
    assert stage.held(FEMKE) == set()


async def test_a_check_that_counts_recipients_counts_without_the_row(set_stage: Callable[..., Stage]) -> None:
    asking = POLICY.replace("min_recipients: 0", "min_recipients: 2")
    rows = (by_hand(HARRY), {"principalType": "Everyone", "role": READER})
    stage = set_stage(given=with_rows(*rows), policy=asking)
    await stage.settle()
    stage.change(FEMKE, accountEnabled=False)
    await stage.event_about(FEMKE)
    await stage.run_until_quiet()
    check = await stage.last_check(FEMKE)
    assert stage.held(FEMKE) == set()
    (few,) = [english(note.why) for note in check.notes if note.kind == "few-recipients"]
    assert few.startswith("1 of the 2 people")
    assert Pause(PauseKind.INCOMPLETE_SWEEP) not in (await stage.app.state.pauses()).value.active
