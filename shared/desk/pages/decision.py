"""A decision: what would be done, to whom, what is left afterwards; then a check, and only then the deed.

Lives here: the three steps. What a decision does, and whether it takes two people, is `services.operate.decisions`'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from shared.answers.documents import iso
from shared.answers.holds import hold_json, proposal_json
from shared.answers.known import Known
from shared.desk.acting import refused
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page, problem
from shared.desk.forms import TOKEN, clean
from shared.desk.frame import Frame
from shared.desk.keys import forms_of
from shared.desk.visitor import Visitor
from shared.domain.guards.hold_listing import Difference, HoldListing, choose
from shared.domain.guards.holds import Hold, Status
from shared.domain.guards.proposals import Deed, Proposal, about_all, about_oneself, listed, needs_two, of_holds
from shared.domain.keys import PersonKey
from shared.domain.receiving import Sight
from shared.domain.recipients_after import recipients_after
from shared.services.operate import decisions
from shared.services.operate.actors import remember
from shared.services.operate.decisions import Decided

WHY_CHARACTERS: Final = 500
"""The longest reason of a decision."""

_DEEDS: Final = {"release": Deed.RELEASE, "dismiss": Deed.DISMISS}
_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a decision is about: its name, the holds, as they were listed, and whom alone it is about ("" for all)."""

    name: str
    person: str
    holds: tuple[Hold, ...]
    listing: HoldListing

    @property
    def names(self) -> list[str]:
        """As the service is asked: the group's name, or each hold's id where it is about one person of a group."""
        return [hold.id for hold in self.holds] if self.person else [self.name]

    def digest(self, deed: Deed) -> str:
        """The digest of the deed, what it is about, and how much of that was decided by then."""
        about = Proposal(deed, tuple(self.names), listed(of_holds(self.holds)), "", self.listing.at).digest
        return f"{about}-{sum(hold.status is Status.RELEASED for hold in self.holds)}"

    @property
    def undecided(self) -> "Chosen":
        """The same without what somebody left alone, unless that was named by itself."""
        kept = [hold for hold in self.holds if hold.status is not Status.DISMISSED or hold.id == self.name]
        return replace(self, holds=tuple(kept))


async def show(desk: Desk, visitor: Visitor, frame: Frame, asked: Asked) -> Page:
    """What would be done; and once somebody chose, the page on which it is checked."""
    chosen = await _chosen(desk, asked.query)
    if not chosen.holds:
        return problem(404, "no-decision", looked_for=chosen.name[:200])
    body = _body(desk, visitor, frame.seen.sight, chosen, frame.seen.proposals)
    if asked.method == "POST":
        return await _check(desk, visitor, asked, chosen.undecided, body)
    token = (await forms_of(desk)).token("decision", visitor.actor.object_id, _about(chosen))
    extra = {"token": token, "action": _address(chosen), "most": WHY_CHARACTERS, "shown": _SHOWN}
    return Page("decision.html", "decision", body, extra=extra)


async def confirm(desk: Desk, visitor: Visitor, _frame: Frame, asked: Asked) -> Page:
    """The deed. Whatever is not as it was shown refuses it, with the differences."""
    if asked.method != "POST" or asked.api:
        return problem(405, "method")
    form = asked.form or {}
    deed, seen, digest = _DEEDS.get(form.get("do", "")), form.get("as_listed", ""), form.get("digest", "")
    why = clean(form, "why", WHY_CHARACTERS)
    about = f"{form.get('of', '')} {form.get('person', '')} {form.get('do', '')} {seen} {digest}"
    refusal = await refused(desk, visitor, asked, "confirm", about)
    if refusal is not None or deed is None:
        return refusal or problem(400, "form-wrong", field="do")
    if not why:
        return problem(400, "form-wrong", field="why")
    chosen = (await _chosen(desk, form)).undecided
    if not chosen.holds or chosen.digest(deed) != digest:
        return problem(409, "moved", differences=_told(_differences(chosen, seen)))
    act = decisions.release if deed is Deed.RELEASE else decisions.dismiss
    decided = await act(desk, chosen.names, visitor.actor.object_id, chosen.listing, why=why)
    await remember(desk, visitor.actor)
    return _done(decided, deed)


def _done(decided: Decided, deed: Deed) -> Page:
    if decided.refused is not None:
        told = _told(decided.differences)
        return problem(409, "refused-decision", why=decided.refused, differences=told)
    if decided.differences:
        return problem(409, "moved", differences=_told(decided.differences))
    proposed = "&proposed=1" if decided.proposed is not None else ""
    count = len(decided.holds) if decided.proposed is None else len(decided.proposed.listed)
    body = {"decided": len(decided.holds), "proposed": decided.proposed is not None}
    return Page("todo.html", "decision", body, moves_to=f"/todo?did={deed.value}&count={count}{proposed}")


