"""The app in Microsoft's worker library: what it registers, and what stops its start."""

import json
from pathlib import Path

import httpx
import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from sandbox.host.host import HostStartError
from sandbox.settings import Mode, Options
from sandbox.up import running
from shared.domain.keys import PersonKey, session_id


async def test_the_functions_on_queues_and_timers_are_there_with_their_triggers(tmp_path: Path) -> None:
    async with running(Options(state=tmp_path)) as sandbox, httpx.AsyncClient() as client:
        shown = {entry["name"]: entry for entry in (await client.get(f"{sandbox.functions}/admin/functions")).json()}
    triggers = {name: entry["trigger"] for name, entry in shown.items()}
    on_http = {name for name, trigger in triggers.items() if trigger["type"] == "httpTrigger"}
    assert set(triggers) - on_http == {"health", "intake", "mail_check", "proof", "reconcile", "sweep", "subscriptions"}
    assert triggers["intake"] == {
        "type": "serviceBusTrigger",
        "queueName": "people-events",
        "isSessionsEnabled": False,
        "cardinality": "many",
    }
    assert triggers["reconcile"] == {
        "type": "serviceBusTrigger",
        "queueName": "access-work",
        "isSessionsEnabled": True,
        "cardinality": "one",
    }
    assert triggers["sweep"] == {"type": "timerTrigger", "schedule": "0 0 * * * *"}
    assert triggers["health"] == {"type": "timerTrigger", "schedule": "0 1-59/5 * * * *"}
    assert triggers["proof"] == {"type": "timerTrigger", "schedule": "0 15 * * * *"}
    assert triggers["subscriptions"] == {"type": "timerTrigger", "schedule": "0 30 * * * *"}
    assert triggers["mail_check"] == {"type": "timerTrigger", "schedule": "0 45 * * * *"}


async def test_a_wrong_policy_and_wrong_settings_stop_the_start_with_every_mistake(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nenforce: none\nrules:\n  - name: finance\n    whom: \"departmnt eq 'Finance'\"\n")
    settings = {"INVOICE_ACCESS_SETTLE_SECONDS": "soon", "INVOICE_ACCESS_ARM_URL": "http://management.azure.com"}
    options = Options(policy=policy, settings=settings, mode=Mode.OBSERVE, state=tmp_path / "state")
    with pytest.raises(HostStartError) as caught:
        async with running(options):
            pass
    message = str(caught.value)
    for named in ("INVOICE_ACCESS_SETTLE_SECONDS", "INVOICE_ACCESS_ARM_URL", "whom", "line 5"):
        assert named in message, message


