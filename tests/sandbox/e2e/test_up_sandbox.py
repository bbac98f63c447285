"""A whole sandbox: as a process of its own, and within this one on a toy app."""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from azure.core.credentials import AccessToken
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import ServiceBusAuthenticationError

from sandbox.host.host import HostStartError
from sandbox.settings import PROJECT, Mode, Options
from sandbox.up import Sandbox, running

ACCOUNTS = "/providers/Microsoft.Billing/billingAccounts?api-version=2024-04-01"

APP = """
import json, os
import azure.functions as func

app = func.FunctionApp()
if "enforce: broken" in open(os.environ["INVOICE_ACCESS_POLICY"]).read():
    raise ValueError("policy.yaml: line 1: enforce is all, none or a list")

@app.service_bus_queue_trigger(arg_name="m", queue_name="people-events", connection="ServiceBusConnection")
def note(m: func.ServiceBusMessage):
    found = {"body": m.get_body().decode(), "environment": dict(os.environ)}
    found["policy"] = open(os.environ["INVOICE_ACCESS_POLICY"]).read()
    with open(os.environ["OUT"], "a") as out:
        out.write(json.dumps(found) + "\\n")
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    directory = tmp_path / "app"
    directory.mkdir()
    (directory / "function_app.py").write_text(APP)
    (directory / "host.json").write_text('{"version": "2.0"}')
    return directory


async def token(sandbox_identity: str, resource: str) -> str:
    async with httpx.AsyncClient() as client:
        answer = await client.get(
            f"{sandbox_identity}/msi/token",
            params={"resource": resource, "api-version": "2019-08-01"},
            headers={"x-identity-header": "any"},
        )
        return str(answer.json()["access_token"])


async def noted(path: Path) -> dict[str, Any]:
    def written() -> str:
        return path.read_text() if path.exists() else ""

    async with asyncio.timeout(10):
        while not written().endswith("\n"):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)
    found: dict[str, Any] = json.loads(written().splitlines()[0])
    return found


async def send(sandbox: Sandbox, queue: str, body: str) -> None:
    async with (
        ServiceBusClient.from_connection_string(sandbox.service_bus) as client,
        client.get_queue_sender(queue) as sender,
    ):
        await sender.send_messages(ServiceBusMessage(body))


async def test_a_message_from_outside_reaches_the_app_with_the_settings_of_a_deployment(
    app: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    options = Options(
        app_directory=app, state=tmp_path / "state", mode=Mode.OBSERVE, settings={"OUT": str(out), "X": "1"}
    )
    async with running(options) as sandbox:
        await send(sandbox, "people-events", "hello")
        found = await noted(out)
        assert found["body"] == "hello"
        assert "\nenforce: none" in found["policy"]
        environment = found["environment"]
        assert environment["INVOICE_ACCESS_ARM_URL"] == sandbox.arm
        assert environment["INVOICE_ACCESS_GRAPH_URL"] == sandbox.graph
        assert environment["INVOICE_ACCESS_STORE"] == f"sqlite:{sandbox.ledger}"
        assert environment["ServiceBusConnection__fullyQualifiedNamespace"] in sandbox.service_bus
        assert environment["X"] == "1"
        assert "PWD" not in environment
        async with httpx.AsyncClient() as client:
            status = (await client.get(f"{sandbox.functions}/admin/host/status")).json()
        assert status["state"] == "Running"
        assert status["functions"]["note"]["invocations"] == 1
    assert sandbox.host is not None
    assert sandbox.host.worker is None


async def test_an_app_that_does_not_start_is_the_reason_the_sandbox_does_not(app: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("enforce: broken: all\n")
    options = Options(app_directory=app, state=tmp_path / "state", policy=policy)
    with pytest.raises(HostStartError, match="line 1: enforce is all, none or a list"):
        async with running(options):
            pytest.fail("it must not start")


async def test_a_failed_start_is_told_by_the_app_and_the_sandbox_once_and_leaves_no_folder(
    tmp_path: Path,
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nenforce: maybe\nrules: []\n")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sandbox", "up", "--policy", str(policy)),
        cwd=PROJECT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        out, said = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    app, _, sandbox = said.partition(b"python -m sandbox up: the app does not start:")
    assert app.count(b"ERROR") == app.count(b"'maybe'") == 2  # in its log, and on its stderr
    assert sandbox.count(b"'maybe'") == 1
    assert list(temporary.iterdir()) == []


async def test_a_value_that_the_mode_overrules_is_said_once_on_stderr(
    app: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nenforce: none\nrules: []\n")
    async with (
        running(Options(app_directory=app, state=tmp_path / "state", policy=policy)) as sandbox,
        httpx.AsyncClient(base_url=str(sandbox.functions), timeout=20) as client,
    ):
        assert (await client.post("/admin/host/restart")).status_code == 202
    said = [message for message in caplog.messages if "--mode" in message]
    assert said == ["the policy says enforce: none; --mode made it all"]


async def test_without_the_app_the_stand_ins_answer_tokens_faults_and_switches(tmp_path: Path) -> None:
    async with running(Options(app=False, state=tmp_path)) as sandbox, httpx.AsyncClient() as client:
        assert sandbox.announcement()["functions"] is None
        assert (await client.get(sandbox.arm + ACCOUNTS)).status_code == 401
        headers = {"authorization": f"Bearer {await token(sandbox.identity, 'https://management.azure.com')}"}
        assert (await client.get(sandbox.arm + ACCOUNTS, headers=headers)).status_code == 200
        assert (await client.get(f"{sandbox.graph}/v1.0/users", headers=headers)).status_code == 401

        rule = {"target": "arm", "path": "billingAccounts", "times": 1, "effect": {"status": 503}}
        assert (await client.post(f"{sandbox.faults}/faults", json=rule)).status_code == 201
        answers = [(await client.get(sandbox.arm + ACCOUNTS, headers=headers)).status_code for _ in range(2)]
        assert answers == [503, 200]
        hung_up = {"target": "arm", "times": 1, "effect": {"hang_up": True}}
        await client.post(f"{sandbox.faults}/faults", json=hung_up)
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(sandbox.arm + ACCOUNTS, headers=headers)
        calls = (await client.get(f"{sandbox.faults}/calls")).json()
        assert calls["arm"] == {"GET /providers/Microsoft.Billing/billingAccounts": 5}
        assert calls["identity"] == {"GET /msi/token": 1}

        switches = (await client.get(f"{sandbox.faults}/switches")).json()
        assert switches["arm"]["create_status"] == 200
        turned = await client.put(f"{sandbox.faults}/switches/arm/create_status", json={"value": 202})
        assert turned.status_code == 200
        assert sandbox.billing.switches.create_status == 202
        wrong = await client.put(f"{sandbox.faults}/switches/arm/create_status", json={"value": 418})
        assert wrong.status_code == 400
        lag = f"{sandbox.faults}/switches/graph/replica_lag_seconds"
        assert (await client.put(lag, json={"value": 2.5})).status_code == 200
        assert sandbox.directory.switches.replica_lag_seconds == 2.5


async def test_latency_and_own_queues_are_as_asked_for(tmp_path: Path) -> None:
    queues = tmp_path / "queues.json"
    queues.write_text(
        json.dumps({"UserConfig": {"Namespaces": [{"Name": "sbemulatorns", "Queues": [{"Name": "mine"}]}]}})
    )
    options = Options(app=False, state=tmp_path, queues=queues, latency_seconds={"arm": 0.2})
    async with running(options) as sandbox, httpx.AsyncClient() as client:
        began = time.monotonic()
        await client.get(sandbox.arm + ACCOUNTS)
        assert time.monotonic() - began >= 0.2
        assert [queue.options.name for queue in sandbox.broker.queues()] == ["mine"]
        await send(sandbox, "mine", "x")
        assert sandbox.broker.queue("mine").counts().active == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_command_says_one_line_and_stops_within_two_seconds(tmp_path: Path, number: signal.Signals) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "sandbox", "up", "--no-app", "--state", str(tmp_path)),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        said = json.loads(await process.stdout.readline())
    assert list(said) == ["service_bus", "arm", "graph", "identity", "functions", "faults", "ledger"]
    assert said["functions"] is None
    assert said["ledger"].startswith(str(tmp_path))
    # A client that keeps its connection open must not hold the stop up.
    async with httpx.AsyncClient() as client:
        await client.get(said["arm"] + ACCOUNTS)
        began = time.monotonic()
        process.send_signal(number)
        rest, _ = await process.communicate()
        assert time.monotonic() - began < 2
    assert (process.returncode, rest) == (0, b"")


async def test_an_unknown_verb_is_answered_with_the_verbs_there_are() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "sandbox", "down", cwd=PROJECT, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"up" in said


class Token:
    """A credential with a token of its own choice."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._text, int(time.time()) + 3600)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...


