"""Who receives a profile's next invoice, how each of them got there, and who may see it besides.

Lives here: reading it, and the document. Who receives what is `shared.domain.receiving`'s.
"""

from collections.abc import Mapping
from typing import Any

from shared.answers.documents import iso
from shared.answers.known import person_json, profile_json
from shared.domain.keys import ProfileKey
from shared.domain.mail_check import MailVerdict
from shared.domain.receiving import Receiving, Recipient, Sight, receiving
from shared.domain.view import Mailbox
from shared.errors import Permanent
from shared.services.operate.sight import read_sight
from shared.services.shared_row import StoreOnly


async def read_receiving(desk: StoreOnly, key: ProfileKey) -> tuple[Sight, Receiving]:
    """A profile of the latest view. Raises `Permanent` where it does not list that profile."""
    sight = await read_sight(desk.state, desk.clock)
    shown = sight.view.by_key.get(key)
    if shown is None:
        raise Permanent("the last full check did not list that profile; the next one does")
    holds = [hold async for row in desk.state.holds() for hold in row.value.holds.values()]
    return sight, receiving(sight, shown, holds, await desk.state.mail_verdicts())


def receiving_body(sight: Sight, found: Receiving) -> dict[str, Any]:
    """It for programs."""
    profile = found.profile
    return {
        "profile": {
            **profile_json(profile.key, profile.name),
            "status": profile.status,
            "invoice_day": None if found.day is None else found.day.isoformat(),
            "opted_in": profile.opted_in,
            "will_mail": found.will_mail,
            "mail_check": verdict_json(found.verdict),
            "addresses": list(profile.addresses),
            "read_at": iso(profile.seen or sight.view.as_of),
        },
        "receives": [_recipient_json(sight, one) for one in found.receives],
        "may_see": [
            {
                "id": one.principal,
                "name": one.called,
                "type": one.kind.value,
                "role": one.role,
                "where": one.where,
                "group": one.group,
            }
            for one in found.may_see
        ],
    }


def verdict_json(verdict: MailVerdict | None) -> dict[str, Any] | None:
    """What the mail check said of the next invoice day; None where it says nothing that the view does not."""
    if verdict is None:
        return None
    return {
        "standing": verdict.standing.value,
        "why": verdict.why,
        "checked": iso(verdict.checked),
        "readers": verdict.known,
        "not_known": verdict.unsure,
        "cannot_read": verdict.cannot,
        "asked": verdict.asked,
    }


def _recipient_json(sight: Sight, one: Recipient) -> Mapping[str, Any]:
    maker = one.row.created_by
    return {
        "id": one.row.principal,
        "name": one.called,
        "type": one.row.principal_type,
        "role": one.row.role,
        "managed": one.row.managed,
        "since": iso(one.row.created_on),
        "by": None if maker is None else person_json(sight, maker),
        "rules": list(one.row.given_by or one.row.rules),
        "should": bool(one.row.given_by) and not one.has_left,
        "employment": None if one.person is None else one.person.employment.value,
        "left_on": iso(one.left_on(sight.now)),
        "mailbox": {Mailbox.YES: True, Mailbox.NO: False}.get(one.mailbox),
        "waits": one.waits,
    }
