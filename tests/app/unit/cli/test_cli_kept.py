"""`events rejected` and `events dead`, on a broker that speaks AMQP: what is shown, and what is sent again."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cli.__main__ import main
from sandbox.broker.messages import Message
from sandbox.broker.model import QueueOptions
from shared.adapters.queues.service_bus import WHOLE_BYTES, ServiceBusQueues
from shared.domain.work import RejectedEvent
from tests.app.contract.adapters.queues.test_queues_service_bus import EVENTS, REJECTED, Credential, Namespace

HIRED = {"specversion": "1.0", "id": "1", "source": "/hr/contoso", "type": "hired", "subject": "employee-id:E00502"}
BODY = json.dumps(HIRED).encode()
WORK = QueueOptions(name="access-work", requires_session=True)
MEND = "Correct the employee number, or replay once the directory knows them"
NOBODY = "nobody was ever called E00502"


class Desk:
    """The command line beside a broker."""

    def __init__(self, namespace: Namespace, capsys: pytest.CaptureFixture[str]) -> None:
        self.namespace = namespace
        self._capsys = capsys

    async def says(self, *arguments: str) -> tuple[int, str, str]:
        status = await asyncio.to_thread(main, ["events", *arguments])
        out, err = self._capsys.readouterr()
        return status, out, err

    async def reject(self, body: bytes = BODY, **properties: str) -> str:
        """Puts an event on rejected-events as the app does; its id."""
        queues = ServiceBusQueues(self.namespace.host, Credential())
        await queues.send_rejected([RejectedEvent(body, "subject", NOBODY, MEND, None, properties)])
        await queues.close()
        return f"{max(one.sequence_number for one in self.lie('rejected-events'))}"

    def bury(self, queue: str, body: bytes, session: str | None = None) -> str:
        """Has a message become a dead letter; its id."""
        of = self.namespace.broker.queue(queue)
        of.send(Message(body=body, session_id=session))
        lock = None if session is None else of.accept_session(session)
        (delivery,) = of.receive(1, session=lock)
        of.dead_letter(delivery.lock_token, "MaxDeliveryCountExceeded", "ten times", {})
        if lock is not None:
            of.release_session(lock)
        return f"{queue}/{max(one.sequence_number for one in self.lie(f'{queue}/$deadletterqueue'))}"

    def lie(self, queue: str) -> list[Any]:
        return list(self.namespace.broker.queue(queue).peek(0, count=1000))


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Desk]:
    namespace = Namespace(WORK, REJECTED, EVENTS)
    await namespace.start(anybody=True)
    monkeypatch.setenv(
        "SERVICE_BUS_CONNECTION_STRING", f"Endpoint=sb://{namespace.host};SharedAccessKeyName=k;SharedAccessKey=s2V5"
    )
    yield Desk(namespace, capsys)
    await namespace.stop()


async def test_what_was_rejected_is_listed_with_reason_and_remedy_and_no_body(desk: Desk) -> None:
    first, second = await desk.reject(), await desk.reject(b"no JSON, of Anna Berg")
    status, out, _ = await desk.says("rejected")
    assert status == 0
    lines = out.splitlines()
    assert lines[1].split()[:3] == [first, "/hr/contoso", "hired"]
    assert lines[1].endswith(f"subject: {NOBODY}. {MEND}")
    assert lines[2].startswith(second)
    status, out, _ = await desk.says("rejected", "list", "--json")
    document = json.loads(out)
    assert document["schema"] == "invoice-access/events-rejected/1"
    assert [one["id"] for one in document["items"]] == [first, second]
    status, shown, _ = await desk.says("rejected", "show", second)
    assert (status, "people-events" in shown) == (0, True)
    assert "Anna" not in out + shown
    assert len(desk.lie("rejected-events")) == 2, "looking takes nothing away"


async def test_a_replayed_event_goes_on_as_it_came_and_the_rejected_copy_is_gone(desk: Desk) -> None:
    first, second, third = [await desk.reject(source_is=str(number)) for number in range(3)]
    status, out, err = await desk.says("rejected", "replay", second, "--yes")
    assert (status, out) == (0, f"Sent again to people-events as {second}/replay-1. The copy here is gone.\n")
    assert err.startswith(f"{second} is sent to people-events again as it came, and taken away here. subject: {NOBODY}")
    (sent,) = desk.lie("people-events")
    assert (sent.message.message_id, sent.message.body) == (f"{second}/replay-1", BODY)
    assert not sent.message.application_properties
    assert [f"{one.sequence_number}" for one in desk.lie("rejected-events")] == [first, third]
    counts = desk.namespace.broker.queue("rejected-events").counts()
    assert (counts.active, counts.locked) == (2, 0), "those before it were given back"


async def test_a_check_that_met_a_bug_goes_to_the_queue_and_session_it_came_from(desk: Desk) -> None:
    one = await desk.reject(b"{}", **{"queue": "access-work", "session-id": "7"})
    assert (await desk.says("rejected", "replay", one, "--yes"))[0] == 0
    (sent,) = desk.lie("access-work")
    assert (sent.message.session_id, sent.message.body) == ("7", b"{}")


@pytest.mark.parametrize(
    ("arguments", "said", "status"),
    [
        (["999", "--yes"], "999 is not among the first 100 messages. Nothing was changed.", 2),
        (["anna", "--yes"], "'anna' is no message's id", 2),
        ([], "say which: ID...", 2),
        (["1"], "because there is no terminal to ask at", 2),
    ],
)
async def test_what_cannot_be_replayed_is_refused_and_changes_nothing(
    desk: Desk, arguments: list[str], said: str, status: int
) -> None:
    await desk.reject()
    found = await desk.says("rejected", "replay", *arguments)
    assert found[0] == status
    assert said in found[2]
    assert (len(desk.lie("rejected-events")), desk.lie("people-events")) == (1, [])


async def test_of_what_only_a_part_is_kept_nothing_is_sent(desk: Desk) -> None:
    one = await desk.reject(b"x" * (WHOLE_BYTES + 1))
    status, _, err = await desk.says("rejected", "replay", one, "--yes")
    assert (status, "not kept whole" in err, desk.lie("people-events")) == (1, True, [])


async def test_what_somebody_has_meanwhile_stays_theirs(desk: Desk) -> None:
    one = await desk.reject()
    desk.namespace.broker.queue("rejected-events").receive(1)
    status, out, _ = await desk.says("rejected", "replay", one, "--yes")
    assert (status, desk.lie("people-events")) == (1, [])
    assert f"{one} still lies there" in out


async def test_a_copy_that_cannot_be_sent_leaves_the_rejected_one(desk: Desk) -> None:
    one = await desk.reject()
    desk.namespace.broker.queue("people-events").is_disabled = True
    status, out, _ = await desk.says("rejected", "replay", one, "--yes")
    assert status == 1, out
    counts = desk.namespace.broker.queue("rejected-events").counts()
    assert (counts.active, counts.locked) == (1, 0)


async def test_dead_letters_of_every_queue_are_listed_and_go_back_where_they_were(desk: Desk) -> None:
    event, check = desk.bury("people-events", BODY), desk.bury("access-work", b"{}", session="3")
    status, out, _ = await desk.says("dead", "--json")
    assert (status, [one["id"] for one in json.loads(out)["items"]]) == (0, [event, check])
    assert json.loads(out)["items"][0]["reason"] == "MaxDeliveryCountExceeded"
    assert (await desk.says("dead", "replay", event, check, "--yes"))[0] == 0
    assert [one.message.body for one in desk.lie("people-events")] == [BODY]
    assert [one.message.session_id for one in desk.lie("access-work")] == ["3"]
    status, out, _ = await desk.says("dead")
    assert (status, out) == (0, "There is none.\n")
