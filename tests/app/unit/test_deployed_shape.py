"""Deployed beside the code: host.json's figures, the queues, the shards, as docs/reference/settings.md has them."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from sandbox.broker.options import QueueOptions
from sandbox.host.configuration import parse_time_span
from sandbox.settings import standard_queues
from shared.adapters.queues.service_bus import EVENT_QUEUE, REJECTED_QUEUE, TRY_SECONDS, WORK_QUEUE
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


def test_every_value_of_host_json_has_its_row_on_the_settings_page() -> None:
    section = PAGE.partition("\n## host.json\n")[2].partition("\n## ")[0]
    told = set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))
    host = json.loads((ROOT / "host.json").read_text())
    assert set(values_of(host)) - {"version"} == told


def values_of(section: dict[str, Any]) -> Iterator[str]:
    """The names of a section's values; what belongs together has one name."""
    for name, value in section.items():
        if isinstance(value, dict) and name not in {"samplingSettings", "extensionBundle"}:
            yield from values_of(value)
        else:
            yield name


def test_no_line_of_the_log_is_sampled_away_as_alerts_read_it() -> None:
    sampling = json.loads((ROOT / "host.json").read_text())["logging"]["applicationInsights"]["samplingSettings"]
    assert not sampling["isEnabled"] or {"Trace", "Request", "Exception"} <= set(sampling["excludedTypes"].split(";"))


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


def test_the_settings_page_tells_of_each_queue_what_its_definition_says() -> None:
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (no|yes) \| (\d+) s \| (\d+) \| (\d+) days \| (dead letter|gone) \|", PAGE, re.MULTILINE
    )
    told = {
        QueueOptions(
            name=name,
            requires_session=sessions == "yes",
            requires_duplicate_detection=name == "access-work",
            lock_duration=timedelta(seconds=int(lock)),
            max_delivery_count=int(deliveries),
            default_time_to_live=timedelta(days=int(days)),
            dead_lettering_on_message_expiration=expired == "dead letter",
        )
        for name, sessions, lock, deliveries, days, expired in rows
    }
    assert told == set(standard_queues())


def test_the_code_names_the_queues_of_the_definition_and_no_others() -> None:
    defined = {queue.name: queue for queue in standard_queues()}
    assert set(defined) == {WORK_QUEUE, EVENT_QUEUE, REJECTED_QUEUE}
    (intake,) = triggered_by(ROOT / "functions" / "intake.py")
    (reconcile,) = triggered_by(ROOT / "functions" / "reconcile.py")
    assert (intake, defined[intake].requires_session) == (EVENT_QUEUE, False)
    assert (reconcile, defined[reconcile].requires_session) == (WORK_QUEUE, True)


def triggered_by(module: Path) -> list[str]:
    return re.findall(r'queue_name="([^"]+)"', module.read_text(encoding="utf-8"))


def test_what_waits_for_a_check_never_expires_into_nothing() -> None:
    """The longest wait of a message on a queue is that of a name that nobody has yet: 14 days."""
    for queue in standard_queues():
        if queue.name != REJECTED_QUEUE:
            assert queue.dead_lettering_on_message_expiration
            assert queue.default_time_to_live is not None
            assert queue.default_time_to_live >= timedelta(days=14)


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
