"""The daily proof: the whole ledger is audited once a day, in pieces where it is long, and the result is kept."""

import logging

import pytest

from shared.adapters.store.rows import Replace
from shared.domain.history.proof import Proof
from shared.errors import Transient
from shared.services.proof import prove_when_due
from tests.simulation.small_world import FEMKE
from tests.simulation.stage import Stage


async def latest(stage: Stage) -> Proof:
    found = (await stage.app.state.proofs()).value.latest
    assert found is not None
    return found


async def tamper(stage: Stage, key: str) -> None:
    """Somebody changes a record and leaves its digest."""
    partition = f"ledger:{key}"
    row = await stage.ledger_rows.get(partition, "record:000000000001")
    assert row is not None
    text = row.text.replace("2026", "2025", 1)
    await stage.ledger_rows.write(partition, Replace(row.key, text, row.etag))


async def test_a_proof_says_what_was_audited_and_with_which_digest(stage: Stage) -> None:
    proof = await prove_when_due(stage.app)
    assert proof == await latest(stage)
    assert proof.holds
    sequence, digest = await stage.app.ledger.head("digest")
    assert proof.digest == f"{sequence}:{digest}"
    keys = [key async for key in stage.app.ledger.keys()]  # noqa: SIM118 - it is no mapping
    assert proof.chains == len(keys)
    assert proof.records == sum([(await stage.app.ledger.head(key))[0] for key in keys])


async def test_a_day_has_one_proof_and_the_next_day_another(stage: Stage) -> None:
    first = await prove_when_due(stage.app)
    await stage.advance(hours=2)
    stage.ledger_rows.listed.clear()
    assert await prove_when_due(stage.app) is None
    assert stage.ledger_rows.listed == []
    await stage.advance(days=1)
    assert await prove_when_due(stage.app) != first
    assert (await latest(stage)).at > first.at  # type: ignore[union-attr]


async def test_a_long_ledger_is_audited_in_pieces_that_say_as_much_as_one(stage: Stage) -> None:
    for number in range(40):
        await stage.event_about(stage.hire(f"clerk-{number}"))
    await stage.sweep()
    pieces = 0
    while await prove_when_due(stage.app, seconds=0) is None:
        under_way = (await stage.app.state.proofs()).value.under_way
        assert under_way is not None
        pieces += 1
        assert pieces < 20
    assert pieces >= 3
    whole = await latest(stage)
    await stage.advance(days=1)
    at_once = await prove_when_due(stage.app)
    assert at_once is not None
    assert (whole.chains, whole.faults) == (at_once.chains, ())
    assert (await stage.app.state.proofs()).value.under_way is None


async def test_a_changed_record_is_a_fault_with_its_chain_and_an_error_in_the_log(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    await tamper(stage, f"person:{FEMKE}")
    proof = await prove_when_due(stage.app)
    assert proof is not None
    assert not proof.holds
    assert {fault.chain for fault in proof.faults} == {f"person:{FEMKE}"}
    said = [one.getMessage() for one in caplog.records if one.levelno == logging.ERROR]
    assert any(f"ledger proof: person:{FEMKE}: record 1 was changed" in one for one in said), said


async def test_a_fault_found_in_an_early_piece_is_in_the_result(stage: Stage) -> None:
    await tamper(stage, "estate")
    while (proof := await prove_when_due(stage.app, seconds=0)) is None:
        continue
    assert {fault.chain for fault in proof.faults} == {"estate"}


async def test_a_store_that_is_away_leaves_the_proof_to_the_next_run(stage: Stage) -> None:
    stage.ledger_rows.at_read(Transient("away"), "ledger:")
    with pytest.raises(Transient):
        await prove_when_due(stage.app)
    stage.ledger_rows.lift()
    proof = await prove_when_due(stage.app)
    assert proof is not None
    assert proof.holds


async def test_before_the_first_digest_chains_are_proved_in_themselves(set_stage: object) -> None:
    stage: Stage = set_stage()  # type: ignore[operator]
    await stage.event_about(FEMKE)
    proof = await prove_when_due(stage.app)
    assert proof is not None
    assert (proof.digest, proof.holds) == ("", True)