async def test_the_broker_is_open_to_its_key_and_to_identities_and_closed_to_others(tmp_path: Path) -> None:
    async def opens(client: ServiceBusClient) -> bool:
        async with client:
            try:
                async with client.get_queue_sender("people-events") as sender:
                    await sender.send_messages(ServiceBusMessage("x"))
            except ServiceBusAuthenticationError:
                return False
            return True

    async with running(Options(app=False, state=tmp_path)) as sandbox:
        address = sandbox.service_bus.partition("sb://")[2].partition(";")[0]

        def by_key(text: str) -> ServiceBusClient:
            return ServiceBusClient.from_connection_string(text, retry_total=0)

        def by_token(text: str) -> ServiceBusClient:
            return ServiceBusClient(address, Token(text), use_tls=False, retry_total=0)

        good = await token(sandbox.identity, "https://servicebus.azure.net")
        of_graph = await token(sandbox.identity, "https://graph.microsoft.com")
        forged = sandbox.service_bus.replace("SharedAccessKey=", "SharedAccessKey=x")
        opened = await asyncio.gather(
            *map(opens, (by_key(sandbox.service_bus), by_token(good), by_key(forged), by_token(of_graph)))
        )
        assert opened == [True, True, False, False]


async def test_it_stops_within_two_seconds_with_a_busy_app_and_clients_connected(app: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with (app / "function_app.py").open("a") as source:
        source.write("    import time; time.sleep(60)\n")
    options = Options(app_directory=app, state=tmp_path / "state", settings={"OUT": str(out)})
    async with running(options) as sandbox:
        client = ServiceBusClient.from_connection_string(sandbox.service_bus)
        sender = client.get_queue_sender("people-events")
        await sender.send_messages(ServiceBusMessage("x"))
        await noted(out)
        assert sandbox.host is not None
        assert sandbox.host.worker is not None
        pid = sandbox.host.worker.pid
        began = time.monotonic()
    assert time.monotonic() - began < 2
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    await sender.close()
    await client.close()


LOUD = """
@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")
def shout(timer: func.TimerRequest):
    for number in range(3000):
        print(number, "x" * 100)
"""

SCRIPT = """
import asyncio, json, pathlib, sys
from sandbox import up
from sandbox.settings import Options
options = Options(app_directory=pathlib.Path(sys.argv[1]), state=pathlib.Path(sys.argv[2]), settings={"OUT": ""})
up.read_arguments = lambda arguments: options
sys.exit(up.main([]))
"""


async def started(app: Path, state: Path, **how: Any) -> tuple[asyncio.subprocess.Process, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SCRIPT, str(app), str(state)),
        cwd=PROJECT,
        stdout=asyncio.subprocess.PIPE,
        **how,
    )
    assert process.stdout is not None
    async with asyncio.timeout(20):
        return process, json.loads(await process.stdout.readline())


