"""Keeps the app's subscriptions to changes in the directory alive: what is wanted, compared with what there is.

Lives here: which subscriptions the policy asks for, and the steps by which each comes to be as it should be. It
remembers nothing: the directory's own list is the truth, read anew each time, so that a lost answer, a subscription
that silently expired and one that somebody deleted end in the same state.

Every run authorizes every subscription with a fresh token, so that one which Graph says `reauthorizationRequired` of
has it within the hour, whether or not that notification came through; Graph holds back what it has to tell for four.

Nothing is deleted that does not lead to our own address, or stand in the way of one that is wanted.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from shared.domain.policy import Policy
from shared.errors import Permanent, Transient
from shared.ports import Clock, Subscription, Subscriptions, WantedSubscription
from shared.settings import Settings

CHANGES: Final = frozenset({"updated", "deleted"})
"""All that Graph tells of users and groups: a creation and a soft deletion are `updated`."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Keeper:
    """What it takes to keep subscriptions: the port, who is to be heard of, where, and the time."""

    subscriptions: Subscriptions
    policy: Policy
    settings: Settings
    clock: Clock


@dataclass(slots=True)
class _Report:
    """What was done, by resource; `deleted` and `left_alone` by subscription id."""

    created: list[str] = field(default_factory=list)
    adopted: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    reauthorized: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Only what there is something to say about, and always the failures."""
        lists = {
            "created": self.created,
            "adopted": self.adopted,
            "replaced": self.replaced,
            "renewed": self.renewed,
            "reauthorized": self.reauthorized,
            "deleted": self.deleted,
            "left_alone": self.left_alone,
        }
        return {**{name: found for name, found in lists.items() if found}, "failures": self.failures}


def wanted_subscriptions(policy: Policy, settings: Settings) -> Sequence[WantedSubscription]:
    """What the app should be told of: all users, and who joins or leaves each group that a rule names.

    `groups/<id>/members` is the resource for that: `groups` tells of every group of the tenant, and `groups/<id>` of
    a change of name as well. Graph tells of direct members only; who is in through a group within, the sweep finds.
    Empty without a notification URL.
    """
    if not settings.notification_url:
        return ()
    resources = ["users", *(f"groups/{group}/members" for group in sorted(policy.groups))]
    return [
        WantedSubscription(
            resource=resource,
            change_types=CHANGES,
            notification_url=settings.notification_url,
            lifecycle_url=_lifecycle_url(settings.notification_url),
            client_state=settings.graph_client_states[0].get_secret_value(),
        )
        for resource in resources
    ]


async def keep_subscriptions(keeper: Keeper) -> Mapping[str, Any]:
    """Makes the subscriptions what they should be, and returns what was done; a failure of one stops no other.

    The summary lists resources and ids under `created`, `adopted`, `replaced`, `renewed`, `reauthorized`, `deleted`,
    `left_alone` (ours, but leading elsewhere) and `failures`; `on` is false without a notification URL.
    """
    wanted = wanted_subscriptions(keeper.policy, keeper.settings)
    if not wanted:
        _log.info("subscriptions: off, INVOICE_ACCESS_NOTIFICATION_URL is not set")
        return {"on": False, "wanted": 0, "failures": []}
    report = _Report()
    try:
        mine = await keeper.subscriptions.mine()
    except (Transient, Permanent) as error:
        report.failures.append(str(error))
    else:
        await _drop_surplus(keeper, wanted, mine, report)
        for one in wanted:
            try:
                await _keep(keeper, one, mine, report)
            except (Transient, Permanent) as error:
                report.failures.append(f"{one.resource}: {error}")
    summary = {"on": True, "wanted": len(wanted), **report.as_json()}
    _log.log(logging.ERROR if report.failures else logging.INFO, "subscriptions: %s", json.dumps(summary))
    return summary


async def _drop_surplus(
    keeper: Keeper, wanted: Sequence[WantedSubscription], mine: Sequence[Subscription], report: _Report
) -> None:
    """Ends what leads to our address and is not wanted any more. First of all: it makes room in the quota."""
    resources = {one.resource.lower() for one in wanted}
    for found in mine:
        if found.resource.lower() in resources and found.change_types == CHANGES:
            continue
        if _place(found.notification_url) != _place(keeper.settings.notification_url):
            report.left_alone.append(found.id)
            continue
        try:
            await keeper.subscriptions.delete(found.id)
        except (Transient, Permanent) as error:
            report.failures.append(f"{found.resource}: {error}")
        else:
            report.deleted.append(found.id)


async def _keep(keeper: Keeper, wanted: WantedSubscription, mine: Sequence[Subscription], report: _Report) -> None:
    """Brings one subscription to what it should be; raises what stands in the way."""
    found = _find(wanted, mine)
    if found is not None and _fits(found, wanted):
        if await _prolong(keeper, found, report):
            return
        found = None  # it was listed a moment ago, and is gone
    if found is not None:
        await _replace(keeper, wanted, found, report)
    elif await keeper.subscriptions.create(wanted, _end(keeper)) is not None:
        report.created.append(wanted.resource)
    else:
        await _adopt(keeper, wanted, report)


async def _prolong(keeper: Keeper, found: Subscription, report: _Report) -> bool:
    """Moves the end in the second half of a life, and authorizes anew before; False when it is gone.

    A renewal is an authorization as well. It stands in where Graph takes no reauthorization that it did not ask for.
    """
    if found.expires - keeper.clock.now() > _lifetime(keeper) / 2:
        try:
            there = await keeper.subscriptions.reauthorize(found.id)
        except Permanent as refusal:
            _log.warning("subscription %s is renewed instead: %s", found.id, refusal)
        else:
            if there:
                report.reauthorized.append(found.resource)
            return there
    there = await keeper.subscriptions.renew(found.id, _end(keeper))
    if there:
        report.renewed.append(found.resource)
    return there


async def _adopt(keeper: Keeper, wanted: WantedSubscription, report: _Report) -> None:
    """Takes over the subscription of which Graph says that it exists: made by a run whose answer was lost."""
    found = _find(wanted, await keeper.subscriptions.mine())
    if found is None:
        raise Transient("Graph says that there is one already, and does not list it; the next run looks again")
    if not _fits(found, wanted):
        await _replace(keeper, wanted, found, report)
    elif await keeper.subscriptions.renew(found.id, _end(keeper)):
        report.adopted.append(wanted.resource)
    else:
        raise Transient("it was there a moment ago, and now is not; the next run makes it")


async def _replace(keeper: Keeper, wanted: WantedSubscription, found: Subscription, report: _Report) -> None:
    """Ends one that leads elsewhere or carries an old secret, and makes it anew: neither can be changed in place."""
    await keeper.subscriptions.delete(found.id)
    if await keeper.subscriptions.create(wanted, _end(keeper)) is None:
        raise Transient("Graph still shows the one that was deleted; the next run makes it")
    report.replaced.append(wanted.resource)


def _find(wanted: WantedSubscription, mine: Sequence[Subscription]) -> Subscription | None:
    return next(
        (
            found
            for found in mine
            if found.resource.lower() == wanted.resource.lower() and found.change_types == wanted.change_types
        ),
        None,
    )


def _fits(found: Subscription, wanted: WantedSubscription) -> bool:
    """Whether it leads where it should and carries the secret; where Graph does not show that, it is believed."""
    return (
        found.notification_url == wanted.notification_url
        and found.lifecycle_url == wanted.lifecycle_url
        and found.client_state in {None, wanted.client_state}
    )


def _lifetime(keeper: Keeper) -> timedelta:
    return timedelta(hours=keeper.settings.subscription_hours)


def _end(keeper: Keeper) -> datetime:
    return keeper.clock.now() + _lifetime(keeper)


def _place(url: str) -> tuple[str, str, str]:
    """Where an address leads, whatever key its query carries."""
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/")


def _lifecycle_url(notification_url: str) -> str:
    """The address beside `.../notifications` for what Graph has to say about a subscription itself."""
    parts = urlsplit(notification_url)
    return parts._replace(path=parts.path.removesuffix("/notifications") + "/lifecycle").geturl()
