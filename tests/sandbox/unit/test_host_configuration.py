import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.host import frames
from sandbox.host.bindings import BindingError, Settings, read_functions
from sandbox.host.configuration import ConfigurationError, read_host_json
from sandbox.host.process import IndexedFunction
from sandbox.host.routes import Keys, Matched, Routes
from sandbox.wire import Request


def written(directory: Path, content: Any) -> Path:
    path = directory / "host.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_host_json_is_read_with_the_platforms_defaults(tmp_path: Path) -> None:
    options = read_host_json(
        written(
            tmp_path,
            {
                "version": "2.0",
                "functionTimeout": "-1",
                "logging": {"anything": 1},
                "extensions": {
                    "serviceBus": {
                        "maxConcurrentSessions": 32,
                        "sessionIdleTimeout": "00:00:05.5",
                        "clientRetryOptions": {},
                    },
                    "http": {"routePrefix": ""},
                },
            },
        )
    )
    assert options.function_timeout is None
    assert options.route_prefix == ""
    assert options.service_bus.max_concurrent_sessions == 32
    assert options.service_bus.session_idle_timeout == timedelta(seconds=5.5)
    assert options.service_bus.max_concurrent_calls == 16
    assert options.service_bus.max_auto_lock_renewal_duration == timedelta(minutes=5)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", ["JSON"]),
        ({}, ["version"]),
        ({"version": "2.0", "extensions": []}, ["extensions"]),
        (
            {
                "version": "2.0",
                "functionTimeout": "5m",
                "extensions": {"serviceBus": {"maxConcurrentSessions": 0, "sessionIdleTimeout": "00:99:00"}},
            },
            [
                "functionTimeout",
                "extensions.serviceBus.maxConcurrentSessions",
                "sessionIdleTimeout",
                "'00:99:00'",
            ],
        ),
    ],
)
def test_a_wrong_host_json_names_every_mistake(tmp_path: Path, content: Any, said: list[str]) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_host_json(written(tmp_path, content))
    for part in said:
        assert part in str(refusal.value)


def test_a_missing_host_json_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="missing"):
        read_host_json(tmp_path / "host.json")


def indexed(*bindings: dict[str, Any], retry: dict[str, Any] | None = None, name: str = "f") -> IndexedFunction:
    return IndexedFunction(f"id-{name}", name, bindings, retry)


QUEUE = {
    "type": "serviceBusTrigger",
    "name": "msg",
    "queueName": "work",
    "connection": "Bus",
    "direction": "IN",
}
SETTINGS = Settings({"BUS__fullyQualifiedNamespace": "unused.example"})


def test_settings_are_found_whatever_their_case_and_a_function_can_be_disabled() -> None:
    settings = Settings({"bus": "x", "Queue": "work", "azurewebjobs.F.disabled": "TRUE"})
    (function,) = read_functions([indexed({**QUEUE, "queueName": "%QUEUE%"})], settings, {"work": False})
    assert getattr(function.trigger, "queue", None) == "work"
    assert function.disabled


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (indexed({**QUEUE, "connection": "Other"}), "Other__fullyQualifiedNamespace"),
        (indexed({"type": "blobTrigger", "name": "b"}), "blobTrigger"),
        (indexed({**QUEUE, "queueName": "gone"}), "no queue 'gone'"),
        (indexed(QUEUE, {"type": "table", "name": "t"}), "table"),
        (indexed(QUEUE, retry={"max_retry_count": 1, "delay_interval": 1.0}), "timers only"),
        (indexed(), "exactly one trigger"),
        (indexed({"type": "timerTrigger", "name": "t", "schedule": "never"}), "'never'"),
    ],
)
def test_what_this_host_cannot_run_is_refused_by_function(function: IndexedFunction, said: str) -> None:
    with pytest.raises(BindingError, match="'f' function") as refusal:
        read_functions([function], SETTINGS, {"work": False})
    assert said in str(refusal.value)


def test_every_function_in_error_is_named_at_once() -> None:
    wrong = [indexed({**QUEUE, "queueName": "gone"}, name=name) for name in ("one", "two")]
    with pytest.raises(BindingError) as refusal:
        read_functions(wrong, SETTINGS, {})
    assert "'one'" in str(refusal.value)
    assert "'two'" in str(refusal.value)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/api/people", ("all", {})),
        ("/api/PEOPLE/7", ("one", {"id": "7"})),
        ("/api/people/me", ("me", {})),
        ("/api/people/x", None),
        ("/api/files/a/b%2Fc", ("files", {"rest": "a/b/c"})),
        ("/api/files", ("files", {})),
        ("/api/report-2026.csv", ("report", {"year": "2026"})),
        ("/people", None),
    ],
)
def test_routes_prefer_the_literal_and_take_parameters(path: str, found: tuple[str, dict[str, str]] | None) -> None:
    routes = {
        "one": "people/{id:int}",
        "all": "people/{filter?:alpha}".replace("?:alpha", ":guid?"),
        "me": "people/me",
        "files": "files/{*rest}",
        "report": "report-{year:int}.csv",
    }
    functions = read_functions(
        [
            indexed({"type": "httpTrigger", "name": "req", "route": route, "authLevel": "ANONYMOUS"}, name=name)
            for name, route in routes.items()
        ],
        SETTINGS,
        {},
    )
    matched = Routes(functions, "api", Keys("m", "f")).match(Request("GET", path))
    if found is None:
        assert not isinstance(matched, Matched)
        assert matched.status == 404
    else:
        assert isinstance(matched, Matched)
        assert (matched.function.name, dict(matched.value.value["params"])) == found


@pytest.mark.parametrize(
    ("level", "key", "enough"),
    [
        ("anonymous", "", True),
        ("function", "", False),
        ("function", "f", True),
        ("function", "m", True),
        ("admin", "f", False),
        ("admin", "m", True),
    ],
)
def test_keys_open_what_they_are_for(level: str, key: str, enough: bool) -> None:
    assert Keys(master="m", function="f").open(level, key) is enough


async def test_frames_carry_bytes_and_end_with_the_stream() -> None:
    reader = asyncio.StreamReader()
    sent = {"id": "1", "value": [b"\x00\xff", "é", {"$bytes": 1, "x": 2}]}
    reader.feed_data(frames.encode(sent) + frames.encode({"id": "2"})[:-1])
    reader.feed_eof()
    assert await frames.read(reader) == sent
    assert await frames.read(reader) is None


async def test_a_frame_that_cannot_be_one_is_refused() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"HTTP/1.1 400 Bad Request\r\n")
    with pytest.raises(frames.BrokenStreamError):
        await frames.read(reader)


async def test_a_frame_that_is_no_json_is_refused() -> None:
    reader = asyncio.StreamReader()
    reader.feed_data(b"\x00\x00\x00\x02{]")
    with pytest.raises(frames.BrokenStreamError, match="JSON"):
        await frames.read(reader)
