"""Mutants of the guards: daily limits, holds and the pause."""

from typing import Final

from tests.simulation.mutants.mutant import Mutant

_GUARDS: Final = "shared/services/reconcile/guard.py"
_RESERVATIONS: Final = "shared/services/reservations.py"
_STORED: Final = "    read, put = partial(app.state.reservations, kind), app.state.put_reservations\n"
_PAUSES: Final = "shared/domain/guards/pauses.py"
_DAILY_LIMITS: Final = "shared/domain/guards/daily_limits.py"

MUTANTS: Final = (
    Mutant(
        name="daily-limit-ignored",
        promise="No more actions of a kind in any 24 hours than the daily limit allows.",
        file=_DAILY_LIMITS,
        old="        if action not in count_now and len(count_now) >= most:\n",
        new="        if most < 0:\n",
        caught_by=("within_daily_limit",),
    ),
    Mutant(
        name="daily-limit-of-one-process",
        promise="A daily limit is over all instances: what was reserved is stored where all of them see it.",
        file=_RESERVATIONS,
        old=_STORED,
        new=(
            "    read = partial(app.state.reservations, kind)\n"
            "\n"
            "    async def put(row):\n"
            "        return await app.state.put_reservations(row) if len(row.value.taken) % 2 else row\n"
        ),
        caught_by=("within_daily_limit", "reserved_before_write"),
    ),
    Mutant(
        name="reserved-too-late",
        promise="A reservation precedes the write.",
        file=_RESERVATIONS,
        old=_STORED,
        new=(
            "    read = partial(app.state.reservations, kind)\n"
            "\n"
            "    async def put(row):\n"
            "        late = asyncio.get_running_loop().create_task(asyncio.sleep(30))\n"
            "        late.add_done_callback(lambda _: asyncio.ensure_future(app.state.put_reservations(row)))\n"
            "        return row\n"
        ),
        caught_by=("reserved_before_write",),
    ),
    Mutant(
        name="reserved-anew-each-time",
        promise="A reservation is idempotent: an action that is tried again counts once.",
        file=_DAILY_LIMITS,
        old="            taken[action] = max(now, taken[action] + _TICK) if action in taken else now\n",
        new='            taken[action] = taken[f"{action}-{now:%H%M%S}"] = now\n',
        caught_by=("reservations_are_actions",),
    ),
    Mutant(
        name="window-of-an-hour",
        promise="A daily limit counts what was written in the last 24 hours.",
        file=_DAILY_LIMITS,
        old='WINDOW: Final = timedelta(hours=24)\n"""The sliding',
        new='WINDOW: Final = timedelta(hours=1)\n"""The sliding',
        caught_by=("within_daily_limit",),
    ),
    Mutant(
        name="release-for-ever",
        promise="A release ends: what is not carried out within three days is for a person to decide anew.",
        file="shared/domain/guards/holds.py",
        old="    if now - decided < stands:\n",
        new="    if now - decided < 1_000 * stands:\n",
        caught_by=("releases_are_recent", "releases_end"),
    ),
    Mutant(
        name="pause-lets-movers-pass",
        promise="The pause stops a mover's revokes.",
        file=_PAUSES,
        old="leaver = kind is ActionKind.LEAVER_REVOKES and strength is Strength.STRONG",
        new="leaver = kind is ActionKind.MOVER_REVOKES or strength is Strength.STRONG",
        caught_by=("pause_respected",),
    ),
    Mutant(
        name="pause-not-asked-again",
        promise="The pause is checked before each write.",
        file="shared/services/reconcile/apply.py",
        old="stop = await self._guard.pauses(wanted)",
        new="stop: Stopped | None = None",
        caught_by=("pause_respected",),
    ),
    Mutant(
        name="pause-stops-leavers",
        promise="A leaver on strong evidence passes every pause but an operator's and one for the lost role.",
        file=_PAUSES,
        old="STOPS_LEAVERS: Final = frozenset({PauseKind.OPERATOR, PauseKind.ROLE_LOST})",
        new="STOPS_LEAVERS: Final = frozenset(PauseKind)",
        caught_by=("pause_lets_leavers_pass",),
    ),
    Mutant(
        name="incomplete-sweep-sets-no-pause",
        promise="A sweep that could not read everything sets a pause.",
        file="shared/domain/guards/sweep_trust.py",
        old="        pauses[Pause(PauseKind.INCOMPLETE_SWEEP)] = ",
        new="        pauses[Pause(PauseKind.POPULATION_SHRANK)] = ",
        caught_by=("failed_reads_are_told",),
    ),
    Mutant(
        name="time-applies-a-hold",
        promise="Time alone never applies a hold.",
        file=_GUARDS,
        old=(
            "        hold = self._holds.get(action.id)\n"
            "        if hold is None:\n"
            "            return None\n"
            "        now = self._app.clock.now()\n"
        ),
        new=(
            "        hold = self._holds.get(action.id)\n"
            "        now = self._app.clock.now()\n"
            "        if hold is None or (now - hold.since).total_seconds() > 3600:\n"
            "            return None\n"
        ),
        caught_by=("holds_respected",),
    ),
    Mutant(
        name="released-whatever-happened",
        promise="A released hold is refused where the action now rests on something else.",
        file=_GUARDS,
        old="        same = hold.basis is None or hold.basis == action.basis\n",
        new="        same = hold.status is Status.RELEASED or hold.basis is None or hold.basis == action.basis\n",
        caught_by=("holds_respected",),
    ),
    Mutant(
        name="dismissed-ignored",
        promise="What a person dismissed is left alone until the action changes.",
        file=_GUARDS,
        old="        if hold.status is Status.DISMISSED and same:\n",
        new="        if hold.status is Status.DISMISSED and same and not action.basis:\n",
        caught_by=("holds_respected",),
    ),
    Mutant(
        name="holds-stay-open",
        promise="A hold of what nobody wants any more is closed.",
        file="shared/domain/guards/sweep_holds.py",
        old="    return unwanted and hold.status is not Status.RELEASED\n",
        new="    return unwanted and hold.status is not Status.RELEASED and not hold.why\n",
        caught_by=("holds_are_wanted",),
    ),
    Mutant(
        name="released-is-never-done",
        promise="What a person released is carried out, or open again where the world moved.",
        file=_GUARDS,
        old="            released.add(action.id)\n            return None\n",
        new="            return Stopped(Outcome.HELD, hold.why, hold.id)\n",
        caught_by=("released_is_done",),
    ),
    Mutant(
        name="released-is-asked-again",
        promise="What a person released is open again only where it rests on something else by then.",
        file=_GUARDS,
        old="        if hold.status is Status.RELEASED and same:\n",
        new="        if hold.status is Status.RELEASED and same and not action.basis:\n",
        caught_by=("reopened_for_a_reason",),
    ),
    Mutant(
        name="release-asks-for-no-check",
        promise="Whoever releases a hold has it checked now, and not when the next sweep comes by.",
        file="shared/services/operate/decisions.py",
        old="    if checks:\n        await app.queues.send_work(checks)\n",
        new="    if checks and due is None:\n        await app.queues.send_work(checks)\n",
        caught_by=("release_asks_for_a_check",),
    ),
    Mutant(
        name="no-groups",
        promise="Of a kind of which one sweep wants more than is left, nothing is enqueued.",
        file="shared/domain/guards/sweep_holds.py",
        old="    if len(actions) <= left:\n        return None\n",
        new="    if len(actions) <= left or most >= 0:\n        return None\n",
        caught_by=("one_group_of_too_many",),
    ),
    Mutant(
        name="leavers-are-all-or-nothing",
        promise="The leavers that one sweep finds go as far as the daily limit, as those of whom events tell.",
        file="shared/domain/guards/sweep_holds.py",
        old="    if kind is ActionKind.LEAVER_REVOKES:\n        rest =",
        new="    if kind is ActionKind.LEAVER_REVOKES:\n        left = 0\n        rest =",
        caught_by=("leavers_go_as_far_as_the_daily_limit",),
    ),
    Mutant(
        name="waits-by-itself",
        promise="What a daily limit has no room for waits as one group, whoever found it.",
        file=_GUARDS,
        old="self._hold(action, StoppedBy.DAILY_LIMIT, why, of_daily_limit(kind))",
        new="self._hold(action, StoppedBy.DAILY_LIMIT, why)",
        caught_by=("what_waits_is_one_group",),
    ),
    Mutant(
        name="told-of-each",
        promise="That a daily limit is used up is told once a day, however many wait.",
        file=_DAILY_LIMITS,
        old="    if told is not None and -ALLOWANCE < now - told < WINDOW:\n",
        new="    if told is not None and -ALLOWANCE < now - told < ALLOWANCE:\n",
        caught_by=("told_once_a_day",),
    ),
    Mutant(
        name="group-of-the-rest",
        promise="One hold carries all that one sweep wants of a kind, and not only what is too much of it.",
        file="shared/domain/guards/sweep_holds.py",
        old=('return SweepGroup(f"sweep:{kind}", StoppedBy.SWEEP, why, frozenset(action.id for action in actions))'),
        new=(
            'return SweepGroup(f"sweep:{kind}", StoppedBy.SWEEP, why, frozenset(action.id for '
            "action in actions[left:]))"
        ),
        caught_by=("one_group_of_too_many",),
    ),
    Mutant(
        name="lost-role-unnoticed",
        promise="A check that meets the loss of our own billing role sets a pause.",
        file="shared/services/pauses.py",
        old="    if app.policy.enforce is not Everything.NONE:\n        await set_pause(app, Pause(",
        new="    if app.policy.enforce is Everything.NONE:\n        await set_pause(app, Pause(",
        caught_by=("lost_role_sets_the_pause",),
    ),
    Mutant(
        name="shrinking-unnoticed",
        promise="A population that shrank too far since the last good sweep sets a pause.",
        file="shared/domain/guards/sweep_trust.py",
        old="    if not is_too_far or gone < shrinking.people:\n        return None\n",
        new=("    if not is_too_far or gone < shrinking.people or gone <= before.population:\n        return None\n"),
        caught_by=("shrinking_sets_the_pause",),
    ),
)
"""What lets through too much, or too little."""
