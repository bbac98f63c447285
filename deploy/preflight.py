"""Says what is wrong with an environment of azd before anything is made in Azure.

`python -m deploy.preflight` (`make preflight`): a hook of azure.yaml, which gets the environment's values as variables.
Lives here: what each value may be, and what has to be true together. Whether Azure takes it, Azure says.
"""

import difflib
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from shared.domain.guids import EXAMPLE, is_guid
from shared.domain.policy.load import load_policy
from shared.domain.policy.model import Everything
from shared.errors import Misconfigured
from shared.settings import SECRET_NAMES, Settings
from shared.settings_mistakes import PREFIX

PROJECT: Final = Path(__file__).resolve().parents[1]

SECRETS: Final = (
    *("graph-client-states", "hr-keys", "bamboohr-keys", "personio-secrets"),
    *("webhook-url", "teams-url", "digest-url"),
)
"""Secrets of the vault that infra/part.bicep refers to."""

KEY_SOURCES: Final = ("event-grid", "lifecycle-workflows")
"""Sources that have a function key."""

SWEEP_WINDOWS: Final = ("PT2H", "PT3H", "PT6H", "P1D", "P2D")
"""How far back the alerts may look: what Azure Monitor takes."""

_SKUS: Final = ("Standard_LRS", "Standard_ZRS", "Standard_GRS", "Standard_GZRS")
SET_BY_INFRA: Final = frozenset(
    {
        "AZURE_CLIENT_ID",
        "ServiceBusConnection__fullyQualifiedNamespace",
        *(
            f"{PREFIX}{name}"
            for name in (
                "PART",
                "STORE",
                "NOTIFICATION_URL",
                "FUNCTION_KEY_SOURCES",
                "DESK_TENANT",
                "DESK_AUDIENCE",
                "PAGE_URL",
            )
        ),
    }
)
"""Settings of the app that infra/part.bicep gives a value, beside the secrets."""

_ANY: Final = {
    f"{PREFIX}STORE": "https://any.table.core.windows.net",
    "ServiceBusConnection__fullyQualifiedNamespace": "any.servicebus.windows.net",
}
_NEAR: Final = 0.8
_LONGEST_AUTHORIZATION: Final = timedelta(days=365)


def main() -> int:
    """Writes every mistake to stderr, each with its name and what to do; returns the exit status."""
    wrong = mistakes(os.environ, own_names(os.environ), PROJECT / "policy.yaml")
    wrong += wrong_settings(PROJECT / "infra" / "settings.json")
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    if wrong:
        sys.stderr.write("Nothing was made. `azd env set NAME VALUE` mends a value (docs/how-to/deploy.md).\n")
        return 1
    sys.stdout.write("preflight: nothing is wrong with the environment and the policy\n")
    return 0


def own_names(environment: Mapping[str, str]) -> frozenset[str]:
    """The names that the environment's own file has, where azd keeps one; else none."""
    file = PROJECT / ".azure" / environment.get("AZURE_ENV_NAME", "") / ".env"
    if not file.is_file():
        return frozenset()
    return frozenset(re.findall(r"^(\w+)=", file.read_text(encoding="utf-8"), re.MULTILINE))


def mistakes(environment: Mapping[str, str], own: frozenset[str], policy: Path) -> list[str]:
    """What is wrong, a line each, by name.

    `own` are the names that somebody set for this environment: one that resembles a name known here is a slip of the
    pen. A value that is missing and that azd asks for is no mistake.
    """
    given = {name: environment.get(name, "") for name in CHECKS}
    found = [f"{name}: {said}" for name, check in CHECKS.items() if (said := check(given[name])) is not None]
    found += _together(given)
    found += [
        f"{name}: nothing here is called that; did you mean {near[0]}?"
        for name in sorted(own - set(CHECKS) - OUTPUTS)
        if not name.startswith("AZURE_") and (near := difflib.get_close_matches(name, CHECKS, 1, _NEAR))
    ]
    found += _wrong_policy(policy, first=not environment.get("APP_NAME", ""))
    return found


def wrong_settings(file: Path) -> list[str]:
    """What is wrong with the settings that a deployment adds: by name, as the app itself would say it."""
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as odd:
        return [f"{file.name}: it is no JSON: {odd}"]
    if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
        return [f'{file.name}: give names and texts, such as {{"SWEEP_SCHEDULE": "0 0 */2 * * *"}}']
    known = {str(field.alias) for field in Settings.model_fields.values()}
    found = [f"{file.name}: {name}: there is no such setting" for name in given if name not in known]
    found += [f"{file.name}: {name}: it is a secret; put it into the vault" for name in given if name in SECRET_NAMES]
    found += [f"{file.name}: {name}: infra/part.bicep sets it" for name in given if name in SET_BY_INFRA]
    if not found:
        try:
            Settings.read({**_ANY, **given})
        except Misconfigured as wrong:
            found = [f"{file.name}: {mistake}" for mistake in wrong.mistakes]
    return found


