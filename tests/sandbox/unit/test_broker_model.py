"""The broker's queues under a clock that the test owns: order, locks, counts, time, sessions."""

import gc
import tracemalloc
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest

from sandbox.broker.model import (
    Broker,
    Delivery,
    EntityExists,
    EntityNotFound,
    InvalidOperation,
    LockLost,
    Message,
    MessageNotFound,
    MessageState,
    MessageTooLarge,
    Queue,
    QueueOptions,
    SessionCannotBeLocked,
    SessionLockLost,
)

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class World:
    """A broker, and the time it sees."""

    def __init__(self) -> None:
        self.now = START
        self.broker = Broker(lambda: self.now, Random(7))

    def queue(self, **options: object) -> Queue:
        return self.broker.create_queue(QueueOptions(name="work", **options))  # type: ignore[arg-type]

    def pass_time(self, duration: timedelta) -> None:
        """Let time pass as a driver does: stop at every wakeup on the way."""
        end = self.now + duration
        while (wakeup := self.broker.next_wakeup()) is not None and wakeup <= end:
            self.now = max(self.now, wakeup)
            self.broker.expire()
        self.now = end


@pytest.fixture
def world() -> World:
    return World()


def bodies(deliveries: list[Delivery]) -> list[bytes]:
    return [delivery.message.body for delivery in deliveries]


def texts(*names: str, **fields: object) -> list[Message]:
    return [Message(name.encode(), **fields) for name in names]  # type: ignore[arg-type]


def dead(queue: Queue) -> list[Message]:
    assert queue.dead_letters is not None
    return [stored.message for stored in queue.dead_letters.peek(count=100)]


def next_session(queue: Queue) -> str | None:
    lock = queue.accept_session()
    return None if lock is None else lock.session_id


# --- names ---------------------------------------------------------------------------------------


def test_queues_are_found_whatever_the_case_and_with_their_dead_letter_queue(world: World) -> None:
    queue = world.queue()
    assert world.broker.queue("WORK") is queue
    assert world.broker.queue("/Work/$DeadLetterQueue") is queue.dead_letters
    with pytest.raises(EntityNotFound, match="'other'"):
        world.broker.queue("other")
    with pytest.raises(EntityNotFound):
        world.broker.queue("other/$deadletterqueue")


def test_a_name_can_be_taken_once(world: World) -> None:
    world.queue()
    with pytest.raises(EntityExists):
        world.broker.create_queue(QueueOptions(name="Work"))


# --- order, locks and counts ---------------------------------------------------------------------


def test_messages_come_in_order_and_locked_ones_are_not_given_twice(world: World) -> None:
    queue = world.queue()
    queue.send(*texts("a", "b", "c"))
    assert bodies(queue.receive(2)) == [b"a", b"b"]
    assert bodies(queue.receive(5)) == [b"c"]
    assert queue.receive() == []


def test_an_abandoned_message_returns_to_its_place_with_one_failed_delivery(world: World) -> None:
    queue = world.queue()
    queue.send(*texts("a", "b"))
    first = queue.receive()[0]
    queue.abandon(first.lock_token, {"tried": 1})
    again = queue.receive(2)
    assert [(item.message.body, item.delivery_count) for item in again] == [(b"a", 1), (b"b", 0)]
    assert again[0].message.application_properties == {"tried": 1}
    assert again[0].sequence_number == first.sequence_number


def test_a_released_message_returns_without_a_failed_delivery(world: World) -> None:
    queue = world.queue()
    queue.send(Message(b"a"))
    queue.release(queue.receive()[0].lock_token)
    assert queue.receive()[0].delivery_count == 0


def test_a_lock_that_runs_out_counts_as_a_failed_delivery(world: World) -> None:
    queue = world.queue()
    queue.send(Message(b"a"))
    held = queue.receive()[0]
    assert held.locked_until == START + MINUTE == world.broker.next_wakeup()
    world.pass_time(MINUTE)
    with pytest.raises(LockLost) as lost:
        queue.complete(held.lock_token)
    assert lost.value.condition == "com.microsoft:message-lock-lost"
    assert queue.receive()[0].delivery_count == 1


