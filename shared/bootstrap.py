"""Puts the app together: settings and policy at the start, clients at the first use.

Adapters are imported where they are built, so that a function that needs no billing client loads none.
"""

import functools
import logging
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.adapters.process import SystemClock, quiet_libraries, said_aloud
from shared.bootstrap_policy import read_both
from shared.domain.keys import ProfileKey
from shared.domain.notices.notice import NoticeKind
from shared.domain.policy.model import Everything, Policy
from shared.laptop import is_laptop
from shared.ports import Billing, Channel, Shelves
from shared.services.app import App
from shared.services.catalogue import CatalogueStore
from shared.services.subscriptions import Keeper
from shared.settings import Settings
from shared.sources.registry import wrong_sources
from shared.telemetry import Measure, is_switched_on

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential

    from shared.adapters.telemetry import OpenTelemetry

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a deployment decides: settings from the environment, policy from its file."""

    settings: Settings
    policy: Policy


def read_configuration(environment: Mapping[str, str]) -> Configuration:
    """Reads settings and policy; raises `Misconfigured` with every mistake of both at once."""
    settings, policy = read_both(
        Settings.read,
        environment,
        "the app cannot start",
        wrong_in=lambda read: wrong_sources(read) if read.part.has_front else (),
    )
    return Configuration(settings, policy)


@functools.cache
def check() -> Configuration:
    """Reads the configuration of this process, once. With a wrong policy or setting the app does not start."""
    with said_aloud():
        configuration = read_configuration(os.environ)
    quiet_libraries()
    return observing(configuration) if is_laptop(os.environ) else configuration


def observing(configuration: Configuration) -> Configuration:
    """The same configuration, which writes to no profile: a developer's own rights make nobody Invoice manager."""
    _log.warning(
        "this is a developer's machine, signed in by `az login`: the app observes, whatever the policy enforces"
    )
    return replace(configuration, policy=replace(configuration.policy, enforce=Everything.NONE))


@functools.cache
def app() -> App:
    """The app of this process, built at the first call: one process, one event loop, one set of clients."""
    built = build(check())
    return telling(built) if is_switched_on(os.environ) else built


def telling(app: App, telemetry: "OpenTelemetry | None" = None) -> App:
    """The same app, which tells OpenTelemetry of its work. Whatever listens there was set up before, by the worker."""
    from shared.adapters.telemetry import OpenTelemetry, TracedQueues  # noqa: PLC0415 - see the module's docstring

    told = telemetry or OpenTelemetry()
    told.observe(Measure.API_CALLS, app.calls)
    told.observe(Measure.API_WAIT, app.waits)
    return replace(app, telemetry=told, queues=TracedQueues(app.queues, told))


def build(
    configuration: Configuration,
    credential: "AsyncTokenCredential | None" = None,
    closing: AsyncExitStack | None = None,
) -> App:
    """Puts the real adapters behind the ports. Opens no connection yet.

    Without a `credential` the app signs in as its managed identity. `closing` closes every client in the end, for a
    command that needs the app only for a moment. The function app keeps its clients as long as its process lives.
    """
    from shared.adapters.billing.arm import ArmBilling  # noqa: PLC0415 - see the module's docstring
    from shared.adapters.billing.observed import DryRunBilling  # noqa: PLC0415
    from shared.adapters.graph.directory import GraphDirectory  # noqa: PLC0415
    from shared.adapters.http.credentials import app_credential  # noqa: PLC0415
    from shared.adapters.queues.service_bus import ServiceBusQueues, bus_credential  # noqa: PLC0415
    from shared.adapters.store.ledger import RowsLedger  # noqa: PLC0415
    from shared.adapters.store.state import RowsState  # noqa: PLC0415
    from shared.bootstrap_store import rows_of  # noqa: PLC0415

    settings, policy = configuration.settings, configuration.policy
    credential = credential or app_credential(settings.client_id)
    rows = rows_of(settings, credential)
    billing = ArmBilling(settings, credential)
    directory = GraphDirectory(settings, credential)
    queues = ServiceBusQueues(settings.service_bus, bus_credential(settings.emulator, credential))
    state = RowsState(rows)
    if closing is not None:
        for client in (rows, billing, directory, queues):
            closing.push_async_callback(client.close)

    def for_check(enforced: Callable[[ProfileKey], bool]) -> Billing:
        return DryRunBilling(billing, enforced)

    def calls() -> Mapping[str, int]:
        return Counter(
            {
                "billing reads": billing.calls.reads,
                "billing writes": billing.calls.writes,
                **{f"graph {kind}": count for kind, count in directory.calls.items()},
            }
        )

    return App(
        policy=policy,
        settings=settings,
        clock=SystemClock(),
        random=random.Random(),  # noqa: S311 - jitter and unique ids, no secrets
        directory=directory,
        billing=billing,
        billing_for_check=for_check,
        queues=queues,
        ledger=RowsLedger(rows),
        state=state,
        catalogues=CatalogueStore(state, billing, policy, timedelta(hours=settings.catalogue_hours)),
        calls=calls,
        waits=lambda: {"billing": billing.waited, "graph": directory.waited},
    )


