"""Starts Azure on this machine and the app in it, and stops both.

`python -m sandbox up` does it from a command line, `running` in a program. What may live here: putting the
parts together, and that command line; what the parts do is in their own rooms. One line of JSON on stdout
says where everything is; everything else is said on stderr.
"""

import argparse
import asyncio
import json
import logging
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, NoReturn

from pydantic import ValidationError

from sandbox import shell
from sandbox.billing import BillingModel, Contact, billing_handler
from sandbox.broker import server as service_bus
from sandbox.broker.config import QueueConfigError, read_queues
from sandbox.broker.model import Broker, QueueOptions
from sandbox.contoso import STANDARD_WORLD
from sandbox.echo import Echo
from sandbox.faults import Faults, Switchboard, UnknownSwitchError, faults_handler
from sandbox.graph import AUDIENCE as GRAPH_AUDIENCE
from sandbox.graph import Deliveries, GraphModel, GraphService
from sandbox.host import server as host_server
from sandbox.host.admin import AdminDoors
from sandbox.host.authentication import AppServiceAuthentication
from sandbox.host.configuration import ConfigurationError
from sandbox.host.host import FunctionsHost, HostStartError, NoSuchFunctionError, utc_now
from sandbox.identity import Identity, IdentityEndpoint
from sandbox.keeping import KEPT_WORLD, Keeper
from sandbox.misfits import lines, misfits
from sandbox.notifier import Courier, Notifier
from sandbox.policy_in_force import PolicyInForce
from sandbox.receivers import NAMES, Receivers, with_notices
from sandbox.settings import (
    APP_IDENTITY,
    NO_SIGN_IN,
    PAGE_AUDIENCE,
    PROJECT,
    STANDARD_POLICY,
    Mode,
    Options,
    Places,
    app_settings,
    notice_settings,
    notification_settings,
    overruled,
    page_settings,
    shell_environment,
    standard_queues,
)
from sandbox.shared_access import SharedAccessKey
from sandbox.subscriptions_door import with_subscriptions
from sandbox.trying import to_try
from sandbox.vault import VaultError, read_vault, resolved
from sandbox.wire import Handler
from sandbox.world import World, WorldError, load_world

ARM_AUDIENCE = "https://management.azure.com"
"""Whom tokens for the billing stand-in must be for."""

SERVICE_BUS_AUDIENCE = "https://servicebus.azure.net"
"""Whom tokens for the broker must be for."""

_SUBSCRIBING = "subscriptions"
_PROGRAM = "python -m sandbox up"
_STANDINS = ("arm", "graph", "identity")
_LONGEST_LATENCY_SECONDS = 60.0
_LAST_LINES_SECONDS = 0.3
_UNITS = {"ms": 0.001, "s": 1.0}

_logger = logging.getLogger(__name__)


class StartError(Exception):
    """The sandbox cannot be started as asked; the text names the option and what to do."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox: its addresses, and the models behind them for programs in the same process."""

    service_bus: str
    arm: str
    graph: str
    identity: str
    functions: str | None
    faults: str
    state: Path
    ledger: Path
    environment: Path | None
    app_log: Path | None
    broker: Broker
    billing: BillingModel
    directory: GraphModel
    deliveries: Deliveries
    tokens: IdentityEndpoint
    rules: Faults
    host: FunctionsHost | None
    world: World
    receivers: Receivers
    page: str | None = None

    def announcement(self) -> dict[str, str | None]:
        """What is printed when everything is ready."""
        return {
            "service_bus": self.service_bus,
            "arm": self.arm,
            "graph": self.graph,
            "identity": self.identity,
            "functions": self.functions,
            **({"page": self.page} if self.page is not None else {}),
            "faults": self.faults,
            "ledger": str(self.ledger),
        }


@asynccontextmanager
async def running(options: Options, *, echo: Callable[[str], None] | None = None) -> AsyncIterator[Sandbox]:
    """A sandbox for as long as the context lasts; all on loopback, on ports that the system chooses.

    `echo` gets every line that the app writes; they are in `app.log` in the state directory as well.

    Raises:
        StartError: an option names something that cannot be used.
        HostStartError: the app does not start; the text is its own.
    """
    state = _state(options)
    is_ready = False
    try:
        world = _world(options, state)
        async with _started(options, world, state, echo) as sandbox:
            is_ready = True
            yield sandbox
    finally:
        # Nobody was told where a start that failed kept its files, and what went wrong is in the error.
        if options.state is None and not is_ready:
            shutil.rmtree(state)


