"""What telemetry is told of a sweep: what its report says, as measures. Nothing is decided here."""

from shared.domain.history.report import Report
from shared.domain.policy.model import ActionKind
from shared.services.app import App
from shared.telemetry import Measure, Telling


def tell_sweep(app: App, tell: Telling, report: Report) -> None:
    """Says what a sweep found, in its span and in the measures."""
    complete = "yes" if report.complete else "no"
    tell(complete=report.complete, enqueued=report.enqueued)
    measure = app.telemetry.measure
    measure(Measure.SWEEPS, 1, complete=complete)
    measure(Measure.SWEEP_SECONDS, report.seconds)
    for kind, keys in report.drift.items():
        measure(Measure.DRIFT, keys, kind=kind)
    labels = report.feed_check.labels
    measure(Measure.DRIFT_ANNOUNCED, labels.announced, announced="yes")
    measure(Measure.DRIFT_ANNOUNCED, labels.never_announced, announced="no")
    for action, room in report.guards.items():
        measure(Measure.LIMIT_USED, 1 - room.left / room.limit if room.limit else 1, kind=action.value)
    for action in ActionKind:  # none is told of as well, or the last figure would stand
        measure(Measure.HOLDS, report.holds.open.get(action, 0), kind=action.value)
    measure(Measure.PAUSES, len(report.pauses))
