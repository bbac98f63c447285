"""Microsoft Graph's collection of notifications, as a model: what the OpenAPI document says of it.

It describes; `graph_webhook` and `graph_notification` read, and more tolerantly than this.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Notification(BaseModel):
    """One change notification, or one lifecycle notification."""

    model_config = ConfigDict(extra="allow")

    client_state: Annotated[str | None, Field(alias="clientState", max_length=255)] = None
    subscription_id: Annotated[str | None, Field(alias="subscriptionId")] = None
    change_type: Annotated[str | None, Field(alias="changeType")] = None
    lifecycle_event: Annotated[str | None, Field(alias="lifecycleEvent")] = None
    resource: str | None = None
    resource_data: Annotated[dict[str, Any] | None, Field(alias="resourceData")] = None


class Collection(BaseModel):
    """What Graph posts: items of any of our subscriptions."""

    model_config = ConfigDict(extra="allow")

    value: Annotated[list[Notification], Field(max_length=1000)]