def _together(given: Mapping[str, str]) -> Iterator[str]:
    if given["DESK"] == "true" and not given["DESK_APP_CLIENT_ID"]:
        yield "DESK_APP_CLIENT_ID: DESK is true, and people sign in to it by an app registration: give its client id"


def _wrong_policy(file: Path, *, first: bool) -> Iterator[str]:
    """`first`: nothing is deployed yet, so nobody has seen what the policy would do."""
    try:
        policy = load_policy(file.read_text(encoding="utf-8"), file.name)
    except OSError as away:
        yield f"{file.name}: it is part of the package, and cannot be read: {away.strerror}"
    except UnicodeDecodeError:
        yield f"{file.name}: it is no UTF-8 text"
    except Misconfigured as wrong:
        yield from (f"{file.name}: {mistake}" for mistake in wrong.mistakes)
    else:
        if first and policy.enforce is not Everything.NONE:
            yield f"{file.name}: the first deployment observes: give `enforce: none`, and look at `invoice-access plan`"


# --- what each value may be ----------------------------------------------------------------------


def _environment_name(value: str) -> str | None:
    if re.fullmatch(r"[a-z][a-z0-9-]{0,18}[a-z0-9]", value) and "--" not in value:
        return None
    return f"{value!r} is no name for an environment: 2 to 20 small letters, digits and single hyphens, a letter first"


def _location(value: str) -> str | None:
    if re.fullmatch(r"([a-z][a-z0-9]+)?", value):
        return None
    return f"{value!r} is no region: write it as Azure does, such as westeurope"


def _subscription(value: str) -> str | None:
    return None if not value or is_guid(value) else f"{value!r} is no subscription id; it looks like {EXAMPLE}"


def _yes_or_no(value: str) -> str | None:
    return None if value in {"", "true", "false"} else f"give true or false, not {value!r}"


def _client_id(value: str) -> str | None:
    return None if not value or is_guid(value) else f"{value!r} is no client id; it looks like {EXAMPLE}"


def _email(value: str) -> str | None:
    if re.fullmatch(r"([^@\s,;]+@[^@\s,;]+\.[^@\s,;]+)?", value):
        return None
    return f"{value!r} is no address; give one, such as finance-it@contoso.com"


def _some_of(known: tuple[str, ...]) -> Callable[[str], str | None]:
    def check(value: str) -> str | None:
        words = value.split()
        for word in words:
            if word not in known:
                near = difflib.get_close_matches(word, known, 1)
                meant = f"did you mean {near[0]}?" if near else f"give some of: {' '.join(known)}"
                return f"{word!r} is not known, {meant}"
        return "it names one twice" if len(set(words)) < len(words) else None

    return check


def _one_of(known: tuple[str, ...]) -> Callable[[str], str | None]:
    def check(value: str) -> str | None:
        return None if value in {"", *known} else f"{value!r} is none of {', '.join(known)}"

    return check


def _until(value: str) -> str | None:
    if not value:
        return None
    try:
        until = datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return f"{value!r} is no time in UTC such as 2027-01-31T00:00:00Z"
    ahead = until - datetime.now(UTC)
    if timedelta(0) < ahead <= _LONGEST_AUTHORIZATION:
        return None
    return f"{value} has to lie ahead, by 365 days at most"


def _topic(value: str) -> str | None:
    return None if re.fullmatch(r"([A-Za-z0-9-]{3,50})?", value) else f"{value!r} is no name of a partner topic"


CHECKS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "AZURE_ENV_NAME": _environment_name,
    "AZURE_LOCATION": _location,
    "AZURE_SUBSCRIPTION_ID": _subscription,
    "FRONT_APART": _yes_or_no,
    "DESK": _yes_or_no,
    "DESK_APP_CLIENT_ID": _client_id,
    "SECRETS": _some_of(SECRETS),
    "FUNCTION_KEY_SOURCES": _some_of(KEY_SOURCES),
    "ALERT_EMAIL": _email,
    "SWEEP_WINDOW": _one_of(SWEEP_WINDOWS),
    "VNET": _yes_or_no,
    "ALWAYS_READY": _yes_or_no,
    "TELEMETRY": _yes_or_no,
    "LEDGER_SKU": _one_of(_SKUS),
    "PARTNER_AUTHORIZED_UNTIL": _until,
    "PARTNER_TOPIC": _topic,
}
"""The names that somebody gives an environment, and what each may be."""

OUTPUTS: Final = frozenset(
    {
        "KEPT_RESOURCE_GROUP",
        "LEDGER_ACCOUNT",
        "LOG_NAME",
        "VAULT_NAME",
        "IDENTITY_NAME",
        "IDENTITY_CLIENT_ID",
        "IDENTITY_PRINCIPAL_ID",
        f"{PREFIX}STORE",
        "APP_NAME",
        "APP_RESOURCE_GROUP",
        "ServiceBusConnection__fullyQualifiedNamespace",
        "NOTIFICATION_URL",
        "DESK_URL",
        "DESK_PRINCIPAL_ID",
    }
)
"""The names that deployments put into an environment."""

if __name__ == "__main__":
    sys.exit(main())
