"""Role definitions, the caller's permissions, and checkAccess, at an account or a profile.

What lives here: these reads. They answer strangers too, with nothing in them, as recorded.
"""

from typing import Any

from sandbox.billing.call import Call
from sandbox.billing.errors import invalid, not_found
from sandbox.billing.model import Scope
from sandbox.billing.roles import NAMED_ACTIONS, Role, roles_of
from sandbox.wire import Response, as_json


def list_definitions(call: Call, scope: Scope) -> Response:
    """The roles that the scope offers."""
    if not call.sees(scope):
        raise call.stranger(scope)
    definitions = [_body(scope, role) for role in _offered(call, scope)]
    if call.model.switches.duplicate_role_definitions:
        definitions.append(definitions[-1])
    return call.page(definitions)


def get_definition(call: Call, scope: Scope) -> Response:
    """One role."""
    if not call.sees(scope):
        raise call.stranger(scope)
    role = next((role for role in _offered(call, scope) if role.guid == call.name.casefold()), None)
    if role is None:
        raise not_found()
    return as_json(200, _body(scope, role))


def list_permissions(call: Call, scope: Scope) -> Response:
    """What the caller may do at the scope; a stranger gets an empty set with 200."""
    return as_json(200, {"value": [{"actions": call.permissions(scope)}]})


def check_access(call: Call, scope: Scope) -> Response:
    """Whether the caller may do each named action, in the order asked; unknown actions are not allowed."""
    actions = call.body().get("actions")
    if not isinstance(actions, list) or not all(isinstance(each, str) for each in actions):
        raise invalid(call.model.rng, Actions="The Actions field must be a list of strings.")
    held = {each.casefold() for each in call.permissions(scope)}
    answers = call.model.switches.check_access_answers or scope.kind == "enterprise"

    def decision(action: str) -> str:
        needed = action if scope.kind == "enterprise" else NAMED_ACTIONS.get(action.casefold(), "")
        return "Allowed" if answers and needed.casefold() in held else "NotAllowed"

    return as_json(200, [{"accessDecision": decision(action), "action": action} for action in actions])


def _offered(call: Call, scope: Scope) -> tuple[Role, ...]:
    return roles_of(scope.kind, basic_purchaser=call.model.switches.basic_purchaser)


def _body(scope: Scope, role: Role) -> dict[str, Any]:
    return {
        "id": f"{scope.id}/billingRoleDefinitions/{role.guid}",
        "name": role.guid,
        "properties": {
            "description": role.description,
            "permissions": [{"actions": list(role.actions)}],
            "roleName": role.title,
        },
        "type": f"{scope.type}/billingRoleDefinitions",
    }
