"""Deployed beside the code: host.json's figures, the queues, the shards, as docs/reference/settings.md has them."""

import json
import re
from datetime import timedelta
from pathlib import Path

from sandbox.host.configuration import parse_time_span
from sandbox.settings import standard_queues
from shared.adapters.queues.service_bus import TRY_SECONDS
from shared.domain.keys import SHARDS, NameKey, NameKind, PersonKey, ProfileKey, session_id
from shared.services.outage import WAIT_SECONDS

ROOT = Path(__file__).parents[3]
SERVICE_BUS = json.loads((ROOT / "host.json").read_text())["extensions"]["serviceBus"]
PAGE = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")


def test_host_json_carries_the_figures_that_the_design_stands_on() -> None:
    assert SERVICE_BUS == {
        "prefetchCount": 0,
        "autoCompleteMessages": True,
        "maxAutoLockRenewalDuration": "24.00:00:00",
        "maxConcurrentSessions": 32,
        "maxMessageBatchSize": 100,
    }


def test_every_figure_of_host_json_stands_on_the_settings_page_with_its_reason() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \| .+ \|$", PAGE, re.MULTILINE))
    assert told["maxConcurrentSessions"] == str(SERVICE_BUS["maxConcurrentSessions"])
    assert told["prefetchCount"] == str(SERVICE_BUS["prefetchCount"])
    assert told["maxMessageBatchSize"] == str(SERVICE_BUS["maxMessageBatchSize"])
    assert told["autoCompleteMessages"] == "true"
    assert told["maxAutoLockRenewalDuration"] == "24 days"


def test_no_shard_waits_for_a_slot() -> None:
    assert SERVICE_BUS["maxConcurrentSessions"] == SHARDS == 32


def test_a_key_stays_in_its_session_for_ever() -> None:
    """Were these to change, messages on their way would let two sessions hold one key."""
    femke = "b0a1d000-0000-4000-8000-000000000001"
    assert session_id(PersonKey(femke)) == session_id(PersonKey(femke.upper())) == "3"
    account = "00000000-0000-0000-0000-000000000000:00000000-0000-0000-0000-000000000000_2019-05-31"
    assert session_id(ProfileKey(account, "HWEG-Q6HX-BG7-TGB")) == "26"
    assert session_id(ProfileKey(account.replace(":", "%3A"), "hweg-q6hx-bg7-tgb")) == "26"
    assert session_id(NameKey(NameKind.UPN, "milan.kovacs@contoso.example")) == "25"


def test_the_sandbox_has_the_queues_that_the_settings_page_asks_for() -> None:
    queues = {queue.name: queue for queue in standard_queues()}
    rows = re.findall(r"^\| `([a-z-]+)` \| (no|yes) \| (\d+) s \| (\d+) \|", PAGE, re.MULTILINE)
    assert {name for name, *_ in rows} == set(queues)
    for name, sessions, lock, deliveries in rows:
        assert queues[name].requires_session is (sessions == "yes")
        assert queues[name].lock_duration == timedelta(seconds=int(lock))
        assert queues[name].max_delivery_count == int(deliveries)
    assert queues["access-work"].requires_duplicate_detection


def test_a_message_may_be_kept_for_as_long_as_a_handler_waits_and_come_back_for_days() -> None:
    """A batch's lock is its queue's own; a session's is renewed by the host for longer than a shard stays busy."""
    queues = {queue.name: queue for queue in standard_queues()}
    wait, last_try = timedelta(seconds=WAIT_SECONDS), timedelta(seconds=2 * TRY_SECONDS)
    assert wait + last_try < queues["people-events"].lock_duration
    for name in ("people-events", "access-work"):
        assert (queues[name].max_delivery_count or 0) * wait > timedelta(days=5)


def test_a_session_is_renewed_for_as_long_as_the_platform_can_count() -> None:
    """From its acceptance on, and there is no word for "always": .NET's timers end at 2^31 - 1 ms."""
    renewed = parse_time_span(SERVICE_BUS["maxAutoLockRenewalDuration"])
    assert renewed is not None
    assert timedelta(days=7) < renewed <= timedelta(milliseconds=2**31 - 1)


def test_checks_that_come_twice_are_noticed_for_ten_minutes() -> None:
    queues = {queue.name: queue for queue in standard_queues()}
    assert queues["access-work"].duplicate_detection_window == timedelta(minutes=10)
