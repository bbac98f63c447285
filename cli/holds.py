"""`holds list | show | release | dismiss`: what waits for a person, and what that person decides.

Lives here: reading, asking, and what a decision is answered with. What it does is
`shared.services.operate.decisions`'.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final

from cli import completing, proposed
from cli.actor import introduce, signed_in
from cli.answer import Answer, Line, Table, counted
from cli.faults import Moved, Status, UsageError
from cli.hold_words import as_rows, concerned, groups_table, holds_table, refusals
from cli.operating import StoreDesk, doubts, moment, on_app, on_store, shown
from cli.out import Out
from shared.answers.documents import Rows
from shared.answers.holds import hold_json, proposal_json
from shared.answers.known import Known, called, read_known
from shared.domain.guards import holds as domain
from shared.domain.guards.hold_listing import HoldListing
from shared.domain.guards.holds import Hold
from shared.domain.guards.proposals import Deed, Proposal, about_all, needs_two
from shared.services.app import App
from shared.services.operate import decisions
from shared.services.operate.decisions import Decided
from shared.services.operate.two_people import standing_proposals
from shared.wording.say import say

_NAMED: Final = 5
"""Dismissed holds that are named one by one; where there are more, `holds show` does."""


def list_holds(out: Out, *, exit_code: bool) -> int:
    """Lists the holds, each group in one line."""

    async def read(desk: StoreDesk) -> tuple[HoldListing, Known, Sequence[Proposal], list[str]]:
        listing, known = await decisions.list_holds(desk), await read_known(desk.state)
        return listing, known, await standing_proposals(desk), await doubts(desk)

    listing, known, proposals, doubted = on_store(read)
    completing.leave(holds=listing.groups)
    out.note(*doubted)
    waiting = [hold for hold in listing.holds if hold.status is domain.Status.OPEN]
    about = {group.id: about_all(group.holds, proposals) for group in listing.groups}
    proposers = {name: called(known.people, one.by) for name, one in about.items() if one is not None}
    text: list[Line | Table] = [groups_table(listing.groups, known, proposers)] if listing.holds else ["Nothing waits."]
    text += refusals(listing.holds)
    text += proposed.lines([one for one in proposals if one.deed is not Deed.RESUME], known)
    if listing.holds:
        text.append(f"As listed: {listing.at.isoformat()}")
    body = {
        "as_listed": listing.at.isoformat(),
        "waiting": len(waiting),
        "holds": [
            {
                "id": group.id,
                "is_group": group.is_group,
                "changes": len(group.holds),
                "proposed": proposal_json(about[group.id], known),
                "holds": [hold_json(hold, known) for hold in group.holds],
            }
            for group in listing.groups
        ],
    }
    status = Status.FOUND if exit_code and waiting else Status.DONE
    return out.answer(Answer("holds", body, text, as_rows(listing.holds, known), status=status))


def show_holds(out: Out, name: str) -> int:
    """Shows the members of a group, or a hold."""

    async def read(desk: StoreDesk) -> tuple[HoldListing, Known, list[tuple[Hold, Any]], Sequence[Proposal]]:
        listing = await decisions.list_holds(desk)
        harmed = [(hold, await decisions.harm(desk, hold)) for hold in listing.of([name])]
        return listing, await read_known(desk.state), harmed, await standing_proposals(desk)

    listing, known, harmed, proposals = on_store(read)
    holds = [hold for hold, _ in harmed]
    if not holds:
        names = {hold.id for hold in listing.holds} | {hold.group for hold in listing.holds if hold.group}
        raise UsageError(
            f"{name}: there is no hold or group of this name, or no longer",
            code="not-found",
            mend="`invoice-access holds` shows those there are.",
            nearest=get_close_matches(name, sorted(names), n=3),
        )
    text: list[Line | Table] = [f"{name}: {concerned(holds, known)}", holds_table(holds, known), *refusals(holds)]
    for hold, changed in harmed:
        for field, (before, after) in changed.items():
            text += [f"{hold.id} {field}"]
            text += [f"  - {json.dumps(before, ensure_ascii=False)}", f"  + {json.dumps(after, ensure_ascii=False)}"]
    proposal = about_all(holds, proposals)
    text += proposed.lines([] if proposal is None else [proposal], known)
    text.append(f"As listed: {listing.at.isoformat()}")
    told = [hold_json(hold, known) | ({"changed": changed} if changed else {}) for hold, changed in harmed]
    body = {
        "as_listed": listing.at.isoformat(),
        "proposed": proposal_json(proposal, known),
        "holds": told,
    }
    return out.answer(Answer("holds-show", body, text, as_rows(holds, known)))


def release_holds(out: Out, names: Sequence[str], *, everything: bool, as_listed: str, why: str, yes: bool) -> int:
    """Releases holds."""
    if yes and not as_listed:
        raise UsageError("--yes: say as of when with --as-listed, and the time that `invoice-access holds` ended with")
    if bool(names) is everything:
        raise UsageError(
            "holds release: name holds or groups as `invoice-access holds` shows them, or give --all; not both"
        )
    return _decide(out, _Asked("release", None if everything else names, why, as_listed, yes=yes))


def dismiss_holds(out: Out, names: Sequence[str], *, as_listed: str, why: str, yes: bool) -> int:
    """Dismisses holds."""
    if not names:
        raise UsageError("holds dismiss: name holds or groups as `invoice-access holds` shows them")
    return _decide(out, _Asked("dismiss", names, why, as_listed, yes=yes))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A decision as it was asked for; `names` are None for everything that waits."""

    verb: str
    names: Sequence[str] | None
    why: str
    as_listed: str
    yes: bool
    two: bool = False
    """Whether it takes two people."""

    @property
    def done(self) -> str:
        return "released" if self.verb == "release" else "dismissed"


