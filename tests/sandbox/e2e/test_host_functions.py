"""The Functions host on toy apps: a real worker process, a real broker model, no stand-in of either."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from textwrap import dedent
from typing import Any

import azure_functions_runtime  # type: ignore[import-untyped]
import httpx
import pytest

from sandbox.broker.model import Broker, Message, QueueOptions, Sections
from sandbox.host.admin import AdminDoors
from sandbox.host.host import FunctionsHost, HostStartError, utc_now
from sandbox.host.server import serve

HEAD = """
import asyncio, json, logging, os, time
from pathlib import Path
import azure.functions as func

app = func.FunctionApp()
OUT = Path(os.environ["OUT"])

def note(**fields):
    with OUT.open("a") as out:
        out.write(json.dumps(fields) + "\\n")
"""


@dataclass
class Running:
    host: FunctionsHost
    broker: Broker
    client: httpx.AsyncClient
    out: Path

    def notes(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.read_text().splitlines()] if self.out.exists() else []

    async def until(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 - what it waits for happens in another process
                await asyncio.sleep(0.01)

    async def status(self) -> dict[str, Any]:
        answer = await self.client.get("/admin/host/status")
        return dict(answer.json())


async def keep_expiring(broker: Broker) -> None:
    while True:
        await asyncio.sleep(0.02)
        broker.expire()


type StartHost = Callable[..., Awaitable[Running]]


@asynccontextmanager
async def running(
    directory: Path,
    body: str,
    *,
    host_json: dict[str, Any],
    settings: dict[str, str],
    queues: list[QueueOptions],
) -> AsyncIterator[Running]:
    app = directory / "app"
    app.mkdir(exist_ok=True)
    (app / "function_app.py").write_text(HEAD + dedent(body))
    (app / "host.json").write_text(json.dumps({"version": "2.0", **host_json}))
    broker = Broker(utc_now, Random(7))
    for options in queues:
        broker.create_queue(options)
    out = directory / "out.jsonl"
    values = {"Bus__fullyQualifiedNamespace": "127.0.0.1:1", "OUT": str(out), **settings}
    host = FunctionsHost(app, lambda: values, broker, directory)
    expiring = asyncio.create_task(keep_expiring(broker))
    try:
        await host.start()
        server = await serve(AdminDoors(host).handle)
        async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
            yield Running(host, broker, client, out)
        await server.close()
        await host.stop()
    finally:
        expiring.cancel()


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[StartHost]:
    async with AsyncExitStack() as stack:

        async def begin(
            body: str,
            *queues: QueueOptions,
            host_json: dict[str, Any] | None = None,
            settings: dict[str, str] | None = None,
        ) -> Running:
            return await stack.enter_async_context(
                running(tmp_path, body, host_json=host_json or {}, settings=settings or {}, queues=list(queues))
            )

        yield begin


SESSIONS = """
@app.service_bus_queue_trigger(
    arg_name="msg", queue_name="%WORK%", connection="Bus", is_sessions_enabled=True
)
async def work(msg: func.ServiceBusMessage):
    note(at="begin", session=msg.session_id, body=msg.get_body().decode())
    await asyncio.sleep(0.02)
    note(at="end", session=msg.session_id, body=msg.get_body().decode())
"""


BOUND = """
from typing import List

@app.service_bus_queue_trigger(
    arg_name="messages", queue_name="work", connection="Bus",
    cardinality=func.Cardinality.MANY, data_type=func.DataType.BINARY,
)
async def work(messages: List[func.ServiceBusMessage]):
    note(bodies=[message.get_body().decode() for message in messages])
