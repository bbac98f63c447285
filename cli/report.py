"""`report [--json]`: what the latest sweep found, counted, held and could not do.

Lives here: the words and the order of a report for people. What is in one is the sweep's;
it is read from the store as it was written, which is all that the command needs of the settings.
"""

import argparse
import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from cli import terminal
from cli.operating import DONE, REFUSED, counted, misconfigured, open_store, shown
from cli.terminal import complaints
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
        out.print(json.dumps({**report, "findings": [*map(_for_programs, report["findings"])]}, indent=2))
        return DONE
    for line in _lines(report):
        out.print(line)
    return DONE


async def _latest() -> Mapping[str, Any] | None:
    async with open_store() as desk:
        return next(iter(await desk.state.reports(1)), None)


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    """The report for people."""
    yield f"Sweep {report['sweep']}, {shown(datetime.fromisoformat(report['started']))}, {report['seconds']} s"
    failures = report["failures"]
    yield (
        "Complete: everything could be read."
        if report["complete"]
        else f"INCOMPLETE: {counted(len(failures), 'read')} failed:"
    )
    for failure in failures:
        yield f"  {_read(failure)}"
    for title, name in (("Counted", "counts"), ("Drifted", "drift")):
        yield f"{title}: {_figures(report[name])}"
    yield f"Checks asked for: {report['enqueued']:,}"
    yield f"Pause: {', '.join(report['pauses']) or 'off'}"
    holds = report["holds"]
    for status in ("open", "released", "dismissed"):
        yield f"Holds, {status}: {_figures(holds[status])}"
    for group, size in sorted(holds["groups"].items()):
        yield f"  group {group}: {size:,}"
    for kind, (wanted, left) in sorted(report["would_hold"].items()):
        yield f"Enforcing everything would hold {kind}: {wanted:,} wanted, {left:,} left"
    for failure in report["not_kept"]:
        yield f"Not kept: {_read(failure)}"
    yield f"Findings: {len(report['findings']):,}"
    for finding in report["findings"]:
        about = ", ".join(f"{what} {finding[what]}" for what in _WHERE if what in finding)
        yield f"  {finding['kind']}{f', {about}' * bool(about)}: {_read(finding['why'])}"


def _for_programs(finding: Mapping[str, Any]) -> dict[str, Any]:
    why = Reason.read(finding["why"])
    return {name: value for name, value in finding.items() if name != "why"} | with_text(why)


def _read(reason: object) -> str:
    return say(Reason.read(reason))


def _figures(figures: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in figures.items()) or "none"