def test_a_lock_is_over_at_its_very_moment_even_if_nobody_called_expire(world: World) -> None:
    queue = world.queue()
    queue.send(Message(b"a"))
    held = queue.receive()[0]
    world.now = held.locked_until
    assert bodies(queue.receive()) == [b"a"]


def test_a_renewed_lock_lasts_from_then_on(world: World) -> None:
    queue = world.queue()
    queue.send(Message(b"a"))
    held = queue.receive()[0]
    world.pass_time(timedelta(seconds=50))
    assert queue.renew(held.lock_token) == world.now + MINUTE
    world.pass_time(timedelta(seconds=59))
    queue.complete(held.lock_token)
    assert queue.peek() == []


@pytest.mark.parametrize("settle", ["complete", "abandon", "release", "defer", "dead_letter", "renew"])
def test_nothing_is_settled_twice(world: World, settle: str) -> None:
    queue = world.queue()
    queue.send(Message(b"a"))
    held = queue.receive()[0]
    queue.complete(held.lock_token)
    with pytest.raises(LockLost):
        getattr(queue, settle)(held.lock_token)


def test_the_last_allowed_failure_ends_among_the_dead_letters(world: World) -> None:
    queue = world.queue(max_delivery_count=3)
    queue.send(Message(b"a", application_properties={"kept": True}))
    for _ in range(2):
        queue.abandon(queue.receive()[0].lock_token)
    assert dead(queue) == []
    queue.receive()
    world.pass_time(MINUTE)  # the third failure is a lock that runs out
    assert queue.receive() == []
    assert dead(queue)[0].application_properties == {
        "kept": True,
        "DeadLetterReason": "MaxDeliveryCountExceeded",
        "DeadLetterErrorDescription": "Message could not be consumed after 3 delivery attempts.",
    }


def test_dead_letters_keep_their_count_and_never_die_again(world: World) -> None:
    queue = world.queue(max_delivery_count=2, default_time_to_live=timedelta(hours=1))
    queue.send(Message(b"a"))
    queue.abandon(queue.receive()[0].lock_token)
    queue.dead_letter(queue.receive()[0].lock_token, "Own", "my words")
    buried = queue.dead_letters
    assert buried is not None
    for count in range(1, 20):
        held = buried.receive()[0]
        assert held.delivery_count == count
        buried.abandon(held.lock_token)
    world.pass_time(timedelta(days=30))
    held = buried.receive()[0]
    assert held.message.application_properties["DeadLetterReason"] == "Own"
    with pytest.raises(InvalidOperation):
        buried.dead_letter(held.lock_token)
    with pytest.raises(InvalidOperation):
        buried.send(Message(b"b"))
    buried.complete(held.lock_token)
    assert queue.counts().dead_lettered == 0


def test_receive_and_delete_removes_at_once(world: World) -> None:
    queue = world.queue()
    queue.send(*texts("a", "b", "c"))
    assert [stored.message.body for stored in queue.receive_and_delete(2)] == [b"a", b"b"]
    world.pass_time(timedelta(hours=1))
    assert bodies(queue.receive(9)) == [b"c"]


def test_what_a_vanished_receiver_held_comes_back_in_order(world: World) -> None:
    queue = world.queue()
    queue.send(*texts("a", "b", "c", "d"))
    queue.receive(3)  # and is never heard of again
    world.pass_time(MINUTE)
    assert bodies(queue.receive(9)) == [b"a", b"b", b"c", b"d"]


# --- deferred and scheduled ----------------------------------------------------------------------


def test_a_deferred_message_is_had_by_number_only_and_stays_so_when_abandoned(world: World) -> None:
    queue = world.queue(default_time_to_live=MINUTE)
    queue.send(Message(b"a"))
    held = queue.receive()[0]
    queue.defer(held.lock_token)
    assert queue.receive() == []
    world.pass_time(timedelta(hours=1))  # deferred messages do not expire
    again = queue.receive_deferred([held.sequence_number])[0]
    with pytest.raises(MessageNotFound):
        queue.receive_deferred([held.sequence_number])
    queue.abandon(again.lock_token)
    assert queue.receive() == []
    third = queue.receive_deferred([held.sequence_number])[0]
    assert (third.delivery_count, third.state) == (1, MessageState.DEFERRED)
    queue.complete(third.lock_token)
    assert queue.peek() == []