"""


async def test_a_body_that_cannot_be_bound_fails_its_batch_before_the_app_hears_of_it(start: StartHost) -> None:
    app = await start(BOUND, QueueOptions(name="work", max_delivery_count=3))
    queue = app.broker.queue("work")
    value = Message(body=b"x", sections=Sections(b"", None, b"\x00\x53\x77\xa1\x01x"))
    queue.send(Message(body=b"companion"), value)
    await app.until(lambda: queue.counts().dead_lettered == 2)
    queue.send(Message(body=b"later"))
    await app.until(lambda: bool(app.notes()))
    assert app.notes() == [{"bodies": ["later"]}]
    told = (await app.status())["functions"]["work"]
    assert told["failures"] == 3
    assert "cannot be bound" in told["lastError"]


async def test_messages_of_a_session_run_one_by_one_in_order_and_sessions_run_together(
    start: StartHost,
) -> None:
    app = await start(SESSIONS, QueueOptions(name="work", requires_session=True), settings={"work": "work"})
    queue = app.broker.queue("work")
    for number in range(4):
        for session in "abc":
            queue.send(Message(body=str(number).encode(), session_id=session))
    await app.until(lambda: len(app.notes()) == 24)

    notes = app.notes()
    for session in "abc":
        own = [(note["at"], note["body"]) for note in notes if note["session"] == session]
        assert own == [(at, str(number)) for number in range(4) for at in ("begin", "end")]
    open_now, most = 0, 0
    for note in notes:
        open_now += 1 if note["at"] == "begin" else -1
        most = max(most, open_now)
    assert most == 3
    await app.until(lambda: queue.counts().locked == 0)
    assert queue.counts().active == 0


BATCHES = """
from typing import List

@app.service_bus_queue_trigger(
    arg_name="msgs", queue_name="events", connection="Bus", cardinality="many", data_type="BINARY"
)
async def intake(msgs: List[func.ServiceBusMessage]):
    note(
        bodies=[msg.get_body().hex() for msg in msgs],
        ids=[msg.message_id for msg in msgs],
        counts=[msg.delivery_count for msg in msgs],
        properties=[msg.application_properties for msg in msgs],
        subjects=[msg.subject for msg in msgs],
        sequence=[msg.sequence_number for msg in msgs],
        locked=[msg.enqueued_time_utc < msg.expires_at_utc for msg in msgs],
    )
"""


async def test_a_batch_function_gets_whole_messages_and_at_most_the_configured_number(
    start: StartHost,
) -> None:
    app = await start(
        BATCHES,
        QueueOptions(name="events"),
        host_json={"extensions": {"serviceBus": {"maxMessageBatchSize": 2}}},
    )
    queue = app.broker.queue("events")
    queue.send(
        Message(body=b"\xff\x00", message_id="one", application_properties={"n": 1}, subject="hired"),
        Message(body=b"b", message_id="two"),
        Message(body=b"c", message_id="three"),
    )
    await app.until(lambda: len(app.notes()) == 2)
    first, second = app.notes()
    assert first == {
        "bodies": ["ff00", "62"],
        "ids": ["one", "two"],
        "counts": [1, 1],
        "properties": [{"n": 1}, {}],
        "subjects": ["hired", None],
        "sequence": [1, 2],
        "locked": [True, True],
    }
    assert second["ids"] == ["three"]


FAILING = """
@app.service_bus_queue_trigger(arg_name="msg", queue_name="work", connection="Bus")
def work(msg: func.ServiceBusMessage):
    note(count=msg.delivery_count, id=msg.message_id)
    raise ValueError("no use")
"""


async def test_a_failing_message_is_delivered_again_at_once_and_dead_lettered_at_the_limit(
    start: StartHost,
) -> None:
    app = await start(FAILING, QueueOptions(name="work", max_delivery_count=3))
    queue = app.broker.queue("work")
    queue.send(Message(body=b"x", message_id="bad"))
    await app.until(lambda: queue.counts().dead_lettered == 1)
    assert [note["count"] for note in app.notes()] == [1, 2, 3]
    work = (await app.status())["functions"]["work"]
    assert (work["invocations"], work["failures"]) == (3, 3)
    assert "no use" in work["lastError"]
    (dead,) = app.broker.queue("work/$deadletterqueue").peek()
    assert dead.message.application_properties["DeadLetterReason"] == "MaxDeliveryCountExceeded"


SLOW = """
@app.service_bus_queue_trigger(arg_name="msg", queue_name="work", connection="Bus", is_sessions_enabled=True)
async def work(msg: func.ServiceBusMessage):
    note(count=msg.delivery_count, pid=os.getpid())
    if msg.delivery_count == 1:
        await asyncio.sleep(60)
