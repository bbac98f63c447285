"""What must be true of what the app says: of a check's record, of a stored row, and of a sweep's report.

Lives here: one function per promise, named as it is reported; each answers None, or what is broken.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sandbox.billing.holdings import Assignment
from shared.adapters.store.rows import Row
from shared.domain.access.opt_in import FLAG
from shared.domain.guards.baseline import Baseline
from shared.domain.guards.daily_limits import Reservations
from shared.domain.guards.holds import action_id
from shared.domain.guards.pauses import Pause, PauseKind
from shared.domain.history.checks import CheckBody, Ended
from shared.domain.history.records import IntendedGrant, IntentBody
from shared.domain.history.report import Report
from shared.domain.keys import PersonKey, ProfileKey, parse_key
from shared.domain.policy.model import ActionKind
from shared.domain.reasons import Code
from tests.simulation.engine import oracle
from tests.simulation.engine.book import Run
from tests.simulation.engine.case import Case
from tests.simulation.engine.promises_of_writes import VERBS, kind_of_write
from tests.simulation.engine.world import AppWrite
from tests.simulation.small_world import APP

_FIRST: Final = "0" * 64
"""What the first record of a chain carries for the digest of the one before it."""

_BY_ID: Final = "filter=id%20in%20"
_CALLED: Final = "/directoryObjects/"
_AT_ACCOUNT: Final = re.compile(r"/billingAccounts/[^/]+/billingRoleAssignments")
_BESIDES: Final = frozenset(
    {Code.PROTECTED_NOT_FOUND_OUT, Code.READERS_NOT_FOUND_OUT, Code.VIEW_NOT_KEPT, Code.NAMES_NOT_KEPT}
)
"""What a sweep says it could not do besides, for which people are asked about by their ids."""

"""In the address of a listing of people by their ids."""

_SETTLED: Final = timedelta(minutes=10)
"""For how long nothing about somebody may have changed for a sweep to be sure to have seen them as they are."""


# -- checks


def decides_on_whole_answers(judge: Case, run: Run, check: CheckBody) -> str | None:
    """Promise 3: whoever decides about somebody was told something whole; what does not fit is a failed read."""
    if check.employment is None or judge.stands(run) is not None:
        return None
    return f"it decided that the person is {check.employment}, and Graph told it nothing whole"


def done_was_read_back(judge: Case, run: Run, check: CheckBody) -> str | None:
    """Section 3: what a check calls done, it has seen: the last it was told of that place shows it."""
    del judge
    for action, profile in _actions(check):
        if action.outcome != "done":
            continue
        if action.action == "opt-in":
            answer = run.profiles_read.get(profile)
            if answer is None or not isinstance(answer[2], dict) or not answer[2].get("properties", {}).get(FLAG):
                return f"the update of {profile} is called done, and no read showed the flag on"
        if action.action not in {"grant", "revoke"}:
            continue
        seen, maker = run.rows_read.get(profile, (False, None))
        if action.action == "grant" and not seen:
            return f"the grant on {profile} is called done, and no read showed it"
        if action.action == "revoke" and seen and maker == APP:
            return f"the revoke on {profile} is called done, and the last read still showed our assignment"
    return None


def what_was_written_is_known(judge: Case, run: Run, check: CheckBody) -> str | None:
    """Section 9: a write that the service carried out is never taken for one that came to nothing."""
    del judge
    for action, profile in _actions(check):
        if action.outcome not in {"retry", "gave-up", "held"}:
            continue
        for write in run.written:
            if write.entry.changed and write.profile == profile and VERBS[write.entry.operation] == action.action:
                return f"the {action.action} on {profile} was made, and is called {action.outcome}"
    return None


def pause_lets_leavers_pass(judge: Case, run: Run, check: CheckBody) -> str | None:
    """Section 7: a leaver on strong evidence passes every pause but an operator's and one for the lost role."""
    stands = judge.stands(run)
    if stands is None or stands.kind != "leaver" or not stands.strong:
        return None
    stopping = {PauseKind.OPERATOR, PauseKind.ROLE_LOST}
    stopped = {pause.scope for pauses in run.pauses_seen for pause in pauses.active if pause.kind in stopping}
    for action, profile in _actions(check):
        is_stopped = not stopped.isdisjoint({"", profile.account.lower(), profile.folded})
        if action.action == "revoke" and action.outcome == "held" and not action.hold and not is_stopped:
            return f"the pause stopped a leaver's revoke on {profile}: {action.why}"
    return None


