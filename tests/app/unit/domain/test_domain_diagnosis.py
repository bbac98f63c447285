"""What each check of `doctor` concludes: that it is good, that it is to mend, and that nothing tells."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.domain import diagnosis
from shared.domain.access.plan import Employment
from shared.domain.adoption.first_contact import PrincipalKind
from shared.domain.clocks import CLOCKS_APART
from shared.domain.diagnosis import Check, Digest, Name, NotRead, Reached, State
from shared.domain.guards.pauses import Pause, PauseKind, Pauses, Setting
from shared.domain.health import Health, ShelfCount
from shared.domain.history.proof import Fault, Proof
from shared.domain.history.report import Counts, FeedCheck, HoldCounts, Labels, Report
from shared.domain.keys import ProfileKey
from shared.domain.people import Person
from shared.domain.reasons import Code
from shared.domain.subscription import Subscription
from shared.domain.view import AccountView, Called, PeopleView, PersonView, ProfileView, RoleRow, View

ROOT = Path(__file__).resolve().parents[4]
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
APP, ANNA, BEN, FOLK = (f"b0a1d000-0000-4000-8000-{n:012}" for n in range(1, 5))
UK = ProfileKey("account", "UK")
FRANCE = ProfileKey("account", "FRANCE")
AWAY = NotRead("the service is away")
COUNTS = Counts(
    accounts=2,
    managed_accounts=1,
    profiles=2,
    assignments=1,
    managed=1,
    unmanaged=0,
    people_listed=2,
    people=2,
    people_unreadable=0,
)
REPORT = Report(
    sweep="s1",
    started=NOW - timedelta(minutes=20),
    seconds=2.1,
    complete=True,
    failures=(),
    not_kept=(),
    remembered=0,
    counts=COUNTS,
    drift={},
    feed_check=FeedCheck(NOW, feed=True, labels=Labels(), kinds={}),
    enqueued=0,
    pauses=(),
    holds=HoldCounts({}, {}, {}, {}),
    guards={},
    would_hold={},
    identities=(APP,),
    assignments={},
    left_alone=(),
    unmanaged=(),
    findings=(),
    api_calls={},
)


def row(principal: str, role: str, *, kind: str = "User", by: str | None = None) -> RoleRow:
    return RoleRow(principal=principal, role=role, principal_type=kind, created_by=by)


OWNER = row(APP, "Billing account owner", kind="ServicePrincipal")
GIVEN = row(ANNA, "Invoice manager", by=APP)


def view(account: tuple[RoleRow, ...] | None = (OWNER,), uk: tuple[RoleRow, ...] | None = (GIVEN,)) -> View:
    managed = AccountView(
        name="account", display_name="Contoso", agreement_type="", status="Active", managed=True, rows=account
    )
    profiles = [
        ProfileView(key=key, name=key.profile, status="Active", opted_in=True, enforced=True, rows=rows)
        for key, rows in ((UK, uk), (FRANCE, (row(APP, "Billing profile owner"),)))
    ]
    return View(
        sweep="s1",
        as_of=NOW,
        complete=True,
        failures=(),
        policy_digest="abc",
        time_zone="UTC",
        accounts=(managed,),
        profiles=tuple(profiles),
    )


def somebody(object_id: str, *rules: str, left: datetime | None = None, is_read: bool = True) -> PersonView:
    read = Person(object_id, True, "Member", None, left, {}) if is_read else None
    return PersonView(
        object_id=object_id,
        person=read,
        employment=Employment.EMPLOYED,
        employment_why=Code.EMPLOYED(),
        rules=rules,
    )


def called(object_id: str, name: str, kind: PrincipalKind = PrincipalKind.PERSON) -> Called:
    return Called(object_id=object_id, kind=kind, name=name, asked=NOW, used=NOW)


def paused(kind: PauseKind, scope: str = "") -> Pauses:
    return Pauses({Pause(kind, scope): Setting(NOW, "a sweep", Code.SAID(said="because"))})


def people(*who: PersonView) -> PeopleView:
    return PeopleView(sweep="s1", people=who)


def subscription(resource: str, hours: int = 600, url: str = "https://us") -> Subscription:
    return Subscription(resource, resource, frozenset(), url, None, None, NOW + timedelta(hours=hours))


HOUR = timedelta(hours=1)
HOST = dict(diagnosis.HOST)
GOOD, WRONG, UNREAD, UNTOLD = State.GOOD, State.TO_MEND, State.NOT_READ, State.NOT_TOLD
NOBODY_ELSE = Pauses()
BLIND = replace(REPORT, counts=replace(COUNTS, accounts=0, managed_accounts=0))
FOREIGN = replace(REPORT, counts=replace(COUNTS, managed_accounts=0))
ODD = replace(REPORT, counts=replace(COUNTS, people_unreadable=1))
FOLK_OWNER = row(FOLK, "Billing account owner", kind="Group")
LEFT = somebody(BEN, "r", left=NOW)
GROUP = {FOLK: ["treasury"]}
QUEUES = dict.fromkeys(("people-events", "access-work", "rejected-events"), Reached.THERE)
WANTED = frozenset({"users"})
APP_NAME = called(APP, "invoice-access", PrincipalKind.APP)
NO_APP_NAME = called(APP, "", PrincipalKind.APP)
DIGEST = Digest(49, NOW - timedelta(hours=5), 3, 3, ())


def by_id(*all_: Called) -> dict[str, Called]:
    return {one.object_id: one for one in all_}


def subscribed(wanted: frozenset[str], mine: list[Subscription] | NotRead | None) -> Check:
    return diagnosis.subscriptions(wanted, mine, "https://us", NOW)


CASES: list[tuple[str, Callable[[], Check], State]] = [
    ("settings-good", lambda: diagnosis.settings(()), GOOD),
    ("settings-wrong", lambda: diagnosis.settings(["A: b"]), WRONG),
    ("policy-good", lambda: diagnosis.policy("abc", (), view()), GOOD),
    ("policy-good", lambda: diagnosis.policy("abc", (), AWAY), GOOD),
    ("policy-wrong", lambda: diagnosis.policy("", ["a: b"], view()), WRONG),
    ("policy-other", lambda: diagnosis.policy("xyz", (), view()), WRONG),
    ("host-good", lambda: diagnosis.host(HOST, ()), GOOD),
    ("host-wrong", lambda: diagnosis.host(HOST | {"functionTimeout": "00:05:00"}, ()), WRONG),
    ("host-overridden", lambda: diagnosis.host(HOST, ["AzureFunctionsJobHost__functionTimeout"]), WRONG),
    ("host-nowhere", lambda: diagnosis.host(None, ()), UNTOLD),
    ("check-good", lambda: diagnosis.full_check(REPORT, NOW, HOUR), GOOD),
    ("check-old", lambda: diagnosis.full_check(REPORT, NOW + 2 * HOUR, HOUR), WRONG),
    ("check-good", lambda: diagnosis.full_check(REPORT, NOW + 2 * HOUR, 24 * HOUR), GOOD),
    ("check-incomplete", lambda: diagnosis.full_check(replace(REPORT, complete=False), NOW, HOUR), WRONG),
    ("never-checked", lambda: diagnosis.full_check(None, NOW, HOUR), WRONG),
    ("not-read", lambda: diagnosis.full_check(AWAY, NOW, HOUR), UNREAD),
    ("not-paused", lambda: diagnosis.pauses(NOBODY_ELSE), GOOD),
    ("paused", lambda: diagnosis.pauses(paused(PauseKind.OPERATOR)), WRONG),
    ("not-read", lambda: diagnosis.pauses(AWAY), UNREAD),
    ("role-good", lambda: diagnosis.role(REPORT, view(), NOBODY_ELSE), GOOD),
    ("sees-no-account", lambda: diagnosis.role(BLIND, view(), NOBODY_ELSE), WRONG),
    ("manages-no-account", lambda: diagnosis.role(FOREIGN, view(), NOBODY_ELSE), WRONG),
    ("role-lost", lambda: diagnosis.role(REPORT, view(), paused(PauseKind.ROLE_LOST, "account")), WRONG),
    ("role-lacking", lambda: diagnosis.role(REPORT, view(account=()), NOBODY_ELSE), WRONG),
    ("role-lacking", lambda: diagnosis.role(REPORT, view(account=None), NOBODY_ELSE), WRONG),
    ("role-not-told", lambda: diagnosis.role(REPORT, view(account=None, uk=None), NOBODY_ELSE), UNTOLD),
    ("role-not-told", lambda: diagnosis.role(REPORT, view(account=(FOLK_OWNER,)), NOBODY_ELSE), UNTOLD),
    ("not-read", lambda: diagnosis.role(AWAY, view(), NOBODY_ELSE), UNREAD),
    ("no-full-check", lambda: diagnosis.role(None, None, NOBODY_ELSE), UNTOLD),
    ("created-by-us", lambda: diagnosis.created_by(REPORT, view()), GOOD),
    ("created-by-nobody-yet", lambda: diagnosis.created_by(REPORT, view(uk=())), UNTOLD),
    ("not-read", lambda: diagnosis.created_by(REPORT, AWAY), UNREAD),
    ("people-good", lambda: diagnosis.people(REPORT, people(somebody(ANNA, "r"))), GOOD),
    ("people-none", lambda: diagnosis.people(REPORT, people(somebody(ANNA))), WRONG),
    ("people-unreadable", lambda: diagnosis.people(ODD, people(somebody(ANNA, "r"))), WRONG),
    ("not-read", lambda: diagnosis.people(REPORT, AWAY), UNREAD),
    ("leave-dates-good", lambda: diagnosis.leave_dates(REPORT, people(somebody(ANNA), LEFT)), GOOD),
    ("leave-dates-blank", lambda: diagnosis.leave_dates(REPORT, people(somebody(ANNA))), WRONG),
    ("no-people", lambda: diagnosis.leave_dates(REPORT, people(somebody(ANNA, is_read=False))), UNTOLD),
    ("not-read", lambda: diagnosis.leave_dates(REPORT, AWAY), UNREAD),
    ("names-good", lambda: diagnosis.names(REPORT, view(), by_id(called(ANNA, "Anna"), APP_NAME)), GOOD),
    ("names-good", lambda: diagnosis.names(REPORT, view(), by_id(called(ANNA, "Anna"), NO_APP_NAME)), GOOD),
    ("names-blank", lambda: diagnosis.names(REPORT, view(), by_id(called(ANNA, ""), APP_NAME)), WRONG),
    ("names-none", lambda: diagnosis.names(REPORT, view(), {}), WRONG),
    ("not-read", lambda: diagnosis.names(REPORT, view(), AWAY), UNREAD),
    ("groups-good", lambda: diagnosis.groups(GROUP, {FOLK: True}), GOOD),
    ("no-groups", lambda: diagnosis.groups({}, {}), GOOD),
    ("groups-missing", lambda: diagnosis.groups(GROUP, {FOLK: False}), WRONG),
    ("groups-missing", lambda: diagnosis.groups({"a": ["r"], **GROUP}, {"a": AWAY, FOLK: False}), WRONG),
    ("not-read", lambda: diagnosis.groups(GROUP, {FOLK: AWAY}), UNREAD),
    ("queues-good", lambda: diagnosis.queues(QUEUES), GOOD),
    ("queues-missing", lambda: diagnosis.queues(QUEUES | {"access-work": Reached.MISSING}), WRONG),
    ("queues-refused", lambda: diagnosis.queues(QUEUES | {"access-work": Reached.REFUSED}), UNTOLD),
    ("queues-silent", lambda: diagnosis.queues(QUEUES | {"access-work": Reached.SILENT}), UNREAD),
    ("not-read", lambda: diagnosis.queues(AWAY), UNREAD),
    ("queue-settings", lambda: diagnosis.queue_settings("contoso.servicebus.windows.net"), UNTOLD),
    ("subscriptions-off", lambda: subscribed(frozenset(), None), GOOD),
    ("subscriptions-good", lambda: subscribed(WANTED, [subscription("Users")]), GOOD),
    ("subscriptions-missing", lambda: subscribed(WANTED, [subscription("users", url="https://them")]), WRONG),
    ("subscriptions-ending", lambda: subscribed(WANTED, [subscription("users", 23)]), WRONG),
    ("subscriptions-not-told", lambda: subscribed(WANTED, None), UNTOLD),
    ("not-read", lambda: subscribed(WANTED, AWAY), UNREAD),
    ("record-good", lambda: diagnosis.record(DIGEST, NOW), GOOD),
    ("record-broken", lambda: diagnosis.record(replace(DIGEST, faults=["x has 1"]), NOW), WRONG),
    ("digest-old", lambda: diagnosis.record(DIGEST, NOW + timedelta(days=3)), WRONG),
    ("no-digest", lambda: diagnosis.record(None, NOW), UNTOLD),
    ("not-read", lambda: diagnosis.record(AWAY, NOW), UNREAD),
    ("clock-good", lambda: diagnosis.clock(-CLOCKS_APART), GOOD),
    ("clock-off", lambda: diagnosis.clock(-CLOCKS_APART - timedelta(seconds=1)), WRONG),
    ("no-time", lambda: diagnosis.clock(None), UNTOLD),
    ("not-read", lambda: diagnosis.clock(AWAY), UNREAD),
]


@pytest.mark.parametrize(
    ("code", "check", "state"), CASES, ids=[f"{number} {code}" for number, (code, *_) in enumerate(CASES)]
)
def test_a_check_concludes_from_its_facts(code: str, check: Callable[[], Check], state: State) -> None:
    assert (check().code, check().state) == (code, state)


def test_what_no_full_check_read_itself_says_nothing_of_our_role() -> None:
    seen = view(account=None)
    old = replace(seen, profiles=tuple(replace(one, seen=NOW) for one in seen.profiles))
    assert diagnosis.role(REPORT, old, NOBODY_ELSE).state is UNTOLD


def test_host_json_as_it_ships_is_what_doctor_takes_for_right() -> None:
    document = json.loads((ROOT / "host.json").read_text())
    bus = document["extensions"]["serviceBus"]
    shipped = {f"extensions.serviceBus.{name}": one for name, one in bus.items()}
    assert shipped | {"functionTimeout": document["functionTimeout"]} == HOST


KEPT = ShelfCount("rejected-events", is_dead=False, count=0)
DEAD = ShelfCount("people-events", is_dead=True, count=0)


@pytest.mark.parametrize(
    ("health", "state", "code"),
    [
        (None, State.NOT_TOLD, "no-look"),
        (NotRead("away"), State.NOT_READ, "not-read"),
        (Health(NOW, (KEPT, DEAD)), State.GOOD, "messages-none"),
        (Health(NOW, (replace(KEPT, count=2), DEAD)), State.TO_MEND, "messages-kept"),
        (Health(NOW, (KEPT, replace(DEAD, count=1))), State.TO_MEND, "messages-kept"),
        (Health(NOW, (replace(KEPT, count=None, why="refused"), DEAD)), State.TO_MEND, "look-refused"),
        (Health(NOW - timedelta(minutes=16), (KEPT, DEAD)), State.TO_MEND, "look-old"),
    ],
)
def test_what_lies_on_the_shelves_and_whether_anybody_looks(
    health: Health | NotRead | None, state: State, code: str
) -> None:
    check = diagnosis.kept_messages(health, NOW)
    assert (check.name, check.state, check.code) == (Name.KEPT_MESSAGES, state, code)


@pytest.mark.parametrize(
    ("proof", "state", "code"),
    [
        (None, State.NOT_TOLD, "no-proof"),
        (NotRead("away"), State.NOT_READ, "not-read"),
        (Proof(NOW, "", 3, 9), State.GOOD, "proof-good"),
        (Proof(NOW - timedelta(days=3), "", 3, 9), State.TO_MEND, "proof-old"),
        (Proof(NOW, "", 3, 9, 1, (Fault("estate", "record 1 was changed"),)), State.TO_MEND, "proof-broken"),
    ],
)
def test_whether_the_ledger_was_proved_lately_and_holds(proof: Proof | NotRead | None, state: State, code: str) -> None:
    check = diagnosis.proof(proof, NOW)
    assert (check.name, check.state, check.code) == (Name.PROOF, state, code)
