"""The world file: what exists in the sandbox's Azure before anybody touches it.

Lives here: the file's format, reading it, and saying all that is wrong with it at once. What the stand-ins
make of it they decide themselves.

A world is one JSON or YAML document:

```yaml
tenantId: 5f3c...                    # the directory that everything is in; optional: Contoso's
identities:                          # managed identities; tokens are given out in their names. Optional: Contoso's two
  - name: portal-administrator
    clientId: c0...
    objectId: a0...
    default: true                    # given where no client_id is asked for; may do everything. Exactly one.
  - name: invoice-access
    clientId: c1...
    objectId: a1...
    tenantId: 5f3c...                # optional: the world's
    graphPermissions: [User.Read.All, GroupMember.Read.All]
signIns:                             # people who can sign in, besides the identities. Optional: nobody
  - user: b0...                      # one of the users
    clientId: c2...                  # by which their tokens are asked for
    roles: [Operator]                # app roles, in tokens for an API of one's own
    graphPermissions: [User.Read.All]
users:                               # as Graph writes users; `id` and `userPrincipalName` are required
  - id: b0...
    userPrincipalName: femke@contoso.example
    displayName: Femke de Boer       # optional: the name in front of the @
    accountEnabled: true             # optional: true
    department: Finance              # and any other property of Graph's user
deletedUsers: []                     # the same; they are in the deleted items
groups:
  - id: 7c...
    displayName: Treasury
    members: [b0...]                 # object ids of users, deleted users, groups
billingAccounts: []                  # as the billing stand-in reads them; not judged here
```

Ids are GUIDs and unique over everything; userPrincipalNames are unique over users.
"""

import argparse
import json
import random
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError

from sandbox.contoso import STANDARD_WORLD, names
from sandbox.graph.errors import GraphError
from sandbox.graph.model import GraphModel
from sandbox.graph.properties import GROUP, USER, Resource
from sandbox.graph.switches import Switches
from sandbox.graph.writing import seeded_properties
from sandbox.identity import Identity, Person
from sandbox.misfits import lines
from sandbox.wire import Clock

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class WorldError(Exception):
    """A world file that cannot be used. The message lists every mistake, each with where it is."""


def _as_guid(text: str) -> str:
    lowered = text.lower()
    if not _GUID.fullmatch(lowered):
        raise PydanticCustomError("guid", "must be a GUID like 7c0f5a0e-0000-4000-8000-000000000001")
    return lowered


type Guid = Annotated[str, AfterValidator(_as_guid)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True, strict=True)


class WorldIdentity(_Part):
    """A managed identity as the file has it."""

    name: str
    client_id: Guid
    object_id: Guid
    tenant_id: Guid | None = None
    default: bool = False
    graph_permissions: list[str] = Field(default_factory=list)


class WorldSignIn(_Part):
    """A person who can sign in, as the file has them."""

    user: Guid
    client_id: Guid
    roles: list[str] = Field(default_factory=list)
    graph_permissions: list[str] = Field(default_factory=list)


class _GraphObject(BaseModel):
    """An object in Graph's own JSON: what is not a field here is a property that Graph knows."""

    model_config = ConfigDict(extra="allow", frozen=True, alias_generator=to_camel, populate_by_name=True, strict=True)

    id: Guid

    def properties(self) -> dict[str, Any]:
        """The object as Graph's JSON, members of a group included."""
        return self.model_dump(by_alias=True, exclude_none=True)