def _decide(out: Out, asked: _Asked) -> int:
    as_listed = moment(asked.as_listed, "--as-listed") if asked.as_listed else None

    async def decide(app: App) -> tuple[Decided, Known, list[Hold], bool] | None:
        nonlocal asked
        actor = await signed_in()
        listing: HoldListing | None = None
        known = await read_known(app.state)
        if not asked.yes:
            listing = await decisions.list_holds(app)
            concerns = _concerned(listing, asked.names)
            standing = about_all(concerns, await standing_proposals(app)) if concerns else None
            asked = replace(asked, two=needs_two(app.policy.two_people, Deed(asked.verb), concerns, listing.holds))
            if asked.two and standing is None and not asked.why:
                asked = replace(asked, why=out.ask("Why? ").strip())
            if not _agreed(out, asked, concerns, known, standing):
                return None
        seen = as_listed or listing
        if asked.verb == "release":
            assert seen is not None, "without --yes it was listed, and --yes needs --as-listed"
            decided = await decisions.release(app, asked.names, actor.object_id, seen, why=asked.why)
        else:
            decided = await decisions.dismiss(app, asked.names or (), actor.object_id, seen, why=asked.why)
        await introduce(out, app, actor)
        left = (await decisions.list_holds(app)).of(asked.names) if not decided.holds else []
        return decided, await read_known(app.state), left, bool((await decisions.read_pauses(app)).active)

    found = on_app(decide)
    if found is None:
        out.note("Nothing was changed.")
        return Status.FAILED
    return _tell_decided(out, asked, *found)


def _concerned(listing: HoldListing, names: Sequence[str] | None) -> list[Hold]:
    """What a decision is about: of a group, what was not dismissed before."""
    named = frozenset(names or ())
    return [hold for hold in listing.of(names) if hold.status is not domain.Status.DISMISSED or hold.id in named]


def _agreed(out: Out, asked: _Asked, holds: Sequence[Hold], known: Known, standing: Proposal | None) -> bool:
    """Shows what a decision would concern, and asks. Where that is nothing, the decision itself will say so."""
    if not holds:
        return True
    out.note(holds_table(holds, known))
    needed = "--yes and --as-listed TIME" if asked.verb == "release" else "--yes"
    does = asked.verb.capitalize()
    second = ""
    if asked.two and standing is not None:
        out.note(proposed.said(standing, known))
        second = ", as the second person"
    elif asked.two:
        does = f"Propose to {asked.verb}"
    question = f"{does} {counted(len(holds), 'change')}: {concerned(holds, known)}{second}?"
    return out.confirm(question, yes=False, needed=needed)


def _tell_decided(out: Out, asked: _Asked, decided: Decided, known: Known, left: Sequence[Hold], paused: bool) -> int:
    if decided.refused is not None and not decided.holds:
        raise proposed.refusal(decided.refused, decided.differences, known)
    if decided.proposed is not None:
        body: dict[str, Any] = {"decided": 0, "proposed": proposal_json(decided.proposed, known), "holds": []}
        return out.answer(Answer(f"holds-{asked.verb}", body, [proposed.made(decided.proposed)], Rows((), ())))
    if decided.differences:
        so_far = f"{counted(len(decided.holds), 'change')} had been {asked.done} before the world moved, and stay so:"
        raise Moved(
            so_far if decided.holds else "Nothing was changed: it is not what you listed.",
            details=[f"{one.name}: {say(proposed.named(one.what, known))}" for one in decided.differences],
            mend="List the holds, and decide again.",
        )
    text: list[Line | Table] = []
    if not decided.holds:
        text.append(_of_dismissed([hold for hold in left if hold.status is domain.Status.DISMISSED]))
    else:
        text += [f"{counted(len(decided.holds), 'change')} {asked.done}:", holds_table(decided.holds, known)]
    if decided.last_due is not None:
        text.append(
            f"The last of them is checked from {shown(decided.last_due)} on; then its hold goes, or says why not: "
            "`invoice-access holds`."
        )
        if paused:
            text.append("Writes are paused: what it stops is done by the first sweep after `invoice-access resume`.")
    body = {
        "decided": len(decided.holds),
        "proposed": None,
        "last_due": decided.last_due,
        "paused": paused,
        "holds": [hold_json(hold, known) for hold in decided.holds],
    }
    rows = as_rows(decided.holds, known) if decided.holds else Rows((), ())
    return out.answer(Answer(f"holds-{asked.verb}", body, text, rows))


def _of_dismissed(holds: Sequence[Hold]) -> str:
    """Why nothing was released: what there is was dismissed."""
    if not holds:
        return "There is nothing that waits."
    if len(holds) == 1:
        return f"1 is dismissed; release it by its own id {holds[0].id}"
    each = f"{len(holds):,} are dismissed; release each by its own id"
    if len(holds) > _NAMED:
        return f"{each}, as `invoice-access holds show` lists them"
    return f"{each}: {', '.join(sorted(hold.id for hold in holds))}"