async def _check(desk: Desk, visitor: Visitor, asked: Asked, chosen: Chosen, body: dict[str, Any]) -> Page:
    """The page on which a decision is checked before it is made."""
    refusal = await refused(desk, visitor, asked, "decision", _about(chosen))
    if refusal is not None:
        return refusal
    form = asked.form or {}
    deed, why = _DEEDS.get(form.get("do", "")), clean(form, "why", WHY_CHARACTERS)
    if deed is None:
        return problem(400, "form-wrong", field="do")
    if not why:
        return problem(400, "form-wrong", field="why")
    fields = {
        "of": chosen.name,
        "person": chosen.person,
        "do": deed.value,
        "as_listed": chosen.listing.at.isoformat(),
        "digest": chosen.digest(deed),
    }
    about = " ".join(fields.values())
    token = (await forms_of(desk)).token("confirm", visitor.actor.object_id, about)
    second = needs_two(desk.policy.two_people, deed, chosen.holds, chosen.listing.holds)
    extra = {"fields": fields | {"why": why, TOKEN: token}, "deed": deed.value, "why": why, "needs_two": second}
    return Page("confirm.html", "decision", body, extra=extra | {"action": _address(chosen)})


async def _chosen(desk: Desk, given: Mapping[str, str]) -> Chosen:
    name, person = given.get("of", ""), given.get("person", "").lower()
    listing = await decisions.list_holds(desk)
    holds = listing.of([name])
    if person:
        holds = [hold for hold in holds if isinstance(hold.key, PersonKey) and hold.key.object_id == person]
    return Chosen(name, person, tuple(holds), listing)


def _about(chosen: Chosen) -> str:
    return f"{chosen.name} {chosen.person}"


def _address(chosen: Chosen) -> str:
    person = f"&person={quote(chosen.person, safe='')}" if chosen.person else ""
    return f"/decision?of={quote(chosen.name, safe='')}{person}"


def _differences(chosen: Chosen, seen: str) -> Sequence[Difference]:
    """What came in or changed since somebody looked; what went shows by the digest alone."""
    _, differences = choose(chosen.listing.holds, chosen.names, datetime.fromisoformat(seen), done={})
    return differences


def _told(differences: Sequence[Difference]) -> list[dict[str, Any]]:
    return [{"name": one.name, "what": one.what} for one in differences]


def _body(desk: Desk, visitor: Visitor, sight: Sight, chosen: Chosen, proposals: Sequence[Proposal]) -> dict[str, Any]:
    known = Known(sight.names, {one.key: one.name for one in sight.view.profiles})
    first, proposal = chosen.holds[0], about_all(chosen.holds, proposals)
    own = about_oneself(chosen.holds, visitor.actor.object_id)
    return {
        "id": chosen.name,
        "person": chosen.person or None,
        "do": first.kind.value,
        "why": first.why,
        "changes": len(chosen.holds),
        "profiles": len({hold.profile for hold in chosen.holds}),
        "since": iso(min(hold.since for hold in chosen.holds)),
        "renewed": iso(max(hold.renewed for hold in chosen.holds)),
        "as_listed": chosen.listing.at.isoformat(),
        "people": _people(sight, chosen),
        "recipients": [
            {
                "id": str(one.profile),
                "name": one.name,
                "next_invoice": None if one.day is None else one.day.isoformat(),
                "now": one.now,
                "after": one.after,
            }
            for one in recipients_after(sight, chosen.holds)
        ],
        "min_recipients": desk.policy.min_recipients,
        "proposed": proposal_json(proposal, known),
        "two_people": {
            name: needs_two(desk.policy.two_people, deed, chosen.holds, chosen.listing.holds)
            for name, deed in _DEEDS.items()
        },
        "about_oneself": bool(own),
        "proposed_by_oneself": proposal is not None and proposal.by == visitor.actor.object_id,
        "states": {status.value: sum(hold.status is status for hold in chosen.holds) for status in Status},
        "decided": _decided(chosen, known),
        "holds": [hold_json(hold, known) for hold in chosen.holds[:_SHOWN]],
    }


def _decided(chosen: Chosen, known: Known) -> dict[str, Any] | None:
    """Who decided last about any of it, and when; None where nobody did."""
    latest = max((hold for hold in chosen.holds if hold.decided_at is not None), key=_at, default=None)
    if latest is None:
        return None
    return {"status": latest.status.value, "at": iso(latest.decided_at), "by": known.person(latest.by)}


def _at(hold: Hold) -> datetime:
    return hold.decided_at or hold.since


def _people(sight: Sight, chosen: Chosen) -> list[dict[str, Any]]:
    """Whom it is about: on how many profiles they lose or gain, and how many they have."""
    by_person: dict[str, list[Hold]] = {}
    for hold in chosen.holds:
        if isinstance(hold.key, PersonKey):
            by_person.setdefault(hold.key.object_id, []).append(hold)
    found = []
    for person, holds in by_person.items():
        shown = sight.people.get(person)
        read = None if shown is None else shown.person
        has = {key for key, _ in sight.view.held.get(person, ())}
        concerned = {hold.profile for hold in holds}
        found.append(
            {
                "id": person,
                "name": sight.called(person),
                "job": None if read is None else read.attributes.get("jobTitle"),
                "company": None if read is None else read.attributes.get("companyName"),
                "employment": None if shown is None else shown.employment.value,
                "profiles": len(concerned),
                "keeps": len(has - concerned),
                "basis": holds[0].basis,
            }
        )
    return sorted(found, key=lambda one: (str(one["name"]).casefold(), str(one["id"])))
