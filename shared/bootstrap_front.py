"""Puts the front together: the part that takes events in over HTTP, and may send to one queue.

Nothing of the core is imported here: no policy, no store, no Graph or billing client. So a worker of the front
starts in a fraction of the time, and somebody who breaks into it can only cause checks.
"""

import functools
import os
from collections.abc import Mapping
from typing import Final

from shared.adapters.process import SystemClock, quiet_libraries, said_aloud
from shared.errors import Misconfigured
from shared.services.front import Front
from shared.settings import FrontSettings, Part
from shared.sources.registry import wrong_sources
from shared.telemetry import NO_TELEMETRY, is_switched_on

_TRY_SECONDS: Final = 4.0
"""Seconds that one try to reach the queue may take. Two tries must end before the 10 that Graph waits for us."""


def part(environment: Mapping[str, str] = os.environ) -> Part:
    """Which part of the app this process is. A wrong name counts as `all`, whose settings then say that it is wrong."""
    given = environment.get("INVOICE_ACCESS_PART", "").strip()
    return Part(given) if given in set(Part) else Part.ALL


def has_desk(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether this process has the page: as its own part, or in the one app where somebody may sign in to it."""
    signs_in = any(environment.get(f"INVOICE_ACCESS_DESK_{name}", "").strip() for name in ("TENANT", "AUDIENCE"))
    here = part(environment)
    return here is Part.DESK or (here is Part.ALL and signs_in)


@functools.cache
def check() -> FrontSettings:
    """Reads the front's settings of this process, once. With a wrong one the app does not start."""
    with said_aloud():
        settings = FrontSettings.read(os.environ)
        if mistakes := wrong_sources(settings):
            raise Misconfigured("settings", mistakes)
    quiet_libraries()
    return settings


async def front() -> Front:
    """The front of this process, built at the first call."""
    return _built()


@functools.cache
def _built() -> Front:
    return build(check())


def build(settings: FrontSettings) -> Front:
    """Puts the real queue behind the port. Opens no connection yet."""
    # The clients take half a second to import: that is done at the first request.
    from shared.adapters.http.credentials import app_credential  # noqa: PLC0415
    from shared.adapters.queues.service_bus import ServiceBusQueues, bus_credential  # noqa: PLC0415

    telemetry = NO_TELEMETRY
    if is_switched_on(os.environ):
        from shared.adapters.telemetry import OpenTelemetry  # noqa: PLC0415 - loads nothing where it is off

        telemetry = OpenTelemetry()
    credential = bus_credential(settings.emulator, app_credential(settings.client_id))
    queue = ServiceBusQueues(settings.service_bus, credential, try_seconds=_TRY_SECONDS, telemetry=telemetry)
    return Front(settings, SystemClock(), queue)
