"""Every source there is. One more is a module of its own and one line here."""

from collections.abc import Mapping
from typing import Final

from shared.settings import FrontSettings
from shared.sources.bamboohr import BAMBOOHR
from shared.sources.event_grid import EVENT_GRID
from shared.sources.hr import HR
from shared.sources.lifecycle_workflows import LIFECYCLE_WORKFLOWS
from shared.sources.personio import PERSONIO
from shared.sources.proof import Signature
from shared.sources.source import Source

SOURCES: Final[tuple[Source, ...]] = (HR, BAMBOOHR, PERSONIO, LIFECYCLE_WORKFLOWS, EVENT_GRID)


def wrong_keys(settings: FrontSettings) -> list[str]:
    """The mistakes in the sources' keys that only a source can see: one that has to be Base64 and is none."""
    return [
        f"a key of source '{source.name}' is not Base64; copy it again as the sender shows it"
        for source in in_force(settings).values()
        if isinstance(source.proof, Signature)
        and source.keys is not None
        and source.proof.unreadable_keys([key.get_secret_value() for key in source.keys(settings)])
    ]


def in_force(settings: FrontSettings) -> Mapping[str, Source]:
    """The sources that this deployment has, by name: one whose keys are not set does not exist."""
    return {source.name: source for source in SOURCES if source.keys is None or source.keys(settings)}