class WorldUser(_GraphObject):
    """A person as the file has them."""

    user_principal_name: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    account_enabled: bool = True

    @model_validator(mode="before")
    @classmethod
    def _named(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "displayName" not in given:
            return {**given, "displayName": str(given.get("userPrincipalName", "")).partition("@")[0]}
        return given

    @model_validator(mode="after")
    def _known_to_graph(self) -> Self:
        _require_known(USER, self.model_extra)
        return self


class WorldGroup(_GraphObject):
    """A group as the file has it."""

    display_name: str
    members: list[Guid] = Field(default_factory=list)
    mail_enabled: bool = False
    security_enabled: bool = True

    @model_validator(mode="after")
    def _known_to_graph(self) -> Self:
        _require_known(GROUP, self.model_extra)
        return self


def _standard_identities() -> list[WorldIdentity]:
    """The portal's administrator and the app, as the standard world has them."""
    return [
        WorldIdentity(
            name=names.PORTAL_NAME, client_id=names.PORTAL_CLIENT_ID, object_id=names.PORTAL_OBJECT_ID, default=True
        ),
        WorldIdentity(
            name=names.APP_NAME,
            client_id=names.APP_CLIENT_ID,
            object_id=names.APP_OBJECT_ID,
            graph_permissions=list(names.APP_PERMISSIONS),
        ),
    ]


class World(_Part):
    """Everything that exists when a sandbox starts."""

    tenant_id: Guid = names.TENANT_ID
    identities: list[WorldIdentity] = Field(default_factory=_standard_identities)
    sign_ins: list[WorldSignIn] = Field(default_factory=list)
    users: list[WorldUser] = Field(default_factory=list)
    deleted_users: list[WorldUser] = Field(default_factory=list)
    groups: list[WorldGroup] = Field(default_factory=list)
    billing_accounts: list[dict[str, Any]] = Field(default_factory=list)

    @field_validator("identities")
    @classmethod
    def _one_default(cls, identities: list[WorldIdentity]) -> list[WorldIdentity]:
        defaults = sum(1 for identity in identities if identity.default)
        if defaults != 1:
            raise PydanticCustomError(
                "one_default",
                "exactly one identity must have `default: true` (the portal administrator), not {found}",
                {"found": defaults},
            )
        return identities

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        mistakes = [*self._repeated(), *self._strangers()]
        if mistakes:
            raise PydanticCustomError("inconsistent", "{list}", {"list": "; ".join(mistakes)})
        return self

    def principals(self) -> tuple[Identity, ...]:
        """The managed identities, for the endpoint that gives out their tokens and for Graph."""
        return tuple(
            Identity(
                name=identity.name,
                client_id=identity.client_id,
                object_id=identity.object_id,
                tenant_id=identity.tenant_id or self.tenant_id,
                default=identity.default,
                graph_permissions=frozenset(identity.graph_permissions),
            )
            for identity in self.identities
        )

    def people_signing_in(self) -> tuple[Identity, ...]:
        """The people who can sign in, each with what their tokens say of them."""
        users = {user.id: user.properties() for user in self.users}
        return tuple(
            Identity(
                name=str(users[one.user]["displayName"]),
                client_id=one.client_id,
                object_id=one.user,
                tenant_id=self.tenant_id,
                graph_permissions=frozenset(one.graph_permissions),
                person=Person(
                    str(users[one.user]["displayName"]), str(users[one.user]["userPrincipalName"]), tuple(one.roles)
                ),
            )
            for one in self.sign_ins
        )

    def billing(self) -> list[dict[str, Any]]:
        """The billing accounts, each in this world's directory unless it names another."""
        home = {"primaryBillingTenantId": self.tenant_id}
        return [
            {**account, "properties": {**home, **account["properties"]}}
            if isinstance(account.get("properties"), Mapping)
            else account
            for account in self.billing_accounts
        ]

    def directory(self, *, clock: Clock, random_source: random.Random, switches: Switches | None = None) -> GraphModel:
        """The directory of this world, for the Graph stand-in."""
        return GraphModel(
            tenant_id=self.tenant_id,
            identities=self.principals(),
            people=self.people_signing_in(),
            users=[user.properties() for user in self.users],
            deleted_users=[user.properties() for user in self.deleted_users],
            groups=[group.properties() for group in self.groups],
            clock=clock,
            random_source=random_source,
            switches=switches,
        )

    def _repeated(self) -> list[str]:
        named = (
            [(i.object_id, f"identity {i.name}") for i in self.identities]
            + [(u.id, f"user {u.user_principal_name}") for u in (*self.users, *self.deleted_users)]
            + [(g.id, f"group {g.display_name}") for g in self.groups]
        )
        clients = [(i.client_id, f"identity {i.name}") for i in self.identities]
        clients += [(one.client_id, f"sign-in of {one.user}") for one in self.sign_ins]
        upns = [(u.user_principal_name.casefold(), f"user {u.id}") for u in self.users]
        mistakes = []
        for what, pairs in (("id", named), ("userPrincipalName", upns), ("clientId", clients)):
            first: dict[str, str] = {}
            for key, owner in pairs:
                if key in first:
                    mistakes.append(f"{what} {key} is used twice: by {first[key]} and by {owner}")
                first.setdefault(key, owner)
        return mistakes

    def _strangers(self) -> list[str]:
        known = {thing.id for thing in (*self.users, *self.deleted_users, *self.groups)}
        return [
            f"group {group.display_name} has a member that is no user or group of this world: {member}"
            for group in self.groups
            for member in group.members
            if member not in known
        ] + [
            f"a sign-in is of nobody among the users of this world: {one.user}"
            for one in self.sign_ins
            if one.user not in {user.id for user in self.users}
        ]


def parse_world(found: object) -> World:
    """A world from a document that was read already.

    Raises:
        WorldError: every mistake in it, with its place.
    """
    try:
        return World.model_validate(found)
    except ValidationError as error:
        raise WorldError("\n- ".join(["This world cannot be used:", *lines(error, "the world")])) from error


def load_world(path: Path) -> World:
    """A world from a JSON or YAML file.

    Raises:
        WorldError: the file cannot be read, is neither JSON nor YAML, or has mistakes; all are listed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WorldError(f"The world file {path} cannot be read: {error}") from error
    try:
        found = json.loads(text) if path.suffix.lower() == ".json" else _yaml(text)
    except (ValueError, YAMLError) as error:
        raise WorldError(f"The world file {path} is not well-formed: {error}") from error
    try:
        return parse_world(found)
    except WorldError as error:
        raise WorldError(f"{path}: {error}") from error


class _PlainConstructor(SafeConstructor):
    """YAML's own types, but dates stay text, as they are in Graph's JSON."""


_PlainConstructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)


def _yaml(text: str) -> Any:
    reader = YAML(typ="safe", pure=True)
    reader.Constructor = _PlainConstructor
    return reader.load(text)


def _require_known(resource: Resource, extra: Mapping[str, Any] | None) -> None:
    """Holds properties to the directory's own rules; a misspelt one would silently be blank otherwise."""
    try:
        seeded_properties(resource, extra or {})
    except GraphError as error:
        raise PydanticCustomError("graph", "{why}", {"why": error.message}) from error


def main(arguments: Sequence[str]) -> int:
    """Prints the standard world as JSON: something to begin a world of one's own with."""
    parser = argparse.ArgumentParser(prog="python -m sandbox world", description="Prints the standard world as JSON.")
    parser.parse_args(arguments)
    print(STANDARD_WORLD.read_text(encoding="utf-8"), end="")
    return 0
