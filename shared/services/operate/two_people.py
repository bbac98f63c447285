"""Decisions that take two people: one proposes, and another one confirms the same.

Lives here: looking for what was proposed, keeping it, and taking it away. What a proposal is, and how it moved, is
`shared.domain.guards.proposals`'. That the two are not one person holds as far as their tokens tell
(docs/explanation/security.md).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.guards.hold_listing import Difference
from shared.domain.guards.proposals import Item, Proposal, moved
from shared.domain.reasons import Code, Reason
from shared.services.shared_row import StoreOnly, change_row


@dataclass(frozen=True, slots=True)
class Consent:
    """Whether a decision may be made now. `confirmed` is the proposal that it confirms.

    It may not with `refused`, and perhaps `differences`. With `proposed` it waits for another operator.
    """

    confirmed: Proposal | None = None
    refused: Reason | None = None
    differences: tuple[Difference, ...] = ()
    proposed: Proposal | None = None

    @property
    def is_given(self) -> bool:
        """Whether the decision may be made."""
        return self.refused is None and self.proposed is None

    @property
    def proposed_by(self) -> str:
        """Who proposed what is confirmed; "" where nobody had to."""
        return "" if self.confirmed is None else self.confirmed.by

    @property
    def digest(self) -> str:
        """The digest of what is confirmed."""
        return "" if self.confirmed is None else self.confirmed.digest

    async def close(self, app: StoreOnly) -> None:
        """Takes away what was confirmed."""
        if self.confirmed is not None:
            await _take_away(app, self.confirmed)


async def ask_another(
    app: StoreOnly,
    made: Proposal,
    items: Mapping[str, Item],
    *,
    needed: bool,
    done: Collection[str] = (),
    before: Consent | None = None,
) -> Consent:
    """Whether a decision may be made that would propose `made`, which is about `items`.

    `needed` is whether it takes two people. `done` is what this very decision has done before, `before` its consent of
    then. Whoever proposed something cannot confirm it, and what moved since is proposed no more.
    """
    if before is not None and before.confirmed is not None:
        found: Proposal | None = before.confirmed
    elif needed:
        found = (await app.state.proposals()).value.of(made, app.clock.now())
    else:
        return Consent()
    if found is None:
        return Consent(proposed=made) if items else Consent()
    differences = moved(found, items, done)
    if differences:
        await _take_away(app, found)
        return Consent(None, Code.PROPOSAL_MOVED(by=found.by, at=found.at.isoformat()), tuple(differences))
    if found.by == made.by:
        return Consent(refused=Code.PROPOSED_BY_ONESELF(at=found.at.isoformat(), ends=found.ends.isoformat()))
    return Consent(found)


async def propose(app: StoreOnly, made: Proposal) -> None:
    """Keeps a proposal for another operator. Raises `Transient`."""
    await change_row(
        app,
        "the proposals",
        app.state.proposals,
        lambda proposals: proposals.having(made, app.clock.now()),
        app.state.put_proposals,
        remedy="nothing was proposed, do it again",
    )


async def standing_proposals(app: StoreOnly) -> Sequence[Proposal]:
    """What waits for a second operator."""
    return (await app.state.proposals()).value.standing(app.clock.now())


async def _take_away(app: StoreOnly, proposal: Proposal) -> None:
    what, put = "the proposals", app.state.put_proposals
    await change_row(app, what, app.state.proposals, lambda proposals: proposals.without(proposal), put)
