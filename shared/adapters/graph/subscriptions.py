"""Subscriptions to changes, kept in Microsoft Graph.

Lives here: which requests do what `ports.Subscriptions` says, and how a subscription reads. What a failure means
is in `client`. No address and no clientState is ever put in an error.

Sources: Graph, "subscription resource type" and its methods; "Reduce missing change notifications", which says that a
renewal is an authorization as well.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from azure.core.credentials_async import AsyncTokenCredential
from msgraph.generated.models.subscription import Subscription as SubscriptionBody
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from shared.adapters.graph.client import GraphClient, Refusal, sendable
from shared.adapters.graph.wire import Moment, Page, parse
from shared.adapters.http.pipeline import Transport
from shared.domain.subscription import Subscription, WantedSubscription
from shared.errors import FailedRead, Permanent, Transient
from shared.settings import Settings

HANDSHAKE_WAIT: Final = timedelta(seconds=10)
"""After which wait a refused handshake is worth another try: "timed out" was a cold start each time somebody found out,
and the URL had ten seconds to answer."""

_NEEDS: Final = "User.Read.All (and Group.Read.All for members of groups), and is the quota of subscriptions used up"


class _Shown(BaseModel):
    """What a subscription's answer may leave away or show as null; only what we compare is read."""

    model_config = ConfigDict(
        strict=True, frozen=True, extra="ignore", alias_generator=to_camel, hide_input_in_errors=True
    )

    id: str
    notification_url: str | None = None
    lifecycle_notification_url: str | None = None
    client_state: str | None = None
    expiration_date_time: Moment

    def end(self, what: str) -> datetime:
        if self.expiration_date_time is None:
            raise FailedRead(f"{what}: Graph shows a subscription without an end")
        return self.expiration_date_time

    def lifecycle_url(self) -> str | None:
        """None where it is not shown, which a list is known for; empty where null was said of it."""
        is_shown = "lifecycle_notification_url" in self.model_fields_set
        return (self.lifecycle_notification_url or "") if is_shown else None


class _SubscriptionAnswer(_Shown):
    """A subscription as Graph lists it, of whatever resource."""

    resource: str
    change_type: str

    def subscription(self, what: str) -> Subscription:
        return Subscription(
            id=self.id,
            resource=self.resource.strip("/"),
            change_types=frozenset(word.strip().lower() for word in self.change_type.split(",")),
            notification_url=self.notification_url or "",
            lifecycle_url=self.lifecycle_url(),
            client_state=self.client_state,
            expires=self.end(what),
        )


class GraphSubscriptions:
    """`ports.Subscriptions` on Microsoft Graph v1.0, by msgraph-sdk. See `GraphClient` for the arguments."""

    def __init__(
        self, settings: Settings, credential: AsyncTokenCredential, *, transport: Transport | None = None
    ) -> None:
        secrets = [state.get_secret_value() for state in settings.graph_client_states]
        self._graph = GraphClient(settings, credential, transport=transport, secrets=secrets)

    @property
    def calls(self) -> Mapping[str, int]:
        """How many requests were sent to Graph so far."""
        return {"subscriptions": self._graph.calls}

    async def close(self) -> None:
        """Closes the connections. The credential stays open: it is not ours."""
        await self._graph.close()

    async def mine(self) -> Sequence[Subscription]:
        """Every subscription of ours, page by page. See `ports.Subscriptions`; raises as `GraphClient.pages`."""
        what = "our subscriptions"
        first = self._graph.sdk.subscriptions.to_get_request_information()
        return [one.subscription(what) async for one in self._graph.pages(_read_page, first, what, _NEEDS)]

    async def create(self, wanted: WantedSubscription, expires: datetime) -> Subscription | None:
        """Subscribes. See `ports.Subscriptions`.

        Raises:
            MaybeWritten: the answer was lost; reading our subscriptions tells.
            Permanent: Graph refuses: a permission, a quota, a group that is not there.
            Transient, FailedRead: as `GraphClient.write`; with a wait for a URL that did not answer the handshake.
        """
        what = f"subscription to {wanted.resource}"
        body = SubscriptionBody(
            resource=wanted.resource,
            change_type=",".join(sorted(wanted.change_types, reverse=True)),
            notification_url=wanted.notification_url,
            lifecycle_notification_url=wanted.lifecycle_url,
            client_state=wanted.client_state,
            expiration_date_time=expires,
        )
        request = sendable(self._graph.sdk.subscriptions.to_post_request_information(body))
        answer = await self._graph.write(request, what, _NEEDS, again_after=HANDSHAKE_WAIT)
        if answer is Refusal.EXISTS:
            return None
        if isinstance(answer, Refusal):
            raise Permanent(f"{what}: the directory knows no such object")
        return parse(_SubscriptionAnswer, answer, what).subscription(what)

    async def renew(self, found: Subscription, expires: datetime) -> Subscription | None:
        """Moves the end. See `ports.Subscriptions`; raises as `create`.

        The answer shows the secret, which a list does not. One that does not either is read by its id.
        """
        what = f"subscription {found.id}"
        one = self._graph.sdk.subscriptions.by_subscription_id(found.id)
        body = SubscriptionBody(expiration_date_time=expires)
        answer = await self._graph.write(sendable(one.to_patch_request_information(body)), what, _NEEDS)
        if answer is Refusal.ABSENT:
            return None
        if isinstance(answer, Refusal):
            raise Transient(f"{what}: Graph says that it is in its own way (409)")
        renewed = _as_shown(found, parse(_Shown, answer, what), what)
        if renewed.client_state is not None:
            return renewed
        read = await self._graph.read(sendable(one.to_get_request_information()), what, _NEEDS)
        return renewed if read is None else _as_shown(renewed, parse(_Shown, read, what), what)

    async def delete(self, subscription_id: str) -> bool:
        """Ends it. See `ports.Subscriptions`; raises as `create`."""
        one = self._graph.sdk.subscriptions.by_subscription_id(subscription_id)
        what = f"subscription {subscription_id}"
        answer = await self._graph.write(sendable(one.to_delete_request_information()), what, _NEEDS)
        return not isinstance(answer, Refusal)


def _read_page(body: bytes, what: str) -> tuple[Sequence[_SubscriptionAnswer], str | None]:
    page = parse(Page[_SubscriptionAnswer], body, what)
    return page.value, page.next_link


def _as_shown(found: Subscription, shown: _Shown, what: str) -> Subscription:
    """A subscription with what an answer shows of it; the rest is as it was found."""
    if shown.id.lower() != found.id.lower():
        raise FailedRead(f"{what}: Graph's answer is about another subscription")
    lifecycle = shown.lifecycle_url()
    return replace(
        found,
        expires=shown.end(what),
        client_state=shown.client_state,
        notification_url=shown.notification_url or found.notification_url,
        lifecycle_url=found.lifecycle_url if lifecycle is None else lifecycle,
    )
