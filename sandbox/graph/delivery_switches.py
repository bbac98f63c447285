"""How notifications travel: the switches, with what is documented, what was seen, and what nobody knows.

Lives here: the switches with their defaults and reasons. The code that obeys them is in `deliveries`.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

type Seconds = Annotated[float, Field(ge=0, le=14 * 24 * 3600)]
type Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(slots=True)
class DeliverySwitches:
    """The life of a notification between a change and the app that asked to hear of it."""

    least_latency_seconds: Seconds = 0.2
    """The shortest way from a change to its notification. Graph documents the latency for users and groups as
    unknown; seconds to minutes are seen. Short here, so that a sandbox is no exercise in patience."""

    most_latency_seconds: Seconds = 2.0
    """The longest. Each notification has its own latency between the two, so they overtake each other."""

    late_share: Share = 0.05
    """The share of notifications that come `late_seconds` later than that: out of order for certain."""

    late_seconds: Seconds = 5.0
    """See `late_share`."""

    updates_per_edit: Annotated[int, Field(ge=1, le=10)] = 2
    """The most notifications of kind `updated` for one edit: one for each store that keeps something of a user.
    How many it is, is drawn for each edit."""

    duplicate_share: Share = 0.05
    """The share of notifications that come once more, word for word."""

    drop_share: Share = 0.0
    """The share of notifications that never come. Documented as possible; nobody is told. Off by default."""

    batch_seconds: Seconds = 0.3
    """Notifications for one URL that are due so close together share a POST."""

    most_items: Annotated[int, Field(ge=1)] = 100
    """The most items of one POST."""

    answer_seconds: Seconds = 10.0
    """How long an answer may take, as documented (an older text said three seconds everywhere)."""

    first_retry_seconds: Seconds = 5.0
    """The wait before the first repetition of a POST that was not answered with 2xx; it doubles each time. The
    schedule is unpublished, that it backs off exponentially is documented."""

    longest_retry_seconds: Seconds = 600.0
    """The longest wait between two repetitions."""

    give_up_seconds: Seconds = 4 * 3600.0
    """How long a POST is repeated, and how long notifications wait for an authorization: four hours, as documented."""

    window_seconds: Seconds = 600.0
    """The window over which slow answers are counted: ten minutes, as documented."""

    least_answers: Annotated[int, Field(ge=1)] = 10
    """How many answers the window must hold before anything is concluded. An older text says 100."""

    slow_share: Share = 0.10
    """Above this share of slow answers, each new notification waits `slow_delay_seconds`. Documented."""

    slow_delay_seconds: Seconds = 10.0
    """See `slow_share`."""

    dropping_share: Share = 0.15
    """Above this share of slow answers, new notifications are dropped, silently and for good. Documented."""

    ask_ahead_seconds: Seconds = 900.0
    """How long before its end, or that of its authorization, a subscription's app is asked to reauthorize it. How
    long it is on the real service is unknown."""

    ask_every_seconds: Annotated[float, Field(ge=1)] = 900.0
    """How often it is asked again: every 15 minutes was seen, and "every few minutes"."""

    organization_instead_of_tenant: bool = False
    """Whether lifecycle notifications name the tenant `organizationId`, and carry empty members, as was seen."""

    date_offset_hours: Annotated[int, Field(ge=-14, le=14)] = -8
    """The offset in which subscriptionExpirationDateTime is written: -08:00 and +00:00 were seen."""