async def test_a_reader_who_never_reads_stderr_does_not_stop_the_sandbox(app: Path, tmp_path: Path) -> None:
    with (app / "function_app.py").open("a") as source:
        source.write(LOUD)
    unread, stderr = os.pipe()
    process, said = await started(app, tmp_path / "state", stderr=stderr)
    async with httpx.AsyncClient(timeout=20) as client:
        run = await client.post(f"{said['functions']}/admin/functions/shout?wait=true")
        assert run.json()["ok"] is True
    began = time.monotonic()
    process.terminate()
    assert await process.wait() == 0
    assert time.monotonic() - began < 2
    assert "2999 xxx" in (tmp_path / "state" / "app.log").read_text()
    os.close(unread)
    os.close(stderr)


async def test_a_sandbox_that_is_killed_leaves_no_worker(app: Path, tmp_path: Path) -> None:
    process, said = await started(app, tmp_path / "state", stderr=asyncio.subprocess.DEVNULL)
    async with httpx.AsyncClient() as client:
        pid = (await client.get(f"{said['functions']}/admin/host/status")).json()["workerPid"]
    process.kill()
    await process.wait()

    def lives() -> bool:
        # An orphan that has ended may stay a zombie where nobody adopts it.
        try:
            return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
        except FileNotFoundError:
            return False

    async with asyncio.timeout(5):
        while lives():  # noqa: ASYNC110 - another process ends
            await asyncio.sleep(0.02)


async def test_a_start_that_is_broken_off_leaves_no_worker(app: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with (app / "function_app.py").open("a") as source:
        source.write(f"import time; open({str(out)!r}, 'w').write(json.dumps(os.getpid()) + '\\n'); time.sleep(60)\n")

    async def start() -> None:
        async with running(Options(app_directory=app, state=tmp_path / "state")):
            pytest.fail("it must not start")

    starting = asyncio.create_task(start())
    async with asyncio.timeout(10):
        while not out.exists() or not out.read_text():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    with pytest.raises(ProcessLookupError):
        os.kill(int(out.read_text()), 0)