@asynccontextmanager
async def _started(
    options: Options, world: World, state: Path, echo: Callable[[str], None] | None
) -> AsyncIterator[Sandbox]:
    async with AsyncExitStack() as stack:
        # A world that goes on gets new ids: those of the same seed were given to others before.
        random = Random(options.seed) if not _goes_on(options, state) else Random()
        directory = world.directory(clock=utc_now, random_source=random)
        billing = _billing(world, directory, random)
        keeper = Keeper(state, world, directory, billing)
        keeper.start()
        stack.push_async_callback(keeper.close)
        tokens = IdentityEndpoint((*world.principals(), *world.people_signing_in()))
        deliveries = Deliveries(directory, random_source=Random(options.seed))
        courier = Courier()
        stack.push_async_callback(courier.close)
        broker = Broker(utc_now, random)
        for queue in _queues(options):
            broker.create_queue(queue)
        rules = Faults(random)
        receivers = Receivers(utc_now, {name: secrets.token_urlsafe(32) for name in NAMES})
        handlers: dict[str, Handler] = {
            "arm": billing_handler(billing, tokens.authenticate(ARM_AUDIENCE)),
            "graph": GraphService(directory, tokens.authenticate(GRAPH_AUDIENCE)).handle,
            "identity": tokens.handle,
            "receivers": receivers.handle,
        }
        urls: dict[str, str] = {}
        listening: list[Callable[[], Awaitable[None]]] = []
        stack.push_async_callback(_close, listening)
        for name, handler in handlers.items():
            latency = options.latency_seconds.get(name, 0.0)
            standin = await shell.serve(rules.wrap(name, handler), latency_seconds=latency, send=courier.send)
            listening.append(standin.close)
            urls[name] = standin.url
        switchboard = Switchboard(
            {
                "arm": billing,
                "graph": directory,
                "subscriptions": directory.subscriptions,
                "notifications": deliveries,
            }
        )
        _turn(switchboard, options.switches)
        doors_of_faults = with_subscriptions(directory.subscriptions, deliveries, faults_handler(rules, switchboard))
        door = await shell.serve(with_notices(receivers, doors_of_faults))
        listening.append(door.close)
        notifier = Notifier(deliveries, courier, clock=utc_now)
        notifier.start()
        stack.push_async_callback(notifier.close)
        key = SharedAccessKey()

        def accept_token(token: str, _audience: str) -> bool:
            return key.signed(token, utc_now) or tokens.accepts(token, SERVICE_BUS_AUDIENCE)

        bus = await service_bus.serve(broker, accept_token=accept_token)
        listening.append(bus.close)
        namespace = f"127.0.0.1:{bus.port}"
        places = Places(
            service_bus=namespace,
            arm=urls["arm"],
            graph=urls["graph"],
            identity=urls["identity"],
            policy=state / "policy.yaml",
            ledger=state / "ledger.sqlite",
        )
        own = (page_settings(world.tenant_id) if options.page else {}) | dict(options.settings)
        host = _host(options, own, world, places, broker, echo) if options.app else None
        functions = None
        if host is not None:
            # The door first: the app is told its own address, which Graph is to notify.
            doors = await host_server.serve(_door(options, host, world, tokens))
            stack.push_async_callback(doors.close)
            functions = doors.url
            for name, value in _to_be_told(options, functions, receivers, urls).items():
                own.setdefault(name, value)
            await host.start()
            stack.push_async_callback(host.stop)
            if options.notifications:
                await _subscribe(host)
        yield Sandbox(
            service_bus=key.connection_string(namespace),
            arm=urls["arm"],
            graph=urls["graph"],
            identity=urls["identity"],
            functions=functions,
            faults=door.url,
            state=state,
            ledger=places.ledger,
            environment=places.environment if host is not None else None,
            app_log=host.log.path if host is not None else None,
            broker=broker,
            billing=billing,
            directory=directory,
            deliveries=deliveries,
            tokens=tokens,
            rules=rules,
            host=host,
            world=world,
            page=functions if options.page else None,
            receivers=receivers,
        )


