"""A small company: three that are invoiced, a handful of people, one of everything that is treated specially.

Lives here: the world file, its ids and the policy that most tests use. Nothing that moves.
"""

from typing import Any, Final

from shared.domain.billing import INVOICE_MANAGER
from shared.domain.keys import ProfileKey


def guid(kind: int, number: int) -> str:
    """An object id that tells what it is of."""
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


TENANT: Final = guid(1, 1)
ADMIN: Final = guid(2, 1)
APP: Final = guid(2, 2)
OTHER_APP: Final = guid(2, 3)

OWNER, FEMKE, DIETER, TESS, GREG, PIA, HARRY = (guid(3, number) for number in range(1, 8))
"""Who clicks in the portal; Finance in the Netherlands, in Germany; Treasury; a guest; protected; by hand only."""

TREASURY: Final = guid(4, 1)

MCA: Final = "10000000-0000-0000-0000-000000000000:00000000-0000-0000-0000-0000000000aa_2019-05-31"
MPA: Final = "20000000-0000-0000-0000-000000000000:00000000-0000-0000-0000-0000000000aa_2019-05-31"
EA: Final = "6575495"

NL: Final = ProfileKey(MCA, "NL-BG7")
DE: Final = ProfileKey(MCA, "DE-BG7")
HOLDING: Final = ProfileKey(MCA, "HOLDING-BG7")
PARTNER: Final = ProfileKey(MPA, "PARTNER-BG7")
PROFILES: Final = (NL, DE, HOLDING, PARTNER)

COMPANIES: Final = {"Contoso Nederland": NL, "Contoso Deutschland": DE, "Fabrikam": PARTNER}
"""The profile of each company."""

POLICY: Final = f"""
version: 1
accounts: all
enforce: all
rules:
  - name: own-company
    who: "department eq 'Finance'"
    profiles: [{{ tag: {{ company: "{{companyName}}" }} }}]
  - name: treasury
    member_of: [{TREASURY}]
    profiles: [{{ name: "Contoso Holding" }}]
email_invoicing: {{ opt_in: all, min_recipients: 0 }}
employment: {{ lead_days: 0, mover_grace_hours: 0, time_zone: Europe/Amsterdam }}
protected: [{PIA}]
"""


def user(object_id: str, name: str, company: str | None, department: str | None = "Finance", **more: Any) -> Any:
    """A user as the world file has them."""
    return {
        "id": object_id,
        "userPrincipalName": f"{name}@contoso.example",
        "mail": f"{name}@contoso.example",
        "accountEnabled": True,
        **({"companyName": company} if company else {}),
        **({"department": department} if department else {}),
        **more,
    }


def _profile(key: ProfileKey, name: str, company: str | None, rows: list[Any]) -> Any:
    return {
        "name": key.profile,
        "tags": {"company": company} if company else {},
        "properties": {
            "displayName": name,
            "invoiceEmailOptIn": True,
            "invoiceRecipients": ["ap@contoso.example"],
            "poNumber": "PO-1",
        },
        "billingRoleAssignments": rows,
    }


def by_hand(person: str, **more: Any) -> Any:
    """Invoice manager, given in the portal."""
    return {"principalId": person, "role": INVOICE_MANAGER, "createdByPrincipalId": OWNER, **more}


def world() -> dict[str, Any]:
    """The world, to be changed before it begins by whoever needs another one."""
    owners = [{"principalId": one, "role": "Billing account owner"} for one in (OWNER, APP, OTHER_APP)]
    managed = {"primaryBillingTenantId": TENANT, "soldTo": {"addressLine1": "1 Main Street", "country": "NL"}}
    return {
        "tenantId": TENANT,
        "identities": [
            {"name": "admin", "clientId": guid(5, 1), "objectId": ADMIN, "default": True},
            {
                "name": "invoice-access",
                "clientId": guid(5, 2),
                "objectId": APP,
                "graphPermissions": ["User.Read.All", "GroupMember.Read.All", "User-LifeCycleInfo.Read.All"],
            },
            {"name": "other-automation", "clientId": guid(5, 3), "objectId": OTHER_APP},
        ],
        "users": [
            user(OWNER, "olga", None, "IT"),
            user(FEMKE, "femke", "Contoso Nederland", employeeId="E1"),
            user(DIETER, "dieter", "Contoso Deutschland"),
            user(TESS, "tess", "Contoso Nederland", "Treasury"),
            user(GREG, "greg_other.example#EXT#", "Fabrikam", userType="Guest"),
            user(PIA, "pia", "Fabrikam"),
            user(HARRY, "harry", "Fabrikam", "Audit"),
        ],
        "groups": [{"id": TREASURY, "displayName": "Treasury", "members": [TESS]}],
        "billingAccounts": [
            {
                "name": MCA,
                "properties": {"agreementType": "MicrosoftCustomerAgreement", "displayName": "Contoso", **managed},
                "billingRoleAssignments": owners,
                "billingProfiles": [
                    _profile(NL, "Contoso Nederland", "Contoso Nederland", [by_hand(HARRY)]),
                    _profile(DE, "Contoso Deutschland", "Contoso Deutschland", []),
                    _profile(HOLDING, "Contoso Holding", None, []),
                ],
            },
            {
                "name": MPA,
                "properties": {"agreementType": "MicrosoftPartnerAgreement", "displayName": "Fabrikam", **managed},
                "billingRoleAssignments": owners,
                "billingProfiles": [_profile(PARTNER, "Fabrikam", "Fabrikam", [])],
            },
            {
                "name": EA,
                "properties": {"agreementType": "EnterpriseAgreement", "displayName": "Contoso Enrollment"},
                "billingRoleAssignments": [{"principalId": APP, "role": "Enterprise administrator"}],
            },
        ],
    }
