"""Billing profiles: listing, reading, the update that replaces everything, creation and deletion.

What lives here: these operations, the body of an update and which properties belong to the service.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from sandbox.billing.call import Call
from sandbox.billing.errors import invalid, invalid_fields, service_error
from sandbox.billing.long_running import Outcome
from sandbox.billing.model import Account, Profile, system_id
from sandbox.billing.roles import READ_ENTERPRISE, READ_PROFILE, UPDATE_PROFILE
from sandbox.billing.world import Address, AzurePlan, ProfileProperties
from sandbox.wire import Response, as_json

REFUSED_WHEN_SENT = ("soldTo", "currentPaymentTerm")
"""Writable in the schema, read-only in the service: a PUT with them was refused
(https://github.com/Azure/terraform-provider-azapi/issues/974)."""


class _Update(BaseModel):
    """The writable properties of a profile in a PUT; the rest is the service's own and left alone."""

    model_config = ConfigDict(alias_generator=to_camel, extra="ignore", strict=True)

    bill_to: Address | None = None
    display_name: str | None = None
    enabled_azure_plans: list[AzurePlan] | None = None
    indirect_relationship_info: dict[str, str] | None = None
    invoice_email_opt_in: bool | None = None
    invoice_recipients: list[str] | None = None
    po_number: str | None = None
    ship_to: Address | None = None


class _Tags(BaseModel):
    """Tags wherever a PUT carries them."""

    model_config = ConfigDict(extra="ignore", strict=True)

    tags: dict[str, str] | None = None


_WRITABLE = frozenset(field.alias or name for name, field in _Update.model_fields.items())


def list_profiles(call: Call, account: Account) -> Response:
    """The account's profiles that the caller may read."""
    if not call.sees_within(account):
        raise call.stranger(account)
    if not account.managed and call.model.switches.unmanaged_profiles == "unprocessable":
        raise call.unprocessable(account)
    deleted = call.flag("includeDeleted")
    return call.page(
        [
            body_of(call, profile)
            for profile in account.profiles.values()
            if _reading(profile) in call.permissions(profile) and (deleted or not profile.deleted)
        ]
    )


def get_profile(call: Call, profile: Profile) -> Response:
    """One profile."""
    call.require(profile, _reading(profile))
    return as_json(200, body_of(call, profile))


def put_profile(call: Call, account: Account, profile: Profile | None) -> Response:
    """Updates a profile, or creates it when the account has none of that name."""
    call.require(account if profile is None else profile, UPDATE_PROFILE)
    body = call.body()
    sent, tags = _read_update(call, body)
    if profile is None:
        return _create(call, account, sent, tags)
    properties = _updated(call, profile.properties, sent)
    kept_tags = profile.tags if tags is None and not call.model.switches.update_replaces else tags or {}
    changed = (properties, kept_tags) != (profile.properties, profile.tags)
    call.model.record(call.now, call.caller.object_id, "put-profile", profile.id, changed=changed)
    return _carry_out(call, profile, properties, kept_tags, call.model.switches.update_status)


def delete_profile(call: Call, profile: Profile) -> Response:
    """Deletes a profile, later."""
    call.require(profile, UPDATE_PROFILE)
    call.model.record(call.now, call.caller.object_id, "delete-profile", profile.id, changed=True)

    def finish(_at: datetime) -> Outcome:
        profile.properties = profile.properties | {"status": "Deleted"}
        return Outcome(204)

    return _start(call, profile, "deleteBillingProfile", finish)


def body_of(call: Call, profile: Profile) -> dict[str, Any]:
    """A profile as the caller reads it."""
    properties = profile.properties | {"hasReadAccess": _reading(profile) in call.permissions(profile)}
    body = {"id": profile.id, "name": profile.name, "properties": properties, "type": profile.type}
    if profile.tags and call.model.switches.tags_in == "properties":
        properties["tags"] = profile.tags
    elif profile.tags:
        body["tags"] = profile.tags
    return body


def _reading(profile: Profile) -> str:
    """The permission that reading a profile takes; under other agreements only the account has roles."""
    return READ_PROFILE if profile.account.managed else READ_ENTERPRISE


def _read_update(call: Call, body: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str] | None]:
    """What a PUT asks for: writable properties on the wire's names, and tags (None when it carries none)."""
    rng, switches = call.model.rng, call.model.switches
    properties = body.get("properties")
    if not isinstance(properties, dict):
        raise invalid(rng, Properties="The Properties field is required.")
    refused = [name for name in REFUSED_WHEN_SENT if properties.get(name) is not None]
    if refused and switches.read_only_refused:
        pascal = [name[0].upper() + name[1:] for name in refused]
        raise invalid_fields(rng, {f"Properties.{each}": [f"The field {each} is read-only."] for each in pascal})
    try:
        update = _Update.model_validate(properties)
        tags = _Tags.model_validate(body if switches.tags_in == "envelope" else properties).tags
    except ValidationError as error:
        fields: dict[str, list[str]] = {}
        for each in error.errors():
            path = ".".join(["Properties", *(str(part)[0].upper() + str(part)[1:] for part in each["loc"])])
            fields.setdefault(path, []).append(each["msg"])
        raise invalid_fields(rng, fields) from error
    return update.model_dump(by_alias=True, exclude_none=True), tags


