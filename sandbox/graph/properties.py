"""What Graph v1.0 knows about users and groups: properties, types, limits, and what `$filter` may ask.

Lives here: tables and the questions one may ask them. No state, no requests.

Sources: the user and group resource pages of Microsoft Graph v1.0, and the table of filter support in
https://learn.microsoft.com/graph/aad-advanced-queries (user properties, as of docs commit 0a8bce95).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final


class Kind(Enum):
    """The type of a property's value."""

    STRING = "Edm.String"
    BOOLEAN = "Edm.Boolean"
    INTEGER = "Edm.Int32"
    DATE_TIME = "Edm.DateTimeOffset"
    STRINGS = "Collection(Edm.String)"
    COMPLEX = "a complex type"
    COMPLEXES = "a collection of complex types"


class Support(Enum):
    """What it takes to use an operator on a property in `$filter`."""

    DEFAULT = "any request"
    ADVANCED = "ConsistencyLevel: eventual and $count=true"
    PAGE_ONLY = "the resource page lists it, the table of filter support does not"
    NEVER = "not supported"


@dataclass(frozen=True, slots=True)
class Property:
    """One property of a resource.

    `operators` says what `$filter` may do: of `eq ne not ge le in startsWith endsWith null`, where `null` is
    a comparison with null and `not` a negation of something that uses the property.
    """

    name: str
    kind: Kind = Kind.STRING
    max_length: int | None = None
    read_only: bool = False
    in_directory: bool = True
    operators: Mapping[str, Support] = field(default_factory=dict)

    def support(self, operator: str) -> Support:
        """What it takes to use that operator on this property."""
        return self.operators.get(operator, Support.NEVER)


@dataclass(frozen=True, slots=True)
class Resource:
    """A type of directory object, as Graph describes it."""

    name: str
    segment: str
    properties: Mapping[str, Property]
    by_default: tuple[str, ...]

    @property
    def title(self) -> str:
        """The name as the directory's own error messages write it: `User`."""
        return self.name.capitalize()

    def find(self, name: str) -> Property | None:
        """The property of that name, in any case, as Graph reads names in queries."""
        return self.properties.get(name) or next(
            (found for found in self.properties.values() if found.name.lower() == name.lower()), None
        )


def _operators(default: str, advanced: str, page_only: str) -> dict[str, Support]:
    return {
        **dict.fromkeys(default.split(), Support.DEFAULT),
        **dict.fromkeys(advanced.split(), Support.ADVANCED),
        **dict.fromkeys(page_only.split(), Support.PAGE_ONLY),
    }


def _filterable(
    name: str,
    default: str = "",
    advanced: str = "",
    *,
    page_only: str = "",
    kind: Kind = Kind.STRING,
    max_length: int | None = None,
    read_only: bool = False,
) -> Property:
    # Where the table leaves `not` out, the property's own page has it.
    operators = {"not": Support.PAGE_ONLY, **_operators(default, advanced, page_only)}
    return Property(name, kind, max_length, read_only=read_only, operators=operators)


_RANGED: Final = "eq ge le in startsWith"
_ALL_ADVANCED: Final = "eq ne ge le in startsWith null"

_USER_FILTERABLE: Final = (
    _filterable("accountEnabled", "eq in", "ne not ge le", kind=Kind.BOOLEAN),
    _filterable("ageGroup", "eq in", "ne not"),
    _filterable("city", "eq ge in startsWith", "ne not null", max_length=128),
    _filterable("companyName", "", f"{_ALL_ADVANCED} not", max_length=64),
    _filterable("country", _RANGED, "ne not null", max_length=128),
    _filterable("createdDateTime", "eq ge le", "ne not in", kind=Kind.DATE_TIME, read_only=True),
    _filterable("creationType", "eq in", "ne not", read_only=True),
    _filterable("deletedDateTime", "eq ge le", "ne not in", kind=Kind.DATE_TIME, read_only=True),
    _filterable("department", _RANGED, "ne not null", max_length=64),
    _filterable("displayName", "eq in startsWith", "ne not null", max_length=256),
    _filterable("employeeHireDate", "", "eq ne ge le in", kind=Kind.DATE_TIME),
    _filterable("employeeId", "eq startsWith", "ne le null", page_only="in", max_length=16),
    _filterable("employeeLeaveDateTime", page_only="eq ne ge le in", kind=Kind.DATE_TIME),
    _filterable("employeeType", "", "eq ne ge le in startsWith"),
    _filterable("externalUserState", page_only="eq ne in"),
    _filterable("givenName", _RANGED, "ne null", max_length=64),
    _filterable("id", "eq in", "ne not", read_only=True),
    _filterable("isResourceAccount", "eq", "ne", kind=Kind.BOOLEAN, read_only=True),
    _filterable("jobTitle", "eq ge le in", "ne null", page_only="startsWith", max_length=128),
    _filterable("mail", _RANGED, "ne endsWith", page_only="null"),
    _filterable("mailNickname", _RANGED, "ne null", max_length=64),
    _filterable("mobilePhone", "", _ALL_ADVANCED, max_length=64),
    _filterable("officeLocation", "", _ALL_ADVANCED, max_length=128),
    _filterable("onPremisesExtensionAttributes", "", "eq ne ge le in", kind=Kind.COMPLEX, max_length=1024),
    _filterable("onPremisesImmutableId", "", "eq ne ge le in"),
    _filterable("onPremisesSyncEnabled", "eq in", "ne ge le", page_only="null", kind=Kind.BOOLEAN, read_only=True),
    _filterable("postalCode", "", _ALL_ADVANCED, max_length=40),
    _filterable("preferredLanguage", "", _ALL_ADVANCED),
    _filterable("showInAddressList", "", "eq ne ge le in", kind=Kind.BOOLEAN),
    _filterable("state", _RANGED, "ne null", max_length=128),
    _filterable("streetAddress", "", _ALL_ADVANCED, max_length=1024),
    _filterable("surname", _RANGED, "ne null", max_length=64),
    _filterable("usageLocation", _RANGED, "ne"),
    _filterable("userPrincipalName", "eq le in startsWith", "ne endsWith"),
    _filterable("userType", "eq in", "ne not null"),
)

