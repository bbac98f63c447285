"""The door to subscriptions: what happens to them on bad days, on demand.

What may live here: what nobody can cause through Graph's own API. Subscribing, renewing and deleting go through that.

* `GET /subscriptions` shows all of them, whoever's, and what became of their notifications so far;
* `POST /subscriptions[/{id}]/ask` asks the apps of one or all to reauthorize, now;
* `DELETE /subscriptions[/{id}]` loses one or all, as an expiry does: nobody is told.
"""

from sandbox.graph.deliveries import Deliveries
from sandbox.graph.subscription_book import Subscription, SubscriptionBook
from sandbox.graph.subscriptions import written
from sandbox.wire import Handler, Request, Response, as_json


def with_subscriptions(book: SubscriptionBook, deliveries: Deliveries, other: Handler) -> Handler:
    """The door, in front of another handler that answers everything else."""

    def handle(request: Request) -> Response:  # noqa: PLR0911 - one per door
        match (request.method.upper(), *(part for part in request.path.split("/") if part)):
            case ("GET", "subscriptions"):
                return _shown(book, deliveries)
            case ("POST", "subscriptions", "ask"):
                return as_json(202, {"asked": sum(map(deliveries.ask_to_reauthorize, book.live()))})
            case ("POST", "subscriptions", name, "ask") if (found := book.get(name)) is not None:
                return as_json(202, {"asked": int(deliveries.ask_to_reauthorize(found))})
            case ("DELETE", "subscriptions"):
                return _lost(book, book.live())
            case ("DELETE", "subscriptions", name) if (found := book.get(name)) is not None:
                return _lost(book, [found])
            case (_, "subscriptions", *_):
                message = f"there is no {request.method} {request.path} here, or no such subscription"
                return as_json(404, {"error": {"message": message}})
            case _:
                return other(request)

    return handle


def _shown(book: SubscriptionBook, deliveries: Deliveries) -> Response:
    counts = deliveries.counts
    found = [
        {
            "id": one.id,
            "applicationId": one.application_id,
            "resource": one.resource,
            "changeType": one.change_type,
            "expirationDateTime": written(one.expires),
            "authorizedUntil": written(one.authorized_until),
        }
        for one in book.live()
    ]
    notifications = {
        "made": counts.made,
        "lost": counts.lost,
        "dropped": counts.dropped,
        "delivered": counts.delivered,
        "failed": counts.failed,
        "givenUp": counts.given_up,
    }
    return as_json(200, {"subscriptions": found, "notifications": notifications})


def _lost(book: SubscriptionBook, found: list[Subscription]) -> Response:
    for one in found:
        book.remove(one)
    return Response(204)
