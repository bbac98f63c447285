"""`export access --on DAY`: who had access on a day, managed or not, for a spreadsheet or a program.

Lives here: the file, and what the ledger cannot know. It reads the store alone; the rows are
`shared.answers.access_on`'s.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cli.answer import Answer
from cli.faults import Status
from cli.lookup import find_person, find_profile
from cli.on_day import read_window, read_zone
from cli.operating import StoreDesk, on_store, shown
from cli.out import Form, Out
from shared.answers.access_on import COLUMNS, AccessOn, access_body, access_rows, read_access
from shared.answers.documents import Rows, as_csv, as_json
from shared.domain.history.spells import Window
from shared.domain.keys import PersonKey


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked: a day, and perhaps a person, a profile and where the day is a day, as they were typed."""

    on: str
    person: str = ""
    profile: str = ""
    time_zone: str = ""


def export_access(out: Out, asked: Asked, *, lines: bool, to: Path | None) -> int:
    """Answers; 1 when a chain could not be read."""
    window = read_window(asked.on, read_zone(out, asked.time_zone), datetime.now(UTC))

    async def ask(desk: StoreDesk) -> AccessOn:
        person = PersonKey((await find_person(desk.state, asked.person, or_id=True)).id) if asked.person else None
        profile = (await find_profile(desk.state, asked.profile, or_id=True))[0] if asked.profile else None
        return await read_access(desk, window, person, profile)

    found = on_store(ask, doing="Reading the ledger")
    out.note(*_bounds(found, window, of_person=bool(asked.person)))
    out.note(*(f"{one.key} could not be read, and is not told of: {one.why}" for one in found.unreadable))
    things = access_rows(found, window, asked.on)
    answer = Answer(
        "export-access",
        access_body(found, window, things),
        [],
        Rows.of(COLUMNS, things),
        complete=not found.unreadable,
        status=Status.FAILED if found.unreadable else Status.DONE,
    )
    if out.form is not Form.TABLE and to is None:
        return out.answer(answer)
    text = "".join(as_json(one, pretty=False) for one in things) if lines else as_csv(answer.rows)
    if to is None:
        out.say(text)
    else:
        # Excel takes a file for one of its own code page, unless it begins with the mark of UTF-8.
        to.write_text(text, encoding="utf-8" if lines else "utf-8-sig")
    return answer.status


def _bounds(found: AccessOn, window: Window, *, of_person: bool) -> Iterable[str]:
    """What the ledger cannot know, so that nobody takes its silence for an answer."""
    since = found.known.since
    if "person" in found.not_named:
        yield "No record names this person."
    if "profile" in found.not_named:
        yield f"No record{' of this person' * of_person} names this profile."
    if since is None and not of_person and not found.unreadable:
        yield "This ledger has no record of anybody: is INVOICE_ACCESS_STORE the store that the app uses?"
    elif since is not None and window.start < since:
        knows = "no more" if found.held or found.unmanaged else "nothing"
        yield f"This ledger begins {shown(since)}; of what was before, it knows {knows}."
    if not found.roles.is_recorded(window):
        began = found.roles.recorded_from
        before = "" if began is None else f" before {shown(began)}"
        yield f"Owners, contributors, readers and account roles: not recorded{before}."
