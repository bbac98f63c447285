"""Check now: an operator asks for a check of one person, which does what the policy says, under every limit."""

from shared.desk.acting import refused
from shared.desk.app import Desk
from shared.desk.asked import Asked, Page, problem
from shared.desk.frame import Frame
from shared.desk.visitor import Visitor
from shared.domain.guids import is_guid
from shared.domain.keys import PersonKey
from shared.services.operate.actors import remember
from shared.services.operate.check_now import ask_for_checks


async def ask(desk: Desk, visitor: Visitor, _frame: Frame, asked: Asked) -> Page:
    """Leaves the work; the person's page says so. Nothing is read from the directory or billing here."""
    person = (asked.form or {}).get("person", "").lower()
    if asked.method != "POST":
        return problem(405, "method")
    refusal = await refused(desk, visitor, asked, "check", person)
    if refusal is not None:
        return refusal
    if not is_guid(person):
        return problem(404, "no-person", looked_for=person[:200])
    await ask_for_checks(desk, [PersonKey(person)], by=visitor.actor.object_id)
    await remember(desk, visitor.actor)
    return Page("person.html", "check", {"person": person}, moves_to=f"/people/{person}?asked=1")
