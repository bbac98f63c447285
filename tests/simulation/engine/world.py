"""The world of one simulation: the stand-ins, who calls them, and what people do there by the services' own verbs.

Lives here: building it, the tokens, and the one way in for everybody, app or not, which keeps account of who
truly made what. What is right or wrong about it is not known here.
"""

import asyncio
import json
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.billing import BillingModel, billing_handler
from sandbox.billing.holdings import Assignment as Row
from sandbox.billing.model import AuditEntry, Profile
from sandbox.graph import GraphModel, GraphService
from sandbox.identity import Identity, IdentityEndpoint
from sandbox.wire import Caller, Request, Response
from sandbox.world import parse_world
from shared.domain.billing import INVOICE_MANAGER
from shared.domain.keys import ProfileKey
from tests.simulation.small_world import APP, OWNER, TENANT, TREASURY

ARM: Final = "https://management.azure.com"
GRAPH: Final = "https://graph.microsoft.com"

TOKEN_SECONDS: Final = 6 * 3600
"""How long a token lives: short enough to expire within a simulation."""

_SET_OFF: Final = timedelta(minutes=5)
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


class Refused(Exception):  # noqa: N818 - the services' word
    """What somebody tried is not possible as the world is now."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What rules go by of one profile."""

    name: str
    company: str | None
    active: bool


@dataclass(frozen=True, slots=True)
class AppWrite:
    """Something that the app wrote to billing: what the service noted, and what was there before.

    `row` is the Invoice manager assignment of that person on that profile before, and `maker` who truly made it.
    """

    at: datetime
    entry: AuditEntry
    profile: ProfileKey | None
    row: Row | None
    maker: str | None
    request: Request


