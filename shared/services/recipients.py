"""Whether enough people receive a profile's invoices, as the policy asks.

Lives here: who counts as a recipient, and the count where a look has just taken some away. Too few are told and block
nothing.
"""

from collections.abc import Iterable

from shared.domain.billing import OTHER_RECIPIENT_ROLES, Assignment
from shared.domain.catalogue import Catalogue
from shared.domain.outcome import Outcome
from shared.domain.plan import Note, NoteKind
from shared.domain.policy import Policy
from shared.domain.selectors import pick
from shared.errors import Permanent, Transient
from shared.ports import Billing
from shared.services.actions import Result
from shared.services.app import App, Deadline


def too_few(policy: Policy, rows: Iterable[Assignment]) -> str | None:
    """Says how many people receive a profile's invoices by its assignments, where the policy asks for more."""
    recipients = {
        row.principal_id
        for row in rows
        if (row.is_invoice_manager or row.role in OTHER_RECIPIENT_ROLES)
        and (row.principal_type or "User").lower() == "user"
    }
    if len(recipients) >= policy.min_recipients:
        return None
    return f"{len(recipients)} of the {policy.min_recipients} people whom the policy asks for get its invoices"


async def left_with_too_few(
    app: App, billing: Billing, catalogue: Catalogue, results: Iterable[Result], deadline: Deadline
) -> list[Note]:
    """Counts anew where a look took access away: one read a profile, and only where the policy asks for recipients.

    The revokes are done: what cannot be counted is noted and fails nothing. The next sweep counts it.
    """
    taken_on = {one.profile for one in results if one.action == "revoke" and one.outcome is Outcome.DONE}
    if not app.policy.min_recipients or not taken_on:
        return []
    notes: list[Note] = []
    for profile in pick(app.policy.opt_in, catalogue.profiles).profiles:
        if profile.key not in taken_on or not profile.is_active:
            continue
        text: str | None = "its recipients were not counted: the handler's time was over"
        try:
            if deadline.left(app.clock.now()) > 0:
                text = too_few(app.policy, await billing.assignments(profile.key))
        except (Transient, Permanent) as failure:
            text = f"its recipients could not be counted: {failure}"
        if text is not None:
            notes.append(Note(NoteKind.FEW_RECIPIENTS, text, profile.key))
    return notes