def _updated(call: Call, current: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """The properties after an update: the service's own stay, the writable ones are replaced or merged."""
    plans = {plan.get("skuId"): plan for plan in current.get("enabledAzurePlans", [])}
    if "enabledAzurePlans" in sent:
        asked = sent["enabledAzurePlans"]
        sent = sent | {"enabledAzurePlans": [plans.get(plan.get("skuId"), {}) | plan for plan in asked]}
    if not call.model.switches.update_replaces:
        return current | sent
    own = {key: value for key, value in current.items() if key not in _WRITABLE}
    return {"invoiceEmailOptIn": False} | own | sent


def _create(call: Call, account: Account, sent: dict[str, Any], tags: dict[str, str] | None) -> Response:
    if call.model.switches.creation_needs_payment and "x-ms-payment-method-id" not in call.request.headers:
        raise service_error(400, "BadRequest", "Creating a billing profile needs the header X-Ms-Payment-Method-Id.")
    if "displayName" not in sent:
        raise invalid(call.model.rng, Properties__DisplayName="The DisplayName field is required.")
    defaults = ProfileProperties.model_validate({"displayName": sent["displayName"]}).wire()
    profile = Profile(call.name, account, defaults, tags or {})
    defaults["systemId"] = system_id(profile.id)
    profile.properties = _updated(call, defaults, sent)
    call.model.record(call.now, call.caller.object_id, "put-profile", profile.id, changed=True)
    return _carry_out(call, profile, profile.properties, profile.tags, max(201, call.model.switches.update_status))


def _carry_out(call: Call, profile: Profile, properties: dict[str, Any], tags: dict[str, str], status: int) -> Response:
    """Puts new properties and tags in place: now with 200, else when the operation is done."""

    def finish(_at: datetime) -> Outcome:
        profile.properties, profile.tags = properties, tags
        profile.account.profiles.setdefault(profile.name.casefold(), profile)
        return Outcome(200, body_of(call, profile))

    if status == 200 and call.model.switches.operation_failure_status is None:  # noqa: PLR2004 - HTTP OK
        return as_json(200, finish(call.now).body)
    promised = Profile(profile.name, profile.account, properties, tags, profile.assignments)
    body = body_of(call, promised) if status == 201 else None  # noqa: PLR2004 - HTTP Created
    return _start(call, profile, "putBillingProfile", finish, body=body, status=201 if body else 202)


def _start(call: Call, profile: Profile, kind: str, finish: Any, *, body: Any = None, status: int = 202) -> Response:
    switches = call.model.switches
    operation = call.start(
        kind,
        profile,
        finish,
        seconds=switches.update_seconds,
        polls=switches.update_polls,
        retry_after_seconds=switches.update_retry_after_seconds,
    )
    return call.accepted(operation, body, status)
