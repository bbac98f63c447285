"""`report [--json]`: what the latest sweep found, counted, held and could not do.

Lives here: the words and the order of a report for people. What is in one is the sweep's;
it is read from the store as it was written, which is all that the command needs of the settings.
"""

import argparse
import asyncio
import dataclasses
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from cli import terminal
from cli.operating import DONE, REFUSED, counted, misconfigured, open_store, shown
from cli.terminal import complaints
from shared.domain.history.findings import Finding
from shared.domain.history.report import Labels, Report
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Reason
from shared.errors import Misconfigured, Permanent, Transient
from shared.wording.say import say, with_text

_REPORT: Final = "Prints the latest sweep's report. The exit status is 1 when no sweep has stored one."

_NONE: Final = (
    "No sweep has stored a report: none may have run yet (they run hourly, unless SWEEP_SCHEDULE says otherwise); "
    "else: is INVOICE_ACCESS_STORE the store that the app uses?"
)

_WHERE: Final = ("account", "profile", "principal", "rule", "key")
"""What a finding is about, as far as it says."""


def add_to(commands: Any) -> None:
    """Adds the command to the command line."""
    parser = commands.add_parser("report", help="what the latest sweep found", description=_REPORT)
    parser.add_argument("--json", action="store_true", help="the report for programs")
    parser.set_defaults(run=run)


def run(chosen: argparse.Namespace) -> int:
    """Prints the report; 0, or 1 when there is none."""
    say = complaints()
    try:
        report = asyncio.run(_latest())
    except Misconfigured as mistake:
        return misconfigured(mistake)
    except (Transient, Permanent) as failure:
        say.print(f"{failure}", markup=False, soft_wrap=True)
        return REFUSED
    if report is None:
        say.print(_NONE, markup=False, soft_wrap=True)
        return REFUSED
    out = terminal.out()
    if chosen.json:
        out.print(json.dumps(report, indent=2, default=_plain))
        return DONE
    for line in _lines(report):
        out.print(line)
    return DONE


async def _latest() -> Report | None:
    async with open_store() as desk:
        return next(iter(await desk.state.reports(1)), None)


def _lines(report: Report) -> Iterator[str]:
    """The report for people."""
    yield f"Sweep {report.sweep}, {shown(report.started)}, {report.seconds} s"
    yield (
        "Complete: everything could be read."
        if report.complete
        else f"INCOMPLETE: {counted(len(report.failures), 'read')} failed:"
    )
    for failure in report.failures:
        yield f"  {say(failure)}"
    yield f"Counted: {_figures(dataclasses.asdict(report.counts))}"
    yield f"Drifted: {_figures(report.drift)}"
    yield f"Checks asked for: {report.enqueued:,}"
    yield f"Pause: {', '.join(report.pauses) or 'off'}"
    holds = report.holds
    for status, figures in (("open", holds.open), ("released", holds.released), ("dismissed", holds.dismissed)):
        yield f"Holds, {status}: {_figures(figures)}"
    for group, size in sorted(holds.groups.items()):
        yield f"  group {group}: {size:,}"
    for kind, room in sorted(report.would_hold.items()):
        yield f"Enforcing everything would hold {kind}: {room.wanted:,} wanted, {room.left:,} left"
    for failure in report.not_kept:
        yield f"Not kept: {say(failure)}"
    yield f"Findings: {len(report.findings):,}"
    for finding in report.findings:
        about = ", ".join(f"{what} {where}" for what in _WHERE if (where := getattr(finding, what)))
        yield f"  {finding.kind}{f', {about}' * bool(about)}: {say(finding.why)}"


def _figures(figures: Mapping[Any, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in figures.items()) or "none"


def _plain(value: Any) -> object:
    """A part of a report as JSON. A finding has its reason's text, code and facts beside what it is about."""
    match value:
        case Reason():
            return with_text(value)
        case datetime():
            return value.isoformat()
        case ProfileKey():
            return str(value)
        case Finding():
            about = {each.name: getattr(value, each.name) for each in dataclasses.fields(value) if each.name != "why"}
            return {name: one for name, one in about.items() if one} | with_text(value.why)
        case Labels():
            return {**dataclasses.asdict(value), "ratio": value.ratio}
        case _:
            return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
