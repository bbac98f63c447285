"""Role assignments of an account or a profile: list, get, create, delete, resolve, and the enterprise PUT.

What lives here: these operations and the bodies they answer. A scope is an account or a profile throughout.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sandbox.billing.call import Call
from sandbox.billing.errors import Refused, invalid, invalid_fields, not_found, service_error
from sandbox.billing.holdings import Assignment
from sandbox.billing.long_running import Outcome, new_guid
from sandbox.billing.model import Account, Profile, Scope
from sandbox.billing.roles import (
    ACCOUNT_OWNER,
    ASSIGN_ON_ACCOUNT,
    ASSIGN_ON_PROFILE,
    ENTERPRISE_ADMINISTRATOR,
    PROFILE_OWNER,
    READ_ACCOUNT,
    READ_ENTERPRISE,
    READ_PROFILE,
    UPDATE_ENTERPRISE,
    Role,
    roles_of,
)
from sandbox.billing.world import GUID, last_segment
from sandbox.wire import Response, as_json

NEVER = "0001-01-01T00:00:00.0000000Z"
"""`modifiedOn` of an assignment that was never modified, as recorded: the least date of .NET."""

_OWNERS = {ACCOUNT_OWNER, PROFILE_OWNER, ENTERPRISE_ADMINISTRATOR}
_MISSING_PRINCIPAL = "PrincipalId or UserEmailAddress/UserAuthenticationType must be specified."


@dataclass(frozen=True, slots=True)
class _Asked:
    """A well-formed request for an assignment."""

    role: Role
    principal_id: str
    principal_tenant_id: str | None


def list_assignments(call: Call, scope: Scope) -> Response:
    """The assignments made at this very scope; inherited ones are not among them, as recorded."""
    _require_read(call, scope)
    rows = [body_of(call, scope, row) for row in scope.assignments.all_seen(call.now)]
    return call.page(rows, of_assignments=True)


def get_assignment(call: Call, scope: Scope) -> Response:
    """One assignment."""
    _require_read(call, scope)
    row = scope.assignments.seen(call.name, call.now)
    if row is None:
        raise not_found()
    return as_json(200, body_of(call, scope, row))


def create_assignment(call: Call, scope: Scope) -> Response:
    """Creates an assignment from a flat body: at once, or later with a Location."""
    if scope.kind == "enterprise":
        raise call.unprocessable(scope.account)
    _require_assign(call, scope)
    model, switches = call.model, call.model.switches
    asked = _read_asked(call, scope, call.body())
    existing = scope.assignments.held(asked.role.guid, asked.principal_id)
    if existing is not None and switches.duplicate == "conflict":
        raise service_error(409, "Conflict", "The role assignment conflicts with an existing role assignment.")
    name = existing.name if existing else model.assignment_name(scope, asked.role.guid, asked.principal_id)
    row = existing or _new_row(call, scope, asked, name)
    _record(call, scope, "create-role-assignment", row, changed=existing is None)

    def finish(at: datetime) -> Outcome:
        held = scope.assignments.held(row.role, row.principal_id)
        if held is None:
            model.grant(scope, replace(row, created_on=model.stamp(at)), at)
        return Outcome(200, _told(scope, held or replace(row, created_on=model.stamp(at)), {}))

    if switches.create_status != 202 and switches.operation_failure_status is None:  # noqa: PLR2004 - HTTP Accepted
        return as_json(switches.create_status, finish(call.now).body)
    operation = call.start(
        "createBillingRoleAssignment",
        scope,
        finish,
        seconds=switches.create_seconds,
        polls=switches.create_polls,
        retry_after_seconds=switches.create_retry_after_seconds,
    )
    return call.accepted(operation)


def put_assignment(call: Call, scope: Scope) -> Response:
    """Creates or replaces an assignment under a name of the client's choice: enterprise agreements only."""
    if scope.kind != "enterprise":
        raise call.unprocessable(scope.account)
    _require_assign(call, scope)
    body = call.body()
    properties = body.get("properties")
    asked = _read_asked(call, scope, properties if isinstance(properties, dict) else {}, prefix="properties.")
    existing = scope.assignments.actual(call.name)
    row = _new_row(call, scope, asked, call.name.casefold())
    _record(call, scope, "put-role-assignment", row, changed=True)
    call.model.grant(scope, row, call.now)
    return as_json(200 if existing else 201, _told(scope, row, {}))


