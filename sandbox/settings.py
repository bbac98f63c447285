"""What a sandbox is started with, and what the app in it is told.

What may live here: options, standard queues, app settings, the effective policy: plain decisions about a run.
Starting and stopping is for `up`.
"""

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from sandbox.broker.config import read_deployed_queues
from sandbox.broker.options import QueueOptions
from sandbox.identity import Identity

PROJECT = Path(__file__).resolve().parents[1]
"""Where function_app.py is."""

DEPLOYED_QUEUES = PROJECT / "deploy" / "queues.json"
"""The one definition of the queues: infra/ makes them from this file as well."""

STANDARD_POLICY = Path(__file__).with_name("contoso-policy.yaml")
"""The policy for the standard world, used when none is given."""

APP_IDENTITY = "invoice-access"
"""The name of the app's identity in a world; without one of that name, the first that is not the default."""

PAGE_AUDIENCE = "c0a1d000-0000-4000-8000-00000000de5c"
"""The client id of the page's app registration in every sandbox."""

NO_SIGN_IN = ("/admin/*", "/api/events/*", "/api/graph/*")
"""Paths that need no sign-in: their senders prove themselves in other ways."""

_ENDS = re.compile(r"^\.\.\.", re.MULTILINE)
"""What says that a document ends; nothing can be written behind it."""
_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Mode(StrEnum):
    """Whether the app writes to Azure or only says what it would write."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to start a sandbox.

    `world` and `policy` are files, None for the standard ones; `queues` is a configuration file of the
    official Service Bus emulator whose queues come first; with the app, standard ones it lacks are added.
    `latency_seconds` is by stand-in (arm, graph, identity). `settings` are app settings that add to or replace
    the standard ones. `vault` is a file of secrets that settings may refer to, as to a Key Vault.
    `state` is the directory for ledger, logs and the effective policy, None for a fresh temporary one.
    `switches` are open questions about the stand-ins to answer otherwise, by `stand-in.name`.
    With `silent_start` an app that does not load runs without functions and says nothing, as in Azure.
    Without `app` only the stand-ins are started. With `notifications` the app subscribes to changes in the
    directory before anybody is told that the sandbox is ready, and hears of them by Graph's notifications.
    With `page` the app has its page, behind the host's stand-in for App Service authentication. With `notices` the app
    tells a webhook, a channel of Teams and finance's, all of which are stand-ins, and only for as long as it runs.
    """

    world: Path | None = None
    policy: Path | None = None
    mode: Mode = Mode.ENFORCE
    latency_seconds: Mapping[str, float] = field(default_factory=dict)
    app: bool = True
    notifications: bool = False
    notices: bool = False
    silent_start: bool = False
    app_directory: Path = PROJECT
    queues: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    vault: Path | None = None
    switches: Mapping[str, Any] = field(default_factory=dict)
    state: Path | None = None
    seed: int = 1
    page: bool = False