def harm_is_told(judge: Case, run: Run, check: CheckBody) -> str | None:
    """Section 8: where the read-back of an update differs in what nobody else wrote, the check says so."""
    for action, profile in _actions(check):
        if action.action != "opt-in" or action.outcome != "done":
            continue
        before, answer = run.updated_from.get(profile), run.profiles_read.get(profile)
        if before is None or answer is None:
            continue
        harm = sorted(_different(before, answer[2]) - {FLAG, "provisioningState"})
        edited = judge.people_changed.get(profile, judge.world.start)
        if harm and edited < judge.updating.get(profile, judge.world.start):
            return f"the update of {profile} is called done, and the read-back differs in {', '.join(harm)}"
    return None


CHECK_PROMISES: Final = (
    decides_on_whole_answers,
    done_was_read_back,
    what_was_written_is_known,
    pause_lets_leavers_pass,
    harm_is_told,
)
"""Every promise that the record of a check is judged by."""


def absence_was_read(judge: Case, run: Run, intent: IntentBody) -> str | None:
    """Bad input: only what billing said is not there is granted; a failed read is never an empty one."""
    del judge
    for action in intent.actions:
        if isinstance(action, IntendedGrant) and run.rows_read.get(action.profile) != (False, None):
            return f"it intends a grant on {action.profile}, and billing did not say that nothing is there"
    return None


# -- rows


def reserved_before_write(judge: Case, write: AppWrite, run: Run | None) -> str | None:
    """Section 7: the store has the action's reservation before the service has the write, but for released ones."""
    if run is None or write.profile is None:
        return None
    kind = kind_of_write(judge, write, run)
    key: PersonKey | ProfileKey = PersonKey(write.entry.principal) if write.entry.principal else write.profile
    action = action_id(key, kind, write.profile)
    if action in judge.reserved.get(kind, ()) or judge.released(run, action) or judge.let_through(run, kind, action):
        return None
    return f"nothing of the daily limit for {kind.value} is reserved for it"


def reservations_are_actions(judge: Case, run: Run | None, row: Reservations) -> str | None:
    """Section 7: a reservation is an action's of a key under check, and idempotent: its id is the action's alone.

    Checks of one process store what they reserve at the same time in one write, in whose name soever.
    """
    if run is None or run.function != "reconcile":
        return None
    keys = [parse_key(one.key) for one in {run, *run.beside.values()} if one.key]
    own = {
        action_id(key, row.kind, profile)
        for key in keys
        if isinstance(key, (PersonKey, ProfileKey))
        for profile in judge.world.profiles()
    }
    strange = row.taken.keys() - judge.reserved.get(row.kind, frozenset()) - own
    if strange:
        return f"a check of {run.key} reserved {', '.join(sorted(strange))}, which no action under check is called"
    return None


def chains_verify(judge: Case, row: Row | str) -> str | None:
    """Section 9: what is stored in a chain follows what was stored there before; nothing is changed or taken out."""
    if isinstance(row, str):
        return f"{row} was taken out"
    said = dict(row.body)
    chain = judge.chains.setdefault(said["key"], {})
    if not row.key.startswith("record:"):
        end = (len(chain), chain.get(len(chain)))
        return None if (said["sequence"], said["digest"]) == end else f"its head is not at record {len(chain)}"
    last, sequence, digest = len(chain), said["sequence"], said.pop("digest")
    chain[sequence] = digest
    if sequence != last + 1:
        return f"record {sequence} was stored after record {last}"
    if said["previous"] != chain.get(last, _FIRST):
        return f"record {sequence} does not carry the digest of record {last}"
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return None if hashlib.sha256(text.encode()).hexdigest() == digest else f"record {sequence} has another's digest"


def record_and_head_together(judge: Case, rows: Sequence[Row | str]) -> str | None:
    """Section 9: a record and the head that names it are stored at once.

    Whoever dies between two writes would leave a chain that nobody can append to, or a head that names nothing.
    """
    del judge
    keys = {row if isinstance(row, str) else row.key for row in rows}
    records = sorted(key for key in keys if key.startswith("record:"))
    if bool(records) is ("head" in keys):
        return None
    return f"{', '.join(records)} without its head" if records else "a head without its record"


def changed_policy_is_held(judge: Case, run: Run | None, baseline: Baseline) -> str | None:
    """Section 5: what the first good sweep under a changed policy would take from movers is in a hold by then."""
    before = judge.baselines[-1][1] if judge.baselines else None
    if run is None or run.function != "sweep" or (before and before.policy_digest == baseline.policy_digest):
        return None
    world, policy = judge.world, run.policy
    since = run.began - _SETTLED
    touched = world.directory_touched
    facts = world.facts[-1][1]
    if world.facts[-1][0] > since or oracle.unknown_rules(world.graph.newest(), policy, facts, world.odd):
        return None
    if not all(_is_shown(judge, key) for key in facts):
        return None  # a rule that names a profile out of sight is not known
    for key, row in world.managers():
        person = row.principal_id
        changed = max(touched.get(person, world.start), touched.get("", world.start))
        if max(datetime.fromisoformat(row.created_on), changed) > since or not _would_be_taken(judge, run, key, row):
            continue
        held = judge.status(f"person:{person}", action_id(PersonKey(person), ActionKind.MOVER_REVOKES, key))
        if held is None:
            return f"under the changed policy {person} would lose {key}, and nothing holds that"
    return None