def _to_be_told(options: Options, functions: str, receivers: Receivers, urls: Mapping[str, str]) -> Mapping[str, str]:
    """The settings by which the app hears from Graph, and by which people hear from the app."""
    found: dict[str, str] = {}
    if options.notifications:
        found |= notification_settings(functions, secrets.token_urlsafe(32))
    if options.notices:
        addresses = {name: receivers.address(urls["receivers"], name) for name in NAMES}
        found |= notice_settings(addresses, functions if options.page else None)
    return found


def _door(options: Options, host: FunctionsHost, world: World, tokens: IdentityEndpoint) -> host_server.AsyncHandler:
    """What answers at the host's address: itself, or behind a sign-in where the app has its page."""
    doors = AdminDoors(host).handle
    if not options.page:
        return doors
    people = world.people_signing_in()
    return AppServiceAuthentication(doors, people, tokens, PAGE_AUDIENCE, NO_SIGN_IN).handle


async def _close(listening: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Closes everything that listens, all at once: each may wait a moment for the clients it has."""
    await asyncio.gather(*(close() for close in listening))


def _goes_on(options: Options, state: Path) -> bool:
    """Whether the world is the one that a sandbox before left in this directory."""
    return options.world is None and (state / KEPT_WORLD).is_file()


def _world(options: Options, state: Path) -> World:
    goes_on = _goes_on(options, state)
    if goes_on:
        _logger.info("the world is as it was left in %s; --world would start another", state / KEPT_WORLD)
    try:
        return load_world(state / KEPT_WORLD if goes_on else options.world or STANDARD_WORLD)
    except WorldError as mistake:
        raise StartError(f"--world: {mistake}") from None


def _billing(world: World, directory: GraphModel, random: Random) -> BillingModel:
    try:
        return BillingModel(
            world.billing(),
            clock=utc_now,
            rng=random,
            principal_type=directory.principal_type,
            contact=partial(_contact, directory),
        )
    except ValidationError as mistakes:
        said = "; ".join(f"billingAccounts.{line}" for line in lines(mistakes, "*"))
        raise StartError(f"--world: {said}") from None


def _turn(switchboard: Switchboard, switches: Mapping[str, Any]) -> None:
    for name, value in switches.items():
        target, _, switch = name.partition(".")
        try:
            switchboard.turn(target, switch, value)
        except UnknownSwitchError as mistake:
            raise StartError(f"--switch: {mistake}") from None
        except ValidationError as mistakes:
            said = "; ".join(what for _, what in misfits(mistakes, name))
            raise StartError(f"--switch: {name} cannot be {value!r}: {said}") from None


def _queues(options: Options) -> Sequence[QueueOptions]:
    """The queues of the file, and with the app running the standard ones that it does not name."""
    if options.queues is None:
        return standard_queues()
    try:
        found = read_queues(options.queues)
    except QueueConfigError as mistake:
        raise StartError(f"--queues: {mistake}") from None
    named = {queue.name.lower() for queue in found}
    return [*found, *(queue for queue in standard_queues() if options.app and queue.name not in named)]


def _state(options: Options) -> Path:
    if options.state is None:
        return Path(tempfile.mkdtemp(prefix="invoice-access-"))
    try:
        options.state.mkdir(parents=True, exist_ok=True)
    except OSError as refusal:
        raise StartError(f"--state: {options.state} cannot be made: {refusal.strerror}; name a directory") from None
    return options.state.resolve()


def _host(
    options: Options,
    own: Mapping[str, str],
    world: World,
    places: Places,
    broker: Broker,
    echo: Callable[[str], None] | None,
) -> FunctionsHost:
    in_force = _policy_in_force(options, places.policy)
    header = secrets.token_hex(16)
    app = _app_identity(world)

    def settings() -> Mapping[str, str]:
        # Rendered at every start of a worker: a policy that was fixed is in force after a restart.
        try:
            in_force.render()
        except OSError as refusal:
            raise ConfigurationError(f"the policy {refusal.filename} cannot be read: {refusal.strerror}") from None
        found = app_settings(places, client_id=app.client_id, identity_header=header, own=own)
        if options.vault is not None:
            try:
                found = resolved(found, read_vault(options.vault))
            except VaultError as mistake:
                raise ConfigurationError(f"--vault: {mistake}") from None
        _write_private(places.environment, shell_environment(found, world.people_signing_in()))
        return found

    return FunctionsHost(
        options.app_directory, settings, broker, places.policy.parent, echo=echo, silent_start=options.silent_start
    )


def _policy_in_force(options: Options, place: Path) -> PolicyInForce:
    """The policy of the file that was given; where none was, that which an earlier sandbox left in this directory."""
    if options.policy is None and place.is_file():
        _logger.info("the policy is as it was left in %s, whatever --mode says; --policy would bring another", place)
        return PolicyInForce(place, place, None)
    policy = options.policy or STANDARD_POLICY
    if not policy.is_file():
        raise StartError(f"--policy: there is no file {policy}; name an existing one")
    _say_what_the_mode_does(policy, options.mode)
    return PolicyInForce(policy, place, options.mode)


def _write_private(path: Path, text: str) -> None:
    """Writes a file that nobody else on this machine can read: secrets may be among the settings."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _say_what_the_mode_does(policy: Path, mode: Mode) -> None:
    try:
        said = overruled(policy.read_bytes(), mode)
    except OSError as refusal:
        raise StartError(f"--policy: {policy} cannot be read: {refusal.strerror}") from None
    if said is not None:
        _logger.warning("%s", said)


async def _subscribe(host: FunctionsHost) -> None:
    """Has the app subscribe now rather than at its timer's next tick."""
    try:
        outcome = await host.run_now(_SUBSCRIBING, "")
    except NoSuchFunctionError as mistake:
        raise StartError(f"--notifications: {mistake}") from None
    if not outcome.ok:
        raise StartError(f"--notifications: the app could not subscribe: {outcome.error}")


def _app_identity(world: World) -> Identity:
    principals = world.principals()
    named = [identity for identity in principals if identity.name == APP_IDENTITY]
    others = [identity for identity in principals if not identity.default]
    if not (named or others):
        raise StartError(f"--world: it has no identity for the app; add one named {APP_IDENTITY} to identities")
    return (named or others)[0]


def _contact(directory: GraphModel, object_id: str) -> Contact | None:
    """What billing shows of a principal, which it takes from the directory."""
    entry = directory.newest().live(object_id)
    if entry is None:
        return None
    properties = entry.properties
    return Contact(email=properties.get("mail"), display_name=properties.get("displayName"))


# --- the command line ---------------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line on stderr that names the option, and exit status 2."""
        self.exit(2, f"{self.prog}: {message}\n")


def _latency(text: str) -> tuple[str, float]:
    name, _, amount = text.partition("=")
    unit = next((unit for unit in _UNITS if amount.endswith(unit)), "")
    try:
        seconds = float(amount.removesuffix(unit)) * _UNITS[unit]
    except (KeyError, ValueError):
        seconds = -1.0
    if name not in _STANDINS or not 0 <= seconds <= _LONGEST_LATENCY_SECONDS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no latency; write arm=80ms,graph=30ms (also identity; ms or s; at most 60s)"
        )
    return name, seconds