"""


async def test_a_worker_killed_during_a_run_is_respawned_and_the_message_runs_again(
    start: StartHost,
) -> None:
    app = await start(SLOW, QueueOptions(name="work", requires_session=True))
    app.broker.queue("work").send(Message(body=b"x", session_id="s"))
    await app.until(lambda: len(app.notes()) == 1)
    before = await app.status()
    os.kill(before["workerPid"], signal.SIGKILL)
    await app.until(lambda: len(app.notes()) == 2)

    first, second = app.notes()
    assert (first["count"], second["count"]) == (1, 2)
    assert first["pid"] != second["pid"]
    after = await app.status()
    assert after["state"] == "Running"
    assert after["restarts"] == before["restarts"] + 1
    assert after["workerPid"] == after["worker"]["pid"] == second["pid"]
    await app.until(lambda: app.broker.queue("work").counts().locked == 0)


async def test_a_worker_killed_under_load_burns_one_delivery_at_most(start: StartHost) -> None:
    app = await start(SLOW.replace("60", "0.2"), QueueOptions(name="work", requires_session=True, max_delivery_count=2))
    for session in range(20):
        app.broker.queue("work").send(Message(session_id=str(session)))
    await app.until(lambda: len(app.notes()) >= 4)
    pid = (await app.status())["workerPid"]
    os.kill(pid, signal.SIGKILL)
    counts = app.broker.queue("work").counts
    await app.until(lambda: (now := counts()).active + now.locked < 20)
    assert counts().dead_lettered == 0


TIMEOUT = """
@app.service_bus_queue_trigger(arg_name="msg", queue_name="work", connection="Bus")
def work(msg: func.ServiceBusMessage):
    note(count=msg.delivery_count)
    if msg.delivery_count == 1:
        time.sleep(60)
"""


async def test_a_run_beyond_the_function_timeout_ends_the_worker_and_is_tried_again(start: StartHost) -> None:
    app = await start(TIMEOUT, QueueOptions(name="work"), host_json={"functionTimeout": "00:00:01"})
    app.broker.queue("work").send(Message())
    await app.until(lambda: len(app.notes()) == 2)
    assert app.notes()[1]["count"] == 2
    assert (await app.status())["restarts"] == 1
    assert "00:01" in (await app.status())["functions"]["work"]["lastError"]


TIMERS = """
@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
async def sweep(timer: func.TimerRequest):
    note(past_due=timer.past_due, begin=time.time())
    await asyncio.sleep(0.1)
    note(end=time.time())

@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
def once(timer: func.TimerRequest):
    note(once=True)

@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
def broken(timer: func.TimerRequest):
    raise RuntimeError("cannot sweep")
