"""Microsoft Graph's collection of notifications, as a model: what the OpenAPI document says of it.

It describes; `graph_webhook` and `graph_notification` read. What is in an item decides nothing of the answer, which
must not tell whether a `clientState` was right.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Notification(BaseModel):
    """One change notification, or one lifecycle notification."""

    model_config = ConfigDict(extra="allow")

    client_state: Annotated[Any, Field(alias="clientState", description="A secret of ours, or the item is dropped")] = (
        None
    )
    subscription_id: Annotated[Any, Field(alias="subscriptionId")] = None
    change_type: Annotated[Any, Field(alias="changeType")] = None
    lifecycle_event: Annotated[Any, Field(alias="lifecycleEvent")] = None
    resource: Any = None
    resource_data: Annotated[Any, Field(alias="resourceData")] = None


class Collection(BaseModel):
    """What Graph posts: items of any of our subscriptions."""

    model_config = ConfigDict(extra="allow")

    value: Annotated[list[Notification | Any], Field(max_length=1000, description="Whatever is odd is dropped")]
