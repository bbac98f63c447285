"""Whether a form may do anything: an operator's, from a page of this site, with the token that it was given."""

from shared.desk.app import Desk
from shared.desk.asked import Asked, Page, problem
from shared.desk.forms import TOKEN, is_from_here
from shared.desk.keys import forms_of
from shared.desk.visitor import Role, Visitor


async def refused(desk: Desk, visitor: Visitor, asked: Asked, form: str, about: str = "") -> Page | None:
    """Why a form is refused: a role that is missing, another site, or a token that is not of this form."""
    if not visitor.may(Role.OPERATOR):
        return problem(403, "role-missing", role=Role.OPERATOR.value)
    if asked.api or asked.form is None or not is_from_here(asked):
        return problem(400, "form-forged")
    given = asked.form.get(TOKEN, "")
    wrong = (await forms_of(desk)).refusal(form, visitor.actor.object_id, given, about)
    return problem(400, wrong) if wrong else None
