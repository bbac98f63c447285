"""What is wrong with the settings, in the words of the people who deploy the app.

Lives here: values that no setting may have, names that resemble a setting's, and one wording for each kind of mistake.
`settings` has the settings.
"""

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from pydantic_core import ErrorDetails

from shared.domain.guids import EXAMPLE, is_guid

PREFIX: Final = "INVOICE_ACCESS_"
"""How the names of the app's own settings begin."""

HOST_PREFIXES: Final = ("ServiceBusConnection__", "AzureWebJobsStorage")
"""How the settings begin that the Functions host reads for us. Without them it runs no function of ours."""

_REFERENCE: Final = re.compile(r"@Microsoft\.(KeyVault|AppConfiguration)\(", re.IGNORECASE)
_PLACEHOLDER: Final = re.compile(r"<[^<>]*>")
_WITH_SECRET: Final = re.compile(r"(key|sig|signature|secret|password|code|token)\w*\s*=|//[^/]*@", re.IGNORECASE)
"""A value that carries a secret although its setting has none: a connection string, a signed URL."""

_ODD_LETTERS: Final = 3
_NEAR: Final = 0.88
"""How alike two names must be to count as one mistyped. `AZURE_TENANT_ID` and `AZURE_CLIENT_ID` have 0.8."""

_NEAR_OWN: Final = 0.8
"""The same for a name of the app without its prefix: many end in `_SECONDS`, and so share many letters."""


def unfit(name: str, value: str, *, is_secret: bool, is_list: bool) -> str | None:
    """What is wrong with a value of any setting; None if it may be right. No secret is shown."""
    if (reference := _REFERENCE.search(value)) is not None:
        kind = "Key Vault" if reference[1].lower() == "keyvault" else "App Configuration"
        role = "Key Vault Secrets User" if kind == "Key Vault" else "App Configuration Data Reader"
        return (
            f"the platform did not resolve this {kind} reference; check its spelling, and give the app's identity "
            f"the role {role} there. A reference is the whole value of a setting"
        )
    if is_secret and any(_PLACEHOLDER.fullmatch(part) for part in (value.strip(), *value.split())):
        return "it is a placeholder; put your own value there"
    if not is_secret and (placeholder := _PLACEHOLDER.search(value)) is not None:
        return f"{placeholder[0]!r} is a placeholder; put your own value there"
    if not is_secret and not is_list and value != value.strip():
        return "there is a blank or a line end before or behind its value; take it away"
    if name.startswith(HOST_PREFIXES) and name.endswith("__clientId") and not is_guid(value):
        return f"{value!r} is not a client id; it looks like {EXAMPLE}"
    return None


def say_all(details: Sequence[ErrorDetails], secret: Collection[str]) -> dict[str, str]:
    """What is wrong, by setting; the values of those in `secret` are not shown."""
    found: dict[str, str] = {}
    for detail in details:
        name = str(detail["loc"][0])
        found.setdefault(name, _say(detail, is_shown=name not in secret))
    return found


def no_such_setting(name: str, known: Collection[str]) -> str | None:
    """Says that there is no such setting, and which may be meant; None if the name is not meant for the app."""
    if name in known:
        return None
    if name.startswith(PREFIX):
        # Without the prefix, which would make every name look like every other.
        own = {each.removeprefix(PREFIX): each for each in known}
        near = difflib.get_close_matches(name.removeprefix(PREFIX), own, 1, _NEAR_OWN)
        return "no such setting" + (f"; did you mean {own[near[0]]}?" if near else "")
    if _alike(name[: len(PREFIX)].upper(), PREFIX):
        own = {each.upper(): each for each in known if each.startswith(PREFIX)}
        near = difflib.get_close_matches(name.upper(), own, 1)
        return "no such setting" + (f"; did you mean {own[near[0]]}?" if near else "")
    meant = next((each for each in known if not each.startswith(PREFIX) and _alike(name.upper(), each.upper())), None)
    return None if meant is None else f"no such setting; did you mean {meant}?"


def _alike(one: str, other: str) -> bool:
    if len(set(one) ^ set(other)) > _ODD_LETTERS:  # hundreds of variables are none of ours: tell most of them cheaply
        return False
    compared = difflib.SequenceMatcher(None, one, other, autojunk=False)
    return compared.ratio() > _NEAR


def _say(detail: ErrorDetails, *, is_shown: bool) -> str:
    if detail["type"] == "missing":
        return "give it a value"
    if detail["type"] == "value_error":
        said = str(detail["ctx"]["error"])
        # A text that begins with a quote already names the part that is wrong.
        bare = not is_shown or said.startswith("'") or _WITH_SECRET.search(str(detail["input"]))
        return said if bare else f"{said}, not {detail['input']!r}"
    if not is_shown or _WITH_SECRET.search(str(detail["input"])):
        return "its value cannot be used"
    wording = _WORDINGS.get(detail["type"])
    return wording(detail["input"], detail.get("ctx", {})) if wording is not None else _as_pydantic_says(detail)


def _as_pydantic_says(detail: ErrorDetails) -> str:
    return f"{detail['msg']}, not {detail['input']!r}"


def _no_number(given: Any, _: Mapping[str, Any]) -> str:
    return f"{given!r} is not a whole number"


_WORDINGS: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], str]]] = {
    "int_parsing": _no_number,
    "int_parsing_size": _no_number,
    "int_from_float": _no_number,
    "greater_than_equal": lambda given, limit: f"{given} is less than {limit['ge']}",
    "less_than_equal": lambda given, limit: f"{given} is more than {limit['le']}",
    "enum": lambda given, words: f"{given!r} is not {words['expected']}",
    "too_short": lambda *_: "give it at least one number",
}