def test_a_deferred_message_can_be_received_and_deleted(world: World) -> None:
    queue = world.queue()
    queue.send(Message(b"a"))
    held = queue.receive()[0]
    queue.defer(held.lock_token)
    assert [item.message.body for item in queue.receive_and_delete_deferred([held.sequence_number])] == [b"a"]
    with pytest.raises(MessageNotFound):
        queue.receive_deferred([held.sequence_number])


def test_a_scheduled_message_arrives_at_its_time_at_the_end_under_a_new_number(world: World) -> None:
    queue = world.queue()
    due = START + MINUTE
    (number,) = queue.schedule(Message(b"later", scheduled_at=due))
    queue.send(Message(b"now"))
    assert queue.counts().scheduled == 1
    assert bodies(queue.receive(9)) == [b"now"]
    world.pass_time(MINUTE - timedelta(microseconds=1))
    assert queue.receive() == []
    world.pass_time(timedelta(seconds=30))
    late = [item for item in queue.receive(9) if item.message.body == b"later"]
    assert late[0].sequence_number > number
    assert late[0].enqueued_at == due


def test_a_scheduled_message_is_enqueued_when_it_was_due_however_late_the_check(world: World) -> None:
    queue = world.queue()
    queue.send(Message(b"a", scheduled_at=START + MINUTE, ttl=timedelta(hours=1)))
    world.now += timedelta(minutes=30)
    (arrived,) = queue.receive()
    assert arrived.enqueued_at == START + MINUTE
    assert arrived.expires_at == START + MINUTE + timedelta(hours=1)


def test_a_cancelled_message_never_arrives_and_cancelling_is_all_or_nothing(world: World) -> None:
    queue = world.queue()
    due = START + MINUTE
    first, second = queue.schedule(*texts("a", "b", scheduled_at=due))
    with pytest.raises(MessageNotFound):
        queue.cancel_scheduled(first, 999)
    queue.cancel_scheduled(first)
    with pytest.raises(MessageNotFound):
        queue.cancel_scheduled(first)
    world.pass_time(MINUTE)
    with pytest.raises(MessageNotFound):
        queue.cancel_scheduled(second)
    assert bodies(queue.receive(9)) == [b"b"]


def test_a_scheduled_time_in_the_past_means_now(world: World) -> None:
    queue = world.queue()
    queue.send(Message(b"a", scheduled_at=START - MINUTE))
    assert bodies(queue.receive()) == [b"a"]


def test_peek_shows_everything_from_a_number_on_and_locks_nothing(world: World) -> None:
    queue = world.queue()
    queue.send(*texts("a", "b", "c"))
    queue.schedule(Message(b"later", scheduled_at=START + MINUTE))
    queue.defer(queue.receive()[0].lock_token)
    queue.receive()
    seen = queue.peek(count=9)
    assert [(stored.message.body, stored.state) for stored in seen] == [
        (b"a", MessageState.DEFERRED),
        (b"b", MessageState.ACTIVE),
        (b"c", MessageState.ACTIVE),
        (b"later", MessageState.SCHEDULED),
    ]
    assert [stored.message.body for stored in queue.peek(seen[1].sequence_number, 2)] == [b"b", b"c"]
    assert bodies(queue.receive(9)) == [b"c"]


# --- time to live, duplicates, limits ------------------------------------------------------------


@pytest.mark.parametrize("keeps", [True, False])
def test_an_expired_message_is_dead_lettered_or_dropped(world: World, keeps: bool) -> None:
    queue = world.queue(dead_lettering_on_message_expiration=keeps)
    queue.send(Message(b"a", ttl=MINUTE), Message(b"b"))
    world.pass_time(MINUTE)
    assert bodies(queue.receive(9)) == [b"b"]
    reasons = [message.application_properties["DeadLetterReason"] for message in dead(queue)]
    assert reasons == (["TTLExpiredException"] if keeps else [])


