"""`plan --policy FILE --snapshot FILE`: what another policy would do, on a snapshot and without any sign-in.

Lives here: what a snapshot cannot say, in words. What is compared is `shared.services.sweep.snapshot`'s.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cli import plan_text, snapshot_file
from cli.answer import Line, Part, Shade, Table
from cli.plan import Found, body_of_compared, most_lines, read_policy
from shared import bootstrap_policy
from shared.domain.planned import Compared
from shared.domain.policy.model import Policy
from shared.domain.policy.selectors import rule_attributes
from shared.domain.snapshot import Snapshot
from shared.services.sweep.snapshot import compare_on
from shared.settings import Settings

_UNUSED: Final = {
    "INVOICE_ACCESS_STORE": "sqlite::memory:",
    "ServiceBusConnection__fullyQualifiedNamespace": "unused.example",
}
"""What settings must have and a snapshot does not need."""

_NOT_IN_IT: Final = (
    "employment.lead_days",
    "employment.stale_leave_days",
    "employment.time_zone",
    "employment.date_zones",
    "protected",
)
"""Keys of a policy of which a snapshot shows no effect: it has no dates, and of ids pseudonyms."""


def compared_on(file: Path, policy: Path, *, full: bool, counts: bool) -> Found:
    """Compares. Raises `UsageError` for files that cannot be used, and `Misconfigured` for the policy in force."""
    snapshot, other = snapshot_file.read(file), read_policy(policy)
    in_force = bootstrap_policy.read_policy(os.environ)
    begun = time.monotonic()
    found = asyncio.run(compare_on(snapshot, in_force, other, Settings.read(_UNUSED)))
    seconds = time.monotonic() - begun
    doubts = [*_doubts(snapshot, found, other)]
    text: list[Line | Table] = [
        f"On a snapshot of {snapshot.as_of:%Y-%m-%d %H:%M} UTC: reservations, pauses and holds are not in it.",
        *(Part(f"  ! {doubt}", Shade.WAITS) for doubt in doubts),
        *plan_text.of_compared(found, policy.name, seconds=seconds, most=most_lines(full=full), counts=counts),
    ]
    body = {**body_of_compared(found), "snapshot": {"as_of": snapshot.as_of, "named": snapshot.named}, "doubts": doubts}
    return Found(found.planned, (), body, text)


def _doubts(snapshot: Snapshot, found: Compared, other: Policy) -> Iterator[str]:
    """What this snapshot cannot say of this policy."""
    new = {*found.difference.added, *found.difference.changed}
    for rule in other.rules:
        missing = sorted(rule_attributes(rule) - snapshot.attributes) if rule.name in new else []
        if missing:
            yield f"rule {rule.name} tests {', '.join(missing)}, which the snapshot has not: it gives nothing here"
    if new:
        yield f"rules {', '.join(sorted(new))} may mean people whom no rule listed before: they are not in the snapshot"
    unseen = [key for key in found.difference.keys if key in _NOT_IN_IT]
    if unseen:
        yield f"what {', '.join(unseen)} would change is not shown"
