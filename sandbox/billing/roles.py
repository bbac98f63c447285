"""The fixed billing roles, what each permits, and which named action needs which permission.

What lives here: constants of the service, as recorded from it (Azure CLI's test recordings of api-version
2024-04-01) or, for enterprise agreements, as documented, and look-ups in them. No state, no HTTP.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

type ScopeKind = Literal["account", "profile", "enterprise"]
"""Which set of roles a scope offers; `enterprise` is the account of an Enterprise Agreement."""


@dataclass(frozen=True, slots=True)
class Role:
    """A billing role: its definition's name (a guid), its title, and the permissions it gives."""

    guid: str
    title: str
    description: str
    actions: tuple[str, ...]


def _guids(prefix: str, numbers: Iterable[int]) -> tuple[str, ...]:
    return tuple(f"{prefix}0000000-aaaa-bbbb-cccc-2000000000{number:02d}" for number in numbers)


_SECTION_WRITE = (1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 18)
_PROFILE_WRITE = (1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13)
_ACCOUNT_WRITE = (1, 2, 3, 4, 6, 7, 8)
_ORGANISATION = _guids("1", (1, 2, 3, 6, 7))

ASSIGN_ON_ACCOUNT = _guids("5", (0,))[0]
READ_ACCOUNT = _guids("5", (1,))[0]
UPDATE_ACCOUNT = _guids("5", (2,))[0]
ASSIGN_ON_PROFILE = _guids("4", (0,))[0]
UPDATE_PROFILE = _guids("4", (1,))[0]
READ_PROFILE = _guids("4", (6,))[0]
READ_INVOICES = _guids("4", (7,))[0]

ACCOUNT_OWNER = "50000000-aaaa-bbbb-cccc-100000000000"
PROFILE_OWNER = "40000000-aaaa-bbbb-cccc-100000000000"
INVOICE_MANAGER = "40000000-aaaa-bbbb-cccc-100000000004"
ENTERPRISE_ADMINISTRATOR = "9f1983cb-2574-400c-87e9-34cf8e2280db"

BASIC_PURCHASER = Role(
    "50000000-aaaa-bbbb-cccc-100000000003",
    "Basic Purchaser",
    "The Purchaser role gives the user permissions to make purchases by creating new Projects and"
    " Billing Groups in an organization.",
    (*_guids("1", (6, 7)), *_guids("5", (1, 6))),
)

_EA = "Microsoft.Billing/billingAccounts/"
_EA_READ = (
    f"{_EA}read",
    f"{_EA}enrollmentPolicies/read",
    f"{_EA}departments/read",
    f"{_EA}enrollmentAccounts/read",
)

READ_ENTERPRISE = f"{_EA}read"
UPDATE_ENTERPRISE = f"{_EA}write"

