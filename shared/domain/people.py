"""What the directory says of a person: complete facts, or the evidence that they are gone.

Only facts live here; what they mean is for `employment` and `decide`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shared.domain.keys import NameKind

TEXT_ATTRIBUTES: Final = (
    "department",
    "jobTitle",
    "companyName",
    "employeeType",
    "employeeId",
    "officeLocation",
    "city",
    "state",
    "country",
    "usageLocation",
    "userPrincipalName",
    "mail",
    *(f"onPremisesExtensionAttributes/extensionAttribute{n}" for n in range(1, 16)),
)
"""The attributes a rule's `who` may test, as Graph names them.

Source: Microsoft Graph, "Advanced query capabilities on directory objects", user properties that support `$filter`.
"""

PERSONAL_ATTRIBUTES: Final = frozenset({"userPrincipalName", "mail", "employeeId"})
"""Those of them that name one person: their texts belong in no finding, and no two people share one by a slip."""

SELECT: Final = (
    "id",
    "displayName",
    "accountEnabled",
    "userType",
    "employeeHireDate",
    "employeeLeaveDateTime",
    "onPremisesExtensionAttributes",
    *(name for name in TEXT_ATTRIBUTES if "/" not in name),
)
"""What every read of a person selects. An answer without one of these has read nothing."""


_PROBLEMS_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Person:
    """A person as one complete directory answer shows them.

    `attributes` maps every name of `TEXT_ATTRIBUTES` to its text, or None where the directory holds none. `groups`
    are those of the asked-for groups that the person is in, directly or through others, lower-case.
    """

    object_id: str
    account_enabled: bool | None
    user_type: str | None
    hire_date: datetime | None
    leave_date: datetime | None
    attributes: Mapping[str, str | None]
    groups: frozenset[str] = frozenset()
    display_name: str | None = field(default=None, compare=False)

    @property
    def user_principal_name(self) -> str | None:
        """The UPN, or None."""
        return self.attributes.get("userPrincipalName")

    @property
    def can_read_mail(self) -> bool:
        """Whether mail reaches them, as far as the directory says: an account that is not disabled, with a mailbox."""
        return self.account_enabled is not False and bool((self.attributes.get("mail") or "").strip())

    @property
    def is_guest(self) -> bool:
        """Whether this is an account of another tenant, or a guest: userType says so, or the UPN carries `#EXT#`."""
        return (self.user_type or "").lower() == "guest" or "#ext#" in (self.user_principal_name or "").lower()

    @property
    def is_external_member(self) -> bool:
        """Whether another tenant's account is a member here, as cross-tenant synchronization makes colleagues."""
        return self.is_guest and (self.user_type or "").lower() == "member"

    @property
    def names(self) -> Mapping[NameKind, str]:
        """What senders may call this person, lower-case; a name that is not there, or blank, is left out."""
        names = {
            NameKind.UPN: self.attributes.get("userPrincipalName"),
            NameKind.MAIL: self.attributes.get("mail"),
            NameKind.EMPLOYEE_ID: self.attributes.get("employeeId"),
        }
        return {kind: name.strip().lower() for kind, name in names.items() if name and name.strip()}


@dataclass(frozen=True, slots=True)
class UnreadablePerson:
    """Somebody whom the directory answered about, with attributes that do not fit: nothing is concluded from them.

    `account_enabled` is what the answer says, None where that does not fit; False makes a leaver, whatever else is odd.
    `problems` name each attribute and what is wrong with it, never its value. `withheld` are the
    attributes that were asked for and are not in the answer: of everybody at once that is a failed read.
    """

    object_id: str
    account_enabled: bool | None
    problems: tuple[str, ...]
    withheld: frozenset[str] = frozenset()

    @property
    def why(self) -> str:
        """What is wrong, in one line."""
        shown, hidden = self.problems[:_PROBLEMS_SHOWN], len(self.problems[_PROBLEMS_SHOWN:])
        return "; ".join(shown) + (f" and {hidden} more" if hidden else "")


@dataclass(frozen=True, slots=True)
class DeletedPerson:
    """A person whom `/directory/deletedItems` showed: strong evidence of a leaver. `deleted` is when, where it says."""

    object_id: str
    deleted: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class AbsentPerson:
    """An object id that neither the directory nor its deleted items know: weak evidence of a leaver."""

    object_id: str


type ListedPerson = Person | UnreadablePerson
"""Somebody in a listing."""

type PersonRead = ListedPerson | DeletedPerson | AbsentPerson
"""What one finished read of the directory says of one object id."""
