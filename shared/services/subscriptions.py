"""Keeps the app's subscriptions to changes in the directory alive: what is wanted, compared with what there is.

Lives here: which subscriptions the policy asks for, and the steps by which each comes to be as it should be. It
remembers nothing: what the directory shows is the truth, read anew each time, so that a lost answer, a subscription
that silently expired and one that somebody deleted end in the same state.

Every run renews every subscription, which authorizes it with a fresh token, so that one which Graph says
`reauthorizationRequired` of has it within the hour, whether or not that notification came through; Graph holds back
what it has to tell for four. A renewal is also the only way to see what a subscription carries: no list shows its
secret.

Nothing is deleted that does not lead to our own address, or stand in the way of one that is wanted. One that is to be
replaced goes when another tells us of the same changes.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from shared.domain.clocks import CLOCKS_APART
from shared.domain.health import SubscriptionEnd, SubscriptionsKept
from shared.domain.log_line import json_of
from shared.domain.policy.model import Policy
from shared.domain.subscription import Subscription, WantedSubscription
from shared.errors import MaybeWritten, Permanent, Transient
from shared.ports import Clock, State, Subscriptions
from shared.settings import Settings

CHANGES: Final = frozenset({"updated", "deleted"})
"""All that Graph tells of users and groups: a creation and a soft deletion are `updated`."""

BRIDGE: Final = frozenset({"updated"})
"""What a subscription is for that stands in while another is replaced. An app can have one for the same resource and
kinds of change only; this one lacks what has told of itself by its soft deletion already."""

MOST: Final = 99
"""Subscriptions that are kept. Graph allows an app 100 to users and groups in a tenant; one place is for a bridge."""

REPEATS: Final = 2
"""How often a run tries again where an address did not answer the handshake, over all of its subscriptions."""

LONGEST_WAIT: Final = timedelta(seconds=15)
"""The longest wait before such a try; a run has ten minutes."""

LIFE: Final = timedelta(hours=672)
"""How long a subscription is made to live, renewed each hour. Graph allows 696 hours for users and groups; a day is
left for a clock that is ahead of Graph's."""

LAST_DAY: Final = timedelta(hours=24)
"""A subscription whose end cannot be moved is replaced when so much of its life is left."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Keeper:
    """What it takes to keep subscriptions: the port, who is to be heard of and where, the time, the state, how to wait.

    In the state it leaves what there is, for whoever asks.
    """

    subscriptions: Subscriptions
    policy: Policy
    settings: Settings
    clock: Clock
    state: State
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(slots=True)
class _Report:
    """What was done, by resource; `deleted` and `left_alone` by subscription id."""

    created: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    renewed: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    left_alone: list[str] = field(default_factory=list)
    secret_not_shown: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    kept: dict[str, Subscription] = field(default_factory=dict)
    """By resource, what there is after the run as far as it knows: no part of the summary."""

    def as_json(self) -> dict[str, Any]:
        """Only what there is something to say about, and always the failures."""
        lists = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "kept"}
        return {name: found for name, found in lists.items() if found or name == "failures"}


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

    The summary lists resources and ids under `created`, `found`, `replaced`, `renewed`, `deleted`, `left_alone`
    (ours, but leading elsewhere), `secret_not_shown` and `failures`; `on` is false without a notification URL.
    """
    wanted = wanted_subscriptions(keeper.policy, keeper.settings)
    if not wanted:
        _log.info("subscriptions: off, INVOICE_ACCESS_NOTIFICATION_URL is not set")
        await _leave(keeper, SubscriptionsKept(keeper.clock.now(), on=False))
        return {"on": False, "wanted": 0, "failures": []}
    report = _Report()
    try:
        mine = await keeper.subscriptions.mine()
    except (Transient, Permanent) as error:
        report.failures.append(str(error))
    else:
        await _Run(keeper, mine, report).keep(wanted)
    found = tuple(SubscriptionEnd(one.resource, one.id, one.expires) for one in report.kept.values())
    await _leave(keeper, SubscriptionsKept(keeper.clock.now(), on=True, found=found, failures=tuple(report.failures)))
    summary = {"on": True, "wanted": len(wanted), **report.as_json()}
    _log.log(logging.ERROR if report.failures else logging.INFO, "subscriptions: %s", json_of(summary))
    return summary


