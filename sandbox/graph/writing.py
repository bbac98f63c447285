"""What a body may set: types, lengths, read-only and required properties, as the directory checks them.

Lives here: turning a JSON body into properties to store, or a refusal. No state.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

from sandbox.graph.errors import bad_request, invalid_value, malformed
from sandbox.graph.properties import COMPLEX_MEMBERS, USER, Kind, Property, Resource

_GUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_UPN: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_NICKNAME: Final = re.compile(r"[^@()\\\[\]\";:<>,\s]+")
_SHORTEST_PASSWORD: Final = 8
_MOST_BOUND: Final = 20

_REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "user": ("accountEnabled", "displayName", "mailNickname", "passwordProfile", "userPrincipalName"),
    "group": ("displayName", "mailEnabled", "mailNickname", "securityEnabled"),
}
"""What a new object must have, and what may never be null."""

MEMBERS_BIND: Final = "members@odata.bind"
"""The member of a group's body that adds members by their URLs."""


def as_date_time(moment: datetime) -> str:
    """A time as the directory writes it: UTC, whole seconds, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_guid(text: str) -> bool:
    """Whether a text is an object id by its form."""
    return _GUID.fullmatch(text) is not None


def new_properties(resource: Resource, body: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of an object to create.

    Raises:
        GraphError: 400 for a property that is missing, unknown, read-only or has a wrong value.
    """
    for name in _REQUIRED[resource.name]:
        if body.get(name) is None:
            message = f"A value is required for property '{name}' of resource '{resource.title}'."
            raise bad_request(message, details=[{"code": "MissingProperty", "message": message, "target": name}])
    password = body.get("passwordProfile")
    if resource is USER and not (isinstance(password, Mapping) and isinstance(password.get("password"), str)):
        raise invalid_value("passwordProfile", resource.title)
    properties = changed_properties(resource, body, {})
    if resource is USER:
        properties.setdefault("userType", "Member")
    return properties


def changed_properties(resource: Resource, body: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that a body changes, in the form they are kept in; passwords are checked and forgotten.

    Raises:
        GraphError: 400 for a property that is unknown, read-only or has a wrong value.
    """
    changed: dict[str, Any] = {}
    for name, value in body.items():
        if name.startswith("@odata.") or name == MEMBERS_BIND:
            continue
        found = resource.properties.get(name)
        if found is None:
            raise bad_request(f"Property '{name}' does not exist as a declared property or extension property.")
        if found.read_only:
            raise bad_request(f"Property '{name}' is read-only and cannot be set.")
        if value is None and name in _REQUIRED[resource.name]:
            raise invalid_value(name, resource.title)
        kept = _kept(resource, found, value, current.get(name))
        if name != "passwordProfile":
            changed[name] = kept
    return changed


def seeded_properties(resource: Resource, given: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of an object that was always there: what the directory sets by itself may be given too.

    Raises:
        GraphError: 400 for a property that is unknown or has a wrong value.
    """
    kept: dict[str, Any] = {}
    for name, value in given.items():
        found = resource.properties.get(name)
        if found is None:
            raise bad_request(f"Property '{name}' does not exist as a declared property or extension property.")
        kept[name] = _kept(resource, found, value, None)
    return kept


def referenced_id(url: object) -> str:
    """The object id that a reference URL (`.../directoryObjects/{id}`) names.

    Raises:
        GraphError: 400 for anything else.
    """
    last = unquote(url.partition("?")[0].rstrip("/").rpartition("/")[2]) if isinstance(url, str) else ""
    if not is_guid(last):
        raise malformed(f"Invalid URL format specified in @odata.id: '{url}'.")
    return last.lower()


def bound_members(body: Mapping[str, Any]) -> list[str]:
    """The object ids that a group's body adds as members, at most 20 as documented.

    Raises:
        GraphError: 400 for too many or malformed references.
    """
    urls = body.get(MEMBERS_BIND, [])
    if not isinstance(urls, list):
        raise malformed(f"The value of '{MEMBERS_BIND}' must be a list of URLs.")
    if len(urls) > _MOST_BOUND:
        raise bad_request(f"The limit of {_MOST_BOUND} members in one request is exceeded: {len(urls)}.")
    return [referenced_id(url) for url in urls]


def _kept(resource: Resource, found: Property, value: Any, current: Any) -> Any:
    if value is None:
        return [] if found.kind in {Kind.STRINGS, Kind.COMPLEXES} else None
    match found.kind:
        case Kind.STRING:
            return _text(resource, found, value)
        case Kind.DATE_TIME:
            return _date_time(resource, found, value)
        case Kind.BOOLEAN:
            good = isinstance(value, bool)
        case Kind.STRINGS:
            good = isinstance(value, list) and all(isinstance(item, str) for item in value)
        case Kind.COMPLEXES:
            good = isinstance(value, list) and all(isinstance(item, dict) for item in value)
        case Kind.COMPLEX:
            return _complex(resource, found, value, current)
        case _:
            good = isinstance(value, int) and not isinstance(value, bool)
    if not good:
        raise _wrong_type(found)
    return value


def _text(resource: Resource, found: Property, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(found)
    too_long = found.max_length is not None and len(value) > found.max_length
    malformed_name = (found.name == "userPrincipalName" and not _UPN.fullmatch(value)) or (
        found.name == "mailNickname" and not _NICKNAME.fullmatch(value)
    )
    if not value or too_long or malformed_name:
        raise invalid_value(found.name, resource.title)
    return value


def _date_time(resource: Resource, found: Property, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong_type(found)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise _wrong_type(found) from error
    if moment.tzinfo is None or "T" not in value:
        raise _wrong_type(found)
    try:
        return as_date_time(moment.astimezone(UTC))
    except OverflowError as error:
        raise invalid_value(found.name, resource.title) from error


def _complex(resource: Resource, found: Property, value: Any, current: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong_type(found)
    given = {name: v for name, v in value.items() if not name.startswith("@odata.")}
    for name, member in given.items():
        if name not in COMPLEX_MEMBERS.get(found.name, ()):
            raise bad_request(f"Property '{name}' does not exist in '{found.name}'.")
        if not isinstance(member, str | bool | None) or (
            isinstance(member, str) and found.max_length is not None and len(member) > found.max_length
        ):
            raise invalid_value(found.name, resource.title)
    password = given.get("password")
    if isinstance(password, str) and len(password) < _SHORTEST_PASSWORD:
        raise bad_request(
            "The specified password does not comply with password complexity requirements. Please provide a "
            "different password."
        )
    return {**(current or {}), **given}


def _wrong_type(found: Property) -> Exception:
    return malformed(f"Cannot convert a value to the expected type '{found.kind.value}' of property '{found.name}'.")
