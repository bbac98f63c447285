"""The billing accounts of the standard world: agreements, profiles, and who was given what by hand.

Lives here: billing accounts in the form that the billing stand-in reads. Nothing in it depends on the seed.
"""

from dataclasses import dataclass
from typing import Any, Final

from sandbox.contoso import names

INVOICE_MANAGER: Final = "Invoice manager"
PROFILE_OWNER: Final = "Billing profile owner"
PROFILE_READER: Final = "Billing profile reader"
ACCOUNT_OWNER: Final = "Billing account owner"
ENTERPRISE_ADMINISTRATOR: Final = "Enterprise administrator"
"""What the owner of an Enterprise Agreement is called."""
ENTERPRISE_READER: Final = "Enterprise administrator (read only)"
"""What the app is there: it sees the account, so that its report can say why it is left alone."""


@dataclass(frozen=True, slots=True)
class _Profile:
    name: str
    company: str
    currency: str
    street: str
    city: str
    postal_code: str
    country: str
    opted_in: bool = True
    status: str = "Active"


_CONTOSO: Final = (
    _Profile(names.CONTOSO_NEDERLAND, "Contoso Nederland", "EUR", "Stationsplein 12", "Utrecht", "3511 ED", "NL"),
    _Profile(names.CONTOSO_DEUTSCHLAND, "Contoso Deutschland", "EUR", "Jungfernstieg 40", "Hamburg", "20354", "DE"),
    _Profile(names.CONTOSO_FRANCE, "Contoso France", "EUR", "8 Rue de la Barre", "Lyon", "69002", "FR"),
    _Profile(names.CONTOSO_UK, "Contoso UK", "GBP", "3 Wellington Place", "Leeds", "LS1 4AP", "GB"),
    _Profile(names.CONTOSO_BELGIE, "Contoso België", "EUR", "Meir 55", "Antwerpen", "2000", "BE"),
    _Profile(
        names.CONTOSO_SHARED_SERVICES,
        "Contoso Shared Services",
        "USD",
        "Zuidplein 36",
        "Amsterdam",
        "1077 XV",
        "NL",
    ),
)

_FABRIKAM: Final = (
    _Profile(
        names.FABRIKAM_NEDERLAND,
        "Fabrikam Nederland",
        "EUR",
        "Kastanjelaan 400",
        "Eindhoven",
        "5616 LZ",
        "NL",
    ),
    _Profile(
        names.FABRIKAM_DEUTSCHLAND,
        "Fabrikam Deutschland",
        "EUR",
        "Sendlinger Str. 8",
        "München",
        "80331",
        "DE",
    ),
    _Profile(names.FABRIKAM_NORDICS, "Fabrikam Nordics", "DKK", "Åboulevarden 21", "Aarhus", "8000", "DK", False),
    _Profile(
        names.FABRIKAM_SCHWEIZ,
        "Fabrikam Schweiz",
        "CHF",
        "Bundesgasse 6",
        "Bern",
        "3011",
        "CH",
        status="Disabled",
    ),
)

_LITWARE: Final = (
    _Profile(names.LITWARE_SERVICES, "Litware Services", "EUR", "1 South Mall", "Cork", "T12 XR80", "IE"),
    _Profile(names.LITWARE_POLSKA, "Litware Polska", "PLN", "ul. Długa 57", "Gdańsk", "80-831", "PL"),
)

_ENTERPRISE: Final = (
    _Profile(
        names.ENTERPRISE_PROFILE,
        "Contoso Enterprise Agreement",
        "EUR",
        "Stationsplein 12",
        "Utrecht",
        "3511 ED",
        "NL",
    ),
)