def delete_assignment(call: Call, scope: Scope) -> Response:
    """Deletes an assignment: 200, and 204 when there is none of that name."""
    _require_assign(call, scope)
    row = scope.assignments.actual(call.name)
    if row is None:
        if isinstance(scope, Profile) and scope.account.assignments.actual(call.name) is not None:
            raise service_error(400, "BadRequest", "Inherited permissions cannot be removed at the lower level.")
        return Response(204)
    owners = [each for each in scope.assignments.every() if each.role in _OWNERS and not each.pending]
    if owners == [row]:
        raise service_error(
            call.model.switches.last_owner_status,
            "BadRequest",
            "You'll need to keep one user with 'This scope' permissions."
            " Removing the last user with this scope is not allowed.",
        )
    _record(call, scope, "delete-role-assignment", row, changed=True)
    call.model.revoke(scope, call.name, call.now)
    return Response(200)


def resolve_assignments(call: Call, scope: Scope) -> Response:
    """Lists the assignments with e-mail addresses and display names, later; until then without."""
    _require_read(call, scope)
    scope_names = call.flag("resolveScopeDisplayNames")
    switches = call.model.switches

    def listed(at: datetime, *, resolved: bool) -> dict[str, Any]:
        rows = scope.assignments.all_seen(at)
        extras = [_resolved(call, scope, row, scope_names=scope_names) if resolved else {} for row in rows]
        return {"value": [body_of(call, scope, row, extra) for row, extra in zip(rows, extras, strict=True)]}

    operation = call.start(
        "resolveBillingRoleAssignments",
        scope,
        lambda at: Outcome(200, listed(at, resolved=True)),
        seconds=switches.resolve_seconds,
        polls=switches.resolve_polls,
        retry_after_seconds=switches.resolve_retry_after_seconds,
        interim=lambda at: listed(at, resolved=False),
    )
    return call.accepted(operation, listed(call.now, resolved=False))


def body_of(call: Call, scope: Scope, row: Assignment, extra: dict[str, str] | None = None) -> dict[str, Any]:
    """An assignment as it is read: its time in whole seconds where that is switched on."""
    if call.model.switches.whole_second_timestamps and scope.kind != "enterprise":
        row = replace(row, created_on=f"{row.created_on.partition('.')[0]}.0000000Z")
    return _told(scope, row, extra or {})


def _told(scope: Scope, row: Assignment, extra: dict[str, str]) -> dict[str, Any]:
    """An assignment on the wire, its properties in the recorded order."""
    enterprise = scope.kind == "enterprise"
    properties = {
        "provisioningState": "Pending" if row.pending else None,
        "createdOn": row.created_on,
        "createdByPrincipalTenantId": row.created_by_tenant,
        "createdByPrincipalId": row.created_by,
        "modifiedOn": row.created_on if enterprise else NEVER,
        "principalId": row.principal_id or None,
        "principalTenantId": row.principal_tenant_id,
        "principalPuid": row.principal_puid,
        "roleDefinitionId": f"{scope.id}/billingRoleDefinitions/{row.role}",
        "scope": scope.id,
        **extra,
        "userAuthenticationType": "Organization" if enterprise else None,
        "principalType": None if enterprise else row.principal_type,
        "billingRequestId": row.billing_request_id,
    }
    return {
        "id": f"{scope.id}/billingRoleAssignments/{row.name}",
        "name": row.name,
        "properties": {key: value for key, value in properties.items() if value is not None},
        "type": f"{scope.type}/billingRoleAssignments",
    }


def _resolved(call: Call, scope: Scope, row: Assignment, *, scope_names: bool) -> dict[str, str]:
    contact = call.model.contact(row.principal_id)
    extra = {
        "userEmailAddress": contact.email if contact else None,
        "principalDisplayName": contact.display_name if contact else None,
    }
    if scope_names:
        account = scope.account
        extra |= {
            "billingAccountId": account.id,
            "billingAccountDisplayName": account.properties.get("displayName"),
        }
        if isinstance(scope, Profile):
            extra |= {
                "billingProfileId": scope.id,
                "billingProfileDisplayName": scope.properties.get("displayName"),
            }
    return {key: value for key, value in extra.items() if value is not None}