ROLES: Mapping[ScopeKind, tuple[Role, ...]] = {
    "account": (
        Role(
            ACCOUNT_OWNER,
            "Billing account owner",
            "The Owner role gives the user all permissions including access management on the Organization.",
            (
                *_guids("5", (0, *_ACCOUNT_WRITE, 5)),
                *_ORGANISATION,
                *_guids("3", (0, *_SECTION_WRITE)),
                *_guids("4", (0, *_PROFILE_WRITE)),
            ),
        ),
        Role(
            "50000000-aaaa-bbbb-cccc-100000000001",
            "Billing account contributor",
            "The Contributor role gives the user all permissions except access management on the organization.",
            (
                *_guids("5", (*_ACCOUNT_WRITE, 5)),
                *_ORGANISATION,
                *_guids("3", _SECTION_WRITE),
                *_guids("4", _PROFILE_WRITE),
            ),
        ),
        Role(
            "50000000-aaaa-bbbb-cccc-100000000002",
            "Billing account reader",
            "The Reader role gives the user read permissions to an organization.",
            (
                *_guids("5", (1, 6, 7)),
                *_guids("1", (3,)),
                *_guids("5", (5,)),
                *_guids("3", (1, 4, 7, 10, 15, 17)),
                *_guids("4", (6, 7, 8, 12)),
            ),
        ),
    ),
    "profile": (
        Role(
            PROFILE_OWNER,
            "Billing profile owner",
            "The Owner role gives the user all permissions including access management rights to the Billing Group.",
            (*_guids("4", (0, *_PROFILE_WRITE)), *_guids("3", (0, *_SECTION_WRITE))),
        ),
        Role(
            "40000000-aaaa-bbbb-cccc-100000000001",
            "Billing profile contributor",
            "The Contributor role gives the user all permissions except access management rights to the Billing Group.",
            (*_guids("4", _PROFILE_WRITE), *_guids("3", _SECTION_WRITE)),
        ),
        Role(
            "40000000-aaaa-bbbb-cccc-100000000002",
            "Billing profile reader",
            "The Reader role gives the user read only access to the Billing Group.",
            (*_guids("4", (6, 7, 8, 12)), *_guids("3", (1, 7, 4, 15, 17))),
        ),
        Role(
            INVOICE_MANAGER,
            "Invoice manager",
            "The Invoice Manager role gives the user the ability to view and manage invoices.",
            (*_guids("4", (7, 6, 11, 8, 12, 13)), *_guids("3", (1,))),
        ),
    ),
    "enterprise": (
        Role(
            ENTERPRISE_ADMINISTRATOR,
            "Enterprise administrator",
            "The Enterprise administrator role gives the user all permissions on the enrollment.",
            (
                *_EA_READ,
                f"{_EA}write",
                f"{_EA}action",
                f"{_EA}departments/write",
                f"{_EA}enrollmentAccounts/write",
            ),
        ),
        Role(
            "24f8edb6-1668-4659-b5e2-40bb5f3a7d7e",
            "Enterprise administrator (read only)",
            "The EnrollmentReader role gives the user read permissions on the enrollment.",
            _EA_READ,
        ),
        Role(
            "da6647fb-7651-49ee-be91-c43c4877f0c4",
            "EA purchaser",
            "The EA purchaser role gives the user permissions to make purchases on the enrollment.",
            (f"{_EA}read", f"{_EA}purchase/action"),
        ),
    ),
}

_PROFILES = "Microsoft.Billing/billingAccounts/billingProfiles/"

NAMED_ACTIONS: Mapping[str, str] = {
    name.casefold(): permission
    for name, permission in {
        f"{_EA}read": READ_ACCOUNT,
        f"{_EA}write": UPDATE_ACCOUNT,
        f"{_EA}billingRoleAssignments/read": READ_ACCOUNT,
        f"{_EA}billingRoleAssignments/delete": ASSIGN_ON_ACCOUNT,
        f"{_EA}createBillingRoleAssignment/action": ASSIGN_ON_ACCOUNT,
        f"{_EA}billingProfiles/read": READ_PROFILE,
        f"{_EA}billingProfiles/write": UPDATE_PROFILE,
        f"{_PROFILES}billingRoleAssignments/read": READ_PROFILE,
        f"{_PROFILES}billingRoleAssignments/delete": ASSIGN_ON_PROFILE,
        f"{_PROFILES}createBillingRoleAssignment/action": ASSIGN_ON_PROFILE,
        f"{_PROFILES}invoices/read": READ_INVOICES,
        f"{_PROFILES}invoices/download/action": READ_INVOICES,
    }.items()
}
"""Which permission a named action needs, by the action's case-folded name. Names as the tenant's activity log
and the usual pattern have them; the guids behind them are inferred from who may do what."""


def roles_of(kind: ScopeKind, *, basic_purchaser: bool = False) -> tuple[Role, ...]:
    """The roles that a scope offers."""
    return (*ROLES[kind], BASIC_PURCHASER) if kind == "account" and basic_purchaser else ROLES[kind]


def find_role(kind: ScopeKind, name: str) -> Role | None:
    """The role with this guid or title at this kind of scope, case-insensitively; None when there is none."""
    wanted = name.casefold()
    every = roles_of(kind, basic_purchaser=True)
    return next((role for role in every if wanted in {role.guid, role.title.casefold()}), None)
