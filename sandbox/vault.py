"""Key Vault references in app settings, resolved as the platform does: from a file of names and values.

Lives here: reading the file, and which settings are references. The platform keeps what it resolved until it is told to
refresh, or for a day; here the file is read whenever the app starts, as a refresh starts it too.

Source: Microsoft Learn, "Use Key Vault references as app settings".
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_REFERENCE: Final = re.compile(
    r"@Microsoft\.KeyVault\(SecretUri=https://[a-z0-9-]{3,24}\.vault\.azure\.net/secrets/([0-9A-Za-z-]{1,127})/?\)",
    re.IGNORECASE,
)
"""A reference without a version: the newest is meant."""


class VaultError(Exception):
    """A file that is no vault; the message says why."""


def read_vault(path: Path) -> Mapping[str, str]:
    """The secrets of a file by their names, in lower case. Raises `VaultError`."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise VaultError(f"{path} cannot be read: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise VaultError(f"{path} has to be a JSON object of names and texts")
    return {name.lower(): value for name, value in found.items()}


def resolved(settings: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """Settings with each reference replaced; one to a secret that is not there stays as it is, as in Azure."""
    return {name: _value(value, secrets) for name, value in settings.items()}


def _value(value: str, secrets: Mapping[str, str]) -> str:
    match = _REFERENCE.fullmatch(value.strip())
    return value if match is None else secrets.get(match[1].lower(), value)