def test_the_shorter_time_to_live_counts_and_a_locked_message_expires_on_return(
    world: World,
) -> None:
    queue = world.queue(default_time_to_live=timedelta(seconds=30))
    queue.send(Message(b"a", ttl=timedelta(days=1)), Message(b"b", ttl=timedelta.max))
    assert [stored.expires_at for stored in queue.peek(count=2)] == [START + timedelta(seconds=30)] * 2
    held = queue.receive(2)
    world.pass_time(timedelta(seconds=40))
    queue.complete(held[0].lock_token)
    queue.abandon(held[1].lock_token)
    assert queue.peek(count=9) == []


def test_a_time_to_live_beyond_all_dates_is_for_ever(world: World) -> None:
    queue = world.queue()
    queue.send(Message(b"a", ttl=timedelta.max))
    assert queue.peek()[0].expires_at is None


def test_a_duplicate_is_dropped_in_silence_within_the_window_scheduled_ones_included(world: World) -> None:
    queue = world.queue(requires_duplicate_detection=True, duplicate_detection_window=MINUTE)
    numbers = queue.schedule(
        Message(b"1", message_id="x", scheduled_at=START + timedelta(seconds=10)), Message(b"no id")
    )
    queue.send(Message(b"2", message_id="x"), Message(b"no id"))
    repeated = queue.schedule(Message(b"3", message_id="x", scheduled_at=START + MINUTE))
    assert set(repeated).isdisjoint(numbers)
    world.pass_time(timedelta(seconds=59))
    queue.send(Message(b"4", message_id="x"))
    assert sorted(bodies(queue.receive(9))) == [b"1", b"no id", b"no id"]
    world.pass_time(timedelta(seconds=1))
    queue.send(Message(b"5", message_id="x"))
    assert b"5" in bodies(queue.receive(9))


def test_without_duplicate_detection_ids_may_repeat(world: World) -> None:
    queue = world.queue()
    queue.send(*texts("a", "b", message_id="x"))
    assert bodies(queue.receive(9)) == [b"a", b"b"]


def test_what_breaks_a_limit_is_refused_and_takes_its_whole_batch_with_it(world: World) -> None:
    queue = world.queue()
    queue.send(Message(bytes(256 * 1024)))
    with pytest.raises(MessageTooLarge):
        queue.send(Message(b"fine"), Message(bytes(256 * 1024 + 1)))
    with pytest.raises(InvalidOperation, match="message id"):
        queue.send(Message(message_id="x" * 129))
    with pytest.raises(InvalidOperation, match="must be equal"):
        queue.send(Message(session_id="a", partition_key="b"))
    assert queue.counts().active == 1


# --- sessions ------------------------------------------------------------------------------------


def test_sessions_are_exclusive_ordered_and_offered_in_turn(world: World) -> None:
    queue = world.queue(requires_session=True)
    queue.send(*[Message(f"{name}{i}".encode(), session_id=name) for i in range(2) for name in "ab"])
    first, second = queue.accept_session(), queue.accept_session()
    assert first is not None
    assert second is not None
    assert (first.session_id, second.session_id, queue.accept_session()) == ("a", "b", None)
    with pytest.raises(SessionCannotBeLocked):
        queue.accept_session("a")
    assert bodies(queue.receive(9, session=second)) == [b"b0", b"b1"]
    held = queue.receive(session=first)[0]
    queue.abandon(held.lock_token)
    assert bodies(queue.receive(9, session=first)) == [b"a0", b"a1"]


def test_a_released_session_counts_no_delivery_and_goes_to_the_end_of_the_line(world: World) -> None:
    queue = world.queue(requires_session=True)
    queue.send(Message(b"1", session_id="a"), Message(b"2", session_id="a"), Message(b"3", session_id="b"))
    lock = queue.accept_session()
    assert lock is not None
    queue.receive(2, session=lock)
    queue.release_session(lock)
    assert next_session(queue) == "b"
    again = queue.accept_session()
    assert again is not None
    assert [(item.message.body, item.delivery_count) for item in queue.receive(9, session=again)] == [
        (b"1", 0),
        (b"2", 0),
    ]
    with pytest.raises(SessionLockLost):
        queue.receive(session=lock)


