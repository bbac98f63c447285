"""Time zones by name, from the pinned tz database and from no other.

Lives here: reading a zone, and saying what is wrong with a name. `zoneinfo.ZoneInfo(name)` reads the system's database
first and the `tzdata` package only where there is none, so that the same policy ended a day at different moments on
two machines. Nothing else in the app makes a `ZoneInfo` by its name.
"""

import difflib
from functools import cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

_DATABASE: Final = "tzdata"
_NO_PLACE: Final = frozenset({"Etc", "SystemV"})
"""Regions whose zones are offsets: `Etc/GMT+1` lies west of Greenwich, and is never what `GMT+1` was to mean."""

_ALIKE: Final = 0.85
"""How alike a place's name must be to be suggested: `Amsterdm` is, and `Delhi` is not `Dili`."""

_WINDOWS: Final = {name.casefold().replace(" ", "_"): zone for name, zone in win_tz.items()}
"""Windows' names, folded and without blanks, with the zone of each. Source: CLDR, windowsZones, as tzlocal has it."""


@cache
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name, the same object for the same name.

    Raises:
        ValueError: There is none of that name; it says what to write.
    """
    if name not in _names():
        raise ValueError(f"{name!r} is {_what_instead(name)}")
    place = resources.files(_DATABASE).joinpath("zoneinfo", *name.split("/"))
    with place.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def _names() -> frozenset[str]:
    listed = resources.files(_DATABASE).joinpath("zones").read_text(encoding="utf-8").split()
    return frozenset(listed) - {"Factory"}


def _what_instead(name: str) -> str:
    """What a name is that is no zone's, and what to write instead: nothing that might be another place."""
    wanted = name.strip().casefold().replace(" ", "_")
    near = _as_written(wanted)
    if near is None and (translated := _WINDOWS.get(wanted)) is not None:
        return f"Windows' name of a time zone; write {translated!r}, or the place where your days begin and end"
    near = near or _by_place(wanted)
    remedy = f"did you mean {near!r}?" if near else "write the name of a place, such as Europe/Amsterdam"
    return f"not a time zone; {remedy}"


def _as_written(wanted: str) -> str | None:
    """The zone whose name differs by case and blanks only."""
    return next((name for name in sorted(_names()) if name.casefold() == wanted), None)


def _by_place(wanted: str) -> str | None:
    """The one zone of a place that is called so, or nearly so in the same region."""
    region, _, place = wanted.rpartition("/")
    places: dict[str, list[str]] = {}
    for name in sorted(_names()):
        if "/" in name and name.partition("/")[0] not in _NO_PLACE and region in {"", _region(name)}:
            places.setdefault(name.rpartition("/")[2].casefold(), []).append(name)
    near = difflib.get_close_matches(place, places, 1, cutoff=_ALIKE if region else 1.0)
    found = places[near[0]] if near else []
    return found[0] if len(found) == 1 else None


def _region(name: str) -> str:
    return name.rpartition("/")[0].casefold()
