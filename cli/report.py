"""`report`: what the latest sweep found, counted, held and could not do, in all its figures.

Lives here: the words and the order of a report for people. What is in one is the sweep's;
it is read from the store as it was written, which is all that the command needs of the settings.
"""

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from cli.answer import Answer, counted
from cli.faults import Fault
from cli.operating import StoreDesk, on_store, shown
from cli.out import Out
from cli.sighted import lasted
from shared.answers.documents import Rows
from shared.answers.watch import leaver_days_body
from shared.domain.history.findings import Finding
from shared.domain.history.leavers import PERIOD_DAYS, LeaverDay, figures_of
from shared.domain.history.report import Labels, Report
from shared.domain.keys import ProfileKey
from shared.domain.reasons import Reason
from shared.wording.say import say, with_text

_NONE: Final = "no sweep has stored a report"
_MEND: Final = (
    "None may have run yet (they run hourly, unless SWEEP_SCHEDULE says otherwise); else: is INVOICE_ACCESS_STORE the "
    "store that the app uses?"
)

_WHERE: Final = ("account", "profile", "principal", "rule", "key")
"""What a finding is about, as far as it says."""


def tell_report(out: Out) -> int:
    """Prints the report; 1 when there is none."""
    report, days = on_store(_latest)
    if report is None:
        raise Fault(_NONE, code="no-report", mend=_MEND)
    body = json.loads(json.dumps(report, default=_plain)) | {"leaver_days": leaver_days_body(days)}
    rows = Rows.of(("kind", *_WHERE, "text"), body["findings"])
    lines = [*_lines(report), *_leavers(days)]
    return out.answer(Answer("report", body, lines, rows, as_of=report.started, complete=report.complete))


async def _latest(desk: StoreDesk) -> tuple[Report | None, Sequence[LeaverDay]]:
    days = (await desk.state.leaver_days()).days[-PERIOD_DAYS:]
    return next(iter(await desk.state.reports(1)), None), days


def _leavers(days: Sequence[LeaverDay]) -> Iterator[str]:
    """How long access outlasted the work, for each of the last days on which anybody's was gone."""
    for day in days:
        figures = figures_of(day)
        if figures is not None:
            yield (
                f"Who left, gone on {day.day}: {counted(figures.count, 'person', 'people')}, after "
                f"{lasted(figures.p50)} (p95 {lasted(figures.p95)}, longest {lasted(figures.longest)})"
            )


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
