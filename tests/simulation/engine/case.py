"""The case of one simulation: everything that the promises are judged by, and the questions they ask of it.

Lives here: facts as they were found, and what the oracle says of them. Finding them is `judge`'s and `hearing`'s.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.domain.guards.baseline import Baseline
from shared.domain.guards.daily_limits import Reservations
from shared.domain.guards.holds import KeyHolds, Status
from shared.domain.guards.pauses import Pause, PauseKind, Pauses
from shared.domain.keys import ProfileKey
from shared.domain.policy.model import ActionKind
from tests.simulation.engine import oracle
from tests.simulation.engine.book import Book, Run
from tests.simulation.engine.broker_queues import Post
from tests.simulation.engine.policies import SimPolicy
from tests.simulation.engine.world import World


@dataclass(frozen=True, slots=True)
class Told:
    """An event that reached people-events: when, about which keys, from which day on; no keys for rubbish."""

    at: datetime
    keys: tuple[str, ...]
    effective: datetime | None = None


@dataclass(frozen=True, slots=True)
class Slip:
    """A text of somebody's that was typed wrongly."""

    attribute: str
    right: str
    wrong: str


@dataclass(eq=False)
class Case:
    """What is known. `catalogue_age` is how old a catalogue may be that is still in use, `settle` the settling time."""

    world: World
    post: Post
    book: Book
    catalogue_age: timedelta
    settle: timedelta
    pauses: Pauses = field(default_factory=Pauses)
    baselines: list[tuple[datetime, Baseline]] = field(default_factory=list)
    holds: dict[str, KeyHolds] = field(default_factory=dict)
    decided: dict[str, datetime] = field(default_factory=dict)
    """When somebody last decided about a hold: by its id."""
    pauses_stood: dict[Pause, datetime] = field(default_factory=dict)
    """When each pause was last known to stand."""
    reserved: dict[ActionKind, frozenset[str]] = field(default_factory=dict)
    """The actions that are reserved, by daily limit."""
    reservations: dict[ActionKind, list[tuple[datetime, Reservations]]] = field(default_factory=dict)
    """The same with their times, each time that it was stored."""
    daily_limits_told: dict[str, datetime] = field(default_factory=dict)
    """When it was last told that a daily limit is used up: by the name of its group."""
    updates: dict[ProfileKey, list[datetime]] = field(default_factory=dict)
    """When the app updated a profile by a request that the service carries out."""
    asked_by_operators: dict[str, datetime] = field(default_factory=dict)
    """When a check of a key that an operator asked for last reached the queue."""
    chains: dict[str, dict[int, str]] = field(default_factory=dict)
    """Every digest that the ledger stored, by key and sequence: what somebody outside would have kept."""
    shrinks_by: int = 5
    """How many people fewer it takes to call a population shrunken."""
    runs_about: dict[str, list[Run]] = field(default_factory=dict)
    appended: dict[str, tuple[Run, datetime]] = field(default_factory=dict)
    """Who last appended to a key's chain, and when."""
    given_by: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    """The rules that gave a managed assignment, as the last record of it has them: by key and profile."""
    unknown_rules: tuple[SimPolicy, set[str]] | None = None
    """The rules that were not known all through the last complete sweep, and its policy."""
    last_intent: dict[tuple[str, str, str], Run] = field(default_factory=dict)
    written: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)
    """Writes by daily limit: when, and which action."""
    latest_write: dict[tuple[str, str, str], datetime] = field(default_factory=dict)
    """When the app last wrote: by key, profile and verb."""
    clocks_moved: datetime | None = None
    """When the clock of some process last jumped."""
    forged: dict[str, datetime] = field(default_factory=dict)
    """Keys of work items that nobody honest sent, by when they were put on the queue."""
    told: dict[bytes, list[Told]] = field(default_factory=dict)
    checks: dict[str, list[datetime]] = field(default_factory=dict)
    """When a check of a key was recorded."""
    begun: dict[str, datetime] = field(default_factory=dict)
    """When the latest check a key began."""
    dues: dict[str, list[datetime]] = field(default_factory=dict)
    days: dict[str, list[datetime]] = field(default_factory=dict)
    """Days to come that checks were sent with, by key."""
    """For when checks a key were ever accepted by the broker."""
    accepted: dict[str, datetime] = field(default_factory=dict)
    """When a message was first accepted by the broker: by its MessageId."""
    profiles: dict[ProfileKey, tuple[dict[str, Any], dict[str, str]]] = field(default_factory=dict)
    people_changed: dict[ProfileKey, datetime] = field(default_factory=dict)
    updating: dict[ProfileKey, datetime] = field(default_factory=dict)
    """Profiles that the app updates: when it read what it sent."""
    on_update: Callable[[ProfileKey], None] = lambda _profile: None
    """Called when the app updates a profile."""
    found_nothing: dict[tuple[str, str], list[datetime]] = field(default_factory=dict)
    """When a check recorded that it read a profile and found nothing managed: by key and profile."""
    out_of_sight: set[str] = field(default_factory=set)
    """Accounts that the app's role was ever taken from."""
    ledger_lost: datetime | None = None
    """When the ledger was last wiped or put back."""
    state_lost: datetime | None = None
    """When the state was last wiped."""
    reserved_then: Mapping[ActionKind, frozenset[str]] = field(default_factory=dict)
    """What was reserved when the state was last wiped: a write may have been on its way."""
    released_until: dict[str, datetime] = field(default_factory=dict)
    """When an action was last released and then no more: decided otherwise, done, or lost with the state."""
    known: tuple[datetime, datetime, SimPolicy] | None = None
    """The latest complete sweep that kept everything since the state was lost: its beginning, end and policy."""
    unread: frozenset[tuple[ProfileKey, str]] = frozenset()
    """The rows, by profile and name, that this sweep could not read: it says so, and nobody knows whose they are."""
    slips: dict[str, Slip] = field(default_factory=dict)
    """The latest slip in somebody's texts, by object id, also after it was fixed."""
    adopted: dict[tuple[ProfileKey, str], datetime] = field(default_factory=dict)
    """Rows for whose adoption there ever was evidence, each by when it was made."""
    surely_adopted: dict[tuple[ProfileKey, str], datetime] = field(default_factory=dict)
    """Those of which an operator was told that they are adopted."""

    def stood_since(self, kind: PauseKind, moment: datetime, account: str = "") -> bool:
        """Whether a pause of that kind stands, or stood at that moment or later: at all, or on an account."""
        stood = self.pauses_stood | dict.fromkeys(self.pauses.active, moment)
        return any(
            pause.kind is kind and at >= moment and (not account or pause.scope in {"", account.lower()})
            for pause, at in stood.items()
        )

    def stands(self, run: Run, *, holding: bool = False) -> oracle.Standing | None:
        """Where the person stands by what Graph told a run; None where it told nothing whole.

        Somebody `holding` something whose hire date lies ahead is at work all the same, unless the account is disabled.
        """
        heard = run.heard
        if run.asked_at is None:
            return None
        if heard.user is not None:
            found = oracle.standing(heard.user, deleted=False, policy=run.policy, now=run.asked_at)
            if holding and found.kind == "pre-hire" and heard.user.get("accountEnabled") is not False:
                found = oracle.Standing("employed", strong=True)
            unheard = any(rule.group is not None and rule.group not in heard.groups for rule in run.policy.rules)
            return None if unheard and found.kind == "employed" else found  # nobody else is given anything by a group
        if heard.user_missing and heard.deleted is not None:
            return oracle.standing(None, deleted=heard.deleted, policy=run.policy, now=run.asked_at)
        return None

    def is_given(self, run: Run, profile: ProfileKey) -> bool:
        """Whether rules give a profile by what Graph told a run, and by some catalogue that may still be in use."""
        return any(profile in given for given in self._given(run))

    def is_surplus(self, run: Run, profile: ProfileKey) -> bool:
        """Whether no rule gives it, by the same."""
        return any(profile not in given for given in self._given(run))

    def _given(self, run: Run) -> list[set[ProfileKey]]:
        user = run.heard.user
        if user is None:
            return [set()]
        versions = self.world.facts_since(run.began - self.catalogue_age)
        return [oracle.wanted(user, run.heard.groups, run.policy, facts) for facts in versions]

    def status(self, key: str, action: str) -> Status | None:
        """What was decided about an action's hold; None where there is none."""
        row = self.holds.get(key)
        hold = row.holds.get(action) if row is not None else None
        return None if hold is None else hold.status

    def released(self, run: Run, action: str) -> bool:
        """Whether a person has released an action, or had while a run was under way: it may have read so."""
        if self.status(run.key, action) is Status.RELEASED:
            return True
        until = self.released_until.get(action)
        return until is not None and until >= run.began

    def let_through(self, run: Run, kind: ActionKind, action: str) -> bool:
        """Whether an action was reserved before the state was wiped, in the very run that now does it."""
        return self.state_lost_during(run) and action in self.reserved_then.get(kind, ())

    def judge_rules(self, policy: SimPolicy) -> set[str]:
        """The rules that are not known now, neither truly nor by what Graph shows."""
        facts = self.world.facts[-1][1]
        views = (self.world.graph.newest(), self.world.graph.view())
        truly, shown = (oracle.unknown_rules(view, policy, facts, self.world.odd) for view in views)
        return truly & shown

    def base(self, kind: ActionKind, baseline: Baseline, *, doubt: timedelta = timedelta(minutes=10)) -> int:
        """What the percentage of a daily limit is of, at most: what a sweep counted, and what was taken in a day.

        `doubt` is by how much clocks may be off, negative for what it is at least.
        """
        if kind is ActionKind.PROFILE_UPDATES:
            return baseline.profiles
        if kind is ActionKind.GRANTS:
            return baseline.managed
        row = next((row for _, row in reversed(self.reservations.get(kind, []))), Reservations(kind))
        since, until = self.world.now() - timedelta(hours=24) - 2 * doubt, baseline.at + doubt
        return baseline.managed + sum(since < at < until for at in row.taken.values())

    def groups_gone_since(self, group: str) -> datetime | None:
        """Since when the directory has no such group; None where it has."""
        return self.world.groups_gone.get(group)

    def state_lost_during(self, run: Run) -> bool:
        """Whether the state was wiped while a run, which has not ended, was under way."""
        return self.state_lost is not None and run.began <= self.state_lost

    def clocks_moved_since(self, moment: datetime) -> bool:
        """Whether some process's clock jumped since then, or a little before."""
        return self.clocks_moved is not None and self.clocks_moved > moment - timedelta(hours=1)
