"""Puts the desk together: the store, the queues and the policy; neither a billing nor a Graph client.

Lives here: reading its configuration, and building it at the first request.
"""

import functools
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass

from shared.adapters.process import SystemClock, quiet_libraries, said_aloud
from shared.bootstrap_policy import read_both
from shared.desk.app import Desk
from shared.domain.policy.model import Policy
from shared.settings import DeskSettings


@dataclass(frozen=True, slots=True)
class DeskConfiguration:
    """What a deployment decides: settings from the environment, policy from its file."""

    settings: DeskSettings
    policy: Policy


def read_configuration(environment: Mapping[str, str]) -> DeskConfiguration:
    """Reads settings and policy; raises `Misconfigured` with every mistake of both at once."""
    settings, policy = read_both(DeskSettings.read, environment, "the page cannot start")
    return DeskConfiguration(settings, policy)


@functools.cache
def check() -> DeskConfiguration:
    """Reads the configuration of this process, once. With a wrong policy or setting the app does not start."""
    with said_aloud():
        configuration = read_configuration(os.environ)
    quiet_libraries()
    return configuration


async def desk() -> Desk:
    """The desk of this process, built at the first call."""
    return _built()


@functools.cache
def _built() -> Desk:
    return build(check())


def build(configuration: DeskConfiguration) -> Desk:
    """Puts the real store and queues behind the ports. Opens no connection yet."""
    # The clients take half a second to import: that is done at the first request.
    from shared.adapters.http.credentials import app_credential  # noqa: PLC0415
    from shared.adapters.queues.service_bus import ServiceBusQueues, bus_credential  # noqa: PLC0415
    from shared.adapters.store.ledger import RowsLedger  # noqa: PLC0415
    from shared.adapters.store.state import RowsState  # noqa: PLC0415
    from shared.bootstrap_store import rows_of  # noqa: PLC0415

    settings = configuration.settings
    credential = app_credential(settings.client_id)
    rows = rows_of(settings, credential)
    return Desk(
        policy=configuration.policy,
        settings=settings,
        clock=SystemClock(),
        random=random.Random(),  # noqa: S311 - jitter and unique ids, no secrets
        queues=ServiceBusQueues(settings.service_bus, bus_credential(settings.emulator, credential)),
        ledger=RowsLedger(rows),
        state=RowsState(rows),
    )