def test_a_session_lock_that_runs_out_counts_for_what_was_held(world: World) -> None:
    queue = world.queue(requires_session=True)
    queue.send(*texts("1", "2", session_id="a"))
    lock = queue.accept_session("a")
    assert lock is not None
    held = queue.receive(session=lock)[0]
    world.pass_time(timedelta(seconds=40))
    lock = queue.renew_session(lock)
    assert lock.locked_until == world.now + MINUTE
    world.pass_time(MINUTE)
    for attempt in (
        lambda: queue.complete(held.lock_token),
        lambda: queue.receive(session=lock),
        lambda: queue.renew_session(lock),
        lambda: queue.set_session_state(lock, b""),
        lambda: queue.release_session(lock),
    ):
        with pytest.raises(SessionLockLost):
            attempt()
    again = queue.accept_session()
    assert again is not None
    assert [item.delivery_count for item in queue.receive(9, session=again)] == [1, 0]


def test_a_session_with_nothing_left_is_not_offered(world: World) -> None:
    queue = world.queue(requires_session=True)
    queue.send(Message(b"1", session_id="a", ttl=MINUTE), Message(b"2", session_id="b"))
    lock = queue.accept_session("b")
    assert lock is not None
    queue.complete(queue.receive(session=lock)[0].lock_token)
    queue.release_session(lock)
    world.pass_time(MINUTE)
    assert queue.accept_session() is None
    assert queue.session_ids() == []


def test_session_state_outlives_messages_and_holders_until_it_is_cleared(world: World) -> None:
    queue = world.queue(requires_session=True)
    lock = queue.accept_session("a")
    assert lock is not None
    assert queue.session_state(lock) is None
    queue.set_session_state(lock, b"step 3")
    with pytest.raises(MessageTooLarge):
        queue.set_session_state(lock, bytes(256 * 1024 + 1))
    queue.release_session(lock)
    world.pass_time(timedelta(days=1))
    again = queue.accept_session("a")
    assert again is not None
    assert queue.session_state(again) == b"step 3"
    assert queue.session_ids() == ["a"]
    assert queue.session_ids(state_set_after=START) == []
    queue.set_session_state(again, None)
    assert queue.session_ids() == []


def test_deferred_messages_belong_to_their_session(world: World) -> None:
    queue = world.queue(requires_session=True)
    queue.send(Message(b"1", session_id="a"))
    lock, other = queue.accept_session("a"), queue.accept_session("b")
    assert lock is not None
    held = queue.receive(session=lock)[0]
    queue.defer(held.lock_token)
    with pytest.raises(MessageNotFound):
        queue.receive_deferred([held.sequence_number], session=other)
    assert bodies(queue.receive_deferred([held.sequence_number], session=lock)) == [b"1"]


def test_the_kind_of_queue_and_the_kind_of_use_must_agree(world: World) -> None:
    plain = world.queue()
    sessions = world.broker.create_queue(QueueOptions(name="sessions", requires_session=True))
    lock = sessions.accept_session("a")
    for attempt in (
        plain.accept_session,
        lambda: plain.receive(session=lock),
        plain.session_ids,
        sessions.receive,
        lambda: sessions.send(Message(b"no session")),
        lambda: sessions.renew(UUID(int=1)),
    ):
        with pytest.raises(InvalidOperation):
            attempt()


def test_dead_letters_of_a_session_queue_need_no_session(world: World) -> None:
    queue = world.queue(requires_session=True, max_delivery_count=1)
    queue.send(Message(b"1", session_id="a"))
    lock = queue.accept_session()
    assert lock is not None
    queue.abandon(queue.receive(session=lock)[0].lock_token)
    buried = queue.dead_letters
    assert buried is not None
    assert [item.message.session_id for item in buried.receive()] == ["a"]


