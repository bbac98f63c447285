"""What an operator of the app decides: pause, resume, release, dismiss, adopt.

Lives here: the verbs as a person uses them, on the services behind the command line.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.adoption.consequences import Choice
from shared.domain.guards.holds import Hold, Status
from shared.domain.keys import PersonKey
from shared.services.app import App
from shared.services.operate import decisions
from shared.services.operate.adopt import Fate, apply_adoption, plan_adoption
from tests.simulation.engine.judge import Judge
from tests.simulation.engine.promises_of_guards import release_asks_for_a_check

OPERATOR: Final = "01a00000-0000-4000-8000-000000000001"
"""The object id of whoever decides: nobody of the world, so that no hold is about them."""

_SEES_TO_HOLDS: Final = 0.6
_CHANGES_MEANWHILE: Final = 0.7
_TOLD_AGAIN: Final = 0.7
"""How often an operator who may decide about a hold does; how often somebody it is about changes before that is carried
out; how often there is an event about what was dismissed."""

type Command = Callable[[App], Coroutine[Any, Any, Any]]
"""What an operator does with an app of their own."""


@dataclass(eq=False)
class Operator:
    """A person with the command line, and their dice."""

    judge: Judge
    rng: random.Random
    told_again: Callable[[str], None]
    """Has an event tell of a person about whom nothing changed."""
    overtake: Callable[[str], None]
    """Changes why a person gains or loses what was held."""

    def something(self) -> Command:
        """What they do next."""
        holds = [hold for row in self.judge.holds.values() for hold in row.holds.values()]
        if any(hold.status is Status.OPEN for hold in holds) and self.rng.random() < _SEES_TO_HOLDS:
            return self.rng.choice((self.release, self.release, self.dismiss))
        match self.rng.randrange(7):
            case 5 | 6:
                return self.adopt
            case 0:
                return lambda app: decisions.pause(app, OPERATOR, "to check something")
            case 1 | 2:
                return self.resume
            case 3:
                return self.release
            case _:
                return self.dismiss

    def at_first(self) -> Command | None:
        """What they do about what the first sweep of all held; None for nothing."""
        usual: Command = lambda app: self.release(app, everything=True)  # noqa: E731 - one of three
        return self.rng.choices((usual, self.dismiss, None), (75, 15, 10))[0]

    async def resume(self, app: App) -> None:
        """Clears the pause."""
        await decisions.resume(app, OPERATOR)

    async def release(self, app: App, *, everything: bool = False) -> None:
        """Releases one hold or group, or all of them."""
        listing = await decisions.list_holds(app)
        if listing.holds:
            chosen = None if everything or self.rng.random() < 0.5 else [self.rng.choice(listing.groups).id]
            if self.rng.random() < _CHANGES_MEANWHILE:
                self._about_one(listing.holds, self.overtake)  # after it was listed, and before it is checked
            began = self.judge.world.now()
            decided = await decisions.release(app, chosen, OPERATOR, listing)
            if (broken := release_asks_for_a_check(self.judge, decided.holds, began)) is not None:
                self.judge.book.violate("release_asks_for_a_check", broken)
            self.judge.book.count(f"operator:released:{bool(decided.holds)}")

    async def dismiss(self, app: App) -> None:
        """Dismisses one hold or group."""
        listing = await decisions.list_holds(app)
        if listing.holds:
            decided = await decisions.dismiss(app, [self.rng.choice(listing.groups).id], OPERATOR, listing)
            self.judge.book.count(f"operator:dismissed:{bool(decided.holds)}")
            if decided.holds and self.rng.random() < _TOLD_AGAIN:
                self._about_one(decided.holds, self.told_again)

    def _about_one(self, holds: Sequence[Hold], act: Callable[[str], None]) -> None:
        people = [hold.key.object_id for hold in holds if isinstance(hold.key, PersonKey)]
        if people:
            act(self.rng.choice(people))

    async def adopt(self, app: App) -> None:
        """Adopts what a rule gives, or what leavers hold."""
        choice = Choice(given_by_rule=self.rng.random() < 0.7, leavers=self.rng.random() < 0.7)
        plan = await plan_adoption(app, choice)
        await asyncio.sleep(self.rng.uniform(1, 60))  # somebody reads it
        for adopted in await apply_adoption(app, plan.able, OPERATOR):
            self.judge.book.count(f"operator:adopt:{adopted.fate}")
            row = adopted.adoption.row
            if adopted.fate is Fate.ADOPTED and row is not None and row.created_on is not None:
                made = row.created_on.replace(microsecond=0)
                self.judge.surely_adopted[row.profile, row.principal_id] = made