def _require_read(call: Call, scope: Scope) -> None:
    if isinstance(scope, Account):
        call.require(scope, READ_ACCOUNT if scope.managed else READ_ENTERPRISE)
    else:
        call.require(scope, READ_PROFILE)


def _require_assign(call: Call, scope: Scope) -> None:
    if isinstance(scope, Account):
        call.require(scope, ASSIGN_ON_ACCOUNT if scope.managed else UPDATE_ENTERPRISE)
    else:
        call.require(scope, ASSIGN_ON_PROFILE)


def _read_asked(call: Call, scope: Scope, body: dict[str, Any], prefix: str = "") -> _Asked:
    """What a body asks for; of a role definition's id the service reads the last segment only."""
    fields: dict[str, list[str]] = {}
    principal, definition, tenant = (
        body.get(name) for name in ("principalId", "roleDefinitionId", "principalTenantId")
    )
    if not isinstance(principal, str) or not principal:
        for name in ("PrincipalId", "UserEmailAddress", "UserAuthenticationType"):
            fields[prefix + name] = [_MISSING_PRINCIPAL]
    elif not re.fullmatch(GUID, principal):
        fields[f"{prefix}PrincipalId"] = [f"The value '{principal}' is not valid for PrincipalId."]
    if tenant is not None and (not isinstance(tenant, str) or not re.fullmatch(GUID, tenant)):
        fields[f"{prefix}PrincipalTenantId"] = [f"The value '{tenant}' is not valid for PrincipalTenantId."]
    role: Role | None = None
    if not isinstance(definition, str) or not definition:
        fields[f"{prefix}RoleDefinitionId"] = ["The RoleDefinitionId field is required."]
    else:
        offered = roles_of(scope.kind, basic_purchaser=call.model.switches.basic_purchaser)
        role = next((each for each in offered if each.guid == last_segment(definition)), None)
        if role is None:
            fields[f"{prefix}RoleDefinitionId"] = [f"The role definition '{definition}' does not exist at this scope."]
    if fields or role is None:
        raise invalid_fields(call.model.rng, fields)
    return _Asked(role, str(principal).casefold(), str(tenant).casefold() if tenant else None)


def _new_row(call: Call, scope: Scope, asked: _Asked, name: str) -> Assignment:
    """The assignment that a request brings about; another tenant's principal has to accept it first."""
    model, switches = call.model, call.model.switches
    home = scope.account.tenant
    tenant = asked.principal_tenant_id or home
    abroad = home is not None and tenant != home
    kind = model.principal_type(asked.principal_id)
    if abroad:
        states = {
            each["tenantId"]: each["billingManagementState"] for each in scope.account.associated_tenants.values()
        }
        if states.get(tenant or "") != "Active":
            message = f"The tenant {tenant} is not associated with this billing account for billing management."
            raise invalid(model.rng, PrincipalTenantId=message)
    elif kind is None:
        raise _unknown_principal(call, asked.principal_id)
    by_service = model.principal_type(call.caller.object_id) == "ServicePrincipal"
    unsaid = {"object-id": None, "absent": (None, None), "empty": ("", "")}[switches.created_by_service_principal]
    maker = (unsaid if by_service else None) or (call.caller.object_id, call.caller.tenant_id)
    request = f"/providers/Microsoft.Billing/billingRequests/{new_guid(model.rng)}" if abroad else None
    return Assignment(
        name=name,
        role=asked.role.guid,
        principal_id=asked.principal_id,
        principal_tenant_id=tenant,
        principal_type=kind or "User",
        created_on=model.stamp(call.now),
        created_by=maker[0],
        created_by_tenant=maker[1],
        billing_request_id=request,
        pending=abroad,
    )


def _unknown_principal(call: Call, principal_id: str) -> Refused:
    """What a principal gets whom the tenant does not know: a validation, or that a dependency is missing."""
    message = f"The principal {principal_id} does not exist in the tenant."
    match call.model.switches.unknown_principal_status:
        case 400:
            return invalid(call.model.rng, PrincipalId=message)
        case 404:
            return not_found()
        case status:
            return service_error(status, "PrincipalNotFound", message)


def _record(call: Call, scope: Scope, operation: str, row: Assignment, *, changed: bool) -> None:
    call.model.record(
        call.now,
        call.caller.object_id,
        operation,
        scope.id,
        principal=row.principal_id,
        role=row.role,
        changed=changed,
    )
