"""Holds and proposals as documents.

Lives here: what programs, and the page, are told of them.
"""

from collections.abc import Mapping
from shlex import quote
from typing import Any, Final

from shared.answers.known import Known, called
from shared.domain.guards.holds import Hold
from shared.domain.guards.proposals import Deed, Proposal
from shared.domain.keys import PersonKey
from shared.domain.policy.model import ActionKind

DO: Final[Mapping[ActionKind, str]] = {
    ActionKind.GRANTS: "give",
    ActionKind.MOVER_REVOKES: "remove",
    ActionKind.LEAVER_REVOKES: "remove",
    ActionKind.PROFILE_UPDATES: "turn_on",
}
"""What an action does, for programs."""


def hold_json(hold: Hold, known: Known) -> dict[str, Any]:
    """A hold for programs."""
    person = known.person(hold.key.object_id) if isinstance(hold.key, PersonKey) else None
    return {
        "id": hold.id,
        "group": hold.group or None,
        "status": hold.status.value,
        "kind": hold.kind.value,
        "do": DO[hold.kind],
        "person": person,
        "profile": known.profile(hold.profile),
        "basis": hold.basis,
        "why": hold.why,
        "stopped_by": hold.stopped_by.value,
        "since": hold.since,
        "renewed": hold.renewed,
        "by": hold.by or None,
        "by_name": called(known.people, hold.by) or None,
        "decided_at": hold.decided_at,
        "refused": hold.refused,
    }


def proposal_json(proposal: Proposal | None, known: Known) -> dict[str, Any] | None:
    """A proposal for programs."""
    if proposal is None:
        return None
    return {
        "do": proposal.deed.value,
        "by": proposal.by,
        "by_name": called(known.people, proposal.by),
        "at": proposal.at,
        "why": proposal.why,
        "ends": proposal.ends,
        "digest": proposal.digest,
        "confirm": command_of(proposal),
    }


def command_of(proposal: Proposal) -> str:
    """What a second operator types to confirm it."""
    match proposal.deed:
        case Deed.RESUME:
            part = "" if proposal.names is None else f" --on {quote(proposal.names[0] or 'everywhere')}"
            return f"invoice-access resume{part}"
        case Deed.RELEASE if proposal.names is None:
            return "invoice-access holds release --all"
        case deed:
            return " ".join(["invoice-access holds", deed.value, *map(quote, proposal.names or ())])