def _latencies(text: str) -> dict[str, float]:
    return dict(_latency(part.strip()) for part in text.split(","))


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is no setting; write NAME=VALUE")
    return name.strip(), value


def switch(text: str) -> tuple[str, Any]:
    """A switch on a command line: its name, and its value as JSON or, where it is none, as text."""
    name, equals, value = text.partition("=")
    if not equals or "." not in name:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no switch; write arm.NAME=VALUE (also graph, subscriptions, ...)"
        )
    try:
        return name.strip(), json.loads(value)
    except ValueError:
        return name.strip(), value.strip()


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}; name an existing one")
    return path.resolve()


def app_folder(text: str) -> Path:
    """A folder on a command line that holds an app, such as an unpacked deployment."""
    path = Path(text)
    if not (path / "host.json").is_file():
        raise argparse.ArgumentTypeError(f"there is no app in {text!r}; name a folder with a host.json")
    return path.resolve()


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no mode; choose observe or enforce") from None


def read_arguments(arguments: Sequence[str]) -> Options:
    """The options on a command line; exits with status 2 and one line when one cannot be used."""
    parser = _Parser(
        prog=_PROGRAM,
        description="Azure on this machine with the app in it. One line of JSON says when it is ready.",
        allow_abbrev=False,
    )
    parser.add_argument("--world", type=_file, metavar="FILE", help="the world to start from (default: Contoso)")
    parser.add_argument("--policy", type=_file, metavar="FILE", help="the policy (default: one for Contoso)")
    parser.add_argument("--mode", type=_mode, default=Mode.ENFORCE, metavar="observe|enforce", help="default: enforce")
    parser.add_argument(
        "--latency", type=_latencies, default={}, metavar="arm=80ms,...", help="of arm, graph, identity"
    )
    parser.add_argument(
        "--notifications", action="store_true", help="the app subscribes to the directory, and Graph notifies it"
    )
    parser.add_argument(
        "--silent-start",
        action="store_true",
        help="an app that does not load has no functions and no word, as in Azure",
    )
    parser.add_argument(
        "--notices", action="store_true", help="the app tells a webhook and two channels of Teams; GET {faults}/notices"
    )
    parser.add_argument("--page", action="store_true", help="the app has its page, behind a sign-in")
    parser.add_argument("--no-app", action="store_true", help="the stand-ins alone")
    parser.add_argument("--app", type=app_folder, default=PROJECT, metavar="DIR", help="the app (default: this one)")
    parser.add_argument(
        "--queues", type=_file, metavar="FILE", help="queues as in the Service Bus emulator's config.json"
    )
    parser.add_argument(
        "--set", type=_setting, action="append", default=[], metavar="NAME=VALUE", help="an app setting"
    )
    parser.add_argument(
        "--vault", type=_file, metavar="FILE", help="secrets for settings that refer to a Key Vault: a JSON object"
    )
    parser.add_argument(
        "--switch", type=switch, action="append", default=[], metavar="arm.NAME=VALUE", help="a stand-in's switch"
    )
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="for ledger, logs, world and policy: it goes on there (default: fresh)",
    )
    given = parser.parse_args(arguments)
    for option, is_given in (("--notifications", given.notifications), ("--policy", given.policy is not None)):
        if given.no_app and is_given:
            _logger.warning("%s is for the app, and --no-app starts none: it is left out of account", option)
    return Options(
        world=given.world,
        policy=given.policy,
        mode=given.mode,
        latency_seconds=given.latency,
        notifications=given.notifications and not given.no_app,
        silent_start=given.silent_start,
        app=not given.no_app,
        page=given.page and not given.no_app,
        notices=given.notices and not given.no_app,
        app_directory=given.app,
        queues=given.queues,
        settings=dict(given.set),
        vault=given.vault,
        switches=dict(given.switch),
        state=given.state,
    )