"""


async def test_a_timer_runs_by_its_schedule_and_at_startup(start: StartHost) -> None:
    app = await start(TIMERS, settings={"SCHEDULE": "* * * * * *"})
    await app.until(lambda: sum("end" in note for note in app.notes()) >= 2)
    assert [note for note in app.notes() if "once" in note] == [{"once": True}]
    begins = [note["begin"] for note in app.notes() if "begin" in note]
    assert all(0 <= begin % 1 < 0.5 for begin in begins)
    assert not any(note.get("past_due") for note in app.notes())


async def test_a_timer_is_run_on_demand_with_its_outcome_and_never_twice_at_once(start: StartHost) -> None:
    app = await start(TIMERS, settings={"SCHEDULE": "0 0 0 1 1 *"})
    at_once = await app.client.post("/admin/functions/sweep", json={})
    assert at_once.status_code == 202
    waited = await app.client.post("/admin/functions/SWEEP?wait=true", content=b"")
    assert (waited.status_code, waited.json()["ok"]) == (200, True)
    kinds = ["begin" if "begin" in note else "end" for note in app.notes() if "once" not in note]
    assert kinds == ["begin", "end", "begin", "end"]

    failed = (await app.client.post("/admin/functions/broken?wait=true")).json()
    assert failed["ok"] is False
    assert "cannot sweep" in failed["error"]
    assert (await app.client.post("/admin/functions/nothing")).status_code == 404
    assert (await app.client.post("/admin/functions/sweep", content=b"[1")).status_code == 400


async def test_a_queue_function_is_run_on_demand_with_the_input_as_body(start: StartHost) -> None:
    app = await start(BATCHES, QueueOptions(name="events"))
    answer = await app.client.post("/admin/functions/intake?wait=true", json={"input": "hello"})
    assert answer.json()["ok"] is True
    (note,) = app.notes()
    assert note["bodies"] == [b"hello".hex()]
    assert note["counts"] == [1]


HTTP = """
@app.route(route="people/{id:int}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def post(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(
        req.get_body()[::-1], status_code=201, headers={"x-id": req.route_params["id"], "x-q":
        req.params["q"]}
    )

@app.route(route="people/me", auth_level=func.AuthLevel.ANONYMOUS)
def me(req: func.HttpRequest) -> str:
    return "it is me"

