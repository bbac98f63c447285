"""What billing says: accounts, profiles and role assignments, as facts.

Names and figures are Microsoft.Billing's (api-version 2024-04-01). What may be done about them is decided elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, overload

from shared.domain.keys import ProfileKey

INVOICE_MANAGER: Final = "40000000-aaaa-bbbb-cccc-100000000004"
"""The role definition of *Invoice manager* on a billing profile; the same in every tenant."""

OTHER_RECIPIENT_ROLES: Final = {
    "40000000-aaaa-bbbb-cccc-100000000000": "Billing profile owner",
    "40000000-aaaa-bbbb-cccc-100000000001": "Billing profile contributor",
    "40000000-aaaa-bbbb-cccc-100000000002": "Billing profile reader",
}
"""The other profile roles by which people receive the invoice by e-mail. Never written by us.

Source: "Download your Azure invoice", Microsoft Learn, section on e-mailed invoices.
"""

_LAST_DAY: Final = 31

ACCOUNT_ROLES: Final = {
    "50000000-aaaa-bbbb-cccc-100000000000": "Billing account owner",
    "50000000-aaaa-bbbb-cccc-100000000001": "Billing account contributor",
    "50000000-aaaa-bbbb-cccc-100000000002": "Billing account reader",
}
"""The roles at an account by which somebody may open every invoice of it. Never written by us.

None of them is named among those whose holders get the invoices by e-mail. Source: the roles' permissions, as recorded
from the service, and "Understand Microsoft Customer Agreement administrative roles", Microsoft Learn.
"""

MANAGED_AGREEMENTS: Final = frozenset({"microsoftcustomeragreement", "microsoftpartneragreement"})
"""The agreement types whose profiles know the Invoice manager role, lower-case."""


@dataclass(frozen=True, slots=True)
class BillingAccount:
    """A billing account. `agreement_type` and `status` are the service's words (`MicrosoftCustomerAgreement`)."""

    name: str
    display_name: str
    agreement_type: str
    status: str

    @property
    def is_manageable(self) -> bool:
        """Whether its profiles know the Invoice manager role: an active MCA or MPA account."""
        return self.agreement_type.lower() in MANAGED_AGREEMENTS and self.status.lower() == "active"


def manageable_of(accounts: Iterable[BillingAccount]) -> frozenset[str]:
    """The names, lower-case, of the accounts whose profiles know the Invoice manager role."""
    return frozenset(account.name.lower() for account in accounts if account.is_manageable)


@dataclass(frozen=True, slots=True)
class BillingProfile:
    """A billing profile as one complete answer shows it.

    `invoice_email_opt_in` is None where the answer does not say. `properties` is the whole `properties` object as it
    came over the wire, for the one write that must send every writable field back. Of a profile that was kept without
    it (the catalogue's) nothing is known of the currency, the invoice day and the addresses.

    These three rest no decision. A value there that is none of its kind is told to nobody: it is *not known*, and the
    profile is read all the same.
    """

    key: ProfileKey
    display_name: str
    status: str
    invoice_email_opt_in: bool | None
    tags: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_active(self) -> bool:
        """Whether new access and updates make sense on it: status Active."""
        return self.status.lower() == "active"

    @property
    def currency(self) -> str | None:
        """The currency that it is billed in, as the service writes it (`EUR`); None where that is not known."""
        match self.properties.get("currency"):
            case str(currency) if currency.strip():
                return currency.strip()
        return None

    @property
    def invoice_day(self) -> int | None:
        """The day of the month on which its invoice is made, 1 to 31; None where that is not known."""
        match self.properties.get("invoiceDay"):
            case bool():  # which Python takes for 0 and 1
                return None
            case int(day) if 1 <= day <= _LAST_DAY:
                return day
        return None

    @property
    def invoice_recipients(self) -> tuple[str, ...]:
        """The addresses that are set on it beside its roles, each once, in the service's order.

        Microsoft documents them as "the list of email addresses to receive invoices by email", and nowhere how they
        go with the roles.
        """
        match self.properties.get("invoiceRecipients"):
            case list(addresses):
                texts = (each.strip() for each in addresses if isinstance(each, str))
                return tuple(dict.fromkeys(each for each in texts if each))
        return ()


@dataclass(frozen=True, slots=True)
class Assignment:
    """A billing role assignment on a profile, whoever made it.

    `role` is the last segment of its role definition id, `principal_id` and `created_by` are object ids, all
    lower-case, and so is `principal_tenant`, the directory that knows the principal. The last four are None where the
    row does not carry them.
    """

    profile: ProfileKey
    name: str
    role: str
    principal_id: str
    principal_type: str | None = None
    created_by: str | None = None
    created_on: datetime | None = None
    principal_tenant: str | None = None

    @property
    def is_invoice_manager(self) -> bool:
        """Whether this is the one role that we ever write."""
        return self.role == INVOICE_MANAGER


@dataclass(frozen=True, slots=True)
class UnreadRow:
    """A row of a list that says too little to be anybody's assignment: its name, and what is wrong with it."""

    profile: ProfileKey
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Assignments(Sequence[Assignment]):
    """The assignments made at one profile, and the rows of the list that could not be read as one.

    Nothing may be concluded of an unread row, least of all that it is not there.
    """

    rows: tuple[Assignment, ...]
    unread: tuple[UnreadRow, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Assignment: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Assignment, ...]: ...

    def __getitem__(self, index: int | slice) -> Assignment | tuple[Assignment, ...]:
        """A row that was read, or several."""
        return self.rows[index]

    def __len__(self) -> int:
        """How many rows were read."""
        return len(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountAssignment:
    """A billing role assignment made at an account, whoever made it. Spelled as `Assignment` is."""

    account: str
    name: str
    role: str
    principal_id: str
    principal_type: str | None = None
    created_by: str | None = None
    created_on: datetime | None = None
    principal_tenant: str | None = None


@dataclass(frozen=True, slots=True)
class AccountAssignments:
    """The assignments made at one account, and the names of the rows of the list that could not be read as one."""

    rows: tuple[AccountAssignment, ...]
    unread: tuple[str, ...] = ()


class Written(StrEnum):
    """What became of a write that raised nothing."""

    DONE = "done"
    """The service says it is done (or accepted and finished)."""
    ALREADY = "already"
    """It was so before: the assignment existed (whoever made it), or was gone."""
    WOULD = "would"
    """Observed: nothing was written."""
