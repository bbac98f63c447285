"""What waits for a second operator: how a proposal is shown, asked about and told.

Lives here: words. What a proposal is, is `shared.domain.guards.proposals`'.
"""

from collections.abc import Iterable, Mapping
from shlex import quote
from typing import Any, Final

from cli.answer import Line, Part, Shade, counted
from cli.faults import Fault, Status
from cli.hold_words import minute
from cli.lookup import Known, called
from shared.domain.guards.hold_listing import Difference
from shared.domain.guards.proposals import Deed, Proposal
from shared.domain.reasons import Code, Reason
from shared.wording.say import say

_MEND: Final[Mapping[Code, str]] = {
    Code.ONLY_FOR_OTHERS: "Decide about the others by their own ids, or have another operator decide.",
    Code.PROPOSED_BY_ONESELF: "Another operator gives the same command.",
    Code.PROPOSAL_MOVED: "List again, and propose or decide anew.",
}


def refusal(refused: Reason, differences: Iterable[Difference], known: Known) -> Fault:
    """Why an operator may not decide that, with everything that stands against it."""
    said = say(named(refused, known))
    return Fault(
        f"Nothing was changed: {said}.",
        code=refused.code.value,
        status=Status.REFUSED,
        details=[f"{one.name}: {say(named(one.what, known))}" for one in differences],
        mend=_MEND.get(refused.code, ""),
    )


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


def made(proposal: Proposal) -> str:
    """What is said to whoever proposed it."""
    return f"Proposed. A second operator has to confirm by {minute(proposal.ends)} UTC: {command_of(proposal)}"


def said(proposal: Proposal, known: Known) -> str:
    """What a second operator is shown before they decide."""
    why = f': "{proposal.why}"' if proposal.why else ""
    what = "to resume" if proposal.deed is Deed.RESUME else f"to {proposal.deed} {_count(proposal)}"
    return f"{called(known.people, proposal.by)} proposed {what} at {minute(proposal.at)} UTC{why}"


def lines(proposals: Iterable[Proposal], known: Known) -> list[Line]:
    """A line for each proposal, with how it is confirmed."""
    return [
        Part(f"{said(one, known)}; another operator confirms by {minute(one.ends)} UTC: {command_of(one)}", Shade.WAITS)
        for one in proposals
    ]


def as_json(proposal: Proposal | None, known: Known) -> dict[str, Any] | None:
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


def _count(proposal: Proposal) -> str:
    return counted(len(proposal.listed), "change")


def named(reason: Reason, known: Known) -> Reason:
    """A reason for people: who it names by id has a name."""
    by = reason.facts.get("by")
    return reason if not isinstance(by, str) else reason.code(**{**reason.facts, "by": called(known.people, by)})
