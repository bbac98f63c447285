"""The well-known names of the standard world: what a demo, a test or a person at a prompt may rely on.

Lives here: constants, for what stands in `world.json`.
"""

from typing import Final

TENANT_ID: Final = "5f3c2a10-0000-4000-8000-000000000001"
"""Contoso's directory."""

PORTAL_NAME: Final = "portal-administrator"
PORTAL_CLIENT_ID: Final = "c0a1d000-0000-4000-8000-000000000001"
PORTAL_OBJECT_ID: Final = "a0a1d000-0000-4000-8000-000000000001"
"""The portal administrator: the default identity, as whom people change their world. Owner everywhere."""

APP_NAME: Final = "invoice-access"
APP_CLIENT_ID: Final = "c0a1d000-0000-4000-8000-000000000002"
APP_OBJECT_ID: Final = "a0a1d000-0000-4000-8000-000000000002"
"""The app's managed identity: owner of the MCA and MPA accounts, reader of the directory."""

APP_PERMISSIONS: Final = (
    "Application.Read.All",
    "Group.Read.All",
    "GroupMember.Read.All",
    "User-LifeCycleInfo.Read.All",
    "User.Read.All",
)
"""What the app is granted in Graph; Group.Read.All only to be told of changes in groups, Application.Read.All only so
that apps have names."""

CONTOSO_ACCOUNT: Final = "e0a1d000-5c1f-4d2b-9a60-0c7f5a0e0001:1f0be7b2-6c4e-4e0f-9d1a-7a3a5b1c0001_2019-05-31"
"""Contoso Europe, a Microsoft Customer Agreement."""

FABRIKAM_ACCOUNT: Final = "e0a1d000-5c1f-4d2b-9a60-0c7f5a0e0002:1f0be7b2-6c4e-4e0f-9d1a-7a3a5b1c0002_2019-05-31"
"""Fabrikam Group, a Microsoft Customer Agreement."""

LITWARE_ACCOUNT: Final = "e0a1d000-5c1f-4d2b-9a60-0c7f5a0e0003:1f0be7b2-6c4e-4e0f-9d1a-7a3a5b1c0003_2019-05-31"
"""Litware Cloud Services, a Microsoft Partner Agreement."""

ENTERPRISE_ACCOUNT: Final = "8608480"
"""Contoso's old Enterprise Agreement: not managed, to be left alone."""

CONTOSO_NEDERLAND: Final = "HWEG-Q6HX-BG7-TGB"
CONTOSO_DEUTSCHLAND: Final = "K3PD-7VYM-BG7-TGB"
CONTOSO_FRANCE: Final = "R8TC-2LNQ-BG7-TGB"
CONTOSO_UK: Final = "W5ZA-9JXF-BG7-TGB"
CONTOSO_BELGIE: Final = "B2MK-4SRE-BG7-TGB"
CONTOSO_SHARED_SERVICES: Final = "N7QU-6DHP-BG7-TGB"
FABRIKAM_NEDERLAND: Final = "G4XW-3CTB-BG7-TGB"
FABRIKAM_DEUTSCHLAND: Final = "J9LV-8KZN-BG7-TGB"
FABRIKAM_NORDICS: Final = "S6FY-5PAH-BG7-TGB"
"""The profile that is opted out of invoice e-mail."""
FABRIKAM_SCHWEIZ: Final = "C3RM-7EQD-BG7-TGB"
"""The profile that is disabled."""
LITWARE_SERVICES: Final = "L8BN-2WGU-BG7-TGB"
LITWARE_POLSKA: Final = "P5HJ-4VXC-BG7-TGB"
ENTERPRISE_PROFILE: Final = "8608480"
"""The one profile of the Enterprise Agreement."""

TREASURY: Final = "7c0f5a0e-0000-4000-8000-000000000001"
"""A group with people of its own and TREASURY_BACK_OFFICE within."""
TREASURY_BACK_OFFICE: Final = "7c0f5a0e-0000-4000-8000-000000000002"
EXTERNAL_AUDIT: Final = "7c0f5a0e-0000-4000-8000-000000000003"
"""A group that holds a billing role itself."""


def _person(number: int) -> str:
    return f"b0a1d000-0000-4000-8000-{number:012d}"


FEMKE_DE_BOER: Final = _person(1)
"""Accounts payable clerk, Finance, Contoso Nederland."""
JAN_VISSER: Final = _person(2)
"""Controller, Finance, Contoso Nederland."""
LUKAS_WEBER: Final = _person(3)
"""Accounts payable clerk, Finance, Contoso Deutschland; Invoice manager there already, by a portal's hand."""
CLAIRE_MARTIN: Final = _person(4)
"""Controller, Finance, Contoso France."""
OLIVER_SMITH: Final = _person(5)
"""Account manager, Sales, Contoso UK; Invoice manager of Contoso Nederland, by a portal's hand."""
ANOUK_PEETERS: Final = _person(6)
"""Accounts payable clerk, Finance, Contoso België."""
BREAK_GLASS: Final = _person(7)
"""The emergency account: protected, Invoice manager of Contoso Nederland and owner of Contoso Europe."""
GRACE_TAYLOR: Final = _person(8)
"""Controller, Finance, Contoso UK; disabled since she left, and still Invoice manager there by a portal's
hand."""
SANNE_BAKKER: Final = _person(9)
"""Treasurer, Finance, Contoso Shared Services; in TREASURY."""
MIKKEL_HANSEN: Final = _person(10)
"""Finance director, Finance, Fabrikam Nordics; Billing profile owner there, by a portal's hand."""

CAMILLE_VOS: Final = _person(221)
"""Signs in as an operator. Another Camille Vos works at Contoso as well."""
FELIX_SMIT: Final = _person(229)
"""Signs in as an operator."""

FELIX_CLIENT_ID: Final = "c0a1d000-0000-4000-8000-000000000101"
CAMILLE_CLIENT_ID: Final = "c0a1d000-0000-4000-8000-000000000102"
SANNE_CLIENT_ID: Final = "c0a1d000-0000-4000-8000-000000000103"
"""By which the tokens of the two operators and of SANNE_BAKKER, a reader, are asked for."""

AUDITOR_GUEST: Final = "b0a1d000-0000-4000-8000-000000009001"
"""A guest of Northwind Auditors: Invoice manager of Contoso UK, by a portal's hand."""
FINANCE_GUEST: Final = "b0a1d000-0000-4000-8000-000000009002"
"""A guest whose department is Finance and whose company is Contoso Nederland."""

DELETED_CONTROLLER: Final = "b0a1d000-0000-4000-8000-000000008001"
"""Formerly Controller of Contoso France; deleted, and findable in the deleted items alone."""
