"""What telemetry is told of a check: its place in a trace, and what it measured. Nothing is decided here."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final

from shared.domain.keys import chain_key
from shared.domain.work import CauseKind, WorkItem
from shared.services.app import App, Check
from shared.telemetry import Measure, Span, Telling

_ONE_OF_MANY: Final = frozenset({CauseKind.SCHEDULE, CauseKind.WAIT, CauseKind.SWEEP})
"""Checks that begin a trace of their own, linked to the one that they follow from: it may be months old, or have
thousands of such checks. All others go on with it."""


def goes_on(app: App, item: WorkItem, trace: str) -> AbstractContextManager[Telling]:
    """The span of a check that came with a trace."""
    if item.cause.kind in _ONE_OF_MANY:
        return app.telemetry.span(Span.RECONCILE, links=(trace,))
    return app.telemetry.span(Span.RECONCILE, parent=trace)


def tell_check(app: App, tell: Telling, item: WorkItem, check: Check, began: datetime, ended: datetime) -> None:
    """Says how a check ended, in its span and in the measures."""
    cause, outcome = item.cause.kind.value, check.outcome.value
    tell(key=chain_key(item.key), cause=cause, attempt=item.attempt, outcome=outcome)
    app.telemetry.measure(Measure.CHECKS, 1, outcome=outcome, cause=cause)
    app.telemetry.measure(Measure.CHECK_SECONDS, (ended - began).total_seconds(), outcome=outcome)
    for action in check.told.actions:
        app.telemetry.measure(Measure.ACTIONS, 1, action=action.action.value, outcome=action.outcome.value)
    if check.told.leaver is not None:
        app.telemetry.measure(Measure.LEAVER_CLOCK, check.told.leaver.seconds(ended))
