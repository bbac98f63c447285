"""`as-of --on DAY`: who had managed access on a day, since when and by what; and what was there that is not managed.

It reads the store alone. Times are in UTC; a day is a day where the policy's time zone is, or `--time-zone`.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from cli.faults import UsageError
from cli.operating import (
    BAD_ARGUMENTS,
    DONE,
    REFUSED,
    counted,
    misconfigured,
    open_store,
    shown,
)
from cli.terminal import Terminal, complaints
from shared import bootstrap
from shared.domain.history.spells import Spell, Window
from shared.domain.history.unmanaged_sightings import UnmanagedSpell
from shared.domain.keys import PersonKey, ProfileKey
from shared.domain.time_zones import zone as time_zone
from shared.errors import Misconfigured, Permanent, Transient
from shared.services.operate.as_of import HeldOn, Known, Unreadable, check_further, held_on, unmanaged_on
from shared.wording.say import say, with_text

_DAY_CHARACTERS: Final = len("2026-03-02")

_FILE_COLUMNS: Final = 320
"""What is not a terminal gets each assignment on a line of its own: names of profiles alone take 100."""

_REMEDY: Final = "give a day such as 2026-03-02, or a moment with its offset such as 2026-03-02T09:00+01:00"


@dataclass(slots=True)
class _Answer:
    """What was found, and what was asked for by name that no record names."""

    held: list[HeldOn] = field(default_factory=list)
    unmanaged: list[UnmanagedSpell] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    known: Known = field(default_factory=Known)
    not_named: list[str] = field(default_factory=list)


def add_to(commands: Any) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser("as-of", help="who had managed access on a day", description=__doc__)
    parser.add_argument("--on", required=True, metavar="DAY", help="2026-03-02, or a moment: 2026-03-02T09:00+01:00")
    parser.add_argument("--time-zone", metavar="NAME", help="where the day is a day (default: the policy's)")
    parser.add_argument("--person", metavar="OBJECT-ID", help="only this person")
    parser.add_argument("--profile", metavar="ACCOUNT/PROFILE", help="only this billing profile")
    parser.add_argument("--json", action="store_true", help="for programs, with everything that is known")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Answers; 0, or 1 when a chain could not be read."""
    say = complaints()
    try:
        window = read_window(chosen.on, _zone(chosen.time_zone), datetime.now(UTC))
        answer = asyncio.run(_ask(window, _person(chosen.person), _profile(chosen.profile)))
    except Misconfigured as mistake:
        return misconfigured(mistake)
    except UsageError as mistake:
        say.print(str(mistake), markup=False, soft_wrap=True)
        return BAD_ARGUMENTS
    except (Transient, Permanent) as failure:
        say.print(f"{failure}", markup=False, soft_wrap=True)
        say.print("Nothing is said of that day; give the command again.", soft_wrap=True)
        return REFUSED
    if chosen.json:
        print(json.dumps(_as_json(answer, window), indent=2, default=with_text))  # noqa: T201 - a command line prints
    else:
        _tell(answer, window)
        _tell_bounds(answer, window, of_person=chosen.person is not None)
    for chain in answer.unreadable:
        say.print(f"{chain.key} could not be read, and is not told of: {chain.why}", markup=False, soft_wrap=True)
    return REFUSED if answer.unreadable else DONE


async def _ask(window: Window, person: PersonKey | None, profile: ProfileKey | None) -> _Answer:
    answer = _Answer()
    known = answer.known
    async with open_store() as desk:
        ledger, state = desk.ledger, desk.state
        async for held in held_on(ledger, state, window, person=person, profile=profile, known=known):
            if isinstance(held, Unreadable):
                answer.unreadable.append(held)
            else:
                answer.held.append(held)
        async for unmanaged in unmanaged_on(ledger, state, window, person=person, profile=profile, known=known):
            if isinstance(unmanaged, Unreadable):
                answer.unreadable.append(unmanaged)
            else:
                answer.unmanaged.append(unmanaged)
        further = await check_further(ledger, known, person=person, profile=profile)
    answer.unreadable += [] if further is None else [further]
    if answer.unreadable:
        return answer  # what cannot be read may name them
    if person is not None and not known.person:
        answer.not_named.append("person")
    elif profile is not None and not known.profile:
        answer.not_named.append("profile")
    return answer


def read_window(text: str, zone: ZoneInfo, now: datetime) -> Window:
    """The day or moment of `--on`. Raises `UsageError` for anything else, and for what is yet to come."""
    try:
        if len(text) <= _DAY_CHARACTERS:
            window = Window.of_day(date.fromisoformat(text), zone)
        else:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None:
                raise UsageError(f"--on: {text!r} does not say of which time zone; {_REMEDY}")
            window = Window.of_moment(moment.astimezone(UTC))
    except (ValueError, OverflowError) as wrong:
        raise UsageError(f"--on: {text!r} is no day and no moment; {_REMEDY}") from wrong
    if window.start > now:
        raise UsageError(f"--on: {text!r} is yet to come; what somebody will hold is not known")
    return window