async def _leave(keeper: Keeper, kept: SubscriptionsKept) -> None:
    """Leaves what there is for whoever asks. That it cannot be stored is no failure of the subscriptions."""
    try:
        await keeper.state.put_subscriptions_kept(kept)
    except (Transient, Permanent) as failure:
        _log.warning("subscriptions: what became of them is not stored: %s", failure)


@dataclass(slots=True)
class _Run:
    """One run: what was listed at its beginning, what was done, and how often a handshake may still be repeated."""

    keeper: Keeper
    mine: Sequence[Subscription]
    report: _Report
    repeats: int = REPEATS

    async def keep(self, wanted: Sequence[WantedSubscription]) -> None:
        await self._drop_unwanted({one.resource.lower() for one in wanted})
        for one in wanted[:MOST]:
            there = _find(one, self.mine)
            if there is not None:
                self.report.kept[one.resource] = there  # as it is if it cannot be renewed
            try:
                await self._keep(one)
            except (Transient, Permanent) as error:
                self.report.failures.append(f"{one.resource}: {error}")
        self.report.failures += [
            f"{one.resource}: Graph allows no more than {MOST + 1} subscriptions; the sweep finds what changes there"
            for one in wanted[MOST:]
        ]

    async def _drop_unwanted(self, resources: set[str]) -> None:
        """Ends what leads to our address and is not wanted any more. First of all: it makes room in the quota."""
        for found in self.mine:
            if found.resource.lower() in resources and found.change_types in {CHANGES, BRIDGE}:
                continue
            if self._leads_to_us(found):
                await self._drop(found)
            else:
                self.report.left_alone.append(found.id)

    async def _keep(self, wanted: WantedSubscription) -> None:
        """Brings one subscription to what it should be; raises what stands in the way."""
        found = _find(wanted, self.mine)
        if found is not None and await self._renew(wanted, found, self.mine, self.report.renewed):
            return
        made = await self._create(wanted)
        if made is None:
            await self._keep_found(wanted)
        else:
            self.report.created.append(wanted.resource)
            self.report.kept[wanted.resource] = made
            await self._drop_others(made, self.mine)

    async def _renew(
        self, wanted: WantedSubscription, found: Subscription, listed: Sequence[Subscription], done: list[str]
    ) -> bool:
        """Moves the end of one and says so in `done`, or replaces one that does not fit; False when it is gone."""
        asked = self._end()
        shown = await self.keeper.subscriptions.renew(found, asked)
        if shown is None:
            self.report.kept.pop(wanted.resource, None)
            return False
        self.report.kept[wanted.resource] = shown
        is_moved = shown.expires > found.expires or shown.expires >= asked - CLOCKS_APART
        is_ending = shown.expires - self.keeper.clock.now() <= LAST_DAY
        if not _fits(shown, wanted) or (is_ending and not is_moved):
            await self._replace(wanted, shown, listed)
            return True
        if is_moved:
            done.append(wanted.resource)
        else:
            self.report.failures.append(
                f"{wanted.resource}: Graph says that it is renewed, and its end stays {shown.expires.isoformat()}; "
                f"it is replaced in its last {LAST_DAY / timedelta(hours=1):.0f} hours"
            )
        if shown.client_state is None:
            self.report.secret_not_shown.append(wanted.resource)
        await self._drop_others(shown, listed)
        return True

    async def _keep_found(self, wanted: WantedSubscription) -> None:
        """Takes over the subscription of which Graph says that it exists: made by a run whose answer was lost."""
        listed = await self.keeper.subscriptions.mine()
        found = _find(wanted, listed)
        if found is None:
            raise Transient("Graph says that there is one already, and does not list it; the next run lists again")
        if not await self._renew(wanted, found, listed, self.report.found):
            raise Transient("it was there a moment ago, and now is not; the next run makes it")

    async def _replace(self, wanted: WantedSubscription, found: Subscription, listed: Sequence[Subscription]) -> None:
        """Makes one anew that leads elsewhere or carries an old secret: a secret cannot be changed in place.

        A bridge is made before it goes, so that a handshake that fails takes nothing away, and nothing is left untold
        in between. Should this stop half-way, the next run goes on from the bridge.
        """
        other_kinds = replace(wanted, change_types=BRIDGE)
        bridge = await self._create(other_kinds)
        if bridge is None and (earlier := _find(other_kinds, listed)) is not None:
            # Left by a run that did not come to its end, with a secret that nobody knows.
            await self.keeper.subscriptions.delete(earlier.id)
            bridge = await self._create(other_kinds)
        await self.keeper.subscriptions.delete(found.id)
        self.report.kept.pop(wanted.resource, None)
        made = await self._create(wanted)
        if made is None:
            raise Transient("Graph still shows the one that was deleted; the next run makes it")
        self.report.replaced.append(wanted.resource)
        self.report.kept[wanted.resource] = made
        if bridge is not None:
            await self.keeper.subscriptions.delete(bridge.id)
        gone = {found.id, *([bridge.id] if bridge is not None else [])}
        await self._drop_others(made, [one for one in listed if one.id not in gone])

    async def _create(self, wanted: WantedSubscription) -> Subscription | None:
        """Subscribes; a handshake that was refused is tried again, as far as this run has tries left."""
        while True:
            try:
                return await self.keeper.subscriptions.create(wanted, self._end())
            except MaybeWritten:
                raise
            except Transient as refusal:
                wait = refusal.retry_after
                if wait is None or wait > LONGEST_WAIT or not self.repeats:
                    raise
                self.repeats -= 1
                await self.keeper.wait(wait.total_seconds())

    async def _drop_others(self, kept: Subscription, listed: Sequence[Subscription]) -> None:
        """Ends whatever else tells us of the same: a bridge, or a twin made while no list showed the first."""
        for found in listed:
            same = found.resource.lower() == kept.resource.lower() and found.change_types in {CHANGES, BRIDGE}
            if same and found.id != kept.id and self._leads_to_us(found):
                await self._drop(found)

    async def _drop(self, found: Subscription) -> None:
        try:
            was_there = await self.keeper.subscriptions.delete(found.id)
        except (Transient, Permanent) as error:
            self.report.failures.append(f"{found.resource}: {error}")
        else:
            if was_there:
                self.report.deleted.append(found.id)

    def _leads_to_us(self, found: Subscription) -> bool:
        return _place(found.notification_url) == _place(self.keeper.settings.notification_url)

    def _end(self) -> datetime:
        return self.keeper.clock.now() + LIFE


def _find(wanted: WantedSubscription, mine: Sequence[Subscription]) -> Subscription | None:
    """The one for that resource and these changes; of several the one that leads where it should, and lives longest."""
    found = [
        one
        for one in mine
        if one.resource.lower() == wanted.resource.lower() and one.change_types == wanted.change_types
    ]
    return max(found, key=lambda one: (one.notification_url == wanted.notification_url, one.expires), default=None)


def _fits(found: Subscription, wanted: WantedSubscription) -> bool:
    """Whether it leads where it should and carries the secret; what Graph does not show is believed."""
    return (
        found.notification_url == wanted.notification_url
        and found.lifecycle_url in {None, wanted.lifecycle_url}
        and found.client_state in {None, wanted.client_state}
    )


def _place(url: str) -> tuple[str, str, str]:
    """Where an address leads, whatever key its query carries."""
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path.rstrip("/")


def _lifecycle_url(notification_url: str) -> str:
    """The address beside `.../notifications` for what Graph has to say about a subscription itself."""
    parts = urlsplit(notification_url)
    return parts._replace(path=parts.path.removesuffix("/notifications") + "/lifecycle").geturl()
