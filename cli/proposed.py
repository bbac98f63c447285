"""What waits for a second operator: how a proposal is shown, asked about and told.

Lives here: words. What a proposal is, is `shared.domain.guards.proposals`'.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from cli.answer import Line, Part, Shade, counted
from cli.faults import Fault, Status
from cli.hold_words import minute
from shared.answers.holds import command_of
from shared.answers.known import Known, called
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


def _count(proposal: Proposal) -> str:
    return counted(len(proposal.listed), "change")


def named(reason: Reason, known: Known) -> Reason:
    """A reason for people: who it names by id has a name."""
    by = reason.facts.get("by")
    return reason if not isinstance(by, str) else reason.code(**{**reason.facts, "by": called(known.people, by)})
