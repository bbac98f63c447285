"""Logs carry ids and not names, and never secrets: stories full of both, and every record that they leave.

Our own loggers are listened to from DEBUG on, all others from INFO on, as a host set to talk much would.
"""

import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

import pytest

from sandbox.faults import Effect, Faults, Rule
from shared.adapters.graph.subscriptions import GraphSubscriptions
from shared.adapters.process import quiet_libraries
from shared.adapters.store.rows_sqlite import IN_MEMORY, SqliteRows
from shared.adapters.store.state import RowsState
from shared.domain.people import PersonRead
from shared.domain.policy.load import load_policy
from shared.errors import Permanent, Transient
from shared.services.intake.intake import Incoming, intake
from shared.services.subscriptions import Keeper, keep_subscriptions
from shared.settings import Settings
from tests.app.unit.front_desk import KEYS, Desk, RememberedQueue
from tests.english import english
from tests.sandbox.contract.graph_tenant import FINANCE, NOTIFICATIONS, Tenant
from tests.simulation.small_world import NL, POLICY, guid, user, world
from tests.simulation.stage import Stage

QUIRIJN: Final = guid(7, 1)
NAME: Final = "Quirijn O'Dell"
UPN: Final = "quirijn.o'dell@contoso.example"
MAIL: Final = "q.odell@fabrikam.example"
NUMBER: Final = "PERSNR-4711"
NOBODY: Final = "zebulon.quagmire@contoso.example"
RECIPIENT: Final = "payables@contoso.example"
STATE: Final = "a-client-state-nobody-knows"
CODE: Final = "function-key-of-the-url"

PERSONAL: Final = ("quirijn", "o'dell", "o''dell", "odell", "zebulon", "quagmire", NUMBER.lower(), RECIPIENT)
"""What tells who somebody is, in lower case."""

_MANAGED: Final = ("shared", "functions")


