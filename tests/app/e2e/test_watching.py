"""The timers that watch, on the sandbox: queues are looked at by AMQP, the ledger is proved, and both are kept."""

import json
from pathlib import Path

from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from sandbox.contoso import names
from sandbox.settings import Options
from sandbox.up import running
from shared.adapters.store.rows_sqlite import SqliteRows
from shared.adapters.store.state import RowsState


async def test_a_look_and_a_proof_are_left_in_the_store_for_whoever_asks(tmp_path: Path) -> None:
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/hr/contoso",
        "type": "hired",
        "subject": f"id:{names.MIKKEL_HANSEN}",
    }
    async with running(Options(state=tmp_path)) as sandbox:
        async with ServiceBusClient.from_connection_string(sandbox.service_bus) as client:
            async with client.get_queue_sender("people-events") as sender:
                await sender.send_messages([ServiceBusMessage(json.dumps(event)), ServiceBusMessage("no event")])
            async with client.get_queue_receiver("rejected-events") as receiver:
                assert await receiver.peek_messages(1) or await receiver.receive_messages(1, max_wait_time=20)
        assert sandbox.host is not None
        for function in ("sweep", "proof", "health"):
            assert (await sandbox.host.run_now(function, "")).ok
    rows = SqliteRows(tmp_path / "ledger.sqlite")
    state = RowsState(rows)
    health, proofs = await state.health(), (await state.proofs()).value
    await rows.close()
    assert health is not None
    assert {one.queue for one in health.shelves if one.count is None} == {"access-work"}
    assert health.rejected is not None
    assert health.rejected.count == 1
    assert health.dead.count == 0
    assert [one.source for one in health.sources] == ["/hr/contoso"]
    assert proofs.latest is not None
    assert proofs.latest.holds
