"""What `plan` answers: for programs and spreadsheets here, for people in `cli.plan_text`.

Lives here: asking the service, and the values of the answer. What a plan is, `shared.domain.planned` says.
"""

import shlex
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cli import plan_file, plan_text
from cli.answer import Answer, Line, Table
from cli.faults import Fault, Status, UsageError
from cli.operating import on_app
from cli.out import Out
from shared.answers.documents import Rows
from shared.bootstrap_policy import read_policy_file
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.pinned import pin
from shared.domain.planned import Change, Compared, Do, Planned, WaitKind
from shared.domain.policy.model import Policy
from shared.errors import Misconfigured
from shared.services.sweep.plan import compare, plan
from shared.wording.say import say

MOST_LINES: Final = 20
"""Lines of changes that a terminal shows without `--full`."""

_READING: Final = "Reading billing and the directory"

_COLUMNS: Final = ("do", "person_id", "person", "profile_id", "profile", "rules", "why", "waits")


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, in every form. `whole` is every change under the policy that was planned by."""

    planned: Planned
    whole: tuple[Change, ...]
    body: Mapping[str, Any]
    text: Sequence[Line | Table]

    def keep(self, out: Out, file: Path) -> None:
        """Writes the plan to a file, to be applied as it is. Raises `Fault` where not everything could be read."""
        if not self.planned.complete:
            raise Fault(
                "this plan was not kept, as not everything could be read",
                details=[say(why) for why in self.planned.failures],
                mend="Plan again.",
            )
        plan_file.write(file, pin(self.planned.policy, self.planned.as_of, self.whole))
        out.note(f"Kept, to be applied as it is: invoice-access apply {shlex.quote(str(file))}")

    def answer(self, *, exit_code: bool) -> Answer:
        """The answer; with `exit_code` its status says whether anything would change."""
        changes = any(one.is_open for one in self.planned.changes) or bool(self.body.get("no_longer"))
        status = Status.FOUND if exit_code and changes else Status.DONE
        return Answer(
            "plan",
            self.body,
            self.text,
            Rows(_COLUMNS, [_row(one, self.planned) for one in self.planned.changes]),
            as_of=self.planned.as_of,
            complete=self.planned.complete,
            status=status if self.planned.complete else Status.FAILED,
        )


def planned(*, full: bool) -> Found:
    """Asks what the next full check would do. Raises what `plan` does."""
    begun = time.monotonic()
    found = on_app(plan, doing=_READING)
    text = plan_text.of_planned(found, seconds=time.monotonic() - begun, full=full, most=most_lines(full=full))
    return Found(found, found.changes, {"policy": found.policy, **body(found)}, list(text))


def compared(file: Path, *, full: bool, counts: bool = False) -> Found:
    """Asks what the policy in a file would do. Raises what `compare` and `read_policy` do."""
    other = read_policy(file)
    begun = time.monotonic()
    found = on_app(lambda app: compare(app, other), doing=_READING)
    seconds = time.monotonic() - begun
    text = plan_text.of_compared(found, file.name, seconds=seconds, most=most_lines(full=full), counts=counts)
    return Found(found.planned, (*found.planned.changes, *found.stay), body_of_compared(found), list(text))


def read_policy(file: Path) -> Policy:
    """The policy in a file. Raises `UsageError` with every mistake in it, and OSError where it cannot be read."""
    try:
        return read_policy_file(file)
    except Misconfigured as wrong:
        raise UsageError(
            f"{file} cannot be used",
            code="policy",
            details=wrong.mistakes,
            mend=f"`invoice-access policy check {file}` says where they are.",
        ) from wrong


def body_of_compared(found: Compared) -> dict[str, Any]:
    """A comparison for programs."""
    difference = found.difference
    return {
        "policy": found.planned.policy,
        "in_force": found.in_force,
        "rules": {"added": difference.added, "changed": difference.changed, "removed": difference.removed},
        "keys": difference.keys,
        **body(found.planned),
        "no_longer": [_change(one, found.planned) for one in found.no_longer],
        "stay": counts(found.stay),
    }


def counts(changes: Iterable[Change]) -> dict[str, int]:
    """How many changes there are: by what they do, of those that wait for nothing, and how many wait for what."""
    found = Counter(_counted_as(one) for one in changes)
    return {name: found[name] for name in (*Do, "wait", WaitKind.OBSERVED.value, WaitKind.DISMISSED.value)}


def _counted_as(change: Change) -> str:
    if change.waits is None:
        return change.do
    apart = {WaitKind.OBSERVED, WaitKind.DISMISSED}
    return change.waits.kind.value if change.waits.kind in apart else "wait"


def most_lines(*, full: bool) -> int | None:
    """How many lines are shown. What is piped is never cut."""
    return None if full or not sys.stdout.isatty() else MOST_LINES


def body(found: Planned) -> dict[str, Any]:
    """A plan for programs."""
    return {
        "swept": found.swept,
        "failures": [_reason(why) for why in found.failures],
        "people": found.people,
        "counts": counts(found.changes),
        "changes": [_change(one, found) for one in found.changes],
        "soon": [{"person": _person(key, found), "at": at} for key, at in found.soon],
        "profiles": [
            {**_profile(profile, found), "recipients": {"before": each.before, "after": each.after}}
            for profile, each in found.recipients.items()
        ],
        "limits": {
            kind.value: {"wanted": room.wanted, "left": room.left, "limit": room.limit}
            for kind, room in found.rooms.items()
        },
        "would_hold": {kind.value: room.wanted for kind, room in found.would_hold.items()},
        "paused": [
            {
                "pause": str(pause),
                "since": one.since,
                "by": one.by,
                "by_name": found.names.get(one.by),
                **_reason(one.why),
            }
            for pause, one in found.pauses.active.items()
        ],
        "unknown_rules": {rule: [_reason(why) for why in reasons] for rule, reasons in found.unknown_rules.items()},
    }


def _change(change: Change, found: Planned) -> dict[str, Any]:
    return {
        "id": change.id,
        "do": change.do.value,
        "person": _person(change.key, found) if isinstance(change.key, PersonKey) else None,
        "profile": _profile(change.profile, found),
        "why": say(change.why),
        "reason": change.why.as_json(),
        "rules": change.rules,
        "waits": None if change.waits is None else str(change.waits),
    }


def _row(change: Change, found: Planned) -> list[Any]:
    person = change.key.object_id if isinstance(change.key, PersonKey) else None
    return [
        change.do.value,
        person,
        None if person is None else found.names.get(person),
        str(change.profile),
        found.profile_names.get(change.profile),
        change.rules,
        say(change.why),
        None if change.waits is None else str(change.waits),
    ]


def _person(key: PersonKey, found: Planned) -> dict[str, Any]:
    return {"id": key.object_id, "name": found.names.get(key.object_id)}


def _profile(key: ProfileKey, found: Planned) -> dict[str, Any]:
    return {"id": str(key), "name": found.profile_names.get(key)}


def _reason(why: Any) -> dict[str, Any]:
    return {"why": say(why), "reason": why.as_json()}
