"""Mutants of the way of an event: intake, what follows from a check, messages, and the sweep."""

from typing import Final

from tests.simulation.mutants.mutant import Mutant

_RECONCILE: Final = "shared/services/reconcile/reconcile.py"
_WORK: Final = "shared/domain/work.py"

MUTANTS: Final = (
    Mutant(
        name="a-refusing-store-is-an-answer",
        promise="Where nothing can be recorded a check is taken again, for as long as that lasts.",
        file=_RECONCILE,
        old=(
            "    if check.outcome is Outcome.RETRY:\n"
            "        return check\n"
            "    now = app.clock.now()\n"
            "    retry = later("
        ),
        new=(
            "    if check.outcome:\n"
            "        return replace(check, outcome=Outcome.GAVE_UP)\n"
            "    now = app.clock.now()\n"
            "    retry = later("
        ),
        caught_by=("every_check_is_recorded",),
    ),
    Mutant(
        name="dates-to-come-are-believed",
        promise="What counts the end of a wait is never in the future.",
        file=_WORK,
        old=("    if item.first_asked <= now and (item.failing_since is None or item.failing_since <= now):\n"),
        new=("    if item.first_asked >= now or (item.failing_since is None or item.failing_since <= now):\n"),
        caught_by=("forged_items_end",),
    ),
    Mutant(
        name="a-lost-state-stays-lost",
        promise="After a complete sweep, on whatever store, a check knows what is managed.",
        file="shared/services/sweep/memory.py",
        old=("    return any(isinstance(one, ManagedAssignment) and one.profile not in known for one in ones)\n"),
        new=("    return any(isinstance(one, ManagedAssignment) and one.profile in known for one in ones)\n"),
        caught_by=("checks_know_what_sweeps_saw",),
    ),
    Mutant(
        name="complete-before-scheduling",
        promise="What has to follow is on the queue before the message is completed.",
        file=_RECONCILE,
        old=("        await outlast(lambda: app.queues.send_work(check.follow_ups), until, chain_key(item.key))\n"),
        new='        __import__("asyncio").ensure_future(app.queues.send_work(check.follow_ups))\n',
        caught_by=("what_follows_is_sent_first",),
    ),
    Mutant(
        name="retry-forgotten",
        promise="A check that met something transient is taken again.",
        file=_RECONCILE,
        old="            return _with(check, _retry(app, item, check.retry_after))\n",
        new=("            return check if item.attempt else _with(check, _retry(app, item, check.retry_after))\n"),
        caught_by=("what_follows_is_sent_first",),
    ),
    Mutant(
        name="unrecorded-check",
        promise="Every check leaves a record; where that fails it is taken again.",
        file=_RECONCILE,
        old="        return _unrecorded(app, item, _settled(app, item, unrecorded))\n",
        new="        return replace(check, told=unrecorded.told)\n",
        caught_by=("every_check_is_recorded",),
    ),
    Mutant(
        name="now-without-unique",
        promise="A check for now is never dropped as the duplicate of an earlier one for now.",
        file=_WORK,
        old='return Scheduled(item, f"now:{_short(item)}:{unique}"[:128])',
        new='return Scheduled(item, f"now:{_short(item)}"[:128])',
        caught_by=("duplicates_keep_a_check", "no_event_is_lost"),
    ),
    Mutant(
        name="due-not-in-message-id",
        promise="A MessageId carries when a check is due: looks for different moments do not coalesce.",
        file=_WORK,
        old='f"{item.cause.kind}:{_short(item)}:{rounded:%Y-%m-%dT%H:%M:%SZ}{_of_moments(item)}"[:128]\n',
        new='f"{item.cause.kind}:{_short(item)}"[:128]\n',
        caught_by=("duplicates_keep_a_check",),
    ),
    Mutant(
        name="follows-itself",
        promise="A check that follows from a scheduled one is due after it, whatever a process's clock says.",
        file=_WORK,
        old="    if item.due is not None and rounded <= item.due < rounded + _CLOCKS_DIFFER:\n",
        new="    if item.due is not None and rounded < item.due < rounded:\n",
        caught_by=("duplicates_keep_a_check",),
    ),
    Mutant(
        name="due-rounded-down",
        promise="What is dropped as a duplicate is looked after by a check that is not due before it.",
        file=_WORK,
        old="rounded = datetime.fromtimestamp(-(-due.timestamp() // step) * step, UTC)",
        new="rounded = datetime.fromtimestamp(due.timestamp() // step * step, UTC)",
        caught_by=("no_event_is_lost", "duplicates_keep_a_check", "what_follows_is_sent_first"),
    ),
    Mutant(
        name="rubbish-burns-the-batch",
        promise="One event that cannot be used stops no other.",
        file="shared/services/intake/intake.py",
        old="        chunk.append(run.read(message))\n",
        new="        chunk.append(run.read(message))\n        if run.rejected:\n            break\n",
        caught_by=("no_event_is_lost",),
    ),
    Mutant(
        name="future-look-forgotten",
        promise="Whoever an event names for a day to come is checked on that day.",
        file="shared/services/reconcile/future_checks.py",
        old="            await app.queues.send_work(places.to_send)\n",
        new="            await app.queues.send_work(places.to_send[1:])\n",
        caught_by=("days_to_come_are_seen_to",),
    ),
    Mutant(
        name="rejected-and-forgotten",
        promise="An event that cannot be used ends on rejected-events.",
        file="shared/services/intake/intake.py",
        old="    if run.rejected:\n",
        new="    if run.rejected and not run.checks:\n",
        caught_by=("no_event_is_lost",),
        stories=(
            "tests/simulation/test_sim_events.py::test_one_bad_event_of_a_batch_is_rejected_alone_and_costs_no_other",
        ),
    ),
    Mutant(
        name="sweep-forgets-leavers",
        promise="No leaver holds what is managed once two sweeps had their checks.",
        file="shared/services/sweep/sweep.py",
        old=(
            "        checks.append(at_once(_item(key, cause, now, profiles | drift.others.pop(key, "
            "set())), sweep_id))\n"
        ),
        new="        drift.others.pop(key, None)\n",
        caught_by=("no_leaver_holds_managed",),
    ),
    Mutant(
        name="sweep-forgets-outsiders",
        promise="Who is in no rule's population any more, and holds what is managed, is found by the sweep.",
        file="shared/services/sweep/drift.py",
        old="            if managed:\n                _add_outsider(",
        new="            if len(managed) > 3:\n                _add_outsider(",
        caught_by=("actual_is_desired", "no_leaver_holds_managed"),
    ),
    Mutant(
        name="incomplete-catalogue-stored",
        promise="An incomplete sweep leaves the catalogue as it was.",
        file="shared/services/sweep/sweep.py",
        old=("    if standing.complete:\n        await app.catalogues.put(estate.catalogue, app.clock.now())\n"),
        new="    if estate.rows:\n        await app.catalogues.put(estate.catalogue, app.clock.now())\n",
        caught_by=("incomplete_sweeps_keep_the_catalogue",),
    ),
)
"""What loses a check, a message or a record."""