_USER_OTHERS: Final = (
    Property("assignedPlans", Kind.COMPLEXES, read_only=True),
    Property("businessPhones", Kind.STRINGS),
    Property("employeeOrgData", Kind.COMPLEX),
    Property("externalUserStateChangeDateTime", Kind.DATE_TIME, read_only=True),
    Property("faxNumber"),
    Property("identities", Kind.COMPLEXES),
    Property("imAddresses", Kind.STRINGS, read_only=True),
    Property("lastPasswordChangeDateTime", Kind.DATE_TIME, read_only=True),
    Property("legalAgeGroupClassification", read_only=True),
    Property("consentProvidedForMinor"),
    Property("onPremisesDistinguishedName", read_only=True),
    Property("onPremisesDomainName", read_only=True),
    Property("onPremisesLastSyncDateTime", Kind.DATE_TIME, read_only=True),
    Property("onPremisesSamAccountName", read_only=True),
    Property("onPremisesSecurityIdentifier", read_only=True),
    Property("onPremisesUserPrincipalName", read_only=True),
    _filterable("otherMails", "eq in startsWith", "ne endsWith", kind=Kind.STRINGS),
    Property("passwordPolicies"),
    Property("passwordProfile", Kind.COMPLEX),
    Property("preferredDataLocation"),
    _filterable("proxyAddresses", "eq ge le startsWith", "endsWith", kind=Kind.STRINGS, read_only=True),
    Property("securityIdentifier", read_only=True),
    Property("signInSessionsValidFromDateTime", Kind.DATE_TIME, read_only=True),
)

# These live in SharePoint, not in the directory: one user may be asked for them, a collection may not.
_USER_ELSEWHERE: Final = (
    Property("aboutMe", in_directory=False),
    Property("birthday", Kind.DATE_TIME, in_directory=False),
    Property("hireDate", Kind.DATE_TIME, in_directory=False),
    Property("interests", Kind.STRINGS, in_directory=False),
    Property("mySite", in_directory=False),
    Property("pastProjects", Kind.STRINGS, in_directory=False),
    Property("preferredName", in_directory=False),
    Property("responsibilities", Kind.STRINGS, in_directory=False),
    Property("schools", Kind.STRINGS, in_directory=False),
    Property("skills", Kind.STRINGS, in_directory=False),
)

_GROUP: Final = (
    _filterable("id", "eq in", "ne not", read_only=True),
    _filterable("deletedDateTime", "eq ge le", "ne not in", kind=Kind.DATE_TIME, read_only=True),
    Property("classification"),
    _filterable("createdDateTime", "eq ge le", "ne not in", kind=Kind.DATE_TIME, read_only=True),
    _filterable("description", "eq ge le startsWith", "ne not null"),
    _filterable("displayName", "eq ge le in startsWith", "ne not null", max_length=256),
    Property("groupTypes", Kind.STRINGS),
    Property("isAssignableToRole", Kind.BOOLEAN),
    _filterable("mail", "eq ge le in startsWith", "ne not null endsWith", read_only=True),
    _filterable("mailEnabled", "eq in", "ne not", kind=Kind.BOOLEAN),
    _filterable("mailNickname", "eq ge le in startsWith", "ne not null", max_length=64),
    Property("membershipRule"),
    Property("onPremisesSyncEnabled", Kind.BOOLEAN, read_only=True),
    Property("proxyAddresses", Kind.STRINGS, read_only=True),
    _filterable("securityEnabled", "eq in", "ne not", kind=Kind.BOOLEAN),
    Property("securityIdentifier", read_only=True),
    Property("visibility"),
)


def _by_name(*rows: Property) -> dict[str, Property]:
    return {row.name: row for row in rows}


USER: Final = Resource(
    "user",
    "users",
    _by_name(*_USER_FILTERABLE, *_USER_OTHERS, *_USER_ELSEWHERE),
    (
        "businessPhones",
        "displayName",
        "givenName",
        "jobTitle",
        "mail",
        "mobilePhone",
        "officeLocation",
        "preferredLanguage",
        "surname",
        "userPrincipalName",
        "id",
    ),
)
"""The user resource; the eleven properties that come without `$select`."""

GROUP: Final = Resource("group", "groups", _by_name(*_GROUP), tuple(row.name for row in _GROUP))
"""The group resource; all of its properties here come without `$select`."""

EXTENSION_ATTRIBUTES: Final = tuple(f"extensionAttribute{number}" for number in range(1, 16))
"""The members of onPremisesExtensionAttributes, all of them always present in an answer."""

COMPLEX_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "onPremisesExtensionAttributes": EXTENSION_ATTRIBUTES,
    "employeeOrgData": ("costCenter", "division"),
    "passwordProfile": (
        "forceChangePasswordNextSignIn",
        "forceChangePasswordNextSignInWithMfa",
        "password",
    ),
}
"""The members of the complex properties that may be written."""

LEAVE_DATE: Final = "employeeLeaveDateTime"
"""The property with a permission of its own, to read and to write."""

HIRE_DATE: Final = "employeeHireDate"
"""To read it takes the leave date's permission, too."""