async def _run(options: Options, echo: Echo) -> int:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    serving = asyncio.create_task(_serve(options, echo), name="sandbox")
    waiting = asyncio.create_task(stopped.wait(), name="sandbox-stop")
    await asyncio.wait([serving, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if not serving.done():
        _logger.info("stopping")
        serving.cancel()
    try:
        await serving
    except asyncio.CancelledError:
        return 0
    except StartError as mistake:
        echo.line(f"{_PROGRAM}: {mistake}")
        return 2
    except HostStartError as failure:
        echo.line(f"{_PROGRAM}: the app does not start:\n{failure}")
        if options.policy is not None and "policy.yaml" in f"{failure}":
            echo.line(f"(policy.yaml is the app's copy of {options.policy}, line by line)")
        return 1
    return 0


async def _serve(options: Options, echo: Echo) -> None:
    async with running(options, echo=echo.line) as sandbox:
        _logger.info("ready; ledger and logs are in %s", sandbox.state)
        if sandbox.page is not None:
            _logger.info("the page: %s/", sandbox.page)
        if sandbox.environment is not None:
            trying = "\n".join(f"  {line}" for line in to_try(sandbox.world, sandbox.environment))
            _logger.info("to try from another terminal:\n%s", trying)
        print(json.dumps(sandbox.announcement()), flush=True)
        await asyncio.Event().wait()


def main(arguments: Sequence[str]) -> int:
    """Runs a sandbox until SIGTERM or SIGINT; returns the exit status: 0, 1 (the app), 2 (the options)."""
    options = read_arguments(arguments)
    echo = Echo()
    logging.basicConfig(level=logging.INFO, handlers=[echo], format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        return asyncio.run(_run(options, echo))
    finally:
        echo.finish(_LAST_LINES_SECONDS)
