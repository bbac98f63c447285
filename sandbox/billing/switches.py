"""What nobody outside Microsoft knows about the billing service: switches with defaults and reasons.

What lives here: the `Switches` and nothing that acts on them. A behaviour that is published or was recorded
from the real service is no switch: it is built in. A client must work with every setting of every switch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter

type Seconds = Annotated[float, Field(ge=0)]
type Polls = Annotated[int, Field(ge=0)]
type WholeSeconds = Annotated[int, Field(ge=1)]
type Count = Annotated[int, Field(ge=1)]
type Rate = Annotated[float, Field(gt=0)]
type ClientError = Annotated[int, Field(ge=400, le=499)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """Every open question about the billing service; replace the model's whole set to turn one."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=False)  # read by pydantic's TypeAdapter

    # -- errors
    error_bodies: Literal["bare", "wrapped"] = "bare"
    """How the service shapes its own errors: bare `{"code", "message"}`, or wrapped in `error` as its specification
    says and Azure Resource Manager does. Bare, as recorded from 2020 to 2024; nobody has recorded one under this
    version."""

    # -- access
    stranger: Literal["no-claims", "unauthorized", "forbidden"] = "no-claims"
    """What a caller without any billing role on the scope gets: 401 "No claims present", the same 401 in other
    words, or 403. First and last were reported for the same situation; 401 is the default because clients mistake
    it for a token problem. Nobody knows whether its words are always those."""

    check_access_answers: bool = True
    """Whether checkAccess says Allowed on customer and partner agreements. Positive answers were recorded for
    enterprise agreements only. On, because that is the documented purpose; off, everything is NotAllowed."""

    # -- creating an assignment
    create_status: Literal[200, 201, 202] = 200
    """Whether a create is done at once or answered 202 with a Location. Both are in the specification and
    nobody says when which happens. 200 is the default because it is the specification's first example. 201 was
    recorded in 2020."""

    create_seconds: Seconds = 5.0
    """Seconds until a create answered with 202 is done. The specification's example asks to retry after 5."""

    create_polls: Polls = 0
    """How many polls of a create are answered 202 whatever the time. 0: time alone decides."""

    create_retry_after_seconds: WholeSeconds = 5
    """Retry-After of a create answered with 202, as in the specification's example."""

    duplicate: Literal["existing", "conflict"] = "existing"
    """What creating an assignment that is there already answers: 200 with the existing one, or 409. Not
    documented. 200, because the name is a function of role and principal."""

    created_by_service_principal: Literal["object-id", "absent", "empty"] = "object-id"
    """Whether rows that a service principal or managed identity creates carry createdByPrincipalId and its
    tenant. Present in the one answer to such a create that was recorded (2020). Rows of which nobody is the maker
    were recorded with empty strings there, not without them."""

    whole_second_timestamps: bool = True
    """Whether createdOn is cut to the second by list, get and resolve. Every recorded row of a customer agreement ends
    in `.0000000Z`, though the answer to a create had seven digits. On, as recorded: a createdOn may lie before the
    request that caused it. Rows of enterprise agreements were recorded with their fraction."""

    unknown_principal_status: ClientError = 400
    """Status for a principal that the tenant does not know. Not documented; 400 like the service's other
    validation, as ProblemDetails. 404 is its own "The resource or one of its dependencies could not be found"; any
    other says `PrincipalNotFound`."""

    grants_visible_after_seconds: Seconds = 0.0
    """How long a new assignment stays invisible to list, get and resolve. Nothing is published for these
    agreements (more than 30 minutes for enterprise ones). 0, so that a test asks for the delay it is
    about."""

    revokes_visible_after_seconds: Seconds = 0.0
    """How long a deleted assignment stays visible to list, get and resolve. As unknown as the former, and 0
    likewise."""

    # -- deleting an assignment
    last_owner_status: ClientError = 400
    """Status for removing the last owner of a scope. That it is not allowed is documented, the code is
    not."""

    # -- updating a profile
    update_status: Literal[200, 201, 202] = 202
    """How PUT of a profile answers: done (200), or 201 with body or 202 without, both with a Location. All
    three are in the specification. 202, because it is the one that shows a client reading too early."""

    update_seconds: Seconds = 10.0
    """Seconds until an update or a deletion of a profile that was not answered at once is done; the example
    says 10."""

    update_polls: Polls = 0
    """How many polls of an update are answered 202 whatever the time."""

    update_retry_after_seconds: WholeSeconds = 10
    """Retry-After of an update, as in the specification's example."""

    update_replaces: bool = False
    """Whether PUT drops what its body omits (replace) or keeps it (merge). It merged when recorded, in 2020. The
    specification's template says replace, and no document promises that anything survives."""

    creation_needs_payment: bool = False
    """Whether creating a profile takes the header X-Ms-Payment-Method-Id. It was recorded without; a public example
    sends it."""

    read_only_refused: bool = True
    """Whether soldTo and currentPaymentTerm in a PUT are refused with 400. Reported for 2024-08-01-preview
    only; on, because it is the harsher assumption. Off, they are ignored."""

    tags_in: Literal["envelope", "properties"] = "envelope"
    """Where a profile's tags are read and written; the schema has both places and no example fills either.
    The envelope is where Azure's resources keep them."""

    # -- resolving assignments
    resolve_seconds: Seconds = 5.0
    """Seconds until a resolve is done; about five were recorded."""

    resolve_polls: Polls = 1
    """How many polls of a resolve are answered 202 whatever the time; one was recorded."""

    resolve_retry_after_seconds: WholeSeconds = 5
    """Retry-After of a resolve, as in the specification's example."""

    # -- long-running operations
    operation_failure_status: ClientError | None = None
    """When set, operations started from then on fail with this status at their end and change nothing. The
    contract has no failure payload, so the body is an ordinary ARM error."""

    operation_kept_seconds: Seconds = 3600.0
    """How long the result of an operation can be read after it was started; 404 afterwards. Not
    documented."""

    operation_results_under: Literal["account", "profile"] = "account"
    """Under which scope the Location of a profile's operation lies. Recorded under the account; the
    specification's examples of create and resolve put it under the profile."""

    signed_locations: bool = True
    """Whether a Location carries a signature of some 5 KB that must come back untouched. Recorded so; the
    specification's examples are short."""

    # -- lists
    page_size: Count = 50
    """Items per page, recorded for invoices; the maximum of `top` is documented as 50 as well."""

    assignments_on_one_page: bool = True
    """Whether lists of role assignments are never paged. 36 and more than 100 rows were recorded on one page. Off,
    they are paged as other lists."""

    next_links: Literal["relative", "absolute"] = "relative"
    """How a page links to the next: recorded was a path with a query whose spaces are not encoded. Azure's guidelines
    ask for a whole address."""

    total_count: bool = True
    """Whether lists say how many items there are, before the items, as recorded in 2024 and 2025. Lists of profiles
    recorded in 2020 do not. Lists of role assignments never do."""

    empty_first_page: bool = False
    """Whether a list that has items begins with an empty page and a nextLink, as ARM allows and some services
    do."""

    assignments_honour_top: bool = True
    """Whether lists of role assignments obey `top` and `skip`. The specification lists them; the Azure CLI's
    own tests say that they are not supported. Off, they are ignored."""

    undocumented_query: Literal["refused", "ignored"] = "refused"
    """What `filter`, `orderBy`, `search`, `count` and `expand` do. Their grammar is documented nowhere;
    refused with 400, so that nothing gets built on a guess. No setting obeys them."""

    duplicate_role_definitions: bool = False
    """Whether a list of role definitions repeats an entry, as the specification's own example does; not so
    when recorded."""

    basic_purchaser: bool = False
    """Whether accounts offer the role Basic Purchaser: in the specification's example, absent when
    recorded."""

    # -- enterprise and other agreements
    unmanaged_profiles: Literal["unprocessable", "readable"] = "unprocessable"
    """What billing profiles of an account with another agreement answer: 422 to everything, or their reads
    work and the rest is 422. Their addresses exist and their operations are documented for customer and
    partner agreements only; 422 is what the service says elsewhere then."""

    # -- throttling
    throttled_with_retry_after: bool = True
    """Whether a 429 carries Retry-After. ARM's do; a sibling service's wrote the wait into the message
    only."""

    reads_bucket: Count = 250
    """Reads a principal may burst: ARM's published tenant limit."""

    reads_per_second: Rate = 25.0
    """Refill of the former, as published."""

    own_requests_bucket: Count | None = None
    """Reads that the service itself lets a principal burst, told in a header of its own beside ARM's. None: it has no
    such limit. Both were recorded: a list with 98 left, and one that told of ARM's limit alone."""

    own_requests_per_second: Rate = 25.0
    """Refill of the former: not published, taken from ARM's reads."""

    writes_bucket: Count = 200
    """Writes a principal may burst: ARM's published tenant limit, and recorded (199 remaining)."""

    writes_per_second: Rate = 10.0
    """Refill of the former, as published."""

    deletes_bucket: Count = 200
    """Deletes a principal may burst: ARM's published tenant limit."""

    deletes_per_second: Rate = 10.0
    """Refill of the former, as published."""

    check_access_bucket: Count | None = None
    """checkAccess calls a principal may burst; None counts them with the writes. 799 remaining were recorded, but in a
    month in which other writes had 799 left as well."""

    check_access_per_second: Rate = 10.0
    """Refill of the former: not published, taken from the other writes."""


_READER = TypeAdapter(Switches)


def read_switches(given: Mapping[str, Any]) -> Switches:
    """The switches that a JSON object describes; what it leaves out keeps its default.

    Raises:
        pydantic.ValidationError: naming every unknown switch and every value that is out of range.
    """
    return _READER.validate_python(dict(given))
