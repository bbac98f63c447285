"""The stage: the real services and adapters on stand-ins, in virtual time, with everything in reach of a test.

Lives here: building one world with one app in it, pumping its queues, changing the world as people do, and checking
what became of it. Expectations are the tests' own.
"""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from azure.core.credentials import AccessToken

from sandbox.billing import BillingModel, billing_handler
from sandbox.billing.holdings import Assignment as Row
from sandbox.faults import Effect, Faults, LaidRule, Rule
from sandbox.graph import AUDIENCE, GraphModel, GraphService
from sandbox.identity import Identity, IdentityEndpoint
from sandbox.transport_azure import HandlerTransport
from sandbox.wire import Handler, Request, Response
from sandbox.world import parse_world
from shared.adapters.billing.arm import ArmBilling
from shared.adapters.billing.observed import DryRunBilling
from shared.adapters.graph.directory import GraphDirectory
from shared.adapters.store.ledger import RowsLedger
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.billing import INVOICE_MANAGER
from shared.domain.history.checks import CheckBody
from shared.domain.history.records import Body, IntentBody, Record
from shared.domain.history.report import Report
from shared.domain.keys import Key, NameKey, PersonKey, ProfileKey, chain_key
from shared.domain.outcome import Outcome
from shared.domain.policy.load import load_policy
from shared.domain.policy.model import Policy
from shared.domain.work import Cause, CauseKind, WorkItem, at_once
from shared.ports import Billing
from shared.services.app import App
from shared.services.catalogue import CatalogueStore
from shared.services.intake.intake import Incoming, intake
from shared.services.reconcile.reconcile import reconcile
from shared.services.sweep.sweep import sweep
from shared.settings import Settings
from tests.simulation.eventful_rows import EventfulRows
from tests.simulation.small_world import APP, OWNER, POLICY, TENANT, guid, world
from tests.simulation.virtual_time import VirtualLoop
from tests.simulation.work_queues import Message, WorkQueues

START: Final = datetime(2026, 3, 2, 9, 0, 0, 250_000, tzinfo=UTC)
"""A Monday, ten in the morning in Amsterdam, and a quarter of a second: billing cuts its timestamps."""

ARM: Final = "https://management.azure.com"
GRAPH: Final = "https://graph.microsoft.com"

_CENTURY_SECONDS: Final = 100 * 365 * 24 * 3600


class LoopClock:
    """`ports.Clock` on the running loop's time, which began at `start`."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start

    def now(self) -> datetime:
        """The time now, in UTC."""
        return self._start + timedelta(seconds=asyncio.get_running_loop().time())


class Token:
    """A credential that gets the stand-ins' own tokens for one principal, without being asked twice."""

    def __init__(self, endpoint: IdentityEndpoint, object_id: str, tenant: str = TENANT) -> None:
        self._endpoint = endpoint
        self._identity = Identity("caller", object_id, object_id, tenant)

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """A token for the first scope."""
        return AccessToken(self._endpoint.issue(self._identity, scopes[0]), 9_999_999_999)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


def _variables(settings: Mapping[str, object]) -> dict[str, str]:
    """Environment variables, for settings by the names of their fields."""
    return {str(Settings.model_fields[name].alias): str(value) for name, value in settings.items()}