_BY_HAND: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    names.CONTOSO_NEDERLAND: (
        (names.OLIVER_SMITH, INVOICE_MANAGER),
        (names.BREAK_GLASS, INVOICE_MANAGER),
        (names.EXTERNAL_AUDIT, PROFILE_READER),
    ),
    names.CONTOSO_DEUTSCHLAND: ((names.LUKAS_WEBER, INVOICE_MANAGER),),
    names.CONTOSO_FRANCE: ((names.EXTERNAL_AUDIT, INVOICE_MANAGER),),
    names.CONTOSO_UK: (
        (names.AUDITOR_GUEST, INVOICE_MANAGER),
        (names.GRACE_TAYLOR, INVOICE_MANAGER),
    ),
    names.CONTOSO_SHARED_SERVICES: ((names.SANNE_BAKKER, PROFILE_READER),),
    names.FABRIKAM_NORDICS: ((names.MIKKEL_HANSEN, PROFILE_OWNER),),
}
"""Who was given what in the portal, before the app was there: foreign to it, whoever they are."""

_GIVEN_ON: Final = "2024-03-15T22:37:20.0000000Z"


def billing_accounts() -> list[dict[str, Any]]:
    """The billing accounts with their profiles and role assignments."""
    contoso = _account(names.CONTOSO_ACCOUNT, "MicrosoftCustomerAgreement", "Contoso Europe", _CONTOSO)
    contoso["billingRoleAssignments"].append(_assignment(names.BREAK_GLASS, ACCOUNT_OWNER))
    return [
        contoso,
        _account(names.FABRIKAM_ACCOUNT, "MicrosoftCustomerAgreement", "Fabrikam Group", _FABRIKAM),
        _account(names.LITWARE_ACCOUNT, "MicrosoftPartnerAgreement", "Litware Cloud Services", _LITWARE),
        _account(
            names.ENTERPRISE_ACCOUNT,
            "EnterpriseAgreement",
            "Contoso Enterprise Agreement",
            _ENTERPRISE,
        ),
    ]


def _account(name: str, agreement: str, title: str, profiles: tuple[_Profile, ...]) -> dict[str, Any]:
    enterprise = agreement == "EnterpriseAgreement"
    roles = (ENTERPRISE_ADMINISTRATOR, ENTERPRISE_READER) if enterprise else (ACCOUNT_OWNER, ACCOUNT_OWNER)
    return {
        "name": name,
        "properties": {
            "agreementType": agreement,
            "accountStatus": "Active",
            "displayName": title,
            "primaryBillingTenantId": names.TENANT_ID,
        },
        "billingRoleAssignments": [
            _assignment(who, role)
            for who, role in zip((names.PORTAL_OBJECT_ID, names.APP_OBJECT_ID), roles, strict=True)
        ],
        "billingProfiles": [_profile(profile) for profile in profiles],
    }


def _profile(profile: _Profile) -> dict[str, Any]:
    address = {
        "companyName": profile.company,
        "addressLine1": profile.street,
        "city": profile.city,
        "postalCode": profile.postal_code,
        "country": profile.country,
    }
    slug = profile.company.split(" ", 1)[1].lower().replace(" ", "-").replace("ë", "e")
    contact = {"firstName": "Accounts", "lastName": "Payable", "email": f"ap.{slug}@{_domain(profile)}"}
    return {
        "name": profile.name,
        "tags": {"company": profile.company},
        "properties": {
            "displayName": profile.company,
            "currency": profile.currency,
            "invoiceEmailOptIn": profile.opted_in,
            "invoiceRecipients": [f"invoices.{slug}@{_domain(profile)}"],
            "billTo": {**address, **contact, "phoneNumber": "+31 30 555 0100"},
            "shipTo": dict(address),
            "soldTo": {**address, **contact},
            "poNumber": f"PO-{profile.name[:4]}",
            "status": profile.status,
        },
        "billingRoleAssignments": [_assignment(principal, role) for principal, role in _BY_HAND.get(profile.name, ())],
    }


def _assignment(principal: str, role: str) -> dict[str, str]:
    return {
        "principalId": principal,
        "role": role,
        "createdByPrincipalId": names.PORTAL_OBJECT_ID,
        "createdOn": _GIVEN_ON,
    }


def _domain(profile: _Profile) -> str:
    return f"{profile.company.split(' ', 1)[0].lower()}.example"
