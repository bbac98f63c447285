"""Whatever happens, and whatever becomes of the events about it: in the end everybody holds what the policy says.

Histories are random; events about them are late, lost, doubled and out of order. `SIMULATION_EXAMPLES` asks for more
of them than the few of an ordinary run.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from shared.domain.keys import PersonKey, ProfileKey
from tests.simulation.small_world import (
    APP,
    COMPANIES,
    HOLDING,
    NL,
    PIA,
    POLICY,
    PROFILES,
    TREASURY,
    guid,
    user,
    world,
)
from tests.simulation.stage import Stage
from tests.simulation.virtual_time import VirtualLoop

EXAMPLES: Final = int(os.environ.get("SIMULATION_EXAMPLES", "25"))

AMPLE: Final = POLICY + "daily_limits: { mover_revokes: 999/999/100, grants: 999/999/100 }\n"
"""The usual policy with room for whatever a history brings: what daily limits hold is proved elsewhere."""

CAST: Final = tuple(guid(6, number) for number in range(4))
"""To whom things happen. The usual staff stay as they are, so that every rule goes on matching somebody."""

ACTS: Final = (
    "move",
    "disable",
    "enable",
    "delete",
    "restore",
    "purge",
    "rename",
    "join",
    "leave",
    "sell",
    "count",
    "give",
    "take",
    "sweep",
)


@dataclass(frozen=True)
class Step:
    """One thing that happens, how long until the next, and after how many minutes each event about it arrives."""

    act: str
    who: str
    where: ProfileKey
    minutes: int
    arrivals: tuple[int, ...]
    by_name: bool


STEPS = st.builds(
    Step,
    act=st.sampled_from(ACTS),
    who=st.sampled_from((*CAST, PIA)),
    where=st.sampled_from(PROFILES),
    minutes=st.sampled_from((0, 0, 1, 4, 6, 40)),
    arrivals=st.lists(st.sampled_from((0, 0, 1, 5, 30, 200)), max_size=3).map(tuple),
    by_name=st.booleans(),
)
HISTORIES = st.lists(STEPS, min_size=1, max_size=14)


@dataclass
class Play:
    """A history on a stage, and what people did by hand in it."""

    stage: Stage
    by_hand: set[tuple[ProfileKey, str]] = field(default_factory=set)
    members: set[str] = field(default_factory=set)
    state: dict[str, str] = field(default_factory=lambda: dict.fromkeys((*CAST, PIA), "live"))
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    events: list[tuple[datetime, str]] = field(default_factory=list)

    @classmethod
    def begin(cls, **options: Any) -> "Play":
        given_world = world()
        companies = list(COMPANIES)
        play_facts: dict[str, dict[str, Any]] = {}
        names = {PIA: "pia@contoso.example"}
        for number, person in enumerate(CAST):
            company = companies[number % len(companies)]
            given_world["users"].append(user(person, f"cast{number}", company))
            play_facts[person] = {"company": company, "department": "Finance", "enabled": True}
            names[person] = f"cast{number}@contoso.example"
        play_facts[PIA] = {"company": "Fabrikam", "department": "Finance", "enabled": True}
        play = cls(Stage(given=given_world, **{"policy": AMPLE, **options}), facts=play_facts, names=names)
        play.by_hand.add((NL, guid(3, 7)))
        return play

    async def go(self, step: Step) -> None:
        """One step: the world changes, events are sent about it, time passes, and what was done by hand is still so."""
        name = self.names[step.who]
        self._act(step)
        subject = f"upn:{name}" if step.by_name else f"id:{step.who}"
        if step.act not in {"give", "take", "sweep"}:
            self.events += [(self.stage.now + timedelta(minutes=minutes), subject) for minutes in step.arrivals]
        if step.act == "sweep":
            await asyncio.sleep(1)  # no two sweeps begin in the same microsecond
            await self.stage.sweep()
        await self.pass_time(self.stage.now + timedelta(minutes=step.minutes))
        self.check_what_is_not_managed()

    async def pass_time(self, until: datetime) -> None:
        """Delivers events as they arrive."""
        for arrives, subject in sorted(event for event in self.events if event[0] <= until):
            self.events.remove((arrives, subject))
            await self.stage.advance(to=max(arrives, self.stage.now))
            await self.stage.tell(subject)
        await self.stage.advance(to=until)

    def _act(self, step: Step) -> None:
        """Does what makes sense now, and else nothing."""
        if step.act in {"give", "take"}:
            self._at_the_portal(step)
        elif self.state[step.who] == "deleted":
            self._to_the_deleted(step)
        elif self.state[step.who] == "live":
            self._to_the_living(step)

    def _at_the_portal(self, step: Step) -> None:
        held = self.stage.row(step.where, step.who) is not None
        if step.act == "give" and not held and self.state[step.who] == "live":
            self.stage.give(step.where, step.who)
            self.by_hand.add((step.where, step.who))
        elif step.act == "take" and held:
            self.stage.take(step.where, step.who)
            self.by_hand.discard((step.where, step.who))

    def _to_the_deleted(self, step: Step) -> None:
        if step.act == "restore":
            self.stage.restore(step.who)
            self.state[step.who] = "live"
        elif step.act == "purge":
            self.stage.purge(step.who)
            self.state[step.who] = "gone"

    def _to_the_living(self, step: Step) -> None:
        stage, who, facts = self.stage, step.who, self.facts[step.who]
        match step.act:
            case "move":
                facts["company"] = next((name for name, key in COMPANIES.items() if key == step.where), "Elsewhere")
                stage.change(who, companyName=facts["company"])
            case "disable" | "enable":
                facts["enabled"] = step.act == "enable"
                stage.change(who, accountEnabled=facts["enabled"])
            case "sell" | "count":
                facts["department"] = "Sales" if step.act == "sell" else "Finance"
                stage.change(who, department=facts["department"])
            case "delete":
                stage.delete(who)
                self.state[who] = "deleted"
            case "rename":
                self.names[who] = f"n{len(stage.graph.audit)}@contoso.example"
                stage.change(who, userPrincipalName=self.names[who])
            case "join" if who not in self.members:
                stage.join(TREASURY, who)
                self.members.add(who)
            case "leave" if who in self.members:
                stage.leave(TREASURY, who)
                self.members.remove(who)

    def wanted(self, who: str) -> set[ProfileKey]:
        """What the policy gives, said anew from the facts."""
        facts = self.facts[who]
        if self.state[who] != "live" or not facts["enabled"] or who == PIA:
            return set()
        own = COMPANIES.get(facts["company"]) if facts["department"] == "Finance" else None
        return ({own} if own is not None else set()) | ({HOLDING} if who in self.members else set())

    def check_what_is_not_managed(self) -> None:
        """Unmanaged assignments are all there, and no more; the protected person was never written about."""
        unmanaged = {key for key, maker in self.stage.everything_held().items() if maker not in {APP, None}}
        assert unmanaged == {(profile.folded, person) for profile, person in self.by_hand}
        assert PIA not in {person for _, person in self.stage.writes()}

    async def check_the_end(self) -> None:
        """Everybody in the play holds what the policy gives and what somebody gave by hand, and nothing else."""
        for who in (*CAST, PIA):
            given = {profile for profile, person in self.by_hand if person == who}
            assert self.stage.held(who) == self.wanted(who) | given, (who, [m.item for m in self.stage.queues.waiting])
            assert await self.stage.app.ledger.verify(PersonKey(who).canonical) == []
        assert self.stage.raised == []
        assert self.stage.queues.dead == []


def in_virtual_time(tell: Callable[[Play], Coroutine[Any, Any, None]], **options: Any) -> None:
    """Plays something on a stage of its own, and clears it away whatever happens."""

    async def play_it() -> None:
        play = Play.begin(**options)
        try:
            await tell(play)
        finally:
            await play.stage.close()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(play_it())


def told(history: list[Step]) -> str:
    return "\n".join(
        f"{step.act} {step.who[-2:]} {step.where.profile} +{step.minutes} {step.arrivals} {step.by_name}"
        for step in history
    )


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES, st.booleans(), st.sampled_from((0, 90)))
def test_in_the_end_everybody_holds_what_the_policy_says(history: list[Step], anonymous: bool, lag: int) -> None:
    async def tell(play: Play) -> None:
        play.stage.graph.switches.replica_lag_seconds = lag
        play.stage.turn(created_by_service_principal="absent" if anonymous else "object-id")
        await play.stage.settle()
        for step in history:
            await play.go(step)
        await play.pass_time(play.stage.now + timedelta(minutes=210))
        for _ in range(2):
            await play.stage.settle()
        play.check_what_is_not_managed()
        await play.check_the_end()
        report = await play.stage.sweep()
        assert (report.drift, report.complete) == ({}, True)

    note(told(history))
    in_virtual_time(tell)


@settings(max_examples=max(5, EXAMPLES // 3), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HISTORIES)
def test_observing_the_same_writes_nothing(history: list[Step]) -> None:
    async def tell(play: Play) -> None:
        await play.stage.settle()
        for step in history:
            await play.go(step)
        await play.pass_time(play.stage.now + timedelta(minutes=210))
        await play.stage.settle()
        assert play.stage.writes() == []
        assert {person for _, person in play.stage.everything_held()} == {person for _, person in play.by_hand}

    note(told(history))
    in_virtual_time(tell, policy=POLICY.replace("enforce: all", "enforce: none"))