def standard_queues() -> tuple[QueueOptions, ...]:
    """The app's own queues, from the file that its deployment makes them from."""
    return tuple(read_deployed_queues(DEPLOYED_QUEUES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the app finds what it talks to: loopback addresses and files."""

    service_bus: str
    arm: str
    graph: str
    identity: str
    policy: Path
    ledger: Path

    @property
    def environment(self) -> Path:
        """Where an operator's shell finds the app's environment."""
        return self.policy.with_name("app.env")


def app_settings(places: Places, *, client_id: str, identity_header: str, own: Mapping[str, str]) -> dict[str, str]:
    """The app's environment: what a deployment to Azure would set, then `own` on top."""
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "ServiceBusConnection__fullyQualifiedNamespace": places.service_bus,
        "ServiceBusConnection__credential": "managedidentity",
        "ServiceBusConnection__clientId": client_id,
        "AZURE_CLIENT_ID": client_id,
        "IDENTITY_ENDPOINT": f"{places.identity}/msi/token",
        "IDENTITY_HEADER": identity_header,
        "INVOICE_ACCESS_POLICY": str(places.policy),
        "INVOICE_ACCESS_STORE": f"sqlite:{places.ledger}",
        "INVOICE_ACCESS_ARM_URL": places.arm,
        "INVOICE_ACCESS_GRAPH_URL": places.graph,
        "SWEEP_SCHEDULE": "0 0 * * * *",
        **own,
    }


def shell_environment(settings: Mapping[str, str], people: Sequence[Identity] = ()) -> str:
    """The app's environment as a file for a shell to read. What a shell cannot name, an operator has no use for.

    The app's command line is on its path. Of each of the people who can sign in it has the client id by which
    azure-identity gets their tokens.
    """
    lines = ["# Whoever reads this file acts as the app."]
    signing_in = {sign_in_variable(person): person for person in people}
    if signing_in:
        first = next(iter(signing_in))
        lines[0] += f' To act as a person: export AZURE_CLIENT_ID="${first}"'
    lines += [f"{name}={shlex.quote(value)}" for name, value in sorted(settings.items()) if _SHELL_NAME.fullmatch(name)]
    lines.append(f'PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"')
    for name, person in signing_in.items():
        roles = ", ".join(person.person.roles) if person.person is not None else ""
        lines.append(f"{name}={shlex.quote(person.client_id)}  # {person.name}: {roles or 'no role'}")
    return "\n".join(lines) + "\n"


def sign_in_variable(person: Identity) -> str:
    """What a person is called in a shell: `SIGN_IN_FELIX_SMIT`, of the name in front of the @."""
    upn = person.person.upn if person.person is not None else person.name
    return "SIGN_IN_" + re.sub(r"[^A-Z0-9]+", "_", upn.partition("@")[0].upper())


def notification_settings(functions: str, client_state: str) -> dict[str, str]:
    """What turns Graph's notifications on: where the app's HTTP functions are, and the secret they are known by."""
    return {
        "INVOICE_ACCESS_NOTIFICATION_URL": f"{functions}/api/graph/notifications",
        "INVOICE_ACCESS_GRAPH_CLIENT_STATES": client_state,
    }


def notice_settings(addresses: Mapping[str, str], page: str | None) -> dict[str, str]:
    """Whom the app tells notices, by the receivers' addresses, and where its page is."""
    settings = {
        "INVOICE_ACCESS_WEBHOOK_URL": addresses["webhook"],
        "INVOICE_ACCESS_TEAMS_URL": addresses["teams"],
        "INVOICE_ACCESS_DIGEST_URL": addresses["finance"],
    }
    return settings if page is None else settings | {"INVOICE_ACCESS_PAGE_URL": page}


def page_settings(tenant: str) -> dict[str, str]:
    """What gives the app its page: App Service authentication is on, and says for whom tokens are."""
    return {
        "WEBSITE_AUTH_ENABLED": "True",
        "INVOICE_ACCESS_DESK_TENANT": tenant,
        "INVOICE_ACCESS_DESK_AUDIENCE": PAGE_AUDIENCE,
        "AzureWebJobsDisableHomepage": "true",
    }


def effective_policy(policy: bytes, mode: Mode) -> bytes:
    """A policy file with its `enforce` as `mode` wants it.

    Observing is `enforce: none`. Enforcing is `enforce: all`, unless the policy picks profiles itself, which
    stays. A value that is neither a word known here nor a list stays as well: the app says what is wrong with it.
    Lines and columns of mistakes stay those of the original, unless it is one mapping in braces without the key. Text
    that is not a YAML mapping is returned unchanged, for the app to say what is wrong with it.
    """
    try:
        return _effective(policy.decode("utf-8"), mode).encode("utf-8")
    except UnicodeDecodeError:
        return policy


def enforce_of(policy: bytes) -> str | None:
    """The `enforce` that a policy gives, in YAML's own words; None where it gives none, or is no policy."""
    try:
        read = _read(_yaml(), policy.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    return repr(read["enforce"]) if read is not None and "enforce" in read else None


def overruled(policy: bytes, mode: Mode) -> str | None:
    """What to say where `effective_policy` changes an `enforce` that a policy gives; None where it changes none."""
    try:
        read = _read(_yaml(), policy.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    if read is None or "enforce" not in read or (wanted := _wanted(read, mode)) is None:
        return None
    given = read["enforce"] if isinstance(read["enforce"], str) else "a list"
    return f"the policy says enforce: {given}; --mode made it {wanted}"


def _yaml() -> YAML:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    return yaml


def _read(yaml: YAML, text: str) -> CommentedMap | None:
    """A policy, or None for what is none, which is for the app to say."""
    try:
        policy = yaml.load(text)
    except YAMLError:
        return None
    return policy if isinstance(policy, CommentedMap) else None


def _wanted(policy: CommentedMap, mode: Mode) -> str | None:
    """What `enforce` has to become, or None where it stays."""
    wanted = "none" if mode is Mode.OBSERVE else "all"
    if "enforce" not in policy:
        return wanted
    match policy["enforce"]:
        case "none" | "all" as current:
            return wanted if current != wanted else None
        case [_, *_] if mode is Mode.OBSERVE:
            return wanted
        case _:
            return None


def _effective(text: str, mode: Mode) -> str:
    yaml = _yaml()
    policy = _read(yaml, text)
    if policy is None or (wanted := _wanted(policy, mode)) is None:
        return text
    root = YAML(pure=True).compose(text)
    given = [value for key, value in root.value if key.value == "enforce"]
    if given:
        start, end = given[0].start_mark.index, given[0].end_mark.index
        # Whatever lines it had, it has: what stands behind it is where it was.
        return f"{text[:start]}{wanted}{'\n' * text[start:end].count('\n')}{text[end:]}"
    if root.flow_style or _ENDS.search(text):
        policy["enforce"] = wanted
        changed = StringIO()
        yaml.dump(policy, changed)
        return changed.getvalue()
    line_break = "" if text.endswith("\n") else "\n"
    return f"{text}{line_break}{' ' * root.start_mark.column}enforce: {wanted}\n"
