"""Whether enough people still receive a profile's invoices, where a check has just taken access away.

Lives here: the reads. Who counts as a recipient is `shared.domain.recipients`'. Too few are told and block nothing.
"""

from collections.abc import Iterable

from shared.domain.access.plan import Note, NoteKind
from shared.domain.catalogue import Catalogue
from shared.domain.outcome import Outcome
from shared.domain.reasons import Code, Reason
from shared.domain.recipients import too_few
from shared.errors import Permanent, Transient
from shared.ports import Billing
from shared.services.app import App, Deadline
from shared.services.reconcile.apply import Result


async def left_with_too_few(
    app: App, billing: Billing, catalogue: Catalogue, results: Iterable[Result], deadline: Deadline
) -> list[Note]:
    """Counts anew where a check took access away: one read a profile, and only where the policy asks for recipients.

    Who cannot read mail is what the last sweep found out. The revokes are done: what cannot be counted is noted and
    fails nothing. The next sweep counts it.
    """
    taken_on = {one.profile for one in results if one.action == "revoke" and one.outcome is Outcome.DONE}
    if not app.policy.min_recipients or not taken_on:
        return []
    notes: list[Note] = []
    for profile in catalogue.index.pick(app.policy.opt_in).profiles:
        if profile.key not in taken_on or not profile.is_active:
            continue
        why: Reason | None = Code.RECIPIENTS_NOT_COUNTED_IN_TIME()
        try:
            if deadline.left(app.clock.now()) > 0:
                why = too_few(app.policy, await billing.assignments(profile.key), catalogue.cannot_read)
        except (Transient, Permanent) as failure:
            why = Code.RECIPIENTS_NOT_COUNTED(said=str(failure))
        if why is not None:
            notes.append(Note(NoteKind.FEW_RECIPIENTS, why, profile.key))
    return notes
