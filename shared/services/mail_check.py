"""The mail check: proves live, before each profile's invoice day, that its invoice will reach people.

A timer of its own and no part of the sweep: it needs no rule, no group and no listing of everybody, so that a day of
sweeps that fail takes no proof away. Lives here: what is read for it. The verdict is `shared.domain.mail_check`'s. It
writes nothing to Azure, and nothing is decided by it.
"""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from shared.domain.access.employment import standing
from shared.domain.adoption.first_contact import PrincipalKind, is_no_person
from shared.domain.billing import INVOICE_MANAGER, OTHER_RECIPIENT_ROLES, Assignment, Assignments
from shared.domain.keys import ProfileKey
from shared.domain.log_line import json_of
from shared.domain.mail_check import Due, MailStanding, MailVerdict, ProfileMail, due_of, is_fresh, verdict
from shared.domain.policy.model import Everything
from shared.domain.policy.profile_index import ProfileIndex
from shared.domain.readers import Readers, count_readers, reach
from shared.domain.reasons import Code, Reason
from shared.domain.view import Mailbox
from shared.errors import Conflict, Permanent, Transient
from shared.ports import Stored
from shared.services.app import App
from shared.services.catalogue import read_profiles
from shared.services.people_by_id import people_by_id
from shared.services.side_by_side import in_order

_AT_ONCE: Final = 4
"""Lists of assignments that are read side by side: half of what a sweep reads, which may begin meanwhile."""

_MOST_ASKED: Final = 600
"""People of whom one run asks the directory: 2 requests for their mailboxes, 40 for their accounts. Of whoever is
beyond that nobody knows; the profiles that this leaves unproved are asked about first in the next run."""

_NO_PEOPLE: Final = {PrincipalKind.GROUP, PrincipalKind.APP}

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a run did: the verdicts that it stored, by profile, and how many profiles were due."""

    verdicts: Mapping[ProfileKey, MailVerdict]
    due: int


async def check_mail(app: App) -> Checked:
    """Stores a verdict of each profile that is due and not proved yet today; see `policy.check_days`.

    Profiles are those that the policy keeps opted in. What fails for one of them is its verdict. Raises
    `InvoiceAccessError` where accounts and profiles cannot be read, or the state cannot.
    """
    if not app.policy.check_days or app.policy.opt_in is Everything.NONE:
        return Checked({}, 0)
    now = app.clock.now()
    listed = (await read_profiles(app.billing, app.policy)).profiles
    today = now.astimezone(app.policy.time_zone).date()
    due = due_of(ProfileIndex(listed).pick(app.policy.opt_in).profiles, today, app.policy.check_days)
    kept = {one.profile.key: await app.state.profile_mail(one.profile.key) for one in due}
    to_check = [one for one in due if not is_fresh(kept[one.profile.key].value.of(one.period), now)]
    found = await _find_readers(app, to_check)
    verdicts = {}
    for one in to_check:
        row = kept[one.profile.key]
        said = verdict(one, found[one.profile.key], app.policy.min_recipients, now, row.value.of(one.period))
        await _store(app, row, one, said)
        verdicts[one.profile.key] = said
    _log_run(verdicts, len(due))
    return Checked(verdicts, len(due))


async def _store(app: App, row: Stored[ProfileMail], due: Due, said: MailVerdict) -> None:
    try:
        await app.state.put_profile_mail(row.becoming(row.value.with_verdict(due.profile.display_name, said)))
    except Conflict:
        _log.info("mail_check: another run stored the verdict of %s meanwhile", due.profile.key)


def _log_run(verdicts: Mapping[ProfileKey, MailVerdict], due: int) -> None:
    """One line for the run, and one for each profile that somebody has to see to: ids and codes."""
    counted = Counter(one.standing.value for one in verdicts.values())
    _log.info("mail_check: %s", json_of({"due": due, "checked": len(verdicts), "standings": counted}))
    for profile, one in verdicts.items():
        if one.standing.is_wrong or one.standing is MailStanding.NOT_READ:
            shown = {"profile": str(profile), "period": one.period, "standing": one.standing.value, "why": one.why.code}
            _log.warning("mail_check: %s", json_of(shown))


async def _find_readers(app: App, due: Sequence[Due]) -> Mapping[ProfileKey, Readers | Reason]:
    """By profile, how many people can read its invoices, or why that could not be read."""
    if not due:
        return {}
    tenant = await app.billing.tenant()

    async def read(one: Due) -> Assignments | Reason:
        try:
            return await app.billing.assignments(one.profile.key)
        except (Transient, Permanent) as failure:
            return Code.READERS_NOT_READ(said=str(failure))

    lists = dict(zip([one.profile.key for one in due], await in_order(read, due, at_once=_AT_ONCE), strict=True))
    holders = {key: _holders(rows) for key, rows in lists.items() if isinstance(rows, Assignments)}
    here = dict.fromkeys(
        row.principal_id for rows in holders.values() for row in rows if row.principal_tenant in {None, tenant}
    )
    try:
        mail = await _mailboxes(app, list(here)[:_MOST_ASKED])
    except (Transient, Permanent) as failure:
        why = Code.READERS_NOT_READ(said=str(failure))
        return {key: why if isinstance(rows, Assignments) else rows for key, rows in lists.items()}

    def counted(key: ProfileKey, rows: Assignments) -> Readers:
        reaches = {row.principal_id: mail.get(row.principal_id, Mailbox.NOT_KNOWN) for row in holders[key]}
        return count_readers([one for one in reaches.values() if one is not None], unread=len(rows.unread))

    return {key: counted(key, rows) if isinstance(rows, Assignments) else rows for key, rows in lists.items()}


def _holders(rows: Assignments) -> list[Assignment]:
    """The rows by which people get a profile's invoices: not a group's, whose members are not documented to."""
    roles = {INVOICE_MANAGER, *OTHER_RECIPIENT_ROLES}
    return [row for row in rows if row.role in roles and not is_no_person(row.principal_type)]


async def _mailboxes(app: App, ids: Sequence[str]) -> Mapping[str, Mailbox | None]:
    """Whether mail reaches each of them; None for a group or app that billing did not call so.

    Asks for mailboxes first, then for the accounts of those who may have one: the first answer does not say who left,
    nor whether an account without a known mailbox is disabled. Raises as `Directory.called` and `Directory.people` do.
    """
    if not ids:
        return {}
    now = app.clock.now()
    called = await app.directory.called(ids, now)
    found: dict[str, Mailbox | None] = {}
    for one in ids:
        kind = called[one].kind if one in called else None
        found[one] = None if kind in _NO_PEOPLE else reach(called.get(one), None, None)
    may = [one for one in ids if found[one] not in {None, Mailbox.NO}]
    for one, person in (await people_by_id(app.directory, may)).items():
        found[one] = reach(called.get(one), person, standing(person, app.policy, now).employment)
    return found