async def test_in_azure_a_wrong_policy_is_an_app_without_functions_and_its_log_says_why(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nrules: nothing\n")
    options = Options(policy=policy, mode=Mode.OBSERVE, state=tmp_path / "state", silent_start=True)
    said: list[str] = []
    async with running(options, echo=said.append) as sandbox, httpx.AsyncClient() as client:
        assert (await client.get(f"{sandbox.functions}/admin/functions")).json() == []
        assert (await client.post(f"{sandbox.functions}/api/events", json={})).status_code == 404
        assert (await client.post(f"{sandbox.functions}/api/graph/notifications", json={})).status_code == 404
    told = [line for line in said if "invoice-access does not start: policy.yaml: line 2" in line and "rules" in line]
    assert len(told) == 2  # in the log, and on stderr
    assert all("ERROR" in line for line in told)


async def test_a_message_on_the_work_queue_that_is_no_work_item_is_rejected_whole(tmp_path: Path) -> None:
    noise = b"\x00 not a work item"
    async with (
        running(Options(state=tmp_path)) as sandbox,
        ServiceBusClient.from_connection_string(sandbox.service_bus) as bus,
        bus.get_queue_sender("access-work") as sender,
        bus.get_queue_receiver("rejected-events", max_wait_time=10) as receiver,
    ):
        await sender.send_messages(ServiceBusMessage(noise, session_id="7", message_id="m-1"))
        message = (await receiver.receive_messages(1, max_wait_time=10))[0]
        properties = {
            key.decode() if isinstance(key, bytes) else key: value.decode() if isinstance(value, bytes) else value
            for key, value in (message.application_properties or {}).items()
        }
        body = b"".join(message.body)
        await receiver.complete_message(message)
        logged = sandbox.app_log.read_text(encoding="utf-8") if sandbox.app_log is not None else ""
    assert body == noise
    assert "is no work item (body), and goes to rejected-events" in logged
    assert {"field", "reason", "remedy"} <= properties.keys()
    assert properties["source-message-id"] == "m-1"


async def test_a_rejected_event_is_told_by_its_number_because_an_id_may_be_anothers(tmp_path: Path) -> None:
    async with (
        running(Options(state=tmp_path)) as sandbox,
        ServiceBusClient.from_connection_string(sandbox.service_bus) as bus,
        bus.get_queue_sender("people-events") as sender,
        bus.get_queue_receiver("rejected-events", max_wait_time=10) as receiver,
    ):
        await sender.send_messages([ServiceBusMessage(b"one"), ServiceBusMessage(b"two", message_id="of two")])
        told: dict[bytes, dict[str, object]] = {}
        while len(told) < 2:
            for message in await receiver.receive_messages(2, max_wait_time=10):
                properties = message.application_properties or {}
                told[b"".join(message.body)] = {
                    name.decode(): value.decode()
                    for name, value in properties.items()
                    if isinstance(name, bytes)
                    if isinstance(value, bytes)
                }
                await receiver.complete_message(message)
    assert [told[body]["source-sequence-number"] for body in (b"one", b"two")] == ["1", "2"]
    assert all("source-message-id" not in properties for properties in told.values())


async def test_an_item_under_another_session_than_its_keys_is_rejected(tmp_path: Path) -> None:
    """One key, one session, one writer: also for whoever can write to the queue."""
    key = PersonKey("b0a1d000-0000-4000-8000-000000000005")
    order = {
        "key": key.canonical,
        "cause": {"kind": "event", "origin": "somebody#1"},
        "first_asked": "2026-01-01T00:00:00Z",
    }
    other = str((int(session_id(key)) + 1) % 32)
    async with (
        running(Options(state=tmp_path)) as sandbox,
        ServiceBusClient.from_connection_string(sandbox.service_bus) as bus,
        bus.get_queue_sender("access-work") as sender,
        bus.get_queue_receiver("rejected-events", max_wait_time=10) as receiver,
    ):
        await sender.send_messages(ServiceBusMessage(json.dumps(order).encode(), session_id=other))
        message = (await receiver.receive_messages(1, max_wait_time=10))[0]
        body = b"".join(message.body)
        await receiver.complete_message(message)
    assert json.loads(body) == order


async def test_an_order_on_the_work_queue_is_no_grant(tmp_path: Path) -> None:
    """Whoever can write to the queue can cause a check; what the policy does not give is not given."""
    stranger = "b0a1d000-0000-4000-8000-000000000005"
    order = {
        "key": f"person:{stranger}",
        "cause": {"kind": "event", "origin": "somebody#1", "event_type": "grant.everything"},
        "first_asked": "2026-01-01T00:00:00+00:00",
        "grants": ["everything"],
    }
    async with (
        running(Options(state=tmp_path)) as sandbox,
        ServiceBusClient.from_connection_string(sandbox.service_bus) as bus,
        bus.get_queue_sender("access-work") as sender,
        httpx.AsyncClient() as client,
    ):
        await sender.send_messages(
            ServiceBusMessage(json.dumps(order).encode(), session_id=session_id(PersonKey(stranger)))
        )
        for _ in range(200):
            status = (await client.get(f"{sandbox.functions}/admin/host/status")).json()
            done = status["functions"]["reconcile"]
            if done["invocations"] and not done["running"]:
                break
        writes = list(sandbox.billing.audit)
    assert done["invocations"] >= 1
    assert done["failures"] == 0
    assert writes == []