# --- being told ----------------------------------------------------------------------------------


def test_subscribers_are_told_of_everything_that_makes_a_message_receivable(world: World) -> None:
    queue = world.queue(max_delivery_count=2)
    told: list[str] = []
    end = queue.subscribe(lambda: told.append("work"))
    assert queue.dead_letters is not None
    queue.dead_letters.subscribe(lambda: told.append("dead"))
    queue.send(Message(b"a"))
    queue.send(Message(b"b", scheduled_at=START + timedelta(seconds=30)))
    assert told == ["work"]
    queue.abandon(queue.receive()[0].lock_token)
    assert told == ["work"] * 2
    world.pass_time(timedelta(seconds=30))
    assert told == ["work"] * 3
    held = queue.receive(2)
    queue.release(held[1].lock_token)
    assert told == ["work"] * 4
    world.pass_time(MINUTE)
    assert told == ["work"] * 4 + ["dead"]
    end()
    queue.send(Message(b"c"))
    assert told == ["work"] * 4 + ["dead"]


def test_holders_hear_of_their_own_session_and_waiters_of_free_ones(world: World) -> None:
    queue = world.queue(requires_session=True)
    told: list[str] = []
    queue.subscribe(lambda: told.append("any"))
    lock = queue.accept_session("a")
    assert lock is not None
    queue.subscribe(lambda: told.append("a"), session_id="a")
    queue.send(Message(b"1", session_id="a"))
    assert told == ["a"]
    queue.send(Message(b"2", session_id="b"))
    assert told == ["a", "any"]
    queue.release_session(lock)
    assert told == ["a", "any", "any"]
    assert queue.accept_session("a") is not None
    world.pass_time(MINUTE)
    assert sorted(told[3:]) == ["a", "any"]


def test_subscribers_are_told_in_turns(world: World) -> None:
    queue = world.queue()
    told: list[int] = []
    for number in range(3):
        queue.subscribe(lambda number=number: told.append(number))  # type: ignore[misc]
    for _ in range(3):
        told.clear()
        queue.send(Message(b"x"))
        assert sorted(told) == [0, 1, 2]
        first = told[0]
    assert first == 2


def test_a_lock_lost_while_settling_still_tells_others(world: World) -> None:
    queue = world.queue()
    queue.send(Message(b"a"))
    held = queue.receive()[0]
    told: list[int] = []
    queue.subscribe(lambda: told.append(1))
    world.now += MINUTE
    with pytest.raises(LockLost):
        queue.complete(held.lock_token)
    assert told == [1]


def test_the_driver_is_told_when_its_alarm_moves_to_an_earlier_time(world: World) -> None:
    queue = world.queue()
    alarms: list[datetime | None] = []
    end = world.broker.subscribe_wakeup(lambda: alarms.append(world.broker.next_wakeup()))
    queue.schedule(Message(b"a", scheduled_at=START + timedelta(hours=1)))
    queue.schedule(Message(b"b", scheduled_at=START + timedelta(hours=2)))
    queue.schedule(Message(b"c", scheduled_at=START + MINUTE))
    assert alarms == [START + timedelta(hours=1), START + MINUTE]
    end()
    queue.schedule(Message(b"d", scheduled_at=START + timedelta(seconds=1)))
    assert len(alarms) == 2


def test_the_same_seed_and_the_same_steps_give_the_same_locks() -> None:
    def play() -> list[Delivery]:
        world = World()
        queue = world.queue()
        queue.send(*texts("a", "b"))
        return queue.receive(2)

    assert play() == play()


def test_a_busy_queue_keeps_no_trace_of_what_is_done(world: World) -> None:
    queue = world.queue(default_time_to_live=timedelta(days=1))

    def kept_bytes(messages: int) -> int:
        for _ in range(messages):
            queue.send(Message(b"x"))
            queue.complete(queue.receive()[0].lock_token)
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        before = kept_bytes(1000)
        assert kept_bytes(3000) - before < 50_000
    finally:
        tracemalloc.stop()
    assert world.broker.next_wakeup() is None