@app.route(route="secret")
def secret(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("open")

@app.route(route="broken", auth_level=func.AuthLevel.ANONYMOUS)
def broken(req: func.HttpRequest) -> func.HttpResponse:
    raise RuntimeError("broken")
"""


async def test_http_functions_answer_their_routes_methods_and_keys(start: StartHost) -> None:
    app = await start(HTTP, host_json={"extensions": {"http": {"routePrefix": "v1"}}})
    posted = await app.client.post("/v1/people/7?q=a%20b", content=b"\x00\xff")
    assert (posted.status_code, posted.content) == (201, b"\xff\x00")
    assert (posted.headers["x-id"], posted.headers["x-q"]) == ("7", "a b")
    assert (await app.client.get("/v1/people/7")).status_code == 404
    assert (await app.client.post("/v1/people/x?q=")).status_code == 404
    assert (await app.client.get("/v1/people/me")).text == "it is me"
    refused = await app.client.get("/v1/secret")
    assert refused.status_code == 401
    assert "GET /admin/host/keys" in refused.json()["message"]
    (key,) = (await app.client.get("/admin/host/keys")).json()["keys"]
    assert (await app.client.get("/admin/host/keys/default")).json() == key == {"name": "default"} | key
    assert (await app.client.get("/v1/secret", headers={"x-functions-key": key["value"]})).text == "open"
    master = (await app.client.get("/admin/host/systemkeys/_master")).json()["value"]
    assert (await app.client.get(f"/v1/secret?code={master}")).text == "open"
    assert (await app.client.get("/admin/host/keys/other")).status_code == 404
    assert (await app.client.get("/v1/broken")).status_code == 500


ECHO = """
@app.route(route="echo", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    length = req.headers.get("content-length")
    return func.HttpResponse(json.dumps([req.get_body().decode(), length, dict(req.params)]))
"""


async def test_a_body_of_unknown_length_does_not_reach_a_function(start: StartHost) -> None:
    app = await start(ECHO)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"he"
        yield b"llo"

    assert (await app.client.post("/api/echo", content=b"hello")).json() == ["hello", "5", {}]
    assert (await app.client.post("/api/echo", content=chunks())).json() == ["", None, {}]


async def test_the_values_of_a_repeated_query_key_are_joined_and_empty_ones_left_out(start: StartHost) -> None:
    app = await start(ECHO)
    answer = await app.client.post("/api/echo?a=1&b=&A=2&c=&a=%2C&c=x&d")
    assert answer.json()[2] == {"a": "1,2,,", "c": "x"}


OUTPUT = """
@app.service_bus_queue_trigger(arg_name="msg", queue_name="work", connection="Bus")
@app.service_bus_queue_output(arg_name="out", queue_name="done", connection="Bus")
def work(msg: func.ServiceBusMessage, out: func.Out[str]):
    out.set(msg.get_body().decode().upper())
"""


async def test_an_output_binding_sends_to_its_queue(start: StartHost) -> None:
    app = await start(OUTPUT, QueueOptions(name="work"), QueueOptions(name="done"))
    app.broker.queue("work").send(Message(body=b"quiet"))
    await app.until(lambda: app.broker.queue("done").counts().active == 1)
    (sent,) = app.broker.queue("done").peek()
    assert sent.message.body == b"QUIET"


MANUAL = """
@app.service_bus_queue_trigger(
    arg_name="msg", queue_name="work", connection="Bus", auto_complete_messages=False
)
def work(msg: func.ServiceBusMessage):
    note(count=msg.delivery_count)
"""


async def test_without_auto_complete_a_message_comes_back_when_its_lock_runs_out(start: StartHost) -> None:
    app = await start(MANUAL, QueueOptions(name="work", lock_duration=timedelta(seconds=0.3)))
    app.broker.queue("work").send(Message())
    await app.until(lambda: len(app.notes()) == 2)
    assert [note["count"] for note in app.notes()] == [1, 2]


@pytest.mark.parametrize(
    ("body", "settings", "said"),
    [
        (SESSIONS, {}, ["'work' function", "%WORK%", "app setting WORK"]),
        (SESSIONS, {"WORK": "elsewhere"}, ["no queue 'elsewhere'", "there are: work"]),
        (FAILING, {}, ["requires sessions", "is_sessions_enabled=True"]),
        ("raise ValueError('policy.yaml: line 3: unknown key')", {}, ["policy.yaml: line 3: unknown key"]),
        ("import no_such_module", {}, ["no_such_module"]),
        ("import sys; sys.exit('the policy is wrong')", {}, ["exit code 1", "the policy is wrong"]),
        ("1/0 if False else None; x = (", {}, ["SyntaxError"]),
    ],
)
async def test_an_app_that_cannot_be_indexed_says_why(
    start: StartHost, body: str, settings: dict[str, str], said: list[str]
) -> None:
    with pytest.raises(HostStartError) as refusal:
        await start(body, QueueOptions(name="work", requires_session=True), settings=settings)
    for part in said:
        assert part in str(refusal.value)


async def test_an_app_that_brings_its_packages_has_no_others(start: StartHost, tmp_path: Path) -> None:
    packages = tmp_path / "app" / ".python_packages" / "lib" / "site-packages"
    packages.mkdir(parents=True)
    with pytest.raises(HostStartError, match="azure_functions_runtime"):
        await start(TIMERS, settings={"SCHEDULE": "0 0 0 1 1 *"})
    installed = Path(azure_functions_runtime.__path__[0]).parent
    for name in installed.iterdir():
        (packages / name.name).symlink_to(name)
    (packages / "brought_along.py").write_text("SAID = 'from its own packages'")
    app = await start("import brought_along\n" + dedent(TIMERS), settings={"SCHEDULE": "0 0 0 1 1 *"})
    assert app.host.functions()


async def test_a_restart_loads_the_changed_app_and_an_error_heals_by_the_next_one(
    start: StartHost, caplog: pytest.LogCaptureFixture
) -> None:
    app = await start(TIMERS, settings={"SCHEDULE": "0 0 0 1 1 *", "PYTHONDONTWRITEBYTECODE": "1"})
    source = app.host.app_directory / "function_app.py"
    source.write_text(HEAD + "raise ValueError('broken by a change')")
    assert (await app.client.post("/admin/host/restart")).status_code == 202
    status = await app.status()
    assert status["state"] == "Error"
    assert "broken by a change" in status["errors"][0]
    assert "broken by a change" in caplog.text, "no start is there to raise it"
    assert (await app.client.post("/admin/functions/sweep")).status_code == 503

    source.write_text(HEAD + dedent(OUTPUT).replace("work", "sweep").replace("done", "sweep"))
    app.broker.create_queue(QueueOptions(name="sweep"))
    await app.client.post("/admin/host/restart")
    assert (await app.status())["state"] == "Running"
    functions = (await app.client.get("/admin/functions")).json()
    assert [function["name"] for function in functions] == ["sweep"]
    assert functions[0]["trigger"]["queueName"] == "sweep"


LOGGING = """
logging.info("the app is loading")
@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
def sweep(timer: func.TimerRequest):
    print("printed")
    logging.warning("logged")
"""


async def test_what_the_app_writes_is_in_the_log(start: StartHost, tmp_path: Path) -> None:
    app = await start(LOGGING)
    await app.client.post("/admin/functions/sweep?wait=true")

    def texts() -> str:
        return "\n".join(line.text for line in app.host.log.since(0))

    await app.until(lambda: "printed" in texts() and "logged" in texts())
    lines = (await app.client.get("/admin/host/logs?since=1")).json()["lines"]
    assert lines[0]["number"] == 2
    assert "WARNING root [" in next(line["text"] for line in lines if "logged" in line["text"])
    assert "the app is loading" in (tmp_path / "app.log").read_text()


async def test_stopping_the_host_ends_the_worker_though_a_run_blocks_it(start: StartHost, tmp_path: Path) -> None:
    async with running(tmp_path, TIMEOUT, host_json={}, settings={}, queues=[QueueOptions(name="work")]) as app:
        app.broker.queue("work").send(Message())
        await app.until(lambda: len(app.notes()) == 1)
        pid = (await app.status())["workerPid"]
        async with asyncio.timeout(2):
            await app.host.stop()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
        assert app.broker.queue("work").counts().locked == 0


async def test_a_timer_is_retried_by_its_own_policy(start: StartHost) -> None:
    app = await start("""
        @app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
        @app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
        def sweep(timer: func.TimerRequest, context: func.Context):
            note(retry=context.retry_context.retry_count, most=context.retry_context.max_retry_count)
            if context.retry_context.retry_count < 2:
                raise RuntimeError("not yet")
    """)
    assert (await app.client.post("/admin/functions/sweep?wait=true")).json()["ok"] is True
    assert app.notes() == [{"retry": retry, "most": 2} for retry in range(3)]


async def test_an_http_function_is_not_run_by_the_admin_door(start: StartHost) -> None:
    app = await start(HTTP)
    refusal = await app.client.post("/admin/functions/me")
    assert refusal.status_code == 400
    assert "HTTP trigger" in refusal.json()["message"]


CHATTER = """
@app.service_bus_queue_trigger(arg_name="msg", queue_name="work", connection="Bus")
def work(msg: func.ServiceBusMessage):
    note(count=msg.delivery_count)
    if msg.delivery_count == 1:
        import sys
        os.write(int(sys.argv[1]), b"this is no frame" * 8)
        time.sleep(60)
"""


async def test_an_app_that_garbles_the_workers_answers_costs_it_the_process(start: StartHost) -> None:
    app = await start(CHATTER, QueueOptions(name="work"))
    app.broker.queue("work").send(Message())
    await app.until(lambda: len(app.notes()) == 2)
    assert app.notes()[1]["count"] == 2
    assert (await app.status())["restarts"] == 1