def _is_shown(judge: Case, key: ProfileKey) -> bool:
    """Whether the app has its role on the account of a profile."""
    account = judge.world.billing.account(key.account)
    return account is not None and any(one.principal_id == APP for one in account.assignments.every())


def _would_be_taken(judge: Case, run: Run, key: ProfileKey, row: Assignment) -> bool:
    """Whether a row is surely managed, and a run's policy surely no longer gives it to somebody who is employed."""
    world, policy, person = judge.world, run.policy, row.principal_id
    facts = world.facts[-1][1]
    if not _is_shown(judge, key) or person in policy.protected or not oracle.is_enforced(key, policy, facts):
        return False
    user, deleted = oracle.true_user(world, person)
    if user is None or world.maker(key, row) != APP or not row.created_by:
        return False
    stands = [oracle.standing(user, deleted=deleted, policy=policy, now=now) for now in (run.began, world.now())]
    groups = oracle.groups_of(world.graph.newest(), person, policy)
    return all(one.kind == "employed" for one in stands) and key not in oracle.wanted(user, groups, policy, facts)


# -- sweeps


def failed_reads_are_told(judge: Case, run: Run, report: Report) -> str | None:
    """Section 7: a sweep that was not answered is incomplete, says so, and sets a pause."""
    unanswered = _unanswered(run, report)
    if report.complete:
        return f"it is called complete, and {next(iter(unanswered))[:120]} was never answered" if unanswered else None
    if judge.stood_since(PauseKind.INCOMPLETE_SWEEP, run.began):
        return None
    if not _lacks_our_role_alone(judge, run, unanswered):
        return "it is incomplete, and did not set a pause"
    return None


def _unanswered(run: Run, report: Report) -> Mapping[str, bool]:
    """What a sweep asked in vain, and whether for the loss of our role.

    Left out is what nothing hangs on, where that nobody could find it out is told all the same: who is protected by a
    typing error, who can read mail, and what only the view shows. Who has a role at an account at which we have none
    is nobody's failure.
    """
    told = {line.code for line in report.not_kept}
    of_people = bool(told & _BESIDES)
    of_accounts = bool(told & {Code.ACCOUNT_ROLES_NOT_READ, Code.VIEW_NOT_KEPT})
    return {
        one: lost
        for one, lost in run.unanswered.items()
        if not (of_people and (_BY_ID in one or _CALLED in one))
        and not (_AT_ACCOUNT.search(one) and (of_accounts or lost))
    }


def _lacks_our_role_alone(judge: Case, run: Run, unanswered: Mapping[str, bool]) -> bool:
    """Whether all that a sweep was not told is what our role does not let us see, where that pauses the account."""
    is_told = judge.stood_since(PauseKind.ROLE_LOST, run.began) or run.policy.enforce == "none"
    return is_told and all(unanswered.values())


def incomplete_sweeps_keep_the_catalogue(judge: Case, run: Run, report: Report) -> str | None:
    """Section 3: what an incomplete sweep saw replaces no catalogue, unless our role on an account is all it lacks."""
    if report.complete or not run.catalogue_stored:
        return None
    pauses = judge.pauses.active.get(Pause(PauseKind.INCOMPLETE_SWEEP))
    is_its_own = pauses is not None and pauses.by.endswith(report.sweep)
    if not is_its_own and _lacks_our_role_alone(judge, run, _unanswered(run, report)):
        return None
    return "it is incomplete, and stored a catalogue"


SWEEP_PROMISES: Final = (failed_reads_are_told, incomplete_sweeps_keep_the_catalogue)
"""Every promise that a sweep which ended well is judged by."""


def _actions(check: CheckBody) -> Iterator[tuple[Ended, ProfileKey]]:
    for action in check.actions:
        if action.profile is not None:
            yield action, action.profile


def _different(before: Any, after: Any) -> set[str]:
    if not (isinstance(before, dict) and isinstance(after, dict) and "properties" in after):
        return set()
    one, other = before["properties"], after["properties"]
    names = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
    return names | ({"tags"} if before.get("tags") != after.get("tags") else set())