class Records(logging.Handler):
    """Keeps everything that is logged, as text and whole."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        own = {name: value for name, value in vars(record).items() if name not in {"msg", "message"}}
        self.texts.append(f"{self.format(record)} {own!r}")

    def of(self, logger: str) -> list[str]:
        return [text for text in self.texts if f" {logger} " in text]

    def telling(self, *words: str) -> list[str]:
        """The records that contain one of the words, in whatever case and however escaped."""
        spelled = {spelling for word in words for spelling in (word.lower(), quote(word.lower(), safe="'"))}
        return [text for text in self.texts if any(word in text.lower() for word in spelled)]


@pytest.fixture
def records() -> Iterator[Records]:
    """Everything that is logged from now on, by a process that was set up as a part of the app is."""
    kept = Records()
    levels = {name: logging.getLogger(name).level for name in ("", *_MANAGED, "azure", "msal")}
    logging.getLogger().addHandler(kept)
    logging.getLogger().setLevel(logging.INFO)
    for name in _MANAGED:
        logging.getLogger(name).setLevel(logging.DEBUG)
    quiet_libraries()
    yield kept
    logging.getLogger().removeHandler(kept)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
async def company(set_stage: Callable[..., Stage], records: Records) -> Stage:
    """A stage with somebody whose every name is easy to find again, on a policy that names them, too."""
    given = world()
    names = {"displayName": NAME, "givenName": "Quirijn", "surname": "O'Dell", "employeeId": NUMBER}
    given["users"].append(user(QUIRIJN, "x", "Contoso Nederland", **names) | {"userPrincipalName": UPN, "mail": MAIL})
    for account in given["billingAccounts"]:
        for profile in account.get("billingProfiles", ()):
            profile["properties"]["invoiceRecipients"] = [RECIPIENT]
    who = f"userPrincipalName eq '{UPN.replace("'", "''")}' or startsWith(userPrincipalName,'quirijn')"
    rule = f'  - name: one-person\n    who: "{who}"\n    profiles: all\n'
    return set_stage(given=given, policy=POLICY.replace("rules:\n", f"rules:\n{rule}", 1))


async def ledger_texts(stage: Stage) -> str:
    """Everything that was recorded."""
    found = []
    async for key in stage.app.ledger.keys():
        found += [f"{key} {record.body}" async for record in stage.app.ledger.read(key)]
    return "\n".join(found).lower()


def echo(stage: Stage, target: str, status: int, said: str, **where: Any) -> None:
    """A service refuses, and repeats in its words whom it was asked about."""
    body = {"error": {"code": "Refused", "message": said}}
    stage.fault(target, Effect(status=status, body=body), **{"times": 1, **where})


async def test_a_life_with_the_company_leaves_ids_in_the_log(company: Stage, records: Records) -> None:
    await company.settle()
    for subject in (f"id:{QUIRIJN}", f"upn:{UPN}", f"mail:{MAIL}", f"employee-id:{NUMBER}", f"upn:{NOBODY}"):
        await company.tell(subject, effective="2026-04-01", event_id=f"{UPN} is hired")
        await company.advance(hours=1)
    company.set_profile(NL, invoiceEmailOptIn=False)
    await company.settle()
    company.change(QUIRIJN, accountEnabled=False)
    await company.tell(f"upn:{UPN}")
    await company.settle()
    company.delete(QUIRIJN)
    await company.tell(f"mail:{MAIL}")
    await company.advance(days=50)  # until nobody waits for whom nobody knows
    assert company.held(QUIRIJN) == set()
    assert [event for event in company.queues.rejected if NOBODY.encode() in event.body]
    assert len(records.of("shared.services.reconcile.reconcile")) > 20
    assert QUIRIJN in "".join(records.of("shared.services.reconcile.reconcile"))
    assert records.telling(*PERSONAL) == []


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500])
async def test_what_services_say_when_they_refuse_is_told_without_the_names_in_it(
    company: Stage, records: Records, status: int
) -> None:
    await company.settle()
    said = f"Resource '{UPN}' ({MAIL}, {quote(UPN)}, {UPN.replace("'", "''")}) was refused"
    for subject, path in (
        (f"id:{QUIRIJN}", f"/users/{QUIRIJN}$"),
        (f"upn:{UPN}", "/users$"),
        (f"mail:{MAIL}", "/users$"),
        (f"employee-id:{NUMBER}", "/users$"),
    ):
        echo(company, "graph", status, f"{said} for {NUMBER}" if NUMBER in subject else said, path=path)
        await company.tell(subject)
        await company.run_until_quiet()
        await company.advance(hours=2)
    for method in ("POST", "GET"):
        company.take(NL, QUIRIJN)
        echo(company, "arm", status, said, method=method, path="illingRoleAssignment")
        await company.tell(f"id:{QUIRIJN}")
        await company.run_until_quiet()
        await company.advance(hours=2)
    for target, path in (
        ("graph", "/users$"),
        ("graph", "transitiveMembers"),
        ("arm", "billingRoleAssignments$"),
    ):
        echo(company, target, status, said, path=path)
        await company.settle()
    assert "refused" in "".join(records.texts)
    assert records.telling(*PERSONAL) == []
    recorded = await ledger_texts(company)
    assert [word for word in PERSONAL if word in recorded] == []


async def test_a_filter_of_the_policy_that_names_people_is_told_by_its_rule(company: Stage, records: Records) -> None:
    echo(company, "graph", 403, "Invalid filter clause", path="/users$")  # the other rule's comes first
    echo(company, "graph", 403, "Invalid filter clause: startsWith(userPrincipalName,'quirijn')", path="/users$")
    report = await company.sweep()
    assert [failure for failure in report.failures if "people of rule one-person: " in english(failure)]
    assert records.of("shared.services.sweep.sweep")
    assert records.telling(*PERSONAL) == []


async def test_events_that_cannot_be_used_are_told_by_their_fields(company: Stage, records: Records) -> None:
    await company.receive(
        NAME.encode(),
        f'{{"specversion": "1.0", "{MAIL}": 1, "{MAIL}": 2}}'.encode(),
        f'{{"specversion": "1.0", "id": "1", "source": "/hr", "type": "{UPN}", "subject": "{MAIL}"}}'.encode(),
        f'{{"specversion": "1.0", "id": "{NAME}", "source": "/hr", "type": "x", "subject": "upn:"}}'.encode(),
        company.event(f"id:{QUIRIJN}", effective=NAME),
    )
    assert len(company.queues.rejected) == 5
    assert records.telling(*PERSONAL) == []


class _Buggy:
    """A directory adapter with a mistake in it that tells everything it knows."""

    async def person(self, object_id: str, groups: frozenset[str]) -> PersonRead:
        raise KeyError(UPN, NAME, object_id, groups)


class _Told:
    """A body of a message with a mistake in it."""

    def __len__(self) -> int:
        raise ZeroDivisionError(f"{UPN} {NAME}")


async def test_a_bug_is_told_by_its_kind_and_place(company: Stage, records: Records) -> None:
    taken = await intake(company.app, [Incoming(_Told(), 1)])  # type: ignore[arg-type] # a bug, on purpose
    assert taken.rejected == 1
    (told,) = records.of("shared.services.intake.intake")[:1]
    assert "ZeroDivisionError" in told
    assert "in message 1:" in told
    company.app = replace(company.app, directory=_Buggy())  # type: ignore[arg-type] # it lacks the rest on purpose
    await company.tell(f"id:{QUIRIJN}")
    await company.run_until_quiet()
    assert company.raised
    assert records.telling(*PERSONAL) == []


async def test_tokens_are_never_told(company: Stage, records: Records) -> None:
    seen: set[str] = set()
    issue = company.endpoint.issue

    def noting(*arguments: Any, **options: Any) -> str:
        token = issue(*arguments, **options)
        seen.add(token)
        return token

    company.endpoint.issue = noting  # type: ignore[method-assign] # to know what must not be found
    await company.settle()
    for target, path in (("graph", "/users"), ("arm", "billing")):
        company.fault(
            target,
            Effect(status=401, body={"error": {"code": "InvalidAuthenticationToken", "message": "no"}}),
            path=path,
            times=3,
        )
        with contextlib.suppress(Transient):
            await company.settle()
    assert seen
    assert records.telling(*seen, "bearer") == []


# -- the front


async def test_the_front_tells_counts_and_ids_whatever_is_posted(records: Records) -> None:
    desk = Desk(queue=RememberedQueue())
    event = {"specversion": "1.0", "id": NAME, "source": "/hr", "type": "changed", "subject": f"upn:{UPN}"}
    await desk.post("hr", event)
    await desk.post("hr", event, proof={"x-signature": f"v1={KEYS['hr'][0]}", "x-timestamp": "1"})
    await desk.post("hr", event | {"subject": MAIL})
    await desk.post("hr", event | {"data": {"effective": NAME}})
    await desk.post("hr", f'{{"{MAIL}": 1, "{MAIL}": 2}}'.encode())
    await desk.post("hr", NAME.encode(), media_type=UPN)
    await desk.post("bamboohr", {"employees": [{"id": NUMBER, "fields": {"workEmail": MAIL}}]})
    await desk.post("personio", {"data": {"email": MAIL}}, query={"secret": "wrong-" + KEYS["personio"][0]})
    await desk.post(MAIL, event)
    for state in (*KEYS["graph"], "wrong-" + STATE):
        item = {"clientState": state, "subscriptionId": UPN, "resource": f"Users/{QUIRIJN}", "changeType": "updated"}
        await desk.notify({"value": [item, {**item, "lifecycleEvent": UPN}]})
    await desk.notify({"value": [NAME]}, query={"validationToken": STATE})
    for failure in (Transient("away"), Permanent("not managed")):
        desk.queue.failure = failure
        await desk.post("hr", event)
    assert len(records.of("shared.services.front")) >= 8
    secrets = [key for keys in KEYS.values() for key in keys]
    assert records.telling(*PERSONAL, *secrets, STATE) == []


# -- the subscriptions


@pytest.fixture
async def keeper() -> AsyncIterator[tuple[Keeper, Faults]]:
    """What keeps subscriptions, on the stand-in behind faults."""
    tenant, faults = Tenant(), Faults()
    tenant.quiet()
    tenant.handler = faults.wrap("graph", tenant.handler)
    settings = Settings.read(
        {
            "INVOICE_ACCESS_STORE": "sqlite:x",
            "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
            "INVOICE_ACCESS_GRAPH_URL": "http://127.0.0.1:1",
            "INVOICE_ACCESS_GRAPH_CLIENT_STATES": STATE,
            "INVOICE_ACCESS_NOTIFICATION_URL": f"{NOTIFICATIONS}?code={CODE}",
        }
    )
    adapter = GraphSubscriptions(settings, tenant.credential(), transport=tenant.transport())
    policy = POLICY.split("rules:")[0] + f"rules:\n  - name: one\n    member_of: [{FINANCE}]\n    profiles: all\n"
    rows = SqliteRows(IN_MEMORY)
    yield Keeper(adapter, load_policy(policy, "policy.yaml"), settings, tenant.time, RowsState(rows)), faults
    await rows.close()
    await adapter.close()


async def test_subscriptions_are_kept_without_telling_addresses_or_secrets(
    keeper: tuple[Keeper, Faults], records: Records
) -> None:
    kept, faults = keeper
    said = f"{NOTIFICATIONS}?code={CODE} did not answer; clientState {STATE}; asked by {UPN}"
    for status in (400, 403, 409, 500):
        for method in ("GET", "POST", "PATCH", "DELETE"):
            body = {"error": {"code": "ValidationError", "message": said}}
            faults.lay(Rule(target="graph", method=method, effect=Effect(status=status, body=body), times=1))
        for _ in range(3):
            await keep_subscriptions(kept)
            kept.clock.pass_by(hours=400)  # type: ignore[attr-defined] # the tenant's own clock
    told = records.of("shared.services.subscriptions")
    assert any("ValidationError" in text for text in told)
    assert any("created" in text for text in told)
    assert records.telling(*PERSONAL, STATE, CODE, NOTIFICATIONS) == []
