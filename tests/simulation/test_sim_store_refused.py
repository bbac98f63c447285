"""A store that refuses, is full or damaged: nothing is written to Azure, and whatever waits goes on waiting."""

import json

import pytest

from sandbox.faults import Effect
from shared.adapters.store.ledger_rows import RECORD
from shared.adapters.store.rows import Insert, Operation, Rows, text_of
from shared.domain.keys import NameKey, NameKind, PersonKey
from shared.domain.outcome import Outcome
from shared.domain.work import CauseKind
from shared.errors import InvoiceAccessError, Permanent, StoreRefused, TooLarge, Transient
from tests.english import english
from tests.simulation.small_world import NL
from tests.simulation.stage import Stage

FULL = StoreRefused("'rows.sqlite': the disk is full (database or disk is full)")
REFUSED = StoreRefused("table 'invoiceaccess' answered 403 AuthorizationPermissionMismatch")
DAMAGED = Permanent("row 'head' in 'ledger:…' is no head of a chain")
AWAY = Transient("table 'invoiceaccess' did not answer within 10 s")

UNKNOWN = NameKey(NameKind.EMPLOYEE_ID, "e77")


def break_off(stage: Stage, failure: InvoiceAccessError | None, *, reads: bool) -> None:
    """Ledger and state refuse what is written, and what is read as well, from now on; without a failure nothing."""
    for store in (stage.ledger_rows, stage.state_rows):
        store.lift()
        if failure is not None:
            store.at_write(failure)
        if failure is not None and reads:
            store.at_read(failure)


@pytest.mark.parametrize("reads", [True, False], ids=["reads refused as well", "writes refused"])
@pytest.mark.parametrize("failure", [FULL, AWAY, DAMAGED], ids=["full", "away", "damaged"])
async def test_while_the_store_refuses_nothing_is_written_and_everybody_waits(
    stage: Stage, failure: InvoiceAccessError, *, reads: bool
) -> None:
    anna = stage.hire("anna")
    await stage.tell(f"id:{anna}")
    await stage.tell("employee-id:e77")
    before, written, checks = stage.everything_held(), stage.writes(), len(stage.outcomes)
    break_off(stage, failure, reads=reads)
    await stage.advance(hours=30)
    assert stage.everything_held() == before
    assert stage.writes() == written
    assert not stage.raised
    assert not stage.queues.dead
    assert not stage.queues.rejected
    assert {outcome for _, outcome in stage.outcomes[checks:]} == {Outcome.RETRY}
    assert len(stage.awaited(anna)) == 1
    assert len(stage.awaited(UNKNOWN)) == 1
    break_off(stage, None, reads=reads)
    await stage.advance(hours=1)
    assert stage.held(anna) == {NL}
    assert [kind for kind, _ in stage.awaited(UNKNOWN)] == ["wait"]
    ben = stage.hire("ben", employeeId="e77")
    await stage.advance(hours=12)
    assert stage.held(ben) == {NL}


async def test_a_store_that_refuses_alerts_at_once_and_one_that_is_away_does_not(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    anna = stage.hire("anna")
    break_off(stage, AWAY, reads=True)
    assert await stage.check(PersonKey(anna)) is Outcome.RETRY
    assert "alert" not in caplog.text
    break_off(stage, REFUSED, reads=True)
    assert await stage.check(PersonKey(anna)) is Outcome.RETRY
    assert '"alert": "a person has to act"' in caplog.text
    assert "AuthorizationPermissionMismatch" in caplog.text


async def test_a_chain_that_cannot_be_read_keeps_one_check_waiting_however_many_ask(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.ledger_rows.at_read(DAMAGED, f"ledger:person:{anna}")
    for _ in range(60):
        await stage.enqueue(PersonKey(anna), CauseKind.SWEEP)
        await stage.advance(hours=1)
    await stage.advance(hours=25)
    assert len(stage.awaited(anna)) == 1
    checks = len(stage.outcomes)
    await stage.advance(days=1)
    assert len(stage.outcomes) - checks <= 97
    stage.ledger_rows.lift()
    await stage.advance(hours=1)
    assert stage.held(anna) == {NL}
    assert not stage.raised


async def test_what_a_check_rejects_is_rejected_once_it_can_be_recorded(stage: Stage) -> None:
    await stage.tell("employee-id:e77")
    await stage.advance(days=13, hours=23)
    stage.ledger_rows.at_write(FULL)
    await stage.advance(days=2)
    assert not stage.queues.rejected
    stage.ledger_rows.lift()
    await stage.advance(days=1)
    assert [event.reason for event in stage.queues.rejected] == [
        "nobody was ever called that, up to 14 days past the effective date"
    ]
    assert stage.awaited(UNKNOWN) == []


@pytest.mark.parametrize("status", [403, 503])
async def test_a_name_that_cannot_be_looked_for_goes_to_its_sender_after_a_day(stage: Stage, status: int) -> None:
    stage.fault("graph", Effect(status=status))
    await stage.tell("employee-id:e77")
    await stage.advance(hours=23)
    assert len(stage.awaited(UNKNOWN)) == 1
    await stage.advance(hours=2)
    assert stage.awaited(UNKNOWN) == []
    [event] = stage.queues.rejected
    assert str(status) in event.reason
    assert "once that is fixed" in event.remedy
    assert (await stage.last_check(UNKNOWN)).outcome == "gave-up"
    stage.faults.lift()
    ben = stage.hire("ben", employeeId="e77")
    await stage.receive(event.body)
    await stage.run_until_quiet()
    assert stage.held(ben) == {NL}


async def test_a_name_that_graph_refuses_for_an_hour_is_looked_for_again(stage: Stage) -> None:
    stage.fault("graph", Effect(status=403))
    ben = stage.hire("ben", employeeId="e77")
    await stage.tell("employee-id:e77")
    await stage.advance(hours=1)
    stage.faults.lift()
    await stage.advance(hours=1)
    assert stage.held(ben) == {NL}


class Narrow:
    """`Rows` in which a ledger's record holds few characters."""

    def __init__(self, behind: Rows, characters: int) -> None:
        self._behind = behind
        self._characters = characters
        self.get, self.range, self.close = behind.get, behind.range, behind.close

    async def write(self, partition: str, *operations: Operation) -> tuple[str, ...]:
        for each in operations:
            if isinstance(each, Insert) and each.key.startswith(RECORD):
                length = len(json.dumps(json.loads(text_of(each.body))["body"], separators=(",", ":")))
                if length > self._characters:
                    raise TooLarge(f"the record would be {length} characters; a record holds {self._characters}")
        return await self._behind.write(partition, *operations)


async def test_a_check_whose_record_never_fits_is_recorded_all_the_same(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.ledger_rows.behind = Narrow(stage.ledger_rows.behind, 250)
    assert await stage.check(PersonKey(anna)) is Outcome.GAVE_UP, "its intent does not fit"
    check = await stage.last_check(anna)
    assert check.outcome == "gave-up"
    assert "would be" in english(check.why)
    assert stage.held(anna) == set()


async def test_a_check_whose_record_is_too_long_tells_what_was_done(stage: Stage) -> None:
    anna = stage.hire("anna")
    stage.ledger_rows.behind = Narrow(stage.ledger_rows.behind, 500)
    assert await stage.check(PersonKey(anna)) is Outcome.DONE
    check = await stage.last_check(anna)
    assert [action.outcome for action in check.actions] == ["done"]
    assert (check.shortened or {})["wanted"] == 1
    assert check.wanted is None
    assert stage.held(anna) == {NL}
    assert not stage.raised