def _zone(name: str | None) -> ZoneInfo:
    """The time zone asked for, or the policy's; UTC where there is no policy to read, as with an auditor."""
    try:
        if name is not None:
            return time_zone(name)
    except ValueError as wrong:
        raise UsageError(f"--time-zone: {wrong}") from wrong
    try:
        return bootstrap.read_policy(os.environ).time_zone
    except Misconfigured:
        complaints().print("No policy could be read: a day is a day in UTC here, unless --time-zone says otherwise.")
        return time_zone("UTC")


def _person(text: str | None) -> PersonKey | None:
    try:
        return None if text is None else PersonKey(text)
    except ValueError as wrong:
        raise UsageError(f"--person: {wrong}") from wrong


def _profile(text: str | None) -> ProfileKey | None:
    try:
        return None if text is None else ProfileKey.parse(text)
    except ValueError as wrong:
        raise UsageError(f"--profile: {wrong}") from wrong


def _as_json(answer: _Answer, window: Window) -> dict[str, Any]:
    return {
        "from": window.start.isoformat(),
        "to": window.end.isoformat(),
        "known_from": None if answer.known.since is None else answer.known.since.isoformat(),
        "not_named": answer.not_named,
        "managed": [{"person": one.person, **one.spell.as_record(window)} for one in answer.held],
        "unmanaged": [one.as_record(window) for one in answer.unmanaged],
        "unreadable": [{"key": one.key, "why": one.why} for one in answer.unreadable],
    }


def _tell(answer: _Answer, window: Window) -> None:
    out = _out()
    when = (
        f"at {shown(window.start)}" if window.start == window.end else f"{shown(window.start)} to {shown(window.end)}"
    )
    out.print(f"Managed, {when}: {counted(len(answer.held), 'assignment')}", soft_wrap=True)
    if answer.held:
        rows = [
            (one.person, str(one.spell.profile), *_spell(one.spell, window), one.certainty.value) for one in answer.held
        ]
        out.print(_table(("person", "profile", "since", "by", "until", "certainty"), rows))
    out.print(f"\nUnmanaged, as sweeps saw it: {counted(len(answer.unmanaged), 'assignment')}", soft_wrap=True)
    if answer.unmanaged:
        out.print(
            _table(
                ("principal", "profile", "why", "first seen", "last seen"),
                [
                    (one.principal_id, str(one.profile), say(one.why), shown(one.first), _last(one))
                    for one in answer.unmanaged
                ],
            )
        )


def _tell_bounds(answer: _Answer, window: Window, *, of_person: bool) -> None:
    """What the ledger cannot know, so that nobody takes its silence for an answer."""
    since = answer.known.since
    said = []
    if "person" in answer.not_named:
        said.append("No record names this person.")
    if "profile" in answer.not_named:
        said.append(f"No record{' of this person' * of_person} names this profile.")
    if since is None and not of_person and not answer.unreadable:
        said.append("This ledger has no record of anybody: is INVOICE_ACCESS_STORE the store that the app uses?")
    elif since is not None and window.start < since:
        knows = "no more" if answer.held or answer.unmanaged else "nothing"
        said.append(f"This ledger begins {shown(since)}; of what was before, it knows {knows}.")
    for line in said:
        _out().print(f"\n{line}", soft_wrap=True)


def _spell(spell: Spell, window: Window) -> tuple[str, str, str]:
    """Since, by what and until, for people."""
    began, ended = spell.began, spell.ended
    since = began.at if began.at is not None else began.earliest
    rules = ", ".join(spell.rules_on(window)) or "no rule known"
    event = " ".join(part for part in (began.cause, began.event_type, began.origin) if part)
    by = [f"{began.how.value}: {rules}", event, f"by {began.by}" if began.by else "", f"record {began.record}"]
    until = "" if ended is None else f"{shown(ended.at)}, {ended.how.value}"
    if ended is None and spell.seen is not None:
        until = f"last seen {shown(spell.seen)}"
    return "" if since is None else shown(since), "\n".join(part for part in by if part), until


def _last(spell: UnmanagedSpell) -> str:
    return shown(spell.last) if spell.left is None else f"{shown(spell.last)}, then {spell.left.value}"


def _out() -> Console:
    """Where answers go: as wide as the terminal, or as a file's lines may be."""
    return Terminal(width=None if sys.stdout.isatty() else _FILE_COLUMNS)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table