class World:
    """Everything outside the app. `start` is when it begins, `given` a world file's content."""

    def __init__(self, rng: random.Random, start: datetime, given: dict[str, Any]) -> None:
        self.start = self._now = start
        self._seconds = 0.0
        self.loop = asyncio.get_running_loop()
        found = parse_world(given)
        principals = found.principals()
        self._tokens: dict[tuple[str, str], tuple[str, datetime]] = {}
        self._speakers: dict[str, tuple[Caller, str, datetime]] = {}
        self.tokens_refused_until = start
        self.tokens_missing_until = start
        """Until when the identity endpoint answers nobody."""
        self.admin = next(one for one in principals if one.default)
        self.app = next(one for one in principals if one.object_id == APP)
        self._endpoint = IdentityEndpoint(
            principals, clock=self.now, key=b"k" * 32, token_lifetime_seconds=TOKEN_SECONDS
        )
        self.graph: GraphModel = found.directory(clock=self.now, random_source=random.Random(rng.random()))
        self.billing = BillingModel(
            found.billing_accounts,
            clock=self.now,
            rng=random.Random(rng.random()),
            principal_type=self.graph.principal_type,
        )
        self._arm = billing_handler(self.billing, self._authenticate(ARM))
        self._graph = GraphService(self.graph, self._authenticate(GRAPH)).handle
        self.makers: dict[tuple[ProfileKey, str], str] = {}
        """Who truly made each Invoice manager assignment that was made since the beginning."""
        self.groups_gone: dict[str, datetime] = {}
        """Since when a group is deleted."""
        self.touched: dict[tuple[ProfileKey, str], datetime] = {}
        """When somebody else last gave or took an assignment."""
        self.directory_touched: dict[str, datetime] = {}
        """When somebody was last changed in the directory; "" is anybody, by way of their group."""
        self.facts: list[tuple[datetime, dict[ProfileKey, Facts]]] = [(start, self._facts_now())]
        """What rules go by of every profile, each time it changed."""
        self.on_app_write: Callable[[AppWrite], None] = lambda _write: None
        """Called with everything that the app wrote to billing and that was accepted."""
        self.on_profiles: Callable[[], None] = lambda: None
        """Called after anything that may have changed a profile, whoever asked for it and whenever it was done."""

    # -- time and tokens

    def now(self) -> datetime:
        """The true time. Asked for some fifty times a moment, and counted out once."""
        seconds = self.loop.time()
        if seconds != self._seconds:
            self._seconds = seconds
            self._now = self.start + timedelta(seconds=seconds)
        return self._now

    def token(self, who: Identity, audience: str) -> str:
        """A token as a credential keeps it: the same one until five minutes before its end."""
        known = self._tokens.get((who.object_id, audience))
        if known is None or known[1] - self.now() < _SET_OFF:
            text = self._endpoint.issue(who, audience)
            until = self.now() + timedelta(seconds=TOKEN_SECONDS)
            known = self._tokens[who.object_id, audience] = (text, until)
            self._speakers[text] = (Caller(who.object_id, who.tenant_id, who.client_id), audience, until)
        return known[0]

    def _authenticate(self, audience: str) -> Callable[[Request], Caller | None]:
        def caller(request: Request) -> Caller | None:
            token = request.headers.get("authorization", "")[len("bearer ") :]
            speaker, meant, until = self._speakers.get(token, (None, "", self.start))
            if speaker is None or meant != audience or self.now() >= until:
                return None
            refused = speaker.object_id == APP and self.now() < self.tokens_refused_until
            return None if refused else speaker

        return caller

    # -- the one way in

    def ask_arm(self, request: Request) -> Response:
        """Billing's answer to anybody."""
        before = len(self.billing.audit)
        if request.method == "GET":
            answer = self._arm(request)
            self.on_profiles()
            return answer
        row = self._addressed(request)
        answer = self._arm(request)
        for entry in self.billing.audit[before:]:
            profile = profile_of(entry.scope)
            if entry.caller != APP and profile is not None:
                self.touched[profile, entry.principal or ""] = self.now()
            if entry.caller == APP:
                maker = None if row is None or profile is None else self.maker(profile, row)
                self.on_app_write(AppWrite(self.now(), entry, profile, row, maker, request))
            if profile is not None and entry.operation == "create-role-assignment" and entry.changed:
                self.makers[profile, entry.principal or ""] = entry.caller
        self.on_profiles()
        return answer

    def _addressed(self, request: Request) -> Row | None:
        """The assignment that a write is about, as it is before."""
        profile = profile_of(request.path)
        if profile is None or not (account := self.billing.account(profile.account)):
            return None
        if profile.profile.casefold() not in account.profiles:
            return None
        body = json.loads(request.body) if request.body else {}
        name = request.path.rpartition("_")[2]
        return self.row(profile, str(body.get("principalId", name)).casefold())

    def ask_graph(self, request: Request) -> Response:
        """Graph's answer to anybody."""
        return self._graph(request)

    def do_graph(self, method: str, path: str, body: Any = None) -> Any:
        """The administrator changes the directory. Raises `Refused`."""
        changed = [part for part in path.split("/") if _OBJECT_ID.fullmatch(part)]
        self.directory_touched[changed[-1] if changed and changed[-1] != TREASURY else ""] = self.now()
        return self._do(self.ask_graph, GRAPH, f"/v1.0{path}", method, self.admin, body)

    def do_arm(self, method: str, path: str, body: Any = None, *, by: str = OWNER) -> Any:
        """Somebody changes billing; a path below the accounts. Raises `Refused`."""
        target = f"/providers/Microsoft.Billing/billingAccounts/{path}?api-version=2024-04-01"
        return self._do(self.ask_arm, ARM, target, method, Identity("somebody", by, by, TENANT), body)

    def _do(self, ask: Any, base: str, target: str, method: str, who: Identity, body: Any) -> Any:
        headers = {"authorization": f"Bearer {self.token(who, base)}", "content-type": "application/json"}
        sent = b"" if body is None else json.dumps(body).encode()
        answer: Response = ask(Request(method, target, headers, sent, base))
        if answer.status >= 300:
            raise Refused(f"{method} {target}: {answer.status} {answer.body[:200]!r}")
        return json.loads(answer.body) if answer.body else None

    # -- checking it

    def profiles(self) -> list[ProfileKey]:
        """Every profile of an account that can have Invoice managers."""
        return [
            ProfileKey(account.name, profile.name)
            for account in self.billing.accounts
            if account.managed
            for profile in account.profiles.values()
        ]

    def profile(self, key: ProfileKey) -> Profile:
        """A profile as it truly is."""
        account = self.billing.account(key.account)
        assert account is not None, "the simulation makes no keys of its own"
        return account.profiles[key.profile.casefold()]

    def row(self, profile: ProfileKey, person: str) -> Row | None:
        """A person's Invoice manager assignment as it truly is."""
        return self.profile(profile).assignments.held(INVOICE_MANAGER, person)

    def managers(self) -> list[tuple[ProfileKey, Row]]:
        """Every Invoice manager assignment as it truly is, but for those that name nobody."""
        return [
            (key, row)
            for key in self.profiles()
            for row in self.profile(key).assignments.every()
            if row.role == INVOICE_MANAGER and row.principal_id
        ]

    def maker(self, profile: ProfileKey, row: Row) -> str | None:
        """Who truly made an assignment."""
        return self.makers.get((profile, row.principal_id), row.created_by)

    @property
    def odd(self) -> dict[str, dict[str, Any]]:
        """What the directory answers of single people instead of what it holds, by object id."""
        return self.graph.switches.odd_values

    def facts_since(self, moment: datetime) -> list[dict[ProfileKey, Facts]]:
        """Every state of the profiles that was true at a moment or later."""
        later = [facts for at, facts in self.facts if at > moment]
        before = [facts for at, facts in self.facts if at <= moment]
        return [*before[-1:], *later]

    def profiles_changed(self) -> None:
        """Somebody renamed, tagged, disabled or revived a profile."""
        self.facts.append((self.now(), self._facts_now()))

    def turn(self, **switches: Any) -> None:
        """Turns switches of billing."""
        self.billing.switches = replace(self.billing.switches, **switches)

    def _facts_now(self) -> dict[ProfileKey, Facts]:
        return {
            key: Facts(
                str(profile.properties["displayName"]),
                profile.tags.get("company"),
                profile.properties.get("status") == "Active",
            )
            for key in self.profiles()
            for profile in [self.profile(key)]
        }


def profile_of(scope: str) -> ProfileKey | None:
    """The profile whose resource id this is; None for an account's."""
    parts = scope.split("/")
    return ProfileKey(parts[4], parts[6]) if len(parts) > 6 else None
