"""`export activity`: what was changed, held or decided, newest first, for a spreadsheet or a program.

Lives here: the rows. It reads the index of activity alone; which entries are meant is
`shared.services.operate.activity`'s.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from cli.answer import Answer
from cli.export_file import RowFile
from cli.faults import Status
from cli.lookup import find_person, find_profile
from cli.on_day import read_window, read_zone
from cli.operating import StoreDesk, on_store
from cli.out import Out
from shared.answers.documents import Rows, utc
from shared.answers.known import Known, read_known
from shared.domain.history.activity import ActivityKind, Item, Noted
from shared.domain.keys import ProfileKey
from shared.services.operate.activity import Asked, every_activity
from shared.wording.say import say

COLUMNS: Final = (
    *("at", "kind", "what", "person_id", "person", "profile_id", "profile", "where", "why"),
    *("cause", "event_source", "event_id", "by_id", "by", "record", "heard", "left"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for, as it was typed; "" for no bound and no filter."""

    start: str = ""
    end: str = ""
    person: str = ""
    profile: str = ""
    kinds: Collection[ActivityKind] = ()
    causes: Collection[str] = ()
    time_zone: str = ""


def export_activity(out: Out, wanted: Wanted, *, lines: bool, to: Path | None) -> int:
    """Answers; newest first, a row for each person and profile of what a record tells."""
    start, end = read_bounds(out, wanted.start, wanted.end, wanted.time_zone)
    file = RowFile(out, COLUMNS, lines=lines, to=to)

    async def write(desk: StoreDesk) -> None:
        names = await read_known(desk.state)
        person = (await find_person(desk.state, wanted.person, or_id=True)).id if wanted.person else None
        profile = (await find_profile(desk.state, wanted.profile, or_id=True))[0] if wanted.profile else None
        asked = Asked(
            start=start, end=end, person=person, profile=profile, kinds=frozenset(wanted.kinds), causes=wanted.causes
        )
        with file:
            async for entry in every_activity(desk.ledger, asked):
                for row in _rows(names, entry, profile):
                    file.add(row)

    on_store(write)
    if file.kept is None:
        return Status.DONE
    return out.answer(Answer("export-activity", {"activity": file.kept}, [], Rows.of(COLUMNS, file.kept)))


def read_bounds(out: Out, start: str, end: str, time_zone: str) -> tuple[datetime | None, datetime | None]:
    """The moments of `--from` and `--until`, each a day (the whole of it) or a moment. Raises `UsageError`."""
    if not (start or end):
        return None, None
    zone, now = read_zone(out, time_zone), datetime.now(UTC)
    return _bound(start, zone, now, "--from"), _bound(end, zone, now, "--until")


def _bound(text: str, zone: ZoneInfo, now: datetime, option: str) -> datetime | None:
    if not text:
        return None
    window = read_window(text, zone, now, option)
    return window.start if option == "--from" else window.end


def _rows(names: Known, entry: Noted, profile: ProfileKey | None) -> Iterator[dict[str, Any]]:
    """A row for each profile that an item is about, or one; of those that are about the wanted profile, that."""
    for item in entry.items:
        for where in item.profiles or (None,):
            if profile is None or where == profile:
                yield _row(names, entry, item, where)


def _row(names: Known, entry: Noted, item: Item, profile: ProfileKey | None) -> dict[str, Any]:
    source, _, event = entry.origin.rpartition("#")
    return {
        "at": utc(entry.at),
        "kind": item.kind.value,
        "what": item.what or None,
        "person_id": item.person or None,
        "person": names.person(item.person)["name"] if item.person else None,
        "profile_id": None if profile is None else str(profile),
        "profile": None if profile is None else names.of(profile),
        "where": item.where or None,
        "why": None if item.why is None else say(item.why),
        "cause": entry.cause or None,
        "event_source": source or entry.origin or None,
        "event_id": event if source else None,
        "by_id": entry.by or None,
        "by": names.person(entry.by)["name"] if entry.by else None,
        "record": f"{entry.key}#{entry.sequence}",
        "heard": None if entry.leaver is None else utc(entry.leaver.heard),
        "left": None if entry.leaver is None or entry.leaver.left is None else utc(entry.leaver.left),
    }
