"""The judge: hears what processes hear, sees what is stored, and keeps what the promises are judged by.

Lives here: turning rows and messages into facts, and asking the promises at the right moments. The promises are
`promises_of_writes`, `promises_of_guards`, `promises_of_runs` and `promises_of_records`; what must be true when all is
quiet is `aftermath`'s.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sandbox.wire import Request, Response
from shared.adapters.store.ledger_rows import record_of
from shared.adapters.store.rows import Row
from shared.adapters.store.state_guards import baseline_of, holds_of, pauses_of, reservations_of
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.daily_limits import Reservations
from shared.domain.guards.holds import Hold, Status
from shared.domain.guards.pauses import Pauses
from shared.domain.history.checks import CheckBody
from shared.domain.history.findings import FindingKind
from shared.domain.history.records import AdoptBody, IntendedGrant, IntentBody, Mode
from shared.domain.history.report import Report
from shared.domain.work import CauseKind, Scheduled
from tests.english import english
from tests.simulation.engine.book import RUN, Run
from tests.simulation.engine.case import Case
from tests.simulation.engine.hearing import hear
from tests.simulation.engine.place import Named
from tests.simulation.engine.promises_of_guards import (
    SWEEP_GUARD_PROMISES,
    lost_role_sets_the_pause,
    reopened_for_a_reason,
    told_once_a_day,
    updates_are_rare,
    what_waits_is_one_group,
)
from tests.simulation.engine.promises_of_records import (
    CHECK_PROMISES,
    SWEEP_PROMISES,
    absence_was_read,
    chains_verify,
    changed_policy_is_held,
    record_and_head_together,
    reservations_are_actions,
    reserved_before_write,
)
from tests.simulation.engine.promises_of_recoveries import (
    checks_know_what_sweeps_saw,
    forged_items_end,
    releases_are_recent,
    releases_end,
)
from tests.simulation.engine.promises_of_runs import (
    RUN_PROMISES,
    done_is_true,
    duplicates_keep_a_check,
    one_check_at_a_time,
    who_loses_the_lock_stops,
)
from tests.simulation.engine.promises_of_slips import slips_wait_for_a_person
from tests.simulation.engine.promises_of_writes import WRITE_PROMISES, flag_alone
from tests.simulation.engine.world import AppWrite

_SHOWN_OF_CHECKS: Final = ("outcome", "why", "actions", "waiting", "next", "finding", "alert")
_HANGS_SECONDS: Final = 90.0
_NAMES: Final = "contoso.example"


@dataclass(eq=False)
class Judge(Case):
    """Finds the facts of a case and asks the promises. Implements `place.Watch`."""

    def __post_init__(self) -> None:
        self.note_profiles()
        self.world.on_app_write = self.app_wrote
        self.world.on_profiles = lambda: flag_alone(self)

    # -- answers

    def heard(self, process: Named, target: str, request: Request, response: Response) -> None:
        """A process got an answer."""
        hear(self, process, target, request, response)

    # -- rows

    def read(self, partition: str, key: str, row: Row | None) -> None:
        """A process was given a row."""
        run = RUN.get()
        if run is not None and key == "head" and partition == f"ledger:{run.key}" and run.opened is None:
            run.opened = self.world.now()
        if run is not None and (partition, key) == ("guards", "pauses"):
            run.pauses = Pauses() if row is None else pauses_of(row)
            run.pauses_seen.append(run.pauses)
            run.pauses_read = True

    def stored(self, partition: str, rows: Sequence[Row | str]) -> None:
        """Rows were stored, whether or not who stored them gets to know."""
        if partition.startswith("ledger:") and (broken := record_and_head_together(self, rows)) is not None:
            self.book.violate("record_and_head_together", f"{partition.removeprefix('ledger:')}: {broken}")
        for row in rows:
            key = row if isinstance(row, str) else row.key
            if partition.startswith("ledger:") and (broken := chains_verify(self, row)) is not None:
                self.book.violate("chains_verify", f"{partition.removeprefix('ledger:')}: {broken}")
            if partition.startswith("ledger:") and isinstance(row, Row) and key.startswith("record:"):
                self._recorded(row)
            elif partition == "holds":
                self._held(row)
            elif (partition, key) == ("guards", "pauses") and isinstance(row, Row):
                self._paused(pauses_of(row))
            elif (partition, key) == ("guards", "baseline") and isinstance(row, Row):
                self._counted(baseline_of(row))
            elif partition == "guards" and isinstance(row, Row) and key.startswith("reservations:"):
                self._reserved(reservations_of(row))
            elif partition == "catalogue" and (run := RUN.get()) is not None:
                run.catalogue_stored = True

    def _counted(self, baseline: Baseline) -> None:
        if (broken := changed_policy_is_held(self, RUN.get(), baseline)) is not None:
            self.book.violate("changed_policy_is_held", broken)
        self.baselines.append((self.world.now(), baseline))

    def _reserved(self, row: Reservations) -> None:
        if (broken := reservations_are_actions(self, RUN.get(), row)) is not None:
            self.book.violate("reservations_are_actions", broken)
        self.reserved[row.kind] = frozenset(row.taken)
        self.reservations.setdefault(row.kind, []).append((self.world.now(), row))

    def _recorded(self, row: Row) -> None:
        record, body = record_of(row), row.body["body"]
        run = RUN.get()
        if _NAMES in row.text:
            self.book.violate("ids_and_no_names", f"the ledger has a name: {row.text[:300]}")
        if run is not None and record.key == run.key:
            if (broken := who_loses_the_lock_stops(self, run)) is not None:
                self.book.violate("who_loses_the_lock_stops", broken)
            self.appended[run.key] = (run, self.world.now())
        match record.body:
            case IntentBody() as intent if run is not None:
                self._intended(run, record.key, intent)
            case CheckBody() as check:
                body = {name: body[name] for name in _SHOWN_OF_CHECKS if name in body}
                if run is not None:
                    self._checked(run, record.key, check)
            case AdoptBody(profile=profile, created_on=made):
                self.adopted[profile, record.key.removeprefix("person:")] = made.replace(microsecond=0)
                self.book.count("adopted")
        told = json.dumps(body, sort_keys=True)
        who, number = ("-", 0) if run is None else (run.process, run.number)
        self.book.say(who, f"run {number} records {record.kind} on {record.key}: {told[:600]}")

    def _intended(self, run: Run, key: str, intent: IntentBody) -> None:
        if (broken := absence_was_read(self, run, intent)) is not None:
            self.book.violate("absence_was_read", f"run {run.number} {run.key}: {broken}")
        for action in intent.actions:
            if action.mode is not Mode.ENFORCE:
                continue
            run.intents[action.profile.folded, action.action] = intent
            run.pauses_read = False
            self.last_intent[key, action.profile.folded, action.action] = run
            if isinstance(action, IntendedGrant):
                self.given_by[key, action.profile.folded] = action.rules

    def _checked(self, run: Run, key: str, check: CheckBody) -> None:
        run.checks.append(check)
        for wanted, rules in (check.wanted or {}).items():
            if wanted in (check.read or ()):  # of what could not be read, what gave it before is remembered
                self.given_by[key, wanted.folded] = rules
        self.checks.setdefault(run.key, []).append(self.world.now())
        for read in check.read or ():
            if read not in (check.held or {}):
                self.found_nothing.setdefault((run.key, read.folded), []).append(self.world.now())
        for promise in (done_is_true, checks_know_what_sweeps_saw, *CHECK_PROMISES):
            if (broken := promise(self, run, check)) is not None:
                self.book.violate(promise.__name__, f"run {run.number} {run.key}: {broken}")
        self._told(run, english(check.alert))
        for action in check.actions:
            self.book.count(f"action:{action.action}:{action.outcome}")

    def _told(self, run: Run, said: str) -> None:
        if (broken := told_once_a_day(self, run, said)) is not None:
            self.book.violate("told_once_a_day", f"run {run.number} {run.key}: {broken}")

    def _held(self, row: Row | str) -> None:
        key = row.removeprefix("hold:") if isinstance(row, str) else holds_of(row).key.canonical
        before = dict(self.holds[key].holds) if key in self.holds else {}
        run = RUN.get()
        now = {} if isinstance(row, str) else dict(holds_of(row).holds)
        for hold in now.values():
            was = before.get(hold.id)
            if was == hold:
                continue
            self.book.count(f"hold:{hold.stopped_by}:{hold.kind}:{hold.status}")
            self.book.say("store", f"hold {hold.status} {hold.kind} {key} ({hold.stopped_by})")
            if was is None or was.status is not hold.status:
                self.decided[hold.id] = self.world.now()
            if was is not None and hold.refused and not was.refused:
                self.book.count("hold:refused")
            if was is not None and (broken := reopened_for_a_reason(self, run, was, hold)) is not None:
                self.book.violate("reopened_for_a_reason", broken)
            if run is not None and hold.status is Status.OPEN and (was is None or was.status is not Status.OPEN):
                run.held_anew[hold.id] = hold
                if (broken := what_waits_is_one_group(self, hold)) is not None:
                    self.book.violate("what_waits_is_one_group", f"run {run.number}: {broken}")
        if run is not None:
            run.undismissed |= {
                id_: hold for id_, hold in before.items() if hold.status is Status.DISMISSED and id_ not in now
            }
        self._no_longer_released(before, now)
        if isinstance(row, str):
            self.holds.pop(key, None)
        else:
            self.holds[key] = holds_of(row)

    def _no_longer_released(self, before: Mapping[str, Hold], now: Mapping[str, Hold]) -> None:
        for action, hold in before.items():
            if hold.status is Status.RELEASED and (action not in now or now[action].status is not Status.RELEASED):
                self.released_until[action] = self.world.now()

    def _paused(self, pauses: Pauses) -> None:
        for pause in pauses.active.keys() - self.pauses.active.keys():
            self.book.count(f"pauses:{pause.kind}")
        now = self.world.now()
        self.pauses_stood |= dict.fromkeys((*self.pauses.active, *pauses.active), now)
        self.pauses = pauses
        self.book.say("store", f"pause: {', '.join(sorted(map(str, pauses.active))) or 'off'}")

    # -- messages and runs

    def sent(self, check: Scheduled, *, dropped: bool) -> None:
        """A check reached the broker, or was dropped there as a duplicate."""
        key = check.item.key.canonical
        run = RUN.get()
        due = None if check.due is None else f"{check.due:%m-%d %H:%M:%S}"
        dup = " (duplicate)" if dropped else ""
        self.book.say(run.process if run else "-", f"sends {check.item.cause.kind} {key} due {due or 'now'}{dup}")
        if run is not None:
            run.sent.append((key, check.due))
            run.carried += check.item.moments
        self.dues.setdefault(key, []).append(check.due or self.world.now())
        if not dropped:
            self.accepted[check.message_id] = self.world.now()
        self.days.setdefault(key, []).extend(check.item.moments)
        if check.item.cause.kind is CauseKind.OPERATOR:
            self.asked_by_operators[key] = self.world.now()
        if dropped:
            self.book.count("message:duplicate-dropped")
            if (broken := duplicates_keep_a_check(self, check)) is not None:
                self.book.violate("duplicates_keep_a_check", broken)

    def checked_in(self, run: Run) -> None:
        """A run learned which key it is about."""
        if (broken := one_check_at_a_time(self, run)) is not None:
            self.book.violate("one_check_at_a_time", broken)
        self.runs_about.setdefault(run.key, []).append(run)
        if (broken := forged_items_end(self, run)) is not None:
            self.book.violate("forged_items_end", broken)
        self.begun[run.key] = run.began

    def ended(self, run: Run, bodies: tuple[bytes, ...], *, ok: bool) -> None:
        """A run ended, before its messages are settled."""
        if not ok:
            return
        for promise in (*RUN_PROMISES, lost_role_sets_the_pause):
            if (broken := promise(self, run, bodies)) is not None:
                self.book.violate(promise.__name__, f"run {run.number} {run.function} {run.key}: {broken}")

    def swept(self, run: Run, report: Report) -> None:
        """A sweep ended well, with this report."""
        for promise in (*SWEEP_PROMISES, *SWEEP_GUARD_PROMISES, releases_end):
            if (broken := promise(self, run, report)) is not None:
                self.book.violate(promise.__name__, f"run {run.number}: {broken}")
        self._told(run, "".join(english(one.why) for one in report.findings if one.kind == "daily-limit-used-up"))
        if report.complete and not report.not_kept and not self.state_lost_during(run):
            self.known = (run.began, self.world.now(), run.policy)
            self.unread = frozenset(
                (one.profile, one.assignment)
                for one in report.findings
                if one.kind is FindingKind.ASSIGNMENT_NOT_READ and one.profile is not None
            )

    def app_wrote(self, write: AppWrite) -> None:
        """The app wrote to billing."""
        run = RUN.get()
        entry = write.entry
        self.book.count(f"write:{entry.operation}")
        what = f"{entry.operation} {entry.principal or ''} {entry.scope[-40:]} changed={entry.changed}"
        self.book.say(run.process if run else "-", f"WRITES {what}")
        if run is not None:
            run.written.append(write)
        if entry.operation == "put-profile":
            self._count_update()
        for promise in (
            *WRITE_PROMISES,
            reserved_before_write,
            releases_are_recent,
            updates_are_rare,
            slips_wait_for_a_person,
        ):
            if (broken := promise(self, write, run)) is not None:
                where = f"run {run.number} by {run.process}" if run else "no run"
                self.book.violate(promise.__name__, f"{what} ({where}): {broken}")
        if entry.operation == "put-profile" and write.profile is not None:
            self.on_update(write.profile)

    def _count_update(self) -> None:
        """Says how an update that billing accepted will end."""
        switches = self.world.billing.switches
        fails = switches.operation_failure_status is not None
        hangs = switches.update_status != 200 and switches.update_seconds >= _HANGS_SECONDS
        self.book.count(f"update:{'fails' if fails else 'hangs' if hangs else 'ends well'}")

    def state_is_lost(self) -> None:
        """Everything that can be rebuilt is gone, and with it what was decided, counted and paused."""
        self.state_lost = self.world.now()
        self.reserved_then = dict(self.reserved)
        for row in self.holds.values():
            self._no_longer_released(row.holds, {})
        self.pauses_stood |= dict.fromkeys(self.pauses.active, self.state_lost)
        self.pauses = Pauses()
        self.known = None
        for forgotten in (self.holds, self.reserved, self.reservations, self.baselines, self.written, self.updates):
            forgotten.clear()
        self.latest_write.clear()
        self.daily_limits_told.clear()
        self.book.say("store", "the state is lost")

    def chains_are(self, rows: Sequence[Row]) -> None:
        """The ledger was put in another's place: these are its rows now."""
        self.chains.clear()
        for row in rows:
            if row.key.startswith("record:"):
                self.chains.setdefault(row.body["key"], {})[row.body["sequence"]] = row.body["digest"]

    # -- people

    def people_edit(self, act: Callable[[], Any]) -> None:
        """People change a profile, which is not the app's doing; what it did by now is judged before."""
        self.world.billing.now()
        flag_alone(self)
        self.world.on_profiles = lambda: None
        try:
            act()
        finally:
            self.world.on_profiles = lambda: flag_alone(self)
            self.note_profiles()
            self.world.profiles_changed()

    def note_profiles(self) -> None:
        """What profiles are like now is as people want them."""
        for key in self.world.profiles():
            profile = self.world.profile(key)
            before = self.profiles.get(key)
            self.profiles[key] = (dict(profile.properties), dict(profile.tags))
            if before is not None and before != self.profiles[key]:
                self.people_changed[key] = self.world.now()
