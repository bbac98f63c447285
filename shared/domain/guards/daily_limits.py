"""Daily limits: how much of one kind may be written in any 24 hours, over events and timers and all instances together.

Lives here: the arithmetic. `State` stores reservations, and `reconcile.guard` asks for them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from shared.domain.access.plan import Employment, Grant, Plan, Revoke
from shared.domain.guards.baseline import Baseline
from shared.domain.policy.model import ActionKind, DailyLimit

WINDOW: Final = timedelta(hours=24)
"""The sliding window in which a daily limit counts."""

ALLOWANCE: Final = timedelta(minutes=10)
"""How much longer a reservation counts: the write follows it within a handler's time, and clocks differ."""

_TICK: Final = timedelta(microseconds=1)
"""The least by which two times of the store differ."""

_KEPT: Final = timedelta(days=3)
"""When a reservation is forgotten, long after it counts: a clock that runs ahead for a while forgets none."""


@dataclass(frozen=True, slots=True)
class Reservations:
    """What was reserved of one daily limit: ids of actions (`holds.action_id`), each with the time of its latest write.

    `told` is when it was last told that something exceeds the daily limit, None for never.
    """

    kind: ActionKind
    taken: Mapping[str, datetime] = field(default_factory=dict)
    told: datetime | None = None


def kind_of(plan: Plan, action: Grant | Revoke) -> ActionKind:
    """The daily limit that an action of a plan counts in."""
    if isinstance(action, Grant):
        return ActionKind.GRANTS
    return ActionKind.LEAVER_REVOKES if plan.employment is Employment.LEAVER else ActionKind.MOVER_REVOKES


def limit(daily_limit: DailyLimit, base: int) -> int:
    """`max(floor, min(count, ceil(percent x base)))`: how many different actions may be written in the window.

    `base` is how many assignments are managed, or for profile updates how many profiles are managed, as the last good
    sweep counted them; for revokes with those that were taken away in the window before it did.
    """
    share = -(-daily_limit.percent * base // 100)
    return max(daily_limit.floor, min(daily_limit.count, share))


def percentage_base(reservations: Reservations, baseline: Baseline | None, now: datetime) -> int:
    """What the percentage of a daily limit is of: managed assignments, or managed profiles; 0 before a good sweep.

    For revokes, what the limit took within the window before that count is added. Otherwise, on a day on which many
    leave, each sweep would allow fewer than the one before, and events more than sweeps.
    """
    if baseline is None:
        return 0
    match reservations.kind:
        case ActionKind.PROFILE_UPDATES:
            return baseline.profiles
        case ActionKind.GRANTS:
            return baseline.managed
        case ActionKind.MOVER_REVOKES | ActionKind.LEAVER_REVOKES:
            return baseline.managed + len(counted(reservations, now, by=baseline.at))


def counted(reservations: Reservations, now: datetime, *, by: datetime | None = None) -> frozenset[str]:
    """The actions that count now, with `by` those of them that were reserved by then.

    A time ahead of ours (another clock's) counts, unless it is days ahead.
    """
    return frozenset(
        action
        for action, reserved_at in reservations.taken.items()
        if -_KEPT < now - reserved_at < WINDOW + ALLOWANCE and (by is None or reserved_at <= by)
    )


def left(reservations: Reservations, most: int, now: datetime) -> int:
    """How many more different actions may be reserved now; never less than 0."""
    return max(0, most - len(counted(reservations, now)))


def reserve(reservations: Reservations, action: str, most: int, now: datetime) -> Reservations | None:
    """The row with `action` reserved; None when nothing is left for it. See `reserve_all`."""
    row, over = reserve_all(reservations, (action,), most, now)
    return None if over else row


def reserve_all(
    reservations: Reservations, actions: Iterable[str], most: int, now: datetime
) -> tuple[Reservations, Sequence[str]]:
    """The row with as many of `actions` reserved, in their order, as it has room for, and those for which it has none.

    One that is reserved already is reserved anew, and counts once, from now. Its time is later than the one it had,
    also where our clock is behind: no two checks share a reservation, and none gives back what another's write rests
    on.
    """
    count_now = set(counted(reservations, now))
    taken = {each: at for each, at in reservations.taken.items() if now - at < _KEPT}
    over: list[str] = []
    for action in actions:
        if action not in count_now and len(count_now) >= most:
            over.append(action)
        else:
            count_now.add(action)
            taken[action] = max(now, taken[action] + _TICK) if action in taken else now
    return replace(reservations, taken=taken), over


def tell(reservations: Reservations, now: datetime) -> Reservations:
    """The row with `now` as the time at which it was told that something exceeds the daily limit; itself within a day.

    So it is told once a day. A time ahead by more than clocks differ is from a wrong clock, and does not count.
    """
    told = reservations.told
    if told is not None and -ALLOWANCE < now - told < WINDOW:
        return reservations
    return replace(reservations, told=now)


@dataclass(frozen=True, slots=True)
class Place:
    """A reservation that a check made: its time, and the one that its action had before, None where it had none."""

    reserved_at: datetime
    before: datetime | None


def give_back(reservations: Reservations, places: Mapping[str, Place]) -> Reservations:
    """The row without the reservations in `places`, by action, that came to nothing: each is as it was before.

    One that was reserved anew meanwhile stays, so that giving back twice changes nothing.
    """
    taken = dict(reservations.taken)
    for action, place in places.items():
        if taken.get(action) == place.reserved_at:
            if place.before is None:
                del taken[action]
            else:
                taken[action] = place.before
    return replace(reservations, taken=taken)
