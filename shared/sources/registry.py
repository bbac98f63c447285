"""Every source there is. One more is a module of its own and one line here."""

from collections.abc import Mapping
from typing import Final

from shared.settings import FrontSettings
from shared.sources.bamboohr import BAMBOOHR
from shared.sources.event_grid import EVENT_GRID
from shared.sources.hr import HR
from shared.sources.lifecycle_workflows import LIFECYCLE_WORKFLOWS
from shared.sources.personio import PERSONIO
from shared.sources.signatures import FunctionKey, Signature
from shared.sources.source import Source

SOURCES: Final[tuple[Source, ...]] = (HR, BAMBOOHR, PERSONIO, LIFECYCLE_WORKFLOWS, EVENT_GRID)


def wrong_sources(settings: FrontSettings) -> list[str]:
    """Mistakes in settings that only the sources show: a key that must be Base64 and is not, a name of no source."""
    behind_a_key = sorted(source.name for source in SOURCES if isinstance(source.proof, FunctionKey))
    unknown = sorted(settings.function_key_sources.difference(behind_a_key))
    return [
        f"INVOICE_ACCESS_FUNCTION_KEY_SOURCES: no source '{name}' is behind a function key; give "
        f"{' or '.join(behind_a_key)}"
        for name in unknown
    ] + [
        f"a key of source '{source.name}' is not Base64; copy it again as the sender shows it"
        for source in in_force(settings).values()
        if isinstance(source.proof, Signature)
        and source.keys is not None
        and source.proof.unreadable_keys([key.get_secret_value() for key in source.keys(settings)])
    ]


def in_force(settings: FrontSettings) -> Mapping[str, Source]:
    """The sources that this deployment has, by name.

    A source exists when its keys are set. A source without keys exists when it is switched on: otherwise everybody with
    the app's default function key could post to a source that nobody asked for.
    """
    return {source.name: source for source in SOURCES if _is_in_force(source, settings)}


def _is_in_force(source: Source, settings: FrontSettings) -> bool:
    if source.keys is None:
        return source.name in settings.function_key_sources
    return bool(source.keys(settings))