class Stage:
    """One world and one app. Make it inside a running `VirtualLoop`, and close it there.

    `app` is the object id of the app's identity in the `given` world, and `store` a file for ledger and state.
    """

    def __init__(
        self,
        *,
        policy: str = POLICY,
        given: Mapping[str, Any] | None = None,
        seed: int = 1,
        start: datetime = START,
        app: str = APP,
        store: str | None = None,
        **settings: object,
    ) -> None:
        assert isinstance(asyncio.get_running_loop(), VirtualLoop), "the stage needs virtual time"
        self.clock = LoopClock(start)
        self._seed = seed
        self._app = app
        found = self.world = parse_world(given if given is not None else world())
        randomness = random.Random(seed)
        self.endpoint = IdentityEndpoint(
            found.principals(), clock=self.clock.now, key=b"k" * 32, token_lifetime_seconds=_CENTURY_SECONDS
        )
        self.graph: GraphModel = found.directory(clock=self.clock.now, random_source=randomness)
        self.billing = BillingModel(
            found.billing(), clock=self.clock.now, rng=randomness, principal_type=self.graph.principal_type
        )
        self.faults = Faults(random.Random(seed))
        self._arm: Handler = billing_handler(self.billing, self.endpoint.authenticate(ARM))
        self._graph: Handler = GraphService(self.graph, self.endpoint.authenticate(AUDIENCE)).handle
        self._settings: dict[str, str] = {
            "INVOICE_ACCESS_STORE": "sqlite:unused",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
            **_variables(settings),
        }
        self.ledger_rows = EventfulRows(SqliteRows(IN_MEMORY if store is None else store))
        self.state_rows = EventfulRows(SqliteRows(IN_MEMORY if store is None else store))
        self.queues = WorkQueues(self.clock)
        self.outcomes: list[tuple[Key, Outcome]] = []
        self._adapters: list[Any] = []
        self._events = 0
        self.raised: list[Exception] = []
        """What checks raised, so that their message came back."""
        self.app = self._build(load_policy(policy, "policy.yaml"))

    async def close(self) -> None:
        """Lets go of everything."""
        for adapter in self._adapters:
            await adapter.close()
        await self.ledger_rows.close()
        await self.state_rows.close()

    def restart(self, *, policy: str | None = None, **settings: object) -> None:
        """The app anew, as a deployment leaves it: other policy and settings, the same stores and queues."""
        self._settings |= _variables(settings)
        self.app = self._build(self.app.policy if policy is None else load_policy(policy, "policy.yaml"))

    def lose_state(self) -> None:
        """Everything that can be rebuilt is gone."""
        self._adapters.append(self.state_rows)
        self.state_rows = EventfulRows(SqliteRows(IN_MEMORY))
        self.restart()

    def lose_ledger(self) -> None:
        """Everything that was recorded is gone; whoever had it open still has it open."""
        self._adapters.append(self.ledger_rows)
        self.ledger_rows = EventfulRows(SqliteRows(IN_MEMORY))
        self.restart()

    def billing_as(self, object_id: str) -> ArmBilling:
        """Billing as somebody else than the app reaches it; to be closed."""
        transport = HandlerTransport(self.faults.wrap("arm", self._arm))
        return ArmBilling(self.app.settings, Token(self.endpoint, object_id, self.world.tenant_id), transport=transport)

    def _build(self, policy: Policy) -> App:
        settings = Settings.read(self._settings)
        token = Token(self.endpoint, self._app, self.world.tenant_id)
        billing = ArmBilling(settings, token, transport=HandlerTransport(self.faults.wrap("arm", self._arm)))
        directory = GraphDirectory(settings, token, transport=HandlerTransport(self.faults.wrap("graph", self._graph)))
        self._adapters += [billing, directory]
        state = RowsState(self.state_rows)

        def for_check(enforced: Callable[[ProfileKey], bool]) -> Billing:
            return DryRunBilling(billing, enforced)

        def calls() -> Mapping[str, int]:
            return {
                "billing reads": billing.calls.reads,
                "billing writes": billing.calls.writes,
                "graph reads": sum(directory.calls.values()),
            }

        return App(
            policy=policy,
            settings=settings,
            clock=self.clock,
            random=random.Random(self._seed),
            directory=directory,
            billing=billing,
            billing_for_check=for_check,
            queues=self.queues,
            ledger=RowsLedger(self.ledger_rows),
            state=state,
            catalogues=CatalogueStore(state, billing, policy, timedelta(hours=settings.catalogue_hours)),
            calls=calls,
        )

    # -- time

    @property
    def now(self) -> datetime:
        """The time."""
        return self.clock.now()

    async def run_until_quiet(self) -> None:
        """Takes every check that is due now, and those that become due while it does."""
        while (message := self.queues.take(self.now)) is not None:
            await self.deliver(message)

    async def advance(self, *, to: datetime | None = None, **duration: float) -> None:
        """Lets time pass up to a moment or for a duration, taking every check when it is due."""
        target = to if to is not None else self.now + timedelta(**duration)
        while True:
            await self.run_until_quiet()
            due = self.queues.next_due()
            if due is None or due > target:
                break
            await asyncio.sleep((due - self.now).total_seconds())
        await asyncio.sleep(max(0.0, (target - self.now).total_seconds()))

    async def deliver(self, message: Message) -> Outcome | None:
        """Hands one message to reconcile; what raises comes back, and in the end is a dead letter."""
        item = message.item
        try:
            outcome = await reconcile(self.app, item, message.trace)
        except Exception as error:  # noqa: BLE001 - the host catches whatever the app raises
            self.raised.append(error)
            self.queues.abandon(message)
            return None
        self.outcomes.append((item.key, outcome))
        return outcome

    # -- what comes in

    async def tell(self, subject: str, *, effective: str | None = None, event_id: str = "") -> None:
        """HR says something about somebody; intake takes it in."""
        await self.receive(self.event(subject, effective=effective, event_id=event_id))

    def event(self, subject: str, *, effective: str | None = None, event_id: str = "") -> bytes:
        """An event as HR sends it."""
        self._events += 1
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": event_id or f"{self._events}",
            "source": "/hr",
            "type": "com.contoso.hr.person.changed",
            "subject": subject,
        }
        if effective is not None:
            event["data"] = {"effective": effective}
        return json.dumps(event).encode()

    async def receive(self, *bodies: bytes) -> None:
        """A batch of messages on people-events."""
        await intake(self.app, [Incoming(body) for body in bodies])

    async def event_about(self, person: str, **options: Any) -> None:
        """An event names a person by object id, and whatever is due is done."""
        await self.tell(f"id:{person}", **options)
        await self.run_until_quiet()

    async def sweep(self) -> Report:
        """Runs the sweep; what it enqueued waits in the queue."""
        return await sweep(self.app)

    async def settle(self) -> Report:
        """Sweeps, and lets an hour pass with what follows from it."""
        report = await self.sweep()
        await self.advance(hours=1)
        return report

    async def check(self, key: Key, kind: CauseKind = CauseKind.EVENT, **item: Any) -> Outcome:
        """One check now, past the queue; what follows from it waits there."""
        return await reconcile(self.app, WorkItem(key, Cause(kind, "test"), **{"first_asked": self.now, **item}))

    async def enqueue(self, key: Key, kind: CauseKind = CauseKind.EVENT, **item: Any) -> None:
        """Puts one check on the queue."""
        self._events += 1
        work = WorkItem(key, Cause(kind, "test"), **{"first_asked": self.now, **item})
        await self.queues.send_work([at_once(work, f"test-{self._events}")])

    # -- what people do to the world

    def call_graph(self, method: str, path: str, body: Any = None) -> Any:
        """The portal administrator changes the directory by Graph's own verbs."""
        admin = next(one for one in self.world.principals() if one.default)
        return self._call(self._graph, GRAPH, f"/v1.0{path}", method, admin, body)

    def call_arm(self, method: str, path: str, body: Any = None, *, by: str = OWNER) -> Any:
        """Somebody changes billing; a path below `/providers/Microsoft.Billing/billingAccounts`."""
        target = f"/providers/Microsoft.Billing/billingAccounts/{path}?api-version=2024-04-01"
        return self._call(self._arm, ARM, target, method, Identity("somebody", by, by, self.world.tenant_id), body)

    def _call(self, handler: Handler, base: str, target: str, method: str, caller: Identity, body: Any) -> Any:
        headers = {"authorization": f"Bearer {self.endpoint.issue(caller, base)}", "content-type": "application/json"}
        sent = b"" if body is None else json.dumps(body).encode()
        answer: Response = handler(Request(method, target, headers, sent, base))
        assert answer.status < 300, f"{method} {target}: {answer.status} {answer.body!r}"
        return json.loads(answer.body) if answer.body else None

    def hire(self, name: str, company: str = "Contoso Nederland", **more: Any) -> str:
        """A new user in Finance; returns the object id."""
        found = self.call_graph(
            "POST",
            "/users",
            {
                "accountEnabled": True,
                "displayName": name,
                "mailNickname": name,
                "userPrincipalName": f"{name}@contoso.example",
                "mail": f"{name}@contoso.example",
                "passwordProfile": {"password": "Correct-Horse-1"},
                "department": "Finance",
                "companyName": company,
                **more,
            },
        )
        return str(found["id"])

    def change(self, person: str, **properties: Any) -> None:
        """Changes a user."""
        self.call_graph("PATCH", f"/users/{person}", properties)

    def delete(self, person: str) -> None:
        """Deletes a user, softly."""
        self.call_graph("DELETE", f"/users/{person}")

    def purge(self, person: str) -> None:
        """Deletes a deleted user for good."""
        self.call_graph("DELETE", f"/directory/deletedItems/{person}")

    def restore(self, person: str) -> None:
        """Brings a deleted user back."""
        self.call_graph("POST", f"/directory/deletedItems/{person}/restore", {})

    def join(self, group: str, person: str) -> None:
        """Makes a user a member."""
        reference = {"@odata.id": f"{GRAPH}/v1.0/directoryObjects/{person}"}
        self.call_graph("POST", f"/groups/{group}/members/$ref", reference)

    def leave(self, group: str, person: str) -> None:
        """Takes a user out of a group."""
        self.call_graph("DELETE", f"/groups/{group}/members/{person}/$ref")

    def give(self, profile: ProfileKey, person: str, *, by: str = OWNER, role: str = INVOICE_MANAGER) -> None:
        """Somebody gives a principal a role at a profile: a person, to be Invoice manager."""
        self.call_arm(
            "POST",
            f"{profile.account}/billingProfiles/{profile.profile}/createBillingRoleAssignment",
            {
                "principalId": person,
                "principalTenantId": self.world.tenant_id,
                "roleDefinitionId": f"{self.scope(profile).id}/billingRoleDefinitions/{role}",
            },
            by=by,
        )

    def give_at_account(self, account: str, principal: str, role: str) -> None:
        """Somebody gives a principal a role at an account itself."""
        body = {"principalId": principal, "principalTenantId": self.world.tenant_id, "roleDefinitionId": role}
        self.call_arm("POST", f"{account}/createBillingRoleAssignment", body)

    def take_at_account(self, account: str, principal: str, role: str) -> None:
        """Somebody takes it away."""
        self.call_arm("DELETE", f"{account}/billingRoleAssignments/{role}_{principal}")

    def take(self, profile: ProfileKey, person: str, *, role: str = INVOICE_MANAGER) -> None:
        """Somebody takes a role away in the portal."""
        name = f"{role}_{person}"
        path = f"{profile.account}/billingProfiles/{profile.profile}/billingRoleAssignments/{name}"
        self.call_arm("DELETE", path)

    def set_profile(self, profile: ProfileKey, **properties: Any) -> None:
        """Somebody changes a billing profile, at once."""
        scope = self.scope(profile)
        scope.properties = scope.properties | properties

    def turn(self, **switches: Any) -> None:
        """Turns switches of the billing stand-in."""
        self.billing.switches = replace(self.billing.switches, **switches)

    # -- bad days

    def fault(
        self,
        target: Any,
        effect: Effect,
        *,
        method: str | None = None,
        path: str | None = None,
        times: int | None = None,
    ) -> LaidRule:
        """Lays a fault on what the app sends; what people do is not touched."""
        return self.faults.lay(Rule(target=target, effect=effect, method=method, path=path, times=times))

    # -- what became of it

    def scope(self, profile: ProfileKey) -> Any:
        """The stand-in's profile, whatever it has."""
        account = self.billing.account(profile.account)
        assert account is not None
        return account.profiles[profile.profile.casefold()]

    def row(self, profile: ProfileKey, person: str) -> Row | None:
        """A person's Invoice manager assignment as it truly is."""
        self.billing.now()
        found: Row | None = self.scope(profile).assignments.held(INVOICE_MANAGER, person)
        return found

    def held(self, person: str) -> set[ProfileKey]:
        """The profiles on which a person is Invoice manager."""
        return {profile for profile in self.profiles() if self.row(profile, person) is not None}

    def profiles(self) -> list[ProfileKey]:
        """Every billing profile."""
        return [
            ProfileKey(account.name, profile.name)
            for account in self.billing.accounts
            for profile in account.profiles.values()
        ]

    def everything_held(self) -> dict[tuple[str, str], str | None]:
        """Every Invoice manager assignment: profile and principal, with who made it."""
        self.billing.now()
        return {
            (profile.folded, row.principal_id): row.created_by
            for profile in self.profiles()
            for row in self.scope(profile).assignments.every()
            if row.role == INVOICE_MANAGER
        }

    def profile(self, profile: ProfileKey) -> dict[str, Any]:
        """A profile's properties as they truly are."""
        self.billing.now()
        properties: dict[str, Any] = self.scope(profile).properties
        return properties

    def writes(self, *, by: str = APP) -> list[tuple[str, str | None]]:
        """What a caller wrote to billing and was accepted: operation and principal, oldest first."""
        return [(entry.operation, entry.principal) for entry in self.billing.audit if entry.caller == by]

    def calls(self) -> Counter[str]:
        """Requests that the app sent, as the stand-ins counted them: target, method, and path template."""
        return Counter(
            {f"{target} {call}": count for target, calls in self.faults.calls.items() for call, count in calls.items()}
        )

    async def records(self, key: Key | str) -> list[Record]:
        """A key's chain in the ledger."""
        of = PersonKey(key) if isinstance(key, str) else key
        assert not await self.app.ledger.verify(chain_key(of))
        return [record async for record in self.app.ledger.read(chain_key(of))]

    async def checks(self, key: Key | str) -> list[CheckBody]:
        """What the checks of a key left in the ledger, oldest first."""
        return [one for one in await self.bodies(key) if isinstance(one, CheckBody)]

    async def intents(self, key: Key | str) -> list[IntentBody]:
        """The intents of a key in the ledger, oldest first."""
        return [one for one in await self.bodies(key) if isinstance(one, IntentBody)]

    async def bodies(self, key: Key | str) -> list[Body]:
        """What the records of a key say, oldest first."""
        return [record.body for record in await self.records(key)]

    async def last_check(self, key: Key | str) -> CheckBody:
        """The latest of its checks."""
        return (await self.checks(key))[-1]

    def awaited(self, key: Key | str) -> list[tuple[str, datetime]]:
        """The checks of a key that wait in the queue: kind and due time."""
        of = PersonKey(key) if isinstance(key, str) else key
        return [(item.cause.kind.value, due) for due, item in self.queues.items() if item.key == of]


def identity(kind: Any, value: str) -> NameKey:
    """A person's name as a key."""
    return NameKey(kind, value)


def newcomer(number: int) -> str:
    """The object id of nobody yet."""
    return guid(9, number)
