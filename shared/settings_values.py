"""The kinds of values of settings. Each reader raises ValueError that says what to give instead.

Lives here: reading and judging single values. `settings` says which setting is of which kind, and its range.
"""

import re
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from shared.domain.guids import EXAMPLE, is_guid
from shared.ncrontab import Schedule, read_schedule

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
"""The names of this machine: the only hosts to which anything goes without TLS."""

_SECRET_CHARACTERS: Final = (16, 128)  # Graph takes no longer clientState, and nobody guesses 16
_SECRETS_AT_MOST: Final = 5  # each is compared, and a forgotten one is a door

_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST_NAME: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_LOCAL: Final = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?")
_OTHER_STORAGE: Final = re.compile(r"\.(blob|queue|file|dfs|web)\.")


def words(value: Any) -> Any:
    """A text as its words in lower case, separated by blanks, commas or semicolons."""
    return [part.lower() for part in re.split(r"[\s,;]+", value) if part] if isinstance(value, str) else value


def secrets(value: Any) -> Any:
    """A text as its secrets, separated by blanks alone: a secret may contain any other character."""
    return value.split() if isinstance(value, str) else value


def strong(given: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """Secrets that are long enough not to be guessed, and few enough that none is forgotten."""
    if any(not _SECRET_CHARACTERS[0] <= len(secret) <= _SECRET_CHARACTERS[1] for secret in given):
        raise ValueError("give secrets of {} to {} characters, separated by blanks".format(*_SECRET_CHARACTERS))
    if len(given) > _SECRETS_AT_MOST:
        raise ValueError(f"give at most {_SECRETS_AT_MOST}; take away those that nobody uses any more")
    return given


def object_ids(ids: frozenset[str]) -> frozenset[str]:
    """Object ids of the directory."""
    if wrong := sorted(each for each in ids if not is_guid(each)):
        raise ValueError(f"{wrong[0]!r} is not an object id; it looks like {EXAMPLE}")
    return ids


def client_id(given: str | None) -> str | None:
    """The client id of an identity. Its name or resource id gets no token."""
    if given is not None and not is_guid(given):
        raise ValueError(f"{given!r} is not a client id; it looks like {EXAMPLE}")
    return given


def identifier(given: str) -> str:
    """The id of a tenant or of an app registration, as it is compared."""
    if not is_guid(given):
        raise ValueError(f"{given!r} is not a GUID; it looks like {EXAMPLE}")
    return given.lower()


def namespace(given: str) -> str:
    """The host name of a Service Bus namespace; a port is for this machine only."""
    if _HOST_NAME.fullmatch(given) or _LOCAL.fullmatch(given):
        return given
    raise ValueError("give the namespace's host name, such as contoso.servicebus.windows.net")


def is_local(namespace: str) -> bool:
    """Whether a namespace is one on this machine."""
    return _LOCAL.fullmatch(namespace) is not None


def emulator(given: SecretStr | None) -> SecretStr | None:
    """The connection string of the Service Bus emulator on this machine; another has a key of a real namespace."""
    if given is None:
        return None
    parts = dict(part.split("=", 1) for part in given.get_secret_value().split(";") if "=" in part)
    host = urlsplit(parts.get("Endpoint", "")).hostname
    if parts.get("UseDevelopmentEmulator") != "true" or host not in LOOPBACK:
        raise ValueError(
            "a connection string has a key of the namespace; name the namespace in "
            "ServiceBusConnection__fullyQualifiedNamespace, and give the app's identity its roles. Only the emulator's "
            "on this machine is taken"
        )
    return given


def store(given: str) -> str:
    """Where ledger and state live: `sqlite:<path>`, or a table endpoint that our token may be sent to."""
    if given.startswith("sqlite:") and given != "sqlite:":
        return given
    parts = urlsplit(given)
    if parts.scheme == "http" and parts.hostname:
        raise ValueError(
            "give https://: the client sends its token over nothing else (Azurite: docs/reference/settings.md#azurite)"
        )
    host = parts.hostname or ""
    if (other := _OTHER_STORAGE.search(host)) is not None:
        raise ValueError(
            f"give the account's table endpoint, https://<account>.table.core.windows.net: this is its {other[1]}"
        )
    if parts.query or parts.fragment or parts.username is not None:
        raise ValueError("give the endpoint alone, without a signature or key: the app signs in as its identity")
    is_table = ".table." in host and _HOST_NAME.fullmatch(host) and parts.path in {"", "/"}
    if parts.scheme == "https" and (is_table or host in LOOPBACK):
        return given.rstrip("/")
    raise ValueError("give 'sqlite:<path>' or a table endpoint such as https://<account>.table.core.windows.net")


def secret_address(given: SecretStr | None) -> SecretStr | None:
    """An address that takes what is posted to it, and that nobody else may know; http is for this machine only."""
    if given is not None and not _is_address(given.get_secret_value()):
        raise ValueError("give an https:// address, whole with its query, as the receiver shows it")
    return given


def page(given: str) -> str:
    """The address of a page of ours, to which paths are added."""
    if not _is_address(given) or urlsplit(given).query:
        raise ValueError("give the page's https:// address, without a query, such as https://invoices.contoso.com")
    return given.rstrip("/")


def _is_address(text: str) -> bool:
    """Whether a text is an address as HTTP spells it: a host, and neither a user nor a fragment."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    is_spelled = text.isascii() and text.isprintable() and " " not in text and port != 0
    is_bare = parts.username is None and not parts.fragment and bool(parts.hostname)
    is_local = parts.scheme == "http" and parts.hostname in LOOPBACK
    return is_spelled and is_bare and (parts.scheme == "https" or is_local)


def service(given: str, public: str) -> str:
    """The address of an Azure service. Our tokens are for the public cloud's, and are sent to nobody else."""
    parts = urlsplit(given)
    host = parts.hostname or ""
    bare = not (parts.path.rstrip("/") or parts.query or parts.fragment or parts.username)
    if bare and host in LOOPBACK and parts.scheme in {"http", "https"}:
        return given.rstrip("/")
    if bare and parts.scheme == "https" and (host == public or host.endswith(f".{public}")):
        return given.rstrip("/")
    raise ValueError(
        f"give https://{public}: the app's tokens are for it, and other clouds want others; http:// and any other host "
        "are accepted for this machine (127.0.0.1) only"
    )


def schedule(given: str) -> Schedule:
    """A schedule that fires, and at most once a minute."""
    read = read_schedule(given)
    if read.longest_rest is None:
        raise ValueError("give a day that comes: no month has this one, so that it never fires")
    if len(read.seconds) > 1:
        raise ValueError(f"begin with one second such as 0: it would fire {len(read.seconds)} times within a minute")
    return read


def daily(given: str) -> str:
    """A schedule that fires once a day or more often."""
    rest = schedule(given).longest_rest
    if rest is not None and rest > timedelta(days=1):
        hours = f"{rest / timedelta(hours=1):,.3g}"
        raise ValueError(f"give one that fires at least once a day: it rests for up to {hours} hours")
    return given
