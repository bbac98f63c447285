"""Stop and go: what is paused and why, a stop for an emergency, and resuming."""

from collections.abc import Mapping
from typing import Final

from shared.answers.documents import iso
from shared.answers.holds import proposal_json
from shared.answers.known import Known
from shared.desk.acting import refused
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page, problem
from shared.desk.forms import clean
from shared.desk.frame import Frame
from shared.desk.keys import forms_of
from shared.desk.visitor import Visitor
from shared.domain.guards.pauses import Pause, Setting
from shared.domain.guards.proposals import Deed, Proposal, listed, needs_two, of_pauses
from shared.services.operate import decisions
from shared.services.operate.actors import remember

WHY_CHARACTERS: Final = 500


async def show(desk: Desk, visitor: Visitor, frame: Frame, asked: Asked) -> Page:
    """The page; and the deed, once its form is sent."""
    active = (await decisions.read_pauses(desk)).active
    if asked.method == "POST":
        return await _act(desk, visitor, asked, active)
    digest = _digest(active)
    sight = frame.seen.sight
    known = Known(sight.names, {one.key: one.name for one in sight.view.profiles})
    standing = [one for one in frame.seen.proposals if one.deed is Deed.RESUME]
    body = {
        "paused": [
            {
                "pause": str(pause),
                "kind": pause.kind.value,
                "scope": pause.scope,
                "since": iso(one.since),
                "by": sight.called(one.by),
                "why": one.why,
            }
            for pause, one in active.items()
        ],
        "two_people": needs_two(desk.policy.two_people, Deed.RESUME),
        "proposed": proposal_json(standing[0], known) if standing else None,
    }
    forms = await forms_of(desk)
    person = visitor.actor.object_id
    extra = {
        "pause_token": forms.token("pause", person),
        "resume_token": forms.token("resume", person, digest),
        "digest": digest,
        "most": WHY_CHARACTERS,
    }
    return Page("pause.html", "pauses", body, extra=extra)


async def _act(desk: Desk, visitor: Visitor, asked: Asked, active: Mapping[Pause, Setting]) -> Page:
    form = asked.form or {}
    do = form.get("do", "")
    if do not in {"pause", "resume"}:
        return problem(400, "form-wrong", field="do")
    refusal = await refused(desk, visitor, asked, do, form.get("digest", "") if do == "resume" else "")
    if refusal is not None:
        return refusal
    why = clean(form, "why", WHY_CHARACTERS)
    if do == "pause":
        if not why:
            return problem(400, "form-wrong", field="why")
        await decisions.pause(desk, visitor.actor.object_id, why)
        await remember(desk, visitor.actor)
        return Page("pause.html", "pauses", {"paused": True}, moves_to="/todo?did=pause")
    if _digest(active) != form.get("digest", ""):
        return problem(409, "moved")
    return await _resume(desk, visitor, active)


async def _resume(desk: Desk, visitor: Visitor, active: Mapping[Pause, Setting]) -> Page:
    resumed = await decisions.resume(desk, visitor.actor.object_id, active, rule=desk.policy.two_people)
    await remember(desk, visitor.actor)
    if resumed.refused is not None:
        differences = [{"name": one.name, "what": one.what} for one in resumed.differences]
        return problem(409, "refused-decision", why=resumed.refused, differences=differences)
    proposed = "&proposed=1" if resumed.proposed is not None else ""
    return Page("pause.html", "pauses", {"resumed": True}, moves_to=f"/todo?did=resume{proposed}")


def _digest(active: Mapping[Pause, Setting]) -> str:
    """The digest of the pauses as somebody sees them."""
    items = of_pauses(active)
    some = min((one.since for one in items.values()), default=None)
    return "" if some is None else Proposal(Deed.RESUME, None, listed(items), "", some).digest
