"""The billing accounts of a world file: what may be written there, what is filled in, and what is refused.

What lives here: pydantic models of the `billingAccounts` list. Names and shapes are those of the service's
own schema, so that an answer of the real service can be pasted into a world. No state and no behaviour.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self
from uuid import NAMESPACE_URL, uuid5

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, model_validator
from pydantic.alias_generators import to_camel

from sandbox.billing.roles import ScopeKind, find_role, roles_of

GUID = r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
PROFILE_NAME = r"[A-Za-z0-9_-]{1,128}"

type Guid = Annotated[str, StringConstraints(pattern=rf"^{GUID}$", to_lower=True)]
type Timestamp = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,7})?Z$")]
type AccountName = Annotated[
    str,
    StringConstraints(pattern=rf"^(\d+|[Pp][Cc][Nn]\.[A-Za-z0-9]+|{GUID}(:{GUID}_\d{{4}}-\d{{2}}-\d{{2}})?)$"),
]
type AssignmentName = Annotated[str, StringConstraints(pattern=rf"^{GUID}(_{GUID})?$", to_lower=True)]
type ProfileName = Annotated[str, StringConstraints(pattern=rf"^{PROFILE_NAME}$")]
type AgreementType = Literal[
    "Other",
    "MicrosoftCustomerAgreement",
    "EnterpriseAgreement",
    "MicrosoftOnlineServicesProgram",
    "MicrosoftPartnerAgreement",
]
type ProfileStatus = Literal["Other", "Active", "Disabled", "Warned", "Deleted", "UnderReview"]
type AccountStatus = Literal[
    "Other",
    "Active",
    "UnderReview",
    "Disabled",
    "Deleted",
    "Extended",
    "Pending",
    "New",
    "Expired",
    "Terminated",
    "Transferred",
]

MANAGED_AGREEMENTS = frozenset({"MicrosoftCustomerAgreement", "MicrosoftPartnerAgreement"})


class Schema(BaseModel):
    """Something of the service's schema: camelCase on the wire, strict types, nothing unknown."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)

    def wire(self) -> dict[str, Any]:
        """As JSON on the wire, without what is absent."""
        return self.model_dump(by_alias=True, exclude_none=True, mode="json")


class Address(Schema):
    """A postal address; the service requires street and country."""

    address_line1: str = Field(alias="addressLine1", min_length=1)
    address_line2: str | None = Field(default=None, alias="addressLine2")
    address_line3: str | None = Field(default=None, alias="addressLine3")
    city: str | None = None
    company_name: str | None = None
    country: str = Field(min_length=1)
    district: str | None = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    middle_name: str | None = None
    phone_number: str | None = None
    postal_code: str | None = None
    region: str | None = None
    is_valid_address: bool | None = None


class AzurePlan(Schema):
    """An Azure plan that a profile has; an update names it by its `skuId` alone."""

    sku_id: str | None = None
    sku_description: str | None = None
    product_id: str | None = None


class PaymentTerm(Schema):
    """When an invoice is due."""

    term: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    is_default: bool | None = None


_OFFICE = Address.model_validate(
    {
        "addressLine1": "1 Main Street",
        "city": "Amsterdam",
        "companyName": "Contoso",
        "country": "NL",
        "postalCode": "1012 AB",
        "isValidAddress": True,
    }
)
_PLAN = AzurePlan.model_validate(
    {"skuId": "0001", "skuDescription": "Microsoft Azure Plan", "productId": "DZH318Z0BPS6"}
)
_TERM = PaymentTerm.model_validate({"term": "Net30", "startDate": "2024-01-01T00:00:00.0000000Z", "isDefault": True})


class RoleAssignmentSeed(Schema):
    """A role that somebody holds when the world begins; `role` is a title or a definition's guid.

    A row may lack a principal: one of type Everyone has none, and one that an enterprise account knows by a PUID alone.
    """

    principal_id: Guid | None = None
    principal_puid: str | None = None
    role: str
    name: AssignmentName | None = None
    principal_type: Literal["User", "Group", "ServicePrincipal", "DirectoryRole", "Everyone", "Unknown"] | None = None
    principal_tenant_id: Guid | None = None
    created_by_principal_id: Guid | Literal[""] | None = None
    created_by_principal_tenant_id: Guid | None = None
    created_on: Timestamp = "2024-01-15T09:00:00.0000000Z"

    @model_validator(mode="after")
    def _is_somebodys(self) -> Self:
        if not (self.principal_id or self.principal_puid or self.principal_type == "Everyone"):
            raise ValueError("principalId is required, but for a principalPuid or the principalType Everyone")
        return self


