"""What nobody knows of the real Graph, and what it does only on bad days: one switch each.

Lives here: the switches with their defaults and reasons. They may be turned while a stand-in runs; the code
that obeys them is elsewhere.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Switches:
    """How this stand-in decides where the documentation does not, and which bad days it has."""

    replica_lag_seconds: float = 0.0
    """Reads see a change only so many seconds after it was made. Graph documents that its reads trail its
    writes and its own notifications, and no figure (seconds are usual, minutes happen). Off by default."""

    identity_lag_seconds: float = 0.0
    """How long a new managed identity is known to nobody but its maker. Clients wait half a minute and more; no figure
    is documented. Off by default."""

    permission_lag_seconds: float = 0.0
    """How long an application permission that was assigned or taken away does not count yet. Up to 24 h for a managed
    identity, whose tokens the platform keeps. Off by default: a sandbox is rarely about this."""

    null_is_comparable: bool = True
    """Whether `department ne 'x'` and `not (department eq 'x')` list people without a department. OData says
    that null is unequal to every value, so they do; nobody documents it for the directory. False makes null
    unknown, so that neither lists them."""

    page_only_filters: bool = True
    """Whether operators work that a property's own page lists and the table of filter support leaves out:
    jobTitle startsWith, employeeId in, `not` on most, all of employeeLeaveDateTime. When on, they ask for
    advanced parameters, as the table asks of nearly everything that is not plain equality."""

    cast_needs_advanced: bool = True
    """Whether `/transitiveMemberOf/microsoft.graph.group` and `/transitiveMembers/microsoft.graph.user` are
    refused without ConsistencyLevel and `$count=true`. The documentation says so; scripts are seen that do
    without."""

    hire_date_needs_permission: bool = True
    """Whether employeeHireDate, too, is null without User-LifeCycleInfo.Read.All. The page says so of the leave date
    only; a recording has both null."""

    deleted_select_needs_cast: bool = False
    """Whether `/directory/deletedItems/{id}` refuses `$select` of user properties without the cast to
    microsoft.graph.user. Strict OData would; no page shows it."""

    get_by_ids_needs_directory: bool = False
    """Whether `/directoryObjects/getByIds` is refused without Directory.Read.All, as its table of permissions says. Its
    own page also says that objects of a kind that the app may not read come with type and id alone, and a report on it
    that User.Read.All suffices for users. Off, as reported."""

    get_by_ids_refuses: str | None = None
    """A property that `/directoryObjects/getByIds` does not let anybody select, because a directory object as such has
    none of that name. Clients were seen to select userPrincipalName, userType and accountEnabled there."""

    most_or_clauses: int | None = 15
    """How many values `in`, or clauses joined by `or`, one plain filter may have: 15 by the filter page, 10
    seen before it. Quoted of requests without advanced parameters only. None: no limit."""

    highest_filter: int | None = 3
    """How high the tree of a plain filter may be, a single comparison being 1: 3 by the service's own refusals, of
    requests without advanced parameters. How it counts chains is not said; here a chain of one operator is one level,
    and `not` is one as well. None: no limit."""

    longest_advanced_url: int | None = 2048
    """How long the URL of an advanced query may be, in characters, as it would be on graph.microsoft.com: the whole
    of it, as the owner of the filter page said, a nextLink's too. What the refusal looks like is unknown. None: no
    limit."""

    empty_pages: bool = False
    """Whether an empty page with a nextLink stands before every page. Documented as possible; how often,
    nobody says. Off by default."""

    foreign_next_link: str | None = None
    """A scheme and authority (`https://graph.example`) that nextLinks point to instead of this stand-in. The
    real service never does it; a client that follows gives its token away."""

    odd_values: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What answers say of single objects instead of what is held of them: property values by object id. Directories
    that are fed by others were seen to hold what their own API refuses to write; which, nobody says."""

    stale_members: dict[str, list[str]] = field(default_factory=dict)
    """What a group's lists of members show, by ids of group and members, instead of whom it has. Lists of members that
    are advanced queries come from an index, which was seen to be days behind; `checkMemberGroups` is not."""

    page_token_lifetime_seconds: float | None = None
    """After how many seconds a `$skiptoken` is refused with Directory_ExpiredPageToken. Minutes, as observed;
    no figure is documented. None: never."""

    throttle: bool = False
    """Whether resource units are counted and requests beyond them answered with 429. Off by default: a
    sandbox is rarely about this."""

    throttle_percentage: bool = False
    """Whether answers near the limit say how near, in x-ms-throttle-limit-percentage, as documented. Off: somebody who
    measured the limit never saw it, not even while 429 came."""

    resource_units_per_10_seconds: int | None = None
    """The limit for one app in the tenant. None: the documented one for the tenant's size (3,500 below 50
    users, 5,000 to 500, 8,000 above)."""

    retry_after_seconds: int | None = 10
    """What a 429 says in Retry-After. 0, 1 and 200 are seen; None leaves the header away, as some services
    do."""