@asynccontextmanager
async def channels() -> AsyncIterator[Sequence[Channel]]:
    """Who outside is told what, for one run. Runs are minutes apart: their connections are closed."""
    from shared.adapters.webhook.payloads import plain_json, teams_message  # noqa: PLC0415 - nobody may be told
    from shared.adapters.webhook.post import Post, Webhook  # noqa: PLC0415
    from shared.wording.languages import language  # noqa: PLC0415

    configuration = check()
    settings = configuration.settings
    words = functools.partial(language(settings.language).say, zone=configuration.policy.time_zone)
    page, all_but_digests = settings.page_url, frozenset(NoticeKind) - {NoticeKind.DIGEST}
    async with Post.opened() as post:
        found = []
        if settings.webhook_url is not None:
            to_json = functools.partial(plain_json, page=page)
            found.append(Webhook("webhook", all_but_digests, settings.webhook_url, to_json, post))
        if settings.teams_url is not None:
            to_card = functools.partial(teams_message, page=page, words=words)
            found.append(Webhook("teams", all_but_digests, settings.teams_url, to_card, post))
        if settings.digest_url is not None:
            to_card = functools.partial(teams_message, page=page, words=words)
            found.append(Webhook("digest", frozenset({NoticeKind.DIGEST}), settings.digest_url, to_card, post))
        yield found


@asynccontextmanager
async def keeper() -> AsyncIterator[Keeper]:
    """What keeps the subscriptions, for one run. Runs are an hour apart, too long to keep a connection."""
    from shared.adapters.graph.subscriptions import GraphSubscriptions  # noqa: PLC0415
    from shared.adapters.http.credentials import app_credential  # noqa: PLC0415 - see the module's docstring
    from shared.adapters.store.state import RowsState  # noqa: PLC0415
    from shared.bootstrap_store import rows_of  # noqa: PLC0415

    configuration = check()
    settings = configuration.settings
    credential = app_credential(settings.client_id)
    async with AsyncExitStack() as closing:
        await closing.enter_async_context(credential)
        subscriptions, rows = GraphSubscriptions(settings, credential), rows_of(settings, credential)
        closing.push_async_callback(subscriptions.close)
        closing.push_async_callback(rows.close)
        yield Keeper(subscriptions, configuration.policy, settings, SystemClock(), RowsState(rows))


@functools.cache
def shelves() -> Shelves:
    """What counts the messages in the queues of this process's app. It opens a connection for each look."""
    from shared.adapters.http.credentials import app_credential  # noqa: PLC0415 - see the module's docstring
    from shared.adapters.queues.counts import QueueShelves  # noqa: PLC0415
    from shared.adapters.queues.service_bus import bus_credential  # noqa: PLC0415

    settings = check().settings
    return QueueShelves(settings.service_bus, bus_credential(settings.emulator, app_credential(settings.client_id)))