class ProfileProperties(Schema):
    """A billing profile's properties, all but what depends on the reader."""

    provisioning_state: str | None = None
    billing_relationship_type: str = "Direct"
    bill_to: Address = _OFFICE
    currency: str = "EUR"
    display_name: str
    enabled_azure_plans: list[AzurePlan] = [_PLAN]
    indirect_relationship_info: dict[str, str] | None = None
    invoice_day: int = Field(default=5, ge=1, le=31)
    invoice_email_opt_in: bool = False
    invoice_recipients: list[str] = []
    po_number: str | None = None
    ship_to: Address | None = None
    sold_to: Address | None = _OFFICE
    spending_limit: Literal["Off", "On"] = "Off"
    spending_limit_details: list[dict[str, Any]] | None = None
    status: ProfileStatus = "Active"
    status_reason_code: str | None = None
    system_id: str | None = None
    target_clouds: list[str] | None = None
    current_payment_term: PaymentTerm | None = _TERM
    other_payment_terms: list[PaymentTerm] | None = None


def _check_roles(assignments: Sequence[RoleAssignmentSeed], kind: ScopeKind, where: str) -> None:
    for index, seed in enumerate(assignments):
        if find_role(kind, seed.role) is None:
            known = ", ".join(role.title for role in roles_of(kind))
            field = f"{where}.billingRoleAssignments[{index}].role"
            raise ValueError(f"{field}: no role {seed.role!r} here; there are: {known}")


def _check_unique(names: Sequence[str], what: str) -> None:
    folded = [name.casefold() for name in names]
    for name in names:
        if folded.count(name.casefold()) > 1:
            raise ValueError(f"{what} {name!r} appears twice; names are case-insensitive")


class ProfileSeed(Schema):
    """A billing profile when the world begins."""

    name: ProfileName
    tags: dict[str, str] = {}
    properties: ProfileProperties
    billing_role_assignments: list[RoleAssignmentSeed] = []

    @model_validator(mode="after")
    def _roles_exist(self) -> Self:
        _check_roles(self.billing_role_assignments, "profile", f"billing profile {self.name}")
        return self


class AccountProperties(Schema):
    """A billing account's properties, all but what depends on the reader."""

    account_status: AccountStatus = "Active"
    account_type: str = "Business"
    account_sub_type: str = "Enterprise"
    account_status_reason_code: str | None = None
    agreement_type: AgreementType
    billing_relationship_types: list[str] | None = None
    display_name: str | None = None
    enrollment_details: dict[str, Any] | None = None
    has_no_billing_profiles: bool | None = None
    notification_email_address: str | None = None
    primary_billing_tenant_id: Guid | None = None
    qualifications: list[str] | None = None
    registration_number: dict[str, Any] | None = None
    sold_to: Address | None = None
    tax_ids: list[dict[str, Any]] | None = None


class AssociatedTenantProperties(Schema):
    """Another tenant that may take part in an account's billing."""

    display_name: str | None = None
    tenant_id: Guid
    billing_management_state: Literal["Other", "NotAllowed", "Active", "Revoked"] = "Active"
    provisioning_management_state: str = "NotRequested"
    provisioning_billing_request_id: str | None = None


class AssociatedTenantSeed(Schema):
    """An associated tenant when the world begins; its name is its tenant id."""

    name: Guid | None = None
    properties: AssociatedTenantProperties


class AccountSeed(Schema):
    """A billing account when the world begins."""

    name: AccountName
    tags: dict[str, str] = {}
    properties: AccountProperties
    billing_role_assignments: list[RoleAssignmentSeed] = []
    associated_tenants: list[AssociatedTenantSeed] = []
    billing_profiles: list[ProfileSeed] = []

    @model_validator(mode="after")
    def _fits_its_agreement(self) -> Self:
        managed = self.properties.agreement_type in MANAGED_AGREEMENTS
        where = f"billing account {self.name}"
        if managed:
            if self.properties.primary_billing_tenant_id is None:
                raise ValueError(f"{where}: properties.primaryBillingTenantId is required under this agreement")
            if ":" not in self.name:
                raise ValueError(f"{where}: name must be <guid>:<guid>_<date> under this agreement")
        _check_roles(self.billing_role_assignments, "account" if managed else "enterprise", where)
        _check_unique([profile.name for profile in self.billing_profiles], f"{where}: billing profile")
        return self

    @property
    def founder(self) -> str:
        """Who made the assignments whose maker the world does not name: nobody that exists."""
        return str(uuid5(NAMESPACE_URL, f"founder of {self.name.casefold()}"))


_ACCOUNTS = TypeAdapter(list[AccountSeed])


def read_accounts(given: Sequence[Any]) -> list[AccountSeed]:
    """The billing accounts of a world file.

    Raises:
        pydantic.ValidationError: naming every field that is missing, unknown or of the wrong type.
        ValueError: when two accounts share a name.
    """
    accounts = _ACCOUNTS.validate_python(list(given))
    _check_unique([account.name for account in accounts], "billing account")
    return accounts


def last_segment(identifier: str) -> str:
    """The last segment of an id, lower-cased; the service reads no more of a role definition's id."""
    return re.split(r"/", identifier.rstrip("/"))[-1].casefold()
